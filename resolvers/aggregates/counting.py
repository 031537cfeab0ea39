"""A table of counts: sums over what is published, and which of them may be told.

Pure functions of published tables, so that answers tell no more than these do.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from math import ceil, sqrt

from regions.errors import TooLarge
from resolvers.aggregates.periods import (
    FIRST,
    LAST,
    Span,
    coarsest,
    month_of,
    months_within,
    stretch_of,
    stretches_within,
)
from resolvers.aggregates.publishing import CITY, Leaf, Published
from resolvers.aggregates.rounding import BASE, least
from resolvers.aggregates.subjects import Dimension

__all__ = ["MOST_CELLS", "Cell", "Counts", "Wanted", "count"]

MOST_CELLS = 20_000

Part = tuple[str, ...]
"""Where a part of a published table stands."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked. `None` narrows nothing; days are included, both.

    With an `attribute`, its leaves are counted, of which `values` are wanted.
    """

    by: Sequence[Dimension] = ()
    first: str = FIRST
    last: str = LAST
    prefixes: Sequence[str] | None = None
    kinds: Set[str] | None = None
    attribute: str | None = None
    values: Set[str] | None = None


@dataclass(slots=True)
class Cell:
    """A cell: what is told of the parts that lie in it, each as large as can be."""

    parts: dict[Part, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many, to the next five."""
        return sum(self.parts.values())

    @property
    def suppressed(self) -> bool:
        """Whether it may be that there are fewer than five."""
        return sum(map(least, self.parts.values())) < BASE

    @property
    def margin(self) -> int:
        """Two standard deviations of the count: of parts told as five at most 20 each, of all
        others 6 each (a count of n is rounded with a variance of at most 6, and what is told as
        five may stand for several parts of which nothing is told).
        """
        return ceil(2 * sqrt(sum(20 if told == BASE else 6 for told in self.parts.values())))


@dataclass(slots=True)
class Counts:
    """The table so far."""

    cells: dict[tuple[str, ...], Cell] = field(default_factory=dict)
    whole: Cell = field(default_factory=Cell)


def count(counts: Counts, region: str, published: Published, wanted: Wanted) -> None:
    """Adds what is wanted of a region. Raises TooLarge."""
    span = max((one.span for one in wanted.by), default=Span.MONTHS)
    digits = max((one.digits for one in wanted.by), default=0)
    days, places = _Days(wanted), _Places(wanted)
    if wanted.attribute:
        leaves = published.attributes[wanted.attribute]
    else:
        longest = max(map(len, wanted.prefixes or ()), default=0)
        apart = max(span, coarsest(wanted.first, wanted.last))
        leaves = published.by(apart, max(digits, longest))
    for leaf in leaves:
        if wanted.kinds is not None and leaf.kind not in wanted.kinds:
            continue
        if wanted.values is not None and leaf.value not in wanted.values:
            continue
        narrow = places.digits(leaf.code)
        if narrow is None or not wanted.first <= leaf.day <= wanted.last:
            continue
        cut = days.span(leaf.day)
        part = _part(region, published, leaf, cut, narrow)
        counts.whole.parts[part] = counts.whole.parts.get(part, 0) + leaf.told
        if not wanted.by:
            continue
        part = _part(region, published, leaf, max(span, cut), max(digits, narrow))
        values = tuple([one.label(leaf) for one in wanted.by])
        cell = counts.cells.get(values)
        if cell is None:
            if len(counts.cells) == MOST_CELLS:
                raise _too_large()
            cell = counts.cells[values] = Cell()
        cell.parts[part] = cell.parts.get(part, 0) + leaf.told


def _part(region: str, published: Published, leaf: Leaf, span: Span, digits: int) -> Part:
    """The largest part of the tree that a leaf is of and that lies in its cell as a whole.

    The cell has whole places of so many digits and whole months, stretches or days.
    """
    if leaf.value:
        return region, *leaf[:4]
    if digits <= published.digits and span is not Span.DAYS:
        top = leaf.code[: published.digits]
        if span is Span.MONTHS:
            return region, leaf.kind, top, month_of(leaf.day), "month"
        return region, leaf.kind, top, stretch_of(leaf.day), "stretch"
    if span is Span.DAYS:
        return region, leaf.kind, leaf.code, leaf.day, "day"
    place = leaf.code[:CITY] if digits <= CITY else leaf.code
    return region, leaf.kind, place, stretch_of(leaf.day), "stretch"


class _Days:
    """How much of the tree around a day is within the days asked for."""

    def __init__(self, wanted: Wanted) -> None:
        self.span = cache(self._span)
        self._first, self._last = wanted.first, wanted.last

    def _span(self, day: str) -> Span:
        if months_within(day, self._first, self._last):
            return Span.MONTHS
        return Span.STRETCHES if stretches_within(day, self._first, self._last) else Span.DAYS


class _Places:
    """Whether a code is among the places asked for, and how wide the place is that has it."""

    def __init__(self, wanted: Wanted) -> None:
        self.digits = cache(self._digits)
        self._prefixes = wanted.prefixes

    def _digits(self, code: str) -> int | None:
        if self._prefixes is None:
            return 0
        return min((len(one) for one in self._prefixes if code.startswith(one)), default=None)


def _too_large() -> TooLarge:
    return TooLarge(
        f"the table has more than {MOST_CELLS} cells",
        hint="ask for fewer dimensions, coarser ones, or fewer days and places",
        argument="by",
    )
