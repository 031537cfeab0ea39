"""From the cells of a row to the values of its records, by a mapping compiled for one header."""

from __future__ import annotations

import difflib
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import orjson

from regions.errors import LoadError
from regions.settings import RegionSettings
from resolvers.loading.fields import SECTIONS, Field
from resolvers.loading.mapping import (
    ANYTHING_ELSE,
    Choice,
    Condition,
    Mapping,
    PlaceChoice,
    fold,
)
from resolvers.loading.notices import Notices
from resolvers.loading.places import OUTSIDE, RegionFinder, code_by_name, living_code
from resolvers.loading.values import Unreadable, Value, converter, repeats

__all__ = ["FIELDS", "Rejection", "Row", "RowReader", "SourceKeys"]

Cells = Sequence[str]
_Get = Callable[[Cells], Value]

_KEPT_MAX = 100_000  # values of one column kept as read
_KEY_MAX = 200
_UNSET = object()

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
    """A row as values: per section a list in the order of its fields."""

    line: int
    id: str  # as the list has it
    key: str
    hash: str
    code: str  # "" in a list of links
    region: int
    values: dict[str, list[Value]]
    links: tuple[int | None, int | None] = (None, None)  # ids of the source case, parent contact


class _Wrong(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        self.column, self.value, self.reason = column, value, reason


class SourceKeys:
    """Names rows by source, kind and id; ids that are private only by their keyed hash."""

    def __init__(self, index_key: bytes) -> None:
        self._key = hmac.digest(index_key, b"source keys", "sha256")
        self._hash_key = hmac.digest(index_key, b"source hashes", "sha256")

    def of(self, source: str, kind: str, row_id: str, *, private: bool) -> str:
        """The key of a row."""
        if private or len(row_id) > _KEY_MAX:
            digest = hashlib.blake2b(row_id.encode(), key=self._key, digest_size=16)
            return f"{source}:{kind}:#{digest.hexdigest()}"
        return f"{source}:{kind}:{row_id}"

    def forms(self, source: str, kind: str, row_id: str) -> tuple[str, str]:
        """Both keys a row of that id may have."""
        return (
            self.of(source, kind, row_id, private=False),
            self.of(source, kind, row_id, private=True),
        )

    def hash(self, content: bytes) -> str:
        """The keyed hash of a row's values."""
        return hashlib.blake2b(content, key=self._hash_key, digest_size=16).hexdigest()


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
        self._mapping, self._header, self._notices = mapping, header, notices
        self._keys, self._today = keys, today
        self._region_of = RegionFinder(regions)
        self._columns = {name: number for number, name in enumerate(header)}
        self._line = 0
        self._require(mapping.columns())
        self._sections = [
            (name, *self._section(name))
            for name in mapping.kind.sections
            if mapping.sections[name] or name != "exposure"
        ]
        self._places = [self._place(place) for place in mapping.places]
        self._codes: dict[tuple[str, ...], str] = {}
        self._ids = [self._columns[name] for name in mapping.id_columns]
        self._same: Counter[str] = Counter()  # rows without an id, by their hash
        self._orderly = self._pairs()
        used = mapping.columns()
        self.columns_unused = tuple(name for name in header if name and name not in used)

    def __call__(self, line: int, cells: Cells) -> Row | Rejection:
        """The row as values; its region may be OUTSIDE."""
        if len(cells) != len(self._header):
            return Rejection(line, "", str(len(cells)), "WRONG_COLUMN_COUNT")
        self._line = line
        try:
            row_id = self._id(cells)
            code = self._code(cells) if self._places else ""
            region = self._region_of(code)
            if region == OUTSIDE and self._places:
                column, value = self._place_named(cells)
                self._notices.add("OUTSIDE", column, value, line, code)
                return Row(line, row_id, self._key(row_id), "", code, region, {})
            values = {}
            for name, template, getters in self._sections:
                values[name] = section = template.copy()
                for number, get in getters:
                    section[number] = get(cells)
        except _Wrong as wrong:
            return Rejection(line, wrong.column, wrong.value, wrong.reason)
        for first, second, column in self._orderly:
            self._check_order(values, first, second, column)
        digest = self._keys.hash(orjson.dumps((code, values)))
        if not self._ids:
            # Two rows alike may be two people: they are told apart by counting them.
            self._same[digest] += 1
            row_id = f"{digest}.{self._same[digest]}"
        return Row(line, row_id, self._key(row_id), digest, code, region, values)

    def names_one(self, section: str, field: str, cells: Cells) -> bool:
        """Whether one of a field's columns is not empty in these cells."""
        missing = self._mapping.missing
        choices = self._mapping.sections[section].get(field, ())
        numbers = [self._columns[choice.column] for choice in choices if choice.column]
        return len(cells) == len(self._header) and any(
            fold(cells[number]) not in missing for number in numbers
        )

    def series(self, cells: Cells) -> tuple[str, ...]:
        """The cells that name a series of daily counts."""
        return tuple(cells[self._columns[name]].strip() for name in self._mapping.series)

    # The row's name and place

    def _key(self, row_id: str) -> str:
        mapping = self._mapping
        return self._keys.of(mapping.source, mapping.kind.name, row_id, private=mapping.id_private)

    def _id(self, cells: Cells) -> str:
        if not self._ids:
            return ""
        parts = [cells[number].strip() for number in self._ids]
        for part in parts:
            if fold(part) in self._mapping.missing:
                raise _Wrong(", ".join(self._mapping.id_columns), "", "NO_ID")
            if not part.isprintable():
                raise _Wrong(", ".join(self._mapping.id_columns), part, "CONTROL_CHARACTER")
        return "|".join(parts)

    def _code(self, cells: Cells) -> str:
        ambiguous = False
        for find in self._places:
            code = find(cells)
            if code:
                return code
            ambiguous = ambiguous or code is None
        column, value = self._place_named(cells)
        raise _Wrong(column, value, "AMBIGUOUS_PLACE" if ambiguous else "UNKNOWN_PLACE")

    def _place_named(self, cells: Cells) -> tuple[str, str]:
        """The columns that name a row's place, and what stands in them."""
        columns = dict.fromkeys(place.column for place in self._mapping.places)
        values = [cells[self._columns[column]].strip() for column in columns]
        return ", ".join(columns), " | ".join(values)

    def _place(self, place: PlaceChoice) -> Callable[[Cells], str | None]:
        """What finds a code; "" where it finds none, None where it finds several."""
        at = self._columns[place.column]
        above = self._columns[place.within] if place.within else None
        known: dict[tuple[str, str], tuple[str | None, str]] = {}

        def find(cells: Cells) -> str | None:
            raw = cells[at], cells[above] if above is not None else ""
            found = known.get(raw)
            if found is None:
                found = known[raw] = self._found(place, raw[0].strip(), raw[1].strip())
            code, notice = found
            if notice:
                self._notices.add(notice, place.column, raw[0], self._line, code or "")
            return code

        return find

    def _found(self, place: PlaceChoice, text: str, above: str) -> tuple[str | None, str]:
        """The code of a place, and the notice due to it."""
        coarse = "COARSE_PLACE" if place.coarser else ""
        if fold(text) in self._mapping.missing:
            return "", ""
        if place.table is not None:
            code = place.table.get(fold(text), place.table.get(ANYTHING_ELSE, ""))
            return (living_code(code) or "" if code else ""), coarse if code else ""
        if place.lookup == "code":
            code = living_code(text) or ""
            changed = bool(code) and not code.startswith(text[:6])
            return code, "CODE_CHANGED" if changed else coarse if code else ""
        within = None
        if above:
            codes = (living_code(above),) if above.isdigit() else code_by_name(above, None)
            within = codes[0] if len(codes) == 1 else None
        codes = code_by_name(text, within)
        if len(codes) > 1:
            return None, ""
        return (codes[0] or "", coarse) if codes else ("", "")

    # The fields

    def _section(self, name: str) -> tuple[list[Value], list[tuple[int, _Get]]]:
        """The values of a section's fields where nothing is mapped, and what reads the others."""
        template: list[Value] = []
        getters: list[tuple[int, _Get]] = []
        for number, field in enumerate(SECTIONS[name].fields):
            choices = self._mapping.sections[name].get(field.name, ())
            default = _default(field, self._mapping, self._today)
            template.append(default)
            if len(choices) == 1 and choices[0].column is None and choices[0].when is None:
                template[-1] = self._constant(field, choices[0])
            elif choices:
                getters.append((number, self._field(field, choices, default)))
        return template, getters

    def _constant(self, field: Field, choice: Choice) -> Value:
        return converter(field, choice, self._mapping, self._today)(choice.constant or "")

    def _field(self, field: Field, choices: tuple[Choice, ...], default: Value) -> _Get:
        """What reads a field: its first choice that has a value, else the default."""
        ways = [self._way(field, choice) for choice in choices]
        needed = field.required and default is None
        if len(ways) == 1 and not needed and default is None:
            return ways[0]
        columns = ", ".join(dict.fromkeys(choice.column for choice in choices if choice.column))
        # Another column of the same sort is a stand-in; tables and conditions are alternatives.
        plain = not any(choice.table or choice.when for choice in choices)

        def get(cells: Cells) -> Value:
            for number, way in enumerate(ways):
                value = way(cells)
                if value is not None:
                    if number and plain:
                        stand_in = choices[number].column or ""
                        self._notices.add("STAND_IN", columns, stand_in, self._line)
                    return value
            if needed:
                raise _Wrong(columns, "", "MISSING")
            return default

        return get

    def _way(self, field: Field, choice: Choice) -> _Get:
        """What reads one choice: None where it has no value here."""
        get = self._read(field, choice)
        return get if choice.when is None else self._under(choice.when, get)

    def _under(self, condition: Condition, get: _Get) -> _Get:
        at, values = self._columns[condition.column], condition.values
        return lambda cells: get(cells) if fold(cells[at]) in values else None

    def _read(self, field: Field, choice: Choice) -> _Get:
        if choice.column is None:
            constant = self._constant(field, choice)
            return lambda _: constant
        column, at, missing = choice.column, self._columns[choice.column], self._mapping.missing
        longest = max(map(len, missing))  # of the tokens: most cells need not be folded
        convert = converter(field, choice, self._mapping, self._today)
        keeps = repeats(field, choice)
        kept: dict[str, Value] = {}
        blank: set[str] = set()
        # A table that knows the token itself goes before the tokens of the whole list.
        known = choice.table or {}
        empty = self._notices.empty_of(field.name, column)

        def read(cells: Cells) -> Value:
            raw = cells[at]
            value = kept.get(raw, _UNSET)
            if value is not _UNSET:
                if value is None and raw in blank:
                    empty()
                return value  # type: ignore[return-value]
            text = raw.strip()
            if len(text) <= longest and fold(text) in missing and fold(text) not in known:
                blank.add(raw)
                kept[raw] = None
                empty()
                return None
            try:
                value = convert(text)
            except Unreadable as error:
                if not choice.or_empty:
                    raise _Wrong(column, raw, error.reason) from None
                self._notices.add("DROPPED", column, raw, self._line)
                return None
            if keeps and len(kept) < _KEPT_MAX:
                kept[raw] = value
            return value

        return read

    # Checks

    def _pairs(self) -> list[tuple[tuple[str, int], tuple[str, int], str]]:
        """The pairs of days of which both are read from a column."""
        mapped = {
            (name, field): choices
            for name, fields in self._mapping.sections.items()
            for field, choices in fields.items()
        }
        return [
            (
                (first[0], FIELDS[first[0]][first[1]]),
                (second[0], FIELDS[second[0]][second[1]]),
                ", ".join(mapped[pair][0].column or pair[1] for pair in (first, second)),
            )
            for first, second in _ORDERLY
            if first in mapped and second in mapped
        ]

    def _check_order(
        self,
        values: dict[str, list[Value]],
        first: tuple[str, int],
        second: tuple[str, int],
        columns: str,
    ) -> None:
        before, after = values[first[0]][first[1]], values[second[0]][second[1]]
        if isinstance(before, str) and isinstance(after, str) and before[:10] > after[:10]:
            self._notices.add(
                "DATES_OUT_OF_ORDER", columns, f"{before[:10]}, {after[:10]}", self._line
            )

    def _require(self, columns: Sequence[str]) -> None:
        lacking = [name for name in columns if name not in self._columns]
        if lacking:
            near = difflib.get_close_matches(lacking[0], self._header, n=1)
            raise LoadError(
                f"the list has no column {', '.join(map(repr, lacking))}",
                hint=(f"{near[0]!r}, perhaps; " if near else "")
                + f"its columns are {', '.join(name for name in self._header if name)}",
            )


def _default(field: Field, mapping: Mapping, today: date) -> Value:
    if field.default is None:
        return "[]" if field.name == "manner" else None
    return converter(field, Choice(constant=field.default), mapping, today)(field.default)
