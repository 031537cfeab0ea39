"""`signalReport`: the signals of an area and time, of every region, to figures (E12)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from regions.alerts import signal_events, signals
from regions.alerts_forms import investigations, signal_cards
from regions.areas import reference_areas
from regions.errors import Forbidden, InvalidInput, TooLarge
from regions.ids import padded
from regions.instants import now
from regions.reading import Read
from regions.statements import Statement
from regions.text import under
from resolvers.alerts.card import GROUNDS
from resolvers.alerts.oversight import (
    Figures,
    SignalFacts,
    false_figures,
    figures,
    ground_figures,
    grouped,
    open_now,
)
from resolvers.alerts.report_periods import Span, before, curve_of, span_of
from resolvers.alerts.states import Event, State
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from resolvers.questions.question import Question
from resolvers.users import Viewer
from resolvers.users.levels import cdc_of
from resolvers.users.rosters import units_on_duty
from schema.alerts import DetectionMethod
from schema.alerts_forms import InvestigationGround
from schema.alerts_oversight import (
    FalseSignals,
    OpenSignals,
    SignalFigures,
    SignalReport,
    SignalReportArea,
    SignalReportCurve,
    SignalReportDisease,
    SignalReportGround,
    SignalReportMethod,
    SignalReportPeriod,
)

__all__ = ["signal_report"]

_MOST_ROWS = 500_000  # signals of one region
_S, _I, _C = signals.c, investigations.c, signal_cards.c
_DONE = (State.EXCLUDED.name, State.CONCLUDED.name)
_COLUMNS = (
    *(_S.code, _S.disease, _S.day, _S.kind, _S.method, _S.state, _S.sent_at, _S.answered_at),
    *(_S.absorbed_into, _S.event_id, _I.state, _I.conclusion, _I.form_due, _C.verified_by),
    *(_C[name] for name in GROUNDS),
)


async def signal_report(
    context: Context, period: SignalReportPeriod, day: str, code: str | None, path: str
) -> SignalReport:
    """How the signals of an area fared in the day, week, month or year that a day lies in.

    Raises Forbidden, InvalidInput, TooLarge.
    """
    question = context.opens_records()
    chosen = code or padded(question.scope.prefix)
    prefix = code_prefix(chosen)
    _require_overseeing(question.viewer, chosen, prefix)
    try:
        span = span_of(period.name, date.fromisoformat(day))
        earlier = before(period.name, span)
        steps = curve_of(period.name, span)
    except OverflowError:
        raise InvalidInput("the date lies at an end of the calendar", argument="date") from None
    first = min(earlier.first, steps[0].first)
    report, at = Report(len(question.federation.regions)), now()
    facts = await _facts(question, prefix, Span(first, span.last), report, at)
    question.note_regions(report, path)
    places = _Places.of(question, prefix, report)
    manned = await context.central.do(lambda connection: units_on_duty(connection, at))
    asked = _Asked(chosen, prefix, span, earlier, steps, at)
    unmanned = [
        code for code in sorted({*places.answered, *places.missing}) if cdc_of(code) not in manned
    ]
    return await asyncio.to_thread(_told, context, period, asked, facts, places, unmanned, report)


def _require_overseeing(viewer: Viewer, code: str, prefix: str) -> None:
    """Raises Forbidden unless the viewer's unit is a CDC, and the code lies in its jurisdiction."""
    if viewer.unit_id != cdc_of(viewer.code):
        raise Forbidden(
            "signals are overseen by CDCs: hospitals and other units may not",
            hint="ask the CDC of the county, city or province",
            messageZh="预警信号由疾控机构督导，其他机构无权查看",
        )
    if not prefix.startswith(viewer.prefix):
        raise Forbidden(f"the code {code} is outside of your jurisdiction", argument="code")


