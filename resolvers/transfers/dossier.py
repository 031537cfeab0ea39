"""The dossier: everything a store has of people, gathered in one and taken in by another.

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
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from regions.blind_index import BlindIndexer
from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.ids import hold_ids, region_of
from regions.index_keys import read_state
from regions.metadata import Reveals
from regions.people import INDEX_SETS, people
from regions.person_keys import ERASED, MISSING, ensure_salts, salts_of
from regions.reference import units
from regions.sealing import ERASED_ENVELOPE, ITEMS, PersonSealer
from regions.statements import Prepared
from regions.statistics import apply_counts, change_of
from regions.text import among
from regions.transfers import transfer_people
from resolvers.catalog import RECORDS
from resolvers.transfers.ledger import array, ids_array, upserted
from resolvers.writing.stores import Store
from schema.fields import PrivateSource

__all__ = [
    "Dossier",
    "Place",
    "come_back",
    "content_hashes",
    "drop_preview",
    "gather",
    "gather_card",
    "known_before",
    "leave_behind",
    "store_card",
    "store_dossier",
    "store_preview",
]

_TABLES = (people, contacts, cases, exposures, visits, samples, corrections)
_PREVIEW = (people, contacts, cases, exposures, visits, samples)
_KEPT = (people, contacts)  # whose living row goes along; a case's stays where it was reported
_OF_ANY_CARD = ("id", "person_id", "unit_id", "created_at")  # what of a card is never corrected
_INDEXES = tuple(name for names in INDEX_SETS for name in names)
_OF_THE_STORE = frozenset({"source_key", "source_hash"})  # where a row was loaded from, here
_OF_THE_PLACE = frozenset({"code", "reporter", "reporter_unit", "kept_in"})
_NULL = "null"


def _whose(table: Table) -> Any:
    return table.c.id if table is people else table.c.person_id


@cache
def _told(table: Table) -> tuple[str, ...]:
    """The columns of a table that go along in clear."""
    hidden = (Reveals.SEALED, Reveals.BLIND_INDEX)
    return tuple(
        str(column.name)  # what SQLAlchemy gives is a subclass that is no key of JSON
        for column in table.columns
        if column.info["reveals"] not in hidden and column.name not in _OF_THE_STORE
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where people come to: the region, the accepting unit's county, the account and unit that
    accepted, who are the direct reporters there from then on.
    """

    region: str
    code: str
    account: str
    unit_id: str


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
    for table in _TABLES if shared is None else _PREVIEW:
        rows = _of_people(table).run(connection, ids=ids)
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
    return _wanted(table, among(_whose(table), bindparam("ids")))


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
                told = {name: value for name, value in row.items() if name not in _OF_THE_PLACE}
                if table == cases.name:
                    told, parts = {name: row[name] for name in _OF_ANY_CARD}, None
                elif row.get("record_type") == "CASE":
                    continue
                one = orjson.dumps([table, told, parts], option=orjson.OPT_SORT_KEYS)
                texts[row[whose]].append(one)
    return {person: keyed.content(b"\n".join(lines)) for person, lines in texts.items()}


def store_dossier(
    connection: Connection,
    store: Store,
    dossier: Dossier,
    sender: str,
    places: Mapping[int, Place],
) -> None:
    """Takes a whole dossier in: people and contacts live here from now on. `places` is where each
    person comes to.

    Rows that are here are overwritten, but for a case whose card this store keeps (B8): what came
    along is a copy of it.
    """
    _have_units(connection, dossier)
    sealers = _sealers(connection, store, places)
    own = _own_cards(connection, dossier)
    lost = []
    for table in _TABLES:
        rows, whose = [], "id" if table is people else "person_id"
        for row, parts in dossier.rows.get(table.name, ()):
            made, place = dict(row), places[row[whose]]
            if table is cases:
                if row["id"] in own:
                    continue
                made["kept_in"] = row["kept_in"] or sender
                if made["kept_in"] == place.region:
                    made["kept_in"] = None  # a store that was restored gets its own card back
                    lost.append(made)
            elif table in _KEPT:
                made["kept_in"] = None
            if table is not exposures and made not in lost:  # an exposure's is where it happened
                made["code"] = place.code
                made |= {"reporter": place.account, "reporter_unit": place.unit_id}
            rows.append((made, parts))
        _write(connection, store, table, rows, sealers, indexed=True)
    if lost:
        hold_ids(connection, store.settings.code)  # of what is noted behind the counts
    for made in lost:
        apply_counts(connection, change_of(None, made, store.settings.days))


def store_card(connection: Connection, store: Store, dossier: Dossier, sender: str) -> bool:
    """Makes the copy of a card here what `gather_card` found it to be, and adds its history.

    County and direct reporter stay those of this place. A copy that is newer than what a region
    passes on is left as it is: the card's own region is always right. False: there is no copy here.
    """
    for row, parts in dossier.rows["cases"]:
        kept = connection.execute(
            select(cases).where(cases.c.id == row["id"]).with_for_update()
        ).first()
        if kept is None:
            return False
        if kept.kept_in is None:  # it is the card itself
            return True
        _have_units(connection, dossier)
        sealers = _sealers(connection, store, [row["person_id"]])
        if kept.kept_in == sender or kept.version <= row["version"]:
            here = {name: getattr(kept, name) for name in _OF_THE_PLACE}
            _write(connection, store, cases, [(row | here, parts)], sealers, indexed=False)
        lines = [
            (line | {"reporter": kept.reporter}, texts)
            for line, texts in dossier.rows["corrections"]
        ]
        _write(connection, store, corrections, lines, sealers, indexed=False)
    return True


