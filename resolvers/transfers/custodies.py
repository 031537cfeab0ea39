"""Who answers for people now: the word of the region where they are on record, followed from
region to region until one says that it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from regions.errors import NotFound
from regions.ids import region_of
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among
from regions.transfers import custody, transfer_events
from resolvers.nodes import parse_id
from resolvers.questions.rows import scope_condition
from resolvers.transfers.reading import event_of, rows_in
from schema.transfers import Custody, CustodyState

if TYPE_CHECKING:
    from resolvers.context import Context
    from resolvers.questions.question import Question

__all__ = ["custodies_of", "custody_of"]

_KEYS = "keys"
_MOST_HOPS = 16
_ELSEWHERE = frozenset({"HANDED", "PENDING", "CLOSED", "FENCED"})


async def custodies_of(context: Context, of: Sequence[Any]) -> Sequence[Any]:
    """The custody of some people, from their records' regions on."""
    wanted: dict[int, list[int]] = {}
    for one in of:
        wanted.setdefault(one._row[2], []).append(int(one.id.partition(":")[2]))
    found = await _followed(context.question, wanted, of[0]._path)
    return [found[int(one.id.partition(":")[2])] for one in of]


async def custody_of(context: Context, person: str, path: str) -> Custody:
    """The custody of a person of whom the viewer may open any record, be it the one left behind
    where the person was handed over. Raises NotFound.
    """
    question = context.opens_records()
    record, one = parse_id(person)
    if record is None or record.name != "Person":
        raise NotFound("no such person", argument="personId")
    federation = question.federation
    within = federation.concerned([question.scope.prefix])
    home = federation.index_of.get(region_of(one))
    reads = []
    for region in [home] if home in within else within:  # of the jurisdiction alone: leak 40
        assert region is not None
        statement = Statement(
            select(people.c.id).where(
                among(people.c.id, text_value(_KEYS)), *scope_condition(question, people, region)
            ),
            federation.dialects[region],
        )
        reads.append(Read(region, statement.sql, statement.bind({_KEYS: f"[{one}]"})))
    known = [region for region, _ in await rows_in(question, reads, path)]
    if not known:
        raise NotFound("no such person", argument="personId")
    question.trail.saw("person", [one])
    found = await _followed(question, {known[0]: [one]}, path)
    return found[one]


async def _followed(
    question: Question, wanted: Mapping[int, Iterable[int]], path: str
) -> dict[int, Custody]:
    """The custody of people by id; `wanted` says where to begin."""
    index_of = question.federation.index_of
    found: dict[int, Custody] = {}
    trails: dict[int, dict[Any, Sequence[Any]]] = {}
    asking = {region: list(ids) for region, ids in wanted.items()}
    for _ in range(_MOST_HOPS):
        told = await _ask(question, asking, path)
        events = await _trail(question, asking, path)
        for person, row in events:
            # Both sides note the same step: it is told once.
            trails.setdefault(person, {}).setdefault((row[0], row[1], row[2], row[3]), row)
        further: dict[int, list[int]] = {}
        for region, row in told:
            one = _custody(question.federation.regions[region].code, row)
            known = found.get(row[0])
            if known is None or one.epoch >= known.epoch:
                found[row[0]] = one
            peer = index_of.get(row[6] or "")
            if row[4] in _ELSEWHERE and peer is not None and peer != region:
                found[row[0]].confirmed = False
                further.setdefault(peer, []).append(row[0])
        asking = further
        if not asking:
            break
    for region, ids in wanted.items():
        for person in ids:
            if person not in found:  # its region did not answer
                code = question.federation.regions[region].code
                found[person] = _unknown(person, code)
            rows = sorted(trails.get(person, {}).values(), key=itemgetter(1, 7))
            found[person].trail = [event_of(row) for row in rows]
    return found


async def _ask(
    question: Question, wanted: Mapping[int, Iterable[int]], path: str
) -> list[tuple[int, Sequence[Any]]]:
    reads = []
    for region, ids in wanted.items():
        statement = _custodians(question.federation.dialects[region])
        values = {_KEYS: orjson.dumps(list(ids)).decode()}
        reads.append(Read(region, statement.sql, statement.bind(values)))
    return await rows_in(question, reads, path)


async def _trail(
    question: Question, wanted: Mapping[int, Iterable[int]], path: str
) -> list[tuple[int, Sequence[Any]]]:
    reads = []
    for region, ids in wanted.items():
        statement = _steps(question.federation.dialects[region])
        values = {_KEYS: orjson.dumps(list(ids)).decode()}
        reads.append(Read(region, statement.sql, statement.bind(values)))
    return [(row[-1], row) for _, row in await rows_in(question, reads, path)]


def _custody(region: str, row: Sequence[Any]) -> Custody:
    person, reporter_unit, created_at, _, state, epoch, peer, transfer, unit, since = row
    if state is None:
        state, epoch, unit, since = "OWNED", 0, reporter_unit, created_at
    elsewhere = state in _ELSEWHERE
    return Custody(
        person_id=f"person:{person}",  # type: ignore[arg-type]  # scalars are text
        region=peer if elsewhere and peer else region,  # type: ignore[arg-type]  # scalars are text
        unit_id=None if elsewhere else unit or reporter_unit,
        state=CustodyState.OWNED if elsewhere else CustodyState[state],
        epoch=epoch,
        since=since,
        transfer_id=transfer,
        confirmed=not elsewhere,
        trail=[],
    )


def _unknown(person: int, region: str) -> Custody:
    return Custody(
        person_id=f"person:{person}",  # type: ignore[arg-type]  # scalars are text
        region=region,  # type: ignore[arg-type]  # scalars are text
        unit_id=None,
        state=CustodyState.OWNED,
        epoch=0,
        since=None,
        transfer_id=None,
        confirmed=False,
        trail=[],
    )


@cache
def _custodians(dialect: str) -> Statement:
    statement = (
        select(
            people.c.id,
            people.c.reporter_unit,
            people.c.created_at,
            people.c.kept_in,
            custody.c.state,
            custody.c.epoch,
            custody.c.peer,
            custody.c.transfer_id,
            custody.c.unit_id,
            custody.c.since,
        )
        .outerjoin(custody, custody.c.person_id == people.c.id)
        .where(among(people.c.id, text_value(_KEYS)))
    )
    return Statement(statement, dialect)


@cache
def _steps(dialect: str) -> Statement:
    c = transfer_events.c
    statement = (
        select(
            c.transfer_id, c.at, c.region, c.event, c.actor, c.unit_id, c.epoch, c.id, c.person_id
        )
        .where(among(c.person_id, text_value(_KEYS)))
        .order_by(c.at, c.id)
    )
    return Statement(statement, dialect)
