"""Filters and orders: from the client's input to conditions the indexes serve.

Only what is public can be filtered or ordered by: no input names a private item, so no answer can
depend on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal_column, not_, or_, true
from sqlalchemy import String as SqlString

from regions.areas import reference_areas
from regions.errors import InvalidInput
from regions.text import Text, quoted, string, text_or_null, under, written
from resolvers.catalog import Form, Record
from resolvers.users import prefix_of

__all__ = ["Order", "code_prefixes", "condition", "orders", "plain"]

_MOST_VALUES = 1000
_DEEPEST = 20
_COLUMNS = {
    "sourceCase": ("source_case_id", "case"),
    "parentContact": ("parent_contact_id", "contact"),
    "reportedBy": ("unit_id", ""),
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


def condition(
    record: Record, wanted: Mapping[str, Any] | None, depth: int = 0
) -> ColumnElement[bool]:
    """The condition of a filter (as of `plain`). Raises InvalidInput."""
    if depth > _DEEPEST:
        raise InvalidInput(f"a filter is nested deeper than {_DEEPEST}")
    parts: list[ColumnElement[bool]] = []
    for name, value in (wanted or {}).items():
        if value is None:
            continue
        if name == "and":
            parts.append(and_(true(), *(condition(record, one, depth + 1) for one in value)))
        elif name == "or":
            parts.append(or_(false(), *(condition(record, one, depth + 1) for one in value)))
        elif name == "not":
            # A row of which the condition is unknown (null) is one for which it does not hold.
            inner = condition(record, value, depth + 1)
            parts.append(not_(func.coalesce(inner, false())))
        else:
            parts.append(_field(record, name, value))
    return and_(true(), *parts)


def _field(record: Record, name: str, value: Any) -> ColumnElement[bool]:
    column_name, kind = _COLUMNS.get(name, (_snake(name), None))
    column = record.table.c[column_name]
    if isinstance(value, Mapping):
        return _range(column, name, value)
    if len(value) > _MOST_VALUES:
        raise InvalidInput(f"{name} has more than {_MOST_VALUES} values", argument=name)
    if name == "code":
        return or_(false(), *(_code(column, code) for code in value))
    if kind:
        ids = [_id(name, kind, text) for text in value]
        return column.in_([one for one in ids if one is not None])
    return column.in_(value)


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


def _code(column: Any, code: str) -> ColumnElement[bool]:
    prefix = code_prefix(code)
    return true() if prefix == "" else under(column, prefix)


def code_prefix(code: str) -> str:
    """The prefix of a code; a code that died is followed through the table of changes."""
    return prefix_of(reference_areas().successor(code) or code)


def _id(name: str, kind: str, text: str) -> int | None:
    head, _, tail = text.partition(":")
    if head != kind or not tail.isdecimal() or len(tail) > 19:
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


def _narrower(one: Sequence[str], other: Sequence[str]) -> list[str]:
    both = []
    for a in one:
        for b in other:
            if a.startswith(b):
                both.append(a)
            elif b.startswith(a):
                both.append(b)
    return both


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


def orders(wanted: Sequence[Mapping[str, Any]] | None) -> tuple[Order, ...]:
    """The keys of an order (as of `plain`); newest first where none is given."""
    found: dict[str, Order] = {}
    for one in wanted or ():
        column = one["field"].lower()
        found.setdefault(column, Order(column, one.get("direction", "DESC") == "DESC"))
    return tuple(found.values()) or (Order("created_at", True),)


def _is_plain(record: Record, column: str) -> bool:
    """Whether the column's texts need no escaping."""
    fields = (part for field in record.fields.values() for part in (field, *field.fields))
    return any(field.column == column and field.form is Form.PLAIN for field in fields)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
