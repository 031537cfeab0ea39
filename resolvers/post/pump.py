"""The pump: delivers what waits in the outboxes of all regions, at least once, for as long as it
takes.

No clock decides anything: a message is answered by its reply alone. A region that is down is tried
again after a while, at most half a minute; a message that fails is, after at most five minutes.
Several pumps may work at the same stores: the inbox lets each message take effect once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from regions.instants import now
from resolvers.post.backoff import Backoff
from resolvers.post.boxes import waiting_of, waiting_regions
from resolvers.post.lanes import Lane
from resolvers.post.messages import Handler, Message
from resolvers.post.rounds import Delivered, Line, Ways
from resolvers.writing.failures import WriteFailed
from resolvers.writing.looked import Looked
from resolvers.writing.outbox import Telling
from resolvers.writing.stores import Store, Stores
from resolvers.writing.together import Together

__all__ = ["BATCH", "PORTION", "Pump"]

_log = logging.getLogger(__name__)

BATCH = 256
"""Messages of one round at most."""

PORTION = 128
"""Records whose messages share a transaction between two servers, about: a round has several of
these, some at the same time.
"""

_DOWN_FIRST, _DOWN_MOST = 0.5, 30.0  # seconds until a region that failed is tried again
_ENDING = 5.0  # seconds for rounds under way at the end; what they leave is delivered later


class Pump:
    """Delivers messages between the regions of `stores`.

    `handlers` has one for each topic. `in_flight` is how many rounds run at once, `poll_seconds`
    how often outboxes are looked into when nobody calls. `telling` names what the next transaction
    does in the access log, `told` hears of each that did something, `alarmed` of a message that
    came with another content than before.
    """

    def __init__(
        self,
        stores: Stores,
        handlers: Sequence[Handler],
        *,
        now: Callable[[], str] = now,
        clock: Callable[[], float] = time.monotonic,
        batch: int = BATCH,
        portion: int = PORTION,
        in_flight: int = 8,
        poll_seconds: float = 1.0,
        telling: Callable[[], Telling] | None = None,
        told: Callable[[Delivered], None] | None = None,
        alarmed: Callable[[Message, str], None] | None = None,
    ) -> None:
        self._stores = {one.settings.code: one for one in stores.regions}
        self._patience = {code: Backoff(_DOWN_FIRST, _DOWN_MOST) for code in self._stores}
        self._ways = Ways(
            handlers={one.topic: one for one in handlers},
            now=now,
            clock=clock,
            batch=batch,
            portion=portion,
            turns=asyncio.Semaphore(in_flight),
            telling=telling,
            told=told,
            alarmed=alarmed,
        )
        self._poll = poll_seconds
        self._lanes: dict[Line, Lane] = {}
        self._asked = {
            code: Together[str, set[Line]](partial(_lines, store), most=batch)
            for code, store in self._stores.items()
        }
        self._emptying: dict[Line, asyncio.Task[None]] = {}
        self._again: set[Line] = set()
        self._answered = 0  # messages, in the background
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._empty_ones = Looked[bool](clock)
        self._unknown: set[Line] = set()  # of which it was said that nobody knows the region
        self._called = asyncio.Event()
        self._ending = False

    # For whoever has just put a message.

    async def nudge(self, region_code: str, subject: str, *, again: bool = False) -> bool:
        """Delivers what waits of a subject in a region's outbox, and what that puts back, until
        nothing of it waits: True. False where that was not reached within the region's deadline:
        what is left is delivered later.

        With `again` a region or message that failed just now is tried all the same.
        """
        store = self._stores[region_code]
        try:
            async with asyncio.timeout(store.settings.deadline):
                lines = await self._asked[region_code].ask(subject)
                while lines:
                    lines = await self._follow(lines, subject, again)
        except (TimeoutError, WriteFailed, _Stopped):
            self.wake()
            return False
        except Exception:  # what was put is there: whoever put it has succeeded
            _log.exception("the post of %s cannot be delivered at once", region_code)
            return False
        return True

    async def _follow(self, lines: Iterable[Line], subject: str, again: bool) -> set[Line]:
        lanes = [self._lane(line) for line in lines]
        if again:
            for lane in lanes:
                if lane is not None:
                    lane.free(subject)
        if None in lanes:
            raise _Stopped
        if len(lanes) == 1 and lanes[0] is not None:  # nearly always, and a task less
            rounds = [await lanes[0].deliver(subject)]
        else:
            rounds = await asyncio.gather(*(lane.deliver(subject) for lane in lanes if lane))
        if any(one.down or subject in one.stopped for one in rounds):
            raise _Stopped
        for one in rounds:
            for line in one.beside(subject):  # what else moved: nobody may wait for it
                self._empty(line)
        return set().union(*(one.follow.get(subject, ()) for one in rounds))

    def wake(self) -> None:
        """Has the outboxes looked into at once."""
        self._called.set()

    # For whoever polls.

    async def sweep(self) -> int:
        """Delivers all that can be delivered now; how many messages were answered."""
        before = self._answered
        await asyncio.gather(*(self._look(store) for store in self._stores.values()))
        while self._emptying:
            await asyncio.wait(set(self._emptying.values()))
            await asyncio.sleep(0)  # so that what is done is taken off
        return self._answered - before

    async def run(self, stopping: asyncio.Event, leads: Callable[[], bool] = lambda: True) -> None:
        """Looks into the outboxes when called and every `poll_seconds`, until `stopping`.

        `leads` says at each look whether it is this pump's turn: one of several is enough.
        """
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                called = asyncio.create_task(self._called.wait())
                await asyncio.wait(
                    {stop, called}, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED
                )
                called.cancel()
                self._called.clear()
                if stopping.is_set():
                    break
                if leads():
                    for code, store in self._stores.items():
                        if code not in self._looking:
                            task = self._looking[code] = asyncio.create_task(self._look(store))
                            task.add_done_callback(
                                lambda _, code=code: self._looking.pop(code)  # type: ignore[misc]  # a default binds the loop's variable
                            )
        finally:
            stop.cancel()
            await self.close()

    async def close(self) -> None:
        """Lets rounds under way come to their end, and begins no other."""
        self._ending = True
        tasks: set[asyncio.Task[object]] = {*self._looking.values(), *self._emptying.values()}
        tasks |= {one.task for one in self._lanes.values() if one.task is not None}
        await asyncio.gather(*(one.close(_ENDING) for one in self._asked.values()))
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_ENDING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look(self, store: Store) -> None:
        """Begins to empty what waits in a store."""
        code = store.settings.code
        patience = self._patience[code]
        if not patience.allows(self._ways.clock()):
            return
        version = store.version()
        if self._empty_ones.recall(code, version):
            return
        try:
            regions = await store.look(waiting_regions)
        except WriteFailed as failed:
            if not patience.failing:
                _log.warning("the outbox of %s waits: %s", code, failed.reason)
            patience.failed(self._ways.clock())
            return
        except Exception:  # the other regions' are looked into all the same
            _log.exception("the outbox of %s cannot be read", code)
            patience.failed(self._ways.clock())
            return
        if not regions:
            self._empty_ones.keep(code, version, True)
        for to in regions:
            self._empty((code, to))

    def _empty(self, line: Line) -> None:
        """Sends what waits on a line, round after round, in the background."""
        if self._ending:
            return
        if line in self._emptying:
            self._again.add(line)
            return
        lane = self._lane(line)
        if lane is not None and lane.ready:
            task = self._emptying[line] = asyncio.create_task(self._rounds(lane))
            task.add_done_callback(lambda done: self._emptied(line, done))

    async def _rounds(self, lane: Lane) -> None:
        while not self._ending:
            self._again.discard(lane.line)
            done = await lane.deliver()
            self._answered += len(done.answered)
            for lines in done.follow.values():
                for line in lines:
                    self._empty(line)
            if done.down or not (done.more or lane.line in self._again):
                break

    def _emptied(self, line: Line, task: asyncio.Task[None]) -> None:
        self._emptying.pop(line, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("the post from %s to %s failed", *line, exc_info=task.exception())
        elif line in self._again:
            self._empty(line)

    def _lane(self, line: Line) -> Lane | None:
        lane = self._lanes.get(line)
        if lane is None:
            source, target = (self._stores.get(code) for code in line)
            if source is None or target is None:
                if line not in self._unknown:
                    self._unknown.add(line)
                    _log.error("messages from %s wait for %s, which is no region here", *line)
                return None
            lane = self._lanes[line] = Lane(self._ways, source, target, self._patience)
        return lane


async def _lines(store: Store, subjects: Sequence[str]) -> list[set[Line]]:
    """Where what waits of each subject in a store goes."""
    lines: dict[str, set[Line]] = {}
    for subject, to in await store.look(partial(waiting_of, subjects=frozenset(subjects))):
        lines.setdefault(subject, set()).add((store.settings.code, to))
    return [lines.get(one, set()) for one in subjects]


class _Stopped(Exception):
    """A subject cannot go on now."""
