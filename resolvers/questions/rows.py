"""The rows of records: how a statement selects them, and as which they come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, exists, false, literal_column, or_, select

from regions.alerts import signal_events, signals
from regions.errors import StoreError
from regions.people import people
from regions.person_keys import person_keys
from regions.reading import Answer
from regions.statements import number
from regions.text import RECORD, bytes_aggregate, text_aggregate, under
from resolvers.filters import of_cluster
from resolvers.questions.filling import Row
from resolvers.questions.question import Question
from resolvers.questions.shapes import Shape
from resolvers.questions.views import is_shared

__all__ = ["LIMIT", "living", "reaches_beyond", "rows_of", "scope_condition", "select_rows"]

LIMIT = "row_limit"
"""The parameter that says how many records at most a statement selects."""


def select_rows(
    shape: Shape,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    *more: ColumnElement[Any],
) -> Select[Any]:
    """One row with the keys and the texts of at most `row_limit` records, in order."""
    table = shape.record.table
    source: Any = table
    if shape.joins_person:
        source = source.join(people, people.c.id == table.c.person_id)
    columns = [shape.keys_text().label("k"), shape.text().label("f")]
    if shape.sealed:
        person = table.c.id if table is people else table.c.person_id
        source = source.outerjoin(person_keys, person_keys.c.person_id == person)
        columns.append(shape.sealed_bytes().label("s"))
    inner = (
        select(*columns)
        .select_from(source)
        .where(*where)
        .order_by(*order)
        .limit(number(LIMIT))
        .subquery()
    )
    return select(
        text_aggregate(inner.c.k, literal_column("','")),
        text_aggregate(inner.c.f, literal_column(f"'{RECORD}'")),
        *more,
        *([bytes_aggregate(inner.c.s)] if shape.sealed else []),
    )


def rows_of(answer: Answer, shape: Shape, region: int) -> list[Row]:
    """The records of an answer to `select_rows`, envelopes and salts among their keys.

    Raises StoreError where these are not what the keys say.
    """
    if not answer.rows:
        return []
    first = answer.rows[0]
    if first[0] is None:
        return []
    keys = orjson.loads(f"[{first[0]}]")
    if shape.sealed:
        content, start = bytes(first[-1]), 0
        positions = [position for position, _ in shape.sealed]
        if len(positions) == 2:  # the way of most pages: a salt and one envelope
            (first_at, then_at) = positions
            for k in keys:
                middle = start + k[first_at]
                end = middle + k[then_at]
                k[first_at], k[then_at] = content[start:middle], content[middle:end]
                start = end
        else:
            for k in keys:
                for position in positions:
                    end = start + k[position]
                    k[position] = content[start:end]
                    start = end
        if start != len(content):
            raise StoreError("a store gave other bytes than it said")
    return [(k, f, region) for k, f in zip(keys, first[1].split(RECORD), strict=True)]


def scope_condition(
    question: Question, table: Any, region: int, *, shared: bool = False
) -> list[ColumnElement[bool]]:
    """The condition that a record lies within the viewer's scope; empty where the region does.

    With `shared` it may be that its person is shared with the viewer's unit, instead.
    """
    found: list[ColumnElement[bool]] = []
    where = question.scope
    if where.unit is not None:
        own = "reporter_unit" in table.c
        found.append(table.c.reporter_unit == where.unit if own else false())
    if reaches_beyond(question, region):
        found.append(_within(table, where.prefix))
    return [or_(and_(*found), is_shared(table))] if shared and found else found


def _within(table: Any, prefix: str) -> ColumnElement[bool]:
    """That a row's county lies in a jurisdiction; of a cluster, one of its counties. What was done
    and filed on a signal is seen where its own county is.
    """
    if table is signals:
        return or_(under(table.c.code, prefix), of_cluster(under, prefix))
    if table is signal_events:
        own = and_(signals.c.id == table.c.signal_id, under(signals.c.code, prefix))
        return exists(select(literal_column("1")).where(own).correlate(table))
    return under(table.c.code, prefix)


def reaches_beyond(question: Question, region: int) -> bool:
    """Whether a region holds codes outside of the viewer's jurisdiction, too."""
    prefix = question.scope.prefix
    return not all(p.startswith(prefix) for p in question.federation.regions[region].prefixes)


def living(table: Any) -> list[ColumnElement[bool]]:
    """The condition that a row is the living one of its record, not what was left behind where
    it was handed over, nor a copy that came along. What was done for a person is where the person
    is.
    """
    if "kept_in" in table.c:
        return [table.c.kept_in.is_(None)]
    if "person_id" not in table.c:
        return []
    gone = people.alias("kept")
    of_person = and_(gone.c.id == table.c.person_id, gone.c.kept_in.is_not(None))
    return [~exists(select(literal_column("1")).where(of_person).correlate(table))]
