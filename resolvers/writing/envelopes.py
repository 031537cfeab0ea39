"""Envelopes of rows that may be about a person on record: sealed and opened in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from regions.person_keys import MISSING, salts_of
from regions.person_sealing import PeopleSealers
from resolvers.writing.stores import Store

__all__ = ["opened", "sealed_items"]


def opened(
    connection: Connection, store: Store, table: Table, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The sealed items of rows in clear, for one's own memory; empty where none are."""
    whose = {row["person_id"] for row in rows if row["person_id"] is not None}
    salts = salts_of(connection, whose)
    sealed = [row for row in rows if row["sealed"] is not None]
    clear = store.sealer.open_named(
        table.name,
        [row["id"] for row in sealed],
        [bytes(row["sealed"]) for row in sealed],
        [salts.get(row["person_id"], MISSING) for row in sealed],
    )
    by_id = {row["id"]: items for row, items in zip(sealed, clear, strict=True)}
    return [by_id.get(row["id"], {}) for row in rows]


def sealed_items(
    sealers: PeopleSealers,
    store: Store,
    table: Table,
    row: Mapping[str, Any],
    items: Mapping[str, Any],
) -> bytes | None:
    """The envelope of a row's items: under the key of the person where one is on record."""
    if all(value is None for value in items.values()):
        return None
    if row["person_id"] is not None:
        return sealers.seal(row["person_id"], table.name, row["id"], items)
    return store.sealer.seal(table.name, row["id"], items)
