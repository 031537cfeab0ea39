"""The access log: who saw what. An entry is on disk before its answer's first byte leaves (G1).

A file of its own beside the regions: it grows, and nothing else may wait for it. Each worker
process has one thread that writes what all its requests hand over, many entries to a commit.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from gateway.group_commit import GroupCommit
from regions.access_log import entries
from regions.batching import BatchThread
from regions.errors import AccessLogError

__all__ = ["AccessLog", "canonical", "read_entries"]

Row = tuple[str, str, str, str, str]

_log = logging.getLogger(__name__)

_COLUMNS = ("at", "account", "operation", "result", "entry")
_HINT = "no data leaves while the access log cannot be written: see to its file and its disk"


class AccessLog:
    """The log of one worker process; use it from one event loop. Several may share the file.

    Makes the file where there is none, but only here: one that vanishes later is a failure until it
    is back. `busy_seconds` is how long a commit waits for another process that holds the file.
    Raises AccessLogError.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 2.0) -> None:
        self._commit = GroupCommit(path, entries.name, _COLUMNS, busy_seconds=busy_seconds)
        try:
            self._commit.create(_create_statement())
        except (OSError, sqlite3.Error) as error:
            raise _failure(error) from None
        self._failing = False
        self._thread: BatchThread[Row | None, None] = BatchThread(self._write, name="access-log")

    def append_nowait(
        self, at: str, account: str, operation: str, result: str, entry: bytes
    ) -> asyncio.Future[None]:
        """Hands an entry over: canonical JSON, and the columns it is found by.

        The future is done when the entry is durable, or fails with AccessLogError; the entry is
        written even if nobody waits. Raises AccessLogError when closed, UnicodeDecodeError.
        """
        row = (at, account, operation, result, entry.decode())
        try:
            return self._thread.submit(row)
        except RuntimeError as error:
            raise _failure(error) from None

    async def append(
        self, at: str, account: str, operation: str, result: str, entry: bytes
    ) -> None:
        """Returns when the entry is durable; raises AccessLogError otherwise."""
        await self.append_nowait(at, account, operation, result, entry)

    async def check(self) -> None:
        """Returns when the log is known to be writable; raises AccessLogError otherwise."""
        try:
            await self._thread.submit(None)
        except RuntimeError as error:
            raise _failure(error) from None

    async def close(self) -> None:
        """Writes what was handed over, then closes the file."""
        await self._thread.close()
        self._commit.close()

    def _write(self, batch: Sequence[Row | None]) -> Sequence[Exception | None]:
        """Writes the rows of a batch; None stands for whoever only wants to know that it can be."""
        rows = [row for row in batch if row is not None]
        try:
            if rows:
                self._commit.write(rows)
            else:
                self._commit.try_out()
        except (OSError, sqlite3.OperationalError) as error:
            if not self._failing:  # said once, however many ask meanwhile
                _log.error("the access log cannot be written, nothing is answered: %s", error)
            self._failing = True
            raise _failure(error) from None
        except Exception as error:  # of one row, before any was written
            if len(batch) == 1:
                return [_failure(error)]
            return [self._write([row])[0] for row in batch]
        if self._failing:
            _log.warning("the access log is written again")
        self._failing = False
        return [None] * len(batch)


def canonical(entry: Mapping[str, Any]) -> bytes:
    """An entry's bytes: JSON, keys sorted, no white space."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def read_entries(
    path: Path, *, account: str | None = None, since: str | None = None, limit: int = 100
) -> Iterator[dict[str, Any]]:
    """The last `limit` entries, the oldest first, each with its `number`.

    `since` is an instant (`2026-11-22T00:00:00Z`). Raises AccessLogError where there is no log.
    """
    query = select(entries.c.number, entries.c.entry).order_by(entries.c.number.desc())
    if account is not None:
        query = query.where(entries.c.account == account)
    if since is not None:
        query = query.where(entries.c.at >= since)
    compiled = query.limit(limit).compile(dialect=sqlite.dialect(paramstyle="named"))
    try:
        uri = (
            f"{path.absolute().as_uri()}?mode=rw"  # of a log that is not in use, ro cannot be read
        )
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute(str(compiled), compiled.params).fetchall()
    except sqlite3.Error as error:
        raise AccessLogError(f"the access log {path} cannot be read: {error}") from None
    for number, entry in reversed(rows):
        yield {"number": number, **orjson.loads(entry)}


def _create_statement() -> str:
    table = CreateTable(entries, if_not_exists=True)
    return str(table.compile(dialect=sqlite.dialect()))


def _failure(error: Exception) -> AccessLogError:
    return AccessLogError(f"the access log could not be written: {error}", hint=_HINT)
