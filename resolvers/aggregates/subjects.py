"""What can be counted, and by what: axes, their columns, and the dimensions seen along them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, func, text

from regions.areas import reference_areas
from regions.cases import cases
from regions.contacts import contacts
from resolvers.aggregates.axes import Axis, DayAxis, PlaceAxis, PlainAxis
from schema.enums import (
    CaseClassification,
    CaseOrigin,
    CaseOutcome,
    ContactLevel,
    ContactOutcome,
    ContactRoute,
    Traced,
)

__all__ = ["DIMENSIONS", "SUBJECTS", "UNKNOWN", "Dimension", "Line", "Subject"]

UNKNOWN = "UNKNOWN"
"""Stands for a value that is not known."""

Labels = Callable[[int, int, Sequence[str]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """An axis of a subject: the column it is of, and for enums the names of its positions."""

    name: str  # place, day, disease, or the input's field
    column: ColumnElement[Any]
    names: tuple[str, ...] = ()
    rank: int = 0

    def axis(self, diseases: Sequence[str]) -> Axis:
        """The axis, with the diseases there are."""
        if self.name == "place":
            return PlaceAxis()
        if self.name == "day":
            return DayAxis()
        return PlainAxis(len(diseases if self.name == "disease" else self.names), self.rank)

    def position(self, value: Any, diseases: Mapping[str, int]) -> int:
        """Where a value stands on it."""
        if self.name == "place":
            return int(value) if str(value).isdecimal() else 0
        if self.name == "day":
            day = date.fromisoformat(value).toordinal()
            return min(max(day, _DAYS.first), _DAYS.end - 1)
        if self.name == "disease":
            return diseases[value]
        return self.names.index(value) if value in self.names else len(self.names) - 1


@dataclass(frozen=True, slots=True)
class Subject:
    """A type of record that is counted."""

    table: Table
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Dimension:
    """What counts are told apart by: an axis by name, and the labels of an interval of it.

    `labels` goes from an interval (and the names of the axis) to the values that it reaches into.
    """

    line: str
    labels: Labels


_DAYS = DayAxis()


def _enum(name: str, column: ColumnElement[Any], enum: type[Enum], rank: int) -> Line:
    return Line(name, column, (*(one.name for one in enum), UNKNOWN), rank)


def _day(column: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(column, text("1"), text("10"))


SUBJECTS: Mapping[str, Subject] = {
    "CASES": Subject(
        cases,
        (
            Line("disease", cases.c.disease),
            Line("place", cases.c.code),
            Line("day", _day(cases.c.reported_at)),
            _enum("origin", cases.c.origin, CaseOrigin, 25),
            _enum("classification", cases.c.classification, CaseClassification, 60),
            _enum("case_outcome", cases.c.outcome, CaseOutcome, 65),
        ),
    ),
    "CONTACTS": Subject(
        contacts,
        (
            _enum("level", contacts.c.level, ContactLevel, 0),
            Line("place", contacts.c.code),
            Line("day", _day(contacts.c.created_at)),
            _enum("route", contacts.c.route, ContactRoute, 25),
            _enum("traced", contacts.c.traced, Traced, 60),
            _enum("contact_outcome", contacts.c.outcome, ContactOutcome, 65),
        ),
    ),
}
"""Name of an AggregateSubject → what it is."""


def _named(low: int, high: int, names: Sequence[str]) -> Iterator[str]:
    yield from names[low:high]


@cache
def _known(step: int) -> list[int]:
    return sorted({int(area.code) // step for area in reference_areas()})


def _codes(step: int) -> Labels:
    def labels(low: int, high: int, _: Sequence[str]) -> Iterator[str]:
        first, last = low // step, (high - 1) // step
        known = _known(step)
        there = known[bisect_left(known, first) : bisect_right(known, last)]
        for number in [first] if first == last else there:
            yield f"{number * step:06d}"

    return labels


def _days(first_day: Callable[[date], date], longest: int) -> Labels:
    """Labels of spans of days, each by its first; `longest` is the most days of one."""

    def labels(low: int, high: int, _: Sequence[str]) -> Iterator[str]:
        first = first_day(date.fromordinal(low))
        while first.toordinal() < high:
            yield first.isoformat()
            first = first_day(date.fromordinal(first.toordinal() + longest))

    return labels


def _monday(day: date) -> date:
    return date.fromordinal(day.toordinal() - day.weekday())


DIMENSIONS: Mapping[str, Sequence[Dimension]] = {
    "DISEASE": [Dimension("disease", _named)],
    "PROVINCE": [Dimension("place", _codes(10_000))],
    "CITY": [Dimension("place", _codes(100))],
    "COUNTY": [Dimension("place", _codes(1))],
    "YEAR": [Dimension("day", _days(lambda day: day.replace(month=1, day=1), 366))],
    "MONTH": [Dimension("day", _days(lambda day: day.replace(day=1), 31))],
    "WEEK": [Dimension("day", _days(_monday, 7))],
    "DAY": [Dimension("day", _days(lambda day: day, 1))],
    "CLASSIFICATION": [Dimension("classification", _named)],
    "ORIGIN": [Dimension("origin", _named)],
    "OUTCOME": [Dimension("case_outcome", _named), Dimension("contact_outcome", _named)],
    "LEVEL": [Dimension("level", _named)],
    "ROUTE": [Dimension("route", _named)],
    "TRACED": [Dimension("traced", _named)],
}
"""Name of an AggregateDimension → what it is, of one subject or the other."""
