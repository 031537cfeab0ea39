from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from gateway.accounts import disable_account, enable_account, set_password
from regions.errors import StoreError, Unauthenticated
from regions.instants import instant
from resolvers.users import Grant, Role, Viewer
from tests.gateway.central_store import START, World, bearer, world

Body = Callable[[World], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Body], None]:
    def run(body: Body) -> None:
        async def main() -> None:
            async with world(tmp_path) as here:
                await body(here)

        asyncio.run(main())

    return run


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


Run = Callable[[Body], None]


def test_a_token_opens_its_account(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        token = await sessions.open("nanjing")
        viewer = sessions.viewer(bearer(token))
        assert viewer == Viewer(
            account="nanjing",
            name="王芳",
            role=Role.UNIT_USER,
            unit_id="cdc-320100",
            unit_name="南京市疾病预防控制中心",
            unit_level="CITY",
            code="320100",
            grants=(),
            session=viewer.session if viewer else "",
        )
        assert sessions.viewer(b"bearer  " + token.encode()) == viewer
        assert len(token) == 43

    run(body)


def test_no_header_is_nobody(run: Run) -> None:
    async def body(world: World) -> None:
        assert world.worker().viewer(None) is None

    run(body)


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"x" * 10_000])
def test_a_header_of_another_form_is_refused(run: Run, header: bytes) -> None:
    async def body(world: World) -> None:
        with pytest.raises(Unauthenticated, match="must be `Bearer"):
            world.worker().viewer(header)

    run(body)


@pytest.mark.parametrize("token", [b"A" * 43, b"\xff\x00", b"' OR 1=1 --", b"a" * 100_000])
def test_an_unknown_token_is_refused(run: Run, token: bytes) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        await sessions.open("nanjing")
        with pytest.raises(Unauthenticated, match="no such session"):
            sessions.viewer(b"Bearer " + token)

    run(body)


