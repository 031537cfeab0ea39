"""From the cells of a row to the values of fields, by a mapping compiled for one header."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from regions.errors import LoadError
from resolvers.loading.fields import SECTIONS, Field
from resolvers.loading.mapping import Choice, Condition, Mapping, fold
from resolvers.loading.notices import Notices
from resolvers.loading.values import Unreadable, Value, converter, repeats

__all__ = ["Cells", "FieldCompiler", "Get", "Header", "SectionReader", "Wrong"]

Cells = Sequence[str]
Get = Callable[[Cells], Value]

_KEPT_MAX = 100_000  # values of one column kept as read
_UNSET = object()


class Wrong(Exception):
    """A row cannot be taken: the column, the value and the reason (`reasons.REASONS`)."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


class Header:
    """The columns of a list: where each is. `line` is the line being read, for notices.

    Raises LoadError where a column of the mapping is missing.
    """

    def __init__(self, names: Sequence[str], mapping: Mapping) -> None:
        self.names = names
        self.line = 0
        self._at = {name: number for number, name in enumerate(names)}
        wanted = mapping.columns()
        lacking = [name for name in wanted if name not in self._at]
        if lacking:
            near = difflib.get_close_matches(lacking[0], names, n=1)
            raise LoadError(
                f"the list has no column {', '.join(map(repr, lacking))}",
                hint=(f"{near[0]!r}, perhaps; " if near else "")
                + f"its columns are {', '.join(name for name in names if name)}",
            )
        self.unused = tuple(name for name in names if name and name not in wanted)

    def __getitem__(self, name: str) -> int:
        return self._at[name]


@dataclass(frozen=True, slots=True)
class SectionReader:
    """What reads a section: its values where no column is mapped, and what reads the others.

    `readers` are (number of the field, `section.field`, what reads it).
    """

    name: str
    template: list[Value]
    readers: list[tuple[int, str, Get]]


class FieldCompiler:
    """Compiles the fields of a mapping for a header."""

    def __init__(self, mapping: Mapping, header: Header, notices: Notices, today: date) -> None:
        self._mapping, self._header, self._notices = mapping, header, notices
        self._today = today
        self.constants: dict[str, Value] = {}  # what the mapping says of every row

    def section(self, name: str) -> SectionReader:
        """A section, all of its fields."""
        template: list[Value] = []
        readers: list[tuple[int, str, Get]] = []
        for number, field in enumerate(SECTIONS[name].fields):
            choices = self._mapping.sections[name].get(field.name, ())
            full_name = f"{name}.{field.name}"
            template.append(self._default(field))
            if len(choices) == 1 and choices[0].column is None and choices[0].when is None:
                template[-1] = self.constants[full_name] = self._constant(field, choices[0])
            elif choices:
                readers.append((number, full_name, self._field(field, choices, template[-1])))
        return SectionReader(name, template, readers)

    def _default(self, field: Field) -> Value:
        if field.default is None:
            return "[]" if field.name == "manner" else None
        return self._constant(field, Choice(constant=field.default))

    def _constant(self, field: Field, choice: Choice) -> Value:
        return converter(field, choice, self._mapping, self._today)(choice.constant or "")

    def _field(self, field: Field, choices: tuple[Choice, ...], default: Value) -> Get:
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
                        other = choices[number].column or choices[number].constant or ""
                        self._notices.add("STAND_IN", columns, other, self._header.line)
                    return value
            if needed:
                raise Wrong(columns, "", "MISSING")
            return default

        return get

    def _way(self, field: Field, choice: Choice) -> Get:
        """What reads one choice: None where it has no value here."""
        get = self._read(field, choice)
        return get if choice.when is None else self._under(choice.when, get)

    def _under(self, condition: Condition, get: Get) -> Get:
        at, values = self._header[condition.column], condition.values
        return lambda cells: get(cells) if fold(cells[at]) in values else None

    def _read(self, field: Field, choice: Choice) -> Get:
        if choice.column is None:
            constant = self._constant(field, choice)
            return lambda _: constant
        column, at, missing = choice.column, self._header[choice.column], self._mapping.missing
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
                return value  # type: ignore[return-value]  # found among its own values
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
                    raise Wrong(column, raw, error.reason) from None
                self._notices.add("DROPPED", column, raw, self._header.line)
                return None
            if keeps and len(kept) < _KEPT_MAX:
                kept[raw] = value
            return value

        return read
