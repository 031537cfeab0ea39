"""The messages of a transfer: what goes along, what it does where it arrives, what the answer does.

`deliver` is one transaction in the receiver's store, `settle` one in the sender's. Both may come
again after whatever crash: what a store says of custody decides what they still do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from regions.person_keys import ERASED, salts_of
from regions.shares import open_shares
from regions.statements import Prepared
from regions.transfers import transfer_people, transfers
from resolvers.post.messages import Message
from resolvers.transfers import applying, batches, protocol
from resolvers.transfers.applying import Work, share_source, step_of
from resolvers.transfers.batches import commit_body
from resolvers.transfers.batching import Given
from resolvers.transfers.bodies import (
    epochs_of,
    reply_of,
    words_of,
)
from resolvers.transfers.cards import CardHandler
from resolvers.transfers.closing import ArrivalHandler, CancelHandler, ErasedHandler
from resolvers.transfers.committing import CommitHandler
from resolvers.transfers.dossier import content_hashes, gather
from resolvers.transfers.evidence import EvidenceHandler
from resolvers.transfers.handling import Handled, WithDossier, each, work_of
from resolvers.transfers.ledger import custodies, parts_of, transfer_row
from resolvers.transfers.left_behind import drop_preview, known_before
from resolvers.transfers.parcels import Parcel
from resolvers.transfers.pathways import close_pathways, gather_pathways
from resolvers.transfers.states import Event, Step, Word
from resolvers.transfers.storing import store_preview
from resolvers.transfers.taking import erase_all, keep_parts, keep_transfer
from resolvers.transfers.terms import Refusal
from resolvers.writing.stores import Store

__all__ = ["TRANSFER_HANDLERS"]


class OfferHandler(WithDossier):
    """An offer: with a preview of what the receiving unit may see."""

    topic = applying.OFFER
    preview = True

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Parcel,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Those offered are PENDING here."""
        body, epochs = message.body, epochs_of(message.body["people"])
        work = work_of(connection, store, message, at, first_id)
        if _is_another(connection, message):
            word = [Word.RAISE.name, 0]
            people = {str(person): [word[0], epoch] for person, epoch in epochs.items()}
            return {"people": people, "conflict": Refusal.TRANSFER_CONFLICT.name}
        transfer_row(connection, work.transfer, "RECEIVED")  # before its people, as every step
        before = custodies(connection, epochs)
        steps = {
            person: protocol.receive(before[person], work.transfer, epoch, message.from_region)
            for person, epoch in epochs.items()
        }
        came = {person for person, step in steps.items() if step.event is not None}
        if came:
            keep_transfer(connection, message, body["toCode"], at)
            erase_all(connection, parcel.dossier, came, at)
            fresh = came - known_before(connection, work.region, came)
            store_preview(connection, store, parcel.dossier, message.from_region, fresh)
            parts = {person: (epochs[person], "OFFERED", None) for person in came}
            keep_parts(work, parts, parcel.marks)
            source = share_source(work.transfer)
            open_shares(connection, came, body["toUnit"], source, body["items"], at)
        fell = self._fell(work, message, steps)
        work.apply("RECEIVED", before, steps)
        work.finish(*(["RECEIVED"] if came or fell else []))
        return reply_of(steps)

    @staticmethod
    def _fell(work: Work, message: Message, steps: Mapping[int, Step]) -> set[int]:
        """Whose offer is over before it came in, since more is known of the person: who of them has
        no part here gets one. A store that was put back has lost what it had of the transfer.
        """
        over = [person for person, step in steps.items() if step.word is not Word.PENDING]
        known = parts_of(work.connection, work.transfer, "RECEIVED", over) if over else {}
        fell = set(over) - set(known)
        if fell:
            body = message.body
            keep_transfer(work.connection, message, body["toCode"], work.at)
            told = {person: (body["people"][str(person)], "CANCELLED", None) for person in fell}
            keep_parts(work, told, {}, reason=Refusal.EPOCH.name)
        return fell

    def deliver_all(
        self, connection: Connection, store: Store, given: Sequence[Given], at: str
    ) -> dict[str, dict[str, Any]]:
        """The same for many: the plain ones together, then each of the others."""
        done = batches.offers(connection, store, given, at)
        return each(self, connection, store, given, at, done)

    def settle_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, dict[str, Any]]],
        at: str,
    ) -> None:
        """Takes home what says something, and tells of the erased."""
        told = {one.id: words_of(reply) for one, reply in given}
        persons = {person for words in told.values() for person in words}
        gone = {p for p, salt in salts_of(connection, persons).items() if salt == ERASED}
        for one, reply in given:
            words = told[one.id]
            if gone & words.keys() or any(word in self.tells for word, _ in words.values()):
                self.settle(connection, store, one, reply, at)


