from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from gateway.accounts import disable_account
from gateway.clients import add_client, find_client, public_keys, set_disabled, set_keys, set_scope
from regions.errors import InvalidInput, NotFound, Unauthenticated
from tests.gateway.central_store import START, bearer
from tests.gateway.sign_in.keys import AUDIENCE, KEYS, assertion, form, jwks
from tests.gateway.sign_in.routes import Gateway, Run, gateway
from tests.gateway.sign_in.routes import code as code_of

SYSTEM = "nanjing"


async def system(gateway: Gateway, regions: str = "320100", actions: str = "READ,REGISTER") -> None:
    gateway.world.sql("UPDATE accounts SET role = 'REGIONAL_SYSTEM'")
    await gateway.world.do(
        lambda connection: add_client(
            connection,
            SYSTEM,
            jwks=jwks(*KEYS),
            regions=regions.split(","),
            actions=actions.split(","),
        )
    )


async def ask(gateway: Gateway, signed: str, **more: str) -> httpx.Response:
    return await gateway.post("/token", data=form(signed, **more))


@pytest.mark.parametrize("alg", KEYS)
def test_a_key_gives_a_token_of_a_narrower_viewer(run: Run, alg: str) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        answer = await ask(gateway, assertion(SYSTEM, START, alg=alg))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        token = told.pop("access_token")
        assert told == {
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "READ REGISTER region:320100",
        }
        viewer = gateway.sessions.viewer(bearer(token))
        assert viewer
        assert (viewer.account, viewer.code) == (SYSTEM, "320100")
        assert viewer.actions == frozenset({"READ", "REGISTER"})
        gateway.world.clock.now += 901
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(token))
        assert gateway.logged() == [("token", SYSTEM, "OK")]

    run(body)


@pytest.mark.parametrize(
    ("wanted", "code", "actions"),
    [
        ("region:320102", "320102", {"READ", "REGISTER"}),
        ("READ region:320100", "320100", {"READ"}),
        ("read register", "320100", {"READ", "REGISTER"}),
        ("CORRECT", None, "this client has no CORRECT"),
        ("region:320200", None, "lies outside"),
        ("region:320000", None, "lies outside"),
        ("region:000000", None, "lies outside"),
        ("region:32010２", None, "lies outside"),
        ("region:", None, "lies outside"),
        ("region:320102 region:320104", None, "for one region"),
    ],
)
def test_scopes(run: Run, wanted: str, code: str | None, actions: Any) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        answer = await ask(gateway, assertion(SYSTEM, START), scope=wanted)
        if code is None:
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
            assert actions in answer.json()["error_description"]
            return
        viewer = gateway.sessions.viewer(bearer(answer.json()["access_token"]))
        assert viewer
        assert (viewer.code, viewer.actions) == (code, actions)

    run(body)


def test_of_several_regions_one_is_named(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway, regions="320102,320104")
        answer = await ask(gateway, assertion(SYSTEM, START))
        assert answer.json()["error_description"] == (
            "a token is for one region: name one, of region:320102, region:320104"
        )
        assert (await ask(gateway, assertion(SYSTEM, START), scope="region:320104")).is_success

    run(body)


def test_an_assertion_is_taken_once_in_whatever_worker(run: Run) -> None:
    async def body(one: Gateway) -> None:
        await system(one)
        async with gateway(one.world) as two:
            signed = assertion(SYSTEM, START)
            answers = await asyncio.gather(*(ask((one, two)[n % 2], signed) for n in range(10)))
            assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
            again = await ask(two, signed)
            assert again.json() == {
                "error": "invalid_client",
                "error_description": "this assertion was used before: its `jti`",
            }
            one.world.clock.now += 91  # and when it is forgotten it has expired
            assert (await ask(one, assertion(SYSTEM, one.world.clock.now))).is_success
            assert one.world.sql("SELECT count(*) FROM used_assertions") == [(2,)]
            one.world.clock.now += 2
            assert (await ask(one, assertion(SYSTEM, one.world.clock.now))).is_success
            assert one.world.sql("SELECT count(*) FROM used_assertions") == [(2,)]
            assert (await ask(two, signed)).status_code == 401

    run(body)


