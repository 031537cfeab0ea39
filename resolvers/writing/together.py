"""Whoever asks while others are served is served with all who ask meanwhile: one transaction for
what would be one each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Generic, TypeVar

__all__ = ["Together"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_ENDS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)


class Together(Generic[Item, Result]):
    """Serves what is asked, all that waits at once, `at_once` times beside each other. Use it from
    one event loop.

    Where several may be begun at a time, what waits is shared out among them, `least` items each at
    least: those who ask again when they are served would else go on in step, and be served by one.

    `do` is called with some items, which together weigh `most` at most (a single one may weigh
    more), and returns as many results in their order. What it raises is raised to all of them. An
    item whose asker is gone before it begins is left out.
    """

    def __init__(
        self,
        do: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        weight: Callable[[Item], int] = lambda _: 1,
        at_once: int = 1,
        least: int = 1,
    ) -> None:
        self._do, self._most, self._weight, self._at_once = do, most, weight, at_once
        self._least = least
        self._busy = 0
        self._queue: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Result:
        """The result of an item."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        self._serving = {one for one in self._serving if not one.done()}
        if len(self._serving) < self._at_once:
            self._serving.add(asyncio.create_task(self._serve()))
        return await future

    async def _serve(self) -> None:
        while self._queue:
            taken = self._taken()
            if not taken:
                continue
            self._busy += 1
            try:
                results = await self._do([item for item, _ in taken])
            except BaseException as error:
                self._fail(taken, error)
                if isinstance(error, _ENDS):
                    raise
                continue
            finally:
                self._busy -= 1
            for (_, future), result in zip(taken, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _fail(self, taken: list[tuple[Item, asyncio.Future[Result]]], error: BaseException) -> None:
        """Tells those who wait; all of them where nobody else will be served."""
        if isinstance(error, _ENDS):
            taken, error = [*taken, *self._queue], OSError("closed meanwhile")
            self._queue.clear()
        for _, future in taken:
            if not future.done():
                future.set_exception(error)

    def _taken(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        """What is served next, taken off."""
        taken: list[tuple[Item, asyncio.Future[Result]]] = []
        weight = 0
        share = max(ceil(len(self._queue) / (self._at_once - self._busy)), self._least)
        while self._queue and len(taken) < share:
            item, future = self._queue[0]
            if not future.done():
                weight += self._weight(item)
                if taken and weight > self._most:
                    break
                taken.append((item, future))
            self._queue.popleft()
        return taken

    async def close(self, seconds: float) -> None:
        """Lets what is served come to its end; after so many seconds it is broken off."""
        serving = set(self._serving)
        if not serving:
            return
        _, late = await asyncio.wait(serving, timeout=seconds)
        for one in late:
            one.cancel()
        await asyncio.gather(*late, return_exceptions=True)
