"""Group commit: rows appended to a table of a SQLite file, a batch in one durable transaction.

Workers of one gateway share the file. SQLite's own waiting is by sleeping longer and longer, so a
worker that commits without pause starves the others for half a second at a time; they queue in
front of it instead (`_Turnstile`), and SQLite's lock stays for whoever else writes to the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

__all__ = ["FileMoved", "GroupCommit"]

_POLL = 0.0002  # seconds; a commit takes some 0.2 to 1 ms
_ROWS = 256  # of one INSERT: one call into SQLite, one release of the interpreter lock
_CHECKPOINT_PAGES = 1_000  # 4 MB: the commit it falls to waits some 6 ms, with 4,000 pages 18 ms


class FileMoved(OSError):
    """The file, its write-ahead log or the index of that is no longer what was opened."""


class GroupCommit:
    """Appends rows of text to `table`. For one thread at a time.

    After any failure the connection is given up, and the next batch begins with a new one. A file
    that is not there is an error, never made anew, and so is another in its place: a log that
    vanished must be noticed.
    """

    def __init__(
        self, path: Path, table: str, columns: Sequence[str], *, busy_seconds: float
    ) -> None:
        self._path, self._busy_seconds = path, busy_seconds
        self._insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        self._row = f"({', '.join('?' * len(columns))})"
        self._columns = len(columns)
        self._take_back = f"DELETE FROM {table} WHERE rowid = last_insert_rowid()"
        self._statements: dict[int, str] = {}
        self._files = tuple(f"{path}{suffix}" for suffix in ("", "-wal", "-shm"))
        self._turnstile = _Turnstile(path)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[tuple[int, int], ...] = ()
        self._file: tuple[int, int] | None = None  # the one that was opened first

    def create(self, *statements: str) -> None:
        """Makes the file where there is none (for its owner only) and runs the statements in it.

        Raises OSError and sqlite3.Error.
        """
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        queue = self._turnstile.pass_through(self._busy_seconds)
        with queue, closing(self._connect()) as connection:
            for statement in statements:
                connection.execute(statement)
            self._check_file()

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Makes the rows durable, all or none. Raises OSError, sqlite3.Error, UnicodeError."""
        with self._transaction() as connection:
            self._commit(connection, rows)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._turnstile.pass_through(self._busy_seconds):
                yield self._connection or self._open()
            # After the commit: what was written to a file without a name is not kept.
            identity = self._identify()
            if not identity or identity != self._identity:
                raise FileMoved(f"{self._path} was moved, removed or replaced")
        except BaseException:
            self.close()
            raise

    def try_out(self) -> None:
        """Writes a row and takes it back, durably: raises what `write` would."""
        with self._transaction() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(self._statement(1), [""] * self._columns)
            connection.execute(self._take_back)
            connection.execute("COMMIT")

    def close(self) -> None:
        """Gives up the connection; another write would open a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
        self._turnstile.close()

    def _commit(self, connection: sqlite3.Connection, rows: Sequence[Sequence[str]]) -> None:
        sizes = _binary(len(rows))
        several = len(sizes) > 1  # one statement is a transaction by itself
        if several:
            connection.execute("BEGIN IMMEDIATE")
        start = 0
        for size in sizes:
            chunk = rows[start : start + size]
            connection.execute(self._statement(size), [value for row in chunk for value in row])
            start += size
        if several:
            connection.execute("COMMIT")

    def _statement(self, rows: int) -> str:
        statement = self._statements.get(rows)
        if statement is None:
            statement = self._insert + ", ".join([self._row] * rows)
            self._statements[rows] = statement
        return statement

    def _open(self) -> sqlite3.Connection:
        # Before: with the write-ahead log of the old file, SQLite takes any file for the old one.
        self._check_file()
        connection = self._connection = self._connect()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # maps log and index
        self._identity = self._identify()
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._busy_seconds,
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_file(self) -> None:
        """Raises FileMoved where it is not the file that was opened first."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return  # opening it says so
        found = status.st_dev, status.st_ino
        if self._file is None:
            self._file = found
        elif found != self._file:
            raise FileMoved(f"another file stands in the place of {self._path}")

    def _identify(self) -> tuple[tuple[int, int], ...]:
        try:
            found = [os.stat(file) for file in self._files]
        except FileNotFoundError:
            return ()
        return tuple((status.st_dev, status.st_ino) for status in found)


class _Turnstile:
    """A queue of processes before one file, by two advisory locks beside it.

    Whoever waits holds the turn and polls the place. Who leaves the place and wants it again has to
    wait for the turn first, so it cannot overtake, and two processes alternate. Only fairness hangs
    on it: a lock file that vanished, or a file system without `flock`, leaves SQLite's own lock.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (f"{path}-turn", f"{path}-place")
        self._handles: list[int] = []

    @contextmanager
    def pass_through(self, seconds: float) -> Iterator[None]:
        """Holds the place. Raises TimeoutError where it is not had within `seconds`."""
        if not self._handles:
            self._handles = [
                os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600) for path in self._paths
            ]
        turn, place = self._handles
        deadline = time.monotonic() + seconds
        _lock(turn, deadline)
        try:
            _lock(place, deadline)
        finally:
            _unlock(turn)
        try:
            yield
        finally:
            _unlock(place)

    def close(self) -> None:
        while self._handles:
            os.close(self._handles.pop())


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError("another process holds the file and does not let go") from None
            time.sleep(_POLL)
        except OSError:  # no such locks on this file system
            return


def _unlock(handle: int) -> None:
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)


def _binary(count: int) -> list[int]:
    """The count as powers of two, the largest first, so that few statements serve every batch."""
    sizes = [_ROWS] * (count // _ROWS)
    rest = count % _ROWS
    return sizes + [1 << bit for bit in range(_ROWS.bit_length() - 2, -1, -1) if rest >> bit & 1]
