"""The messages of a transfer: what goes along, what it does where it arrives, what the answer does.

`deliver` is one transaction in the receiver's store, `settle` one in the sender's. Both may come
again after whatever crash: what a store says of custody decides what they still do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.bulk import insert_rows
from regions.erasing import erase_person
from regions.person_keys import ERASED, MISSING, ensure_salts, salts_of
from regions.shares import open_shares, shared_of
from regions.text import among
from regions.transfers import transfer_people, transfers
from resolvers.pathway.storing import store_pathway
from resolvers.post.messages import Message
from resolvers.transfers import applying, protocol
from resolvers.transfers.applying import Work, ids_for, share_source, step_of
from resolvers.transfers.dossier import (
    Dossier,
    Place,
    close_pathways,
    content_hashes,
    drop_preview,
    gather,
    gather_pathways,
    known_before,
    leave_behind,
    store_dossier,
    store_preview,
)
from resolvers.transfers.flags import unknown_references
from resolvers.transfers.here import take_pathways
from resolvers.transfers.ledger import custodies, ids_array, transfer_row
from resolvers.transfers.protocol import Event, State, Step, Word
from resolvers.transfers.steps import tell_erased
from resolvers.transfers.terms import Refusal, Who
from resolvers.writing.stores import Store

__all__ = ["TRANSFER_HANDLERS"]

_PARTS = (
    *("id", "transfer_id", "side", "person_id", "epoch", "outcome"),
    *("reason_code", "dossier_hash", "decided_at", "sealed"),
)
_META = ("offerHash", "fromUnit", "toUnit", "why", "plannedAt", "departedAt", "account")


@dataclass(slots=True)
class Parcel:
    """What goes along with an offer or a commit: private, and in memory only."""

    dossier: Dossier = field(repr=False)
    marks: dict[int, list[str]] = field(repr=False)  # items of the people's parts, as JSON texts
    shares: list[tuple[int, str, str, list[str]]] = field(default_factory=list)
    """What letters about the people share with units: it holds wherever they are (C1)."""


class _Handled:
    """What the handlers have in common."""

    topic = ""
    told: protocol.Told = protocol.Told.OFFER
    tells: frozenset[Word] = frozenset({Word.BEHIND, Word.RAISE})  # words that change something

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The people it is about."""
        return {"person": _people(message)}

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """Nothing goes along."""
        return None

    def ids(self, message: Message, parcel: Any) -> int:
        """Parts and events of everybody."""
        return ids_for(len(_people(message)))

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Takes the words home that say that this store is behind."""
        told = _words(reply)
        work = _work(connection, store, message, at)
        before: Mapping[int, protocol.Custody] = {}
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
        self.settled(work, message, before, steps, told)

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, protocol.Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """What else there is to do with the answer."""


class _WithDossier(_Handled):
    """Whoever was erased while the dossier was on its way is erased where it went, too."""

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, protocol.Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """Tells of those erased."""
        for person, salt in salts_of(work.connection, told).items():
            if salt == ERASED:
                tell_erased(work.connection, work.store, person, trace=work.trace, at=work.at)


class OfferHandler(_WithDossier):
    """An offer: with a preview of what the receiving unit may see."""

    topic = applying.OFFER

    def gather(self, connection: Connection, store: Store, message: Message) -> Parcel:
        """The preview, and the remarks of the transfer."""
        persons = _people(message)
        dossier = gather(connection, store, persons, shared=message.body["items"])
        return Parcel(dossier, _marks(connection, store, message.body["transfer"], persons))

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
        body, epochs = message.body, _epochs(message.body["people"])
        work = _work(connection, store, message, at, first_id)
        if _is_another(connection, message):
            word = [Word.RAISE.name, 0]
            people = {str(person): [word[0], epoch] for person, epoch in epochs.items()}
            return {"people": people, "conflict": Refusal.TRANSFER_CONFLICT.name}
        before = custodies(connection, epochs)
        steps = {
            person: protocol.receive(before[person], work.transfer, epoch, message.from_region)
            for person, epoch in epochs.items()
        }
        came = {person for person, step in steps.items() if step.event is not None}
        if came:
            _keep_transfer(connection, message, body["toCode"], at)
            _erase(connection, parcel.dossier, came, at)
            fresh = came - known_before(connection, work.region, came)
            store_preview(connection, store, parcel.dossier, message.from_region, fresh)
            parts = {person: (epochs[person], "OFFERED", None) for person in came}
            _keep_parts(work, parts, parcel.marks)
            source = share_source(work.transfer)
            open_shares(connection, came, body["toUnit"], source, body["items"], at)
        work.apply("RECEIVED", before, steps)
        work.finish(*(["RECEIVED"] if came else []))
        return _reply(steps)


class DecisionHandler(_Handled):
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
        taken = _epochs(body["accepted"])
        refused = {int(person): one for person, one in body["refused"].items()}
        work = _work(connection, store, message, at, first_id)
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
        return _reply(steps)

    @staticmethod
    def _commit(
        work: Work, message: Message, row: Mapping[str, Any], epochs: Mapping[int, int]
    ) -> None:
        """Fixes what goes over: the rows are frozen from here on, their hash is kept, and the
        pathways, whose clocks would run on, go into the message itself.
        """
        connection, store, body = work.connection, work.store, message.body
        dossier = gather(connection, store, epochs.keys())
        hashes = content_hashes(dossier, store.indexer, epochs)
        connection.execute(
            _HASH,
            [
                {"of": work.transfer, "who": person, "hashed": hashed}
                for person, hashed in sorted(hashes.items())
            ],
        )
        paths = gather_pathways(connection, epochs.keys())
        close_pathways(connection, [one["id"] for one in paths["pathways"]])
        said = {
            "transfer": work.transfer,
            "offerHash": row["offer_hash"],
            "fromUnit": row["from_unit"],
            "toUnit": row["to_unit"],
            "why": row["reason"],
            "plannedAt": row["planned_at"],
            "departedAt": row["departed_at"],
            "account": row["reporter"],
            "people": {str(person): epoch for person, epoch in sorted(epochs.items())},
            "hashes": {str(person): hashed for person, hashed in sorted(hashes.items())},
            "by": {name: body[name] for name in ("account", "unit", "code", "decidedAt")},
            "pathways": paths,
        }
        work.post(applying.COMMIT, message.from_region, said, step_of(epochs))

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Whoever the sender keeps is closed here."""
        kept = {
            person: epoch for person, (word, epoch) in _words(reply).items() if word is Word.KEPT
        }
        if not kept:
            return
        epochs = _epochs(message.body["accepted"])
        work = _work(connection, store, message, at)
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