def test_the_store_holds_no_token(run: Run, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        token = await world.worker().open("nanjing")
        assert token not in "".join(world.sql("SELECT token_hash FROM sessions")[0])
        assert token.encode() not in content(tmp_path)

    run(body)


def test_a_revoked_session_is_refused_in_every_worker(run: Run) -> None:
    async def body(world: World) -> None:
        one, two = world.worker(), world.worker()
        header, other = [bearer(await one.open("nanjing")) for _ in range(2)]
        assert one.viewer(header)
        assert two.viewer(header)
        await one.revoke(header)
        for worker in (one, two):
            with pytest.raises(Unauthenticated):
                worker.viewer(header)
            assert worker.viewer(other)

    run(body)


@pytest.mark.parametrize(
    "change",
    [
        (disable_account, "nanjing"),
        (set_password, "nanjing", "another horse"),
    ],
    ids=["disabled", "password"],
)
def test_a_changed_account_ends_its_sessions(run: Run, change: tuple[Any, ...]) -> None:
    async def body(world: World) -> None:
        one, two = world.worker(), world.worker()
        header = bearer(await one.open("nanjing"))
        assert one.viewer(header)
        assert two.viewer(header)
        await world.do(*change)
        for worker in (one, two):
            with pytest.raises(Unauthenticated):
                worker.viewer(header)
        await world.do(enable_account, "nanjing")
        with pytest.raises(Unauthenticated):  # a session does not come back
            one.viewer(header)

    run(body)


def test_a_change_of_role_holds_at_the_next_request(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        before = sessions.viewer(header)
        world.sql("UPDATE accounts SET role = 'AUDITOR', code = '320000'")
        after = sessions.viewer(header)
        assert before
        assert after
        assert (before.role, before.code) == (Role.UNIT_USER, "320100")
        assert (after.role, after.code) == (Role.AUDITOR, "320000")
        world.sql("UPDATE accounts SET role = 'KING'")
        with pytest.raises(StoreError, match="role that does not exist: KING"):
            sessions.viewer(header)

    run(body)


def test_a_viewer_stays_the_same_while_nothing_of_it_changes(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        world.grant(-60, 3_600)
        viewer = sessions.viewer(header)
        await sessions.open("nanjing")
        world.sql("UPDATE accounts SET created_at = ''")
        assert sessions.viewer(header) is viewer

    run(body)


def test_a_grant_holds_from_its_beginning_to_its_end(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        world.grant(60, 120)

        def rights(after: float) -> list[Grant]:
            world.clock.now = START + after
            viewer = sessions.viewer(header)
            assert viewer
            return list(viewer.grants)

        assert rights(0) == []
        assert rights(59) == []
        [grant] = rights(60)
        assert (grant.id, grant.code, grant.purpose) == ("g1", "320100", "cluster")
        assert grant.items == {"NAME", "PHONE"}
        assert grant.record_types == {"CASE"}
        assert rights(119) == [grant]
        assert rights(120) == []

    run(body)


def test_a_grant_given_or_revoked_holds_at_the_next_request(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))

        def rights() -> int:
            viewer = sessions.viewer(header)
            assert viewer
            return len(viewer.grants)

        assert rights() == 0
        world.grant(-60, 60)
        assert rights() == 1
        world.grant(-60, 60, id="g2", account="another")
        assert rights() == 1
        world.sql("UPDATE grants SET revoked = 1")
        assert rights() == 0

    run(body)


def test_an_emergency_nobody_reviewed_ends_sessions_by_itself_and_is_written_down(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        world.sql(
            "INSERT INTO emergencies (id, grant_id, account, name, unit_id, unit_code, reason,"
            " sealed, review_due_at, created_at)"
            " VALUES (1, 'g', 'nanjing', 'n', 'u', '320100', 'OTHER', x'00', ?, ?)",
            instant(START + 100),
            instant(START),
        )
        world.clock.now = START + 99
        assert sessions.viewer(header)
        world.clock.now = START + 100  # nobody wrote anything in between
        with pytest.raises(Unauthenticated):
            sessions.viewer(header)
        assert world.sql("SELECT state FROM accounts") == [("ACTIVE",)]
        await sessions.flush()
        assert world.sql("SELECT state FROM accounts") == [("SUSPENDED",)]
        assert world.sql("SELECT suspended_at FROM emergencies") == [(instant(START + 100),)]

    run(body)


def test_an_emergency_nobody_reviewed_is_written_down_though_nobody_asks(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        world.sql(
            "INSERT INTO emergencies (id, grant_id, account, name, unit_id, unit_code, reason,"
            " sealed, review_due_at, created_at)"
            " VALUES (1, 'g', 'nanjing', 'n', 'u', '320100', 'OTHER', x'00', ?, ?)",
            instant(START + 100),
            instant(START),
        )
        begun: list[object] = []
        event.listen(world.engine.sync_engine, "begin", lambda connection: begun.append(connection))
        world.clock.now = START + 99
        await sessions.flush()
        assert (begun, world.sql("SELECT state FROM accounts")) == ([], [("ACTIVE",)])
        world.clock.now = START + 100
        await sessions.flush()
        assert world.sql("SELECT state FROM accounts") == [("SUSPENDED",)]
        await sessions.flush()
        assert len(begun) == 1

    run(body)


@pytest.mark.parametrize(
    "bad", [{"items": "NAME"}, {"record_types": "3"}, {"starts_at": "soon"}, {"items": "[[1]]"}]
)
def test_a_grant_that_makes_no_sense_gives_no_right(run: Run, bad: dict[str, str]) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        world.grant(-60, 60, id="bad", **bad)
        world.grant(-60, 60, id="good")
        viewer = sessions.viewer(header)
        assert viewer
        assert [grant.id for grant in viewer.grants] == ["good"]

    run(body)


def test_a_session_ends_when_it_is_not_used(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        for _ in range(10):
            world.clock.now += 1_700
            assert sessions.viewer(header)
        world.clock.now += 1_801
        with pytest.raises(Unauthenticated):
            sessions.viewer(header)

    run(body)


def test_use_in_one_worker_keeps_it_for_the_others(run: Run) -> None:
    async def body(world: World) -> None:
        one, two = world.worker(), world.worker()
        header = bearer(await one.open("nanjing"))
        assert two.viewer(header)
        for _ in range(3):
            world.clock.now += 1_000
            assert one.viewer(header)
            await one.flush()
        assert two.viewer(header)

    run(body)


def test_a_session_ends_at_last_however_much_it_is_used(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))
        while world.clock.now < START + 43_200 - 600:
            world.clock.now += 600
            if world.clock.now < START + 43_200:
                assert sessions.viewer(header)
        world.clock.now = START + 43_200
        with pytest.raises(Unauthenticated):
            sessions.viewer(header)

    run(body)


def test_last_use_is_written_at_most_once_a_minute_and_together(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        headers = [bearer(await sessions.open("nanjing")) for _ in range(30)]
        begun: list[object] = []
        event.listen(world.engine.sync_engine, "begin", lambda connection: begun.append(connection))
        for second in range(150):
            world.clock.now = START + second
            for header in headers:
                sessions.viewer(header)
            if second % 5 == 0:
                await sessions.flush()
        assert len(begun) == 2
        [(least, most)] = world.sql("SELECT min(last_seen_at), max(last_seen_at) FROM sessions")
        assert least == most == instant(START + 120)

    run(body)


def test_ended_sessions_are_deleted_a_day_later(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        await sessions.open("nanjing")
        world.clock.now += 43_200 + 86_401
        header = bearer(await sessions.open("nanjing"))
        world.clock.now += 61
        assert sessions.viewer(header)
        await sessions.flush()
        assert world.sql("SELECT count(*) FROM sessions") == [(1,)]

    run(body)


def test_a_change_of_the_store_costs_each_session_one_reading(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        headers = [bearer(await sessions.open("nanjing")) for _ in range(5)]
        for header in headers:
            sessions.viewer(header)
        statements: list[str] = []
        assert sessions._store
        sessions._store.set_trace_callback(statements.append)
        world.sql("UPDATE accounts SET created_at = ''")
        for _ in range(20):
            for header in headers:
                sessions.viewer(header)
        readings = [statement for statement in statements if "FROM sessions" in statement]
        assert len(readings) == len(headers)

    run(body)


def test_a_store_that_is_away_is_no_sign_out(run: Run) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        aside = world.path.with_name("aside")
        header = bearer(await sessions.open("nanjing"))
        world.path.rename(aside)
        with pytest.raises(StoreError, match="does not answer"):
            sessions.viewer(header)
        aside.rename(world.path)
        assert sessions.viewer(header)

    run(body)


def test_a_store_restored_from_a_backup_is_noticed(run: Run, tmp_path: Path) -> None:
    async def body(world: World) -> None:
        backup = tmp_path / "backup.db"
        sessions = world.worker()
        with (
            closing(sqlite3.connect(backup)) as copy,
            closing(sqlite3.connect(world.path)) as original,
        ):
            original.backup(copy)
        header = bearer(await sessions.open("nanjing"))
        assert sessions.viewer(header)
        await world.engine.dispose()
        for log in (tmp_path / "gateway.db-wal", tmp_path / "gateway.db-shm"):
            log.unlink()
        backup.replace(world.path)
        await sessions._notice_replacement()
        with pytest.raises(Unauthenticated):
            sessions.viewer(header)

    run(body)


def test_last_use_is_written_in_the_background_and_at_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sessions._FLUSH_SECONDS", 0.01)

    async def body(world: World) -> None:
        seen = "SELECT last_seen_at FROM sessions"
        async with world.worker().running() as sessions:
            header = bearer(await sessions.open("nanjing"))
            world.clock.now += 90
            sessions.viewer(header)
            for _ in range(200):
                if world.sql(seen) == [(instant(START + 90),)]:
                    break
                await asyncio.sleep(0.01)
            assert world.sql(seen) == [(instant(START + 90),)]
            monkeypatch.setattr("gateway.sessions._FLUSH_SECONDS", 60)
            await asyncio.sleep(0.05)
            world.clock.now += 90
            sessions.viewer(header)
        assert world.sql(seen) == [(instant(START + 180),)]

    run(body)


def test_a_store_that_cannot_be_written_does_not_end_the_background(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(world: World) -> None:
        async with world.worker().running() as sessions:
            header = bearer(await sessions.open("nanjing"))
            world.clock.now += 90
            sessions.viewer(header)
            world.sql("ALTER TABLE sessions RENAME TO elsewhere")
        assert "could not be written" in caplog.text

    run(body)
