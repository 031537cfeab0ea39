"""What the writers of records share: known rows told from new ones, the row of a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert, select

from regions.areas import reference_areas
from regions.blind_index import BlindIndexer
from regions.bulk import insert_rows, rows_by_text
from regions.index_keys import IndexState, read_state
from regions.people import INDEX_SETS, PERSON_ITEMS, people
from regions.person_sealing import PeopleSealers
from regions.reference import diseases, units
from regions.statistics import CountCell
from resolvers.loading.mapping import Mapping
from resolvers.loading.notices import Notices
from resolvers.loading.rows import FIELDS, Rejection, Row
from resolvers.loading.stores import Store
from resolvers.loading.values import Value

__all__ = [
    "PEOPLE_COLUMNS",
    "PeopleWriter",
    "Written",
    "furnish",
    "known_people",
    "new_rows",
    "seal",
]

PEOPLE_COLUMNS = (
    "id",
    "code",
    "residence_code",
    "nationality",
    "occupation",
    "medical_worker",
    "sealed",
    "id_number_index",
    "phone_index",
    "name_birth_index",
    "reporter_unit",
    "source_key",
    "source_hash",
    "created_at",
    "updated_at",
    "version",
    *INDEX_SETS[1],
)
"""The columns `PeopleWriter.row` fills, in its order."""

_ITEMS = len(PERSON_ITEMS)
_AT = FIELDS["person"]
_ID_NUMBER, _PHONE = _AT["id_number"], _AT["phone"]
_NAME, _BIRTH_DATE = _AT["name"], _AT["birth_date"]
_AREA, _COUNTY = _AT["residence_area"], _AT["residence_code"]
_COUNTY_DIGITS = 6
_NULL = b"null"


@dataclass(slots=True)
class Written:
    """What became of a batch. `records` counts the rows written by table, `wrote` has their ids."""

    loaded: int = 0
    unchanged: int = 0
    outside: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    counts: dict[CountCell, tuple[int, int]] = field(default_factory=dict)
    new: list[Row] = field(default_factory=list)
    wrote: dict[str, list[int]] = field(default_factory=dict)


def new_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    id_column: str,
    pretended: Mapped[str, str],
    written: Written,
) -> list[Row]:
    """The rows not loaded before; the others are counted in `written`, or rejected as CHANGED.

    `pretended` has the keys and hashes that a dry run would have written.
    """
    statement = select(table.c.source_key, table.c.source_hash)
    keys = [row.key for row in rows]
    known = {key: pretended[key] for key in keys if key in pretended} if pretended else {}
    known.update(
        (key, value) for key, value in rows_by_text(connection, statement, table.c.source_key, keys)
    )
    for row in rows:
        before = known.get(row.key)
        if before is None:
            known[row.key] = row.hash
            written.new.append(row)
        elif before == row.hash:
            written.unchanged += 1
        else:
            written.rejections.append(Rejection(row.line, id_column, row.id, "CHANGED"))
    written.loaded = len(written.new)
    return written.new


def furnish(connection: Connection, store: Store, mapping: Mapping) -> None:
    """Adds the region's units and the diseases that the mapping brings along, where missing."""
    here = [row for row in mapping.units if store.settings.covers(row["code"] or "")]
    for table, rows, key in ((units, here, "id"), (diseases, mapping.diseases, "key")):
        there = set(connection.execute(select(table.c[key])).scalars()) if rows else set()
        missing = [dict(row) for row in rows if row[key] not in there]
        if missing:
            connection.execute(insert(table), missing)


def known_people(
    connection: Connection,
    prepared: Sequence[tuple[Row, tuple[Any, ...]]],
    notices: Notices,
    state: IndexState,
) -> None:
    """Remarks on people whose ID number the region knows already, or who stand in the batch twice.

    They are kept apart: a mistyped number must not make two people one (C6).
    """
    column = people.c[INDEX_SETS[state.complete][0]]
    at = PEOPLE_COLUMNS.index(column.name)
    indexes = {values[at] for _, values in prepared if values[at] is not None}
    if not indexes:
        return
    found = rows_by_text(connection, select(column), column, sorted(indexes))
    known = {index for (index,) in found}
    for row, values in prepared:
        index = values[at]
        if index is not None:
            if index in known:
                notices.add("SAME_ID_NUMBER", "id_number", f"line {row.line}", row.line)
            known.add(index)


def seal(
    sealers: PeopleSealers, person: int, table: str, record_id: int, items: Sequence[Value]
) -> bytes | None:
    """The envelope of a record of a person, or None where all items are unknown."""
    for item in items:
        if item is not None:
            dumps = orjson.dumps
            parts = [_NULL if each is None else dumps(each) for each in items]
            return sealers.of(person).seal_parts(table, record_id, parts)
    return None


def _residence(values: list[Value]) -> list[Value]:
    """A person's values with no more than the county of residence in the public column.

    What the list says of town or village goes to the sealed item.
    """
    finest = values[_AREA] or values[_COUNTY]
    if not isinstance(finest, str) or (values[_AREA] is None and len(finest) == _COUNTY_DIGITS):
        return values
    values = values.copy()  # the row's own are hashed and shown as they were read
    values[_AREA] = finest if len(finest) > _COUNTY_DIGITS else None
    county = finest[:_COUNTY_DIGITS]
    values[_COUNTY] = reference_areas().successor(county) or county
    return values


@dataclass(slots=True)
class PeopleWriter:
    """Makes the rows of new people in one transaction; `write` writes their salts."""

    sealers: PeopleSealers
    indexer: BlindIndexer
    state: IndexState

    @classmethod
    def of(cls, connection: Connection, store: Store) -> PeopleWriter:
        """The writer of a batch."""
        sealers = PeopleSealers(connection, store.sealer)
        return cls(sealers, store.indexer, read_state(connection))

    def row(self, person_id: int, row: Row, created: str) -> tuple[Any, ...]:
        """The values of a person's row: private items sealed, indexes where there are items."""
        values: Any = _residence(row.values["person"])
        dumps = orjson.dumps
        parts = [_NULL if item is None else dumps(item) for item in values[:_ITEMS]]
        items = {
            "id_number": values[_ID_NUMBER],
            "phone": values[_PHONE],
            "name": values[_NAME],
            "birth_date": values[_BIRTH_DATE],
        }
        indexes = self.indexer.columns(items, self.state)
        return (
            person_id,
            row.code,
            *values[_ITEMS:],
            self.sealers.new(person_id).seal_parts("people", person_id, parts),
            *indexes[:3],
            f"cdc-{row.code}",
            row.key,
            row.hash,
            created,
            created,
            1,
            *indexes[3:],
        )

    def write(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Writes rows of new people and their salts."""
        insert_rows(connection, people, PEOPLE_COLUMNS, rows)
        self.sealers.write()
