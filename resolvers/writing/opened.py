"""What a process has open of a store to write to it: engine, ids, and the file's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from regions.engines import make_engine
from regions.file_transactions import FileTransactions
from regions.ids import IdBlocks
from regions.settings import RegionSettings
from resolvers.writing.endings import Endings
from resolvers.writing.open_file import OpenFile

__all__ = ["CLOSING", "Opened"]

CLOSING = 1.0
"""Seconds that others wait until a broken engine is closed."""

_PATIENCE = 0.9  # of the deadline: SQLite says itself that it is locked before we stop waiting
_CONNECTIONS = 8  # to PostgreSQL, of one worker


class Opened:
    """Each part is made when it is first wanted, and anew where the file is no longer the one that
    was opened.
    """

    def __init__(self, settings: RegionSettings, endings: Endings) -> None:
        self._settings = replace(settings, deadline=settings.deadline * _PATIENCE)
        self._endings = endings
        self._file = OpenFile(self._settings, self.discard)
        self._engine: AsyncEngine | None = None
        self._ids: IdBlocks | None = None
        self._thread: FileTransactions | None = None
        self._turn = asyncio.Lock()

    @property
    def file(self) -> str | None:
        """What the system calls the file that is open; None: none is, or there are no files."""
        return self._file.name

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Held by whoever writes to a file; a server has many writers at a time."""
        if self._settings.path is None:
            yield
        else:
            async with self._turn:
                yield

    async def thread(self) -> FileTransactions:
        """The file's own thread. Raises OSError, DBAPIError."""
        await self._file.require_same()
        if self._thread is None:
            self._thread = FileTransactions(
                str(self._settings.path), self._turn, busy_seconds=self._settings.deadline
            )
        return self._thread

    async def engine(self) -> tuple[AsyncEngine, IdBlocks]:
        """Engine and ids. Raises OSError, DBAPIError."""
        await self._file.require_same()
        if self._engine is None:
            # Whoever comes when all are in use waits: making one costs as much as ten writes.
            self._engine = make_engine(
                self._settings, pool_size=_CONNECTIONS, overflow=0, by_index=True
            )
        if self._ids is None:
            self._ids = IdBlocks(self._engine, self._settings.code)
        return self._engine, self._ids

    async def discard(self) -> None:
        """Closes what was opened; what does not close in time goes on with it by itself."""
        engine, self._engine, self._ids = self._engine, None, None
        thread, self._thread = self._thread, None
        self._file.closed()
        for one in (engine and engine.dispose, thread and thread.close):
            if one:
                closing = asyncio.create_task(one())
                self._endings.add(closing)
                await asyncio.wait({closing}, timeout=CLOSING)
