"""`assistIndicators`: the letters of a time and the viewer's jurisdiction, to figures (C5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Select, select

from regions.assist import assist_people, assist_requests
from regions.errors import InvalidInput, TooLarge
from regions.instants import now
from regions.reading import Read
from regions.statements import Statement
from resolvers.assist.indicators import Group, Indicator, LetterFacts, PersonFacts, indicators
from resolvers.context import Context
from resolvers.federation import Report
from resolvers.questions.rows import scope_condition
from schema.assist_indicators import AssistIndicator, AssistIndicatorKey

__all__ = ["assist_indicators"]

_MOST_DAYS = 732
_MOST_ROWS = 500_000  # people of letters, of one region
_CHINA = timedelta(hours=8)
_FIGURES = (
    *("key", "letters", "people", "same_day", "next_day", "delayed", "untraced", "open"),
    *("same_day_rate", "next_day_rate", "delayed_rate", "excluded", "forwarded"),
    *("forwarded_twice", "overdue_acknowledge", "overdue_control", "overdue_feedback"),
    *("hours_to_acknowledge", "hours_to_control", "hours_to_feedback"),
)


async def assist_indicators(
    context: Context, start: str, end: str, by: AssistIndicatorKey, path: str
) -> list[AssistIndicator]:
    """The figures of letters first sent from one day to another. Raises InvalidInput, TooLarge."""
    question = context.opens_records()
    _check(start, end)
    federation = question.federation
    regions = federation.concerned([question.scope.prefix])
    reads = []
    for region in regions:
        for statement in _statements(question, region, start, end):
            compiled = Statement(statement, federation.dialects[region])
            reads.append(Read(region, compiled.sql, compiled.bind({})))
    report = Report(len(federation.regions))
    as_of = now()
    letters: list[LetterFacts] = []
    people: list[PersonFacts] = []
    answers = await question.ask(reads) if reads else []
    failed = {
        read.region
        for read, answer in zip(reads, answers, strict=True)
        if answer.failure is not None
    }
    for number, (read, answer) in enumerate(zip(reads, answers, strict=True)):
        report.add(read.region, answer, as_of)
        if read.region in failed:  # half of what a region has is nothing to count
            continue
        if len(answer.rows) > _MOST_ROWS:
            raise TooLarge(
                f"region {federation.regions[read.region].code} has more than {_MOST_ROWS:,} "
                "people of letters in this time",
                hint="ask for fewer days",
            )
        if number % 2 == 0:
            letters.extend(_letter(row) for row in answer.rows)
        else:
            people.extend(PersonFacts(*row) for row in answer.rows)
    question.note_regions(report, path)
    found = indicators(letters, people, Group[by.name], as_of)
    return [_told(one, complete=not failed) for one in found]


def _check(start: str, end: str) -> None:
    if start > end:
        raise InvalidInput("from is after to", argument="from")
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days + 1
    if days > _MOST_DAYS:
        raise TooLarge(f"{days} days are more than {_MOST_DAYS} at once", hint="ask for fewer days")


def _statements(question: Any, region: int, start: str, end: str) -> Sequence[Select[Any]]:
    """Letters that were sent within days in China, and their people."""
    letter, person = assist_requests.c, assist_people.c
    where = [
        letter.sent_at.is_not(None),
        letter.sent_at >= _instant(start, 0),
        letter.sent_at < _instant(end, 1),
        *scope_condition(question, assist_requests, region),
    ]
    columns = [getattr(letter, name) for name in _COLUMNS]
    return (
        select(*columns).where(*where).limit(_MOST_ROWS + 1),
        select(letter.number, letter.side, person.position, person.state, person.controlled_at)
        .join(assist_people, person.request_id == letter.id)
        .where(*where)
        .limit(_MOST_ROWS + 1),
    )


_COLUMNS = (
    *("number", "side", "root_number", "from_unit", "from_code", "to_unit", "to_code", "hops"),
    *("state", "sent_at", "acknowledge_due", "acknowledged_at", "control_due", "feedback_due"),
    "feedback_at",
)


def _letter(row: Sequence[Any]) -> LetterFacts:
    values = dict(zip(_COLUMNS, row, strict=True))
    forwarded = len(orjson.loads(values.pop("hops")))  # who held the letter before
    return LetterFacts(**values, forwarded=forwarded)


def _instant(day: str, more: int) -> str:
    """The first instant of a day in China, or of one so many days later, in UTC."""
    at = datetime.fromisoformat(day) + timedelta(days=more) - _CHINA
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(one: Indicator, *, complete: bool) -> AssistIndicator:
    figures = {name: getattr(one, name) for name in _FIGURES}
    return AssistIndicator(complete=complete, **figures)
