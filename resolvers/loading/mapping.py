"""Mappings: what the columns of a list mean. `mapping_file` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping as Mapped
from dataclasses import dataclass

from resolvers.loading.fields import Kind

__all__ = [
    "ANYTHING_ELSE",
    "WORD",
    "Choice",
    "Condition",
    "Mapping",
    "PlaceChoice",
    "Table",
    "fold",
]

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
ANYTHING_ELSE = "*"
"""The key of a table that stands for every value not in it."""

Table = Mapped[str, str]
"""From a value as it stands in the list (folded) to the value meant; "" means unknown."""


def fold(text: str) -> str:
    """A value without what does not tell it from others: case and spaces around it."""
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where a column has one of the values (folded)."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to a field's value: a column or a constant, through a table, under a condition."""

    column: str | None = None
    constant: str | None = None
    table: Table | None = None
    when: Condition | None = None
    or_empty: bool = False  # what cannot be read counts as empty, with a notice
    source: str = ""  # of a reference: the list it leads to


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """One way to the code of a row's place: a column through a table, or looked up in GB/T 2260."""

    column: str
    table: Table | None
    lookup: str | None  # code or name
    within: str | None  # the column with the place above, for a lookup by name
    coarser: bool  # the place found is larger than the one meant: a notice


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping as read. `sections` has, per section and field, the choices in their order."""

    name: str
    title: str
    kind: Kind
    source: str
    id_columns: tuple[str, ...]
    id_private: bool
    encoding: str
    delimiter: str
    missing: frozenset[str]
    formats: tuple[str, ...]
    offset_minutes: int
    places: tuple[PlaceChoice, ...]
    sections: Mapped[str, Mapped[str, tuple[Choice, ...]]]
    units: tuple[Mapped[str, str | None], ...]  # rows of the units that fields name
    diseases: tuple[Mapped[str, str], ...]  # rows of diseases beyond the reference table
    cumulative: bool
    series: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        """Every column the mapping reads, once."""
        names = [*self.id_columns, *self.series]
        for place in self.places:
            names += [place.column, *([place.within] if place.within else [])]
        for section in self.sections.values():
            for choices in section.values():
                for choice in choices:
                    names += [choice.column] if choice.column else []
                    names += [choice.when.column] if choice.when else []
        return tuple(dict.fromkeys(names))
