"""The gateway's own store as resolvers see it: accounts, rights, whatever stands beside regions."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.blind_index import BlindIndexer
from regions.errors import StoreError
from regions.file_writing import FileWriter
from regions.keys import Keys
from regions.sealing import Sealer
from resolvers.erasures.eraser import Eraser

__all__ = ["COUNTRY", "Central", "PasswordHasher"]

COUNTRY = "000000"
"""Whose private items are sealed in the gateway's own store (staff, not people of a region)."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class PasswordHasher(Protocol):
    """What hashes passwords, off the event loop and a few at a time (`gateway.passwords`)."""

    def check(self, account: str, password: str) -> None:
        """Raises InvalidInput where the password is too weak for the account."""

    async def hash(self, password: str) -> str:
        """The encoded hash to store. Raises TooManyRequests when too many wait for one."""


class Central:
    """Runs work in transactions of the gateway's own store, those of one worker in turn.

    Emergency access lasts `emergency_minutes` at most and is reviewed within `review_hours` (F11).
    A registration that is not decided within `registration_days` expires. `eraser` erases people;
    `channels` are those by which messages are sent: SMS, EMAIL, WEBHOOK, FILE.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        keys: Keys,
        passwords: PasswordHasher | None = None,
        *,
        emergency_minutes: int = 240,
        review_hours: int = 24,
        registration_days: int = 30,
        eraser: Eraser | None = None,
        channels: frozenset[str] = frozenset(),
    ) -> None:
        self._engine, self._passwords = engine, passwords
        self.emergency_minutes, self.review_hours = emergency_minutes, review_hours
        self.registration_days, self.eraser = registration_days, eraser
        self.channels = channels
        self.sealer = Sealer(keys.sealing, COUNTRY)
        self.indexer = BlindIndexer(keys.staff_index)  # of staff, by a key that is never rotated
        self._turn = asyncio.Lock()
        self._writer = FileWriter(str(engine.url.database))

    @property
    def passwords(self) -> PasswordHasher:
        """Checks and hashes new passwords."""
        assert self._passwords is not None
        return self._passwords

    async def do(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, done in one transaction; what it raises undoes it.

        A transaction begins as a writer, so what it reads nobody changes meanwhile. Raises
        StoreError where the store does not answer or refuses a row.
        """
        try:
            async with self._turn, self._engine.begin() as connection:
                return await connection.run_sync(work)
        except (OSError, DBAPIError) as error:
            raise _failed(getattr(error, "orig", error)) from None

    async def together(
        self,
        work: Callable[[sqlite3.Connection], T],
        look: Callable[[sqlite3.Connection], T | None],
    ) -> T:
        """As `do` for what questions write: one commit for all that wait, `work` on the driver's
        own connection. Nothing is begun where `look`, which only reads, has the answer.

        `work` raises an EpigateError before it writes or not at all. Raises StoreError.
        """
        try:
            return await self._writer.do(work, look)
        except (OSError, sqlite3.Error) as error:
            raise _failed(error) from None

    async def close(self) -> None:
        """Ends what `together` keeps. The engine is its owner's."""
        await self._writer.close()


def _failed(error: object) -> StoreError:
    _log.error("the gateway's own store failed: %s", type(error).__name__)
    return StoreError("the gateway's own store does not answer", store="gateway")
