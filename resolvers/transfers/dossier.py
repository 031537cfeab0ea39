"""The dossier: everything a store has of people, gathered in one to be taken in by another.

Records keep their ids. What is private is opened with the person's key of the one store and sealed
anew with that of the other: in between it is in clear in memory only. The blind indexes are made
anew too, so that the duplicate check finds the person wherever the person is.

Of an erased person only structure goes along, and nothing in a dossier brings back a person who is
erased in the store that takes it in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    or_,
    select,
)

from regions.blind_index import BlindIndexer
from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.metadata import Reveals
from regions.people import people
from regions.person_keys import ERASED, MISSING, salts_of
from regions.reference import units
from regions.sealing import ITEMS
from regions.statements import Prepared
from regions.text import among
from resolvers.catalog import RECORDS
from resolvers.transfers.ledger import array
from resolvers.writing.stores import Store
from schema.fields import PrivateSource

__all__ = [
    "KEPT",
    "OF_THE_PLACE",
    "OF_THE_STORE",
    "PREVIEW",
    "TABLES",
    "Dossier",
    "content_hashes",
    "gather",
    "gather_card",
    "whose_is",
]

TABLES = (people, contacts, cases, exposures, visits, samples, corrections)
"""What a dossier has rows of."""

PREVIEW = (people, contacts, cases, exposures, visits, samples)
"""What a preview has rows of: no history."""

KEPT = (people, contacts)
"""Those whose living row goes along; a case's stays where it was reported."""

OF_THE_STORE = frozenset({"source_key", "source_hash"})
"""Columns of where a row was loaded from, which do not go along."""

OF_THE_PLACE = frozenset({"code", "reporter", "reporter_unit", "kept_in"})
"""Columns that are another thing in each store."""

_OF_ANY_CARD = ("id", "person_id", "unit_id", "created_at")  # what of a card is never corrected
_NULL = "null"


def whose_is(table: Table) -> Any:
    """The column of a table that names the person."""
    return table.c.id if table is people else table.c.person_id


@cache
def _told(table: Table) -> tuple[str, ...]:
    """The columns of a table that go along in clear."""
    hidden = (Reveals.SEALED, Reveals.BLIND_INDEX)
    return tuple(
        str(column.name)  # what SQLAlchemy gives is a subclass that is no key of JSON
        for column in table.columns
        if column.info["reveals"] not in hidden and column.name not in OF_THE_STORE
    )


@dataclass(slots=True)
class Dossier:
    """What goes along, by table: each row's columns, and its private items as JSON texts in the
    order of the table's envelope (None: the row has none).

    `erased` are people erased where it was gathered, `units` the institutions that its cases name.
    Never written anywhere as it is.
    """

    rows: dict[str, list[tuple[dict[str, Any], list[str] | None]]] = field(repr=False)
    erased: frozenset[int] = frozenset()
    units: tuple[dict[str, Any], ...] = ()


def gather(
    connection: Connection,
    store: Store,
    persons: Collection[int],
    *,
    shared: Collection[str] | None = None,
) -> Dossier:
    """Everything of people of this store, in few statements, however many they are.

    `shared` makes it a preview: only private items of these kinds (names of PrivateItem) and no
    history; None is the whole. Raises EnvelopeError.
    """
    found: dict[str, list[tuple[dict[str, Any], list[str] | None]]] = {}
    if not persons:
        return Dossier(found)
    ids = array(persons)
    salts = salts_of(connection, persons)
    there = _ANY_OF_PEOPLE.run(connection, ids=ids).one()._asdict()
    for table in TABLES if shared is None else PREVIEW:
        any_there = there.get(table.name, True)
        rows = _of_people(table).run(connection, ids=ids).all() if any_there else []
        found[str(table.name)] = _opened(store, table, rows, salts, shared)
    named = _UNITS_OF_PEOPLE.run(connection, ids=ids) if found["cases"] else ()
    return Dossier(found, _erased(salts), tuple(row._asdict() for row in named))


def gather_card(connection: Connection, store: Store, case: int, person: int) -> Dossier:
    """The card of a case of a person, and the history of all that was corrected in it.

    Raises EnvelopeError.
    """
    salts = salts_of(connection, [person])
    found = {
        str(table.name): _opened(store, table, of_card.run(connection, case=case), salts, None)
        for table, of_card in ((cases, _CARD), (corrections, _CORRECTIONS_OF_CARD))
    }
    named = _UNITS_OF_CARD.run(connection, case=case)
    return Dossier(found, _erased(salts), tuple(row._asdict() for row in named))


