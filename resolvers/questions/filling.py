"""Filling the gaps: unsealed items, related records, reference data, cursors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from regions.text import GAP
from resolvers.questions.question import Question
from resolvers.questions.shapes import (
    ConstantGap,
    ItemGap,
    LinkGap,
    Shape,
    ShapeSet,
)
from schema.fields import Many

__all__ = ["Related", "Row", "fill_rows"]

Row = tuple[list[Any], str, int]
"""Keys, text, region of a record as it came from its store."""

Related = Mapping[tuple[Any, ...], Any]
"""Of one link: from a record's keys for it to the text in its place."""

_MASK = '"*"'


def fill_rows(
    question: Question,
    shapes: ShapeSet,
    rows: Sequence[Row],
    related: Sequence[Related],
    cursor: Callable[[list[Any]], str] | None = None,
) -> list[str]:
    """The texts of rows with every gap filled. `cursor` writes the cursor of a row's keys."""
    if shapes.gapless():
        return [row[1] for row in rows]
    by_region: dict[int, Callable[[Row], str]] = {}
    texts = []
    for row in rows:
        fill = by_region.get(row[2])
        if fill is None:
            shape = shapes.of(row[2])
            fill = by_region[row[2]] = _filler(question, shape, row[2], related, cursor)
        texts.append(fill(row))
    return texts


def _filler(
    question: Question,
    shape: Shape,
    region: int,
    related: Sequence[Related],
    cursor: Callable[[list[Any]], str] | None,
) -> Callable[[Row], str]:
    """A function that fills the gaps of one region's rows."""
    gaps = shape.gaps
    if not gaps:
        return lambda row: row[1]
    if (simple := _simple_filler(question, shape, region)) is not None:
        return simple
    unseal = _unsealer(question, shape, region) if shape.view is not None else None
    links = shape.links
    sources = [link.field.source for link in shape.shapes.links]

    def fill(row: Row) -> str:
        keys, text, _ = row
        items = unseal(keys) if unseal is not None else ()
        values = []
        for number, gap in enumerate(gaps):
            if isinstance(gap, ItemGap):
                values.append(items[number])
            elif isinstance(gap, LinkGap):
                key = tuple([keys[position] for position in links[gap.link]])
                empty = "[]" if isinstance(sources[gap.link], Many) else "null"
                values.append(related[gap.link].get((region, *key), empty))
            elif isinstance(gap, ConstantGap):
                values.append(gap.text(keys[gap.position]))
            else:
                assert cursor is not None
                values.append(cursor(keys))
        return interleave(text, values)

    return fill


def interleave(text: str, values: Sequence[str]) -> str:
    """The text with its gaps filled in turn."""
    parts = text.split(GAP)
    whole = [""] * (len(parts) + len(values))
    whole[0::2] = parts
    whole[1::2] = values
    return "".join(whole)


def _simple_filler(question: Question, shape: Shape, region: int) -> Callable[[Row], str] | None:
    """The way of most clear pages, where every gap is an item of the person shown in every row."""
    if len(shape.rules) != 1 or not shape.rules[0].always:
        return None
    rule = shape.rules[0].rule
    indexes = [
        gap.index
        for gap in shape.gaps
        if isinstance(gap, ItemGap) and gap.of_person and gap.item in rule.items
    ]
    if len(indexes) != len(shape.gaps):
        return None
    open_person = question.federation.sealers[region].opener("people")
    fromhex = bytes.fromhex
    seen = question.trail.revealed(rule.label, shape.record.kind).append
    id_at, person_at, sealed_at = shape.id_at, shape.person_at, shape.person_sealed_at
    blank = [""] * (2 * len(indexes) + 1)
    items = itemgetter(*indexes) if len(indexes) > 1 else lambda parts: (parts[indexes[0]],)

    def fill(row: Row) -> str:
        keys, text, _ = row
        whole = blank.copy()
        whole[0::2] = text.split(GAP)
        whole[1::2] = items(open_person(keys[person_at], fromhex(keys[sealed_at])))
        seen(keys[id_at])
        return "".join(whole)

    return fill


def _unsealer(
    question: Question, shape: Shape, region: int
) -> Callable[[list[Any]], Sequence[str]]:
    """A function from a row's keys to the items for its gaps, by number of the gap."""
    sealer = question.federation.sealers[region]
    open_person, open_own = sealer.opener("people"), sealer.opener(shape.record.table.name)
    kind = shape.record.kind
    assert shape.view is not None
    code_at, reporter_at, person_view_at = shape.view
    id_at = shape.id_at
    person_at, person_sealed_at = shape.person_at, shape.person_sealed_at
    own_sealed_at = shape.own_sealed_at
    gaps = [gap if isinstance(gap, ItemGap) else None for gap in shape.gaps]
    masked = tuple(_MASK if gap else "" for gap in gaps)
    allowed: dict[Any, tuple[list[tuple[int, bool, int]], list[str]]] = {}
    seen = {view.rule.label: question.trail.revealed(view.rule.label, kind) for view in shape.rules}

    def allow(view: tuple[Any, Any, Any]) -> tuple[list[tuple[int, bool, int]], list[str]]:
        rules = [one.rule for one in shape.rules if one.always or one.rule.holds(*view)]
        items = frozenset().union(*(rule.items for rule in rules))
        places = [
            (number, gap.of_person, gap.index)
            for number, gap in enumerate(gaps)
            if gap is not None and gap.item in items
        ]
        known = allowed[view] = (places, [rule.label for rule in rules])
        return known

    def unseal(keys: list[Any]) -> Sequence[str]:
        view = (
            keys[code_at] if code_at >= 0 else None,
            keys[reporter_at] if reporter_at >= 0 else None,
            keys[person_view_at] if person_view_at >= 0 else None,
        )
        places, labels = allowed.get(view) or allow(view)
        if not places:
            return masked
        values = list(masked)
        person = own = None
        if person_sealed_at >= 0 and (envelope := keys[person_sealed_at]):
            person = open_person(keys[person_at], bytes.fromhex(envelope))
        if own_sealed_at >= 0 and (envelope := keys[own_sealed_at]):
            own = open_own(keys[id_at], bytes.fromhex(envelope))
        for number, of_person, index in places:
            opened = person if of_person else own
            values[number] = opened[index] if opened is not None else "null"
        for label in labels:
            seen[label].append(keys[id_at])
        return values

    return unseal
