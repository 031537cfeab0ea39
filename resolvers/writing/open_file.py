"""Which file of a store is open: one that comes in its place was put back, and gets a fence."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection

from regions.engines import make_engine
from regions.fencing import fence, fences_of_file
from regions.instants import now
from regions.settings import RegionSettings

__all__ = ["OpenFile"]

_log = logging.getLogger(__name__)


class OpenFile:
    """The file of a store that is open; none of a store on a server.

    `settings` are the store's, with the deadline within which a lock is waited for. `discard`
    closes what was opened.
    """

    def __init__(self, settings: RegionSettings, discard: Callable[[], Awaitable[None]]) -> None:
        self._settings, self._discard = settings, discard
        self._file: tuple[int, int] | None = None  # the one that is open
        self._seen: tuple[int, int] | None = None  # the last one that was
        self._changing = asyncio.Lock()

    @property
    def name(self) -> str | None:
        """What the system calls the file that is open; None: none is, or there are no files."""
        return _named(self._file) if self._file is not None else None

    def closed(self) -> None:
        """Nothing of it is open any more."""
        self._file = None

    async def require_same(self) -> None:
        """Closes what was opened where the file is no longer that one. Raises OSError.

        A file in the place of another is one that was put back: a fence is up in it before anything
        is done in it.
        """
        path = self._settings.path
        if path is None or _identity(path) == self._file:
            return
        async with self._changing:
            identity = _identity(path)
            if identity == self._file:
                return
            await self._discard()
            if self._seen not in (None, identity):
                await self._put_up_fence(_named(identity))
            self._seen = self._file = identity

    async def _put_up_fence(self, file: str) -> None:
        """Unless whoever saw the file before has: it may be mended by now."""
        code = self._settings.code

        def work(connection: Connection) -> None:
            if not fences_of_file(connection, file):
                _log.warning("the store %s is another file than before", code)
                fence(connection, code, now(), file)

        engine = make_engine(self._settings)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(work)
        finally:
            await engine.dispose()


def _identity(path: Path) -> tuple[int, int]:
    """What tells a file from every other. Raises OSError: an engine would make a missing one."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _named(identity: tuple[int, int]) -> str:
    return ":".join(map(str, identity))
