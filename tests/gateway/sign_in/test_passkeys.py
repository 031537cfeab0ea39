from __future__ import annotations

import copy
import random
from typing import Any

import httpx
import pytest

from gateway.accounts import disable_account
from regions.errors import SecondFactorRequired, Unauthenticated
from tests.gateway.central_store import PASSWORD, bearer
from tests.gateway.sign_in.authenticator import Authenticator, b64, unb64
from tests.gateway.sign_in.routes import ATTEMPTS, Gateway, Run, code

ORIGIN = "https://gateway.example.org"
KEYS = "/sign-in/passkeys"


async def post(gateway: Gateway, path: str, token: str, body: Any) -> httpx.Response:
    return await gateway.post(path, body, headers={"authorization": f"Bearer {token}"})


async def register(gateway: Gateway, device: Authenticator, **more: Any) -> dict[str, Any]:
    """Registers a passkey by password; what was answered, with the token."""
    token = (await gateway.ask(**more)).json()["token"]
    options = (await post(gateway, KEYS, token, {})).json()
    made = {"credential": device.make(options), "name": "a key"}
    answer = await post(gateway, KEYS, token, made)
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "token": token}


async def challenge(gateway: Gateway) -> dict[str, Any]:
    options: dict[str, Any] = (await gateway.post(f"{KEYS}/challenge", {})).json()
    return options


async def sign_in(gateway: Gateway, assertion: Any, **more: Any) -> httpx.Response:
    return await gateway.post("/sign-in", {"assertion": assertion, **more})


def test_a_passkey_signs_in_alone_and_beside_a_password(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        made = await register(gateway, device)
        assert len(made["recoveryCodes"]) == 10
        assert gateway.sessions.viewer(bearer(made["token"]))

        options = await challenge(gateway)
        assert (options["rpId"], options["allowCredentials"], options["userVerification"]) == (
            *("gateway.example.org", [], "required"),
        )
        alone = await sign_in(gateway, device.sign(options))
        assert (alone.status_code, alone.json()["secondFactor"]) == (200, "PASSKEY")
        assert alone.json()["account"] == "nanjing"

        given = {"account": "nanjing", "password": PASSWORD}
        assert (await gateway.ask()).status_code == 401  # a password alone is not enough any more
        signed = device.sign(await challenge(gateway))
        beside = await sign_in(gateway, signed, **given)
        assert (beside.status_code, beside.json()["secondFactor"]) == (200, "PASSKEY")
        wrong = device.sign(await challenge(gateway))
        refused = await sign_in(gateway, wrong, **{**given, "password": "wrong horse"})
        assert (refused.status_code, code(refused)) == (401, "SIGN_IN_FAILED")
        recovered = await gateway.ask(code=made["recoveryCodes"][0])
        assert recovered.json()["secondFactor"] == "RECOVERY_CODE"

    run(body)


def test_an_administrator_may_enrol_a_passkey_instead_of_codes(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.world.sql("UPDATE accounts SET role = 'SECURITY_ADMINISTRATOR'")
        token = (await gateway.ask()).json()["token"]
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))
        device = Authenticator(ORIGIN)
        options = (await post(gateway, KEYS, token, {})).json()
        made = await post(gateway, KEYS, token, {"credential": device.make(options)})
        assert made.status_code == 200
        assert gateway.sessions.viewer(bearer(token))
        alone = await sign_in(gateway, device.sign(await challenge(gateway)))
        assert alone.json()["mustEnrol"] is False

    run(body)


def test_a_challenge_is_good_once(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        await register(gateway, device)
        options = await challenge(gateway)
        assert (await sign_in(gateway, device.sign(options))).is_success
        assert (await sign_in(gateway, device.sign(options))).status_code == 401
        late = await challenge(gateway)
        gateway.world.clock.now += 301
        assert (await sign_in(gateway, device.sign(late))).status_code == 401
        foreign = {"challenge": b64(b"c" * 32), "rpId": "gateway.example.org"}
        assert (await sign_in(gateway, device.sign(foreign))).status_code == 401

    run(body)


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://gateway.example.org.evil.example"},
        {"origin": "http://gateway.example.org"},
        {"rp": "evil.example"},
        {"type": "webauthn.create"},
        {"handle": b64(b"somebody else")},
    ],
)
def test_what_was_signed_for_something_else(run: Run, changed: dict[str, str]) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.sign_in._attempts = 100
        device = Authenticator(ORIGIN)
        await register(gateway, device)
        signed = device.sign(await challenge(gateway), **changed)
        answer = await sign_in(gateway, signed)
        assert (answer.status_code, code(answer)) == (401, "SIGN_IN_FAILED")
        assert (await sign_in(gateway, device.sign(await challenge(gateway)))).is_success

    run(body)


