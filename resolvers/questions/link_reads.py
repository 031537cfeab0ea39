"""The statements that read related records: one for each relation, kind of store and scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, false, or_

from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among, among_texts, string, written
from resolvers.privacy import SHAREABLE
from resolvers.questions.question import Question
from resolvers.questions.rows import (
    LIMIT,
    living,
    reaches_beyond,
    scope_condition,
    select_rows,
)
from resolvers.questions.same_person import INDEXES, columns_of, seen_indexes, shown
from resolvers.questions.shapes import Shape, ShapeSet
from resolvers.questions.views import SHARE_UNIT
from schema.fields import Many, One

__all__ = ["KEYS", "MOVING", "read_of"]

_OF_SIGNALS = frozenset({"Signal", "SignalEvent", "AbnormalInformationCard", "Investigation"})
# The others are reached through these. A cluster is seen from other counties, too: not so what was
# done and filed on it, nor the signals beside it.
_SCOPED = frozenset({"Person", "Case", "Contact", "SignalClock"}) | _OF_SIGNALS
MOVING = frozenset({"Person", "Contact", "Visit", "Sample"})
"""The types of record that are kept in another region once their person was handed over. A case's
card stays with the institution that reported it (B8)."""

KEYS = "link_keys"
"""The parameter of the keys asked for."""

_MORE_KEYS = "more_link_keys"


def read_of(
    question: Question,
    shapes: ShapeSet,
    source: Any,
    region: int,
    keys: Iterable[Any],
    more_keys: Iterable[Any],
) -> Read:
    """The read of the records behind some keys in a region; `more_keys` of the same person."""
    statement = _statement(question, shapes.of(region), source, region)
    values = {
        KEYS: orjson.dumps(list(keys)).decode(),
        _MORE_KEYS: orjson.dumps(list(more_keys)).decode(),
        LIMIT: question.answering.records_max - question.spent + 1,
        SHARE_UNIT: question.viewer.unit_id,
    }
    return Read(region, statement.sql, statement.bind(values))


def _statement(question: Question, shape: Shape, source: One | Many, region: int) -> Statement:
    dialect = question.federation.dialects[region]
    table = shape.record.table
    scoped = _scoped(shape, source)
    # Regions that are asked alike share a statement: compiling one takes milliseconds.
    remembered = (dialect, scoped and reaches_beyond(question, region))
    known = shape.statements.get(remembered)
    if known is not None:
        return known
    where = []
    if scoped:
        where += scope_condition(question, table, region, shared=shape.shapes.shared)
    order: list[ColumnElement[Any]] = []
    if isinstance(source, One):
        column = table.c.id
        texts = shape.record.name == "Unit"
        keys = among_texts(column, text_value(KEYS)) if texts else among(column, text_value(KEYS))
        where.append(keys)
        if not source.local and shape.record.name in MOVING:
            where += living(table)
        order = [column]
    elif source.same_person:
        ways = []
        for index, given in zip(INDEXES, (KEYS, _MORE_KEYS), strict=True):
            allowed = shown(shape, index)
            if allowed is not None:
                either = [among_texts(table.c[one], text_value(given)) for one in columns_of(index)]
                ways.append(and_(or_(*either), allowed))
        where += [or_(false(), *ways), *living(table)]
        shape.back = tuple([shape.key(text) for text in seen_indexes(shape)])
    else:
        column = table.c[source.by]
        where.append(among(column, text_value(KEYS)))
        where.extend(table.c[name] == value for name, value in source.where.items())
        if source.everywhere:
            where += living(table)
        shape.back = (shape.key(written(column)),)
    if not order:
        moment = table.c[shape.record.order]
        shape.order_at = shape.key(string(moment))
        order = [moment, table.c.id]
    known = shape.statements[remembered] = Statement(select_rows(shape, where, order), dialect)
    return known


def _scoped(shape: Shape, source: One | Many) -> bool:
    """Whether the viewer's scope must be checked, not following from the record that leads here."""
    if isinstance(source, One) and (source.local or not source.by):
        return not source.local
    # Care of somebody else may hang on a shared record, by mistake: a share is of one person.
    return shape.record.name in (SHAREABLE if shape.shapes.shared else _SCOPED)
