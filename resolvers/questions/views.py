"""Views: a viewer's rules as SQL, deciding row by row which of them cover a record."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Column as TableColumn
from sqlalchemy import ColumnElement, case, false, literal_column, or_
from sqlalchemy import String as SqlString

from regions.text import Text, hexadecimal, string, text_or_null, under, written
from resolvers.questions.shapes import Shape, ViewRule

__all__ = ["sealed_text", "view_number"]


def _condition(shape: Shape, view: ViewRule) -> ColumnElement[bool] | None:
    """Whether a rule covers the row; None where it covers every row."""
    table = shape.record.table
    rule = view.rule
    if rule.reporter is not None:
        if "reporter" not in table.c:
            return false()
        return table.c.reporter == rule.reporter
    if view.always:
        return None
    if "code" not in table.c:
        return false()
    code = table.c.code
    condition = under(code, rule.prefix)
    return condition if not code.nullable else condition & code.is_not(None)


def view_number(shape: Shape) -> ColumnElement[Any]:
    """A number whose bits say which rules cover the row."""
    total: Any = None
    for bit, view in enumerate(shape.rules):
        condition = _condition(shape, view)
        weight: ColumnElement[int] = literal_column(str(1 << bit))
        part = weight if condition is None else case((condition, weight), else_=literal_column("0"))
        total = part if total is None else total + part
    return cast("ColumnElement[Any]", total)


def sealed_text(shape: Shape, column: TableColumn[Any]) -> Text:
    """The envelope in hexadecimal as JSON text, or null where no rule covers the row."""
    conditions = [_condition(shape, view) for view in shape.rules]
    everywhere = any(condition is None for condition in conditions)
    if everywhere and not column.nullable:
        return string(hexadecimal(column))
    text = text_or_null(hexadecimal(column))
    if everywhere:
        return written(text)
    covered = or_(*(condition for condition in conditions if condition is not None))
    return written(case((covered, text), else_=literal_column("'null'", SqlString())))
