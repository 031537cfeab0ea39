"""`offerTransfer`: people are offered to another unit, each for itself (D)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection, literal, select

from regions.people import people
from regions.reading import Read
from regions.reference import units
from regions.statements import Statement, text_value
from regions.text import among
from regions.transfers import custody
from resolvers.assist.routing import Asked, route
from resolvers.context import Context
from resolvers.federation import state_of
from resolvers.questions.rows import scope_condition
from resolvers.transfers.applying import ids_for
from resolvers.transfers.many import Offering, offer_many
from resolvers.transfers.moving import (
    Kept,
    Requested,
    acts_for,
    answer,
    kept_of,
    people_given,
    problem_of,
    refused_whole,
    take_all,
)
from resolvers.transfers.offers import offer_transfer as offer
from resolvers.transfers.terms import Offer, OfferedPerson, PersonOutcome, Who
from resolvers.writing.joining import shown
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found
from resolvers.writing.several import Mutation, Several
from resolvers.writing.stores import Store
from resolvers.writing.values import item
from resolvers.writing.writing import Writing, Wrote
from schema.writing.problems import Problem
from schema.writing.transfers import OfferTransferInput, TransferPayload

__all__ = ["offer_transfer"]

_KEYS = "keys"
_ESCORT, _REMARKS = 500, 2000


@dataclass(frozen=True, slots=True)
class _Destination:
    """Who is to answer for the people: region and county of six digits, unit."""

    region: str
    code: str
    unit: str


async def offer_transfer(context: Context, given: OfferTransferInput, path: str) -> TransferPayload:
    """Offers people to another unit. Raises Refusal."""
    writing = Writing(context, "offerTransfer", given, path)
    mistakes = Mistakes()
    ids = [one.person_id for one in given.people]
    numbers = people_given(ids, mistakes, ["people"], "personId")
    offered = {
        number: OfferedPerson(
            number,
            one.epoch,
            item(one.escort, mistakes, ["people", str(index), "escort"], _ESCORT),
            item(one.remarks, mistakes, ["people", str(index), "remarks"], _REMARKS),
        )
        for index, (number, one) in enumerate(zip(numbers, given.people, strict=False))
    }
    if given.departed_at is not None and given.departed_at > writing.moment.latest:
        mistakes.add(["departedAt"], "this lies in the future", "该时间在将来")
    to = _destination(writing, given, mistakes)
    mistakes.stop()
    assert to is not None
    await _require_unit(writing, given, to)
    store = await _keeper(writing, numbers)
    wanted = Offer(
        transfer_id=writing.reference,
        to_region=to.region,
        to_unit=to.unit,
        to_code=to.code,
        people=(),
        reason=given.reason.name,
        planned_at=given.planned_at,
        departed_at=given.departed_at,
        items=tuple(one.name for one in dict.fromkeys(given.items or ())),
    )

    def work(connection: Connection, first: int, wrote: Wrote) -> Kept:
        problems = _refused(connection, writing, store, numbers, wanted.items)
        outcomes = _offer(connection, writing, store, first, wanted, offered, problems)
        if not outcomes:
            return kept_of(None, numbers, {}, problems)
        wrote["person"], wrote["transfer"] = list(outcomes), [wanted.transfer_id]
        return kept_of(wanted.transfer_id, numbers, outcomes, problems)

    whole = replace(wanted, people=tuple(offered.values()))
    several = _OFFERS, Requested(writing, whole, numbers)
    kept, repeated = await writing.once(store, ids_for(len(numbers)), work, several)
    return await answer(writing, store, "SENT", kept, repeated, path)


def _offer_all(
    connection: Connection, store: Store, given: Sequence[tuple[Mutation, int]]
) -> list[Kept | None]:
    """Makes the offers of mutations of which nobody is refused anything."""

    def offering(one: Requested[Offer], at: str) -> Offering | None:
        writing, numbers = one.writing, [person.person_id for person in one.what.people]
        if _refused(connection, writing, store, numbers, one.what.items):
            return None
        who = Who(*writing.reporter, writing.viewer.code)
        return Offering(one.what, who, writing.trace, at)

    return take_all(connection, store, given, offering, offer_many)


_OFFERS = Several(_offer_all)


def _offer(
    connection: Connection,
    writing: Writing,
    store: Store,
    first: int,
    wanted: Offer,
    offered: Mapping[int, OfferedPerson],
    problems: dict[int, Problem],
) -> Mapping[int, PersonOutcome]:
    """What became of those without a problem; adds the problems of those who cannot be offered.

    An offer is taken whole or not at all: who cannot be offered is left out, and it is made again.
    """
    who = Who(*writing.reporter, writing.viewer.code)
    while True:
        going = tuple(one for number, one in offered.items() if number not in problems)
        if not going:
            return {}
        outcome = offer(
            connection,
            store,
            first,
            replace(wanted, people=going),
            who,
            trace=writing.trace,
            at=writing.moment.now,
        )
        if outcome.refusal is None:
            return outcome.people
        left_out = {
            person: problem_of(one.refusal)
            for person, one in outcome.people.items()
            if one.refusal is not None
        }
        if not left_out:
            raise refused_whole(outcome)
        problems |= left_out


def _destination(
    writing: Writing, given: OfferTransferInput, mistakes: Mistakes
) -> _Destination | None:
    """Where a code leads; what does not lead to one county asks, and never guesses."""
    federation = writing.question.federation
    way = route(given.to_code, federation.regions, sender=writing.viewer.code)
    if isinstance(way, Asked):
        mistakes.add(["toCode"], way.message, way.message_zh)
        return None
    return _Destination(way.region, way.code, given.to_unit or way.unit)


async def _require_unit(writing: Writing, given: OfferTransferInput, to: _Destination) -> None:
    """Raises Refusal where the receiving region knows no such unit in the county.

    Where it does not answer the unit is taken as given: an outage there keeps nobody from offering,
    and the receiver's county sees the offer all the same.
    """
    if given.to_unit is None:
        return
    question = writing.question
    region = question.federation.index_of[to.region]
    statement = Statement(
        select(units.c.code).where(units.c.id == text_value("unit")),
        question.federation.dialects[region],
    )
    (told,) = await question.ask([Read(region, statement.sql, statement.bind({"unit": to.unit}))])
    if told.failure is not None:
        question.trail.regions[to.region] = state_of(told.failure)
        return
    if [row[0] for row in told.rows] != [to.code]:
        mistakes = Mistakes()
        mistakes.add(
            ["toUnit"],
            f"there is no such unit in the county {to.code}: see `units`",
            f"{to.code} 没有该单位，见 units",
        )
        mistakes.stop()


async def _keeper(writing: Writing, numbers: Sequence[int]) -> Store:
    """The store that keeps the people, or the first of them. Raises Refusal."""
    question, stores = writing.question, writing.stores
    seen = await writing.look()
    federation = question.federation
    within = federation.concerned([question.scope.prefix])
    reads = []
    for region in within:
        statement = Statement(
            select(people.c.id).where(
                among(people.c.id, text_value(_KEYS)), people.c.kept_in.is_(None)
            ),
            federation.dialects[region],
        )
        values = {_KEYS: orjson.dumps(list(numbers)).decode()}
        reads.append(Read(region, statement.sql, statement.bind(values)))
    keepers: dict[int, str] = {}
    silent = []
    for read, told in zip(reads, await question.ask(reads), strict=True):
        code = federation.regions[read.region].code
        if told.failure is not None:
            silent.append(code)
        keepers |= {row[0]: code for row in told.rows or ()}
    first = [keepers[number] for number in numbers if number in keepers]
    # Of people who are kept nowhere (any more) their last region says why.
    for code in (*seen.used, *first, *silent, *(federation.regions[one].code for one in within)):
        store = stores.of_region(code)
        if store is not None:
            return store
    raise not_found("people", "0", "personId")


def _refused(
    connection: Connection,
    writing: Writing,
    store: Store,
    numbers: Sequence[int],
    items: Collection[str],
) -> dict[int, Problem]:
    """The people whom the viewer cannot offer, and why.

    An officer of the unit that answers for a person offers, or one of a CDC above it whose
    jurisdiction it is. Nobody lets another unit see what is masked for the own account.
    """
    viewer = writing.viewer
    rows = {
        row.id: row
        for row in connection.execute(
            select(
                people.c.id,
                people.c.code,
                people.c.reporter,
                people.c.reporter_unit,
                custody.c.unit_id,
            )
            .outerjoin(custody, custody.c.person_id == people.c.id)
            .where(
                among(people.c.id, literal(orjson.dumps(sorted(numbers)).decode())),
                *scope_condition(writing.question, people, writing.region(store)),
            )
        )
    }
    wanted = frozenset(items)
    found: dict[int, Problem] = {}
    for index, number in enumerate(numbers):
        row = rows.get(number)
        if row is None:
            found[number] = not_found("people", str(index), "personId").problem
        elif not acts_for(viewer, row.unit_id or row.reporter_unit):
            found[number] = _OTHERS.problem
        elif not wanted <= shown(viewer, "Person", row.code, row.reporter):
            found[number] = _MASKED.problem
    return found


_OTHERS: Refusal = forbidden(
    "another unit answers for this person: it offers, or the CDC of the county does",
    "该人员由其他单位负责，须由该单位或县（区）疾控中心办理转出",
)
_MASKED: Refusal = forbidden(
    "items that are masked for you cannot be shown to another unit",
    "对您掩码的隐私项不能授权其他单位查看",
)
