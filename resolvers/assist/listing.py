"""`assistRequests`: letters the viewer may open, over all regions, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, tuple_

from regions.assist import assist_requests
from regions.instants import now
from regions.reading import Read
from regions.statements import Statement, number, text_value
from regions.text import string, under_any
from resolvers.assist.clocks import running
from resolvers.assist.states import State
from resolvers.context import Context, region_answers
from resolvers.counting import ask_and_count, count_of
from resolvers.federation import Report
from resolvers.filters import code_prefix, in_texts, plain
from resolvers.questions.plans import page_size
from resolvers.questions.question import Question
from resolvers.questions.rows import LIMIT, rows_of, scope_condition, select_rows
from resolvers.questions.views import SHARE_UNIT
from schema.assist_lists import (
    AssistRequestConnection,
    AssistRequestEdge,
    AssistRequestFilter,
)
from schema.nodes import PageInfo

__all__ = ["list_requests"]

_C = assist_requests.c
_BOUND_TO = b"AssistRequest|created_at"
_LISTS = (("number", _C.number), ("state", _C.state), ("disease", _C.disease))
_SINGLE = (
    ("rootNumber", _C.root_number),
    ("side", _C.side),
    ("fromUnit", _C.from_unit),
    ("toUnit", _C.to_unit),
    ("assignedTo", _C.assigned_to),
)


async def list_requests(
    context: Context,
    wanted: AssistRequestFilter | None,
    first: int | None,
    after: str | None,
    path: str,
    *,
    count: bool = False,
) -> AssistRequestConnection:
    """Letters, the newest first; all of them counted with `count`. Of one of which the viewer may
    open both copies in whole regions the issuer's is told, unless the filter asks for a side.
    Raises InvalidInput, TooLarge.
    """
    question, answering = context.opens_records(), context.answering
    federation = question.federation
    size = page_size(answering, first)
    place = answering.cursors.open(after, _BOUND_TO, 2) if after is not None else None
    chosen = plain(wanted) if wanted is not None else {}
    where, values = _chosen(chosen, now())
    values |= {SHARE_UNIT: question.viewer.unit_id, LIMIT: size + 1}
    behind: list[ColumnElement[bool]] = []
    if place is not None:
        behind = [tuple_(_C.created_at, _C.id) < tuple_(text_value("created"), number("behind"))]
        values |= {"created": place[0], "behind": place[1]}
    shapes = context.records.shapes("AssistRequest")
    prefixes = [code_prefix(code) for code in chosen["code"]] if "code" in chosen else [""]
    within = federation.concerned([question.scope.prefix])
    created: dict[int, int] = {}
    reads, counts = [], []
    for region in federation.concerned(prefixes) if prefixes else ():
        if region not in within:
            continue
        shape = shapes.of(region)
        created[region] = shape.key(string(_C.created_at))
        conditions = [*where, *scope_condition(question, assist_requests, region)]
        if "side" not in chosen:
            conditions += _once(question)
        order = [_C.created_at.desc(), _C.id.desc()]
        dialect = federation.dialects[region]
        statement = Statement(select_rows(shape, [*conditions, *behind], order), dialect)
        reads.append(Read(region, statement.sql, statement.bind(values)))
        if count:
            statement = count_of(assist_requests, conditions, dialect)
            counts.append(Read(region, statement.sql, statement.bind(values)))
    report, as_of = Report(len(federation.regions)), now()
    found: list[Any] = []
    answered, total = await ask_and_count(question, report, reads, counts, as_of)
    for read, answer in answered:
        found += rows_of(answer, shapes.of(read.region), read.region)
    question.note_regions(report, path)

    def keys(row: Any) -> tuple[str, int]:
        return row[0][created[row[2]]], row[0][shapes.of(row[2]).id_at]

    found.sort(key=keys, reverse=True)
    page = found[:size]
    question.hold(len(page))
    for row in page:
        outcome = report.at(row[2])
        outcome.records = (outcome.records or 0) + 1
    nodes = await context.records.objects(shapes, page, path)
    edges = [
        AssistRequestEdge(cursor=answering.cursors.seal(list(keys(row)), _BOUND_TO), node=node)
        for row, node in zip(page, nodes, strict=True)
    ]
    return AssistRequestConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > size,
            has_previous_page=place is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, report),
        total_count=total,
    )


def _once(question: Question) -> list[ColumnElement[bool]]:
    """Leaves out the receiver's copy where the issuer's is in sight, too."""
    if question.scope.unit is not None:
        return []
    whole = [
        region.code
        for region in question.federation.regions
        if all(prefix.startswith(question.scope.prefix) for prefix in region.prefixes)
    ]
    return [or_(_C.side == "SENT", ~in_texts(_C.from_region, whole))] if whole else []


def _chosen(wanted: Mapping[str, Any], at: str) -> tuple[list[ColumnElement[bool]], dict[str, Any]]:
    """The conditions of a filter, and values they are given."""
    found: list[ColumnElement[bool]] = []
    values: dict[str, Any] = {}
    for name, column in _LISTS:
        if name in wanted:
            found.append(in_texts(column, wanted[name]))
    for name, column in _SINGLE:
        if name in wanted:
            values[name] = wanted[name].replace("\0", "")
            found.append(column == text_value(name))
    if "code" in wanted:
        found.append(under_any(_C.code, [code_prefix(code) for code in wanted["code"]]))
    if "overdue" in wanted:
        values["at"] = at
        late = or_(*_late())
        found.append(late if wanted["overdue"] else not_(late))
    if "unread" in wanted:
        unread = _C.read_version < _C.version
        found.append(unread if wanted["unread"] else not_(unread))
    for name, column in (("createdAfter", _C.created_at), ("updatedAfter", _C.updated_at)):
        if name in wanted:
            values[name] = wanted[name]
            found.append(column >= text_value(name))
    return found, values


def _late() -> Sequence[ColumnElement[bool]]:
    """For each state with a clock: that it is the letter's, and the clock has run out."""
    at = text_value("at")
    return [
        and_(_C.state == state.name, _C[due].is_not(None), _C[due] < at)
        for state in State
        if (due := running(state)) is not None
    ]
