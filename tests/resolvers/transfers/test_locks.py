"""On PostgreSQL no step of a transfer waits for another one that waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError

from regions.people import people
from regions.transfers import transfer_people
from resolvers.transfers.applying import ids_for
from resolvers.transfers.ledger import custodies
from resolvers.transfers.many import Deciding, decide_many
from resolvers.transfers.steps import record_arrival
from resolvers.transfers.terms import Outcome, Refusal, Who
from tests.resolvers.transfers.regional import AT, A, B, Regions, who
from tests.stores import Stores

_NEXT_DOOR = Who("officer-next", "unit-next", "320104")
_SECONDS = 60.0  # until the test gives up
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def regions(stores: Stores) -> Iterator[Regions]:
    made = Regions([stores.make("postgresql", A[:4])])
    yield made
    made.close()


@pytest.fixture
def pair(stores: Stores) -> Iterator[Regions]:
    made = Regions([stores.make("postgresql", one[:4]) for one in (A, B)])
    yield made
    made.close()


@contextmanager
def _held(regions: Regions, persons: list[int]) -> Iterator[None]:
    """Somebody else's transaction has these people while this lasts."""
    holds, ends = Event(), Event()

    def work(connection: Connection) -> None:
        custodies(connection, persons)
        holds.set()
        ends.wait(_SECONDS)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(_apart, regions, lambda own: own.do(A, work))
        try:
            assert holds.wait(_SECONDS)
            yield
        finally:
            ends.set()
            holding.result()


def _apart(regions: Regions, work: Callable[[Regions], Any]) -> Any:
    """Work with connections of its own, for a thread."""
    own = Regions(list(regions.settings.values()), regions.keys)
    try:
        return work(own)
    finally:
        own.close()


def _until_waiting(regions: Regions, count: int) -> None:
    end = time.monotonic() + _SECONDS
    while regions.do(A, lambda connection: connection.execute(_WAITING).scalar()) != count:
        assert time.monotonic() < end
        time.sleep(0.02)


def _accept(regions: Regions) -> Outcome:
    return regions.decide("t", A, by=_NEXT_DOOR)


def _cancel(regions: Regions) -> Outcome:
    return regions.cancel("t", A)


def _arrive(regions: Regions) -> Outcome:
    def work(connection: Connection) -> Outcome:
        return record_arrival(
            connection,
            *(regions.stores[A], first, "t"),
            arrived_at=AT,
            who=_NEXT_DOOR,
            trace="t",
            at=AT,
        )

    first = regions.take(A, 20)
    return regions.do(A, work)


@pytest.mark.parametrize(
    ("steps", "outcome", "refusal"),
    [
        ((_accept, _cancel), "HANDED", None),
        ((_cancel, _accept), "CANCELLED", None),
        ((_accept, _arrive), "HANDED", None),
        ((_cancel, _arrive), "CANCELLED", Refusal.NOT_HANDED),
    ],
    ids=["accepted first", "taken back first", "accepted, arrived", "taken back, arrived"],
)
def test_steps_of_one_transfer_within_a_store_wait_in_turn(
    regions: Regions,
    steps: tuple[Callable[[Regions], Outcome], ...],
    outcome: str,
    refusal: Refusal | None,
) -> None:
    """Both sides are in the store: whoever comes second waits for the first, and not in it."""
    person = regions.register(A)
    regions.offer("t", [person], A, A, to_unit=_NEXT_DOOR.unit_id)
    doing: list[Future[Outcome]] = []
    with ThreadPoolExecutor(2) as threads:
        with _held(regions, [person]):
            for number, step in enumerate(steps, 1):
                doing.append(threads.submit(_apart, regions, step))
                _until_waiting(regions, number)
        found = [one.result() for one in doing]
    assert [one.refusal for one in found] == [None, refusal]
    assert [row["outcome"] for row in regions.rows(A, transfer_people)] == [outcome, outcome]


def _together(*transfers: str) -> Callable[[Regions], Sequence[Outcome | None]]:
    """Acceptances in one transaction."""

    def take(regions: Regions) -> Sequence[Outcome | None]:
        given = [
            (Deciding(one, None, who(A), "t", AT), regions.take(A, ids_for(1))) for one in transfers
        ]
        return regions.do(A, lambda connection: decide_many(connection, regions.stores[A], given))

    return take


def _alone(transfer: str) -> Callable[[Regions], Sequence[Outcome | None]]:
    return lambda regions: [regions.decide(transfer, A)]


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        (_together("t0", "t1"), _alone("t1"), [True, True, True]),  # done is done
        (_alone("t0"), _together("t1", "t0"), [True, True, False]),
        (_together("t0", "t1"), _together("t1", "t0"), [True, True, False, False]),
    ],
    ids=["together first", "alone first", "both together"],
)
def test_steps_taken_together_wait_in_turn(
    pair: Regions,
    first: Callable[[Regions], Sequence[Outcome | None]],
    second: Callable[[Regions], Sequence[Outcome | None]],
    taken: list[bool],
) -> None:
    """They lock as each alone does: whoever comes second waits for the first, and not in it."""
    persons = [pair.register(B) for _ in range(2)]
    for number, person in enumerate(persons):
        pair.offer(f"t{number}", [person], B, A)
    pair.drain()
    with ThreadPoolExecutor(2) as threads:
        with _held(pair, persons):
            doing = []
            for number, step in enumerate((first, second), 1):
                doing.append(threads.submit(_apart, pair, step))
                _until_waiting(pair, number)
        found = [outcome for one in doing for outcome in one.result()]
    assert [one is not None and one.refusal is None for one in found] == taken
    pair.drain()
    assert [pair.custodians(one) for one in persons] == [[A], [A]]


def test_the_rows_of_people_who_left_are_locked_as_well(regions: Regions) -> None:
    """In the order of their ids, before a step says where they are now."""
    person = regions.register(A)
    gone = update(people).where(people.c.id == person).values(kept_in="330200")
    regions.do(A, lambda connection: connection.execute(gone))
    taken = select(people.c.id).where(people.c.id == person).with_for_update(nowait=True)
    with _held(regions, [person]), pytest.raises(DBAPIError, match="lock"):
        regions.do(A, lambda connection: connection.execute(taken))
    regions.do(A, lambda connection: connection.execute(taken))
