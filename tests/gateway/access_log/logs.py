"""Small logs on disk, and what somebody who may write the file can do to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.access_log.log_file import LogFile, Row
from gateway.access_log.reading import canonical
from gateway.access_log.tree import StoredTree, checkpoint_in

__all__ = ["AT", "SEED", "at_minute", "entries_of", "filled", "forging", "opened", "row", "stored"]

SEED = bytes(range(32))
AT = "2026-11-22T08:30:00Z"


def at_minute(minute: int) -> str:
    """An instant of that morning."""
    return f"2026-11-22T{8 + minute // 60:02}:{minute % 60:02}:00Z"


def row(number: int, at: str = AT) -> Row:
    """A row to be written."""
    return (at, "nanjing", "query cases", "OK", canonical({"at": at, "n": number}).decode())


def opened(path: Path, seed: bytes = SEED, origin: str = "log") -> LogFile:
    """The log of a file."""
    return LogFile(path, seed, origin=origin, name="epigate", busy_seconds=2)


def filled(path: Path, count: int, batch: int = 100) -> LogFile:
    """A log of so many entries."""
    log = opened(path)
    for start in range(0, count, batch):
        log.write([row(number) for number in range(start, min(count, start + batch))])
    return log


def entries_of(path: Path) -> list[bytes]:
    """The entries of a file."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT entry FROM entries ORDER BY number").fetchall()
    return [entry.encode() for (entry,) in rows]


@contextmanager
def stored(path: Path) -> Iterator[StoredTree]:
    """The tree a file keeps, as of its newest checkpoint."""
    with closing(sqlite3.connect(path)) as connection:
        found = checkpoint_in(connection)
        assert found is not None
        yield StoredTree(connection, found.size)


@contextmanager
def forging(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as whoever may write it sees it: no trigger stands in the way."""
    with closing(sqlite3.connect(path)) as connection:
        for trigger in ("entries_unchanged", "entries_kept"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        yield connection
        connection.commit()
