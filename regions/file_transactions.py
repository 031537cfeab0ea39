"""Transactions of an SQLite file done by a thread of their own, from their first statement to their
commit, without coming back to the event loop in between.

For work of many statements: through the asynchronous driver each would cost several wakings of the
loop, ten times what SQLite takes for it. What several want at a time shares one commit, each in a
savepoint of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from regions.engines import READS, prepare_sqlite

__all__ = ["FileTransactions", "Progress"]

T = TypeVar("T")

_GROUP = 64  # parts of one transaction
_GROUP_SECONDS = 0.1  # after which no other is begun: whoever wants one has a deadline


class Progress:
    """How far a transaction came, and whether anybody still waits for it. Of any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committing = self._abandoned = False

    @property
    def committing(self) -> bool:
        """Whether it may have been committed."""
        return self._committing

    def commits(self) -> bool:
        """Whether it may be committed now: not once it was abandoned."""
        with self._lock:
            self._committing = not self._abandoned
            return self._committing

    def undone(self) -> None:
        """It was not committed, and is begun anew."""
        with self._lock:
            self._committing = False

    def abandon(self) -> None:
        """Nobody waits for it any more: unless its commit has begun, it is undone."""
        with self._lock:
            self._abandoned = True


class _Abandoned(Exception):
    """Undoes a transaction nobody waits for."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What somebody wants to have done, and where the outcome goes."""

    work: Callable[[Connection], Any]
    progress: Progress
    done: asyncio.Future[Any]


class FileTransactions:
    """One connection to an SQLite file and the thread that uses it. Use it from one event loop.

    `turn` is held while it writes, by all who write to the file from this process.
    """

    def __init__(self, path: str, turn: asyncio.Lock, *, busy_seconds: float) -> None:
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transactions")
        self._engine: Engine = create_engine(
            f"sqlite+pysqlite:///{path}",
            poolclass=StaticPool,
            connect_args={"timeout": busy_seconds, "check_same_thread": False},
        )
        prepare_sqlite(self._engine)
        self._queue: deque[_Wanted] = deque()
        self._groups: asyncio.Task[None] | None = None

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads in one transaction, beside whoever writes. Raises DBAPIError."""

        def look() -> T:
            with self._engine.connect() as connection:
                result = work(connection.execution_options(**{READS: True}))
                connection.rollback()
                return result

        return await asyncio.get_running_loop().run_in_executor(self._thread, look)

    async def write(self, work: Callable[[Connection], T], progress: Progress) -> T:
        """What `work` returns, done wholly or not at all: what it raises undoes it, and so does
        whoever stops waiting before its commit. What others want meanwhile shares a commit with it.

        Raises DBAPIError.
        """
        wanted = _Wanted(work, progress, asyncio.get_running_loop().create_future())
        self._queue.append(wanted)
        if self._groups is None or self._groups.done():
            self._groups = asyncio.create_task(self._write())
        try:
            result: T = await wanted.done
        except asyncio.CancelledError:
            progress.abandon()
            raise
        return result

    async def _write(self) -> None:
        """Group after group, as long as anybody wants something."""
        loop = asyncio.get_running_loop()
        while self._queue:
            async with self._turn:
                try:
                    outcomes = await loop.run_in_executor(self._thread, self._group)
                except RuntimeError:  # closed meanwhile
                    closed = OSError("the store was closed")
                    outcomes = [(one, None, closed) for one in self._waiting()]
            for wanted, result, error in outcomes:
                if wanted.done.done():
                    continue  # nobody waits any more
                if error is not None:
                    wanted.done.set_exception(error)
                else:
                    wanted.done.set_result(result)

    def _group(self) -> list[tuple[_Wanted, Any, BaseException | None]]:
        """Does what is wanted now in one transaction, each part undone alone. In the thread."""
        until = time.monotonic() + _GROUP_SECONDS
        taken: list[tuple[_Wanted, Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                while self._queue and len(taken) < _GROUP and time.monotonic() < until:
                    taken.append(_part(connection, self._queue.popleft()))
        except BaseException as error:  # the commit failed: of all, or of those not yet undone
            taken = taken or [(one, None, error) for one in self._waiting()]
            return [(one, None, failed or error) for one, _, failed in taken]
        return taken

    def _waiting(self) -> list[_Wanted]:
        """All that is wanted now, taken off."""
        return [self._queue.popleft() for _ in range(len(self._queue))]

    async def close(self) -> None:
        """Closes the connection, after what is under way."""

        def close() -> None:
            self._engine.dispose()
            self._thread.shutdown(wait=False)

        await asyncio.wrap_future(self._thread.submit(close))


def _part(connection: Connection, wanted: _Wanted) -> tuple[_Wanted, Any, BaseException | None]:
    """One part of a group; nothing where nobody waits for it any more."""
    if wanted.done.cancelled():
        return wanted, None, None
    _savepoint(connection, "SAVEPOINT part")
    try:
        result = wanted.work(connection)
        if not wanted.progress.commits():
            raise _Abandoned
        _savepoint(connection, "RELEASE part")
    except BaseException as error:  # of this part; the others go on
        _savepoint(connection, "ROLLBACK TO part")
        _savepoint(connection, "RELEASE part")
        return wanted, None, error
    return wanted, result, None


def _savepoint(connection: Connection, statement: str) -> None:
    """Said to the driver itself: through SQLAlchemy it costs as much as a statement of the part.

    Raises DBAPIError.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise DBAPIError(statement, None, error) from error
