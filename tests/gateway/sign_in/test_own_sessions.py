from __future__ import annotations

import httpx
import pytest

from gateway.sessions import Scope
from regions.errors import Unauthenticated
from tests.gateway.central_store import bearer
from tests.gateway.sign_in.routes import Gateway, Run, code


async def listed(gateway: Gateway, token: str) -> httpx.Response:
    return await gateway.get("/sessions", {"authorization": f"Bearer {token}"})


def test_ones_own_sessions_and_ending_one(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        here = gateway.world
        first = (await gateway.ask(address="192.0.2.7")).json()["token"]
        here.clock.now += 60
        second = (await gateway.ask()).json()["token"]
        gateway.sessions.viewer(bearer(second))
        found = (await listed(gateway, second)).json()["sessions"]
        assert [(one["address"], one["current"]) for one in found] == [
            ("192.0.2.1", True),
            ("192.0.2.7", False),
        ]
        assert all(len(one["id"]) == 16 for one in found)
        headers = {"authorization": f"Bearer {second}"}
        path = f"/sessions/{found[1]['id']}"
        assert (await gateway.delete(path, headers)).status_code == 204
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(first))
        again = await gateway.delete(path, headers)
        assert (again.status_code, code(again)) == (404, "NOT_FOUND")
        assert len((await listed(gateway, second)).json()["sessions"]) == 1
        here.clock.now += 1_790
        gateway.sessions.viewer(bearer(second))
        assert [one[0] for one in gateway.logged()[2:]] == [
            *("sessions", "sessionEnd", "sessionEnd", "sessions")
        ]

    run(body)


def test_nobody_ends_or_sees_sessions_of_others(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        here = gateway.world
        token = (await gateway.ask()).json()["token"]
        await here.worker().open("somebody-else")
        [(hidden,)] = here.sql("SELECT token_hash FROM sessions WHERE account <> 'nanjing'")
        assert len((await listed(gateway, token)).json()["sessions"]) == 1
        headers = {"authorization": f"Bearer {token}"}
        for wanted in (hidden[:16], hidden, "%", "_" * 16, hidden[:15], "%25" * 5 + "a"):
            answer = await gateway.delete(f"/sessions/{wanted}", headers)
            assert answer.status_code == 404, wanted
        live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
        assert here.sql(live) == [(2,)]
        assert (await gateway.get("/sessions", {})).status_code == 401
        assert gateway.logged()[-1] == ("sessions", "", "UNAUTHENTICATED")

    run(body)


def test_who_is_refused_has_an_entry(run: Run) -> None:
    """A machine's token, one that is none, and none at all: at every route of one's own account."""

    async def body(gateway: Gateway) -> None:
        machine = bearer(
            await gateway.world.worker().open("nanjing", scope=Scope("320100", ("READ",)))
        )
        for header, who, result in (
            (machine.decode(), "nanjing", "FORBIDDEN"),
            ("Bearer nothing", "", "UNAUTHENTICATED"),
            (None, "", "UNAUTHENTICATED"),
        ):
            headers = {} if header is None else {"authorization": header}
            before = len(gateway.logged())
            answers = [
                await gateway.get("/sessions", headers),
                await gateway.delete("/sessions/0123456789abcdef", headers),
                await gateway.post("/sign-in/totp", {}, headers=headers),
                await gateway.post("/sign-in/totp", {"code": "123456"}, headers=headers),
                await gateway.delete("/sign-in/totp", headers),
                await gateway.post("/sign-in/recovery-codes", {}, headers=headers),
                await gateway.get("/sign-in/passkeys", headers),
                await gateway.post("/sign-in/passkeys", {}, headers=headers),
                await gateway.post("/sign-in/passkeys", {"credential": {}}, headers=headers),
                await gateway.delete("/sign-in/passkeys/x", headers),
            ]
            assert {code(one) for one in answers} == {result}
            assert gateway.logged()[before:] == [
                (operation, who, result)
                for operation in (
                    *("sessions", "sessionEnd", "totpBegin", "totpConfirm", "totpRemove"),
                    *("recoveryCodes", "passkeys", "passkeyBegin", "passkeyAdd", "passkeyRemove"),
                )
            ]
        assert (await gateway.post("/sign-out")).status_code == 401
        assert gateway.logged()[-1] == ("signOut", "", "UNAUTHENTICATED")

    run(body)


def test_who_may_only_enrol_and_asks_for_sessions_has_an_entry(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.world.grant(-60, 60, id="right")
        token = (await gateway.ask()).json()["token"]
        answer = await listed(gateway, token)
        assert (answer.status_code, code(answer)) == (403, "SECOND_FACTOR_REQUIRED")
        assert gateway.logged()[-1] == ("sessions", "nanjing", "SECOND_FACTOR_REQUIRED")

    run(body)


def test_strangers_do_not_fill_the_log(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        for _ in range(10_000):
            gateway.strangers.admit("192.0.2.1")
        before = len(gateway.logged())
        answer = await gateway.get("/sessions", {})
        assert (answer.status_code, code(answer)) == (429, "TOO_MANY_REQUESTS")
        assert len(gateway.logged()) == before

    run(body)
