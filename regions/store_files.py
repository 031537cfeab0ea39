"""One region's SQLite file as its readers see it: connections, and whether it has changed."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress

from regions.reads import Failure
from regions.settings import RegionSettings

__all__ = ["StoreConnection", "StoreFile"]

_RECHECK = 0.05  # seconds for which a file is believed to be where it was
_CACHE_KIB = 16_384


class StoreConnection(sqlite3.Connection):
    """A connection that knows which of the files that had the store's name it reads."""

    generation = 0


class StoreFile:
    """One region's SQLite file: idle connections, and whether it is still the file it was.

    A store restored from a backup is another file under the same name, or the same one cut off and
    filled again, which a connection would not notice that has in its cache what it reads. Whoever
    notices first, a reader or `version`, begins a new generation, and no connection of an older
    one is used again.
    """

    def __init__(self, settings: RegionSettings) -> None:
        assert settings.path is not None
        self.path = settings.path
        self.idle: deque[StoreConnection] = deque()
        self._identity: tuple[int, int] | None = None
        self._size = 0
        self._generation = 0
        self._looked = 0.0
        self._looking = threading.Lock()
        self._watch: StoreConnection | None = None

    def connection(self) -> StoreConnection:
        """An idle connection, or a new one. Raises Failure where there is no file."""
        self._look()
        while True:
            try:
                connection = self.idle.popleft()
            except IndexError:
                return self._open()
            if connection.generation == self._generation:
                return connection
            connection.close()

    def release(self, connection: StoreConnection) -> None:
        """Takes a connection back that nobody uses any more."""
        if connection.generation == self._generation:
            self.idle.append(connection)
        else:
            connection.close()

    def version(self) -> int:
        """`PRAGMA data_version` of a connection kept for it. Raises Failure, sqlite3.Error."""
        self._look()
        watch = self._watch
        if watch is None or watch.generation != self._generation:
            if watch is not None:
                watch.close()
            watch = self._watch = self._open()
        version: int = watch.execute("PRAGMA data_version").fetchone()[0]
        return version + (watch.generation << 32)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked <= _RECHECK:
            return
        with self._looking:
            try:
                status = os.stat(self.path)
            except OSError as error:
                self._identity = None
                self._close_idle()
                reason = f"the store's file cannot be reached ({error.strerror})"
                raise Failure(reason) from None
            identity = status.st_dev, status.st_ino
            if identity != self._identity or status.st_size < self._size:
                self._identity = identity
                self._generation += 1
            self._size = status.st_size
            self._looked = now

    def _open(self) -> StoreConnection:
        generation = self._generation  # before: if the file is replaced now, it is of an older one
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
            timeout=0,
            factory=StoreConnection,
        )
        connection.generation = generation
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        # Not mapped: a file cut off in place (`cp` does so) would end the process, not one read.
        connection.execute("PRAGMA mmap_size=0")
        return connection

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self.idle.popleft().close()

    def close(self) -> None:
        """Closes the connections that nobody uses."""
        self._close_idle()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()
