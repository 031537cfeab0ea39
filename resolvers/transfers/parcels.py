"""Parcels: what goes along with the messages of transfers. Private, and in memory only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from regions.person_keys import ERASED, MISSING, ensure_salts, salts_of
from regions.shares import shared_of
from regions.statements import Prepared
from regions.text import among, among_texts
from regions.transfers import transfer_people
from resolvers.post.messages import Message
from resolvers.transfers.bodies import people_of
from resolvers.transfers.dossier import Dossier, gather
from resolvers.transfers.ledger import array, texts_array
from resolvers.writing.stores import Store

__all__ = [
    "PARTS",
    "Marks",
    "Parcel",
    "gather_parcels",
    "joined",
    "part_of",
    "sealed_marks",
]

PARTS = (
    *("id", "transfer_id", "side", "person_id", "epoch", "outcome"),
    *("reason_code", "dossier_hash", "decided_at", "sealed"),
)
"""The columns of a person's part of a transfer, in the table's order."""

Marks = Mapping[int, list[str]]
"""Private items of people's parts of a transfer (escort, remarks), as JSON texts."""


@dataclass(slots=True)
class Parcel:
    """What goes along with an offer or a commit."""

    dossier: Dossier = field(repr=False)
    marks: Marks = field(repr=False)
    shares: list[tuple[int, str, str, list[str]]] = field(default_factory=list)
    """What letters about the people share with units: it holds wherever they are (C1)."""


def gather_parcels(
    connection: Connection, store: Store, messages: Sequence[Message], *, preview: bool
) -> dict[str, Parcel]:
    """The parcels of messages by id, in some statements for all that show the same items.

    A `preview` has in clear what the offer shares; else it is the whole dossier.
    """
    marks = _marks(connection, store, messages)
    alike: dict[tuple[str, ...] | None, list[Message]] = {}
    for one in messages:
        alike.setdefault(tuple(one.body["items"]) if preview else None, []).append(one)
    found: dict[str, Parcel] = {}
    for shared, some in alike.items():
        wanted = {one.id: people_of(one) for one in some}
        persons = {person for people in wanted.values() for person in people}
        dossier = gather(connection, store, persons, shared=shared)
        lent: dict[int, list[tuple[int, str, str, list[str]]]] = {}
        for share in () if preview else shared_of(connection, persons, "assist:"):
            lent.setdefault(share[0], []).append(share)
        for name, own in _parted(dossier, wanted).items():
            theirs = [share for person in wanted[name] for share in lent.get(person, ())]
            found[name] = Parcel(own, marks.get(name, {}), theirs)
    return found


def _parted(dossier: Dossier, wanted: Mapping[str, Collection[int]]) -> dict[str, Dossier]:
    """The parts of a dossier that are of some people each."""
    if len(wanted) == 1:
        return dict.fromkeys(wanted, dossier)
    theirs: dict[int, list[tuple[str, Any]]] = {}
    for table, rows in dossier.rows.items():
        whose = _whose(table)
        for one in rows:
            theirs.setdefault(one[0][whose], []).append((table, one))
    units = {one["id"]: one for one in dossier.units}
    found = {}
    for name, persons in wanted.items():
        part: dict[str, list[Any]] = {table: [] for table in dossier.rows}
        for person in sorted(persons):
            for table, one in theirs.get(person, ()):
                part[table].append(one)
        cards = [row for row, _ in part.get("cases", ())]
        named = dict.fromkeys(row[unit] for row in cards for unit in ("unit_id", "hospital"))
        known = tuple(units[one] for one in named if one in units)
        found[name] = Dossier(part, dossier.erased.intersection(persons), known)
    return found


def part_of(dossier: Dossier, persons: Collection[int]) -> Dossier:
    """The part of a dossier that is of some people."""
    rows = {
        table: [one for one in rows if one[0][_whose(table)] in persons]
        for table, rows in dossier.rows.items()
    }
    return Dossier(rows, dossier.erased & set(persons), dossier.units)


def joined(dossiers: Iterable[Dossier]) -> Dossier:
    """Several dossiers, of different people, as one."""
    rows: dict[str, list[Any]] = {}
    erased: set[int] = set()
    units: dict[str, dict[str, Any]] = {}
    for one in dossiers:
        for table, some in one.rows.items():
            rows.setdefault(table, []).extend(some)
        erased |= one.erased
        units.update((unit["id"], unit) for unit in one.units)
    return Dossier(rows, frozenset(erased), tuple(units.values()))


def _whose(table: str) -> str:
    return "id" if table == "people" else "person_id"


_c = transfer_people.c
_MARKS = Prepared(
    select(_c.transfer_id, _c.id, _c.person_id, _c.sealed).where(
        among_texts(_c.transfer_id, bindparam("transfers")),
        _c.side == "SENT",
        _c.sealed.is_not(None),
        among(_c.person_id, bindparam("ids")),
    )
)


def _marks(
    connection: Connection, store: Store, messages: Sequence[Message]
) -> dict[str, dict[int, list[str]]]:
    """What is remarked about people, by message and person."""
    wanted = {
        (one.body["transfer"], person): one.id for one in messages for person in people_of(one)
    }
    found_rows = _MARKS.run(
        connection,
        transfers=texts_array(transfer for transfer, _ in wanted),
        ids=array(person for _, person in wanted),
    )
    rows = [row for row in found_rows if (row.transfer_id, row.person_id) in wanted]
    if not rows:
        return {}
    salts = salts_of(connection, [row.person_id for row in rows])
    opened = store.sealer.open_many(
        "transfer_people",
        [row.id for row in rows],
        [bytes(row.sealed) for row in rows],
        [salts.get(row.person_id, MISSING) for row in rows],
    )
    found: dict[str, dict[int, list[str]]] = {}
    for row, parts in zip(rows, opened, strict=True):
        found.setdefault(wanted[row.transfer_id, row.person_id], {})[row.person_id] = parts
    return found


def sealed_marks(
    connection: Connection, store: Store, numbers: Mapping[int, int], marks: Marks
) -> dict[int, bytes]:
    """The envelopes of people's remarks, for parts with these ids by person; none of the erased."""
    told = [person for person in numbers if person in marks]
    found: dict[int, bytes] = {}
    for person, salt in ensure_salts(connection, told).items() if told else ():
        if salt != ERASED:
            texts = [one.encode() for one in marks[person]]
            sealer = store.sealer.person(salt)
            found[person] = sealer.seal_parts("transfer_people", numbers[person], texts)
    return found