OTHER = ECKey.generate_key("P-256", {"kid": "es"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"key": OTHER}, "no key of this client"),
        ({"head": {"kid": "ed"}}, ""),
        ({"alg": "HS256", "key": OctKey.import_key("s" * 40)}, "no key of this client"),
        ({"iss": "somebody"}, "`iss` and `sub`"),
        ({"aud": "https://elsewhere.example.org/token"}, "`aud` must be"),
        ({"aud": ["https://elsewhere.example.org", AUDIENCE]}, ""),
        ({"aud": "https://gateway.example.org"}, ""),
        ({"aud": None}, "`aud` must be"),
        ({"aud": [1, {}]}, "`aud` must be"),
        ({"exp": None}, "`exp` is missing"),
        ({"exp": START - 31}, "expired"),
        ({"exp": START - 29}, ""),
        ({"exp": START + 331, "iat": None}, "more than 300 s ahead"),
        ({"exp": START + 290, "iat": START - 20}, "more than 300 s ahead"),
        ({"exp": True}, "seconds since 1970"),
        ({"exp": "soon"}, "seconds since 1970"),
        ({"exp": 1e300}, "seconds since 1970"),
        ({"iat": START + 31}, "`iat` lies ahead"),
        ({"nbf": START + 31}, "`nbf` lies ahead"),
        ({"jti": None}, "`jti` must be"),
        ({"jti": ""}, "`jti` must be"),
        ({"jti": "x" * 201}, "`jti` must be"),
        ({"jti": 7}, "`jti` must be"),
    ],
)
def test_what_an_assertion_must_say(run: Run, given: dict[str, Any], expected: str) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        answer = await ask(gateway, assertion(SYSTEM, START, **given))
        if not expected:
            assert answer.status_code == 200, answer.text
            return
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert expected in answer.json()["error_description"]
        assert gateway.world.sql("SELECT count(*) FROM sessions") == [(0,)]
        assert gateway.logged() == [("token", SYSTEM, "REFUSED")]

    run(body)


def unsigned(claims: dict[str, Any]) -> str:
    """With `alg: none`."""
    parts = [{"alg": "none"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*coded, b""]).decode()


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "a.b",
        "....",
        "é.é.é",
        unsigned({"iss": SYSTEM, "sub": SYSTEM, "aud": AUDIENCE, "exp": START + 60, "jti": "1"}),
        unsigned({"sub": 7}),
        unsigned({"sub": "x" * 200}),
    ],
)
def test_what_is_no_assertion(run: Run, signed: str) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        answer = await ask(gateway, signed)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "Traceback" not in answer.text

    run(body)


def test_an_unknown_client_gets_the_answer_of_a_wrong_key(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        unknown = await ask(gateway, assertion("nobody", START))
        wrong = await ask(gateway, assertion(SYSTEM, START, key=OTHER))
        await gateway.world.do(set_disabled, SYSTEM, True)
        disabled = await ask(gateway, assertion(SYSTEM, START))
        assert unknown.content == wrong.content == disabled.content
        assert [one.status_code for one in (unknown, wrong, disabled)] == [401] * 3
        assert [one[1] for one in gateway.logged()] == ["", SYSTEM, SYSTEM]

    run(body)


def test_who_must_not_gets_none(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        token = (await ask(gateway, assertion(SYSTEM, START))).json()["access_token"]
        gateway.world.sql("UPDATE accounts SET code = '320200'")
        with pytest.raises(Unauthenticated):  # good for a place that is the account's no more
            gateway.sessions.viewer(bearer(token))
        answer = await ask(gateway, assertion(SYSTEM, START))
        assert answer.json()["error"] == "invalid_scope"
        gateway.world.sql("UPDATE accounts SET code = '320100', role = 'UNIT_USER'")
        assert (await ask(gateway, assertion(SYSTEM, START))).status_code == 401
        gateway.world.sql("UPDATE accounts SET role = 'REGIONAL_SYSTEM'")
        await gateway.world.do(disable_account, SYSTEM)
        assert (await ask(gateway, assertion(SYSTEM, START))).status_code == 401

    run(body)


def test_a_key_is_changed_without_a_gap(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        do = gateway.world.do
        await do(set_keys, SYSTEM, jwks("ES256"))
        assert (await ask(gateway, assertion(SYSTEM, START, alg="Ed25519"))).status_code == 401
        token = (await ask(gateway, assertion(SYSTEM, START))).json()["access_token"]
        await do(set_keys, SYSTEM, jwks("ES256", "Ed25519"))
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(token))
        for alg in ("ES256", "Ed25519"):
            assert (await ask(gateway, assertion(SYSTEM, START, alg=alg))).is_success
        await do(set_keys, SYSTEM, jwks("Ed25519"))
        assert (await ask(gateway, assertion(SYSTEM, START))).status_code == 401
        assert (await ask(gateway, assertion(SYSTEM, START, alg="Ed25519"))).is_success
        await do(lambda c: set_scope(c, SYSTEM, regions=["320102"], actions=["read"]))
        found = await do(find_client, SYSTEM)
        assert (found.regions, found.actions, found.key_ids) == (("320102",), ("READ",), ["ed"])

    run(body)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"scope": ["READ", "REGISTER"]}, "invalid_request"),
    ],
)
def test_forms_of_another_kind(run: Run, changed: dict[str, Any], error: str) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        given = {**form(assertion(SYSTEM, START)), **changed}
        answer = await gateway.post("/token", data=given)
        assert answer.json()["error"] == error
        other = await gateway.post("/token", {"grant_type": "client_credentials"})
        assert other.json()["error"] == "invalid_request"

    run(body)


