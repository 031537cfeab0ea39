from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import Connection

from regions.instants import instant
from resolvers.proofs import has_fresh_proof
from tests.gateway.central_store import START, bearer
from tests.gateway.sign_in.authenticator import Authenticator
from tests.gateway.sign_in.routes import ATTEMPTS, Gateway, Run, code
from tests.gateway.sign_in.test_enrolling import SECRET, code_at, post
from tests.gateway.sign_in.test_passkeys import ORIGIN, challenge, register


async def step_up(gateway: Gateway, token: str, **given: Any) -> httpx.Response:
    return await post(gateway, "/sign-in/step-up", token, given)


async def fresh(gateway: Gateway, token: str) -> bool:
    """Whether what asks for a fresh proof would find one."""
    viewer = gateway.sessions.viewer(bearer(token))
    assert viewer is not None

    def look(connection: Connection) -> bool:
        return has_fresh_proof(connection, viewer, instant(gateway.world.clock.now))

    found: bool = await gateway.world.do(look)
    return found


async def with_totp(gateway: Gateway) -> str:
    await gateway.world.do(gateway.world.factors.set_totp, "nanjing", SECRET, START)
    token: str = (await gateway.ask(code=code_at(0))).json()["token"]
    return token


def test_a_proof_is_fresh_for_ten_minutes_and_is_given_anew(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = await with_totp(gateway)
        assert await fresh(gateway, token)
        gateway.world.clock.now += 601
        assert not await fresh(gateway, token)
        proved = await step_up(gateway, token, code=code_at(600))
        assert proved.status_code == 200
        assert proved.json()["secondFactor"] == "TOTP"
        assert await fresh(gateway, token)
        assert gateway.logged()[-1] == ("stepUp", "nanjing", "OK")
        again = await step_up(gateway, token, code=code_at(600))
        assert (again.status_code, code(again)) == (401, "SIGN_IN_FAILED")  # a code is good once
        assert gateway.logged()[-1] == ("stepUp", "nanjing", "SIGN_IN_FAILED")

    run(body)


def test_a_passkey_proves_it_too_and_nobody_elses(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        device = Authenticator(ORIGIN)
        token = (await register(gateway, device))["token"]
        gateway.world.clock.now += 601
        assert not await fresh(gateway, token)
        options = await challenge(gateway)
        refused = await step_up(gateway, token, assertion={"id": "x"})
        assert (refused.status_code, code(refused)) == (401, "SIGN_IN_FAILED")
        proved = await step_up(gateway, token, assertion=device.sign(options))
        assert proved.json()["secondFactor"] == "PASSKEY"
        assert await fresh(gateway, token)

    run(body)


def test_a_password_alone_is_no_proof(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        assert not await fresh(gateway, token)
        refused = await step_up(gateway, token, code="000000")
        assert (refused.status_code, code(refused)) == (403, "SECOND_FACTOR_REQUIRED")
        begun = (await post(gateway, "/sign-in/totp", token)).json()
        given = {"code": code_at(0, begun["secret"])}
        assert (await post(gateway, "/sign-in/totp", token, given)).status_code == 200
        assert await fresh(gateway, token)  # enrolling showed it

    run(body)


def test_the_proof_of_one_session_is_none_of_another(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        one = await with_totp(gateway)
        gateway.world.clock.now += 601
        other = (await gateway.ask(code=code_at(600))).json()["token"]
        assert not await fresh(gateway, one)
        assert await fresh(gateway, other)

    run(body)


def test_guessing_locks_the_account(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = await with_totp(gateway)
        for _ in range(ATTEMPTS):
            refused = await step_up(gateway, token, code="000000")
            assert code(refused) == "SIGN_IN_FAILED"
        gateway.world.clock.now += 30
        locked = await step_up(gateway, token, code=code_at(30))
        assert (locked.status_code, code(locked)) == (429, "TOO_MANY_REQUESTS")

    run(body)


def test_what_is_none_and_who_may_not(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = await with_totp(gateway)
        for given in ({}, {"code": 7}, {"assertion": "x"}, {"code": "0" * 65}):
            answer = await post(gateway, "/sign-in/step-up", token, given)
            assert (answer.status_code, code(answer)) == (400, "INVALID_INPUT"), given
        answer = await gateway.post("/sign-in/step-up", {"code": code_at(30)})
        assert answer.status_code == 401

    run(body)
