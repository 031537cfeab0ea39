"""Views: a viewer's rules as SQL, deciding row by row which of them cover a record."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Column as TableColumn
from sqlalchemy import ColumnElement, Table, and_, case, exists, false, literal_column, or_, select
from sqlalchemy import String as SqlString

from regions.cases import cases, exposures
from regions.text import Text, hexadecimal, string, text_or_null, under, written
from resolvers.privacy import Rule
from resolvers.questions.shapes import Shape, ViewRule

__all__ = ["sealed_text", "view_number"]


def _condition(shape: Shape, view: ViewRule) -> ColumnElement[bool] | None:
    """Whether a rule covers the row; None where it covers every row."""
    table, rule = shape.record.table, view.rule
    if rule.reporter is None and view.always:
        return None
    if table is exposures:
        # Part of a case and judged by it: its own code says where it happened, not whose it is.
        part = and_(cases.c.id == exposures.c.case_id, _covered(cases, rule))
        return exists(select(literal_column("1")).where(part).correlate(exposures))
    return _covered(table, rule)


def _covered(table: Table, rule: Rule) -> ColumnElement[bool]:
    if rule.reporter is not None:
        return table.c.reporter == rule.reporter
    if "code" not in table.c:
        return false()
    return under(table.c.code, rule.prefix)


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