def _erased(salts: Mapping[int, bytes]) -> frozenset[int]:
    return frozenset(person for person, salt in salts.items() if salt == ERASED)


def _units(of: ColumnElement[bool]) -> Prepared:
    """The institutions that cases name, those that treat them too."""
    named = (units.c.id.in_(select(one).where(of)) for one in (cases.c.unit_id, cases.c.hospital))
    return Prepared(select(units).where(or_(*named)))


def _wanted(table: Table, of: ColumnElement[bool]) -> Prepared:
    """Rows of a table: what goes along in clear, and the envelope."""
    columns = [table.c[name] for name in _told(table)]
    return Prepared(select(*columns, table.c.sealed).where(of).order_by(table.c.id))


@cache
def _of_people(table: Table) -> Prepared:
    return _wanted(table, among(whose_is(table), bindparam("ids")))


# Of most people there is nothing but themselves and their contacts: asked once, for all tables.
_ANY_OF_PEOPLE = Prepared(
    select(
        *(
            select(table.c.id)
            .where(among(table.c.person_id, bindparam("ids")))
            .exists()
            .label(table.name)
            for table in TABLES
            if table not in KEPT
        )
    )
)
_UNITS_OF_PEOPLE = _units(among(cases.c.person_id, bindparam("ids")))
_UNITS_OF_CARD = _units(cases.c.id == bindparam("case"))
_CARD = _wanted(cases, cases.c.id == bindparam("case"))
_CORRECTIONS_OF_CARD = _wanted(
    corrections,
    and_(corrections.c.record_type == "CASE", corrections.c.record_id == bindparam("case")),
)


def _opened(
    store: Store,
    table: Table,
    found: Iterable[Any],
    salts: Mapping[int, bytes],
    shared: Collection[str] | None,
) -> list[tuple[dict[str, Any], list[str] | None]]:
    """Rows that were `_wanted`, with what is private in clear."""
    rows = [tuple(row) for row in found]
    names, whose = _told(table), "id" if table is people else "person_id"
    told = [dict(zip(names, row, strict=False)) for row in rows]  # but for the envelope at the end
    sealed = [number for number, row in enumerate(rows) if row[-1] is not None]
    opened = store.sealer.open_many(
        table.name,
        [told[number]["id"] for number in sealed],
        [bytes(rows[number][-1]) for number in sealed],
        [salts.get(told[number][whose], MISSING) for number in sealed],
    )
    parts: dict[int, list[str]] = dict(zip(sealed, opened, strict=True))
    if shared is not None:
        kinds = _kinds(table)
        for number, items in parts.items():
            parts[number] = [
                text if kinds.get(name) in shared else _NULL
                for name, text in zip(ITEMS[table.name], items, strict=True)
            ]
    return [(row, parts.get(number)) for number, row in enumerate(told)]


@cache
def _kinds(table: Table) -> Mapping[str, str]:
    """The sealed items of a table, and the kind of private item (a name of PrivateItem) each is."""
    found: dict[str, str] = {}
    for record in RECORDS.values():
        if record.table is table:
            for one in record.fields.values():
                for part in (one, *one.fields):
                    if isinstance(part.source, PrivateSource) and part.source.of == "":
                        found[part.source.name] = part.source.item.name
    return found


def content_hashes(
    dossier: Dossier, indexer: BlindIndexer, persons: Iterable[int], number: int | None = None
) -> dict[int, str]:
    """A keyed hash of what a dossier says of each person: equal wherever it is the same.

    `number` is that of the index key, by default the newest; the hash begins with it. What belongs
    to the place (county, reporter) is no part of it, nor what of cards may be corrected by whoever
    keeps them while the dossier is on its way.
    """
    keyed = indexer if number is None else indexer.under(number)
    texts: dict[int, list[bytes]] = {person: [] for person in persons}
    for table, rows in dossier.rows.items():
        whose = "id" if table == people.name else "person_id"
        for row, parts in rows:
            if row[whose] in texts:
                told = row.copy()
                for name in OF_THE_PLACE:
                    told.pop(name, None)
                if table == cases.name:
                    told, parts = {name: row[name] for name in _OF_ANY_CARD}, None
                elif row.get("record_type") == "CASE":
                    continue
                one = orjson.dumps([table, told, parts], option=orjson.OPT_SORT_KEYS)
                texts[row[whose]].append(one)
    return {person: keyed.content(b"\n".join(lines)) for person, lines in texts.items()}
