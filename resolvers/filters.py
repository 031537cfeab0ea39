"""Filters and orders: from the client's input to conditions the indexes serve.

Only what is public can be filtered or ordered by: no input names a private item, so no answer can
depend on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    and_,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy import String as SqlString

from regions.alerts import signal_counties, signals
from regions.areas import reference_areas
from regions.errors import InvalidInput, TooLarge
from regions.text import (
    Text,
    among,
    among_selected,
    among_texts,
    beginning,
    quoted,
    string,
    text_or_null,
    under,
    written,
)
from resolvers.catalog import Form, Record
from resolvers.users import prefix_of

__all__ = [
    "Order",
    "code_prefix",
    "code_prefixes",
    "condition",
    "in_codes",
    "in_texts",
    "named_diseases",
    "of_cluster",
    "orders",
    "plain",
]

_MOST_VALUES = 1000  # of all lists of a filter
_MOST_CONDITIONS = 200
_DEEPEST = 20
_LONG = 20  # values; a longer list is one parameter, quick to compile at any length
_COLUMNS = {
    "sourceCase": ("source_case_id", "case"),
    "parentContact": ("parent_contact_id", "contact"),
    "reportedBy": ("unit_id", ""),
    "case": ("case_id", "case"),
    "ids": ("id", None),
    "absorbed": ("absorbed_into", None),
}


def plain(value: Any) -> Any:
    """An input as plain data: enums as names, input objects as dictionaries by GraphQL names."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    definition = getattr(value, "__strawberry_definition__", None)
    if definition is not None:
        found = {}
        for declared in definition.fields:
            item = getattr(value, declared.python_name)
            if item is not None:
                found[declared.graphql_name or _camel(declared.python_name)] = plain(item)
        return found
    return value


def condition(record: Record, wanted: Mapping[str, Any] | None) -> ColumnElement[bool]:
    """The condition of a filter (as of `plain`). Raises InvalidInput, TooLarge."""
    if not wanted:
        return true()
    _Size().add(wanted, 0)
    return _condition(record, wanted)


class _Size:
    """Counts what a filter holds: a store takes only so much, and making SQL of it takes time."""

    def __init__(self) -> None:
        self._conditions = self._values = 0

    def add(self, wanted: Mapping[str, Any], depth: int) -> None:
        """Adds a filter and what is nested in it. Raises InvalidInput, TooLarge."""
        if depth > _DEEPEST:
            raise InvalidInput(f"a filter is nested deeper than {_DEEPEST}", argument="filter")
        for name, value in wanted.items():
            self._conditions += 1
            if name == "not":
                self.add(value, depth + 1)
            elif name in ("and", "or"):
                for one in value:
                    self._conditions += 1
                    self.add(one, depth + 1)
            elif not isinstance(value, (Mapping, bool)):
                self._values += len(value)
            if self._conditions > _MOST_CONDITIONS or self._values > _MOST_VALUES:
                raise TooLarge(
                    f"a filter has at most {_MOST_CONDITIONS} conditions and {_MOST_VALUES} values",
                    argument="filter",
                    hint="ask in parts",
                )


def _condition(record: Record, wanted: Mapping[str, Any]) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    for name, value in wanted.items():
        if name == "and":
            parts.append(and_(true(), *(_condition(record, one) for one in value)))
        elif name == "or":
            parts.append(or_(false(), *(_condition(record, one) for one in value)))
        elif name == "not":
            # A row of which the condition is unknown (null) is one for which it does not hold.
            parts.append(not_(func.coalesce(_condition(record, value), false())))
        else:
            parts.append(_field(record, name, value))
    return and_(true(), *parts)


def _field(record: Record, name: str, value: Any) -> ColumnElement[bool]:
    column_name, kind = _COLUMNS.get(name, (_snake(name), None))
    column = record.table.c[column_name]
    if isinstance(value, bool):
        return column.is_not(None) if value else column.is_(None)
    if isinstance(value, Mapping):
        return _range(column, name, value)
    if name == "code":
        found = in_codes(column, value)
        return or_(found, of_cluster(in_codes, value)) if record.table is signals else found
    if name == "ids":
        kind = record.kind
    if kind:
        ids = [_id(name, kind, text) for text in value]
        return _among_numbers(column, [one for one in ids if one is not None])
    return in_texts(column, value)


