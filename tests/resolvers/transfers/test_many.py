"""Steps that many take at the same time do what each of them does alone, in few statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from regions.erasing import erase_person
from regions.fencing import fence
from regions.post import post_outbox
from regions.transfers import custody, transfer_events, transfer_people, transfers
from resolvers.transfers.applying import ids_for
from resolvers.transfers.many import Deciding, Offering, decide_many, offer_many
from resolvers.transfers.offers import offer_transfer
from resolvers.transfers.steps import decide_transfer
from resolvers.transfers.terms import Offer, OfferedPerson, Outcome
from resolvers.writing.stores import Store
from tests.resolvers.transfers.regional import AT, A, B, Regions, who

LATER = "2026-11-28T08:00:01Z"
_TABLES = (custody, transfers, transfer_people, transfer_events, post_outbox)
_OWN_IDS = {transfer_people.name, transfer_events.name}  # taken in another order


def _offering(transfer: str, *persons: int, at: str = AT, **more: Any) -> Offering:
    remarks = more.pop("remarks", None)
    epoch = more.pop("epoch", None)
    given = {
        "to_region": B,
        "to_unit": f"unit-{B}",
        "to_code": f"{B[:4]}02",
        "reason": "CENTRAL_ISOLATION",
        "items": ("NAME",),
    } | more
    people = tuple(OfferedPerson(person, epoch, remarks=remarks) for person in persons)
    return Offering(Offer(transfer, people=people, **given), who(A), "trace", at)


def _offer(connection: Connection, store: Store, first: int, asked: Offering) -> Outcome:
    return offer_transfer(
        connection, store, first, asked.offer, asked.who, trace=asked.trace, at=asked.at
    )


def _decide(connection: Connection, store: Store, first: int, asked: Deciding) -> Outcome:
    return decide_transfer(
        connection,
        store,
        first,
        asked.transfer_id,
        accept=asked.accept,
        refuse={},
        who=asked.who,
        trace=asked.trace,
        at=asked.at,
    )


def _taken(
    regions: Regions,
    region: str,
    asked: Sequence[Any],
    step: Callable[..., Outcome],
    many: Callable[..., Sequence[Outcome | None]] | None,
) -> tuple[list[Outcome], set[int]]:
    """The outcomes of steps, and the places of those that were taken together."""
    store = regions.stores[region]
    given = [(one, regions.take(region, ids_for(12))) for one in asked]
    found: Sequence[Outcome | None] = [None] * len(given)
    if many is not None:
        found = regions.do(region, lambda connection: many(connection, store, given))
    together = {place for place, outcome in enumerate(found) if outcome is not None}
    outcomes = [
        outcome or regions.do(region, partial(step, store=store, first=first, asked=one))
        for (one, first), outcome in zip(given, found, strict=True)
    ]
    return outcomes, together


def _told(regions: Regions) -> dict[str, list[str]]:
    """All that the stores say of it, but for what differs by chance."""
    found = {}
    for region in (A, B):
        for table in _TABLES:
            lines = []
            for row in regions.rows(region, table):
                if table.name in _OWN_IDS:
                    del row["id"]
                row.pop("seq", None)
                if "sealed" in row:
                    row["sealed"] = row["sealed"] is None
                lines.append(str(row))
            found[f"{region} {table.name}"] = sorted(lines)
    return found


def _play(regions: Regions, together: bool) -> list[tuple[str, Any]]:
    persons = [regions.register(A) for _ in range(16)]
    regions.do(A, lambda connection: erase_person(connection, persons[5], AT))
    assert not regions.offer("before", [persons[6]], A, B).refusal
    offers = [
        _offering("t0", persons[0], remarks="家属随行"),
        _offering("t1", persons[1], persons[2], at=LATER, items=("NAME", "PHONE")),
        _offering("twice", persons[3]),
        _offering("again", persons[3]),  # about somebody of another
        _offering("epoch", persons[4], epoch=7),
        _offering("erased", persons[5]),
        _offering("before", persons[6]),  # known, and the same is not offered
        _offering("released", persons[6]),
        _offering("nobody", 1),
        _offering("empty"),
        _offering("own", persons[7], to_unit=f"unit-{A}"),
        _offering("here", persons[8], to_region=A, to_unit="unit-here", to_code=f"{A[:4]}04"),
        _offering("same", persons[9]),
        _offering("same", persons[10]),  # two offers of one name
        *(_offering(f"t{number}", persons[number]) for number in range(11, 16)),
    ]
    found, taken = _taken(regions, A, offers, _offer, offer_many if together else None)
    if together:
        assert taken == {0, 1, *range(14, 19)}
    regions.drain()
    regions.cancel("t15", A)
    decisions = [
        Deciding("t0", None, who(B), "trace", AT),
        Deciding("t1", [persons[2]], who(B), "trace", LATER),  # one of two
        Deciding("t11", [persons[12]], who(B), "trace", AT),  # another's
        Deciding("t12", None, who(A), "trace", AT),  # not the receiver
        Deciding("t13", None, who(B), "trace", AT),
        Deciding("t13", None, who(B), "trace", AT),  # twice
        Deciding("none", None, who(B), "trace", AT),
        Deciding("t14", [persons[14]], who(B), "trace", AT),
    ]
    decided, taken = _taken(regions, B, decisions, _decide, decide_many if together else None)
    if together:
        assert taken == {0, 1, 7}
    again, taken = _taken(
        regions, B, [Deciding("t0", None, who(B), "trace", AT)], _decide, decide_many
    )
    assert taken == set()  # nobody waits
    regions.drain()
    return [(one.transfer_id, one) for one in (*found, *decided, *again)]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_together_they_do_what_each_does_alone(one: Regions, other: Regions) -> None:
    alone, together = _play(one, together=False), _play(other, together=True)
    assert together == alone
    told = _told(one)
    assert len(told[f"{A} {custody.name}"]) > 10
    assert _told(other) == told


def test_behind_a_fence_each_is_refused_alone(one: Regions) -> None:
    person = one.register(A)
    for region in (A, B):
        one.do(region, lambda connection, region=region: fence(connection, region, AT))  # type: ignore[misc]  # a default binds the loop's variable
    for region, many, asked in (
        (A, offer_many, _offering("t0", person)),
        (B, decide_many, Deciding("t0", None, who(B), "trace", AT)),
    ):
        store = one.stores[region]
        assert one.do(
            region,
            lambda connection, many=many, store=store, asked=asked: many(  # type: ignore[misc]  # as above
                connection, store, [(asked, 1)]
            ),
        ) == [None]
    assert one.rows(A, transfers) == []


def test_of_many_there_are_as_many_statements_as_of_one(one: Regions, other: Regions) -> None:
    def statements(regions: Regions, count: int) -> list[int]:
        found: list[str] = []
        for engine in regions.engines.values():
            event.listen(
                engine.sync_engine, "before_cursor_execute", lambda *told: found.append(told[2])
            )
        persons = [regions.register(A) for _ in range(count)]
        counts = []
        for region, many, asked in (
            (A, offer_many, [_offering(f"t{one}", one) for one in persons]),
            (B, decide_many, [Deciding(f"t{one}", None, who(B), "trace", AT) for one in persons]),
        ):
            store = regions.stores[region]
            given = [(one, regions.take(region, ids_for(1))) for one in asked]
            found.clear()
            taken = regions.do(
                region,
                lambda connection, many=many, store=store, given=given: many(  # type: ignore[misc]  # as above
                    connection, store, given
                ),
            )
            counts.append(len(found))
            assert None not in taken
            regions.drain()
        return counts

    few, more = statements(one, 1), statements(other, 12)
    # Of a message alone it is not asked first whether it is there already.
    assert all(after - before in (0, 1, 2) for before, after in zip(few, more, strict=True))
