"""Related records, in batches: one statement for each relation and region, whatever the page's
size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, false, or_, select

from regions.ids import region_of
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import (
    among,
    among_texts,
    string,
    written,
)
from resolvers.catalog import RECORDS
from resolvers.federation import state_of
from resolvers.privacy import SHAREABLE
from resolvers.questions.filling import Row, fill_rows
from resolvers.questions.question import Question
from resolvers.questions.relating import WAYS, Key, relate
from resolvers.questions.rows import (
    LIMIT,
    living,
    reaches_beyond,
    rows_of,
    scope_condition,
    select_rows,
)
from resolvers.questions.same_person import INDEXES, columns_of, seen_indexes, shown
from resolvers.questions.shapes import Link, Shape, ShapeSet
from resolvers.questions.views import SHARE_UNIT
from schema.fields import Many, One

__all__ = [
    "MOVING",
    "by_ids",
    "complete",
    "fetch",
    "in_regions",
    "note",
    "places_of",
]

_SCOPED = frozenset({"Person", "Case", "Contact"})  # the others are reached through these
MOVING = frozenset({"Person", "Contact", "Visit", "Sample"})
"""The types of record that are kept in another region once their person was handed over. A case's
card stays with the institution that reported it (B8)."""

_MOST_HOPS = 16
_KEYS = "link_keys"
_MORE_KEYS = "more_link_keys"


async def complete(
    question: Question,
    shapes: ShapeSet,
    rows: list[Row],
    path: str,
    cursor: Callable[[list[Any]], str] | None = None,
    *,
    shown: bool = True,
) -> tuple[list[Row], list[str], list[int]]:
    """Rows, their finished texts, how many records each text holds; loads what they are linked to.

    Rows of a region that died meanwhile, so that what belongs to them in the same store is
    missing, are left out: the region is then named as not having answered. Unless `shown`, the
    texts have nothing of the rows but their places.
    """
    question.spend(len(rows))
    if shown:
        note(question, shapes, rows)
    if not shapes.links:
        return rows, fill_rows(question, shapes, rows, (), cursor), [1] * len(rows)
    numbers = range(len(shapes.links))
    found, lost = await fetch(question, shapes, rows, numbers, path)
    for i in numbers:
        source = shapes.links[i].field.source
        if isinstance(source, Many) and source.same_person:
            found[i] = _elsewhere(shapes, i, rows, found[i])
    finished = await asyncio.gather(
        *(complete(question, shapes.links[i].shapes, found[i], path) for i in numbers)
    )
    related = []
    for i, (targets, target_texts, target_sizes) in enumerate(finished):
        values = list(zip(target_texts, target_sizes, strict=True))
        related.append(relate(shapes, i, rows, targets, values, lost))
    if lost:
        rows = [row for row in rows if row[2] not in lost]
    sizes = _sizes(shapes, rows, related)
    question.make_room(sum(sizes))  # before any text is put into another
    texts = []
    for i, one in enumerate(related):
        if isinstance(shapes.links[i].field.source, Many):
            texts.append({key: joined([text for text, _ in many]) for key, many in one.items()})
        else:
            texts.append({key: text for key, (text, _) in one.items()})
    return rows, fill_rows(question, shapes, rows, texts, cursor), sizes


def _elsewhere(shapes: ShapeSet, number: int, parents: list[Row], rows: list[Row]) -> list[Row]:
    """Of the same people in every region those that are shown: a store finds its own, too."""
    related = relate(shapes, number, parents, rows, range(len(rows)), set())
    return [rows[place] for place in sorted({place for one in related.values() for place in one})]


def _sizes(
    shapes: ShapeSet, rows: Sequence[Row], related: Sequence[Mapping[Key, Any]]
) -> list[int]:
    """How many records the text of each row will hold: its own, and all that are put into it."""
    sizes = [1] * len(rows)
    for link, one in enumerate(related):
        many = isinstance(shapes.links[link].field.source, Many)
        held = {k: sum(size for _, size in v) if many else v[1] for k, v in one.items()}
        for i, (keys, _, region) in enumerate(rows):
            positions = shapes.of(region).links[link]
            sizes[i] += held.get((region, *[keys[position] for position in positions]), 0)
    return sizes


def joined(texts: Sequence[str]) -> str:
    """Texts as a JSON array."""
    return "[" + ",".join(texts) + "]"


def note(question: Question, shapes: ShapeSet, rows: list[Row]) -> None:
    """Notes the ids of rows for the access log."""
    if not rows:
        return
    if shapes.record.name != "Unit":
        at = shapes.of(rows[0][2]).id_at
        question.trail.saw(shapes.record.kind, [row[0][at] for row in rows])
    named: dict[str, dict[Any, None]] = {}
    for keys, _, region in rows if shapes.of(rows[0][2]).named else ():
        for kind, at in shapes.of(region).named.items():
            named.setdefault(kind, {})[keys[at]] = None
    for kind, ids in named.items():
        question.trail.saw(kind, list(ids))


class _Wanted:
    """The reads of one link: by region the keys asked for."""

    __slots__ = ("keys", "link", "more_keys", "reads")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.keys: dict[int, dict[Any, None]] = {}
        self.more_keys: dict[Any, None] = {}


async def fetch(
    question: Question, shapes: ShapeSet, rows: list[Row], numbers: Sequence[int], path: str
) -> tuple[list[list[Row]], set[int]]:
    """The rows behind some links of given rows, and the regions that were lost on the way."""
    wanted = [_wanted(question, shapes, number, rows) for number in numbers]
    reads: list[Read] = []
    origins: list[tuple[int, int]] = []
    for i, one in enumerate(wanted):
        source = one.link.field.source
        for region, keys in one.keys.items():
            reads.append(_read(question, one.link.shapes, source, region, keys, one.more_keys))
            origins.append((i, region))
    answers = await question.ask(reads) if reads else []
    lost: set[int] = set()
    found: list[list[Row]] = [[] for _ in wanted]
    for (i, region), answer in zip(origins, answers, strict=True):
        if answer.failure is not None:
            question.region_failed(region, state_of(answer.failure), str(answer.failure), path)
            source = wanted[i].link.field.source
            if isinstance(source, One) and source.local:
                lost.add(region)
        else:
            question.region_answered(region, path)
            found[i].extend(rows_of(answer, wanted[i].link.shapes.of(region), region))
    for i, one in enumerate(wanted):
        source = one.link.field.source
        if isinstance(source, One) and not source.local and source.to in MOVING:
            found[i] += await _moved(question, one.link.shapes, one.keys, found[i], path)
    return found, lost


async def by_ids(question: Question, shapes: ShapeSet, ids: Iterable[int], path: str) -> list[Row]:
    """The records of these ids that the viewer may open, from the regions the ids name."""
    return await in_regions(question, shapes, places_of(question, ids), path)


async def in_regions(
    question: Question, shapes: ShapeSet, keys: Mapping[int, Iterable[int]], path: str
) -> list[Row]:
    """The records of these ids, by the region to look in, that the viewer may open; those that
    were handed over meanwhile from where they are kept now.
    """
    rows = await _in_regions(question, shapes, keys, path)
    if shapes.record.name in MOVING:
        rows += await _moved(question, shapes, keys, rows, path)
    return rows


def places_of(question: Question, ids: Iterable[int]) -> dict[int, dict[Any, None]]:
    """Where to look for records: in the region that an id names, if the viewer may open records
    there, else in those of the jurisdiction, where the record may have been handed over to.
    """
    federation = question.federation
    within = federation.concerned([question.scope.prefix])
    found: dict[int, dict[Any, None]] = {}
    for one in ids:
        home = federation.index_of.get(region_of(one))
        for region in (home,) if home in within else within:
            found.setdefault(region, {})[one] = None
    return found


async def _moved(
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
                values = {_KEYS: orjson.dumps(ids).decode()}
                reads.append(Read(region, statement.sql, statement.bind(values)))
        further: dict[int, dict[Any, None]] = {}
        for answer in await question.ask(reads) if reads else ():
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
    chosen = among(table.c.id, text_value(_KEYS))
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
    reads = [_read(question, shapes, source, region, keys[region], {}) for region in keys]
    rows: list[Row] = []
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        else:
            question.region_answered(read.region, path)
            rows += rows_of(answer, shapes.of(read.region), read.region)
    return rows


def _read(
    question: Question,
    shapes: ShapeSet,
    source: Any,
    region: int,
    keys: Iterable[Any],
    more_keys: Iterable[Any],
) -> Read:
    statement = _statement(question, shapes.of(region), source, region)
    values = {
        _KEYS: orjson.dumps(list(keys)).decode(),
        _MORE_KEYS: orjson.dumps(list(more_keys)).decode(),
        LIMIT: question.answering.records_max - question.spent + 1,
        SHARE_UNIT: question.viewer.unit_id,
    }
    return Read(region, statement.sql, statement.bind(values))


def _wanted(question: Question, shapes: ShapeSet, number: int, rows: list[Row]) -> _Wanted:
    link = shapes.links[number]
    source = link.field.source
    one = _Wanted(link)
    federation = question.federation
    if isinstance(source, Many) and source.everywhere:
        regions = federation.concerned([question.scope.prefix])
        first: dict[Any, None] = {}
        for keys, _, region in rows:
            positions = shapes.of(region).links[number]
            for way, position in enumerate(positions):
                if (key := keys[position]) is not None:
                    (one.more_keys if way % WAYS else first)[key] = None
        if first or one.more_keys:
            one.keys = dict.fromkeys(regions, first)
        return one
    # Where the viewer may open nothing nobody is asked: a failure there would tell where it lies.
    within = federation.concerned([question.scope.prefix])
    for keys, _, region in rows:
        key = keys[shapes.of(region).links[number][0]]
        if key is None:
            continue
        if isinstance(source, One) and not source.local:
            home = federation.index_of.get(region_of(key))
            places = (home,) if home in within else within
        else:
            places = (region,) if region in within else ()
        for at in (*places, region) if shapes.shared else places:  # a share led there already
            one.keys.setdefault(at, {})[key] = None
    return one


def _statement(question: Question, shape: Shape, source: One | Many, region: int) -> Statement:
    dialect = question.federation.dialects[region]
    table = shape.record.table
    scoped = _scoped(shape, source)
    # Regions that are asked alike share a statement: compiling one takes milliseconds.
    remembered = (dialect, scoped and reaches_beyond(question, region))
    known = shape.statements.get(remembered)
    if known is not None:
        return known
    where = []
    if scoped:
        where += scope_condition(question, table, region, shared=shape.shapes.shared)
    order: list[ColumnElement[Any]] = []
    if isinstance(source, One):
        column = table.c.id
        texts = shape.record.name == "Unit"
        keys = among_texts(column, text_value(_KEYS)) if texts else among(column, text_value(_KEYS))
        where.append(keys)
        if not source.local and shape.record.name in MOVING:
            where += living(table)
        order = [column]
    elif source.same_person:
        ways = []
        for index, given in zip(INDEXES, (_KEYS, _MORE_KEYS), strict=True):
            allowed = shown(shape, index)
            if allowed is not None:
                either = [among_texts(table.c[one], text_value(given)) for one in columns_of(index)]
                ways.append(and_(or_(*either), allowed))
        where += [or_(false(), *ways), *living(table)]
        shape.back = tuple([shape.key(text) for text in seen_indexes(shape)])
    else:
        column = table.c[source.by]
        where.append(among(column, text_value(_KEYS)))
        where.extend(table.c[name] == value for name, value in source.where.items())
        if source.everywhere:
            where += living(table)
        shape.back = (shape.key(written(column)),)
    if not order:
        moment = table.c[shape.record.order]
        shape.order_at = shape.key(string(moment))
        order = [moment, table.c.id]
    known = shape.statements[remembered] = Statement(select_rows(shape, where, order), dialect)
    return known


def _scoped(shape: Shape, source: One | Many) -> bool:
    """Whether the viewer's scope must be checked, not following from the record that leads here."""
    if isinstance(source, One) and (source.local or not source.by):
        return not source.local
    # Care of somebody else may hang on a shared record, by mistake: a share is of one person.
    return shape.record.name in (SHAREABLE if shape.shapes.shared else _SCOPED)