def in_codes(column: Any, codes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a code lies in one of the places, in the form the indexes serve."""
    prefixes = sorted({code_prefix(code) for code in codes})
    if "" in prefixes:
        return true()
    counties = [prefix for prefix in prefixes if len(prefix) >= 6]
    cities = [prefix for prefix in prefixes if len(prefix) == 4]
    parts = [under(column, prefix) for prefix in prefixes if len(prefix) == 2]
    if counties:
        parts.append(in_texts(column, counties))
    if len(cities) == 1:
        parts.append(under(column, cities[0]))
    elif cities:
        parts.append(in_texts(beginning(column), cities))
    return or_(false(), *parts)


def of_cluster(
    which: Callable[[Any, Any], ColumnElement[bool]], places: Any
) -> ColumnElement[bool]:
    """Whether a signal is a cluster that has a county in some places, as `which` tells them."""
    counties = signal_counties.c
    named = select(counties.signal_id).where(which(counties.code, places))
    return among_selected(signals.c.id, named.scalar_subquery())


def in_texts(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text is one of the values."""
    # No store holds a NUL, and PostgreSQL fails on one.
    found = [value for value in dict.fromkeys(values) if "\0" not in value]
    return among_texts(column, _as_json(found)) if len(found) > _LONG else column.in_(found)


def _among_numbers(column: ColumnElement[Any], values: Sequence[int]) -> ColumnElement[bool]:
    found = list(dict.fromkeys(values))
    return among(column, _as_json(found)) if len(found) > _LONG else column.in_(found)


def _as_json(values: Sequence[Any]) -> ColumnElement[str]:
    return literal(orjson.dumps(values).decode(), SqlString())


def _range(column: Any, name: str, value: Mapping[str, Any]) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    start, end = value.get("from"), value.get("to")
    if start is not None and end is not None and start > end:
        raise InvalidInput(f"{name}: from is after to", argument=name)
    if start is not None:
        parts.append(column >= start)
    if end is not None:
        parts.append(column <= end if len(end) == 10 else column < end)
    return and_(column.is_not(None), *parts) if column.nullable else and_(true(), *parts)


def code_prefix(code: str) -> str:
    """The prefix of a code; a code that died is followed through the table of changes."""
    return prefix_of(reference_areas().successor(code) or code)


def _id(name: str, kind: str, text: str) -> int | None:
    head, _, tail = text.partition(":")
    if head != kind or not (tail.isascii() and tail.isdecimal()) or len(tail) > 19:
        raise InvalidInput(
            f"{name} takes ids of the form {kind}:123", argument=name, hint="use the field id"
        )
    number = int(tail)
    return number if number < 1 << 63 else None


def code_prefixes(wanted: Mapping[str, Any] | None) -> list[str]:
    """Prefixes outside of which nothing can match; `[""]` where the filter names no code."""
    found = [""]
    if not wanted:
        return found
    codes = wanted.get("code")
    if codes is not None:
        found = [code_prefix(code) for code in codes]
    for inner in wanted.get("and") or ():
        found = _narrower(found, code_prefixes(inner))
    return found


def named_diseases(wanted: Mapping[str, Any] | None) -> Iterator[str]:
    """Every disease a filter names, at any depth."""
    for name, value in (wanted or {}).items():
        if name == "disease":
            yield from value
        elif name == "not":
            yield from named_diseases(value)
        elif name in ("and", "or"):
            for one in value:
                yield from named_diseases(one)


def _narrower(one: Sequence[str], other: Sequence[str]) -> list[str]:
    both = []
    for a in one:
        for b in other:
            if a.startswith(b):
                both.append(a)
            elif b.startswith(a):
                both.append(b)
    return list(dict.fromkeys(both))


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order. An unknown value counts as the smallest."""

    column: str
    descending: bool

    def expression(self, record: Record) -> ColumnElement[Any]:
        """What is compared."""
        column = record.table.c[self.column]
        if not column.nullable:
            return column
        return func.coalesce(column, literal_column("''", SqlString()))

    def key(self, record: Record) -> Text:
        """The same as JSON text, for the keys of a row."""
        column = record.table.c[self.column]
        if not _is_plain(record, self.column):
            return written(quoted(self.expression(record)))
        if column.nullable:
            return written(text_or_null(self.expression(record)))
        return string(column)


def orders(
    wanted: Sequence[Mapping[str, Any]] | None, record: Record | None = None
) -> tuple[Order, ...]:
    """The keys of an order (as of `plain`); where none is given the newest first, by the column of
    the record that says so.
    """
    found: dict[str, Order] = {}
    for one in wanted or ():
        column = one["field"].lower()
        found.setdefault(column, Order(column, one.get("direction", "DESC") == "DESC"))
    newest = record.order if record is not None else "created_at"
    return tuple(found.values()) or (Order(newest, True),)


def _is_plain(record: Record, column: str) -> bool:
    """Whether the column's texts need no escaping."""
    fields = (part for field in record.fields.values() for part in (field, *field.fields))
    return any(field.column == column and field.form is Form.PLAIN for field in fields)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
