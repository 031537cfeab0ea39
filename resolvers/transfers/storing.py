"""Taking a dossier in: what another store has gathered becomes rows of this one.

What is private is sealed under the person's key here, and the blind indexes are made anew. Nothing
in a dossier brings back a person who is erased in the store that takes it in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from regions.bulk import put_rows
from regions.cases import cases, exposures
from regions.corrections import corrections
from regions.ids import hold_ids
from regions.index_keys import read_state
from regions.people import INDEX_SETS, people
from regions.person_keys import ERASED, ensure_salts
from regions.reference import units
from regions.sealing import ERASED_ENVELOPE, ITEMS, PersonSealer
from regions.statements import Prepared
from regions.statistics import apply_counts, change_of
from regions.text import among
from regions.writes import Writer
from resolvers.transfers.dossier import (
    KEPT,
    OF_THE_PLACE,
    OF_THE_STORE,
    PREVIEW,
    TABLES,
    Dossier,
)
from resolvers.transfers.ledger import array
from resolvers.writing.stores import Store

__all__ = ["Place", "store_card", "store_dossier", "store_preview", "take_back_card"]

_INDEXES = tuple(name for names in INDEX_SETS for name in names)


@dataclass(frozen=True, slots=True)
class Place:
    """Where people come to: the region, the accepting unit's county, the account and unit that
    accepted, who are the direct reporters there from then on.
    """

    region: str
    code: str
    account: str
    unit_id: str


def store_dossier(
    connection: Connection,
    store: Store,
    dossier: Dossier,
    sender: str,
    places: Mapping[int, Place],
    into: Writer | None = None,
) -> None:
    """Takes a whole dossier in: people and contacts live here from now on. `places` is where each
    person comes to. Rows go to the connection, or `into` what is written together.

    Rows that are here are overwritten, but for a case whose card this store keeps (B8): what came
    along is a copy of it.
    """
    _have_units(connection, dossier)
    sealers = _sealers(connection, store, places)
    own = _own_cards(connection, dossier)
    lost = []
    for table in TABLES:
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
            elif table in KEPT:
                made["kept_in"] = None
            if table is not exposures and made not in lost:  # an exposure's is where it happened
                made["code"] = place.code
                made |= {"reporter": place.account, "reporter_unit": place.unit_id}
            rows.append((made, parts))
        _write(connection, store, table, rows, sealers, indexed=True, into=into)
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
            here = {name: getattr(kept, name) for name in OF_THE_PLACE}
            _write(connection, store, cases, [(row | here, parts)], sealers, indexed=False)
        lines = [
            (line | {"reporter": kept.reporter}, texts)
            for line, texts in dossier.rows["corrections"]
        ]
        _write(connection, store, corrections, lines, sealers, indexed=False)
    return True


def take_back_card(connection: Connection, store: Store, dossier: Dossier) -> bool:
    """Makes a card of this store what a copy of it is, found by `gather_card` in another, and adds
    its history: what was corrected here, and lost. False: the card here is as new as the copy.
    """
    for row, parts in dossier.rows["cases"]:
        kept = connection.execute(
            select(cases).where(cases.c.id == row["id"]).with_for_update()
        ).first()
        if kept is None or kept.kept_in is not None or kept.version >= row["version"]:
            return False
        before = kept._asdict()
        hold_ids(connection, store.settings.code)  # as whoever corrects, before the counts
        made = row | {name: before[name] for name in OF_THE_PLACE}
        _have_units(connection, dossier)
        sealers = _sealers(connection, store, [row["person_id"]])
        apply_counts(connection, change_of(before, made, store.settings.days))
        _write(connection, store, cases, [(made, parts)], sealers, indexed=False)
        lines = [
            (line | {"reporter": kept.reporter}, texts)
            for line, texts in dossier.rows["corrections"]
        ]
        _write(connection, store, corrections, lines, sealers, indexed=False)
    return bool(dossier.rows["cases"])


def store_preview(
    connection: Connection,
    store: Store,
    dossier: Dossier,
    sender: str,
    persons: Collection[int],
    into: Writer | None = None,
) -> None:
    """Takes in what the receiving unit may see before it decides, of people never here before. Rows
    go where those of `store_dossier` do.

    The rows are no living ones, have no index and no reporter here, and keep the sender's codes:
    whoever could not see them there sees them here by the share alone.
    """
    _have_units(connection, dossier)
    sealers = _sealers(connection, store, persons)
    for table in PREVIEW:
        whose = "id" if table is people else "person_id"
        rows = []
        for row, parts in dossier.rows.get(table.name, ()):
            if row[whose] in persons:
                made = dict(row) | {"reporter": None, "reporter_unit": None}
                if "kept_in" in made:
                    made["kept_in"] = made["kept_in"] or sender
                rows.append((made, parts))
        _write(connection, store, table, rows, sealers, indexed=False, into=into)


def _have_units(connection: Connection, dossier: Dossier) -> None:
    """Adds the units that cases name where they are missing; one that is here stays."""
    # In one order, so that two who add the same do not wait for each other.
    _ADD_UNIT.run_all(connection, sorted(dossier.units, key=lambda one: one["id"]))


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
    into: Writer | None = None,
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
    put_rows(into or connection, table, names, made)


@cache
def _columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in OF_THE_STORE)