def test_a_copy_of_a_key_is_noticed_by_its_count(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        await register(gateway, device)
        stolen = copy.copy(device)
        for _ in range(2):
            assert (await sign_in(gateway, device.sign(await challenge(gateway)))).is_success
        refused = await sign_in(gateway, stolen.sign(await challenge(gateway)))
        assert refused.status_code == 401

    run(body)


def test_another_device_with_the_same_id_is_refused(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device, other = Authenticator(ORIGIN), Authenticator(ORIGIN)
        await register(gateway, device)
        other.id, other.handle = device.id, device.handle
        assert (await sign_in(gateway, other.sign(await challenge(gateway)))).status_code == 401

    run(body)


def test_a_key_that_only_wants_a_touch_is_not_taken(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        options = (await post(gateway, KEYS, token, {})).json()
        made = Authenticator(ORIGIN, verifies=False).make(options)
        answer = await post(gateway, KEYS, token, {"credential": made})
        assert (answer.status_code, code(answer)) == (400, "INVALID_INPUT")
        assert "must verify its user" in answer.json()["error"]["message"]

    run(body)


def test_registering_is_bound_to_account_origin_and_challenge(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.world.do(
            lambda c: c.exec_driver_sql(
                "INSERT INTO accounts (account, name, role, unit_id, unit_name, unit_level, code, "
                "password_hash, valid_until, renewed_at, renew_by, created_at) SELECT 'other', "
                "name, role, unit_id, unit_name, unit_level, code, password_hash, valid_until, "
                "renewed_at, renew_by, created_at FROM accounts"
            )
        )
        mine = (await gateway.ask()).json()["token"]
        others = (await gateway.ask("other")).json()["token"]
        device = Authenticator(ORIGIN)
        options = (await post(gateway, KEYS, mine, {})).json()
        made = {"credential": device.make(options)}
        refused = await post(gateway, KEYS, others, made)
        assert "none of yours" in refused.json()["error"]["message"]
        again = await post(gateway, KEYS, mine, made)  # used up by who it was not for
        assert again.status_code in (200, 400)
        options = (await post(gateway, KEYS, mine, {})).json()
        wrong = device.make(options, origin="https://evil.example")
        answer = await post(gateway, KEYS, mine, {"credential": wrong})
        assert code(answer) == "INVALID_INPUT"

    run(body)


def test_listing_and_removing(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        token = (await register(gateway, device))["token"]
        twice = device.make((await post(gateway, KEYS, token, {})).json())
        answer = await post(gateway, KEYS, token, {"credential": twice})
        assert "registered already" in answer.json()["error"]["message"]
        headers = {"authorization": f"Bearer {token}"}
        (one,) = (await gateway.get(KEYS, headers)).json()["passkeys"]
        assert (one["id"], one["name"], one["lastUsedAt"]) == (b64(device.id), "a key", None)
        other = (await sign_in(gateway, device.sign(await challenge(gateway)))).json()["token"]
        assert (await gateway.delete(f"{KEYS}/{one['id']}", headers)).status_code == 204
        assert (await gateway.delete(f"{KEYS}/{one['id']}", headers)).status_code == 404
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(other))
        assert (await sign_in(gateway, device.sign(await challenge(gateway)))).status_code == 401
        assert (await gateway.ask()).status_code == 200

    run(body)


def test_locks_and_states_hold_for_passkeys_too(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        await register(gateway, device)
        for number in range(ATTEMPTS):
            await gateway.ask(password="wrong horse", address=f"192.0.2.{number + 50}")
        locked = await sign_in(gateway, device.sign(await challenge(gateway)))
        assert locked.status_code == 429
        gateway.world.clock.now += 5_000
        assert (await sign_in(gateway, device.sign(await challenge(gateway)))).is_success
        await gateway.world.do(disable_account, "nanjing")
        assert (await sign_in(gateway, device.sign(await challenge(gateway)))).status_code == 401

    run(body)


def test_everything_is_logged(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        await register(gateway, device)
        await sign_in(gateway, device.sign(await challenge(gateway)))
        await sign_in(gateway, {"id": "x"})
        assert gateway.logged() == [
            ("signIn", "nanjing", "OK"),
            ("passkeyBegin", "nanjing", "OK"),
            ("passkeyAdd", "nanjing", "OK"),
            ("signIn", "nanjing", "OK"),
            ("signIn", "", "REFUSED"),
        ]

    run(body)


def spoilt(signed: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The credential with one part changed: a byte flipped, cut off, another type, left out."""
    made = copy.deepcopy(signed)
    within = made["response"] if chance.random() < 0.8 else made
    name = chance.choice(sorted(within))
    value = within[name]
    kind = chance.randrange(4)
    if kind == 0:
        del within[name]
    elif kind == 1 or not isinstance(value, str):
        within[name] = chance.choice([None, 7, [], {}, "", "!", "é", [value], True])
    elif kind == 2:
        within[name] = value[: chance.randrange(len(value))]
    else:
        raw = bytearray(unb64(value)) or bytearray(b"x")
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        within[name] = b64(bytes(raw))
    return made


def proof(credential: dict[str, Any]) -> list[Any]:
    """What is signed, the signature, and whose it is."""
    response = credential.get("response")
    parts = ("clientDataJSON", "authenticatorData", "signature")
    told = [response.get(name) for name in parts] if isinstance(response, dict) else []
    # The last character of base64 may have bits that mean nothing.
    return [credential.get("id"), *(unb64(one) if isinstance(one, str) else one for one in told)]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_nothing_spoilt_is_taken_and_nothing_fails_without_a_name(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.sign_in._attempts = 10_000
        device, chance = Authenticator(ORIGIN), random.Random(7)
        token = (await register(gateway, device))["token"]
        for _ in range(150):
            signed = device.sign(await challenge(gateway))
            wrong = spoilt(signed, chance)
            answer = await sign_in(gateway, wrong)
            assert answer.status_code == 401 or proof(wrong) == proof(signed), wrong
            options = (await post(gateway, KEYS, token, {})).json()
            fresh = Authenticator(ORIGIN).make(options)
            kept = await post(gateway, KEYS, token, {"credential": spoilt(fresh, chance)})
            assert kept.status_code in (200, 400), kept.text
            gateway.world.sql("DELETE FROM passkeys WHERE name = 'passkey'")  # an account has ten
        assert (await sign_in(gateway, device.sign(await challenge(gateway)))).is_success

    run(body)
