"""Filling the gaps: unsealed items, related records, reference data, cursors.

A page is filled column by column: the values of each gap over all rows, put between the parts of
all texts at once, so that hardly anything is done for each record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from regions.sealing import Sealer
from regions.text import GAP, RECORD
from resolvers.privacy import Rule, Share
from resolvers.questions.question import Question
from resolvers.questions.shapes import ConstantGap, ItemGap, LinkGap, Shape, ShapeSet
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
    by_region: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_region.setdefault(row[2], []).append(place)
    if len(by_region) == 1:
        (region,) = by_region
        return _filled(question, shapes.of(region), region, rows, related, cursor)
    texts = [""] * len(rows)
    for region, places in by_region.items():
        some = [rows[place] for place in places]
        found = _filled(question, shapes.of(region), region, some, related, cursor)
        for place, text in zip(places, found, strict=True):
            texts[place] = text
    return texts


def _filled(
    question: Question,
    shape: Shape,
    region: int,
    rows: Sequence[Row],
    related: Sequence[Related],
    cursor: Callable[[list[Any]], str] | None,
) -> list[str]:
    """The finished texts of one region's rows."""
    gaps = shape.gaps
    if not gaps:
        return [row[1] for row in rows]
    keys = [row[0] for row in rows]
    items = _Items(question, shape, region, keys).columns() if shape.view is not None else {}
    columns: list[Sequence[str]] = []
    for number, gap in enumerate(gaps):
        if isinstance(gap, ItemGap):
            columns.append(items[number])
        elif isinstance(gap, LinkGap):
            columns.append(_linked(shape, gap.link, region, keys, related))
        elif isinstance(gap, ConstantGap):
            text, at = gap.text, gap.position
            columns.append([text(k[at]) for k in keys])
        else:
            assert cursor is not None
            columns.append([cursor(k) for k in keys])
    return interleave([row[1] for row in rows], columns)


def interleave(texts: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """The texts with their gaps filled: each column has the values of one gap, in order."""
    parts = RECORD.join(texts).split(GAP)
    whole = [""] * (2 * len(parts) - 1)
    whole[0::2] = parts
    step = 2 * len(columns)
    for number, values in enumerate(columns):
        whole[2 * number + 1 :: step] = values
    return "".join(whole).split(RECORD)


def _linked(
    shape: Shape,
    link: int,
    region: int,
    keys: Sequence[list[Any]],
    related: Sequence[Related],
) -> list[str]:
    positions, known = shape.links[link], related[link]
    empty = "[]" if isinstance(shape.shapes.links[link].field.source, Many) else "null"
    if len(positions) == 1:
        (at,) = positions
        return [known.get((region, k[at]), empty) for k in keys]
    return [known.get((region, *[k[at] for at in positions]), empty) for k in keys]


class _Items:
    """The private items of one region's rows, opened together."""

    def __init__(
        self, question: Question, shape: Shape, region: int, keys: Sequence[list[Any]]
    ) -> None:
        self._question, self._shape, self._keys = question, shape, keys
        self._sealer = question.federation.sealers[region]
        self._gaps = {n: gap for n, gap in enumerate(shape.gaps) if isinstance(gap, ItemGap)}

    def columns(self) -> dict[int, list[str]]:
        """The values of each gap of an item, by the gap's number; masked where no rule covers."""
        keys, shape = self._keys, self._shape
        if len(shape.rules) == 1 and shape.rules[0].always:
            return self._of_rules([shape.rules[0].rule], keys)
        found = {number: [_MASK] * len(keys) for number in self._gaps}
        for rules, places in self._covered().items():
            columns = self._of_rules(rules, [keys[place] for place in places])
            for number, values in columns.items():
                column = found[number]
                for place, value in zip(places, values, strict=True):
                    column[place] = value
        return found

    def _covered(self) -> dict[tuple[Rule, ...], list[int]]:
        """The rows by the rules that cover them; those without are left out."""
        shape = self._shape
        assert shape.view is not None
        *whose, shares_at = shape.view
        known: dict[Any, tuple[Rule, ...]] = {}
        by_rules: dict[tuple[Rule, ...], list[int]] = {}
        for place, one in enumerate(self._keys):
            view = tuple([one[at] if at >= 0 else None for at in whose])
            shares = _shares(one[shares_at]) if shares_at >= 0 else ()
            rules = known.get((view, shares))
            if rules is None:
                rules = known[(view, shares)] = tuple(
                    [each.rule for each in shape.rules if each.always or each.rule.holds(*view)]
                    + [share.rule() for share in shares]
                )
            if rules:
                by_rules.setdefault(rules, []).append(place)
        return by_rules

    def _of_rules(self, rules: Sequence[Rule], keys: Sequence[list[Any]]) -> dict[int, list[str]]:
        """The columns of rows that the same rules cover."""
        shape = self._shape
        allowed = frozenset().union(*(rule.items for rule in rules))
        shown = {number for number, gap in self._gaps.items() if gap.item in allowed}
        found = {number: [_MASK] * len(keys) for number in self._gaps if number not in shown}
        if not shown:
            return found
        salts = [one[shape.salt_at] for one in keys]
        for of_person in (True, False):
            wanted = [number for number in shown if self._gaps[number].of_person is of_person]
            if wanted:
                flat, count = self._opened(keys, salts, of_person=of_person)
                found |= {number: flat[self._gaps[number].index :: count] for number in wanted}
        ids = [one[shape.id_at] for one in keys]
        for rule in rules:
            self._question.trail.reveal(rule.label, rule.items, shape.record.kind, ids)
        return found

    def _opened(
        self, keys: Sequence[list[Any]], salts: Sequence[bytes], *, of_person: bool
    ) -> tuple[list[str], int]:
        """All items of all rows' envelopes one after the other, and how many a row has."""
        shape, sealer = self._shape, self._sealer
        table = "people" if of_person else shape.record.table.name
        id_at = shape.person_at if of_person else shape.id_at
        sealed_at = shape.person_sealed_at if of_person else shape.own_sealed_at
        return _flat(
            sealer,
            table,
            [one[id_at] for one in keys],
            [one[sealed_at] for one in keys],
            salts,
        )


def _shares(told: Sequence[tuple[str, list[str]]]) -> tuple[Share, ...]:
    """The shares of a row as its store gave them."""
    return tuple([Share(source, frozenset(items)) for source, items in sorted(told)])


def _flat(
    sealer: Sealer,
    table: str,
    ids: Sequence[int],
    envelopes: Sequence[bytes],
    salts: Sequence[bytes],
) -> tuple[list[str], int]:
    """As `_Items._opened`; a record without an envelope has nulls."""
    count = sealer.count(table)
    if all(envelopes):
        return sealer.open_flat(table, ids, envelopes, salts), count
    there = [place for place, envelope in enumerate(envelopes) if envelope]
    opened = sealer.open_flat(
        table,
        [ids[place] for place in there],
        [envelopes[place] for place in there],
        [salts[place] for place in there],
    )
    rows = [["null"] * count] * len(ids)
    for number, place in enumerate(there):
        rows[place] = opened[number * count : (number + 1) * count]
    return list(chain.from_iterable(rows)), count
