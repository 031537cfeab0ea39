"""The stores as mutations see them: an engine and ids for each region, seals and blind indexes.

A write is one transaction within the region's deadline. SQLite has one writer at a time anyway, so
the writes of one worker queue here, where the first come is the first served.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.blind_index import BlindIndexer
from regions.engines import READS, make_engine
from regions.errors import StoreError
from regions.fencing import fence, fences_of_file
from regions.file_transactions import FileTransactions, Progress
from regions.ids import IdBlocks, take_ids
from regions.instants import now
from regions.keys import Keys
from regions.reads import Failure
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.store_files import StoreFile
from resolvers.alerts.current import no_rules
from resolvers.alerts.rules import RuleBook
from resolvers.writing.fingerprints import Fingerprints
from resolvers.writing.together import ProgressOfAll, Together

__all__ = ["Many", "Store", "Stores", "WriteFailed"]

T = TypeVar("T")
Item = TypeVar("Item")

Many = Callable[[Connection, "Store", Sequence[tuple[Item, int]]], Sequence[T | None]]
"""Does the same for many, each an item and the first of its ids: what came of each, in their order;
None of one it has not done, for which it has written nothing.
"""

_log = logging.getLogger(__name__)

_PATIENCE = 0.9  # of the deadline: SQLite says itself that it is locked before we stop waiting
_IN_THE_WAY = ("40001", "40P01", "55P03")  # PostgreSQL: serialization, deadlock, lock not available
_CONNECTIONS = 8  # to PostgreSQL, of one worker
_CLOSING = 1.0  # seconds that others wait until a broken engine is closed
_IDS_TOGETHER = 2_048  # of what is done in one transaction of a file for many who wait
_IDS_OF_SERVER = 512  # the same of a server, which works for one while we work for another
_AT_ONCE = 2  # of these


class WriteFailed(Exception):
    """A store that did not take a write.

    `state` is the name of a RegionState. `written` is False where nothing was changed, None where
    the answer to the commit was lost.
    """

    def __init__(
        self, settings: RegionSettings, state: str, reason: str, written: bool | None
    ) -> None:
        super().__init__(f"{settings.code}: {reason}")
        self.settings, self.state, self.reason, self.written = settings, state, reason, written


class _Abandoned(Exception):
    """Undoes a transaction nobody waits for."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody wants to have done together with others."""

    item: Any
    ids: int
    progress: Progress


