"""Whether another connection has changed a SQLite file, for some microseconds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from regions.errors import StoreError

__all__ = ["Changes"]


class Changes:
    """Watches one file: `version` differs after any commit of another connection.

    For one thread, which may be that of the event loop: nothing is waited for. Another file in its
    place is noticed, too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: sqlite3.Connection | None = None
        self._file: tuple[int, int] = (0, 0)
        self._opened = 0

    def version(self) -> int:
        """A number that stays while nothing was committed. Raises StoreError."""
        try:
            status = self._path.stat()
            file = status.st_dev, status.st_ino
            if self._store is None or file != self._file:
                self.close()
                self._store = sqlite3.connect(
                    f"{self._path.absolute().as_uri()}?mode=rw",
                    uri=True,
                    isolation_level=None,
                    timeout=0,  # a store that is locked does not answer
                )
                self._file = file
                self._opened += 1
            (version,) = self._store.execute("PRAGMA data_version").fetchone()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(f"the store {self._path.name} does not answer: {error}") from None
        return (self._opened << 40) + int(version)

    def close(self) -> None:
        """Gives the file back."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
