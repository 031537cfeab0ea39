"""What is found beside letters: their events, copies, the records of their people, wherever these
are kept now; and the letters of a contact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Select, or_, select

from regions.assist import assist_copies, assist_events, assist_people, assist_requests
from regions.assist_notices import assist_notices
from regions.ids import region_of
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among, among_texts
from resolvers.catalog import RECORDS
from resolvers.federation import state_of
from resolvers.questions.link_reads import MOVING
from resolvers.questions.question import Question
from resolvers.questions.rows import scope_condition
from schema.alerts_messages import MessageChannel
from schema.assist import (
    AssistEvent,
    AssistEventKind,
    AssistPhase,
    AssistState,
)
from schema.assist_notices import AssistNotice, AssistNoticeState, AssistOccasion

if TYPE_CHECKING:
    from resolvers.context import Context

__all__ = [
    "copies_of",
    "events_of",
    "issuer_contacts_of",
    "managed_contacts_of",
    "notices_of",
    "raised_cases_of",
    "requests_of",
]

_KEYS = "keys"
_MOST_HOPS = 16
_EVENT = tuple(
    assist_events.c[name]
    for name in (
        *("request_id", "at", "event", "phase", "number", "position", "state", "version"),
        *("region", "actor", "unit_id", "reason_code", "detail", "created_at"),
    )
)


def _number(record: Any) -> int:
    return int(record.id.partition(":")[2])


def _by_region(of: Sequence[Any]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one in of:
        found.setdefault(one._row[2], []).append(_number(one))
    return found


async def _rows(
    question: Question, reads: Sequence[Read], path: str
) -> list[tuple[int, Sequence[Any]]]:
    """The rows of some reads with their regions; a region that does not answer is named."""
    found: list[tuple[int, Sequence[Any]]] = []
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        else:
            question.region_answered(read.region, path)
            found += [(read.region, row) for row in answer.rows]
    return found


def _reads(
    question: Question,
    wanted: Mapping[int, Collection[Any]],
    statement: Callable[[str], Statement],
) -> list[Read]:
    reads = []
    for region, keys in wanted.items():
        made: Statement = statement(question.federation.dialects[region])
        reads.append(Read(region, made.sql, made.bind({_KEYS: orjson.dumps(list(keys)).decode()})))
    return reads


async def events_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The events of some letters, as each one's own copy has them."""
    question = context.question
    found: dict[tuple[int, int], list[AssistEvent]] = {}
    reads = _reads(question, _by_region(of), _events)
    for region, row in await _rows(question, reads, of[0]._path):
        found.setdefault((region, row[0]), []).append(_event(row))
    return [found.get((one._row[2], _number(one)), []) for one in of]


@cache
def _events(dialect: str) -> Statement:
    c = assist_events.c
    return Statement(
        select(*_EVENT).where(among(c.request_id, text_value(_KEYS))).order_by(c.at, c.id),
        dialect,
    )


def _event(row: Sequence[Any]) -> AssistEvent:
    _, at, event, phase, number, position, state, version, region, actor, unit, why, more, known = (
        row
    )
    return AssistEvent(
        at=at,
        event=AssistEventKind[event],
        phase=AssistPhase[phase],
        number=number,
        person=position,
        state=None if state is None else AssistState[state],
        version=version,
        region=region,
        actor=actor,
        unit_id=unit,
        reason_code=why,
        detail=more,
        known_at=known,
    )


async def notices_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """Who was told of some copies of letters by messages."""
    question = context.question
    found: dict[tuple[int, int], list[AssistNotice]] = {}
    reads = _reads(question, _by_region(of), _notices)
    for region, (request, *row) in await _rows(question, reads, of[0]._path):
        found.setdefault((region, request), []).append(_notice(row))
    return [found.get((one._row[2], _number(one)), []) for one in of]


@cache
def _notices(dialect: str) -> Statement:
    c = assist_notices.c
    columns = (c.request_id, c.occasion, c.about, c.units, c.channel, c.unit_id, c.account)
    asked = select(*columns, c.state, c.outcome, c.due_at, c.settled_at)
    return Statement(
        asked.where(among(c.request_id, text_value(_KEYS))).order_by(c.due_at, c.id), dialect
    )


def _notice(row: Sequence[Any]) -> AssistNotice:
    occasion, about, units, channel, unit, account, state, outcome, due_at, settled_at = row
    return AssistNotice(
        occasion=AssistOccasion[occasion],
        about=about,
        units=orjson.loads(units),
        channel=MessageChannel[channel] if channel else None,
        unit_id=unit or None,
        account=account or None,
        state=AssistNoticeState[state],
        outcome=outcome,
        due_at=due_at,
        settled_at=settled_at,
    )


