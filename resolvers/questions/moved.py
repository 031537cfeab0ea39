"""Records by their ids, wherever they are kept: who was handed over is followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import select

from regions.ids import region_of
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among
from resolvers.catalog import RECORDS
from resolvers.federation import state_of
from resolvers.questions.filling import Row
from resolvers.questions.link_reads import KEYS, MOVING, read_of
from resolvers.questions.question import Question
from resolvers.questions.rows import rows_of
from resolvers.questions.shapes import ShapeSet
from schema.fields import One

__all__ = ["STAYING", "by_ids", "in_regions", "moved", "places_of"]

STAYING = frozenset({"Signal"})
"""The types of record that lie where their id says, and may be open to whom nothing else there is:
a cluster names counties of other regions."""

_MOST_HOPS = 16


async def by_ids(question: Question, shapes: ShapeSet, ids: Iterable[int], path: str) -> list[Row]:
    """The records of these ids that the viewer may open, from the regions the ids name."""
    return await in_regions(question, shapes, places_of(question, ids, shapes.record.name), path)


async def in_regions(
    question: Question, shapes: ShapeSet, keys: Mapping[int, Iterable[int]], path: str
) -> list[Row]:
    """The records of these ids, by the region to look in, that the viewer may open; those that
    were handed over meanwhile from where they are kept now.
    """
    rows = await _in_regions(question, shapes, keys, path)
    if shapes.record.name in MOVING:
        rows += await moved(question, shapes, keys, rows, path)
    return rows


def places_of(question: Question, ids: Iterable[int], name: str = "") -> dict[int, dict[Any, None]]:
    """Where to look for records: in the region that an id names, if the viewer may open records
    there, else in those of the jurisdiction, where the record may have been handed over to. Those
    of a type that stays (`name`) are looked for in the region that the id names.
    """
    federation = question.federation
    within = federation.concerned([question.scope.prefix])
    found: dict[int, dict[Any, None]] = {}
    for one in ids:
        home = federation.index_of.get(region_of(one))
        if home is not None and name in STAYING:
            found.setdefault(home, {})[one] = None
            continue
        for region in (home,) if home in within else within:
            found.setdefault(region, {})[one] = None
    return found


async def moved(
    question: Question,
    shapes: ShapeSet,
    keys: Mapping[int, Iterable[int]],
    rows: Sequence[Row],
    path: str,
) -> list[Row]:
    """Records that were looked for in vain and are kept elsewhere in the jurisdiction by now."""
    federation, found = question.federation, list[Row]()
    within = federation.concerned([question.scope.prefix])
    seen = {row[0][shapes.of(row[2]).id_at] for row in rows}
    asked: Mapping[int, Iterable[int]] = keys
    for _ in range(_MOST_HOPS):
        left = {at: [one for one in ids if one not in seen] for at, ids in asked.items()}
        reads = []
        for region, ids in left.items():
            if ids:
                statement = _kept_elsewhere(shapes.record.name, federation.dialects[region])
                values = {KEYS: orjson.dumps(ids).decode()}
                reads.append(Read(region, statement.sql, statement.bind(values)))
        further: dict[int, dict[Any, None]] = {}
        for read, answer in zip(reads, await question.ask(reads) if reads else (), strict=True):
            question.note_time(read.region, answer.seconds, path)
            for one, code in answer.rows:  # of one that fails now the id alone is not followed
                region = federation.index_of.get(code, -1)
                if region in within:
                    further.setdefault(region, {})[one] = None
        if not further:
            break
        more = await _in_regions(question, shapes, further, path)
        seen |= {row[0][shapes.of(row[2]).id_at] for row in more}
        found += more
        asked = further
    return found


@cache
def _kept_elsewhere(name: str, dialect: str) -> Statement:
    table = RECORDS[name].table
    chosen = among(table.c.id, text_value(KEYS))
    if "kept_in" in table.c:
        kept = select(table.c.id, table.c.kept_in).where(chosen, table.c.kept_in.is_not(None))
        return Statement(kept, dialect)
    person = people.c.id == table.c.person_id
    kept = select(table.c.id, people.c.kept_in).join(people, person)
    return Statement(kept.where(chosen, people.c.kept_in.is_not(None)), dialect)


async def _in_regions(
    question: Question, shapes: ShapeSet, keys: Mapping[int, Iterable[int]], path: str
) -> list[Row]:
    source = One(shapes.record.name, "")
    reads = [read_of(question, shapes, source, region, keys[region], {}) for region in keys]
    rows: list[Row] = []
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        question.note_time(read.region, answer.seconds, path)
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        else:
            question.region_answered(read.region, path)
            rows += rows_of(answer, shapes.of(read.region), read.region)
    return rows