_HASH = (
    update(transfer_people)
    .where(
        transfer_people.c.transfer_id == bindparam("of"),
        transfer_people.c.side == "SENT",
        transfer_people.c.person_id == bindparam("who"),
    )
    .values(dossier_hash=bindparam("hashed"))
)


class CommitHandler(_WithDossier):
    """A commit: the receiver answers for the people from now on, and has everything of them."""

    topic = applying.COMMIT
    told = protocol.Told.COMMIT
    tells = frozenset({Word.OWNED, Word.RAISE})

    def gather(self, connection: Connection, store: Store, message: Message) -> Parcel:
        """The whole dossier: its rows were frozen by the transaction that posted the commit."""
        persons = _people(message)
        dossier = gather(connection, store, persons)
        marks = _marks(connection, store, message.body["transfer"], persons)
        return Parcel(dossier, marks, shared_of(connection, persons, "assist:"))

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
        body, epochs = message.body, _epochs(message.body["people"])
        by, sender = body["by"], message.from_region
        work = _work(connection, store, message, at, first_id)
        transfer_row(connection, work.transfer, "RECEIVED")
        before = custodies(connection, epochs)
        steps = {
            person: protocol.arrive(before[person], work.transfer, epoch, sender, by["unit"])
            for person, epoch in epochs.items()
        }
        came = {person for person, step in steps.items() if step.event is not None}
        if came:
            _keep_transfer(connection, message, by["code"], at)
            _erase(connection, parcel.dossier, came, at)
            dossier = _of(parcel.dossier, came)
            number = int(next(iter(body["hashes"].values())).partition(":")[0])
            hashes = content_hashes(dossier, store.indexer, came, number)
            parts = {person: (epochs[person], "HANDED", hashes[person]) for person in came}
            _keep_parts(work, parts, parcel.marks)
            place = Place(work.region, by["code"], by["account"], by["unit"])
            store_dossier(connection, store, dossier, sender, place)
            who = Who(by["account"], by["unit"], by["code"])
            take_pathways(connection, _pathways_of(body["pathways"], came), who, by["decidedAt"])
            work.shares_end(came)
            for person, unit, source, items in parcel.shares:
                if person in came:
                    open_shares(connection, [person], unit, source, items, at)
            for person, codes in unknown_references(dossier).items():
                epoch = epochs[person]
                work.noted.add(work.transfer, person, "UNKNOWN_CODES", epoch, codes=codes)
        work.apply("RECEIVED", before, steps)
        work.finish(*(["RECEIVED"] if came else []))
        return _reply(steps)

    def settled(
        self,
        work: Work,
        message: Message,
        before: Mapping[int, protocol.Custody],
        steps: Mapping[int, Step],
        told: Mapping[int, tuple[Word, int]],
    ) -> None:
        """Until the receiver has said that it has them, the rows here are the living ones."""
        gone = [
            person
            for person, (word, _) in told.items()
            if word is Word.OWNED
            and before[person].state is State.HANDED
            and before[person].transfer_id == work.transfer
        ]
        if gone:
            leave_behind(work.connection, gone, message.to_region)
        back = {person for person, step in steps.items() if step.event is Event.RAISED}
        row = transfer_row(work.connection, work.transfer, "SENT") if back else None
        if row is not None:
            paths = _pathways_of(message.body["pathways"], back)
            store_pathway(work.connection, paths, code=row["code"], unit_id=row["from_unit"])
        super().settled(work, message, before, steps, told)


