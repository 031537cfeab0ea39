"""What can be counted, and by what: columns, and the dimensions that counts are told apart by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Table, func, text

from regions.cases import cases
from regions.contacts import contacts
from resolvers.aggregates.periods import Span, month_of, week_of
from resolvers.aggregates.publishing import CITY, COUNTY, PROVINCE, Counted, Leaf
from schema.enums import (
    CaseClassification,
    CaseOrigin,
    CaseOutcome,
    ContactOutcome,
    ContactRoute,
    Traced,
)

__all__ = ["DIMENSIONS", "SUBJECTS", "UNKNOWN", "Attribute", "Dimension", "Subject"]

UNKNOWN = "UNKNOWN"
"""Stands for a value that is not known."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that is told by city and week; `names` are its values, the last one UNKNOWN."""

    name: str  # the field of the input
    column: ColumnElement[Any]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A type of record that is counted; `kind` is the field of the input, and its column."""

    table: Table
    kind: str
    kind_column: ColumnElement[Any]
    day: ColumnElement[Any]
    attributes: tuple[Attribute, ...]

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """What its records are counted by: kind, code, day, attributes."""
        day = func.substr(self.day, text("1"), text("10"))
        return [self.kind_column, self.table.c.code, day, *(one.column for one in self.attributes)]

    def counted(self, row: Sequence[Any]) -> Counted:
        """A row of `columns` and their number."""
        kind, code, day, *values, number = row
        names = tuple(
            value if value in one.names else UNKNOWN
            for value, one in zip(values, self.attributes, strict=True)
        )
        place = str(code)[:COUNTY]
        known = place if place.isascii() and place.isdecimal() else ""
        return Counted(kind or UNKNOWN, known.ljust(COUNTY, "0"), day, names, int(number))


@dataclass(frozen=True, slots=True)
class Dimension:
    """What counts are told apart by: the axis it is of, and where on it a leaf stands.

    `span` and `digits` say how fine it is, of time and of place.
    """

    axis: str  # place, day, or a field of the input
    label: Callable[[Leaf], str]
    span: Span = Span.MONTHS
    digits: int = 0


def _attribute(name: str, column: ColumnElement[Any], enum: type[Enum]) -> Attribute:
    return Attribute(name, column, (*(one.name for one in enum), UNKNOWN))


SUBJECTS: Mapping[str, Subject] = {
    "CASES": Subject(
        cases,
        "disease",
        cases.c.disease,
        cases.c.reported_at,
        (
            _attribute("origin", cases.c.origin, CaseOrigin),
            _attribute("classification", cases.c.classification, CaseClassification),
            _attribute("case_outcome", cases.c.outcome, CaseOutcome),
        ),
    ),
    "CONTACTS": Subject(
        contacts,
        "level",
        contacts.c.level,
        contacts.c.created_at,
        (
            _attribute("route", contacts.c.route, ContactRoute),
            _attribute("traced", contacts.c.traced, Traced),
            _attribute("contact_outcome", contacts.c.outcome, ContactOutcome),
        ),
    ),
}
"""Name of an AggregateSubject → what it is."""


def _kind(leaf: Leaf) -> str:
    return leaf.kind


def _value(leaf: Leaf) -> str:
    return leaf.value


def _place(digits: int) -> Dimension:
    def label(leaf: Leaf) -> str:
        return leaf.code[:digits].ljust(COUNTY, "0")

    return Dimension("place", label, digits=digits)


def _time(label: Callable[[str], str], span: Span) -> Dimension:
    return Dimension("day", lambda leaf: label(leaf.day), span)


DIMENSIONS: Mapping[str, Sequence[Dimension]] = {
    "DISEASE": [Dimension("disease", _kind)],
    "PROVINCE": [_place(PROVINCE)],
    "CITY": [_place(CITY)],
    "COUNTY": [_place(COUNTY)],
    "YEAR": [_time(lambda day: f"{day[:4]}-01-01", Span.MONTHS)],
    "MONTH": [_time(month_of, Span.MONTHS)],
    "WEEK": [_time(week_of, Span.STRETCHES)],
    "DAY": [_time(str, Span.DAYS)],
    "CLASSIFICATION": [Dimension("classification", _value)],
    "ORIGIN": [Dimension("origin", _value)],
    "OUTCOME": [Dimension("case_outcome", _value), Dimension("contact_outcome", _value)],
    "LEVEL": [Dimension("level", _kind)],
    "ROUTE": [Dimension("route", _value)],
    "TRACED": [Dimension("traced", _value)],
}
"""Name of an AggregateDimension → what it is, of one subject or the other."""
