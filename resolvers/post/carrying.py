"""What a round carries: the three transactions of it, and what is noted of those that failed.

Gathered in the sender's store is what goes along with what is due; it is handed over in the
receiver's, and the replies are taken home.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from regions.access_log import log_outbox
from regions.errors import PostConflict, StoreRestored, TopicUnknown
from regions.fencing import is_fenced
from resolvers.post.boxes import answer, claim, due, fail, reply, unanswered, waiting_of
from resolvers.post.messages import (
    BulkHandler,
    CustodyHandler,
    Handler,
    HeavyHandler,
    Message,
    check_body,
)
from resolvers.post.rounds import Batch, Delivered, Line, Ways
from resolvers.writing.outbox import Telling, put_in_outbox, row_of
from resolvers.writing.stores import Store

__all__ = ["Carrier"]

_log = logging.getLogger(__name__)


class Carrier:
    """Carries messages from one store to another. `gather`, `hand_over`, `take_home` and `note` are
    a transaction each: they raise what a handler raises, and WriteFailed where the store does not
    answer.
    """

    def __init__(self, ways: Ways, source: Store, target: Store) -> None:
        self._ways, self._source, self._target = ways, source, target
        self.line: Line = (source.settings.code, target.settings.code)

    def pick(
        self, connection: Connection, limit: int, wanted: set[str], skipped: Sequence[str]
    ) -> tuple[Batch, bool, bool]:
        """What is due, up to a limit, with what goes along; whether there is more, and whether all
        was gathered. In a transaction of the sender's store.
        """
        messages, more = due(connection, self.line, limit, wanted, skipped)
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

    async def gather(self, batch: Batch, messages: Sequence[Message]) -> None:
        """What goes along with messages, from the sender's store."""
        await self._source.look(lambda connection: self._gathered(connection, batch, messages))

    async def hand_over(self, batch: Batch, messages: Sequence[Message]) -> None:
        """Does messages in the receiver's store."""
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
                row = row_of(
                    telling,
                    key=f"post/{self.line[0]}",
                    account="",
                    operation=done.operation,
                    at=at,
                    wrote=done.concerned,
                )
                put_in_outbox(connection, log_outbox, [row])
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

    async def take_home(self, batch: Batch, messages: Sequence[Message]) -> None:
        """Settles the replies to messages in the sender's store."""
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

    async def note(self, batch: Batch) -> None:
        """Writes the errors beside the messages."""
        failed: dict[str, list[str]] = {}
        for one, why in batch.failed.items():
            failed.setdefault(why, []).append(one)
        if failed:

            def work(connection: Connection, _: int) -> None:
                for why, ids in failed.items():
                    fail(connection, ids, why)

            await self._source.carry(0, work)

    def weight(self, message: Message) -> int:
        """How many records a message is about."""
        try:
            concerned = self._handler(message).concerns(message).values()
        except Exception:  # its transaction fails by itself, and it is found by halves
            return 1
        return max(1, sum(map(len, concerned)))

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
