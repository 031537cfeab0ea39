"""Reading SQLite files: one thread hop a question, and no question waits for a slow region.

Reads go to a small pool of threads of which normally one is awake: it works off the reads of all
questions that came meanwhile and wakes the event loop once. When a question's reads are not done
after `_RESCUE` seconds another thread is woken, which takes what has not begun. A region that hangs
so holds up at most `bulkhead` threads and nobody else; a deadline cuts off what is still running.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue

from regions.reads import Answer, Failure, Read, too_late
from regions.store_files import StoreConnection, StoreFile

__all__ = ["FileReaders"]

_RESCUE = 0.02  # seconds after which a second thread takes over what has not begun
_TICK = 0.01  # seconds between two looks at what is late
_BUSY_PAUSE = 0.005


class _Job:
    __slots__ = ("batch", "connection", "position", "read")

    def __init__(self, batch: _Batch, position: int, read: Read) -> None:
        self.batch, self.position, self.read = batch, position, read
        self.connection: sqlite3.Connection | None = None


class _Batch:
    """The SQLite reads of one question. `answers` is filled by threads, `missing` counts down."""

    __slots__ = ("answers", "begun", "closed", "deadline", "future", "jobs", "lock", "missing")

    def __init__(self, future: asyncio.Future[None], count: int, seconds: float) -> None:
        self.future = future
        self.begun = time.monotonic()
        self.answers: list[Answer | None] = [None] * count
        self.deadline = self.begun + seconds
        self.missing = count
        self.closed = False
        self.lock = threading.Lock()
        self.jobs: list[_Job] = []


class _Lane:
    """One region's place in the pool: how many threads it holds, and what waits for one of them."""

    def __init__(self, file: StoreFile) -> None:
        self.file = file
        self.running = 0
        self.waiting: deque[_Job] = deque()


class FileReaders:
    """The threads that read the SQLite files of one worker process, for one event loop."""

    def __init__(self, files: Mapping[int, StoreFile], *, bulkhead: int) -> None:
        self._lanes = {region: _Lane(file) for region, file in files.items()}
        self._bulkhead = bulkhead
        self._most = len(files) * bulkhead + 2
        self._threads: list[threading.Thread] = []
        self._jobs: deque[_Job] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._guard = threading.Lock()
        self._awake = 0
        self._waking = False
        self._closing = False
        self._pending: set[_Batch] = set()
        self._overdue: set[_Job] = set()  # cut off, and still in the store
        self._ticking = False
        self._finished: deque[_Batch] = deque()
        self._told = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, reads: Sequence[Read], seconds: float) -> list[Answer]:
        """Answers in the order of the reads, complete after `seconds` at the latest."""
        if not reads:
            return []
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        batch = _Batch(loop.create_future(), len(reads), seconds)
        batch.jobs = [_Job(batch, i, read) for i, read in enumerate(reads)]
        self._jobs.extend(batch.jobs)
        if self._awake == 0 and not self._waking:
            # Not at once: the questions the loop has at hand in this turn share the wake-up.
            self._waking = True
            loop.call_soon(self._wake_first)
        self._pending.add(batch)
        self._tick_within(min(_TICK, seconds / 2))
        try:
            await batch.future
        finally:
            self._pending.discard(batch)
            batch.closed = True
            if batch.missing:  # whoever asked has gone
                self._cut_off(batch)
            batch.jobs = []  # they name the batch: rows must not wait for the collector of cycles
        return [answer or too_late(seconds) for answer in batch.answers]

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
                thread.start()
                self._threads.append(thread)
            self._awake += 1
        self._wake.put(None)

    def _tick_within(self, seconds: float) -> None:
        if not self._ticking:
            assert self._loop is not None
            self._ticking = True
            self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        """One look at all questions under way, in place of two timers for each of them."""
        now = time.monotonic()
        following = _TICK
        late = False
        for batch in list(self._pending):
            left = batch.deadline - now
            if left <= 0:
                self._cut_off(batch)
            else:
                following = min(following, left)
                late = late or now - batch.begun >= _RESCUE
        if late and self._jobs:
            self._wake_one()
        self._interrupt_overdue()
        self._ticking = False
        if self._pending or self._overdue:
            self._tick_within(following)

    def _cut_off(self, batch: _Batch) -> None:
        batch.closed = True
        self._overdue.update(job for job in batch.jobs if job.connection is not None)
        self._interrupt_overdue()
        if self._overdue:
            self._tick_within(_TICK)
        if not batch.future.done():
            batch.future.set_result(None)

    def _interrupt_overdue(self) -> None:
        """Interrupts what was cut off, at every tick until it is over.

        Interrupting does nothing to a statement that is about to begin: it would run on for good.
        One of another question that has the connection by then is read again by its thread.
        """
        for job in list(self._overdue):
            connection = job.connection
            if connection is None:
                self._overdue.discard(job)
                continue
            with suppress(sqlite3.ProgrammingError):
                connection.interrupt()

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
        lane = self._lanes[job.read.region]
        with self._guard:
            if lane.running >= self._bulkhead:
                lane.waiting.append(job)
                return None
            lane.running += 1
        try:
            if not job.batch.closed:
                self._answer(job, self._read(lane.file, job))
        finally:
            with self._guard:
                lane.running -= 1
                following = lane.waiting.popleft() if lane.waiting else None
        return following

    def _read(self, file: StoreFile, job: _Job) -> Answer:
        started = time.perf_counter()
        batch, read = job.batch, job.read
        connection: StoreConnection | None = None
        while True:
            try:
                connection = file.connection()
                job.connection = connection
                if batch.closed:  # looked at after: whoever closes it now sees the connection
                    job.connection = None
                    file.release(connection)
                    return too_late(time.perf_counter() - started)
                rows = connection.execute(read.sql, read.parameters).fetchall()
                job.connection = None
                file.release(connection)
                return Answer(rows, None, time.perf_counter() - started)
            except Failure as failure:
                return Answer((), failure, time.perf_counter() - started)
            except Exception as error:  # not SQLite's alone: nothing may end the thread
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
                    return too_late(time.perf_counter() - started)
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

    async def close(self) -> None:
        """Ends the threads and closes every connection."""
        self._closing = True
        for _ in self._threads:
            self._wake.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 1.0)
        for lane in self._lanes.values():
            lane.file.close()
