"""What an event loop hands over, run in one thread: everything that waits at once, as one batch.

For work where many small items cost hardly more than one: a commit, a statement, a round trip.
The loop pays an append and, when the thread sleeps, a wake-up; the thread pays one wake-up of the
loop a batch, however many wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["BatchThread"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchThread(Generic[Item, Result]):
    """Runs batches of items in one thread, in the order in which they were handed over.

    `run` is called in the thread with one to `most` items and returns as many results in the same
    order; a result that is an exception fails its item alone, an exception raised fails the batch,
    and the next batch is tried all the same. An item whose waiter was cancelled runs nevertheless.

    One event loop per instance: the one that submits first. The thread starts then, too.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result | Exception]],
        *,
        name: str,
        most: int = 1_000,
        patience: float = 0.002,
    ) -> None:
        self._run, self._name, self._most, self._patience = run, name, most, patience
        self._queue: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        # Held while there is nothing to do. Released by the loop when it sets `_awake`, taken by
        # the thread before it clears it: so never released twice, and an item appended before the
        # flag was cleared is seen by the thread, one appended later wakes it again.
        self._asleep = threading.Lock()
        self._asleep.acquire()
        self._awake = False
        self._waking = False  # a wake-up is on its way through the loop
        self._patient: asyncio.TimerHandle | None = None  # if it comes later
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Future[None] | None = None

    def submit(self, item: Item, *, more: bool = False) -> asyncio.Future[Result]:
        """Hands an item over; the future has its result.

        `more` says that others are on their way: a thread that sleeps is woken by the last of them,
        or after `patience` seconds, so that they are one batch.

        Raises RuntimeError when closed, or from another event loop than the first.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._closing:
            self._begin(loop)
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append((item, future))
        if self._awake:
            return future
        if not self._waking:
            self._waking = True
            # Not at once: whatever the loop has at hand in this turn comes in the same batch.
            if more:
                self._patient = loop.call_later(self._patience, self._wake)
            else:
                loop.call_soon(self._wake)
        elif self._patient is not None and not more:
            self._patient.cancel()
            self._patient = None
            loop.call_soon(self._wake)
        return future

    async def close(self) -> None:
        """Runs what was handed over before, then ends the thread. Harmless when done twice."""
        self._closing = True
        if self._thread is None or self._ended is None:
            return
        if self._patient is not None:
            self._patient.cancel()
        if not self._waking or self._patient is not None:
            self._wake()
        await asyncio.shield(self._ended)
        self._thread.join()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._closing:
            raise RuntimeError(f"{self._name} is closed")
        if self._loop is not None:
            raise RuntimeError(f"{self._name} belongs to another event loop")
        self._loop, self._ended = loop, loop.create_future()
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    def _wake(self) -> None:
        self._waking, self._patient = False, None
        if not self._awake:
            self._awake = True
            self._asleep.release()

    def _work(self) -> None:
        queue, most = self._queue, self._most
        while not (self._closing and not queue):
            self._asleep.acquire()
            self._awake = False
            while queue:
                batch = [queue.popleft() for _ in range(min(len(queue), most))]
                results = self._results([item for item, _ in batch])
                self._tell(_deliver, batch, results)
                del batch, results  # not kept while the thread sleeps
        self._tell(self._end)

    def _results(self, items: list[Item]) -> Sequence[Result | Exception]:
        try:
            results = self._run(items)
            if len(results) != len(items):
                raise RuntimeError(f"{self._name}: {len(results)} results for {len(items)} items")
        except Exception as error:
            return [error] * len(items)
        return results

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _deliver(
    batch: Sequence[tuple[object, asyncio.Future[Result]]], results: Sequence[Result | Exception]
) -> None:
    for (_, future), result in zip(batch, results, strict=True):
        if future.done():  # its waiter was cancelled
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