class CancelHandler(_Handled):
    """A cancellation: the offer is closed, and what came along with it is deleted."""

    topic = applying.CANCEL
    told = protocol.Told.CANCEL

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
        epochs = _epochs(message.body["people"])
        work = _work(connection, store, message, at, first_id)
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
        return _reply(steps)


class ArrivalHandler(_Handled):
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
        work = _work(connection, store, message, at, first_id)
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
        salts = salts_of(connection, persons)
        for person in persons:
            if salts.get(person) != ERASED:
                erase_person(connection, person, at)
                tell_erased(connection, store, person, trace=message.trace, at=at)
        return {}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is left to do."""


TRANSFER_HANDLERS = (
    OfferHandler(),
    DecisionHandler(),
    CommitHandler(),
    CancelHandler(),
    ArrivalHandler(),
    ErasedHandler(),
)
"""The handlers of the messages of transfers."""


def _work(
    connection: Connection, store: Store, message: Message, at: str, first_id: int | None = None
) -> Work:
    transfer = message.body["transfer"]
    return Work(connection, store, transfer, trace=message.trace, at=at, first_id=first_id)


def _epochs(given: Mapping[str, int]) -> dict[int, int]:
    return {int(person): epoch for person, epoch in given.items()}


def _people(message: Message) -> list[int]:
    body = message.body
    named = {**body.get("people", {}), **body.get("accepted", {}), **body.get("refused", {})}
    return sorted(map(int, named))


def _reply(steps: Mapping[int, Step]) -> dict[str, Any]:
    return {
        "people": {
            str(person): [step.word.name, step.epoch]
            for person, step in steps.items()
            if step.word is not None
        }
    }


def _words(reply: Mapping[str, Any]) -> dict[int, tuple[Word, int]]:
    return {int(person): (Word[word], epoch) for person, (word, epoch) in reply["people"].items()}


def _is_another(connection: Connection, message: Message) -> bool:
    """Whether the id of the offer is that of another transfer here."""
    rows = connection.execute(
        select(transfers.c.side, transfers.c.from_region, transfers.c.offer_hash).where(
            transfers.c.id == message.body["transfer"]
        )
    ).all()
    kept = ("RECEIVED", message.from_region, message.body["offerHash"])
    return any(tuple(row) != kept for row in rows)


def _keep_transfer(connection: Connection, message: Message, code: str, at: str) -> None:
    """This side's record of the transfer, unless it is there. `code` is the county here."""
    hashed, from_unit, to_unit, why, planned, departed, account = (
        message.body[name] for name in _META
    )
    builder: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {
        "id": message.body["transfer"],
        "side": "RECEIVED",
        "from_region": message.from_region,
        "to_region": message.to_region,
        "from_unit": from_unit,
        "to_unit": to_unit,
        "reason": why,
        "planned_at": planned,
        "departed_at": departed,
        "state": "OFFERED",
        "offer_hash": hashed,
        "created_at": at,
        "updated_at": at,
        "reporter": account,
        "reporter_unit": from_unit,
        "code": code,
    }
    connection.execute(builder.insert(transfers).values(row).on_conflict_do_nothing())


