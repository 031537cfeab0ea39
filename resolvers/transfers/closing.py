"""Messages that end something: an offer taken back, an arrival, an erasure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, update

from regions.erasing import erase_person
from regions.person_keys import ERASED, salts_of
from regions.transfers import transfers
from resolvers.post.messages import Message
from resolvers.transfers import applying, protocol
from resolvers.transfers.bodies import epochs_of, reply_of
from resolvers.transfers.handling import Handled, work_of
from resolvers.transfers.ledger import custodies, transfer_row
from resolvers.transfers.left_behind import drop_preview
from resolvers.transfers.states import State, Told
from resolvers.transfers.telling import tell_erased
from resolvers.writing.stores import Store

__all__ = ["ArrivalHandler", "CancelHandler", "ErasedHandler"]


class CancelHandler(Handled):
    """A cancellation: the offer is closed, and what came along with it is deleted."""

    topic = applying.CANCEL
    told = Told.CANCEL

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: None,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Closes what waits, and what has not come in yet."""
        epochs = epochs_of(message.body["people"])
        work = work_of(connection, store, message, at, first_id)
        row = transfer_row(connection, work.transfer, "RECEIVED")
        before = custodies(connection, epochs)
        steps = {
            person: protocol.called_off(before[person], work.transfer, epoch, message.from_region)
            for person, epoch in epochs.items()
        }
        reason = message.body["reasonCode"]
        work.apply("RECEIVED", before, steps, dict.fromkeys(steps, reason))
        closed = [person for person, step in steps.items() if step.custody.state is State.CLOSED]
        work.shares_end(closed)
        drop_preview(connection, work.region, closed)
        work.finish(*(["RECEIVED"] if row is not None else []))
        return reply_of(steps)


class ArrivalHandler(Handled):
    """An arrival, as the receiving unit has recorded it."""

    topic = applying.ARRIVAL

    def ids(self, message: Message, parcel: Any) -> int:
        """One event."""
        return 1

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: None,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Writes it here, too."""
        work = work_of(connection, store, message, at, first_id)
        if transfer_row(connection, work.transfer, "SENT") is not None:
            connection.execute(
                update(transfers)
                .where(transfers.c.id == work.transfer, transfers.c.side == "SENT")
                .values(arrived_at=message.body["arrivedAt"])
            )
            work.noted.add(work.transfer, None, "ARRIVED", None)
            work.finish("SENT")
        return {"people": {}}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is left to do."""


class ErasedHandler:
    """A person was erased where the person's records were, and is erased here, too (F10)."""

    topic = applying.ERASED
    of_custody = True  # a store that is behind does not know who else has the person

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The people it is about."""
        return {"person": message.body["people"]}

    def gather(self, connection: Connection, store: Store, message: Message) -> None:
        """Nothing goes along."""

    def ids(self, message: Message, parcel: None) -> int:
        """None are needed."""
        return 0

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: None,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Erases, and passes it on to where the person went from here."""
        persons = message.body["people"]
        custodies(connection, persons)  # locked by their ids, as in every step
        salts = salts_of(connection, persons)
        for person in sorted(persons):
            if salts.get(person) != ERASED:
                erase_person(connection, person, at)
                tell_erased(connection, store, person, trace=message.trace, at=at)
        return {}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is left to do."""
