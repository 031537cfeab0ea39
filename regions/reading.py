"""Reading from all regions at once: one thread hop a question, and none of them waits for a slow
one.

`Readers.ask` takes the reads of one question. Those of SQLite files go to a small pool of threads
of which normally one is awake: it works off the reads of all questions that came meanwhile and
wakes the event loop once. When a question's reads are not done after `_RESCUE` seconds another
thread is woken, which takes what has not begun. A region that hangs so holds up at most `bulkhead`
threads and nobody else. Reads of PostgreSQL go through a connection pool of asyncpg.

An answer is rows, or a `Failure` that says why there are none; a deadline cuts off what is still
running.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import asyncpg

from regions.engines import postgres_url
from regions.settings import RegionSettings

__all__ = ["Answer", "Failure", "Read", "Readers"]

Row = Sequence[Any]

_RESCUE = 0.02  # seconds after which a second thread takes over what has not begun
_RECHECK = 0.05  # seconds for which a file is believed to be where it was
_BUSY_PAUSE = 0.005
_CACHE_KIB = 16_384


class Failure(Exception):
    """Why a region did not answer: `timed_out` or else not to be reached."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


@dataclass(slots=True)
class Read:
    """One statement for one region (its index), positional parameters in `parameters`.

    `limit` is how many records were asked for, where that matters to whoever asked.
    """

    region: int
    sql: str
    parameters: tuple[Any, ...]
    limit: int = 0


@dataclass(slots=True)
class Answer:
    """Rows, or the failure in their place; `seconds` is the time in the store."""

    rows: Sequence[Row]
    failure: Failure | None
    seconds: float


class _Job:
    __slots__ = ("answer", "batch", "connection", "position", "read")

    def __init__(self, batch: _Batch, position: int, read: Read) -> None:
        self.batch, self.position, self.read = batch, position, read
        self.connection: sqlite3.Connection | None = None


class _Batch:
    """The SQLite reads of one question. `answers` is filled by threads, `missing` counts down."""

    __slots__ = ("answers", "closed", "deadline", "future", "jobs", "lock", "missing")

    def __init__(self, future: asyncio.Future[None], count: int, deadline: float) -> None:
        self.future = future
        self.answers: list[Answer | None] = [None] * count
        self.deadline = deadline
        self.missing = count
        self.closed = False
        self.lock = threading.Lock()
        self.jobs: list[_Job] = []


class _File:
    """One region's SQLite file: idle connections, and whether it is still the file it was."""

    def __init__(self, settings: RegionSettings) -> None:
        self.path = str(settings.path)
        self.idle: deque[sqlite3.Connection] = deque()
        self.waiting: deque[_Job] = deque()
        self.running = 0
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
        connection.execute("PRAGMA mmap_size=268435456")
        return connection

    def close(self) -> None:
        while self.idle:
            self.idle.popleft().close()