async def _facts(
    question: Question, prefix: str, span: Span, report: Report, at: str
) -> list[SignalFacts]:
    """The signals of all regions that answer: of the days, and what is open of others.

    Raises TooLarge.
    """
    federation = question.federation
    statement = _statement(prefix, span)
    reads = []
    for region in federation.concerned([prefix]):
        compiled = Statement(statement, federation.dialects[region])
        reads.append(Read(region, compiled.sql, compiled.bind({})))
    found: list[SignalFacts] = []
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, at)
        if answer.failure is not None:
            continue
        if len(answer.rows) > _MOST_ROWS:
            raise TooLarge(
                f"region {federation.regions[read.region].code} has more than {_MOST_ROWS:,} "
                "signals in this time",
                hint="ask for a shorter time or a smaller area",
            )
        found.extend(_fact(row) for row in answer.rows)
    return found


def _statement(prefix: str, span: Span) -> Select[Any]:
    """A row for each signal of the days, and for each of another day that is open or watched."""
    latest = (
        select(func.max(_C.version))
        .where(_C.signal_id == _S.id)
        .correlate(signals)
        .scalar_subquery()
    )
    overseen = exists(
        select(signal_events.c.id).where(
            signal_events.c.signal_id == _S.id, signal_events.c.event == Event.OVERSEE.name
        )
    ).correlate(signals)
    waits = and_(
        _S.absorbed_into.is_(None),
        or_(_S.state.not_in(_DONE), _I.conclusion == "CONTINUED_WATCH"),
    )
    inside: list[ColumnElement[bool]] = [under(_S.code, prefix)] if prefix else []
    days = and_(_S.day >= span.first.isoformat(), _S.day <= span.last.isoformat())
    return (
        select(*_COLUMNS, overseen)
        .select_from(signals)
        .outerjoin(investigations, _I.id == _S.event_id)
        .outerjoin(signal_cards, and_(_C.signal_id == _S.id, _C.version == latest))
        .where(*inside, or_(days, waits))
        .limit(_MOST_ROWS + 1)
    )


