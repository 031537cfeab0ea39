"""`overdue`: what is due on the pathways and signals of all regions, the longest due first."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, literal_column, or_, select, tuple_

from regions.alerts_forms import signal_clocks
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

__all__ = ["COLUMNS", "SIGNAL_COLUMNS", "item_of", "list_overdue"]

_CLOCKS, _SIGNALS = pathway_clocks.c, signal_clocks.c
_ORDER = (_CLOCKS.due_at, _CLOCKS.pathway_id, _CLOCKS.kind, _CLOCKS.number)
_KEYS = len(_ORDER)
_ONE: ColumnElement[int] = literal_column("1")

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

SIGNAL_COLUMNS: tuple[ColumnElement[Any], ...] = (
    _SIGNALS.due_at,
    _SIGNALS.signal_id,
    _SIGNALS.kind,
    _ONE.label("number"),  # a signal has one clock of a kind
    literal_column("'signal'").label("record"),
    _SIGNALS.unit_id,
    _SIGNALS.code,
    _SIGNALS.opened_at,
    _SIGNALS.missed_at,
    _SIGNALS.met_at,
    _SIGNALS.dropped_at,
)
"""The same of a clock of a signal (`regions.alerts_forms`)."""

_SIGNAL_ORDER = (_SIGNALS.due_at, _SIGNALS.signal_id, _SIGNALS.kind, _ONE)


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
    chosen = _statements(asked, prefixes, at, place)
    reads = []
    for region in federation.concerned(prefixes) if prefixes else ():
        if region not in within:
            continue
        for clocks, wanted_rows in chosen:
            scoped = scope_condition(question, clocks, region)
            asking = wanted_rows.where(*scoped).limit(size + 1)
            statement = Statement(asking, federation.dialects[region])
            reads.append(Read(region, statement.sql, statement.bind({}), size + 1))
    report, found = Report(len(federation.regions)), []
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, at)
        if answer.failure is None:
            outcome = report.at(read.region)
            outcome.records = (outcome.records or 0) + len(answer.rows)
            found.append(answer.rows)
    question.note_regions(report, path)
    rows = list(islice(merge(*found, key=lambda row: tuple(row[:_KEYS])), size + 1))
    question.spend(len(rows))
    page = rows[:size]
    for kind in ("case", "contact", "signal"):
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


def _statements(
    asked: dict[str, Any], prefixes: list[str], at: str, place: list[Any] | None
) -> list[tuple[Table, Select[Any]]]:
    """What is asked of each table of clocks in every region, in the same order."""
    # Where a person was handed over, clocks run there and nowhere else.
    living: ColumnElement[bool] = people.c.kept_in.is_(None)
    of_pathways = [living, *_condition(_CLOCKS, asked, prefixes, at)]
    of_signals = _condition(_SIGNALS, asked, prefixes, at)
    if place is not None:
        of_pathways.append(tuple_(*_ORDER) > tuple_(*place))
        of_signals.append(tuple_(*_SIGNAL_ORDER) > tuple_(*place))
    return [
        (
            pathway_clocks,
            select(*COLUMNS)
            .join(pathways, pathways.c.id == _CLOCKS.pathway_id)
            .join(people, people.c.id == pathways.c.person_id)
            .where(*of_pathways)
            .order_by(*_ORDER),
        ),
        (
            signal_clocks,
            select(*SIGNAL_COLUMNS)
            .where(*of_signals)
            .order_by(_SIGNALS.due_at, _SIGNALS.signal_id, _SIGNALS.kind),
        ),
    ]


def _condition(
    clocks: Any, asked: dict[str, Any], prefixes: list[str], at: str
) -> list[ColumnElement[bool]]:
    """Which of some clocks (the columns of their table) are asked for."""
    found: list[ColumnElement[bool]]
    if asked.get("lapses"):
        found = [clocks.missed_at.is_not(None)]
        if "dueUntil" in asked:
            found.append(clocks.due_at <= asked["dueUntil"])
    else:
        waits = and_(clocks.met_at.is_(None), clocks.dropped_at.is_(None))
        if asked.get("predicted"):
            found = [waits, clocks.due_at >= at, _critical(clocks, at)]
            if "dueUntil" in asked:
                found.append(clocks.due_at <= asked["dueUntil"])
        else:
            found = [waits, clocks.due_at <= asked.get("dueUntil", at)]
    if "kind" in asked:
        found.append(in_texts(clocks.kind, asked["kind"]))
    if "unit" in asked:
        found.append(in_texts(clocks.unit_id, asked["unit"]))
    if "" not in prefixes:
        found.append(or_(*(under(clocks.code, prefix) for prefix in prefixes)))
    return found


def _critical(clocks: Any, at: str) -> ColumnElement[bool]:
    """That a clock which waits is going to run out (`resolvers.pathway.outlook`)."""
    by_minutes: dict[str, list[str]] = {}
    for kind in OUTLOOK:
        by_minutes.setdefault(critical_until(kind, at), []).append(kind.name)
    return or_(
        *(
            and_(in_texts(clocks.kind, kinds), clocks.due_at <= until)
            for until, kinds in by_minutes.items()
        )
    )


def item_of(row: Any, at: str) -> OverdueItem:
    """A row of `COLUMNS`, or of those of signals, as it stands at an instant."""
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
