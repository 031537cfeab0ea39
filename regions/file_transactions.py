"""Transactions of an SQLite file done by a thread of their own, from their first statement to their
commit, without coming back to the event loop in between.

For work of many statements: through the asynchronous driver each would cost several wakings of the
loop, ten times what SQLite takes for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from regions.engines import READS, prepare_sqlite

__all__ = ["FileTransactions", "Progress"]

T = TypeVar("T")


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

    def abandon(self) -> None:
        """Nobody waits for it any more: unless its commit has begun, it is undone."""
        with self._lock:
            self._abandoned = True


class Abandoned(Exception):
    """Undoes a transaction nobody waits for."""


class FileTransactions:
    """One connection to an SQLite file and the thread that uses it. Use it from one event loop."""

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transactions")
        self._engine: Engine = create_engine(
            f"sqlite+pysqlite:///{path}",
            poolclass=StaticPool,
            connect_args={"timeout": busy_seconds, "check_same_thread": False},
        )
        prepare_sqlite(self._engine)

    async def do(self, work: Callable[[Connection], T], progress: Progress, *, reads: bool) -> T:
        """What `work` returns, done in one transaction; what it raises undoes it, and so does
        whoever stops waiting before its commit. `reads`: it only reads.

        Raises DBAPIError.
        """

        def transact() -> T:
            with self._engine.connect() as connection:
                if reads:
                    connection = connection.execution_options(**{READS: True})
                result = work(connection)
                if reads:
                    connection.rollback()
                elif progress.commits():
                    connection.commit()
                else:
                    raise Abandoned
                return result

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, transact)
        except asyncio.CancelledError:
            progress.abandon()
            raise

    async def close(self) -> None:
        """Closes the connection, after what is under way."""

        def close() -> None:
            self._engine.dispose()
            self._thread.shutdown(wait=False)

        with_thread: Any = self._thread.submit(close)
        await asyncio.wrap_future(with_thread)
