from __future__ import annotations

from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import event

from gateway.accounts import disable_account
from gateway.passwords import Passwords
from regions.errors import SecondFactorRequired, Unauthenticated
from tests.gateway.central_store import PASSWORD, START, bearer
from tests.gateway.sign_in.routes import Gateway, Run, code

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_at(offset: float, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(int(START + offset))


async def post(gateway: Gateway, path: str, token: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await gateway.post(path, {} if body is None else body, headers=headers)


@pytest.mark.parametrize("why", ["administrator", "granted", "granted later"])
def test_who_needs_a_second_factor_may_only_enrol(run: Run, why: str) -> None:
    async def body(gateway: Gateway) -> None:
        if why == "administrator":
            gateway.world.sql("UPDATE accounts SET role = 'SECURITY_ADMINISTRATOR'")
        else:
            gateway.world.grant(-60 if why == "granted" else 86_400, 172_800)
        answer = await gateway.ask()
        assert answer.status_code == 200
        assert (answer.json()["mustEnrol"], answer.json()["secondFactor"]) == (True, None)
        token = answer.json()["token"]
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))

        begun = (await post(gateway, "/sign-in/totp", token)).json()
        assert pyotp.parse_uri(begun["uri"]).secret == begun["secret"]
        wrong = await post(gateway, "/sign-in/totp", token, {"code": "000000"})
        assert (wrong.status_code, code(wrong)) == (400, "INVALID_INPUT")
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))
        right = {"code": code_at(0, begun["secret"])}
        confirmed = await post(gateway, "/sign-in/totp", token, right)
        assert len(confirmed.json()["recoveryCodes"]) == 10
        assert gateway.sessions.viewer(bearer(token))  # the same session may all now

        assert (await gateway.ask()).status_code == 401
        assert (await gateway.ask(code=right["code"])).status_code == 401  # confirmed with it
        again = await gateway.ask(code=code_at(30, begun["secret"]))
        assert (again.json()["mustEnrol"], again.json()["secondFactor"]) == (False, "TOTP")
        recovered = await gateway.ask(code=confirmed.json()["recoveryCodes"][3])
        assert recovered.json()["secondFactor"] == "RECOVERY_CODE"
        assert [(operation, result) for operation, _, result in gateway.logged()] == [
            ("signIn", "ENROL"),
            ("totpBegin", "OK"),
            ("totpConfirm", "INVALID_INPUT"),
            ("totpConfirm", "OK"),
            *[("signIn", "REFUSED")] * 2,
            *[("signIn", "OK")] * 2,
        ]

    run(body)


def test_no_factor_changes_without_its_entry(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.world.do(gateway.world.factors.set_totp, "nanjing", SECRET, START)
        token = (await gateway.ask(code=code_at(0))).json()["token"]
        check = gateway.log.check

        async def check_and_lose() -> None:
            await check()
            gateway.log_path.rename(gateway.log_path.with_name("gone.db"))

        gateway.sign_in._entries.check = check_and_lose  # type: ignore[method-assign]  # breaks it on purpose
        headers = {"authorization": f"Bearer {token}"}
        answer = await gateway.delete("/sign-in/totp", headers)
        assert (answer.status_code, code(answer)) == (503, "ACCESS_LOG_FAILED")
        gateway.log_path.with_name("gone.db").rename(gateway.log_path)
        again = await gateway.ask(code=code_at(30))
        assert again.json()["secondFactor"] == "TOTP"  # it is still in force

    run(body)


def test_an_open_session_may_only_enrol_once_a_right_is_given(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        assert gateway.sessions.viewer(bearer(token))
        gateway.world.grant(0, 3_600)
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))
        gateway.world.sql("UPDATE grants SET how = 'EMERGENCY'")  # taken with one, it needs one
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))
        gateway.world.sql("UPDATE grants SET how = 'FILED', revoked = 1")
        assert gateway.sessions.viewer(bearer(token))

    run(body)


