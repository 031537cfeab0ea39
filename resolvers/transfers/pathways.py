"""Pathways as they go along with people: read, put into a message, taken out of it, ended here.

All of it is codes and instants. What a message holds is told apart by name from a person's private
items, and a clock's `place` among others is called like one: on the way it is `nth`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, select

from regions.pathways import pathway_clocks, pathway_events, pathways
from regions.statements import Prepared
from regions.text import among
from resolvers.transfers.ledger import array, ids_array

__all__ = ["close_pathways", "gather_pathways", "pathways_of", "posted"]

Row = Mapping[str, Any]

Rows = dict[str, list[dict[str, Any]]]
"""Rows of pathways, by table."""

_TABLES = ((pathways, "id"), (pathway_events, "pathway_id"), (pathway_clocks, "pathway_id"))


def gather_pathways(connection: Connection, persons: Collection[int]) -> Rows:
    """The rows of people's pathways by table: codes and instants, nothing private."""
    ids = array(persons)
    found: Rows = {}
    for table, key in _TABLES:
        none = table is not pathways and not found[str(pathways.name)]
        rows = () if none else _of_people(table, key).run(connection, ids=ids)
        found[str(table.name)] = [row._asdict() for row in rows]
    return found


@cache
def _of_people(table: Table, key: str) -> Prepared:
    numbers = select(pathways.c.id).where(among(pathways.c.person_id, bindparam("ids")))
    return Prepared(select(table).where(table.c[key].in_(numbers)).order_by(*table.primary_key))


def close_pathways(connection: Connection, numbers: Collection[int]) -> None:
    """Ends pathways here: their clocks run where the people are."""
    ids = ids_array(numbers)
    for table, key in reversed(_TABLES):
        connection.execute(delete(table).where(among(table.c[key], ids)))


def posted(rows: Mapping[str, Sequence[Row]], persons: Collection[int]) -> Rows:
    """The rows of some people, as a message holds them."""
    return _renamed(rows, persons, "place", "nth")


def pathways_of(given: Mapping[str, Sequence[Row]], persons: Collection[int]) -> Rows:
    """The rows of some people that a message holds."""
    return _renamed(given, persons, "nth", "place")


def _renamed(
    rows: Mapping[str, Sequence[Row]], persons: Collection[int], old: str, new: str
) -> Rows:
    own = {row["id"] for row in rows["pathways"] if row["person_id"] in persons}
    return {
        str(table.name): [
            {new if name == old else name: value for name, value in row.items()}
            for row in rows[table.name]
            if row[key] in own
        ]
        for table, key in _TABLES
    }
