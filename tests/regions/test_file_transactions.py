"""Transactions of a file's own thread: whole or not at all, also when nobody waits any more."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from regions.file_transactions import FileTransactions, Progress


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one table."""
    path = tmp_path / "one.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    return path


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        return found


def _insert(connection: Connection) -> int:
    connection.execute(text("INSERT INTO t VALUES (1)"))
    found: int = connection.execute(text("SELECT count(*) FROM t")).scalar_one()
    return found


def test_what_is_done_is_committed_and_what_raises_is_undone(file: Path) -> None:
    def fails(connection: Connection) -> None:
        _insert(connection)
        raise KeyError

    async def run() -> None:
        thread = FileTransactions(str(file), asyncio.Lock(), busy_seconds=1.0)
        try:
            assert await thread.write(_insert, Progress()) == 1
            with pytest.raises(KeyError):
                await thread.write(fails, Progress())
            assert await thread.write(_insert, Progress()) == 2
        finally:
            await thread.close()

    asyncio.run(run())
    assert _count(file) == 2


def test_whoever_reads_leaves_nothing_and_waits_for_nobody(file: Path) -> None:
    async def run() -> None:
        thread = FileTransactions(str(file), asyncio.Lock(), busy_seconds=0.1)
        await thread.write(lambda _: None, Progress())  # connected
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            count = text("SELECT count(*) FROM t")
            found = await thread.read(lambda connection: connection.execute(count).scalar_one())
            assert found == 0
            with pytest.raises(OperationalError, match="locked"):
                await thread.write(_insert, Progress())
        await thread.close()

    asyncio.run(run())


def test_a_transaction_nobody_waits_for_is_undone(file: Path) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        _insert(connection)
        begun.set()
        goes_on.wait(60)

    async def run() -> None:
        thread, progress = FileTransactions(str(file), asyncio.Lock(), busy_seconds=1.0), Progress()
        task = asyncio.create_task(thread.write(slow, progress))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not progress.committing
        goes_on.set()
        await thread.close()

    asyncio.run(run())
    assert _count(file) == 0


def test_what_is_wanted_at_once_shares_a_commit_and_fails_alone(file: Path) -> None:
    commits: list[str] = []

    def fails(connection: Connection) -> None:
        _insert(connection)
        raise KeyError

    async def run() -> list[Any]:
        thread = FileTransactions(str(file), asyncio.Lock(), busy_seconds=1.0)
        event.listen(thread._engine, "commit", lambda _: commits.append("commit"))
        try:
            works = [_insert, fails, _insert, fails, _insert]
            return await asyncio.gather(
                *(thread.write(one, Progress()) for one in works), return_exceptions=True
            )
        finally:
            await thread.close()

    found = asyncio.run(run())
    assert [one for one in found if isinstance(one, int)] == [1, 2, 3]
    assert [type(one) for one in found if not isinstance(one, int)] == [KeyError, KeyError]
    assert commits == ["commit"]
    assert _count(file) == 3


def test_once_its_commit_has_begun_it_may_be_there() -> None:
    progress = Progress()
    assert progress.commits()
    progress.abandon()
    assert progress.committing
    other = Progress()
    other.abandon()
    assert not other.commits()
    assert not other.committing