def test_a_code_used_twice_is_refused_in_every_worker(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.world.do(gateway.world.factors.set_totp, "nanjing", SECRET, START)
        given = code_at(0)
        assert (await gateway.ask(code=given)).status_code == 200
        assert (await gateway.ask(code=given)).status_code == 401
        gateway.world.clock.now += 30
        assert (await gateway.ask(code=given)).status_code == 401
        assert (await gateway.ask(code=code_at(30))).status_code == 200

    run(body)


@pytest.mark.leak(34)
def test_whatever_fails_the_same_work_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statement for statement, and one run of argon2: what failed cannot be told by its time."""
    verified: list[bool] = []
    verify = Passwords.verify

    async def counted(self: Passwords, stored: str | None, password: str) -> bool:
        verified.append(True)
        return await verify(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", counted)

    async def body(gateway: Gateway) -> None:
        here = gateway.world
        gateway.sign_in._attempts = 1_000
        for name in ("coded", "disabled", "plain"):
            row = here.sql("SELECT * FROM accounts WHERE account = 'nanjing'")[0]
            names = [one[1] for one in here.sql("PRAGMA table_info(accounts)")]
            copy = dict(zip(names, row, strict=True)) | {"account": name, "id": None}
            copy = {key: value for key, value in copy.items() if value is not None}
            marks = ", ".join("?" * len(copy))
            here.sql(f"INSERT INTO accounts ({', '.join(copy)}) VALUES ({marks})", *copy.values())
        for name in ("coded", "disabled"):
            await here.do(here.factors.set_totp, name, SECRET, START)
            await here.do(here.factors.new_codes, name, START)
        await here.do(disable_account, "disabled")
        statements: list[str] = []

        @event.listens_for(here.engine.sync_engine, "before_cursor_execute")
        def _note(_: Any, __: Any, statement: str, *___: Any) -> None:
            statements.append(statement)

        @event.listens_for(here.engine.sync_engine, "begin")
        def _begin(_: Any) -> None:
            statements.append("begin")

        used = code_at(0)
        assert (await gateway.ask("coded", code=used)).status_code == 200
        tried: dict[str, dict[str, Any]] = {
            "unknown": {"account": "nobody"},
            "unknown, with a code": {"account": "nobody", "code": "123456"},
            "wrong password": {"account": "plain", "password": "wrong horse"},
            "wrong password, a factor": {"account": "coded", "password": "wrong horse"},
            "wrong password, right code": {
                **{"account": "coded", "password": "wrong horse"},
                "code": code_at(30),
            },
            "no code": {"account": "coded"},
            "wrong code": {"account": "coded", "code": "000000"},
            "used code": {"account": "coded", "code": used},
            "no recovery code": {"account": "coded", "code": "aaaaa-bbbbb-ccccc-ddddd"},
            "disabled": {"account": "disabled", "code": code_at(30)},
        }
        seen = []
        for number, (why, given) in enumerate(tried.items()):
            for _ in range(2):  # the first failure of a name is counted by another statement
                statements.clear()
                verified.clear()
                answer = await gateway.ask(address=f"192.0.2.{number}", **given)
            seen.append((why, answer.status_code, answer.content, [*statements], len(verified)))
        for one in seen:
            assert one[1:] == seen[0][1:], one[0]
        assert seen[0][4] == 1
        assert seen[0][3].count("begin") == 3

    run(body)


def test_changing_factors_wants_a_fresh_session_that_proved_them(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        plain = (await gateway.ask()).json()["token"]
        await gateway.world.do(gateway.world.factors.set_totp, "nanjing", SECRET, START)
        for path in ("/sign-in/totp", "/sign-in/recovery-codes"):
            refused = await post(gateway, path, plain)
            assert (refused.status_code, code(refused)) == (403, "SECOND_FACTOR_REQUIRED")
        proved = (await gateway.ask(code=code_at(0))).json()["token"]
        assert len((await post(gateway, "/sign-in/recovery-codes", proved)).json()) == 1
        gateway.world.clock.now += 601
        late = await post(gateway, "/sign-in/totp", proved)
        assert (late.status_code, code(late)) == (401, "UNAUTHENTICATED")
        assert gateway.sessions.viewer(bearer(proved))  # all else it may do
        nobody = await gateway.post("/sign-in/totp", {})
        assert (nobody.status_code, code(nobody)) == (401, "UNAUTHENTICATED")

    run(body)


def test_a_change_of_factors_ends_the_other_sessions(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        one, other = [(await gateway.ask()).json()["token"] for _ in range(2)]
        secret = (await post(gateway, "/sign-in/totp", one)).json()["secret"]
        assert gateway.sessions.viewer(bearer(other))
        await post(gateway, "/sign-in/totp", one, {"code": code_at(0, secret)})
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(other))
        third = (await gateway.ask(code=code_at(30, secret))).json()["token"]
        headers = {"authorization": f"Bearer {third}"}
        assert (await gateway.delete("/sign-in/totp", headers)).status_code == 204
        assert (await gateway.delete("/sign-in/totp", headers)).status_code == 404
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(one))
        assert (await gateway.ask()).json()["secondFactor"] is None

    run(body)


def test_no_secret_and_no_code_is_logged(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        secret = (await post(gateway, "/sign-in/totp", token)).json()["secret"]
        given = code_at(0, secret)
        codes = (await post(gateway, "/sign-in/totp", token, {"code": given})).json()
        await gateway.ask(code="typed-into-the-wrong-field")
        await gateway.ask(code=codes["recoveryCodes"][0])
        written = b"".join(
            path.read_bytes()
            for path in gateway.log_path.parent.iterdir()
            if path.name.startswith("access-log")
        )
        assert b"totpConfirm" in written
        for hidden in (secret, given, PASSWORD, token, "wrong-field", *codes["recoveryCodes"]):
            assert hidden.encode() not in written

    run(body)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/sign-in/totp", {"code": 123456}, "`code` must be a text"),
        ("/sign-in/totp", {"code": ""}, "`code` must be a text"),
        ("/sign-in/totp", {"code": "1" * 65}, "`code` must be a text"),
        ("/sign-in/totp", [], "must be a JSON object"),
        ("/sign-in/totp", {"code": "123456"}, "no code of the secret just given"),
        ("/sign-in/recovery-codes", {}, "there is none"),
    ],
)
def test_what_makes_no_sense_is_said_so(run: Run, path: str, body: Any, expected: str) -> None:
    async def asked(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        answer = await post(gateway, path, token, body)
        assert (answer.status_code, code(answer)) == (400, "INVALID_INPUT")
        assert expected in answer.json()["error"]["message"]

    run(asked)


def test_without_a_log_nothing_is_changed(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        gateway.log_path.rename(gateway.log_path.with_name("aside"))
        answer = await post(gateway, "/sign-in/totp", token)
        assert (answer.status_code, code(answer)) == (503, "ACCESS_LOG_FAILED")
        assert "secret" not in answer.json()
        assert gateway.world.sql("SELECT count(*) FROM second_factors") == [(0,)]

    run(body)
