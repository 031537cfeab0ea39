"""Feeds: what happens somewhere in the gateway, as every worker hears of it, for subscriptions.

Events are rows of a store that all workers share. Each worker polls for new ones while anybody
listens, and only when the store has changed at all (`changed`, some microseconds). An area brings
its feed as an attribute of `Feeds`, and reads it in a generator of its `resolvers/<area>/root.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from regions.errors import StoreError, TooLarge

__all__ = ["Feed", "Feeds", "Poll"]

Event = TypeVar("Event")

Poll = Callable[[int | None], Awaitable[tuple[int, Sequence[Event]]]]
"""The events behind a place, oldest first, and the last place; None for no events, only that."""

_PAUSE_SECONDS = 0.25
_WAITING = 1_000  # events for one listener
_PATIENCE_SECONDS = 10.0  # for which the others wait for a listener who has no room

_log = logging.getLogger(__name__)


class Feed(Generic[Event]):
    """The events of one kind for the listeners of one worker; use it from one event loop.

    Where more may come at once than a listener has room for, `poll` gives a `portion` at most, and
    is asked again once there is room for another. A listener who takes none for some seconds is
    no longer waited for.
    """

    def __init__(
        self,
        poll: Poll[Event],
        changed: Callable[[], int],
        *,
        pause: float = _PAUSE_SECONDS,
        waiting: int = _WAITING,
        portion: int = 0,
    ) -> None:
        self._poll, self._changed = poll, changed
        self._pause, self._most, self._portion = pause, waiting, portion
        self._room = 0.0  # when each listener had some, monotonic
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._place: int | None = None
        self._version: int | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Event]]:
        """The events from now on. Iterating raises TooLarge once too many wait to be taken.

        Raises StoreError.
        """
        async with self._turn:
            if not self._listeners:
                self._version = self._changed()
                self._place, _ = await self._poll(None)
            queue: asyncio.Queue[Event | None] = asyncio.Queue()
            self._listeners.add(queue)
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        try:
            yield self._taken(queue)
        finally:
            self._listeners.discard(queue)
            if not self._listeners:
                await self._stop()

    async def _taken(self, queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
        while (event := await queue.get()) is not None:
            yield event
        raise TooLarge(
            f"more than {self._most} events wait to be taken: the subscription has ended",
            hint="subscribe again, and take events as they come",
        )

    async def _run(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._pause)
            if not self._has_room():
                continue
            try:
                version = self._changed()
                if version == self._version:
                    continue
                place, events = await self._poll(self._place)
            except StoreError as error:
                if not failing:
                    _log.error("a feed fails: %s", error)
                failing = True
                continue
            self._version, self._place, failing = version, place, False
            for queue in list(self._listeners):
                self._hand_over(queue, events)

    def _has_room(self) -> bool:
        """Whether each listener has room for a portion, or one had none for too long."""
        most, at = self._most - self._portion, time.monotonic()
        if all(queue.qsize() <= most for queue in self._listeners):
            self._room = at
            return True
        return at - self._room > _PATIENCE_SECONDS

    def _hand_over(self, queue: asyncio.Queue[Event | None], events: Sequence[Event]) -> None:
        if queue.qsize() + len(events) > self._most:
            self._listeners.discard(queue)
            queue.put_nowait(None)
            return
        for event in events:
            queue.put_nowait(event)

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@dataclass(slots=True)
class Feeds:
    """The feeds of a gateway."""

    alarms: Feed[Any]
    lapses: Feed[Any]
    transfers: Feed[Any]
    letters: Feed[Any]
    signals: Feed[Any]
