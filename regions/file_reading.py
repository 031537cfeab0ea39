"""Reading SQLite files: one thread hop a question, and no question waits for a slow region.

Reads go to a small pool of threads of which normally one is awake: it works off the reads of all
questions that came meanwhile and wakes the event loop once. When a question's reads are not done
after `_RESCUE` seconds another thread is woken, which takes what has not begun. A region that hangs
so holds up at most `bulkhead` threads and nobody else; a deadline cuts off what is still running.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import cast

from regions.reads import Answer, Failure, Read, too_late
from regions.store_files import StoreConnection, StoreFile

__all__ = ["FileReaders"]

_RESCUE = 0.02  # seconds after which a second thread takes over what has not begun
_TICK = 0.01  # seconds between two looks at what is late
_BUSY_PAUSE = 0.005


class _Job:
    """One read. `closed` once nobody waits for it; `waiting` since when it waits for room."""

    __slots__ = ("batch", "closed", "connection", "deadline", "position", "read", "waiting")

    def __init__(self, batch: _Batch, position: int, read: Read, deadline: float) -> None:
        self.batch, self.position, self.read = batch, position, read
        self.deadline = deadline
        self.closed = False
        self.waiting = 0.0
        self.connection: sqlite3.Connection | None = None


class _Batch:
    """The SQLite reads of one question. `answers` is filled by threads, `missing` counts down;
    `deadline` is the first of what is missing.
    """

    __slots__ = ("answers", "begun", "deadline", "future", "jobs", "lock", "missing")

    def __init__(
        self,
        future: asyncio.Future[None],
        reads: Sequence[Read],
        seconds: float | Sequence[float],
        answers: list[Answer | None],
        places: Sequence[int],
    ) -> None:
        self.future = future
        self.begun = begun = time.perf_counter()
        self.answers = answers
        self.missing = len(reads)
        self.lock = threading.Lock()
        if isinstance(seconds, (int, float)):
            self.deadline = late = begun + seconds
            self.jobs = [_Job(self, i, read, late) for i, read in zip(places, reads, strict=True)]
        else:
            self.deadline = begun + min(seconds)
            each = zip(places, reads, seconds, strict=True)
            self.jobs = [_Job(self, i, read, begun + own) for i, read, own in each]


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

    async def ask(
        self,
        reads: Sequence[Read],
        seconds: float | Sequence[float],
        answers: list[Answer | None],
        places: Sequence[int] | None = None,
    ) -> list[Answer]:
        """Puts the answers into the places of `answers` as they come, each after `seconds`, or its
        own, at the latest; the places are those of the reads unless others are given.
        """
        if not reads:
            return []
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        places = range(len(reads)) if places is None else places
        batch = _Batch(loop.create_future(), reads, seconds, answers, places)
        self._jobs.extend(batch.jobs)
        if self._awake == 0 and not self._waking:
            # Not at once: the questions the loop has at hand in this turn share the wake-up.
            self._waking = True
            loop.call_soon(self._wake_first)
        self._pending.add(batch)
        self._tick_within(min(_TICK, (batch.deadline - batch.begun) / 2))
        try:
            await batch.future
        finally:
            self._pending.discard(batch)
            if batch.missing:  # whoever asked has gone
                self._cut_off(batch, math.inf)
            batch.jobs = []  # they name the batch: rows must not wait for the collector of cycles
        return cast("list[Answer]", answers)

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
        now = time.perf_counter()
        following = _TICK
        late = False
        for batch in list(self._pending):
            if batch.deadline <= now:
                self._cut_off(batch, now)
            if batch.missing:
                following = min(following, batch.deadline - now)
                late = late or now - batch.begun >= _RESCUE
        if late and self._jobs:
            self._wake_one()
        self._interrupt_overdue()
        self._ticking = False
        if self._pending or self._overdue:
            self._tick_within(following)

    def _cut_off(self, batch: _Batch, now: float) -> None:
        """Ends what should have been answered by `now`; the rest of the batch goes on."""
        with batch.lock:
            missing = [job for job in batch.jobs if batch.answers[job.position] is None]
            late = [job for job in missing if job.deadline <= now]
            for job in late:
                job.closed = True
                batch.answers[job.position] = too_late(batch.begun)
            batch.missing -= len(late)
            batch.deadline = min((j.deadline for j in missing if not j.closed), default=math.inf)
        self._overdue.update(job for job in late if job.connection is not None)
        self._interrupt_overdue()
        if self._overdue:
            self._tick_within(_TICK)
        if not batch.missing and not batch.future.done():
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
                job.waiting = time.perf_counter()
                lane.waiting.append(job)
                return None
            lane.running += 1
        try:
            if not job.closed:
                self._answer(job, self._read(lane.file, job))
        finally:
            with self._guard:
                lane.running -= 1
                following = lane.waiting.popleft() if lane.waiting else None
        return following

    def _read(self, file: StoreFile, job: _Job) -> Answer:
        started = job.waiting or time.perf_counter()
        read = job.read
        connection: StoreConnection | None = None
        while True:
            try:
                connection = file.connection()
                job.connection = connection
                if job.closed:  # looked at after: whoever closes it now sees the connection
                    job.connection = None
                    file.release(connection)
                    return too_late(started)
                rows = connection.execute(read.sql, read.parameters).fetchall()
                job.connection = None
                file.release(connection)
                ended = time.perf_counter()
                return Answer(rows, None, ended - started, ended)
            except Failure as failure:
                return _failed(failure, started)
            except Exception as error:  # not SQLite's alone: nothing may end the thread
                job.connection = None
                if connection is not None:
                    connection.close()
                    connection = None
                name = getattr(error, "sqlite_errorname", "")
                again = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT"))
                if not again:
                    reason = f"the store failed ({name or type(error).__name__})"
                    return _failed(Failure(reason), started)
                if job.closed or time.perf_counter() > job.deadline:
                    return too_late(started)
                time.sleep(_BUSY_PAUSE)

    def _answer(self, job: _Job, answer: Answer) -> None:
        batch = job.batch
        with batch.lock:
            if job.closed:
                return
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


def _failed(failure: Failure, started: float) -> Answer:
    ended = time.perf_counter()
    return Answer((), failure, ended - started, ended)