class DecisionHandler(Handled):
    """A decision: those accepted are HANDED, and their commit is posted."""

    topic = applying.DECISION

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: None,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Hands over, or takes back, whoever still waits for the decision."""
        body = message.body
        taken = epochs_of(body["accepted"])
        refused = {int(person): one for person, one in body["refused"].items()}
        work = work_of(connection, store, message, at, first_id)
        row = transfer_row(connection, work.transfer, "SENT")
        before = custodies(connection, [*taken, *refused])
        steps = {
            person: protocol.accepted(before[person], work.transfer, epoch)
            for person, epoch in taken.items()
        } | {
            person: protocol.refused(before[person], work.transfer, epoch)
            for person, (epoch, _) in refused.items()
        }
        reasons = {person: reason for person, (_, reason) in refused.items()}
        work.apply("SENT", before, steps, reasons, {"unit": body["unit"]})
        handed = {person for person, step in steps.items() if step.event is Event.HANDED}
        if handed and row is not None:
            self._commit(work, message, row, {person: taken[person] for person in handed})
        work.finish("SENT")
        return reply_of(steps)

    def gather_all(
        self, connection: Connection, store: Store, messages: Sequence[Message]
    ) -> dict[str, None]:
        """Nothing goes along."""
        return dict.fromkeys(one.id for one in messages)

    def deliver_all(
        self, connection: Connection, store: Store, given: Sequence[Given], at: str
    ) -> dict[str, dict[str, Any]]:
        """The same for many: the plain ones together, then each of the others."""
        done = batches.decisions(connection, store, given, at)
        return each(self, connection, store, given, at, done)

    @staticmethod
    def _commit(
        work: Work, message: Message, row: Mapping[str, Any], epochs: Mapping[int, int]
    ) -> None:
        """Fixes what goes over: the rows are frozen from here on, their hash is kept, and the
        pathways, whose clocks would run on, go into the message itself.
        """
        connection, store = work.connection, work.store
        dossier = gather(connection, store, epochs.keys())
        hashes = content_hashes(dossier, store.indexer, epochs)
        _HASH.run_all(
            connection,
            [
                {"of": work.transfer, "who": person, "hashed": hashed}
                for person, hashed in sorted(hashes.items())
            ],
        )
        paths = gather_pathways(connection, epochs.keys())
        close_pathways(connection, [one["id"] for one in paths["pathways"]])
        said = commit_body(row, message, epochs, hashes, paths)
        work.post(applying.COMMIT, message.from_region, said, step_of(epochs))

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Whoever the sender keeps is closed here."""
        kept = {
            person: epoch for person, (word, epoch) in words_of(reply).items() if word is Word.KEPT
        }
        if not kept:
            return
        epochs = epochs_of(message.body["accepted"])
        work = work_of(connection, store, message, at)
        transfer_row(connection, work.transfer, "RECEIVED")
        before = custodies(connection, kept)
        steps = {
            person: protocol.closed(before[person], work.transfer, epochs.get(person, 0), epoch)
            for person, epoch in kept.items()
        }
        closed = {person: step for person, step in steps.items() if step.event is not None}
        if closed:
            work.apply("RECEIVED", before, closed)
            work.shares_end(closed)
            drop_preview(connection, work.region, closed)
            work.finish("RECEIVED")

    def settle_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, dict[str, Any]]],
        at: str,
    ) -> None:
        """The same for many: of most there is nothing to do."""
        for one, reply in given:
            self.settle(connection, store, one, reply, at)


_HASH = Prepared(
    update(transfer_people)
    .where(
        transfer_people.c.transfer_id == bindparam("of"),
        transfer_people.c.side == "SENT",
        transfer_people.c.person_id == bindparam("who"),
    )
    .values(dossier_hash=bindparam("hashed"))
)


TRANSFER_HANDLERS = (
    OfferHandler(),
    DecisionHandler(),
    CommitHandler(),
    CancelHandler(),
    ArrivalHandler(),
    ErasedHandler(),
    CardHandler(),
    EvidenceHandler(),
)
"""The handlers of the messages of transfers."""


def _is_another(connection: Connection, message: Message) -> bool:
    """Whether the id of the offer is that of another transfer here."""
    rows = connection.execute(
        select(transfers.c.side, transfers.c.from_region, transfers.c.offer_hash).where(
            transfers.c.id == message.body["transfer"]
        )
    ).all()
    kept = ("RECEIVED", message.from_region, message.body["offerHash"])
    return any(tuple(row) != kept for row in rows)
