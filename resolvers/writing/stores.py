"""The stores as mutations see them: transactions, seals and blind indexes of each region.

A write is one transaction within the region's deadline. SQLite has one writer at a time anyway, so
the writes of one worker queue here, where the first come is the first served.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.util import greenlet_spawn

from regions.blind_index import BlindIndexer
from regions.engines import READS
from regions.file_transactions import Progress
from regions.ids import take_ids
from regions.keys import Keys
from regions.reads import Failure
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.store_files import StoreFile
from resolvers.alerts.current import no_rules
from resolvers.alerts.rules import RuleBook
from resolvers.writing.endings import Endings
from resolvers.writing.failures import WriteFailed, failed, named
from resolvers.writing.fingerprints import Fingerprints
from resolvers.writing.joint import Joint, Many
from resolvers.writing.opened import CLOSING, Opened

__all__ = ["Store", "Stores"]

T = TypeVar("T")
Item = TypeVar("Item")


class _Abandoned(Exception):
    """Undoes a transaction nobody waits for."""


class Store:
    """One region's store, for writing. Its engine is made at the first write."""

    def __init__(self, settings: RegionSettings, keys: Keys) -> None:
        self.settings = settings
        self.sealer = Sealer(keys.sealing, settings.code)
        self.indexer = BlindIndexer(keys.index)
        self._endings = Endings()
        self._opened = Opened(settings, self._endings)
        self._joint = Joint(self, settings, self._carry)
        self._watched = None if settings.path is None else StoreFile(settings)
        self._closed = 0  # times: versions of one connection mean nothing to another

    async def write(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """What `work` returns, done in one transaction; its second argument is the first of `ids`.

        What `work` raises undoes it. Raises WriteFailed where the store does not answer in time,
        StoreError where it refuses a row.
        """
        progress = Progress()
        return await self._in_time(self._transact(ids, work, progress), progress)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads in one transaction, beside whoever writes. Raises as `write` does."""
        progress = Progress()
        return await self._in_time(self._look(work, progress), progress)

    async def carry(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """As `write`, for work of many statements: on SQLite a thread does all of it in one go."""
        return await self._carry(ids, work, Progress())

    async def carry_together(
        self,
        many: Many[Store, Item, T],
        item: Item,
        ids: int,
        alone: Callable[[Connection, int], T],
    ) -> T:
        """As `carry`, for what `many` does in some statements for all who want it at a time.

        What it leaves, and all of it where it fails, is done by `alone`, each in a transaction of
        its own: so nobody's outcome depends on whom it was asked with.
        """
        progress, clock = Progress(), asyncio.get_running_loop().time
        until = clock() + self.settings.deadline
        # No task of its own: what is waited for here is another's, and ends by itself.
        try:
            async with asyncio.timeout_at(until), self._named(progress):
                outcome = await self._joint.ask(many, item, ids, progress)
        except TimeoutError:
            progress.abandon()
            raise self._late(progress) from None
        except asyncio.CancelledError:
            progress.abandon()
            raise
        if outcome is not None:
            return outcome
        progress.undone()
        return await self._in_time(self._carried(ids, alone, progress), progress, until - clock())

    async def look(self, work: Callable[[Connection], T]) -> T:
        """As `read`, for work of many statements: on SQLite a thread does all of it in one go."""
        if self.settings.path is None:
            return await self.read(work)
        progress = Progress()

        async def do() -> T:
            async with self._named(progress):
                return await (await self._opened.thread()).read(work)

        return await self._in_time(do(), progress)

    @property
    def file(self) -> str | None:
        """What the system calls the file that is open; None: none is, or there are no files."""
        return self._opened.file

    def version(self) -> int | None:
        """A number that stays while nobody commits to the store; None where it does not tell.

        Only SQLite does (`PRAGMA data_version`), in some microseconds.
        """
        if self._watched is None:
            return None
        try:
            return self._watched.version() + (self._closed << 48)
        except (Failure, sqlite3.Error):
            return None

    async def _in_time(
        self, doing: Coroutine[Any, Any, T], progress: Progress, seconds: float | None = None
    ) -> T:
        """What it comes to within so many seconds, by default the region's deadline."""
        task = asyncio.create_task(doing)
        try:
            done, _ = await asyncio.wait(
                {task}, timeout=self.settings.deadline if seconds is None else max(0.0, seconds)
            )
        except asyncio.CancelledError:
            self._abandon(task, progress)
            raise
        if not done:
            self._abandon(task, progress)
            raise self._late(progress)
        return task.result()

    def _late(self, progress: Progress) -> WriteFailed:
        return failed(self.settings, "TIMED_OUT", "no answer within the deadline", progress)

    def _abandon(self, task: asyncio.Task[T], progress: Progress) -> None:
        """Ends a transaction nobody waits for; a store that hangs may take its time with it."""
        progress.abandon()
        task.cancel()
        self._endings.add(task)

    async def _transact(
        self, ids: int, work: Callable[[Connection, int], T], progress: Progress
    ) -> T:
        async with self._named(progress), self._opened.turn():
            engine, blocks = await self._opened.engine()
            first = await blocks.take(ids) if ids else 0

            def transaction() -> T:
                with engine.sync_engine.connect() as connection:
                    connection.begin()
                    result = work(connection, first)
                    if not progress.commits():
                        raise _Abandoned
                    connection.commit()
                return result

            # As AsyncConnection does at each of these, here once for all: a third of the time.
            return await greenlet_spawn(transaction)

    async def _look(self, work: Callable[[Connection], T], progress: Progress) -> T:
        async with self._named(progress):
            engine, _ = await self._opened.engine()

            def transaction() -> T:
                with engine.sync_engine.connect() as connection:
                    connection.execution_options(**{READS: True})
                    result = work(connection)
                    connection.rollback()
                return result

            return await greenlet_spawn(transaction)

    async def _carry(self, ids: int, work: Callable[[Connection, int], T], progress: Progress) -> T:
        return await self._in_time(self._carried(ids, work, progress), progress)

    async def _carried(
        self, ids: int, work: Callable[[Connection, int], T], progress: Progress
    ) -> T:
        if self.settings.path is None:
            return await self._transact(ids, work, progress)
        code = self.settings.code

        def run(connection: Connection) -> T:
            return work(connection, take_ids(connection, code, ids) if ids else 0)

        async with self._named(progress):
            return await (await self._opened.thread()).write(run, progress)

    def _named(self, progress: Progress) -> AbstractAsyncContextManager[None]:
        """What fails within, by its name."""
        return named(self.settings, progress, self._opened.discard)

    async def close(self) -> None:
        """Closes what was opened. Whoever puts another file in its place may do so then: a
        connection that is still open would lock it.
        """
        await self._joint.close(CLOSING)
        await self._opened.discard()
        if self._watched is not None:
            self._watched.close()
            self._closed += 1
        await self._endings.wait(max(CLOSING, self.settings.deadline))


class Stores:
    """All regions' stores, for writing, in the order of the configuration. `rules` are those of
    detection as of the moment: which cards raise a signal.
    """

    def __init__(
        self,
        regions: Sequence[RegionSettings],
        keys: Keys,
        rules: Callable[[], RuleBook] = no_rules,
    ) -> None:
        self.regions = [Store(settings, keys) for settings in regions]
        self.rules = rules
        self.indexer = BlindIndexer(keys.index)  # one key: a person has one index in the country
        self.fingerprints = Fingerprints(keys.names)

    def of_code(self, code: str) -> Store | None:
        """The store of the region responsible for a code, or None."""
        return next((one for one in self.regions if one.settings.covers(code)), None)

    def of_region(self, code: str) -> Store | None:
        """The store of a region by its own code."""
        return next((one for one in self.regions if one.settings.code == code), None)

    async def close(self) -> None:
        """Closes every store."""
        for store in self.regions:
            await store.close()
