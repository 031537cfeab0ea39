"""Columns of an export: paths of fields from a record to a value, checked against the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLSchema, is_leaf_type
from graphql.type import GraphQLList

__all__ = ["MOST_COLUMNS", "BadColumn", "Column", "ColumnKind", "columns_of", "selection"]

MOST_COLUMNS = 60
_DEEPEST = 3  # names of a path
_BETWEEN = "; "  # values of a list


class ColumnKind(Enum):
    """What stands in the cells of a column. A private one is text whatever its type, as `*` is."""

    TEXT = "text"
    PRIVATE = "private"
    NUMBER = "number"
    DAY = "day"
    INSTANT = "instant"


_KINDS = {
    "Int": ColumnKind.NUMBER,
    "Float": ColumnKind.NUMBER,
    "Date": ColumnKind.DAY,
    "DateTime": ColumnKind.INSTANT,
    "PrivateString": ColumnKind.PRIVATE,
    "PrivateInt": ColumnKind.PRIVATE,
    "PrivateDate": ColumnKind.PRIVATE,
}


class BadColumn(Exception):
    """A path that leads to no value. `zh` says so in Chinese."""

    def __init__(self, place: int, message: str, zh: str) -> None:
        super().__init__(message)
        self.place, self.message, self.zh = place, message, zh


@dataclass(frozen=True, slots=True)
class Column:
    """A column: where its values stand in a record, and what they are."""

    path: tuple[str, ...]
    kind: ColumnKind

    @property
    def title(self) -> str:
        """Its head."""
        return ".".join(self.path)

    def value(self, node: Mapping[str, Any]) -> str | int | float | None:
        """Its value in a record as the answer has it."""
        found: Any = node
        for name in self.path:
            if found is None:
                return None
            found = found[name]
        if isinstance(found, list):
            return _BETWEEN.join(map(str, found))
        if isinstance(found, bool) or (found is not None and self.kind is ColumnKind.PRIVATE):
            return str(found)
        return found  # type: ignore[no-any-return]  # the catalog says text


def columns_of(schema: GraphQLSchema, type_name: str, names: Sequence[str]) -> list[Column]:
    """The columns of a type of record. Raises BadColumn."""
    if not 1 <= len(names) <= MOST_COLUMNS:
        raise BadColumn(
            -1, f"an export has 1 to {MOST_COLUMNS} columns", f"导出须有 1 至 {MOST_COLUMNS} 列"
        )
    found: dict[str, Column] = {}
    for place, name in enumerate(names):
        if name in found:
            raise BadColumn(place, "the column stands there twice", "该列重复")
        found[name] = _column(schema, type_name, name, place)
    return list(found.values())


def _column(schema: GraphQLSchema, type_name: str, name: str, place: int) -> Column:
    path = tuple(name.split("."))
    kind: Any = schema.type_map[type_name]
    for part in path:
        declared = kind.fields.get(part) if isinstance(kind, GraphQLObjectType) else None
        if declared is None or len(path) > _DEEPEST:
            raise BadColumn(place, "there is no such field of a record", "记录没有该字段")
        kind, listed = _bare(declared.type)
        if listed and not is_leaf_type(kind):
            raise BadColumn(
                place,
                "the field leads to many records: a row has one value in each column",
                "该字段对应多条记录，不能作为一列",
            )
    if not is_leaf_type(kind):
        raise BadColumn(
            place,
            "the field has fields of its own: name one after a dot",
            "该字段含下级字段：请在点号后写明",
        )
    return Column(path, ColumnKind.TEXT if listed else _KINDS.get(kind.name, ColumnKind.TEXT))


def _bare(kind: Any) -> tuple[Any, bool]:
    listed = False
    while isinstance(kind, (GraphQLNonNull, GraphQLList)):
        listed = listed or isinstance(kind, GraphQLList)
        kind = kind.of_type
    return kind, listed


def selection(columns: Sequence[Column]) -> str:
    """The selection set of a record with these columns."""
    tree: dict[str, Any] = {}
    for column in columns:
        inner = tree
        for name in column.path:
            inner = inner.setdefault(name, {})
    return _written(tree)


def _written(tree: Mapping[str, Any]) -> str:
    parts = [f"{name} {_written(inner)}" if inner else name for name, inner in tree.items()]
    return "{ " + " ".join(parts) + " }"
