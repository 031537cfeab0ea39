"""What becomes of an offer: `acceptTransfer`, `refuseTransfer`, `cancelTransfer`, `recordArrival`.

The receiving unit decides and records the arrival, the offering unit takes back; so do the units
above each, for those of their jurisdiction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from regions.reading import Read
from regions.statements import Statement, text_value
from regions.transfers import transfer_people, transfers
from resolvers.context import Context
from resolvers.transfers.applying import ids_for
from resolvers.transfers.many import Deciding, decide_many
from resolvers.transfers.moving import (
    Kept,
    Requested,
    acts_for,
    answer,
    kept_of_step,
    people_given,
    problem_of,
    refused_whole,
    take_all,
)
from resolvers.transfers.reading import VIEWER_UNIT, visible
from resolvers.transfers.steps import cancel_transfer as cancel
from resolvers.transfers.steps import decide_transfer as decide
from resolvers.transfers.steps import record_arrival as arrive
from resolvers.transfers.terms import Outcome, Who
from resolvers.transfers.terms import Refusal as Named
from resolvers.writing.refusing import Mistakes, Refusal, not_found
from resolvers.writing.several import Mutation, Several
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing, Wrote
from schema.writing.transfers import (
    RecordArrivalInput,
    RefuseTransferInput,
    TransferActionInput,
    TransferPayload,
)

__all__ = ["accept_transfer", "cancel_transfer", "record_arrival", "refuse_transfer"]

_SENT, _RECEIVED = "SENT", "RECEIVED"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step being taken, in the store's transaction: for some people, or all where None."""

    connection: Connection
    where: tuple[Connection, Store, int, str]  # with the first of the ids, and the transfer
    people: list[int] | None
    how: Mapping[str, Any]  # who takes it, and when


async def accept_transfer(
    context: Context, given: TransferActionInput, path: str
) -> TransferPayload:
    """Accepts people who are offered. Raises Refusal."""

    def step(one: _Taken) -> Outcome:
        return decide(*one.where, accept=one.people, refuse={}, **one.how)

    writing = Writing(context, "acceptTransfer", given, path)
    return await _take(
        writing, given.transfer_id, given.people, _RECEIVED, step, path, several=_ACCEPTANCES
    )


def _accept_all(
    connection: Connection, store: Store, given: Sequence[tuple[Mutation, int]]
) -> list[Kept | None]:
    """Takes the acceptances of mutations by those who may."""

    def deciding(one: Requested[str], at: str) -> Deciding | None:
        try:
            who = _acting(connection, one.writing, store, one.what, _RECEIVED)
        except Refusal:
            return None
        return Deciding(one.what, one.people, who, one.writing.trace, at)

    return take_all(connection, store, given, deciding, decide_many)


_ACCEPTANCES = Several(_accept_all)


async def refuse_transfer(
    context: Context, given: RefuseTransferInput, path: str
) -> TransferPayload:
    """Refuses people who are offered: they stay with the sender. Raises Refusal."""

    def step(one: _Taken) -> Outcome:
        people = _open(one.connection, given.transfer_id) if one.people is None else one.people
        reasons = dict.fromkeys(people, given.reason.name)
        return decide(*one.where, accept=[], refuse=reasons, **one.how)

    writing = Writing(context, "refuseTransfer", given, path)
    return await _take(writing, given.transfer_id, given.people, _RECEIVED, step, path)


async def cancel_transfer(
    context: Context, given: TransferActionInput, path: str
) -> TransferPayload:
    """Takes an offer back, before it is accepted. Raises Refusal."""

    def step(one: _Taken) -> Outcome:
        return cancel(*one.where, people=one.people, reason_code=None, **one.how)

    writing = Writing(context, "cancelTransfer", given, path)
    return await _take(writing, given.transfer_id, given.people, _SENT, step, path)


