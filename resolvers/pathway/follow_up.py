"""`followUpSheet`: whom a unit has to see on a day, over all regions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from regions.errors import TooLarge
from regions.instants import now
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.pathway.caveats import caveats_of, rule_pack_type
from resolvers.pathway.engine import expired
from resolvers.pathway.overdue import item_of
from resolvers.pathway.reading import Written, written_pathways
from resolvers.pathway.states import end_of_day, local_day
from resolvers.pathway.storing import pack_of, standing_of
from resolvers.questions.question import Question
from resolvers.questions.rows import scope_condition
from schema.follow_up import FollowUp, FollowUpSheet
from schema.pathway import OverdueItem

__all__ = ["follow_up_sheet"]

_MOST = 1_000  # people on a sheet
_CLOCKS = pathway_clocks.c


async def follow_up_sheet(context: Context, day: str, unit: str | None, path: str) -> FollowUpSheet:
    """The sheet of a unit and day. Raises Forbidden, TooLarge.

    Of a day to come it says what will be due if everything is done until then.
    """
    question = context.opens_records()
    wanted = date.fromisoformat(day)
    ends, at, unit = end_of_day(wanted), now(), unit or question.viewer.unit_id
    report = Report(len(question.federation.regions))
    numbers = await _concerned(question, unit, ends, report, path)
    if sum(map(len, numbers.values())) > _MOST:
        raise TooLarge(
            f"more than {_MOST} people are due: a sheet holds no more",
            hint="ask for a unit of fewer people, or list `overdue` page by page",
        )
    known = await written_pathways(question, numbers, path)
    records: dict[tuple[str, int], Any] = {}
    for kind, name in (("case", "Case"), ("contact", "Contact")):
        ids = [number for (_, number), one in known.items() if one.row["record"] == kind]
        if ids:
            found = await context.records.of_ids(name, ids, path)
            records |= {(kind, number): record for number, record in found.items()}
            question.trail.saw(kind, ids)
    sheet = []
    for (_, number), one in known.items():
        due = _due(one, unit, ends, at)
        if due:
            kind = one.row["record"]
            record = records.get((kind, number))
            sheet.append(_follow_up(one, record, due, wanted))
    sheet.sort(key=lambda one: (one.due[0].due_at, one.record))
    return FollowUpSheet(
        date=day,  # type: ignore[arg-type]  # scalars are text
        unit_id=unit,  # type: ignore[arg-type]  # an ID is text
        people=sheet,
        complete=not report.failed() and not question.failures(path),
        regions=region_answers(question, report),
    )


async def _concerned(
    question: Question, unit: str, ends: str, report: Report, path: str
) -> Mapping[int, list[int]]:
    """The pathways, by region, on which something is due of a unit by an instant."""
    federation = question.federation
    reads = []
    for region in federation.concerned([question.scope.prefix]):
        statement = Statement(
            select(_CLOCKS.pathway_id)
            .join(pathways, pathways.c.id == _CLOCKS.pathway_id)
            .join(people, people.c.id == pathways.c.person_id)
            .where(
                people.c.kept_in.is_(None),
                _CLOCKS.met_at.is_(None),
                _CLOCKS.dropped_at.is_(None),
                _CLOCKS.due_at <= ends,
                _CLOCKS.unit_id == unit,
                *scope_condition(question, pathway_clocks, region),
            )
            .distinct()
            .order_by(_CLOCKS.pathway_id)
            .limit(_MOST + 1),
            federation.dialects[region],
        )
        reads.append(Read(region, statement.sql, statement.bind({}), _MOST + 1))
    found, at = {}, now()
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        report.add(read.region, answer, at)
        if answer.failure is None and answer.rows:
            found[read.region] = [row[0] for row in answer.rows]
            report.at(read.region).records = len(answer.rows)
    question.note_regions(report, path)
    return found


def _due(one: Written, unit: str, ends: str, at: str) -> list[OverdueItem]:
    """What is due of a unit by the end of a day, as it stands when the day begins, or now."""
    row, units = one.row, {(c["kind"], c["number"]): c["unit_id"] for c in one.clocks}
    standing = expired(standing_of(row, one.clocks), max(at, _begins(ends)))
    found = []
    for clock in standing.clocks:
        key = (clock.kind.name, clock.number)
        if not clock.running or clock.due_at > ends:
            continue
        whose = units.get(key, row["unit_id"])
        if whose == unit:
            about = (row["record"], whose, row["code"], clock.opened_at, clock.missed_at)
            found.append(item_of((clock.due_at, row["id"], *key, *about, None, None), at))
    return sorted(found, key=lambda item: (item.due_at, item.id))


def _begins(ends: str) -> str:
    """Midnight in China before the end of a day."""
    day = local_day(ends)
    return end_of_day(date.fromordinal(day.toordinal() - 1))


def _follow_up(one: Written, record: Any, due: list[OverdueItem], day: date) -> FollowUp:
    row = one.row
    standing, rules = standing_of(row, one.clocks), pack_of(row["pack"])
    return FollowUp(
        record=f"{row['record']}:{row['id']}",  # type: ignore[arg-type]  # an ID is text
        case=record if row["record"] == "case" else None,
        contact=record if row["record"] == "contact" else None,
        state=standing.state,
        day=standing.day(end_of_day(day)),
        pack=rule_pack_type(rules),
        caveats=caveats_of(rules, standing.level),
        due=due,
    )