class Store:
    """One region's store, for writing. Its engine is made at the first write."""

    def __init__(self, settings: RegionSettings, keys: Keys) -> None:
        self.settings = settings
        self.sealer = Sealer(keys.sealing, settings.code)
        self.indexer = BlindIndexer(keys.index)
        self._engine: AsyncEngine | None = None
        self._ids: IdBlocks | None = None
        self._file: tuple[int, int] | None = None  # the one that is open
        self._seen: tuple[int, int] | None = None  # the last one that was
        self._changing = asyncio.Lock()
        self._thread: FileTransactions | None = None
        self._watched = None if settings.path is None else StoreFile(settings)
        self._closed = 0  # times: versions of one connection mean nothing to another
        self._turn = asyncio.Lock()
        self._ending: set[asyncio.Task[Any]] = set()
        self._together: dict[Many[Any, Any], Together[_Asked, Any]] = {}

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
        progress = Progress()
        return await self._in_time(self._carried(ids, work, progress), progress)

    async def carry_together(
        self,
        many: Many[Item, T],
        item: Item,
        ids: int,
        alone: Callable[[Connection, int], T],
    ) -> T:
        """As `carry`, for what `many` does in some statements for all who want it at a time.

        What it leaves, and all of it where it fails, is done by `alone`, each in a transaction of
        its own: so nobody's outcome depends on whom it was asked with.
        """
        progress = Progress()
        if many not in self._together:
            file = self.settings.path is not None
            self._together[many] = Together(
                partial(self._do_together, many),
                most=_IDS_TOGETHER if file else _IDS_OF_SERVER,
                weight=lambda one: one.ids,
                at_once=1 if file else _AT_ONCE,
            )

        async def do() -> T:
            async with self._failures(progress):
                asked = _Asked(item, ids, progress)
                outcome: T | None = await self._together[many].ask(asked)
            if outcome is not None:
                return outcome
            progress.undone()
            return await self._carried(ids, alone, progress)

        return await self._in_time(do(), progress)

    async def _do_together(self, many: Many[Any, T], asked: Sequence[_Asked]) -> Sequence[T | None]:
        progress = ProgressOfAll([one.progress for one in asked])

        def work(connection: Connection, first: int) -> Sequence[T | None]:
            given = []
            for one in asked:
                given.append((one.item, first))
                first += one.ids
            return many(connection, self, given)

        ids = sum(one.ids for one in asked)
        try:
            return await self._in_time(self._carried(ids, work, progress), progress)
        except Exception as error:  # of one of them, or of the store: each says what becomes of it
            if progress.committing:
                raise
            why = type(error).__name__
            _log.error(
                "the store %s did not do %d at once: %s", self.settings.code, len(asked), why
            )
            return [None] * len(asked)

    async def _carried(
        self, ids: int, work: Callable[[Connection, int], T], progress: Progress
    ) -> T:
        if self.settings.path is None:
            return await self._transact(ids, work, progress)
        code = self.settings.code

        def run(connection: Connection) -> T:
            return work(connection, take_ids(connection, code, ids) if ids else 0)

        async with self._failures(progress):
            return await (await self._of_thread()).write(run, progress)

    async def look(self, work: Callable[[Connection], T]) -> T:
        """As `read`, for work of many statements: on SQLite a thread does all of it in one go."""
        if self.settings.path is None:
            return await self.read(work)
        progress = Progress()

        async def do() -> T:
            async with self._failures(progress):
                return await (await self._of_thread()).read(work)

        return await self._in_time(do(), progress)

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

    async def _in_time(self, doing: Coroutine[Any, Any, T], progress: Progress) -> T:
        task = asyncio.create_task(doing)
        try:
            done, _ = await asyncio.wait({task}, timeout=self.settings.deadline)
        except asyncio.CancelledError:
            self._abandon(task, progress)
            raise
        if not done:
            self._abandon(task, progress)
            raise self._failed("TIMED_OUT", "no answer within the deadline", progress)
        return task.result()

    def _abandon(self, task: asyncio.Task[T], progress: Progress) -> None:
        """Ends a transaction nobody waits for; a store that hangs may take its time with it."""
        progress.abandon()
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # it was told as a timeout already

    async def _transact(
        self, ids: int, work: Callable[[Connection, int], T], progress: Progress
    ) -> T:
        async with self._failures(progress), self._one_at_a_time():
            engine, blocks = await self._open()
            first = await blocks.take(ids) if ids else 0
            async with engine.connect() as connection:
                await connection.begin()
                result = await connection.run_sync(work, first)
                if not progress.commits():
                    raise _Abandoned
                await connection.commit()
        return result

    async def _look(self, work: Callable[[Connection], T], progress: Progress) -> T:
        async with self._failures(progress):
            engine, _ = await self._open()
            async with engine.connect() as connection:
                await connection.execution_options(**{READS: True})
                result = await connection.run_sync(work)
                await connection.rollback()
        return result

    @asynccontextmanager
    async def _failures(self, progress: Progress) -> AsyncIterator[None]:
        """What fails within, by its name."""
        try:
            yield
        except (IntegrityError, DataError, ProgrammingError) as error:
            name = type(error.orig).__name__
            _log.error("the store %s refused a write: %s", self.settings.code, name)
            raise StoreError(
                f"the store {self.settings.code} refused a write", store=self.settings.code
            ) from None
        except DBAPIError as error:
            if _locked(error):
                raise self._failed("TIMED_OUT", "the store stayed locked", progress) from None
            await self._discard()
            reason = f"the store failed: {type(error.orig).__name__}"
            raise self._failed("UNREACHABLE", reason, progress) from None
        except NoConnection:  # the pool's own: all connections are in use
            reason = "no connection to the store was free in time"
            raise self._failed("TIMED_OUT", reason, progress) from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self._discard()
            reason = f"the store cannot be reached: {type(error).__name__}"
            raise self._failed("UNREACHABLE", reason, progress) from None

    def _failed(self, state: str, reason: str, progress: Progress) -> WriteFailed:
        return WriteFailed(self.settings, state, reason, None if progress.committing else False)

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        if self.settings.path is None:
            yield
        else:
            async with self._turn:
                yield

    async def _same_file(self) -> None:
        """Closes what was opened where the file is no longer that one. Raises OSError.

        A file in the place of another is one that was put back: a fence is up in it before anything
        is done in it.
        """
        path = self.settings.path
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

        def work(connection: Connection) -> None:
            if not fences_of_file(connection, file):
                _log.warning("the store %s is another file than before", self.settings.code)
                fence(connection, self.settings.code, now(), file)

        engine = make_engine(replace(self.settings, deadline=self._busy_seconds))
        try:
            async with engine.begin() as connection:
                await connection.run_sync(work)
        finally:
            await engine.dispose()

    @property
    def file(self) -> str | None:
        """What the system calls the file that is open; None: none is, or there are no files."""
        return _named(self._file) if self._file is not None else None

    @property
    def _busy_seconds(self) -> float:
        return self.settings.deadline * _PATIENCE

    async def _of_thread(self) -> FileTransactions:
        """The file's own thread, made where there is none."""
        await self._same_file()
        if self._thread is None:
            self._thread = FileTransactions(
                str(self.settings.path), self._turn, busy_seconds=self._busy_seconds
            )
        return self._thread

    async def _open(self) -> tuple[AsyncEngine, IdBlocks]:
        """Engine and ids; made anew where the file is no longer the one that was opened."""
        await self._same_file()
        if self._engine is None:
            settings = replace(self.settings, deadline=self._busy_seconds)
            # Whoever comes when all are in use waits: making one costs as much as ten writes.
            self._engine = make_engine(settings, pool_size=_CONNECTIONS, overflow=0)
        if self._ids is None:
            self._ids = IdBlocks(self._engine, self.settings.code)
        return self._engine, self._ids

    async def _discard(self) -> None:
        engine, self._engine, self._ids, self._file = self._engine, None, None, None
        thread, self._thread = self._thread, None
        for one in (engine and engine.dispose, thread and thread.close):
            if one:
                closing = asyncio.create_task(one())
                self._ending.add(closing)
                closing.add_done_callback(self._ended)
                await asyncio.wait({closing}, timeout=_CLOSING)

    async def close(self) -> None:
        """Closes what was opened. Whoever puts another file in its place may do so then: a
        connection that is still open would lock it.
        """
        await asyncio.gather(*(one.close(_CLOSING) for one in self._together.values()))
        await self._discard()
        if self._watched is not None:
            self._watched.close()
            self._closed += 1
        if self._ending:
            await asyncio.wait(self._ending, timeout=max(_CLOSING, self.settings.deadline))


def _identity(path: Path) -> tuple[int, int]:
    """What tells a file from every other. Raises OSError: an engine would make a missing one."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _named(identity: tuple[int, int]) -> str:
    return ":".join(map(str, identity))


def _locked(error: DBAPIError) -> bool:
    """Whether another transaction was in the way: the store itself is well."""
    return "locked" in str(error.orig) or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY


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