def test_without_a_log_no_token_is_given(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        gateway.log_path.rename(gateway.log_path.with_name("aside"))
        answer = await ask(gateway, assertion(SYSTEM, START))
        assert answer.status_code == 503
        live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
        assert gateway.world.sql(live) == [(0,)]

    run(body)


# What is taken on record ----------------------------------------------------------------------


def key(**members: Any) -> str:
    return json.dumps(dict(KEYS["Ed25519"].as_dict(private=False)) | members)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no keys"),
        ("[]", "no keys"),
        ("7", "no keys"),
        ('{"keys": 7}', "no keys"),
        ('{"keys": []}', "no keys|1 to 5"),
        ('{"kty": "OKP", "crv": "Ed25519", "x": "short"}', "no keys|is P-256"),
        (json.dumps(KEYS["ES256"].as_dict(private=True)), "private key"),
        (json.dumps(OctKey.import_key("s" * 40).as_dict()), "secret key"),
        (json.dumps(ECKey.generate_key("P-384").as_dict(private=False)), "is P-256"),
        (json.dumps({"keys": [json.loads(key())] * 2}), "one `kid`"),
        (json.dumps({"keys": [json.loads(key(kid=str(n))) for n in range(6)]}), "1 to 5"),
    ],
)
def test_keys_that_are_refused(text: str, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        public_keys(text)


def test_a_key_without_a_name_gets_one() -> None:
    given = json.loads(key())
    del given["kid"]
    (kept,) = json.loads(public_keys(json.dumps(given)))["keys"]
    assert len(kept["kid"]) > 20


def test_who_may_be_a_client(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        def add(account: str = SYSTEM, **more: Any) -> Any:
            given = {"jwks": jwks("Ed25519"), "regions": ["320100"], "actions": ["READ"]} | more
            return gateway.world.do(lambda c: add_client(c, account, **given))

        with pytest.raises(InvalidInput, match="not of a machine"):
            await add()
        gateway.world.sql("UPDATE accounts SET role = 'REGIONAL_SYSTEM'")
        with pytest.raises(NotFound):
            await add("nobody")
        for more, expected in (
            ({"regions": ["320200"]}, "outside the jurisdiction"),
            ({"regions": ["000000"]}, "outside the jurisdiction"),
            ({"regions": ["999999"]}, "no code of GB/T 2260"),
            ({"regions": []}, "no region"),
            ({"actions": ["FLY"]}, "FLY is no action"),
            ({"actions": [" "]}, "no action is given"),
        ):
            with pytest.raises(InvalidInput, match=expected):
                await add(**more)
        await add()
        with pytest.raises(InvalidInput, match="a client already"):
            await add()
        with pytest.raises(NotFound, match="no client"):
            await gateway.world.do(set_keys, "nobody", jwks("Ed25519"))

    run(body)


def headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_token_gets_its_account_no_other_way_in(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await system(gateway)
        assert (await gateway.ask()).status_code == 401  # a client's password opens nothing
        answer = await ask(gateway, assertion(SYSTEM, START))
        token = answer.json()["access_token"]
        for path in ("/sign-in/passkeys", "/sign-in/totp", "/sign-in/recovery-codes"):
            refused = await gateway.post(path, {}, headers=headers(token))
            assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN"), path
        for refused in (
            await gateway.get("/sessions", headers(token)),
            await gateway.delete("/sessions/" + "0" * 16, headers(token)),
            await gateway.get("/sign-in/passkeys", headers(token)),
        ):
            assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")
        assert gateway.world.sql("SELECT count(*) FROM challenges") == [(0,)]
        assert gateway.world.sql("SELECT count(*) FROM second_factors") == [(0,)]
        assert (await gateway.sign_out(token)).status_code == 204

    run(body)
