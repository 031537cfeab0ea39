"""The table of a region: its records counted, rounded once, and everything that is ever told of.

Counts are rounded from the whole down (`rounding`), each part of this tree once:

    kind and place and month              measles · 3201 · May 2026
      stretch (of a week in the month)    from 4 May
        city                              3201
          county                          320102
            day                           6 May

The kind is the disease of a case, the level of a contact. The place at the top is as wide as the
region: its province, or its city. Beside the counties, a city's stretch is told apart by one
attribute at a time (origin, classification, outcome …), which adds up to the same number:

        city                              3201
          value of an attribute           IMPORTED

Nothing is told of two attributes together, nor of one by county or by day.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from resolvers.aggregates.periods import Span, month_of, stretch_of
from resolvers.aggregates.rounding import BASE, least, rounded, shares

__all__ = ["CITY", "COUNTY", "PROVINCE", "Counted", "Leaf", "Published", "publish"]

PROVINCE, CITY, COUNTY = 2, 4, 6
"""Digits of a code."""

_SEPARATOR = "\x1f"


class Counted(NamedTuple):
    """Some records that look alike; `values` are those of the attributes, in their order."""

    kind: str
    code: str  # six digits
    day: str
    values: tuple[str, ...]
    number: int


class Leaf(NamedTuple):
    """What is told of the smallest parts, never zero.

    By kind, county and day; or else by kind, city, stretch (`day` is its first) and a value.
    """

    kind: str
    code: str
    day: str
    value: str
    told: int


@dataclass(frozen=True, slots=True)
class Published:
    """All that is told of a region: by county and day, and by each attribute.

    `digits` are those of the place at the top. `coarse` are sums of the leaves, by span and digits.
    """

    digits: int
    leaves: tuple[Leaf, ...]
    attributes: Mapping[str, tuple[Leaf, ...]]
    coarse: Mapping[tuple[Span, int], tuple[Leaf, ...]]

    @property
    def withheld(self) -> bool:
        """Whether it may be that there are fewer than five in all."""
        return sum(least(one.told) for one in self.coarse[Span.MONTHS, self.digits]) < BASE

    def by(self, span: Span, digits: int) -> tuple[Leaf, ...]:
        """The fewest leaves that tell periods and places of so many digits apart."""
        if span is Span.DAYS:
            return self.leaves
        place = next(one for one in (self.digits, CITY, COUNTY) if one >= max(digits, self.digits))
        return self.coarse[span if place == self.digits else Span.STRETCHES, place]


@dataclass(slots=True)
class _Part:
    """A part of the tree: how many are in it, and its parts by their names."""

    size: int = 0
    parts: dict[str, _Part] = field(default_factory=dict)


_Path = tuple[str, ...]
"""Names from the top down: kind, place, month, stretch, the places below, day."""


def publish(
    counted: Iterable[Counted], attributes: Sequence[str], digits: int, key: bytes
) -> Published:
    """The table of some records, the same whenever records and secret `key` are the same."""
    publisher = _Publisher(attributes, digits, key)
    for one in counted:
        publisher.add(one)
    return publisher.published()


class _Publisher:
    def __init__(self, attributes: Sequence[str], digits: int, key: bytes) -> None:
        self._digits, self._key = digits, key
        self._slab = 4 if digits >= CITY else 5  # names to a city's stretch
        self._tops: dict[_Path, _Part] = {}
        self._values: dict[str, dict[_Path, dict[str, int]]] = {name: {} for name in attributes}
        self._leaves: list[Leaf] = []
        self._slabs: dict[_Path, int] = {}

    def add(self, one: Counted) -> None:
        path, number = self._path(one), one.number
        part = self._tops.get(path[:3])
        if part is None:
            part = self._tops[path[:3]] = _Part()
        part.size += number
        for name in path[3:]:
            below = part.parts.get(name)
            if below is None:
                below = part.parts[name] = _Part()
            below.size += number
            part = below
        slab = path[: self._slab]
        for found, value in zip(self._values.values(), one.values, strict=True):
            here = found.get(slab)
            if here is None:
                here = found[slab] = {}
            here[value] = here.get(value, 0) + number

    def _path(self, one: Counted) -> _Path:
        places = [one.code[:digits] for digits in (CITY, COUNTY) if digits > self._digits]
        place, month = one.code[: self._digits], month_of(one.day)
        return (one.kind, place, month, stretch_of(one.day), *places, one.day)

    def published(self) -> Published:
        for path, part in self._tops.items():
            self._tell(path, part, rounded(part.size, self._drawn(path)))
        attributes = {
            name: tuple(sorted(self._of_attribute(name, found)))
            for name, found in self._values.items()
        }
        leaves = tuple(sorted(self._leaves))
        coarse = {(Span.MONTHS, self._digits): _summed(leaves, month_of, self._digits)}
        for digits in {self._digits, CITY, COUNTY}:
            if digits >= self._digits:
                coarse[Span.STRETCHES, digits] = _summed(leaves, stretch_of, digits)
        return Published(self._digits, leaves, attributes, coarse)

    def _tell(self, path: _Path, part: _Part, told: int) -> None:
        if not told:
            return
        if len(path) == self._slab:
            self._slabs[path] = told
        if not part.parts:
            county = path[1] if self._digits == COUNTY else path[-2]
            self._leaves.append(Leaf(path[0], county, path[-1], "", told))
            return
        sizes = {name: below.size for name, below in part.parts.items()}
        made = shares(told, sizes, lambda name: self._drawn((*path, name)))
        for name, below in part.parts.items():
            self._tell((*path, name), below, made[name])

    def _of_attribute(self, name: str, found: Mapping[_Path, Mapping[str, int]]) -> Iterator[Leaf]:
        for path, told in self._slabs.items():
            for value, share in shares(
                told, found[path], partial(self._of_value, path, name)
            ).items():
                if share:
                    city = path[1] if self._digits >= CITY else path[4]
                    yield Leaf(path[0], city.ljust(COUNTY, "0"), path[3], value, share)

    def _of_value(self, path: _Path, name: str, value: str) -> float:
        return self._drawn((*path, name, value))

    def _drawn(self, path: _Path) -> float:
        """The number of a part: in (0, 1), secret, always the same."""
        made = hmac.digest(self._key, _SEPARATOR.join(path).encode(), "sha256")
        return ((int.from_bytes(made[:8], "big") >> 12) + 0.5) / 2**52


def _summed(leaves: Iterable[Leaf], period: Callable[[str], str], digits: int) -> tuple[Leaf, ...]:
    found: dict[tuple[str, str, str], int] = {}
    for leaf in leaves:
        at = leaf.kind, leaf.code[:digits].ljust(COUNTY, "0"), period(leaf.day)
        found[at] = found.get(at, 0) + leaf.told
    return tuple(Leaf(*at, "", told) for at, told in found.items())
