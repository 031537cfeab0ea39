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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from regions.access_log import log_outbox
from regions.errors import EpigateError, PostConflict, TopicUnknown
from resolvers.post.backoff import Backoff
from resolvers.post.boxes import answer, claim, due, fail, reply, unanswered, waiting_of
from resolvers.post.messages import Handler, Message, check_body
from resolvers.writing.outbox import Telling, put_in_outbox
from resolvers.writing.stores import Store, WriteFailed

__all__ = ["Delivered", "Lane", "Line", "Round", "Ways"]

_log = logging.getLogger(__name__)

_STUCK_FIRST, _STUCK_MOST = 2.0, 300.0  # seconds until a message that failed is tried again

Line = tuple[str, str]
"""From which region to which."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one transaction of a receiver did: for the access log.

    `request` names it there. `replies` has those of all messages, by id; `repeated` are the ids of
    those that had been delivered before, which did nothing.
    """

    request: str
    line: Line
    messages: Sequence[Message]
    replies: Mapping[str, dict[str, Any]]
    repeated: frozenset[str]
    concerned: Mapping[str, Sequence[int]]  # ids of records by kind
    at: str

    @property
    def operation(self) -> str:
        """What it is called: `post` and the topics."""
        topics = {one.topic for one in self.messages if one.id not in self.repeated}
        return f"post {' '.join(sorted(topics))}"


@dataclass(frozen=True, slots=True)
class Ways:
    """What all lanes of a pump share."""

    handlers: Mapping[str, Handler]
    now: Callable[[], str]
    clock: Callable[[], float]  # seconds, monotonic
    batch: int
    turns: asyncio.Semaphore  # rounds under way at once
    telling: Callable[[], Telling] | None  # how the access log names the next transaction
    told: Callable[[Delivered], None] | None
    alarmed: Callable[[Message, str], None] | None  # of a conflict: the message, the receiver


@dataclass(slots=True)
class Round:
    """What came of a round: messages answered, subjects that stopped, whether a region failed,
    whether there is more to send, and what waits now of the subjects that moved.
    """

    answered: list[Message] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    down: bool = False
    more: bool = False
    follow: dict[str, set[Line]] = field(default_factory=dict)


@dataclass(slots=True)
class _Batch:
    """Messages on their way, and what was learnt of each by its id."""

    messages: list[Message]
    parcels: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # why
    waiting: list[tuple[str, Line]] = field(default_factory=list)  # subject, and where it goes on


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
        if batch.messages:
            await self._send(batch, done)
        return done

    async def _send(self, batch: _Batch, done: Round) -> None:
        unsent = [one for one in batch.messages if one.id not in batch.failed]
        try:
            await self._halving(batch, unsent, self._hand_over)
            if unsent:
                self._arriving.succeeded()
            self._limit = min(2 * self._limit, self._ways.batch)
        except WriteFailed as failed:
            self._away(batch, unsent, failed)
            done.down = True
        try:
            sent = [one for one in unsent if one.id in batch.replies]
            await self._halving(batch, sent, self._take_home)
            await self._note(batch)
        except WriteFailed:
            self._leaving.failed(self._ways.clock())
            done.down = True
        self._learn(batch, done)

    def _away(self, batch: _Batch, unsent: Sequence[Message], failed: WriteFailed) -> None:
        self._arriving.failed(self._ways.clock())
        if failed.state == "TIMED_OUT":  # perhaps it is only too much at once
            self._limit = max(1, self._limit // 2)
        for one in unsent:
            if one.id not in batch.replies and one.id not in batch.failed:
                batch.failed[one.id] = f"REGION_UNAVAILABLE {failed.state}"

    def _learn(self, batch: _Batch, done: Round) -> None:
        moment = self._ways.clock()
        for one in batch.messages:
            if one.id in batch.answered:
                self._stuck.pop(one.subject, None)
                done.answered.append(one)
                continue
            done.stopped.add(one.subject)
            if not batch.failed.get(one.id, "REGION").startswith("REGION"):
                patience = self._stuck.setdefault(one.subject, Backoff(_STUCK_FIRST, _STUCK_MOST))
                patience.failed(moment)
        for subject, line in batch.waiting:
            if subject not in done.stopped or line != self.line:
                done.follow.setdefault(subject, set()).add(line)

    # The three transactions.

    def _pick(
        self, connection: Connection, wanted: set[str], skipped: Sequence[str]
    ) -> tuple[_Batch, bool, bool]:
        """What is due with what goes along; whether there is more, and whether all was gathered."""
        messages, more = due(connection, self.line, self._limit, wanted, skipped)
        batch = _Batch(messages)
        try:
            self._gathered(connection, batch, messages)
        except Exception:  # whatever a handler raises: which one it was is found by halves
            return batch, more, False
        return batch, more, True

    def _gathered(self, connection: Connection, batch: _Batch, messages: Sequence[Message]) -> None:
        for one in messages:
            parcel = self._handler(one).gather(connection, self._source, one)
            batch.parcels[one.id] = parcel

    async def _gather(self, batch: _Batch, messages: Sequence[Message]) -> None:
        await self._source.look(lambda connection: self._gathered(connection, batch, messages))

    async def _hand_over(self, batch: _Batch, messages: Sequence[Message]) -> None:
        wants = [self._handler(one).ids(one, batch.parcels[one.id]) for one in messages]
        telling = self._ways.telling() if self._ways.telling is not None else None
        at = self._ways.now()

        def work(connection: Connection, first: int) -> tuple[Delivered, list[tuple[str, Line]]]:
            claimed = claim(connection, messages, at)
            replies: dict[str, dict[str, Any]] = {}
            for one, count in zip(messages, wants, strict=True):
                if one.id in claimed.new:
                    replies[one.id] = self._handler(one).deliver(
                        connection, self._target, one, batch.parcels[one.id], first, at
                    )
                    check_body(replies[one.id])
                first += count
            reply(connection, self.line[0], replies)
            done = self._delivered(telling, messages, {**claimed.kept, **replies}, claimed.new, at)
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

        done, waiting = await self._target.carry(sum(wants), work)
        batch.replies.update(done.replies)
        batch.waiting += waiting
        for one in messages:
            if one.id not in done.replies:
                batch.failed[one.id] = PostConflict.code
                _log.error("the message %s came to %s with another content", one.id, self.line[1])
                if self._ways.alarmed is not None:
                    self._ways.alarmed(one, self.line[1])
        if self._ways.told is not None and len(done.repeated) < len(done.replies):
            self._ways.told(done)

    async def _take_home(self, batch: _Batch, messages: Sequence[Message]) -> None:
        at = self._ways.now()

        def work(connection: Connection, _: int) -> list[tuple[str, Line]]:
            open_ = unanswered(connection, [one.id for one in messages])
            for one in messages:
                if one.id in open_:  # else another worker took the reply home
                    self._handler(one).settle(
                        connection, self._source, one, batch.replies[one.id], at
                    )
            answer(connection, {one: batch.replies[one] for one in open_}, at)
            return self._waiting(connection, self._source, {one.subject for one in messages})

        batch.waiting += await self._source.carry(0, work)
        batch.answered.update(one.id for one in messages)

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
        batch: _Batch,
        messages: Sequence[Message],
        work: Callable[[_Batch, Sequence[Message]], Awaitable[None]],
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

    async def _note(self, batch: _Batch) -> None:
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
