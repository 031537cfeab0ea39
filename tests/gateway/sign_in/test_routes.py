from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from gateway.access_log import read_entries
from gateway.access_log.log_file import Owed
from gateway.access_log.outbox import Outboxes
from gateway.accounts import disable_account
from gateway.passwords import (
    Passwords,
    check_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from gateway.sign_in import BODY_MAX
from gateway.sign_in._lockout import account_subject, address_subject
from regions.errors import InvalidInput, TooManyRequests
from regions.instants import instant
from tests.gateway.central_store import PASSWORD, START
from tests.gateway.sign_in.routes import ATTEMPTS, LOCK, Gateway, Run, code, gateway


def test_signing_in_and_out(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        answer = await gateway.ask()
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        token = answer.json().pop("token")
        assert answer.json() == {
            "token": token,
            "expiresAt": instant(START + 43_200),
            "account": "nanjing",
            "role": "unit user",
            "unit": "cdc-320100",
            "code": "320100",
            "secondFactor": None,
            "mustEnrol": False,
            "mustChangePassword": False,
        }
        viewer = gateway.sessions.viewer(f"Bearer {token}".encode())
        assert viewer
        assert viewer.account == "nanjing"
        assert (await gateway.sign_out(token)).status_code == 204
        again = await gateway.sign_out(token)
        assert (again.status_code, code(again)) == (401, "UNAUTHENTICATED")
        assert gateway.logged() == [
            ("signIn", "nanjing", "OK"),
            ("signOut", "nanjing", "OK"),
            ("signOut", "", "UNAUTHENTICATED"),
        ]

    run(body)


def test_a_wrong_password_and_an_unknown_account_get_one_answer(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.world.do(disable_account, "nanjing")
        right = await gateway.ask()
        wrong = await gateway.ask(password="wrong horse")
        unknown = await gateway.ask(account="nobody")
        for answer in (right, wrong, unknown):
            assert answer.status_code == 401
            assert answer.content == wrong.content
            assert answer.headers == wrong.headers
        assert wrong.json() == {
            "error": {
                "code": "SIGN_IN_FAILED",
                "message": "the account, the password or the code is wrong",
                "messageZh": "账号、密码或验证码错误。",
                "hint": "an account with a second factor sends its `code`, each code once",
            }
        }
        assert gateway.logged()[1:] == [("signIn", "nanjing", "REFUSED"), ("signIn", "", "REFUSED")]

    run(body)


@pytest.mark.leak(34)
def test_an_unknown_account_takes_the_same_time() -> None:
    stored = hash_password(PASSWORD)

    def seconds(hash: str | None) -> float:
        begin = time.perf_counter()
        assert not verify_password(hash, "wrong horse")
        return time.perf_counter() - begin

    known, unknown = zip(*((seconds(stored), seconds(None)) for _ in range(7)), strict=True)
    assert statistics.median(unknown) == pytest.approx(statistics.median(known), rel=0.5)


@pytest.mark.leak(32)
def test_what_was_typed_as_account_is_kept_nowhere(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        await gateway.ask(account="hunter2-typed-too-early")
        for file in (gateway.world.path, gateway.log_path):
            for suffix in ("", "-wal"):
                assert b"hunter2" not in read(f"{file}{suffix}")

    run(body)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.mark.parametrize("account", ["nanjing", "nobody"])
def test_an_account_is_locked_after_failures(run: Run, account: str) -> None:
    async def body(gateway: Gateway) -> None:
        for number in range(ATTEMPTS):
            answer = await gateway.ask(account, "wrong horse", f"192.0.2.{number}")
            assert answer.status_code == 401
        gateway.world.clock.now += 300
        locked = await gateway.ask(account)
        assert (locked.status_code, code(locked)) == (429, "TOO_MANY_REQUESTS")
        assert locked.headers["retry-after"] == "600"
        assert gateway.logged()[-1][2] == "LOCKED"
        gateway.world.clock.now += 600
        assert (await gateway.ask(account)).status_code == (200 if account == "nanjing" else 401)

    run(body)


def test_each_failure_after_a_lock_locks_for_twice_as_long(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        for _ in range(ATTEMPTS):
            await gateway.ask(password="wrong horse")
        for times in (1, 2, 4, 8, 8):
            locked = await gateway.ask()
            assert locked.headers["retry-after"] == str(int(LOCK * times))
            gateway.world.clock.now += LOCK * times
            assert (await gateway.ask(password="wrong horse")).status_code == 401
        gateway.world.clock.now += LOCK * 9  # nothing failed for long enough: as if never
        for _ in range(ATTEMPTS - 1):
            assert (await gateway.ask(password="wrong horse")).status_code == 401
        assert (await gateway.ask()).status_code == 200

    run(body)


def test_a_lock_holds_in_every_worker(run: Run) -> None:
    async def body(one: Gateway) -> None:
        async with gateway(one.world) as two:
            for number in range(ATTEMPTS):
                await (one, two)[number % 2].ask(password="wrong horse")
            assert (await one.ask()).status_code == 429
            assert (await two.ask()).status_code == 429

    run(body)


def test_failures_in_a_row_count_and_success_begins_anew(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        for _ in range(3):
            for _ in range(ATTEMPTS - 1):
                assert (await gateway.ask(password="wrong horse")).status_code == 401
            assert (await gateway.ask()).status_code == 200
        for _ in range(ATTEMPTS + 1):
            gateway.world.clock.now += LOCK + 1
            assert (await gateway.ask(password="wrong horse")).status_code == 401

    run(body)


def test_guesses_sent_together_find_the_lock(run: Run) -> None:
    """Not more guesses than allowed are answered, however many come before the failures count."""

    async def body(gateway: Gateway) -> None:
        answers = await asyncio.gather(*(gateway.ask(password="wrong horse") for _ in range(12)))
        statuses = [answer.status_code for answer in answers]
        assert sorted(statuses) == [401] * ATTEMPTS + [429] * (12 - ATTEMPTS)
        assert (await gateway.ask()).status_code == 429

    run(body)


def test_an_address_is_locked_after_more_failures(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.sign_in._attempts = 1
        for number in range(10):
            assert (await gateway.ask(f"nobody{number}")).status_code == 401
        assert (await gateway.ask()).status_code == 429
        assert (await gateway.ask(address="192.0.2.2")).status_code == 200
        assert gateway.world.sql("SELECT count(*) FROM sign_in_failures") == [(11,)]
        gateway.world.clock.now += 2 * LOCK
        await gateway.ask("nobody", address="192.0.2.3")
        assert gateway.world.sql("SELECT count(*) FROM sign_in_failures") == [(2,)]

    run(body)


def test_a_busy_office_does_not_lock_itself(run: Run) -> None:
    """One address is many people, of whom somebody always mistypes: only a rush locks it."""

    async def body(gateway: Gateway) -> None:
        gateway.sign_in._attempts = 1
        numbers = iter(range(1_000))

        async def fail(times: int) -> list[int]:
            answers = [await gateway.ask(f"nobody{next(numbers)}") for _ in range(times)]
            return [answer.status_code for answer in answers]

        for _ in range(40):
            gateway.world.clock.now += LOCK / 5
            assert await fail(1) == [401]
        assert (await gateway.ask()).status_code == 200

        gateway.world.clock.now += LOCK + 1
        for times in (1, 2, 4):
            assert await fail(10) == [401] * 10
            assert (await gateway.ask()).headers["retry-after"] == str(int(LOCK * times))
            gateway.world.clock.now += LOCK * times
            assert (await gateway.ask()).status_code == 200

    run(body)


def test_what_an_address_is() -> None:
    def key(address: str) -> str:
        return address_subject(address, 1).key

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9")
    assert key("2001:db8:1:2::1") != key("2001:db8:1:3::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1")
    assert key("192.0.2.1") != key("192.0.2.2")
    assert key("") != account_subject("", 1).key


@pytest.mark.parametrize(
    ("content", "status", "expected"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"[" * 4_000, 400, "not JSON"),
        (b'{"account": "\xff"}', 400, "not JSON"),
        (rb'{"account": "\ud800", "password": "x"}', 400, "not JSON"),
        (b'["nanjing"]', 400, "must be a JSON object"),
        (b'"nanjing"', 400, "must be a JSON object"),
        (b"{}", 400, "`account` must be a text"),
        (b'{"account": 7, "password": "x"}', 400, "`account` must be a text"),
        (b'{"account": "nanjing"}', 400, "`password` must be a text"),
        (b'{"account": "nanjing", "password": ["x"]}', 400, "`password` must be a text"),
        (b'{"account": "nanjing", "password": ""}', 400, "`password` must be a text"),
        (b'{"account": "%s", "password": "x"}' % (b"a" * 129), 400, "1 to 128 characters"),
        (b" " * (BODY_MAX + 1), 413, "the body is over 16,384 bytes"),
    ],
)
def test_a_malformed_body_gets_a_clear_error(
    run: Run, content: bytes, status: int, expected: str
) -> None:
    async def body(gateway: Gateway) -> None:
        answer = await gateway.post(
            "/sign-in", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == status
        assert expected in answer.json()["error"]["message"]
        assert "Traceback" not in answer.text

    run(body)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_content_type_is_refused(run: Run, kind: str | None) -> None:
    async def body(gateway: Gateway) -> None:
        headers = {} if kind is None else {"content-type": kind}
        answer = await gateway.post("/sign-in", content=b"{}", headers=headers)
        assert (answer.status_code, code(answer)) == (400, "INVALID_INPUT")

    run(body)


def test_an_endless_body_is_not_read_to_its_end(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1_000):
                sent += 1_024
                yield b" " * 1_024

        answer = await gateway.post(
            "/sign-in", content=endless(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert sent < 100_000

    run(body)


def test_another_method_is_refused(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        transport = httpx.ASGITransport(gateway.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            for path in ("/sign-in", "/sign-out"):
                assert (await client.get(path)).status_code == 405

    run(body)


def test_without_a_log_nobody_gets_a_token(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        token = (await gateway.ask()).json()["token"]
        aside = gateway.log_path.rename(gateway.log_path.with_name("aside"))
        for answer in (
            await gateway.ask(),
            await gateway.ask(password="wrong horse"),
            await gateway.ask(account="nobody"),
            await gateway.sign_out(token),
        ):
            assert (answer.status_code, code(answer)) == (503, "ACCESS_LOG_FAILED")
            assert "token" not in answer.json()
        live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
        assert gateway.world.sql(live) == [(0,)]
        aside.rename(gateway.log_path)
        assert (await gateway.ask()).status_code == 200
        # The sign-out took effect all the same: its entry is owed, and told once the log is back.
        outboxes = Outboxes(gateway.log_path, gateway.log.origin, gateway.world.path, [])

        async def write(rows: Sequence[Owed]) -> None:
            for one in rows:
                await gateway.log.append_owed(one)

        assert [await outboxes.sweep(write, age=0) for _ in range(2)] == [1, 0]
        told = list(read_entries(gateway.log_path))[-1]
        assert (told["module"], told["operation"], told["account"]) == (
            *("sign-in", "signOut", "nanjing"),
        )
        assert told["recovered"]
        again = (await gateway.ask()).json()["token"]
        assert (await gateway.sign_out(again)).status_code == 204
        assert await outboxes.sweep(write, age=0) == 0  # its entry settles it
        assert gateway.world.sql("SELECT count(*) FROM log_outbox") == [(0,)]

    run(body)


def test_a_store_that_fails_is_said_so(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        gateway.world.sql("ALTER TABLE accounts RENAME TO elsewhere")
        answer = await gateway.ask()
        assert (answer.status_code, code(answer)) == (503, "STORE_FAILED")
        assert "elsewhere" not in answer.text

    run(body)


def test_a_hash_of_older_parameters_is_replaced(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        weak = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1).hash(PASSWORD)
        assert needs_rehash(weak)
        gateway.world.sql("UPDATE accounts SET password_hash = ?", weak)
        assert (await gateway.ask(password="wrong horse")).status_code == 401
        assert gateway.world.sql("SELECT password_hash FROM accounts") == [(weak,)]
        assert (await gateway.ask()).status_code == 200
        [(better,)] = gateway.world.sql("SELECT password_hash FROM accounts")
        assert not needs_rehash(better)
        assert verify_password(better, PASSWORD)
        assert (await gateway.ask()).status_code == 200

    run(body)


def test_a_hash_replaced_while_it_is_verified_refuses_nobody(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        weak = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1)
        gateway.world.sql("UPDATE accounts SET password_hash = ?", weak.hash(PASSWORD))
        verify, looks = Passwords.verify, 0

        async def replacing(self: Passwords, stored: str | None, password: str) -> bool:
            nonlocal looks
            looks += 1
            right = await verify(self, stored, password)
            if looks == 1:  # as another sign-in, or a change of the password, meanwhile
                gateway.world.sql("UPDATE accounts SET password_hash = ?", weak.hash(becomes))
            return right

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Passwords, "verify", replacing)
            becomes = PASSWORD
            assert (await gateway.ask()).status_code == 200
            assert looks == 2
            looks, becomes = 0, "quite another 1"
            assert (await gateway.ask()).status_code == 401
            assert looks == 2
            failures = "SELECT sum(failures) FROM sign_in_failures"
            [(counted,)] = gateway.world.sql(failures)
            looks = 1
            assert (await gateway.ask(password="wrong horse")).status_code == 401
            assert looks == 2  # nobody looks twice at a wrong one
            assert gateway.world.sql(failures)[0][0] > counted > 0

    run(body)


def test_many_sign_ins_at_once(run: Run) -> None:
    async def body(gateway: Gateway) -> None:
        answers = await asyncio.gather(*(gateway.ask() for _ in range(20)))
        assert {one.status_code for one in answers} == {200}, [one.text for one in answers]
        tokens = {answer.json()["token"] for answer in answers}
        assert len(tokens) == 20

    run(body)


def test_the_event_loop_runs_on_while_a_password_is_verified() -> None:
    async def main() -> None:
        passwords = Passwords()
        verifying = asyncio.ensure_future(passwords.verify(None, PASSWORD))
        turns = 0
        while not verifying.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 5
        assert verifying.result() is False
        passwords.close()

    asyncio.run(main())


def test_the_line_before_the_password_check_has_an_end() -> None:
    async def main() -> None:
        passwords = Passwords(threads=1, waiting=1)
        results = await asyncio.gather(
            *(passwords.verify(None, PASSWORD) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [bool, bool, TooManyRequests]
        assert await passwords.verify(None, PASSWORD) is False
        passwords.close()

    asyncio.run(main())


def test_passwords_of_any_script() -> None:
    stored = hash_password("密码很长的é")
    assert verify_password(stored, "密码很长的e\u0301")  # the same text, typed otherwise
    assert not verify_password(stored, "密码很长的e")
    assert not verify_password("no hash", "密码很长的é")


@pytest.mark.parametrize(
    ("password", "expected"),
    [("short", "8 to 256"), ("x" * 257, "8 to 256"), ("Nanjing-City", "name of the account")],
)
def test_passwords_that_are_refused(password: str, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        check_password("nanjing-city", password)
    check_password("nanjing-city", "long enough")
