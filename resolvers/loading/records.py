"""What the writers of records share: known rows told from new ones, the row of a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert, select

from regions.bulk import rows_by_text
from regions.people import PERSON_ITEMS, people
from regions.reference import diseases, units
from regions.statistics import CountCell
from resolvers.loading.mapping import Mapping
from resolvers.loading.notices import Notices
from resolvers.loading.rows import FIELDS, Rejection, Row
from resolvers.loading.stores import Store
from resolvers.loading.values import Value

__all__ = ["PEOPLE_COLUMNS", "Written", "furnish", "known_people", "new_rows", "person_row", "seal"]

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
)
"""The columns `person_row` fills, in its order."""

_ITEMS = len(PERSON_ITEMS)
_AT = FIELDS["person"]
_ID_NUMBER, _PHONE = _AT["id_number"], _AT["phone"]
_NAME, _BIRTH_DATE = _AT["name"], _AT["birth_date"]
_NULL = b"null"


@dataclass(slots=True)
class Written:
    """What became of a batch. `records` counts the rows written by table."""

    loaded: int = 0
    unchanged: int = 0
    outside: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    counts: dict[CountCell, tuple[int, int]] = field(default_factory=dict)
    new: list[Row] = field(default_factory=list)


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
    connection: Connection, prepared: Sequence[tuple[Row, tuple[Any, ...]]], notices: Notices
) -> None:
    """Remarks on people whose ID number the region knows already, or who stand in the batch twice.

    They are kept apart: a mistyped number must not make two people one (C6).
    """
    at = PEOPLE_COLUMNS.index("id_number_index")
    indexes = {values[at] for _, values in prepared if values[at] is not None}
    if not indexes:
        return
    statement = select(people.c.id_number_index)
    known = {
        index
        for (index,) in rows_by_text(
            connection, statement, people.c.id_number_index, sorted(indexes)
        )
    }
    for row, values in prepared:
        index = values[at]
        if index is not None:
            if index in known:
                notices.add("SAME_ID_NUMBER", "id_number", f"line {row.line}", row.line)
            known.add(index)


def seal(store: Store, table: str, record_id: int, items: Sequence[Value]) -> bytes | None:
    """The envelope of a record's items, or None where all are unknown."""
    for item in items:
        if item is not None:
            dumps = orjson.dumps
            parts = [_NULL if each is None else dumps(each) for each in items]
            return store.sealer.seal_parts(table, record_id, parts)
    return None


def person_row(store: Store, person_id: int, row: Row, created: str) -> tuple[Any, ...]:
    """The values of a person's row: private items sealed, indexes where there are items."""
    values: Any = row.values["person"]
    dumps = orjson.dumps
    parts = [_NULL if item is None else dumps(item) for item in values[:_ITEMS]]
    id_number, phone, name = values[_ID_NUMBER], values[_PHONE], values[_NAME]
    indexer = store.indexer
    return (
        person_id,
        row.code,
        *values[_ITEMS:],
        store.sealer.seal_parts("people", person_id, parts),
        None if id_number is None else indexer.id_number(id_number),
        None if phone is None else indexer.phone(phone),
        None if name is None else indexer.name_birth(name, values[_BIRTH_DATE]),
        f"cdc-{row.code}",
        row.key,
        row.hash,
        created,
        created,
        1,
    )