async def copies_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The units above that got a copy of some letters."""
    question = context.question
    wanted: dict[int, list[str]] = {}
    for one in of:
        wanted.setdefault(one._row[2], []).append(one.number)
    found: dict[tuple[int, str], list[str]] = {}
    reads = _reads(question, wanted, _copies)
    for region, row in await _rows(question, reads, of[0]._path):
        found.setdefault((region, row[0]), []).append(row[1])
    return [found.get((one._row[2], one.number), []) for one in of]


@cache
def _copies(dialect: str) -> Statement:
    c = assist_copies.c
    chosen = among_texts(c.number, text_value(_KEYS))
    return Statement(select(c.number, c.unit_id).where(chosen).order_by(c.unit_id), dialect)


async def managed_contacts_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The records of some people as contacts, from the region that manages each of them now."""
    return await _linked(context, of, "Contact", "contact_id")


async def issuer_contacts_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The issuer's records of some people as contacts."""
    return await _linked(context, of, "Contact", "issuer_contact_id")


async def raised_cases_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The cases that were registered of some people."""
    return await _linked(context, of, "Case", "case_id")


async def _linked(context: Context, of: Sequence[Any], name: str, column: str) -> Sequence[Any]:
    """The records that a column of people of letters names, by jurisdiction or by a share."""
    question, path = context.question, of[0]._path

    def statement(dialect: str) -> Statement:
        return _links(column, dialect)

    links: dict[tuple[int, int], int] = {}
    reads = _reads(question, _by_region(of), statement)
    for region, row in await _rows(question, reads, path):
        if row[1] is not None:
            links[(region, row[0])] = row[1]
    records = await _wherever(context, name, set(links.values()), path)
    places = [links.get((one._row[2], _number(one))) for one in of]
    return [None if place is None else records.get(place) for place in places]


@cache
def _links(column: str, dialect: str) -> Statement:
    c = assist_people.c
    return Statement(select(c.id, c[column]).where(among(c.id, text_value(_KEYS))), dialect)


async def _wherever(context: Context, name: str, ids: set[int], path: str) -> dict[int, Any]:
    """Records by id, from the regions they were made in or, where they were handed over since, from
    where they are kept now.
    """
    question = context.question
    index_of = question.federation.index_of
    asked: dict[int, set[int]] = {}
    for one in ids:
        if (region := index_of.get(region_of(one))) is not None:
            asked.setdefault(region, set()).add(one)
    if name in MOVING:
        for _ in range(_MOST_HOPS):
            places = await _kept_in(context, name, asked, path)
            if places == asked:
                break
            asked = places
    records = await context.records.shared(name, asked, path)
    return {number: record for (_, number), record in records.items()}


async def _kept_in(
    context: Context, name: str, asked: Mapping[int, set[int]], path: str
) -> dict[int, set[int]]:
    """Where records are kept that are asked for in some regions."""
    question = context.question
    places = {region: set(numbers) for region, numbers in asked.items()}

    def statement(dialect: str) -> Statement:
        return _moved(name, dialect)

    for region, (number, code) in await _rows(question, _reads(question, asked, statement), path):
        at = question.federation.index_of.get(code)
        if at is not None and at != region:
            places[region].discard(number)
            places.setdefault(at, set()).add(number)
    return {region: numbers for region, numbers in places.items() if numbers}


@cache
def _moved(name: str, dialect: str) -> Statement:
    table = RECORDS[name].table
    chosen = (among(table.c.id, text_value(_KEYS)), table.c.kept_in.is_not(None))
    return Statement(select(table.c.id, table.c.kept_in).where(*chosen), dialect)


async def requests_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The letters of some contacts that the viewer may open, in the contacts' own stores."""
    question, path = context.question, of[0]._path
    pairs: dict[tuple[int, int], list[int]] = {}
    reads = []
    for region, numbers in _by_region(of).items():
        scoped = scope_condition(question, assist_requests, region)
        c = assist_people.c
        keys = text_value(_KEYS)
        asked: Select[Any] = (
            select(c.contact_id, c.issuer_contact_id, c.request_id)
            .join(assist_requests, assist_requests.c.id == c.request_id)
            .where(or_(among(c.contact_id, keys), among(c.issuer_contact_id, keys)), *scoped)
            .order_by(assist_requests.c.created_at.desc(), c.request_id)
        )
        made = Statement(asked, question.federation.dialects[region])
        values = {_KEYS: orjson.dumps(numbers).decode()}
        reads.append(Read(region, made.sql, made.bind(values)))
    wanted: dict[int, set[int]] = {}
    for region, (contact, issuer_contact, request) in await _rows(question, reads, path):
        wanted.setdefault(region, set()).add(request)
        for one in {contact, issuer_contact} - {None}:
            pairs.setdefault((region, one), []).append(request)
    records = await context.records.shared("AssistRequest", wanted, path)
    found = []
    for one in of:
        region = one._row[2]
        own = dict.fromkeys(pairs.get((region, _number(one)), ()))
        found.append([records[(region, n)] for n in own if (region, n) in records])
    return found