def _keep_parts(
    work: Work,
    parts: Mapping[int, tuple[int, str, str | None]],
    marks: Mapping[int, list[str]],
) -> None:
    """The people's parts at this side: epoch, outcome and hash of what came, and the remarks."""
    c = transfer_people.c
    known = {
        row.person_id: row.id
        for row in work.connection.execute(
            select(c.id, c.person_id).where(
                c.transfer_id == work.transfer,
                c.side == "RECEIVED",
                among(c.person_id, ids_array(parts)),
            )
        )
    }
    missing = sorted(set(parts) - {*known})
    salts = ensure_salts(work.connection, [person for person in missing if person in marks])
    rows = []
    number = work.take(len(missing)) if missing else 0
    for person in missing:
        epoch, outcome, hashed = parts[person]
        salt, sealed = salts.get(person), None
        if salt is not None and salt != ERASED:
            texts = [one.encode() for one in marks[person]]
            sealer = work.store.sealer.person(salt)
            sealed = sealer.seal_parts("transfer_people", number, texts)
        what = (number, work.transfer, "RECEIVED", person, epoch, outcome, None, hashed, None)
        rows.append((*what, sealed))
        number += 1
    insert_rows(work.connection, transfer_people, _PARTS, rows)
    again = [
        {"at_id": known[person], "to": epoch, "now": outcome, "hashed": hashed}
        for person, (epoch, outcome, hashed) in sorted(parts.items())
        if person in known
    ]
    if again:
        work.connection.execute(_PART, again)


_PART = (
    update(transfer_people)
    .where(transfer_people.c.id == bindparam("at_id"))
    .values(epoch=bindparam("to"), outcome=bindparam("now"), dossier_hash=bindparam("hashed"))
)


def _marks(
    connection: Connection, store: Store, transfer: str, persons: Collection[int]
) -> dict[int, list[str]]:
    c = transfer_people.c
    rows = connection.execute(
        select(c.id, c.person_id, c.sealed).where(
            c.transfer_id == transfer,
            c.side == "SENT",
            c.sealed.is_not(None),
            among(c.person_id, ids_array(persons)),
        )
    ).all()
    salts = salts_of(connection, [row.person_id for row in rows])
    opened = store.sealer.open_many(
        "transfer_people",
        [row.id for row in rows],
        [bytes(row.sealed) for row in rows],
        [salts.get(row.person_id, MISSING) for row in rows],
    )
    return {row.person_id: parts for row, parts in zip(rows, opened, strict=True)}


def _erase(connection: Connection, dossier: Dossier, came: Collection[int], at: str) -> None:
    for person in dossier.erased & set(came):
        erase_person(connection, person, at)


def _of(dossier: Dossier, persons: Collection[int]) -> Dossier:
    """The part of a dossier that is of some people."""
    rows = {
        table: [
            one for one in rows if one[0]["id" if table == "people" else "person_id"] in persons
        ]
        for table, rows in dossier.rows.items()
    }
    return Dossier(rows, dossier.erased & set(persons), dossier.units)


def _pathways_of(
    given: Mapping[str, Sequence[Mapping[str, Any]]], persons: Collection[int]
) -> dict[str, list[dict[str, Any]]]:
    own = [dict(row) for row in given["pathways"] if row["person_id"] in persons]
    numbers = {row["id"] for row in own}
    return {
        "pathways": own,
        **{
            name: [dict(row) for row in given[name] if row["pathway_id"] in numbers]
            for name in ("pathway_events", "pathway_clocks")
        },
    }
