"""`publicFigures`: what a city may publish of a day, summed over the regions (B9, N113 4.2).

A card counts where it is kept (B8), what becomes of a carrier where the carrier is: each once. A
region's figures are of one statement, so they belong together; all are of the day in China.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, union_all

from regions.cases import cases
from regions.corrections import corrections
from regions.errors import Forbidden, InvalidInput
from regions.instants import now
from regions.pathways import pathway_events, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement
from regions.text import under
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.filters import code_prefix
from resolvers.pathway.states import IN_HOSPITAL, PathwayEvent, end_of_day, local_day
from resolvers.users import Viewer
from schema.figures import Figure, PublicFigures

__all__ = ["public_figures"]

_PUBLISHING = frozenset({"NATIONAL", "PROVINCE", "CITY"})
_DISEASE = "covid19"
_E = pathway_events.c
_P = pathways.c
_FIGURES = (
    "confirmed_reported",
    "carriers_reported",
    "turned_confirmed",
    "released",
    "under_observation",
)


async def public_figures(context: Context, day: str, code: str, path: str) -> PublicFigures:
    """The figures of a day. Raises Forbidden, InvalidInput."""
    question = context.opens_records()
    prefix = code_prefix(code)
    _require_publishing(question.viewer, code, prefix)
    if day > local_day(now()).isoformat():
        raise InvalidInput("the day lies in the future", argument="date")
    federation = question.federation
    begins, ends = _bounds(day)
    reads = []
    for region in federation.concerned([prefix]):
        statement = Statement(_statement(prefix, begins, ends), federation.dialects[region])
        reads.append(Read(region, statement.sql, statement.bind({})))
    report, at = Report(len(federation.regions)), now()
    found = {name: {"LOCAL": 0, "IMPORTED": 0} for name in _FIGURES}
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, at)
        for name, origin, count in answer.rows if answer.failure is None else ():
            found[name][origin] += int(count)
    question.note_regions(report, path)
    return PublicFigures(
        date=day,  # type: ignore[arg-type]  # scalars are text
        code=code,  # type: ignore[arg-type]  # scalars are text
        complete=not report.failed(),
        regions=region_answers(question, report),
        **{name: _figure(**by_origin) for name, by_origin in found.items()},
    )


def _figure(LOCAL: int, IMPORTED: int) -> Figure:  # names of origins as they are stored
    return Figure(local=LOCAL, imported=IMPORTED, total=LOCAL + IMPORTED)


def _require_publishing(viewer: Viewer, code: str, prefix: str) -> None:
    """Raises Forbidden unless the viewer's unit may publish figures of the place (N113)."""
    if viewer.unit_level not in _PUBLISHING:
        raise Forbidden(
            "figures are published by the city: counties, hospitals and other units may not",
            hint="ask the CDC of the city or the province",
        )
    if not prefix.startswith(viewer.prefix):
        raise Forbidden(f"the code {code} is outside of your jurisdiction", argument="code")
    if len(prefix) > 4:
        raise Forbidden(
            "no figures of a county are published", argument="code", hint="name its city"
        )


def _bounds(day: str) -> tuple[str, str]:
    """The last second before a day and its own last, in China."""
    this = date.fromisoformat(day)
    return end_of_day(this - timedelta(days=1)), end_of_day(this)


def _statement(prefix: str, begins: str, ends: str) -> Select[Any]:
    """A row for each figure and origin."""

    def within(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(column > begins, column <= ends)

    card = [cases.c.kept_in.is_(None), *_under(cases.c.code, prefix), within(cases.c.reported_at)]
    was_carrier = or_(
        exists(
            select(_E.pathway_id).where(
                _E.pathway_id == cases.c.id,
                _E.kind == PathwayEvent.ASYMPTOMATIC_CONFIRMED.name,
            )
        ),
        exists(  # the pathway may have gone elsewhere with the carrier; the card's history has not
            select(corrections.c.id).where(
                corrections.c.record_type == "CASE",
                corrections.c.record_id == cases.c.id,
                corrections.c.field == "classification",
                corrections.c.old_value == '"ASYMPTOMATIC"',
            )
        ),
    )
    carrier = or_(cases.c.classification == "ASYMPTOMATIC", was_carrier)
    confirmed = and_(cases.c.classification == "CONFIRMED", ~was_carrier)
    there = [_P.record == "case", people.c.kept_in.is_(None), *_under(_P.code, prefix)]
    ill = _E.state == "CONFIRMED_CASE"
    later = pathway_events.alias("later")
    before = pathway_events.alias("before")
    reported_before = exists(
        select(before.c.pathway_id).where(
            before.c.pathway_id == _E.pathway_id,
            before.c.kind == PathwayEvent.ASYMPTOMATIC_CONFIRMED.name,
            before.c.number < _E.number,
        )
    )
    first_ill = ~exists(
        select(before.c.pathway_id).where(
            before.c.pathway_id == _E.pathway_id,
            before.c.state == "CONFIRMED_CASE",
            before.c.number < _E.number,
        )
    )
    last_that_day = ~exists(
        select(later.c.pathway_id).where(
            later.c.pathway_id == _E.pathway_id, later.c.at <= ends, later.c.number > _E.number
        )
    )
    inside = [state.name for state in sorted(IN_HOSPITAL, key=lambda one: one.name)]
    parts = [
        _cards("confirmed_reported", [*card, confirmed]),
        _cards("carriers_reported", [*card, carrier]),
        _events("turned_confirmed", [*there, within(_E.at), ill, reported_before, first_ill]),
        _events(
            "released",
            [*there, within(_E.at), _E.kind == PathwayEvent.CLINICAL_CHECK_NORMAL.name],
        ),
        _events("under_observation", [*there, _E.at <= ends, _E.state.in_(inside), last_that_day]),
    ]
    every = union_all(*parts).subquery()
    return select(every.c.figure, every.c.origin, every.c.found)


def _cards(name: str, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(literal(name).label("figure"), cases.c.origin, func.count().label("found"))
        .where(cases.c.disease == _DISEASE, *where)
        .group_by(cases.c.origin)
    )


def _events(name: str, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(literal(name).label("figure"), cases.c.origin, func.count().label("found"))
        .select_from(pathway_events)
        .join(pathways, _P.id == _E.pathway_id)
        .join(people, people.c.id == _P.person_id)
        .join(cases, cases.c.id == _P.id)
        .where(cases.c.disease == _DISEASE, *where)
        .group_by(cases.c.origin)
    )


def _under(column: ColumnElement[Any], prefix: str) -> list[ColumnElement[bool]]:
    return [under(column, prefix)] if prefix else []
