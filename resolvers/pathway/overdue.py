"""`overdue`: what is due on pathways, signals and letters of all regions, longest due first."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    and_,
    literal_column,
    or_,
    select,
    tuple_,
)

from regions.alerts_forms import signal_clocks
from regions.assist import assist_requests
from regions.instants import now, seconds_of
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement
from regions.text import under_any
from resolvers.assist.due import LETTER_CLOCKS, LetterClock
from resolvers.context import Context, region_answers
from resolvers.counting import ask_and_count, count_of
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

_LETTERS = assist_requests.c

# As a key of an order, 1 is the first column: the instant once more, which changes nothing.
_SIGNAL_ORDER = (_SIGNALS.due_at, _SIGNALS.signal_id, _SIGNALS.kind, _ONE)


async def list_overdue(
    context: Context,
    wanted: OverdueFilter | None,
    first: int | None,
    after: str | None,
    path: str,
    *,
    count: bool = False,
) -> OverdueConnection:
    """A page of what is due; all of it counted with `count`. Raises Forbidden, InvalidInput,
    InvalidCursor, TooLarge.
    """
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
    chosen = _statements(asked, prefixes, at)
    reads, counts = [], []
    for region in federation.concerned(prefixes) if prefixes else ():
        if region not in within:
            continue
        dialect = federation.dialects[region]
        for listed in chosen:
            where = [*listed.where, *scope_condition(question, listed.clocks, region)]
            if count:
                counted = count_of(listed.source, where, dialect)
                counts.append(Read(region, counted.sql, counted.bind({})))
            if place is not None:
                where.append(tuple_(*listed.keys) > tuple_(*place))
            asking = select(*listed.columns).select_from(listed.source).where(*where)
            statement = Statement(asking.order_by(*listed.order).limit(size + 1), dialect)
            reads.append(Read(region, statement.sql, statement.bind({}), size + 1))
    report = Report(len(federation.regions))
    answered, total = await ask_and_count(question, report, reads, counts, at)
    question.note_regions(report, path)
    found = [[(row, read.region) for row in answer.rows] for read, answer in answered]
    merged = list(islice(merge(*found, key=lambda one: tuple(one[0][:_KEYS])), size + 1))
    question.spend(len(merged))
    for _, region in merged[:size]:
        outcome = report.at(region)
        outcome.records = (outcome.records or 0) + 1
    page = [row for row, _ in merged[:size]]
    for kind in ("case", "contact", "signal", "assistrequest"):
        if ids := [row[1] for row in page if row[_KEYS] == kind]:
            question.trail.saw(kind, list(dict.fromkeys(ids)))
    edges = [
        OverdueEdge(cursor=answering.cursors.seal(list(row[:_KEYS]), bound), node=item_of(row, at))
        for row in page
    ]
    return OverdueConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(merged) > size,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        regions=region_answers(question, report),
        total_count=total,
    )


class _Listed(NamedTuple):
    """What is asked of a table of clocks."""

    clocks: Table
    source: FromClause  # with what its conditions need
    columns: tuple[ColumnElement[Any], ...]
    where: list[ColumnElement[bool]]
    keys: tuple[ColumnElement[Any], ...]  # what tells a clock, in their order
    order: tuple[ColumnElement[Any], ...]


def _statements(asked: dict[str, Any], prefixes: list[str], at: str) -> list[_Listed]:
    """What is asked of each table of clocks in every region, in the same order."""
    # Where a person was handed over, clocks run there and nowhere else.
    living: ColumnElement[bool] = people.c.kept_in.is_(None)
    of_people = pathway_clocks.join(pathways, pathways.c.id == _CLOCKS.pathway_id).join(
        people, people.c.id == pathways.c.person_id
    )
    of_pathways = [living, *_condition(_CLOCKS, asked, prefixes, at)]
    of_signals = _condition(_SIGNALS, asked, prefixes, at)
    return [
        _Listed(pathway_clocks, of_people, COLUMNS, of_pathways, _ORDER, _ORDER),
        _Listed(
            signal_clocks, signal_clocks, SIGNAL_COLUMNS, of_signals, _SIGNAL_ORDER, _SIGNAL_ORDER
        ),
        *(
            _of_letters(clock, asked, prefixes, at)
            for kind, clock in LETTER_CLOCKS.items()
            if "kind" not in asked or kind.name in asked["kind"]
        ),
    ]


def _of_letters(clock: LetterClock, asked: dict[str, Any], prefixes: list[str], at: str) -> _Listed:
    """What is asked of the letters that have a clock, or of their people."""
    keys: tuple[ColumnElement[Any], ...]
    keys = (clock.due_at, _LETTERS.id, clock.kind, clock.number)
    record: ColumnElement[str] = literal_column("'assistrequest'")
    about = (record, clock.unit_id, clock.code, clock.opened_at)
    ends = (clock.missed_at, clock.met_at, clock.dropped_at)
    names = ("due_at", "id", "kind", "number", "record", "unit_id", "code", "opened_at")
    told: tuple[ColumnElement[Any], ...] = (*keys, *about, *ends)
    columns = tuple(
        one.label(f"clock_{name}")
        for one, name in zip(told, (*names, "missed_at", "met_at", "dropped_at"), strict=True)
    )
    where = [clock.is_one, *_condition(clock, asked, prefixes, at, waits=clock.waits)]
    of_people = clock.source is not assist_requests
    order = (clock.due_at, _LETTERS.id, *([clock.number] if of_people else []))
    return _Listed(assist_requests, clock.source, columns, where, keys, order)


def _condition(
    clocks: Any,
    asked: dict[str, Any],
    prefixes: list[str],
    at: str,
    *,
    waits: ColumnElement[bool] | None = None,
) -> list[ColumnElement[bool]]:
    """Which of some clocks (the columns of their table) are asked for. `waits`: which of them run,
    where that is not known by how they ended.
    """
    found: list[ColumnElement[bool]]
    if asked.get("lapses"):
        found = [clocks.missed_at.is_not(None), clocks.due_at <= at]
        if "dueUntil" in asked:
            found.append(clocks.due_at <= asked["dueUntil"])
    else:
        if waits is None:
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
        found.append(under_any(clocks.code, prefixes))
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
