"""Rows: cells by a mapping, with their name, their place, and what is remarkable about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import orjson

from regions.settings import RegionSettings
from resolvers.loading.cells import Cells, FieldCompiler, Header, Wrong
from resolvers.loading.fields import SECTIONS
from resolvers.loading.mapping import Mapping, fold
from resolvers.loading.notices import Notices
from resolvers.loading.places import OUTSIDE, PlaceFinder, RegionFinder
from resolvers.loading.source_keys import SourceKeys
from resolvers.loading.values import Value

__all__ = ["FIELDS", "Rejection", "Row", "RowReader"]

FIELDS: dict[str, dict[str, int]] = {
    name: {field.name: number for number, field in enumerate(section.fields)}
    for name, section in SECTIONS.items()
}
"""Per section, the position of each field among its values."""

# Pairs of fields (section, field) of which the first should not come after the second.
_ORDERLY = (
    (("case", "onset_on"), ("case", "reported_at")),
    (("case", "onset_on"), ("case", "died_on")),
    (("exposure", "started_on"), ("exposure", "ended_on")),
    (("exposure", "ended_on"), ("case", "onset_on")),
    (("person", "birth_date"), ("case", "onset_on")),
    (("contact", "first_contact_on"), ("contact", "last_contact_on")),
    (("contact", "observation_started_on"), ("contact", "observation_released_on")),
)


class Rejection(NamedTuple):
    """A row that cannot be taken: where it is wrong and why (a code of `reasons.REASONS`)."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Row:
    """A row as values: per section a list in the order of its fields.

    A row outside every region has no values. `id` is as the list has it, `code` is "" in a list of
    links, `links` are the ids of the source case and the parent contact, `disease` is theirs.
    """

    line: int
    id: str
    key: str
    hash: str
    code: str
    region: int
    values: dict[str, list[Value]]
    links: tuple[int | None, int | None] = (None, None)
    disease: str | None = None


class _Pair(NamedTuple):
    """Two days in their likely order: each its section and position, and the names of both."""

    first: tuple[str, int]
    second: tuple[str, int]
    columns: str


class RowReader:
    """Reads rows of one list. Raises LoadError where the header lacks a column of the mapping."""

    def __init__(
        self,
        mapping: Mapping,
        header: Sequence[str],
        regions: Sequence[RegionSettings],
        keys: SourceKeys,
        notices: Notices,
        *,
        today: date,
    ) -> None:
        self._mapping, self._keys, self._notices = mapping, keys, notices
        self._header = Header(header, mapping)
        self._width = len(header)
        compiler = FieldCompiler(mapping, self._header, notices, today)
        self._sections = [
            compiler.section(name)
            for name in mapping.kind.sections
            if mapping.sections[name] or name != "exposure"
        ]
        self._constants = compiler.constants
        self._place = PlaceFinder(mapping, self._header, notices) if mapping.places else None
        self._region_of = RegionFinder(regions)
        self._ids = [self._header[name] for name in mapping.id_columns]
        self._series = [self._header[name] for name in mapping.series]
        self._same: Counter[str] = Counter()  # rows without an id, by their hash
        self._orderly = _pairs(mapping)

    @property
    def columns_unused(self) -> tuple[str, ...]:
        """The columns the mapping does not read."""
        return self._header.unused

    def __call__(self, line: int, cells: Cells) -> Row | Rejection:
        """The row as values; its region may be OUTSIDE."""
        if len(cells) != self._width:
            return Rejection(line, "", str(len(cells)), "WRONG_COLUMN_COUNT")
        self._header.line = line
        code, region = "", OUTSIDE
        try:
            row_id = self._id(cells)
            if self._place is not None:
                code = self._place(cells)
                region = self._region_of(code)
                if region == OUTSIDE:
                    self._notices.add("OUTSIDE", *self._place.named(cells), line, code)
                    return Row(line, row_id, self._key(row_id), "", code, region, {})
            said = self._constants.copy()
            values = {}
            for section in self._sections:
                values[section.name] = own = section.template.copy()
                for number, name, get in section.readers:
                    value = get(cells)
                    if value is not None:
                        own[number] = said[name] = value
        except Wrong as wrong:
            return Rejection(line, wrong.column, wrong.value, wrong.reason)
        for pair in self._orderly:
            self._check_order(values, pair)
        # Only what the list says: a field added to epigate later must not look like a change.
        digest = self._keys.hash(orjson.dumps((code, said), option=orjson.OPT_SORT_KEYS))
        if not self._ids:
            # Two rows alike may be two people: they are told apart by counting them.
            self._same[digest] += 1
            row_id = f"{digest}.{self._same[digest]}"
        return Row(line, row_id, self._key(row_id), digest, code, region, values)

    def names_one(self, section: str, field: str, cells: Cells) -> bool:
        """Whether one of a field's columns is not empty in these cells."""
        missing = self._mapping.missing
        choices = self._mapping.sections[section].get(field, ())
        numbers = [self._header[choice.column] for choice in choices if choice.column]
        return len(cells) == self._width and any(
            fold(cells[number]) not in missing for number in numbers
        )

    def series(self, cells: Cells) -> tuple[str, ...]:
        """The cells that name a series of daily counts."""
        return tuple(cells[number].strip() for number in self._series)

    def _key(self, row_id: str) -> str:
        mapping = self._mapping
        return self._keys.of(mapping.source, mapping.kind.name, row_id, private=mapping.id_private)

    def _id(self, cells: Cells) -> str:
        if not self._ids:
            return ""
        parts = [cells[number].strip() for number in self._ids]
        for part in parts:
            if fold(part) in self._mapping.missing:
                raise Wrong(", ".join(self._mapping.id_columns), "", "NO_ID")
            if not part.isprintable():
                raise Wrong(", ".join(self._mapping.id_columns), part, "CONTROL_CHARACTER")
        return "|".join(parts)

    def _check_order(self, values: dict[str, list[Value]], pair: _Pair) -> None:
        first, second, columns = pair
        before, after = values[first[0]][first[1]], values[second[0]][second[1]]
        if not (isinstance(before, str) and isinstance(after, str)) or before[:10] <= after[:10]:
            return
        offset = timedelta(minutes=self._mapping.offset_minutes)
        if len(after) > len("2026-01-01") and before[:10] <= _local_day(after, offset):
            return  # reported in the first hours of a day, which in UTC is the day before
        said = f"{before[:10]}, {after[:10]}"
        self._notices.add("DATES_OUT_OF_ORDER", columns, said, self._header.line)


def _local_day(instant: str, offset: timedelta) -> str:
    return (datetime.fromisoformat(instant) + offset).date().isoformat()


def _pairs(mapping: Mapping) -> list[_Pair]:
    """The pairs of days of which both are mapped."""
    mapped = {
        (name, field): choices
        for name, fields in mapping.sections.items()
        for field, choices in fields.items()
    }
    return [
        _Pair(
            (first[0], FIELDS[first[0]][first[1]]),
            (second[0], FIELDS[second[0]][second[1]]),
            ", ".join(mapped[field][0].column or field[1] for field in (first, second)),
        )
        for first, second in _ORDERLY
        if first in mapped and second in mapped
    ]