class Readers:
    """All regions' read connections of one worker process. Use from one event loop only."""

    def __init__(self, regions: Sequence[RegionSettings], *, bulkhead: int = 2) -> None:
        self._regions = regions
        self._files = [_File(region) if region.path is not None else None for region in regions]
        self._pools: dict[int, asyncpg.Pool[asyncpg.Record]] = {}
        self._bulkhead = bulkhead
        self._most = len(regions) * bulkhead + 2
        self._threads: list[threading.Thread] = []
        self._jobs: deque[_Job] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._guard = threading.Lock()
        self._awake = 0
        self._waking = False
        self._closing = False
        self._finished: deque[_Batch] = deque()
        self._told = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def versions(self) -> tuple[int, ...] | None:
        """A number for each region that changes when its store does; None where one has none.

        SQLite tells by `PRAGMA data_version` whether any other connection has committed.
        """
        try:
            return tuple([file.version() for file in self._files])  # type: ignore[union-attr]
        except (AttributeError, Failure, sqlite3.Error):
            return None

    async def ask(self, reads: Sequence[Read], seconds: float) -> list[Answer]:
        """Answers in the order of the reads, complete after `seconds` at the latest."""
        files = self._files
        local = [(i, read) for i, read in enumerate(reads) if files[read.region] is not None]
        if len(local) == len(reads):
            return await self._ask_files(reads, seconds)
        answers: list[Answer | None] = [None] * len(reads)
        remote = [(i, read) for i, read in enumerate(reads) if files[read.region] is None]

        async def ask_local() -> None:
            for (i, _), answer in zip(
                local, await self._ask_files([read for _, read in local], seconds), strict=True
            ):
                answers[i] = answer

        async def ask_remote(i: int, read: Read) -> None:
            answers[i] = await self._ask_postgres(read, seconds)

        tasks = [ask_remote(i, read) for i, read in remote]
        await asyncio.gather(*tasks, *([ask_local()] if local else []))
        return [answer for answer in answers if answer is not None]

    # SQLite ------------------------------------------------------------------------------------

    async def _ask_files(self, reads: Sequence[Read], seconds: float) -> list[Answer]:
        if not reads:
            return []
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        batch = _Batch(loop.create_future(), len(reads), time.monotonic() + seconds)
        batch.jobs = [_Job(batch, i, read) for i, read in enumerate(reads)]
        self._jobs.extend(batch.jobs)
        if self._awake == 0 and not self._waking:
            # Not at once: the questions the loop has at hand in this turn share the wake-up.
            self._waking = True
            loop.call_soon(self._wake_first)
        rescue = loop.call_later(min(_RESCUE, seconds / 2), self._rescue, batch)
        limit = loop.call_later(seconds, self._cut_off, batch)
        try:
            await batch.future
        finally:
            rescue.cancel()
            limit.cancel()
            batch.closed = True
        return [answer or _too_late(seconds) for answer in batch.answers]

    def _wake_first(self) -> None:
        self._waking = False
        if self._awake == 0 and self._jobs:
            self._wake_one()

    def _wake_one(self) -> None:
        with self._guard:
            if self._awake >= len(self._threads):
                if len(self._threads) >= self._most:
                    return
                thread = threading.Thread(target=self._work, name="epigate-reader", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._awake += 1
        self._wake.put(None)

    def _rescue(self, batch: _Batch) -> None:
        if batch.missing and self._jobs:
            self._wake_one()
            assert self._loop is not None
            self._loop.call_later(_RESCUE, self._rescue, batch)

    def _cut_off(self, batch: _Batch) -> None:
        batch.closed = True
        for job in batch.jobs:
            connection = job.connection
            if connection is not None and batch.answers[job.position] is None:
                with suppress(sqlite3.ProgrammingError):
                    connection.interrupt()
        if not batch.future.done():
            batch.future.set_result(None)

    def _work(self) -> None:
        jobs, wake = self._jobs, self._wake
        while True:
            wake.get()
            if self._closing:
                return
            while True:
                try:
                    job: _Job | None = jobs.popleft()
                except IndexError:
                    with self._guard:
                        if jobs:  # came between the look and the lock
                            continue
                        self._awake -= 1
                    break
                while job is not None:
                    job = self._run(job)

    def _run(self, job: _Job) -> _Job | None:
        """Does one read; returns one that waited for the same region, if any."""
        file = self._files[job.read.region]
        assert file is not None
        if file.running >= self._bulkhead:
            with self._guard:
                if file.running >= self._bulkhead:
                    file.waiting.append(job)
                    return None
        with self._guard:
            file.running += 1
        try:
            if not job.batch.closed:
                self._answer(job, self._read(file, job))
        finally:
            with self._guard:
                file.running -= 1
                following = file.waiting.popleft() if file.waiting else None
        return following

    def _read(self, file: _File, job: _Job) -> Answer:
        started = time.perf_counter()
        batch, read = job.batch, job.read
        connection: sqlite3.Connection | None = None
        while True:
            try:
                connection = file.connection()
                job.connection = connection
                rows = connection.execute(read.sql, read.parameters).fetchall()
                job.connection = None
                file.idle.append(connection)
                return Answer(rows, None, time.perf_counter() - started)
            except Failure as failure:
                return Answer((), failure, time.perf_counter() - started)
            except sqlite3.Error as error:
                job.connection = None
                if connection is not None:
                    connection.close()
                    connection = None
                name = getattr(error, "sqlite_errorname", "")
                again = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT"))
                if not again:
                    reason = f"the store failed ({name or type(error).__name__})"
                    return Answer((), Failure(reason), time.perf_counter() - started)
                if batch.closed or time.monotonic() > batch.deadline:
                    return _too_late(time.perf_counter() - started)
                time.sleep(_BUSY_PAUSE)

    def _answer(self, job: _Job, answer: Answer) -> None:
        batch = job.batch
        with batch.lock:
            batch.answers[job.position] = answer
            batch.missing -= 1
            if batch.missing:
                return
        self._finished.append(batch)
        if not self._told and not self._closing:
            self._told = True
            assert self._loop is not None
            with suppress(RuntimeError):  # the loop is closing
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._told = False
        finished = self._finished
        while finished:
            future = finished.popleft().future
            if not future.done():
                future.set_result(None)

    # PostgreSQL --------------------------------------------------------------------------------

    async def _ask_postgres(self, read: Read, seconds: float) -> Answer:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                pool = await self._pool(read.region)
                rows = await pool.fetch(read.sql, *read.parameters)
            return Answer([tuple(row) for row in rows], None, time.perf_counter() - started)
        except TimeoutError:
            return _too_late(time.perf_counter() - started)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = f"the store failed ({type(error).__name__})"
            return Answer((), Failure(reason), time.perf_counter() - started)

    async def _pool(self, region: int) -> asyncpg.Pool[asyncpg.Record]:
        pool = self._pools.get(region)
        if pool is None:
            url = postgres_url(self._regions[region]).set(drivername="postgresql")
            # min_size 0: a region that is down must not keep the gateway from starting.
            pool = self._pools[region] = asyncpg.create_pool(
                url.render_as_string(hide_password=False),
                min_size=0,
                max_size=8,
                init=_read_only,
            )
            await pool
        return pool

    async def close(self) -> None:
        """Ends the threads and closes every connection."""
        self._closing = True
        for _ in self._threads:
            self._wake.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 1.0)
        for file in self._files:
            if file is not None:
                file.close()
        for pool in self._pools.values():
            try:
                async with asyncio.timeout(1):
                    await pool.close()
            except TimeoutError:
                pool.terminate()
        self._pools.clear()


async def _read_only(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute("SET default_transaction_read_only = on")


def _too_late(seconds: float) -> Answer:
    return Answer((), Failure("no answer within the deadline", timed_out=True), seconds)
