"""From the records behind a link to those whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeVar

from regions.errors import StoreError
from resolvers.questions.filling import Row
from resolvers.questions.shapes import ShapeSet
from schema.fields import Many, One

__all__ = ["WAYS", "Key", "relate"]

WAYS = 2
"""In how many ways a person is the same: by ID number, by name with birth date."""

Key = tuple[Any, ...]
Value = TypeVar("Value")


def relate(
    shapes: ShapeSet,
    number: int,
    parents: list[Row],
    rows: list[Row],
    values: Sequence[Value],
    lost: set[int],
) -> dict[Key, Any]:
    """From (region, keys) of a parent to the value behind a link: one, or a list in order.

    `values` stand for the rows (texts, or objects). Raises StoreError where a record must be there.
    """
    link = shapes.links[number]
    if isinstance(link.field.source, One):
        return _one(shapes, number, parents, rows, values, lost)
    same_person = isinstance(link.field.source, Many) and link.field.source.same_person
    groups: dict[Any, list[tuple[Any, Any, int, Value]]] = {}
    for row, value in zip(rows, values, strict=True):
        keys, _, region = row
        shape = link.shapes.of(region)
        entry = (keys[shape.order_at], keys[shape.id_at], region, value)
        for way, back in enumerate(shape.back):
            if (key := keys[back]) is not None:
                groups.setdefault((way % WAYS, key), []).append(entry)
    related: dict[Key, Any] = {}
    for keys, _, region in parents:
        positions = shapes.of(region).links[number]
        parts = tuple([keys[position] for position in positions])
        entries = {
            (entry[1], entry[2]): entry
            for way, part in enumerate(parts)
            for entry in groups.get((way % WAYS, part), ())
            if not (same_person and entry[2] == region)
        }
        ordered = sorted(entries.values(), key=itemgetter(0, 1))
        related[(region, *parts)] = [entry[3] for entry in ordered]
    return related


def _one(
    shapes: ShapeSet,
    number: int,
    parents: list[Row],
    rows: list[Row],
    values: Sequence[Value],
    lost: set[int],
) -> dict[Key, Any]:
    link = shapes.links[number]
    source = link.field.source
    local = isinstance(source, One) and source.local
    target = link.shapes
    found = {
        (row[2] if local else -1, row[0][target.of(row[2]).id_at]): value
        for row, value in zip(rows, values, strict=True)
    }
    related: dict[Key, Any] = {}
    for keys, _, region in parents:
        key = keys[shapes.of(region).links[number][0]]
        value = found.get((region if local else -1, key))
        if value is not None:
            related[(region, key)] = value
        elif not link.field.nullable and region not in lost:
            raise StoreError(
                f"a {shapes.record.kind} names a {link.target.kind} that its store does not have",
                hint="run `epigate migrate`, which restores reference data",
            )
    return related
