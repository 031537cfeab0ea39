from __future__ import annotations

from itertools import islice
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from gateway.accounts import set_password
from gateway.passwords import Passwords
from regions.errors import PasswordGiven, SecondFactorRequired, Unauthenticated
from tests.gateway.central_store import PASSWORD, START, bearer
from tests.gateway.sign_in.routes import ATTEMPTS, Gateway, Run, code
from tests.gateway.sign_in.test_enrolling import SECRET, code_at, post

NEW = "plum blossom 3201"


async def change(gateway: Gateway, token: str, **given: Any) -> httpx.Response:
    body = {"password": PASSWORD, "newPassword": NEW} | given
    return await post(gateway, "/sign-in/password", token, body)


def given_by_another(gateway: Gateway) -> None:
    gateway.world.sql("UPDATE accounts SET password_given = 1")


def test_a_first_password_is_changed_before_anything_else(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        given_by_another(gateway)
        answer = (await gateway.ask()).json()
        assert (answer["mustChangePassword"], answer["mustEnrol"]) == (True, False)
        token = answer["token"]
        with pytest.raises(PasswordGiven):
            gateway.sessions.viewer(bearer(token))
        listed = await gateway.get("/sessions", {"authorization": f"Bearer {token}"})
        assert (listed.status_code, code(listed)) == (403, "PASSWORD_GIVEN")
        assert (await change(gateway, token)).status_code == 204
        assert gateway.sessions.viewer(bearer(token))  # the same session may all now
        assert (await gateway.ask()).status_code == 401
        again = (await gateway.ask(password=NEW)).json()
        assert again["mustChangePassword"] is False
        events = gateway.world.sql("SELECT event, by_account FROM account_events")
        assert events == [("CHANGE_PASSWORD", "nanjing")]
        assert ("passwordChange", "nanjing", "OK") in gateway.logged()

    run(body)


def test_one_that_an_operator_gave_is_a_first_one_again(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.world.do(set_password, "nanjing", "by the operator 1")
        answer = (await gateway.ask(password="by the operator 1")).json()
        assert answer["mustChangePassword"] is True
        with pytest.raises(PasswordGiven):
            gateway.sessions.viewer(bearer(answer["token"]))
        changed = await change(gateway, answer["token"], password="by the operator 1")
        assert changed.status_code == 204
        assert gateway.sessions.viewer(bearer(answer["token"]))

    run(body)


def test_an_administrator_changes_it_and_enrols_in_either_order(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.world.sql("UPDATE accounts SET role = 'AUDITOR'")
        given_by_another(gateway)
        answer = (await gateway.ask()).json()
        assert (answer["mustChangePassword"], answer["mustEnrol"]) == (True, True)
        token = answer["token"]
        secret = (await post(gateway, "/sign-in/totp", token)).json()["secret"]
        confirmed = await post(gateway, "/sign-in/totp", token, {"code": code_at(0, secret)})
        assert confirmed.status_code == 200
        with pytest.raises(PasswordGiven):
            gateway.sessions.viewer(bearer(token))
        assert (await change(gateway, token)).status_code == 204
        assert gateway.sessions.viewer(bearer(token))

    run(body)


def test_changing_it_does_not_stand_in_for_enrolling(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.world.sql("UPDATE accounts SET role = 'AUDITOR'")
        given_by_another(gateway)
        token = (await gateway.ask()).json()["token"]
        assert (await change(gateway, token)).status_code == 204
        with pytest.raises(SecondFactorRequired):
            gateway.sessions.viewer(bearer(token))

    run(body)


@pytest.mark.parametrize("new", [PASSWORD, "short", "12345678901234", "my nanjing horse"])
def test_the_new_one_must_be_good_and_another(run: Run, new: str) -> None:
    async def body(gateway: Gateway) -> None:
        given_by_another(gateway)
        token = (await gateway.ask()).json()["token"]
        refused = await change(gateway, token, newPassword=new)
        assert (refused.status_code, code(refused)) == (400, "INVALID_INPUT")
        assert gateway.logged()[-1] == ("passwordChange", "nanjing", "INVALID_INPUT")
        with pytest.raises(PasswordGiven):
            gateway.sessions.viewer(bearer(token))

    run(body)


def test_guessing_the_old_one_locks_the_account(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        for _ in range(ATTEMPTS):
            refused = await change(gateway, token, password="wrong horse")
            assert (refused.status_code, code(refused)) == (401, "SIGN_IN_FAILED")
        locked = await change(gateway, token)
        assert (locked.status_code, code(locked)) == (429, "TOO_MANY_REQUESTS")
        assert (await gateway.ask()).status_code == 429

    run(body)


@pytest.mark.parametrize(
    ("becomes", "looks", "status"),
    [
        ([PASSWORD], 2, 204),  # by a sign-in that has hashed it anew
        (["quite another 1"], 2, 401),
        ([PASSWORD, PASSWORD], 2, 401),
    ],
    ids=["hashed anew", "another one", "each time"],
)
def test_a_hash_replaced_while_the_old_one_is_verified(
    run: Run, monkeypatch: pytest.MonkeyPatch, becomes: list[str], looks: int, status: int
) -> None:
    async def body(gateway: Gateway) -> None:
        weak = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1)
        token = (await gateway.ask()).json()["token"]
        verify, looked, waiting = Passwords.verify, 0, iter(becomes)

        async def replacing(self: Passwords, stored: str | None, password: str) -> bool:
            nonlocal looked
            looked += 1
            right = await verify(self, stored, password)
            for another in islice(waiting, 1):
                gateway.world.sql("UPDATE accounts SET password_hash = ?", weak.hash(another))
            return right

        monkeypatch.setattr(Passwords, "verify", replacing)
        before = len(gateway.logged())
        answer = await change(gateway, token)
        assert (answer.status_code, looked) == (status, looks)
        told = "OK" if status == 204 else "SIGN_IN_FAILED"
        assert gateway.logged()[before:] == [("passwordChange", "nanjing", told)]
        monkeypatch.undo()
        good = NEW if status == 204 else becomes[-1]
        assert (await gateway.ask(password=good)).status_code == 200

    run(body)


def test_the_other_sessions_end_and_an_old_one_changes_nothing(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        other = (await gateway.ask()).json()["token"]
        token = (await gateway.ask()).json()["token"]
        assert (await change(gateway, token)).status_code == 204
        with pytest.raises(Unauthenticated):
            gateway.sessions.viewer(bearer(other))
        gateway.world.clock.now += 601
        refused = await change(gateway, token, password=NEW, newPassword=PASSWORD)
        assert (refused.status_code, code(refused)) == (401, "UNAUTHENTICATED")

    run(body)


def test_who_has_a_second_factor_must_have_used_it(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        await gateway.world.do(gateway.world.factors.set_totp, "nanjing", SECRET, START)
        refused = await change(gateway, token)
        assert (refused.status_code, code(refused)) == (403, "SECOND_FACTOR_REQUIRED")
        proved = (await gateway.ask(code=code_at(0))).json()["token"]
        assert (await change(gateway, proved)).status_code == 204

    run(body)


def test_nobody_else_changes_it(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        refused = await gateway.post(
            "/sign-in/password", {"password": PASSWORD, "newPassword": NEW}
        )
        assert (refused.status_code, code(refused)) == (401, "UNAUTHENTICATED")
        assert gateway.logged()[-1] == ("passwordChange", "", "UNAUTHENTICATED")

    run(body)
