"""The message of a commit: the whole dossier goes along, and the receiver answers from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from regions.shares import open_shares
from resolvers.pathway.storing import store_pathway
from resolvers.post.messages import Message
from resolvers.transfers import applying, batch_commits, protocol
from resolvers.transfers.applying import Work
from resolvers.transfers.batching import Given
from resolvers.transfers.bodies import (
    epochs_of,
    reply_of,
)
from resolvers.transfers.dossier import content_hashes
from resolvers.transfers.flags import unknown_references
from resolvers.transfers.handling import WithDossier, each, work_of
from resolvers.transfers.here import take_pathways
from resolvers.transfers.ledger import Part, custodies, offered_at, parts_of, transfer_row
from resolvers.transfers.left_behind import leave_behind
from resolvers.transfers.parcels import Parcel, part_of
from resolvers.transfers.pathways import pathways_of
from resolvers.transfers.states import Custody, Event, State, Step, Told, Word
from resolvers.transfers.storing import Place, store_dossier
from resolvers.transfers.taking import erase_all, keep_parts, keep_transfer
from resolvers.transfers.terms import Refusal, Who
from resolvers.writing.stores import Store

__all__ = ["CommitHandler"]


def _is_undone(part: Part | None) -> bool:
    """Whether a part says nothing of a handover that was: no word of anybody's ended it."""
    if part is None or part.outcome in ("OFFERED", "ACCEPTED"):
        return True
    return part.outcome == "CANCELLED" and part.reason_code == Refusal.EPOCH.name


class CommitHandler(WithDossier):
    """A commit: the receiver answers for the people from now on, and has everything of them. Its
    rows were frozen by the transaction that posted it.
    """

    topic = applying.COMMIT
    told = Told.COMMIT
    tells = frozenset({Word.OWNED, Word.RAISE})

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Parcel,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Takes the people over with all that came along."""
        body, epochs = message.body, epochs_of(message.body["people"])
        by, sender = body["by"], message.from_region
        work = work_of(connection, store, message, at, first_id)
        transfer_row(connection, work.transfer, "RECEIVED")
        before, offered = custodies(connection, epochs), offered_at(connection, epochs)
        parts = parts_of(connection, work.transfer, "RECEIVED", epochs)
        refused = {person for person, part in parts.items() if part.outcome == "REFUSED"}
        steps = {
            person: protocol.arrive(
                *(before[person], work.transfer, epoch, sender, by["unit"]),
                offered.get(person, 0),
                refused=person in refused,
            )
            for person, epoch in epochs.items()
        }
        came = {person for person, step in steps.items() if step.event is not None}
        if came:
            keep_transfer(connection, message, by["code"], at)
            erase_all(connection, parcel.dossier, came, at)
            dossier = part_of(parcel.dossier, came)
            number = int(next(iter(body["hashes"].values())).partition(":")[0])
            hashes = content_hashes(dossier, store.indexer, came, number)
            taken = {person: (epochs[person], "HANDED", hashes[person]) for person in came}
            keep_parts(work, taken, parcel.marks)
            place = Place(work.region, by["code"], by["account"], by["unit"])
            store_dossier(connection, store, dossier, sender, dict.fromkeys(came, place))
            who = Who(by["account"], by["unit"], by["code"])
            take_pathways(connection, pathways_of(body["pathways"], came), who, by["decidedAt"])
            work.shares_end(came)
            for person, unit, source, items in parcel.shares:
                if person in came:
                    open_shares(connection, [person], unit, source, items, at)
            for person, codes in unknown_references(dossier).items():
                epoch = epochs[person]
                work.noted.add(work.transfer, person, "UNKNOWN_CODES", epoch, codes=codes)
        lost = self._lost(work, message, steps)
        work.apply("RECEIVED", before, steps)
        work.finish(*(["RECEIVED"] if came or lost else []))
        return reply_of(steps)

    @staticmethod
    def _lost(work: Work, message: Message, steps: Mapping[int, Step]) -> set[int]:
        """Of whom this store had taken over, and has lost, since when others have had them: keeps
        that it was so, with the hash of what came then. Nothing else comes back of it.
        """
        over = [
            person
            for person, step in steps.items()
            if step.event is None and step.word is Word.OWNED
        ]
        if not over:
            return set()
        parts = parts_of(work.connection, work.transfer, "RECEIVED", over)
        lost = {person for person in over if _is_undone(parts.get(person))}
        if lost:
            body = message.body
            keep_transfer(work.connection, message, body["by"]["code"], work.at)
            told = {
                person: (body["people"][str(person)], "HANDED", body["hashes"][str(person)])
                for person in lost
            }
            keep_parts(work, told, {})
            for person, (epoch, _, _) in sorted(told.items()):
                work.noted.add(work.transfer, person, Event.RESTORED.name, epoch)
        return lost

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """Until the receiver has said that it has them, the rows here are the living ones: or has
        shown it, by an offer that was quicker than its answer.
        """
        gone: dict[str, list[int]] = {}
        for person, (word, _) in told.items():
            was = before[person]
            if word is not Word.OWNED:
                continue
            if was.state is State.HANDED and was.transfer_id == work.transfer:
                gone.setdefault(message.to_region, []).append(person)
            elif was.state in applying.ELSEWHERE and was.peer is not None:
                gone.setdefault(was.peer, []).append(person)
        for region, persons in gone.items():
            leave_behind(work.connection, persons, region)
        back = {person for person, step in steps.items() if step.event is Event.RAISED}
        row = transfer_row(work.connection, work.transfer, "SENT") if back else None
        if row is not None:
            paths = pathways_of(message.body["pathways"], back)
            store_pathway(work.connection, paths, code=row["code"], unit_id=row["from_unit"])
        super().settled(work, message, before, steps, told)

    def deliver_all(
        self, connection: Connection, store: Store, given: Sequence[Given], at: str
    ) -> dict[str, dict[str, Any]]:
        """The same for many: the plain ones together, then each of the others."""
        done = batch_commits.commits(connection, store, given, at)
        return each(self, connection, store, given, at, done)

    def settle_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, dict[str, Any]]],
        at: str,
    ) -> None:
        """The same for many: the plain ones together, then each of the others."""
        done = batch_commits.settle_commits(connection, given)
        for one, reply in given:
            if one.id not in done:
                self.settle(connection, store, one, reply, at)
