"""A lane: what one region sends to another, a round of up to 256 messages at a time.

A round is three transactions: read in the sender's store what is due and what goes along; do it in
the receiver's; take the replies home. Whoever asks while a round is under way is served by the next
one together with all others who ask meanwhile, so that under load many messages share a commit.

A transaction that one message makes fail is tried again by halves until that one is found: it stays
where it is, with its error, and holds up nothing but its own subject.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from resolvers.post.backoff import Backoff
from resolvers.post.carrying import Carrier
from resolvers.post.halving import by_halves
from resolvers.post.messages import Message
from resolvers.post.rounds import Batch, Line, Round, Ways
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store

__all__ = ["Lane"]

_STUCK_FIRST, _STUCK_MOST = 2.0, 300.0  # seconds until a message that failed is tried again
_AT_ONCE = 2  # portions on their way at a time
_HELD = 2.0  # seconds until one is that waits for a store to be mended


class Lane:
    """What one store sends to another, or to itself."""

    def __init__(
        self, ways: Ways, source: Store, target: Store, patience: Mapping[str, Backoff]
    ) -> None:
        self._ways, self._source, self._target = ways, source, target
        self._carrier = Carrier(ways, source, target)
        self.line: Line = self._carrier.line
        self._leaving, self._arriving = (patience[code] for code in self.line)
        self._limit = ways.batch
        self._stuck: dict[str, Backoff] = {}  # by subject
        self._wanted: set[str] = set()
        self._under_way: asyncio.Task[Round] | None = None
        self._next: asyncio.Task[Round] | None = None

    @property
    def ready(self) -> bool:
        """Whether both regions may be tried now."""
        moment = self._ways.clock()
        return self._leaving.allows(moment) and self._arriving.allows(moment)

    async def deliver(self, subject: str | None = None) -> Round:
        """One round, which begins after this call. Messages of the subject go first."""
        if subject is not None:
            self._wanted.add(subject)
        if self._next is None:
            self._next = asyncio.create_task(self._turn(self._under_way))
            self._next.add_done_callback(_retrieve)
        return await asyncio.shield(self._next)  # others wait for it, too

    @property
    def task(self) -> asyncio.Task[Round] | None:
        """The last round that was begun or is to be."""
        return self._next or self._under_way

    def free(self, subject: str) -> None:
        """Lets a subject be tried at once, and the regions as well."""
        self._stuck.pop(subject, None)
        self._leaving.succeeded()
        self._arriving.succeeded()

    async def _turn(self, before: asyncio.Task[Round] | None) -> Round:
        if before is not None:
            await asyncio.wait({before})
        async with self._ways.turns:
            self._under_way, self._next = self._next, None
            wanted, self._wanted = self._wanted, set()
            return await self._round(wanted)

    async def _round(self, wanted: set[str]) -> Round:
        if not self.ready:
            return Round(down=True)
        done, moment = Round(), self._ways.clock()
        skipped = [one for one, until in self._stuck.items() if not until.allows(moment)]
        done.stopped.update(wanted.intersection(skipped))
        try:
            batch, done.more, clean = await self._source.look(
                lambda connection: self._carrier.pick(connection, self._limit, wanted, skipped)
            )
            if not clean:
                await by_halves(batch, batch.messages, self._carrier.gather)
        except WriteFailed:
            self._leaving.failed(self._ways.clock())
            return Round(down=True)
        self._leaving.succeeded()
        done.stopped.update(wanted & batch.left_out)
        if batch.messages:
            await self._send(batch, done)
        return done

    async def _send(self, batch: Batch, done: Round) -> None:
        unsent = [one for one in batch.messages if one.id not in batch.failed]
        room = asyncio.Semaphore(_AT_ONCE)

        async def send(portion: Sequence[Message]) -> bool:
            async with room:
                return await self._send_portion(batch, portion)

        sending = (send(one) for one in self._portions(unsent))
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        for one in outcomes:
            if isinstance(one, BaseException):
                raise one
        done.down = not all(outcomes)
        if not done.down:
            self._limit = min(2 * self._limit, self._ways.batch)
        try:
            await self._carrier.note(batch)
        except WriteFailed:
            self._leaving.failed(self._ways.clock())
            done.down = True
        self._learn(batch, done)

    def _portions(self, messages: Sequence[Message]) -> list[list[Message]]:
        """Messages in portions that are sent at the same time. No two messages of a batch are of
        one subject.

        While a server works for one portion, this process works for another. A file has one writer
        at a time: there all of them share a transaction.
        """
        if self._source.settings.path is not None or self._target.settings.path is not None:
            return [list(messages)] if messages else []
        portions: list[list[Message]] = []
        room = 0
        for one in messages:
            if room <= 0:
                portions.append([])
                room = self._ways.portion
            portions[-1].append(one)
            room -= self._carrier.weight(one)
        return portions

    async def _send_portion(self, batch: Batch, unsent: Sequence[Message]) -> bool:
        """Whether both stores answered."""
        well = True
        try:
            await by_halves(batch, unsent, self._carrier.hand_over)
            self._arriving.succeeded()
        except WriteFailed as failed:
            self._away(batch, unsent, failed)
            well = False
        try:
            sent = [one for one in unsent if one.id in batch.replies]
            await by_halves(batch, sent, self._carrier.take_home)
        except WriteFailed:
            self._leaving.failed(self._ways.clock())
            well = False
        return well

    def _away(self, batch: Batch, unsent: Sequence[Message], failed: WriteFailed) -> None:
        self._arriving.failed(self._ways.clock())
        if failed.state == "TIMED_OUT":  # perhaps it is only too much at once
            self._limit = max(1, self._limit // 2)
        for one in unsent:
            if one.id not in batch.replies and one.id not in batch.failed:
                batch.failed[one.id] = f"REGION_UNAVAILABLE {failed.state}"

    def _learn(self, batch: Batch, done: Round) -> None:
        moment = self._ways.clock()
        for one in batch.messages:
            if one.id in batch.answered:
                self._stuck.pop(one.subject, None)
                done.answered.append(one)
                continue
            done.stopped.add(one.subject)
            if one.id in batch.held:
                patience = self._stuck[one.subject] = Backoff(_HELD, _HELD)
                patience.failed(moment)
            elif not batch.failed.get(one.id, "REGION").startswith("REGION"):
                patience = self._stuck.setdefault(one.subject, Backoff(_STUCK_FIRST, _STUCK_MOST))
                patience.failed(moment)
        for subject, line in batch.waiting:
            if subject not in done.stopped or line != self.line:
                done.follow.setdefault(subject, set()).add(line)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Whoever waited may be gone: what a round raised was raised to nobody then."""
    if not task.cancelled():
        task.exception()