async def record_arrival(context: Context, given: RecordArrivalInput, path: str) -> TransferPayload:
    """Records that the people of a transfer arrived. Raises Refusal."""
    writing = Writing(context, "recordArrival", given, path)
    mistakes = Mistakes()
    arrived = given.arrived_at or writing.moment.now
    if arrived > writing.moment.latest:
        mistakes.add(["arrivedAt"], "this lies in the future", "该时间在将来")
    mistakes.stop()

    def step(one: _Taken) -> Outcome:
        return arrive(*one.where, arrived_at=arrived, **one.how)

    return await _take(writing, given.transfer_id, None, _RECEIVED, step, path)


def _open(connection: Connection, transfer: str) -> list[int]:
    """The people of a transfer who wait to be decided on here."""
    c = transfer_people.c
    waiting = select(c.person_id).where(
        c.transfer_id == transfer, c.side == _RECEIVED, c.outcome == "OFFERED"
    )
    return list(connection.execute(waiting).scalars())


async def _take(
    writing: Writing,
    transfer: str,
    given: Sequence[str] | None,
    side: str,
    step: Callable[[_Taken], Outcome],
    path: str,
    several: Several | None = None,
) -> TransferPayload:
    """Takes a step in the store of one side, and has it delivered. Raises Refusal."""
    mistakes = Mistakes()
    people = None
    if given is not None:
        people = people_given(given, mistakes, ["people"])  # type: ignore[arg-type]  # ids are text
    mistakes.stop()
    store, count = await _store_of(writing, transfer, side)

    def work(connection: Connection, first: int, wrote: Wrote) -> Kept:
        who = _acting(connection, writing, store, transfer, side)
        how = {"who": who, "trace": writing.trace, "at": writing.moment.now}
        outcome = step(_Taken(connection, (connection, store, first, transfer), people, how))
        if outcome.refusal is not None:
            raise refused_whole(outcome)
        return kept_of_step(outcome, people, wrote)

    asked = None if several is None else (several, Requested(writing, transfer, people))
    kept, repeated = await writing.once(store, ids_for(count), work, asked)
    return await answer(writing, store, side, kept, repeated, path)


async def _store_of(writing: Writing, transfer: str, side: str) -> tuple[Store, int]:
    """The store with one side of a transfer, and how many people it has. Raises Refusal where no
    region of the jurisdiction has it.
    """
    question = writing.question
    federation = question.federation
    seen = await writing.look()
    within = federation.concerned([question.scope.prefix])
    reads = []
    for region in within:
        statement = Statement(
            select(transfer_people.c.side).where(
                transfer_people.c.transfer_id == text_value("transfer")
            ),
            federation.dialects[region],
        )
        reads.append(Read(region, statement.sql, statement.bind({"transfer": transfer})))
    silent, other, found = [], [], []
    count = 0
    for read, told in zip(reads, await question.ask(reads), strict=True):
        code = federation.regions[read.region].code
        if told.failure is not None:
            silent.append(code)
        sides = [row[0] for row in told.rows or ()]
        if side in sides:
            found.append(code)
            count = sides.count(side)
        elif sides:
            other.append(code)
    # Of one of which only the other side is here, that one says so.
    for code in (*seen.used, *found, *other, *silent):
        store = writing.stores.of_region(code)
        if store is not None:
            return store, count
    raise not_found("transferId")


def _acting(
    connection: Connection, writing: Writing, store: Store, transfer: str, side: str
) -> Who:
    """Who takes steps of this side of the transfer: the viewer for the unit whose it is. Raises
    Refusal unless the viewer may.
    """
    c = transfers.c
    rows = connection.execute(
        select(c.side, c.code, c.from_unit, c.to_unit).where(
            c.id == transfer, *visible(writing.question, writing.region(store))
        ),
        {VIEWER_UNIT: writing.viewer.unit_id},
    )
    sides = {row.side: row for row in rows}
    if not sides:
        raise not_found("transferId")
    row = sides.get(side)
    refused = Refusal(problem_of(Named.NOT_RECEIVER if side == _RECEIVED else Named.NOT_SENDER))
    if row is None:
        raise refused
    unit = row.to_unit if side == _RECEIVED else row.from_unit
    if not acts_for(writing.viewer, unit):
        raise refused
    return Who(writing.viewer.account, unit, row.code)
