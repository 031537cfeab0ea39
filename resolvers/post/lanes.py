"""A lane: what one region sends to another, a round of up to 256 messages at a time.

A round is three transactions: read in the sender's store what is due and what goes along; do it in
the receiver's; take the replies home. Whoever asks while a round is under way is served by the next
one together with all others who ask meanwhile, so that under load many messages share a commit.

A transaction that one message makes fail is tried again by halves until that one is found: it stays
where it is, with its error, and holds up nothing but its own subject.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from regions.access_log import log_outbox
from regions.errors import EpigateError, PostConflict, StoreRestored, TopicUnknown
from regions.fencing import is_fenced
from resolvers.post.backoff import Backoff
from resolvers.post.boxes import answer, claim, due, fail, reply, unanswered, waiting_of
from resolvers.post.messages import (
    BulkHandler,
    CustodyHandler,
    Handler,
    HeavyHandler,
    Message,
    check_body,
)
from resolvers.post.rounds import Batch, Delivered, Line, Round, Ways
from resolvers.writing.outbox import Telling, put_in_outbox
from resolvers.writing.stores import Store, WriteFailed

__all__ = ["Lane"]

_log = logging.getLogger(__name__)

_STUCK_FIRST, _STUCK_MOST = 2.0, 300.0  # seconds until a message that failed is tried again
_AT_ONCE = 2  # portions on their way at a time
_HELD = 2.0  # seconds until one is that waits for a store to be mended


class Lane:
    """What one store sends to another, or to itself."""

    def __init__(
        self, ways: Ways, source: Store, target: Store, patience: Mapping[str, Backoff]
    ) -> None:
        self._ways, self._source, self._target = ways, source, target
        self.line: Line = (source.settings.code, target.settings.code)
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
                lambda connection: self._pick(connection, wanted, skipped)
            )
            if not clean:
                await self._halving(batch, batch.messages, self._gather)
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
            await self._note(batch)
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
            room -= self._weight(one)
        return portions

    def _weight(self, message: Message) -> int:
        """How many records a message is about."""
        try:
            concerned = self._handler(message).concerns(message).values()
        except Exception:  # its transaction fails by itself, and it is found by halves
            return 1
        return max(1, sum(map(len, concerned)))

    async def _send_portion(self, batch: Batch, unsent: Sequence[Message]) -> bool:
        """Whether both stores answered."""
        well = True
        try:
            await self._halving(batch, unsent, self._hand_over)
            self._arriving.succeeded()
        except WriteFailed as failed:
            self._away(batch, unsent, failed)
            well = False
        try:
            sent = [one for one in unsent if one.id in batch.replies]
            await self._halving(batch, sent, self._take_home)
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

    # The three transactions.

    def _pick(
        self, connection: Connection, wanted: set[str], skipped: Sequence[str]
    ) -> tuple[Batch, bool, bool]:
        """What is due with what goes along; whether there is more, and whether all was gathered."""
        messages, more = due(connection, self.line, self._limit, wanted, skipped)
        messages, left_out = self._light(messages)
        batch, more = Batch(messages, left_out=left_out), more or bool(left_out)
        try:
            self._gathered(connection, batch, messages)
        except Exception:  # whatever a handler raises: which one it was is found by halves
            return batch, more, False
        return batch, more, True

    def _light(self, messages: Sequence[Message]) -> tuple[list[Message], set[str]]:
        """Messages without those that are too many of a topic whose parcels are large, and the
        subjects of these: they are for the next round.
        """
        heavy = {
            topic: handler.most
            for topic in {one.topic for one in messages}
            for handler in [self._ways.handlers.get(topic)]
            if isinstance(handler, HeavyHandler)
        }
        counts = dict.fromkeys(heavy, 0)
        found, left_out = [], set()
        for one in messages:
            if one.topic in heavy:
                counts[one.topic] += 1
                if counts[one.topic] > heavy[one.topic]:
                    left_out.add(one.subject)
                    continue
            found.append(one)
        return found, left_out

    def _gathered(self, connection: Connection, batch: Batch, messages: Sequence[Message]) -> None:
        for handler, some in self._by_topic(messages):
            if isinstance(handler, BulkHandler):
                batch.parcels.update(handler.gather_all(connection, self._source, some))
            else:
                for one in some:
                    batch.parcels[one.id] = handler.gather(connection, self._source, one)

    async def _gather(self, batch: Batch, messages: Sequence[Message]) -> None:
        await self._source.look(lambda connection: self._gathered(connection, batch, messages))

    async def _hand_over(self, batch: Batch, messages: Sequence[Message]) -> None:
        wants = {one.id: self._handler(one).ids(one, batch.parcels[one.id]) for one in messages}
        telling = self._ways.telling() if self._ways.telling is not None else None
        at = self._ways.now()

        def work(connection: Connection, first: int) -> tuple[Delivered, list[tuple[str, Line]]]:
            taken = self._taken(connection, messages)
            if not taken:
                return self._delivered(telling, [], {}, frozenset(), at), []
            claimed = claim(connection, taken, at)
            given = []
            for one in taken:
                given.append((one, batch.parcels[one.id], first))
                first += wants[one.id]
            new = [one for one in given if one[0].id in claimed.new]
            replies = self._delivered_to(connection, new, at)
            reply(connection, self.line[0], replies)
            done = self._delivered(telling, taken, {**claimed.kept, **replies}, claimed.new, at)
            if telling is not None and replies:
                put_in_outbox(
                    connection,
                    log_outbox,
                    telling,
                    key=f"post/{self.line[0]}",
                    account="",
                    operation=done.operation,
                    at=at,
                    wrote=done.concerned,
                )
            subjects = {one.subject for one in messages}
            return done, self._waiting(connection, self._target, subjects)

        done, waiting = await self._target.carry(sum(wants.values()), work)
        batch.replies.update(done.replies)
        batch.waiting += waiting
        batch.held |= {one.id for one in messages} - {one.id for one in done.messages}
        batch.failed |= dict.fromkeys(batch.held, f"{StoreRestored.code} {self.line[1]}")
        for one in done.messages:
            if one.id not in done.replies:
                batch.failed[one.id] = PostConflict.code
                _log.error("the message %s came to %s with another content", one.id, self.line[1])
                if self._ways.alarmed is not None:
                    self._ways.alarmed(one, self.line[1])
        if self._ways.told is not None and len(done.repeated) < len(done.replies):
            self._ways.told(done)

    def _taken(self, connection: Connection, messages: Sequence[Message]) -> Sequence[Message]:
        """Those of some messages that the receiver's store may take."""
        if not is_fenced(connection):
            return messages
        return [one for one in messages if not isinstance(self._handler(one), CustodyHandler)]

    async def _take_home(self, batch: Batch, messages: Sequence[Message]) -> None:
        at = self._ways.now()

        def work(connection: Connection, _: int) -> list[tuple[str, Line]]:
            open_ = unanswered(connection, [one.id for one in messages])
            # The others' replies another worker took home.
            self._settled(
                connection,
                [(one, batch.replies[one.id]) for one in messages if one.id in open_],
                at,
            )
            answer(connection, {one: batch.replies[one] for one in open_}, at)
            return self._waiting(connection, self._source, {one.subject for one in messages})

        batch.waiting += await self._source.carry(0, work)
        batch.answered.update(one.id for one in messages)

    def _by_topic(self, messages: Sequence[Message]) -> list[tuple[Handler, list[Message]]]:
        """Messages by their handlers: of several subjects none waits for another."""
        found: dict[str, tuple[Handler, list[Message]]] = {}
        for one in messages:
            found.setdefault(one.topic, (self._handler(one), []))[1].append(one)
        return list(found.values())

    def _delivered_to(
        self, connection: Connection, given: Sequence[tuple[Message, Any, int]], at: str
    ) -> dict[str, dict[str, Any]]:
        replies: dict[str, dict[str, Any]] = {}
        by_id = {one[0].id: one for one in given}
        for handler, some in self._by_topic([one[0] for one in given]):
            mine = [by_id[one.id] for one in some]
            if isinstance(handler, BulkHandler):
                replies.update(handler.deliver_all(connection, self._target, mine, at))
            else:
                for one, parcel, first in mine:
                    replies[one.id] = handler.deliver(
                        connection, self._target, one, parcel, first, at
                    )
        for said in replies.values():
            check_body(said)
        return replies

    def _settled(
        self, connection: Connection, given: Sequence[tuple[Message, dict[str, Any]]], at: str
    ) -> None:
        by_id = {one[0].id: one for one in given}
        for handler, some in self._by_topic([one[0] for one in given]):
            mine = [by_id[one.id] for one in some]
            if isinstance(handler, BulkHandler):
                handler.settle_all(connection, self._source, mine, at)
            else:
                for one, said in mine:
                    handler.settle(connection, self._source, one, said, at)

    @staticmethod
    def _waiting(
        connection: Connection, store: Store, subjects: set[str]
    ) -> list[tuple[str, Line]]:
        """What waits in a store of these subjects, and its line."""
        found = waiting_of(connection, subjects)
        return [(subject, (store.settings.code, to)) for subject, to in found]

    # What fails.

    async def _halving(
        self,
        batch: Batch,
        messages: Sequence[Message],
        work: Callable[[Batch, Sequence[Message]], Awaitable[None]],
    ) -> None:
        """Does the work for all messages in one transaction; where that fails, by halves.

        Raises WriteFailed where the store does not answer.
        """
        if not messages:
            return
        try:
            await work(batch, messages)
        except WriteFailed:
            raise
        except Exception as error:  # of one of the messages: the others go on without it
            if len(messages) == 1:
                batch.failed[messages[0].id] = _reason(error)
                _log.error("the message %s failed: %s", messages[0].id, _reason(error))
                return
            middle = len(messages) // 2
            await self._halving(batch, messages[:middle], work)
            await self._halving(batch, messages[middle:], work)

    async def _note(self, batch: Batch) -> None:
        """Writes the errors beside the messages."""
        failed: dict[str, list[str]] = {}
        for one, why in batch.failed.items():
            failed.setdefault(why, []).append(one)
        if failed:

            def work(connection: Connection, _: int) -> None:
                for why, ids in failed.items():
                    fail(connection, ids, why)

            await self._source.carry(0, work)

    def _handler(self, message: Message) -> Handler:
        handler = self._ways.handlers.get(message.topic)
        if handler is None:
            raise TopicUnknown(
                f"nobody here handles {message.topic}",
                hint="the message waits: a newer epigate may have put it",
                store=self._target.settings.code,
            )
        return handler

    def _delivered(
        self,
        telling: Telling | None,
        messages: Sequence[Message],
        replies: Mapping[str, dict[str, Any]],
        new: frozenset[str],
        at: str,
    ) -> Delivered:
        concerned: dict[str, list[int]] = {}
        for one in messages:
            if one.id in new:
                for kind, ids in self._handler(one).concerns(one).items():
                    concerned.setdefault(kind, []).extend(ids)
        request = telling.request if telling is not None else ""
        repeated = frozenset(replies) - new
        return Delivered(request, self.line, messages, replies, repeated, concerned, at)


def _reason(error: Exception) -> str:
    """What is noted of an error: its code or class, and where it was raised. Never its text, which
    may hold anything.
    """
    name = error.code if isinstance(error, EpigateError) else type(error).__name__
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return name
    return f"{name} at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Whoever waited may be gone: what a round raised was raised to nobody then."""
    if not task.cancelled():
        task.exception()