def store_preview(
    connection: Connection, store: Store, dossier: Dossier, sender: str, persons: Collection[int]
) -> None:
    """Takes in what the receiving unit may see before it decides, of people never here before.

    The rows are no living ones, have no index and no reporter here, and keep the sender's codes:
    whoever could not see them there sees them here by the share alone.
    """
    _have_units(connection, dossier)
    sealers = _sealers(connection, store, persons)
    for table in _PREVIEW:
        whose = "id" if table is people else "person_id"
        rows = []
        for row, parts in dossier.rows.get(table.name, ()):
            if row[whose] in persons:
                made = dict(row) | {"reporter": None, "reporter_unit": None}
                if "kept_in" in made:
                    made["kept_in"] = made["kept_in"] or sender
                rows.append((made, parts))
        _write(connection, store, table, rows, sealers, indexed=False)


def _have_units(connection: Connection, dossier: Dossier) -> None:
    """Adds the units that cases name where they are missing; one that is here stays."""
    _ADD_UNIT.run_all(connection, dossier.units)


def _adding(dialect: str) -> Any:
    builder: Any = sqlite if dialect == "sqlite" else postgresql
    names = [column.name for column in units.columns]
    return (
        builder.insert(units)
        .values({one: bindparam(one) for one in names})
        .on_conflict_do_nothing()
    )


_ADD_UNIT = Prepared(_adding)


def _own_cards(connection: Connection, dossier: Dossier) -> set[int]:
    ids = [row["id"] for row, _ in dossier.rows.get("cases", ())]
    if not ids:
        return set()
    return set(_OWN_CARDS.run(connection, ids=array(ids)).scalars())


_OWN_CARDS = Prepared(
    select(cases.c.id).where(among(cases.c.id, bindparam("ids")), cases.c.kept_in.is_(None))
)


def _sealers(
    connection: Connection, store: Store, persons: Collection[int]
) -> dict[int, PersonSealer]:
    """What seals for each of some people; salts are made, nothing is for those erased here."""
    salts = ensure_salts(connection, persons)
    return store.sealer.people({one: salt for one, salt in salts.items() if salt != ERASED})


def _write(
    connection: Connection,
    store: Store,
    table: Table,
    rows: list[tuple[dict[str, Any], list[str] | None]],
    sealers: Mapping[int, PersonSealer],
    *,
    indexed: bool,
) -> None:
    if not rows:
        return
    whose = "id" if table is people else "person_id"
    state = read_state(connection) if table is people and indexed else None
    names = _columns(table)
    made = []
    for row, parts in rows:
        person = row[whose]
        sealer = sealers.get(person)
        if parts is None:
            row["sealed"] = None
        elif sealer is None:
            row["sealed"] = ERASED_ENVELOPE
        else:
            texts = [part.encode() for part in parts]
            row["sealed"] = sealer.seal_parts(table.name, row["id"], texts)
        if table is people:
            indexes: Iterable[str | None] = [None] * len(_INDEXES)
            if state is not None and sealer is not None and parts is not None:
                items = dict(zip(ITEMS["people"], map(orjson.loads, parts), strict=True))
                indexes = store.indexer.columns(items, state)
            row |= zip(_INDEXES, indexes, strict=True)
        made.append(tuple(map(row.get, names)))
    statement = upserted(table, names, connection.dialect.name)
    connection.exec_driver_sql(statement, made)


@cache
def _columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in _OF_THE_STORE)


def known_before(connection: Connection, region: str, persons: Collection[int]) -> set[int]:
    """Those of some people who were this region's before: made here, or handed over to or by it."""
    handed = _HANDED.run(connection, ids=array(persons)).scalars()
    return {person for person in persons if region_of(person) == region} | set(handed)


_HANDED = Prepared(
    select(transfer_people.c.person_id).where(
        among(transfer_people.c.person_id, bindparam("ids")), transfer_people.c.outcome == "HANDED"
    )
)


def drop_preview(connection: Connection, region: str, persons: Collection[int]) -> None:
    """Deletes what came along with an offer that was refused or taken back. The rows of people who
    were here before are evidence, and stay.
    """
    gone = set(persons) - known_before(connection, region, persons) if persons else None
    if not gone:
        return
    ids = ids_array(gone)
    for table in reversed(_PREVIEW):
        where = [among(_whose(table), ids)]
        if "kept_in" in table.c:
            where.append(table.c.kept_in.is_not(None))
        connection.execute(delete(table).where(*where))


def leave_behind(connection: Connection, persons: Collection[int], receiver: str) -> None:
    """Says of the rows left here where the living ones are now."""
    ids = array(persons)
    for table in _KEPT:
        _keep(table).run(connection, ids=ids, region=receiver)


@cache
def _keep(table: Table) -> Prepared:
    whose = among(_whose(table), bindparam("ids"))
    return Prepared(update(table).where(whose).values(kept_in=bindparam("region")))


def come_back(connection: Connection, persons: Collection[int]) -> None:
    """Says that the living rows are here after all: the receiver has lost what it was given."""
    if persons:
        ids = array(persons)
        for table in _KEPT:
            _keep(table).run(connection, ids=ids, region=None)