def _fact(row: Sequence[Any]) -> SignalFacts:
    code, disease, day, kind, method, state, sent_at, answered_at, absorbed_into = row[:9]
    event, event_state, conclusion, form_due, verified = row[9:14]
    *held, overseen = row[14:]
    return SignalFacts(
        code=reference_areas().successor(code) or code,
        disease=disease,
        day=day,
        kind=kind,
        method=method,
        state=state,
        sent_at=sent_at,
        answered_at=answered_at,
        absorbed=absorbed_into is not None,
        event=event,
        event_state=event_state,
        conclusion=conclusion,
        form_due=form_due,
        verified=tuple(orjson.loads(verified)) if verified else (),
        grounds=tuple(name for name, holds in zip(GROUNDS, held, strict=True) if holds == "true"),
        overseen=bool(overseen),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the report is of."""

    code: str
    prefix: str
    span: Span
    earlier: Span
    steps: list[Span]
    at: str


@dataclass(frozen=True, slots=True)
class _Places:
    """The counties of the area, by whether their region answered."""

    answered: tuple[str, ...]
    missing: tuple[str, ...]  # counties of regions that did not answer

    @classmethod
    def of(cls, question: Question, prefix: str, report: Report) -> _Places:
        """Of what the regions cover of the area. Counties of no region are no part of it."""
        failed = set(report.failed())
        there: list[str] = []
        away: list[str] = []
        for number, region in enumerate(question.federation.regions):
            within = tuple(
                one if one.startswith(prefix) else prefix
                for one in region.prefixes
                if one.startswith(prefix) or prefix.startswith(one)
            )
            (away if number in failed else there).extend(within)
        answered = _counties(there)
        return cls(answered, tuple(one for one in _counties(away) if one not in set(answered)))

    def under(self, code: str) -> tuple[int, bool]:
        """How many counties of an area answered, and whether all of them did."""
        prefix = code_prefix(code)
        whole = not any(one.startswith(prefix) for one in self.missing)
        return sum(one.startswith(prefix) for one in self.answered), whole


def _counties(prefixes: Sequence[str]) -> tuple[str, ...]:
    """The areas under some prefixes that have none below them."""
    areas = reference_areas()
    return tuple(one.code for one in areas.under(tuple(prefixes)) if not areas.children(one.code))


def _told(
    context: Context,
    period: SignalReportPeriod,
    asked: _Asked,
    facts: Sequence[SignalFacts],
    places: _Places,
    unmanned: list[str],
    report: Report,
) -> SignalReport:
    reference, zone = context.answering.reference, context.answering.nights.zone
    days = asked.span.begun(date.fromisoformat(zone.day(asked.at)))
    inside = [one for one in facts if asked.span.holds(one.day)]
    counties = len(places.answered)

    def of(some: Iterable[SignalFacts], count: int = counties, length: int = days) -> SignalFigures:
        return _figures(figures(some, count, length, asked.at))

    def area(code: str, some: Iterable[SignalFacts]) -> SignalReportArea:
        count, whole = places.under(code)
        return SignalReportArea(
            code=code,  # type: ignore[arg-type]  # scalars are text
            complete=whole,
            figures=of(some, count),
        )

    by_area = grouped(inside, lambda one: _below(asked.code, asked.prefix, one.code))
    by_county = grouped(inside, lambda one: one.code)
    return SignalReport(
        code=asked.code,  # type: ignore[arg-type]  # scalars are text
        period=period,
        start=asked.span.first.isoformat(),  # type: ignore[arg-type]  # scalars are text
        end=asked.span.last.isoformat(),  # type: ignore[arg-type]  # scalars are text
        as_of=asked.at,  # type: ignore[arg-type]  # scalars are text
        complete=not report.failed(),
        total=of(inside),
        before=of(
            (one for one in facts if asked.earlier.holds(one.day)), length=asked.earlier.days
        ),
        diseases=[
            SignalReportDisease(disease=disease_of(reference, key), figures=of(some))
            for key, some in grouped(inside, lambda one: one.disease).items()
        ],
        areas=[
            area(code, by_area.get(code, ()))
            for code in sorted({*by_area, *_areas_below(asked, places)})
        ],
        counties=[area(code, some) for code, some in sorted(by_county.items())],
        methods=[
            SignalReportMethod(method=DetectionMethod[key], figures=of(some))
            for key, some in grouped(inside, lambda one: one.method).items()
        ],
        curve=list(_curve(asked.steps, facts)),
        grounds=[
            SignalReportGround(
                ground=InvestigationGround[name.upper()],
                **asdict(ground_figures(inside, name)),
            )
            for name in GROUNDS
        ],
        false_signals=FalseSignals(**asdict(false_figures(inside))),
        open=OpenSignals(**asdict(open_now(facts, asked.at))),
        unmanned=unmanned,  # type: ignore[arg-type]  # scalars are text
        regions=region_answers(context.question, report),
    )


def _figures(found: Figures) -> SignalFigures:
    return SignalFigures(**asdict(found))


def _areas_below(asked: _Asked, places: _Places) -> set[str]:
    """The areas directly below the one asked for that some region covers."""
    covered = (*places.answered, *places.missing)
    return {_below(asked.code, asked.prefix, code) for code in covered}


def _below(code: str, prefix: str, county: str) -> str:
    """The area directly below `code` that a county lies in; the county's own code where it is not
    known more exactly than that.
    """
    areas = reference_areas()
    chain = [county, *areas.ancestors(county)]
    if not prefix:
        return chain[-1]
    inner = [one for one in chain if one != code and one.startswith(prefix)]
    return inner[-1] if inner else county


def _curve(steps: Sequence[Span], facts: Iterable[SignalFacts]) -> Iterator[SignalReportCurve]:
    step_of = {day.isoformat(): number for number, step in enumerate(steps) for day in step.every()}
    found: list[list[SignalFacts]] = [[] for _ in steps]
    for one in facts:
        if not one.absorbed and one.day in step_of:
            found[step_of[one.day]].append(one)
    for step, some in zip(steps, found, strict=True):
        yield SignalReportCurve(
            start=step.first.isoformat(),  # type: ignore[arg-type]  # scalars are text
            end=step.last.isoformat(),  # type: ignore[arg-type]  # scalars are text
            signals=len(some),
            suspected=sum(one.event is not None for one in some),
            confirmed=sum(one.confirmed for one in some),
        )
