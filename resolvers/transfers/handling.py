"""What the handlers of the messages of transfers have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from regions.person_keys import ERASED, salts_of
from resolvers.post.messages import Handler, Message
from resolvers.transfers import protocol
from resolvers.transfers.applying import Work, ids_for
from resolvers.transfers.bodies import people_of, words_of
from resolvers.transfers.evidence import send_evidence
from resolvers.transfers.ledger import custodies, transfer_row
from resolvers.transfers.parcels import Parcel, gather_parcels
from resolvers.transfers.states import Custody, Step, Told, Word
from resolvers.transfers.telling import tell_erased
from resolvers.transfers.terms import Refusal
from resolvers.writing.stores import Store

__all__ = ["Handled", "WithDossier", "each", "work_of"]


class Handled:
    """What the handlers have in common."""

    topic = ""
    of_custody = True
    told: Told = Told.OFFER
    tells: frozenset[Word] = frozenset({Word.BEHIND, Word.RAISE})  # words that change something

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The people it is about."""
        return {"person": people_of(message)}

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """Nothing goes along."""
        return None

    def ids(self, message: Message, parcel: Any) -> int:
        """Parts and events of everybody."""
        return ids_for(len(people_of(message)))

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Takes the words home that say that this store is behind."""
        told = words_of(reply)
        work = work_of(connection, store, message, at)
        before: Mapping[int, Custody] = {}
        steps: dict[int, Step] = {}
        if any(word in self.tells for word, _ in told.values()):
            transfer_row(connection, work.transfer, "SENT")
            before = custodies(connection, told)
            peer = message.to_region
            for person, (word, epoch) in told.items():
                step = protocol.answered(
                    before[person],
                    work.transfer,
                    word,
                    epoch,
                    peer,
                    told=self.told,
                )
                if step.event is not None:
                    steps[person] = step
        if steps:
            reason = reply.get("conflict", Refusal.EPOCH.name)
            work.apply("SENT", before, steps, dict.fromkeys(steps, reason))
            work.finish("SENT")
            for person, step in steps.items():  # what was written here meanwhile
                trace = message.trace
                send_evidence(connection, store, person, step, "behind", trace=trace, at=at)
        self.settled(work, message, before, steps, told)

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """What else there is to do with the answer."""


class WithDossier(Handled):
    """A dossier goes along, or a preview of it. Whoever was erased while it was on its way is
    erased where it went, too.
    """

    preview = False

    def gather(self, connection: Connection, store: Store, message: Message) -> Parcel:
        """The rows as they are, and what goes with them."""
        return gather_parcels(connection, store, [message], preview=self.preview)[message.id]

    def gather_all(
        self, connection: Connection, store: Store, messages: Sequence[Message]
    ) -> dict[str, Parcel]:
        """The same for many."""
        return gather_parcels(connection, store, messages, preview=self.preview)

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """Tells of those erased."""
        for person, salt in salts_of(work.connection, told).items():
            if salt == ERASED:
                tell_erased(work.connection, work.store, person, trace=work.trace, at=work.at)


def work_of(
    connection: Connection, store: Store, message: Message, at: str, first_id: int | None = None
) -> Work:
    """The work on a message."""
    transfer = message.body["transfer"]
    return Work(connection, store, transfer, trace=message.trace, at=at, first_id=first_id)


def each(
    handler: Handler,
    connection: Connection,
    store: Store,
    given: Sequence[tuple[Message, Any, int]],
    at: str,
    done: dict[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """The replies to messages: those done already, and what comes of each of the others."""
    for message, parcel, first in given:
        if message.id not in done:
            done[message.id] = handler.deliver(connection, store, message, parcel, first, at)
    return done
