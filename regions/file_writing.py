"""Writing a SQLite file beside the questions: one thread hop for all that waits, one commit.

For what questions write themselves. SQLAlchemy's asynchronous engine hops to a thread and back at
each statement, which costs a question more than its answer does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from regions.batching import BatchThread
from regions.engines import sqlite_connection
from regions.errors import EpigateError

__all__ = ["FileWriter"]

T = TypeVar("T")


class _Job(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    look: Callable[[sqlite3.Connection], Any]


class FileWriter:
    """Transactions on one SQLite file, each begun as a writer. For one event loop.

    After a failure the connection is given up, and the next batch begins with a new one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread: BatchThread[_Job, Any] = BatchThread(self._run, name="epigate-writer")
        self._connection: sqlite3.Connection | None = None

    async def do(
        self,
        work: Callable[[sqlite3.Connection], T],
        look: Callable[[sqlite3.Connection], T | None],
    ) -> T:
        """What `look` returns, which only reads; where that is None, what `work` returns.

        `work` is done in one transaction with all that waits, durable when it returns. An
        EpigateError it raises is its own, so it raises it before it writes. Anything else undoes
        the transaction: raises sqlite3.Error where the file does not answer.
        """
        return cast(T, await self._thread.submit(_Job(work, look)))

    async def close(self) -> None:
        """Waits for what was begun; closes thread and file."""
        await self._thread.close()
        self._give_up()

    def _run(self, batch: list[_Job]) -> Sequence[Any]:
        try:
            return self._outcomes(batch)
        except BaseException:
            self._give_up()
            raise

    def _outcomes(self, batch: list[_Job]) -> list[Any]:
        connection = self._connection
        if connection is None:
            connection = self._connection = sqlite_connection(self._path)
        found = [job.look(connection) for job in batch]
        writing = [number for number, outcome in enumerate(found) if outcome is None]
        if not writing:
            return found
        connection.execute("BEGIN IMMEDIATE")
        for number in writing:
            try:
                found[number] = batch[number].work(connection)
            except EpigateError as error:
                found[number] = error
        connection.execute("COMMIT")
        return found

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()  # which undoes what was not committed
