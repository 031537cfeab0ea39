"""Related records, in batches: one statement for each relation and region, whatever the page's
size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from regions.ids import region_of
from regions.reading import Read
from resolvers.federation import state_of
from resolvers.questions.filling import Row, fill_rows
from resolvers.questions.link_reads import MOVING, read_of
from resolvers.questions.moved import STAYING, moved
from resolvers.questions.question import Question
from resolvers.questions.relating import WAYS, Key, relate
from resolvers.questions.rows import rows_of
from resolvers.questions.shapes import Link, ShapeSet
from schema.fields import Many, One

__all__ = ["complete", "fetch", "note"]


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
            reads.append(read_of(question, one.link.shapes, source, region, keys, one.more_keys))
            origins.append((i, region))
    answers = await question.ask(reads) if reads else []
    lost: set[int] = set()
    found: list[list[Row]] = [[] for _ in wanted]
    for (i, region), answer in zip(origins, answers, strict=True):
        question.note_time(region, answer.seconds, path)
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
            found[i] += await moved(question, one.link.shapes, one.keys, found[i], path)
    return found, lost


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
            if home is None or (home not in within and source.to not in STAYING):
                places = within
            else:
                places = (home,)
        else:
            places = (region,) if region in within else ()
        for at in (*places, region) if shapes.shared else places:  # a share led there already
            one.keys.setdefault(at, {})[key] = None
    return one
