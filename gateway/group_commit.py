"""Group commit: a SQLite file to which several processes append, each a batch at a time, durably.

Workers of one gateway share the file. SQLite's own waiting is by sleeping longer and longer, so a
worker that commits without pause starves the others for half a second at a time; they queue in
front of it instead (`_Turnstile`), and SQLite's lock stays for whoever else writes to the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

__all__ = ["FileMoved", "GroupCommit"]

T = TypeVar("T")

_POLL = 0.0002  # seconds; a commit takes some 0.2 to 1 ms
_CHECKPOINT_PAGES = 1_000  # 4 MB: the commit it falls to waits some 6 ms, with 4,000 pages 18 ms


class FileMoved(OSError):
    """The file, its write-ahead log or the index of that is no longer what was opened."""


class GroupCommit:
    """Durable work on a SQLite file that several processes share. For one thread at a time.

    After any failure the connection is given up, and the next batch begins with a new one. A file
    that is not there is an error, never made anew, and so is another in its place: a log that
    vanished must be noticed.
    """

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self._path, self._busy_seconds = path, busy_seconds
        self._files = tuple(f"{path}{suffix}" for suffix in ("", "-wal", "-shm"))
        self._turnstile = _Turnstile(path)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[tuple[int, int], ...] = ()
        self._file: tuple[int, int] | None = None  # the one that was opened first

    def create(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Makes the file where there is none (for its owner only); what `work` returns, done in it.

        Raises OSError and sqlite3.Error.
        """
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        queue = self._turnstile.pass_through(self._busy_seconds)
        with queue, closing(self._connect()) as connection:
            result = work(connection)
            self._check_file()
        return result

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, done while no other process is let in.

        `work` begins and ends its transactions itself; a single statement is one, and synchronised
        when it returns. Raises OSError, sqlite3.Error and whatever `work` raises.
        """
        try:
            with self._turnstile.pass_through(self._busy_seconds):
                result = work(self._connection or self._open())
            # After the commit: what was written to a file without a name is not kept.
            identity = self._identify()
            if not identity or identity != self._identity:
                raise FileMoved(f"{self._path} was moved, removed or replaced")
        except BaseException:
            self.close()
            raise
        return result

    def close(self) -> None:
        """Gives up the connection; another write would open a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
        self._turnstile.close()

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
