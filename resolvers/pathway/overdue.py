"""`overdue`: what is due on the pathways of all regions, the longest due first."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_

from regions.instants import now, seconds_of
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement
from regions.text import under
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.filters import code_prefix, in_texts, plain
from resolvers.pathway.outlook import OUTLOOK, critical_until, is_critical
from resolvers.questions.plans import page_size
from resolvers.questions.rows import scope_condition
from schema.nodes import PageInfo
from schema.pathway import ClockKind, OverdueConnection, OverdueEdge, OverdueFilter, OverdueItem

__all__ = ["COLUMNS", "item_of", "list_overdue"]

_CLOCKS = pathway_clocks.c
_ORDER = (_CLOCKS.due_at, _CLOCKS.pathway_id, _CLOCKS.kind, _CLOCKS.number)
_KEYS = len(_ORDER)

COLUMNS = (
    *_ORDER,
    pathways.c.record,
    _CLOCKS.unit_id,
    _CLOCKS.code,
    _CLOCKS.opened_at,
    _CLOCKS.missed_at,
    _CLOCKS.met_at,
    _CLOCKS.dropped_at,
)
"""What is read of a clock, in this order (`item_of`)."""


async def list_overdue(
    context: Context, wanted: OverdueFilter | None, first: int | None, after: str | None, path: str
) -> OverdueConnection:
    """A page of what is due. Raises Forbidden, InvalidInput, InvalidCursor, TooLarge."""
    question = context.opens_records()
    answering, federation = context.answering, question.federation
    asked = plain(wanted) if wanted else {}
    size, at = page_size(answering, first), now()
    # The place is bound to the way of listing, not to the instant up to which it is asked.
    bound = b"Overdue|" + (
        b"lapses" if asked.get("lapses") else b"predicted" if asked.get("predicted") else b"due"
    )
    place = answering.cursors.open(after, bound, _KEYS) if after is not None else None
    prefixes = [code_prefix(code) for code in asked["code"]] if "code" in asked else [""]
    within = federation.concerned([question.scope.prefix])
    where = _condition(asked, prefixes, at)
    if place is not None:
        where.append(tuple_(*_ORDER) > tuple_(*place))
    reads = []
    for region in federation.concerned(prefixes) if prefixes else ():
        if region not in within:
            continue
        scoped = scope_condition(question, pathway_clocks, region)
        statement = Statement(
            select(*COLUMNS)
            .join(pathways, pathways.c.id == _CLOCKS.pathway_id)
            .join(people, people.c.id == pathways.c.person_id)
            .where(*where, *scoped)
            .order_by(*_ORDER)
            .limit(size + 1),
            federation.dialects[region],
        )
        reads.append(Read(region, statement.sql, statement.bind({}), size + 1))
    report, found = Report(len(federation.regions)), []
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, at)
        if answer.failure is None:
            report.at(read.region).records = len(answer.rows)
            found.append(answer.rows)
    question.note_regions(report, path)
    rows = list(islice(merge(*found, key=lambda row: tuple(row[:_KEYS])), size + 1))
    question.spend(len(rows))
    page = rows[:size]
    for kind in ("case", "contact"):
        if ids := [row[1] for row in page if row[_KEYS] == kind]:
            question.trail.saw(kind, list(dict.fromkeys(ids)))
    edges = [
        OverdueEdge(cursor=answering.cursors.seal(list(row[:_KEYS]), bound), node=item_of(row, at))
        for row in page
    ]
    return OverdueConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > size,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, report),
    )


def _condition(asked: dict[str, Any], prefixes: list[str], at: str) -> list[ColumnElement[bool]]:
    # Where a person was handed over, clocks run there and nowhere else.
    living: ColumnElement[bool] = people.c.kept_in.is_(None)
    if asked.get("lapses"):
        found = [living, _CLOCKS.missed_at.is_not(None)]
        if "dueUntil" in asked:
            found.append(_CLOCKS.due_at <= asked["dueUntil"])
    else:
        waits = and_(_CLOCKS.met_at.is_(None), _CLOCKS.dropped_at.is_(None))
        if asked.get("predicted"):
            found = [living, waits, _CLOCKS.due_at >= at, _critical(at)]
            if "dueUntil" in asked:
                found.append(_CLOCKS.due_at <= asked["dueUntil"])
        else:
            found = [living, waits, _CLOCKS.due_at <= asked.get("dueUntil", at)]
    if "kind" in asked:
        found.append(in_texts(_CLOCKS.kind, asked["kind"]))
    if "unit" in asked:
        found.append(in_texts(_CLOCKS.unit_id, asked["unit"]))
    if "" not in prefixes:
        found.append(or_(*(under(_CLOCKS.code, prefix) for prefix in prefixes)))
    return found


def _critical(at: str) -> ColumnElement[bool]:
    """That a clock which waits is going to run out (`resolvers.pathway.outlook`)."""
    by_minutes: dict[str, list[str]] = {}
    for kind in OUTLOOK:
        by_minutes.setdefault(critical_until(kind, at), []).append(kind.name)
    return or_(
        *(
            and_(in_texts(_CLOCKS.kind, kinds), _CLOCKS.due_at <= until)
            for until, kinds in by_minutes.items()
        )
    )


def item_of(row: Any, at: str) -> OverdueItem:
    """A row of `COLUMNS` as it stands at an instant."""
    due_at, number, kind, count, record, unit, code, opened_at, missed_at, met_at, dropped = row
    if missed_at is None and due_at < (met_at or dropped or at):
        missed_at = due_at  # it ran out; the record of it is about to be written
    late = seconds_of(met_at or dropped or at) - seconds_of(due_at) if missed_at else 0
    waits = met_at is None and dropped is None
    of = ClockKind[kind]
    return OverdueItem(
        id=f"clock:{number}:{kind}:{count}",  # type: ignore[arg-type]  # an ID is text
        record=f"{record}:{number}",  # type: ignore[arg-type]  # an ID is text
        kind=of,
        unit_id=unit,
        code=code,
        opened_at=opened_at,
        due_at=due_at,
        missed_at=missed_at,
        met_at=met_at,
        late_minutes=max(0, int(late // 60)),
        missing=list(OUTLOOK[of].missing) if waits else [],
        predicted_breach=waits and is_critical(of, due_at, at),
    )
