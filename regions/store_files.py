"""One region's SQLite file as its readers see it: connections, and whether it has changed."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque

from regions.reads import Failure
from regions.settings import RegionSettings

__all__ = ["StoreFile"]

_RECHECK = 0.05  # seconds for which a file is believed to be where it was
_CACHE_KIB = 16_384
_MAPPED_BYTES = 256 << 20


class StoreFile:
    """One region's SQLite file: idle connections, and whether it is still the file it was."""

    def __init__(self, settings: RegionSettings) -> None:
        self.path = str(settings.path)
        self.idle: deque[sqlite3.Connection] = deque()
        self._identity: tuple[int, int] | None = None
        self._checked = 0.0
        self._watch: sqlite3.Cursor | None = None
        self._watched: tuple[int, int] | None = None
        self._generation = 0
        self._looked = 0.0

    def connection(self) -> sqlite3.Connection:
        """An idle connection, or a new one. Raises Failure where there is no file."""
        now = time.monotonic()
        if now - self._checked > _RECHECK:
            self._check()
            self._checked = now
        try:
            return self.idle.popleft()
        except IndexError:
            return self._open()

    def version(self) -> int:
        """`PRAGMA data_version` of a connection kept for it. Raises Failure, sqlite3.Error."""
        now = time.monotonic()
        if now - self._looked > _RECHECK:
            identity = self._identity_now()
            self._looked = now
            if identity != self._watched:
                self._watched, self._watch, self._generation = identity, None, self._generation + 1
        watch = self._watch
        if watch is None:
            watch = self._watch = self._open().cursor()
        version: int = watch.execute("PRAGMA data_version").fetchone()[0]
        return version + (self._generation << 32)

    def _identity_now(self) -> tuple[int, int]:
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise Failure(f"the store's file cannot be reached ({error.strerror})") from None
        return status.st_dev, status.st_ino

    def _check(self) -> None:
        try:
            identity = self._identity_now()
        except Failure:
            self.close()
            raise
        if identity != self._identity:
            self.close()
            self._identity = identity

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{self.path}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
            timeout=0,
        )
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute(f"PRAGMA mmap_size={_MAPPED_BYTES}")
        return connection

    def close(self) -> None:
        """Closes the idle connections."""
        while self.idle:
            self.idle.popleft().close()
