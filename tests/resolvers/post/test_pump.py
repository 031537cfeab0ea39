"""The pump: each message takes effect once, in order, and one that fails stops only itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update

from regions.access_log import log_outbox
from regions.keys import Keys
from regions.post import post_inbox, post_outbox
from regions.settings import RegionSettings
from resolvers.access_log import Commitments
from resolvers.post.messages import Message
from resolvers.post.pump import Pump
from resolvers.post.rounds import Delivered
from resolvers.writing.looked import TRUSTED_SECONDS
from resolvers.writing.outbox import Telling
from resolvers.writing.stores import Store, Stores
from tests.resolvers.post.ledger import (
    AT,
    Answers,
    Clock,
    Down,
    Ledger,
    effects,
    post,
    pumped,
    send,
    waiting,
)
from tests.stores import in_store

T = TypeVar("T")

Two = tuple[RegionSettings, RegionSettings]
THERE, BACK = ("320100", "330200"), ("330200", "320100")


def test_a_message_is_delivered_and_its_reply_taken_home(two: Two, keys: Keys) -> None:
    ledger = Ledger()

    async def work(stores: Stores, pump: Pump) -> int:
        await send(stores, THERE, "t1")
        return await pump.sweep()

    assert pumped(two, keys, work, handlers=[ledger]) == 1
    assert in_store(two[1], effects) == ["got test.entry:t1"]
    assert in_store(two[0], effects) == ["settled test.entry:t1 TAKEN"]
    assert in_store(two[0], waiting) == []
    assert ledger.seen == [("parcel", "320100", 7)]


def test_nudging_delivers_at_once_and_follows_what_comes_back(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> bool:
        await send(stores, THERE, "t1", topic="test.ask", rounds=5)
        await send(stores, THERE, "t2", topic="test.ask", rounds=1)
        return await pump.nudge("320100", "t1")

    assert pumped(two, keys, work, handlers=[Answers()])
    assert in_store(two[1], effects) == [
        "got test.ask:t1",
        "got test.ask:t2",  # it was there, too: one transaction for both
        "settled test.ask:t1:4 TAKEN",
        "got test.ask:t1:3",
        "settled test.ask:t1:2 TAKEN",
        "got test.ask:t1:1",
    ]
    assert in_store(two[0], waiting) == in_store(two[1], waiting) == []


def test_a_store_writes_to_itself(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> bool:
        await send(stores, ("320100", "320100"), "t1", topic="test.ask", rounds=3)
        return await pump.nudge("320100", "t1")

    assert pumped(two, keys, work, handlers=[Answers()])
    assert in_store(two[0], lambda connection: effects(connection, "got")) == [
        "got test.ask:t1",
        "got test.ask:t1:2",
        "got test.ask:t1:1",
    ]


def test_messages_of_a_subject_arrive_in_order(two: Two, keys: Keys) -> None:
    numbers = range(20)

    async def work(stores: Stores, pump: Pump) -> None:
        for number in numbers:
            await send(stores, THERE, f"t{number % 3}", step=f"{number:02}")
        await asyncio.gather(pump.sweep(), *(pump.nudge("320100", f"t{n}") for n in range(3)))

    pumped(two, keys, work)
    got = in_store(two[1], lambda connection: effects(connection, "got"))
    assert len(got) == len(numbers)
    for subject in range(3):
        mine = [one for one in got if f":t{subject}:" in one]
        assert mine == sorted(mine)


def test_more_messages_than_one_transaction_takes(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> int:
        for number in range(23):
            await send(stores, THERE, f"t{number}")
        return await pump.sweep()

    assert pumped(two, keys, work, batch=5) == 23
    assert len(in_store(two[1], effects)) == 23


def test_between_servers_a_round_goes_in_portions(two: Two, keys: Keys) -> None:
    ledger, told = Ledger(), list[Delivered]()
    ledger.poison = {"t3"}

    async def work(stores: Stores, pump: Pump) -> int:
        for number in range(7):
            await send(stores, THERE, f"t{number}")
        answered = await pump.sweep()
        ledger.poison = set()
        assert await pump.nudge("320100", "t3", again=True)
        return answered

    assert pumped(two, keys, work, handlers=[ledger], portion=2, told=told.append) == 6
    servers = all(one.path is None for one in two)
    sent = sorted(sorted(message.subject for message in one.messages) for one in told)
    whole = [["t0", "t1", "t2"], ["t3"], ["t4"], ["t5", "t6"]]  # the one that fails is found
    assert sent == ([["t0", "t1"], ["t2"], ["t3"], ["t4", "t5"], ["t6"]] if servers else whole)
    assert len(in_store(two[1], effects)) == len(in_store(two[0], effects)) == 7
    assert in_store(two[0], waiting) == []


def test_one_that_fails_stops_its_own_subject_alone(two: Two, keys: Keys) -> None:
    ledger, clock = Ledger(), Clock()
    ledger.poison, ledger.unreadable, ledger.unsettled = {"t3"}, {"t5"}, {"t9"}

    async def work(stores: Stores, pump: Pump) -> None:
        for number in range(12):
            await send(stores, THERE, f"t{number}", step="1")
            await send(stores, THERE, f"t{number}", step="2")
        assert await pump.sweep() == 18
        assert not await pump.nudge("320100", "t3")
        assert await pump.sweep() == 0

    pumped(two, keys, work, handlers=[ledger], clock=clock)
    got = in_store(two[1], effects)
    assert len(got) == 19  # that of t9 was delivered: only its reply is not home
    left = in_store(two[0], waiting)
    assert [one[0] for one in left] == [
        f"test.entry:{subject}:{step}" for subject in ("t3", "t5", "t9") for step in (1, 2)
    ]
    assert [one[1] for one in left] == [1, 0, 1, 0, 1, 0]
    assert left[0][2] is not None
    assert left[0][2].startswith("KeyError at ledger.py")
    assert left[2][2] is not None
    assert left[2][2].startswith("LookupError at ledger.py")

    ledger.poison, ledger.unreadable, ledger.unsettled = set(), set(), set()
    clock.seconds += 1_000

    async def again(stores: Stores, pump: Pump) -> int:
        return await pump.sweep()

    assert pumped(two, keys, again, handlers=[ledger], clock=clock) == 6
    assert len(in_store(two[1], effects)) == 24
    assert in_store(two[0], waiting) == []


def test_a_region_that_is_down_is_waited_for_and_never_given_up(two: Two, keys: Keys) -> None:
    clock = Clock()

    async def work(stores: Stores, pump: Pump) -> None:
        away = stores.regions[1]
        assert isinstance(away, Down)
        away.up = False
        await send(stores, THERE, "t1")
        assert not await pump.nudge("320100", "t1")
        assert await pump.sweep() == 0
        left = await stores.regions[0].read(waiting)
        assert left == [("test.entry:t1", 1, "REGION_UNAVAILABLE UNREACHABLE")]
        for _ in range(40):  # it is left alone for longer and longer, at most half a minute
            clock.seconds += 30.0
            assert await pump.sweep() == 0
        left = await stores.regions[0].read(waiting)
        assert left[0][2] == "REGION_UNAVAILABLE UNREACHABLE"
        away.up = True
        assert await pump.sweep() == 0  # not before its time
        clock.seconds += 30.0
        assert await pump.sweep() == 1

    pumped(two, keys, work, kind=Down, clock=clock)
    assert in_store(two[1], effects) == ["got test.entry:t1"]


def test_calling_again_tries_a_region_and_a_message_at_once(two: Two, keys: Keys) -> None:
    ledger, clock = Ledger(), Clock()

    async def work(stores: Stores, pump: Pump) -> None:
        away = stores.regions[1]
        assert isinstance(away, Down)
        away.up = False
        await send(stores, THERE, "t1")
        assert not await pump.nudge("320100", "t1")
        away.up = True
        assert not await pump.nudge("320100", "t1")
        ledger.poison = {"t1"}
        assert not await pump.nudge("320100", "t1", again=True)
        ledger.poison = set()
        assert not await pump.nudge("320100", "t1")
        assert await pump.nudge("320100", "t1", again=True)

    pumped(two, keys, work, handlers=[ledger], kind=Down, clock=clock)


def test_the_sender_that_is_down_is_waited_for(two: Two, keys: Keys) -> None:
    clock = Clock()

    async def work(stores: Stores, pump: Pump) -> None:
        here = stores.regions[0]
        assert isinstance(here, Down)
        await send(stores, THERE, "t1")
        await send(stores, BACK, "t2")
        here.up = False
        assert not await pump.nudge("320100", "t1")
        assert await pump.sweep() == 0
        here.up = True
        clock.seconds += 60.0
        assert await pump.sweep() == 2

    pumped(two, keys, work, kind=Down, clock=clock)


def test_two_pumps_at_once_deliver_each_message_once(two: Two, keys: Keys) -> None:
    ledger, clock = Ledger(), Clock()

    async def work(stores: Stores, pump: Pump) -> None:
        others = post(two, keys)
        other = Pump(others, [ledger], now=lambda: AT, batch=7, clock=clock)
        for number in range(60):
            await send(stores, THERE if number % 2 else BACK, f"t{number}")
        try:
            for _ in range(5):
                clock.seconds += 60.0  # whoever was in the way is no longer
                await asyncio.gather(
                    pump.sweep(), other.sweep(), *(other.nudge("320100", f"t{n}") for n in range(9))
                )
        finally:
            await other.close()
            await others.close()

    pumped(two, keys, work, handlers=[ledger], batch=10, clock=clock)
    for store in two:
        assert in_store(store, waiting) == []
        assert len(in_store(store, lambda connection: effects(connection, "got"))) == 30
        assert len(in_store(store, lambda connection: effects(connection, "settled"))) == 30
    assert len(ledger.seen) >= 60


def test_the_same_message_with_another_content_is_kept_and_told(two: Two, keys: Keys) -> None:
    told: list[tuple[str, str]] = []

    def alarmed(message: Message, receiver: str) -> None:
        told.append((message.id, receiver))

    async def work(stores: Stores, pump: Pump) -> int:
        await send(stores, THERE, "t1")
        return await pump.sweep()

    assert pumped(two, keys, work, alarmed=alarmed) == 1
    assert told == []

    async def another(stores: Stores, pump: Pump) -> bool:
        await stores.regions[0].write(0, lambda connection, _: _reopened(connection))
        await send(stores, THERE, "t2")
        await pump.sweep()
        return await pump.nudge("320100", "t1")

    assert not pumped(two, keys, another, alarmed=alarmed)
    assert told == [("test.entry:t1", "330200")]
    assert in_store(two[0], waiting) == [("test.entry:t1", 1, "POST_CONFLICT")]
    assert in_store(two[1], effects) == ["got test.entry:t1", "got test.entry:t2"]


def _reopened(connection: Connection) -> None:
    """The sender's store is not what it was: the message waits again, and says something else."""
    connection.execute(
        update(post_outbox).values(answered_at=None, reply=None, body='{"person":8}')
    )


def test_a_message_that_nobody_handles_waits(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> None:
        await send(stores, THERE, "t1", topic="test.unknown")
        await send(stores, THERE, "t2")
        assert await pump.sweep() == 1

    pumped(two, keys, work)
    (left,) = in_store(two[0], waiting)
    assert left[2] is not None
    assert left[2].startswith("TOPIC_UNKNOWN")


def test_a_message_to_a_region_that_is_none_waits(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> None:
        await send(stores, ("320100", "650100"), "t1")
        assert not await pump.nudge("320100", "t1")
        assert await pump.sweep() == 0

    pumped(two, keys, work)
    assert len(in_store(two[0], waiting)) == 1


def test_the_loop_delivers_what_comes_and_ends_when_told(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(pump.run(stopping))
        await send(stores, THERE, "t1", topic="test.ask", rounds=4)
        pump.wake()
        async with asyncio.timeout(60):
            # Empty stores say nothing: what is on its way may be in neither as they are looked at.
            while len(await stores.regions[1].read(effects)) < 4:  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0.02)
        stopping.set()
        await running

    pumped(two, keys, work, handlers=[Answers()], poll_seconds=0.05)
    assert len(in_store(two[1], effects)) == 4


def test_an_empty_outbox_is_looked_into_again_once_its_store_has_changed(
    two: Two, keys: Keys
) -> None:
    class Looked(Store):
        looks = 0

        async def look(self, work: Callable[[Connection], T]) -> T:
            self.looks += 1
            return await super().look(work)

    clock = Clock()

    async def work(stores: Stores, pump: Pump) -> None:
        for store in stores.regions:
            assert isinstance(store, Looked)
            tells = store.settings.path is not None  # a server does not: it is asked each time
            for _ in range(3):
                await pump.sweep()
            assert store.looks == (1 if tells else 3)
            code = store.settings.code
            await send(stores, (code, code), "t1")
            assert await pump.sweep() == 1
            assert await pump.sweep() == 0
            store.looks = 0
            await pump.sweep()
            assert store.looks == (0 if tells else 1)
            clock.seconds += TRUSTED_SECONDS
            await pump.sweep()
            assert store.looks == (1 if tells else 2)
            for each in stores.regions:
                each.looks = 0  # type: ignore[attr-defined]  # they are all of that class
            clock.seconds += TRUSTED_SECONDS

    pumped(two, keys, work, kind=Looked, clock=clock)


def test_only_who_leads_polls(two: Two, keys: Keys) -> None:
    async def work(stores: Stores, pump: Pump) -> None:
        stopping, asked = asyncio.Event(), asyncio.Event()

        def leads() -> bool:
            asked.set()
            return False

        running = asyncio.create_task(pump.run(stopping, leads))
        await send(stores, THERE, "t1")
        pump.wake()
        await asked.wait()
        stopping.set()
        await running

    pumped(two, keys, work, poll_seconds=0.01)
    assert len(in_store(two[0], waiting)) == 1


def test_what_is_delivered_is_told_of_in_the_same_transaction(two: Two, keys: Keys) -> None:
    commitments, told = Commitments(keys.log), list[Delivered]()
    numbers = iter(range(100))

    def telling() -> Telling:
        return Telling("origin", f"request-{next(numbers)}", "", commitments, 0)

    async def work(stores: Stores, pump: Pump) -> None:
        for number in range(3):
            await send(stores, THERE, f"t{number}")
        await pump.sweep()

    pumped(two, keys, work, telling=telling, told=told.append)
    (done,) = told
    assert done.line == THERE
    assert [one.trace for one in done.messages] == ["trace-t0", "trace-t1", "trace-t2"]
    assert done.concerned == {"person": [7, 7, 7]}
    (row,) = in_store(
        two[1], lambda connection: connection.execute(select(log_outbox)).mappings().all()
    )
    assert row["request"] == done.request
    assert row["operation"] == done.operation == "post test.entry"
    assert row["id"].endswith("/320100")
    assert commitments.one("person", 7) in row["wrote"]


def test_no_box_holds_what_went_along(two: Two, keys: Keys) -> None:
    """What a parcel holds is in memory only: neither box has anything of it."""

    class Parcels(Ledger):
        def gather(self, *_: Any) -> Any:
            return {"name": "a private value"}

    async def work(stores: Stores, pump: Pump) -> None:
        await send(stores, THERE, "t1")
        await pump.sweep()

    pumped(two, keys, work, handlers=[Parcels()])
    for store, box in ((two[0], post_outbox), (two[1], post_inbox)):
        rows = in_store(store, lambda connection, box=box: connection.execute(select(box)).all())  # type: ignore[misc]  # a default binds the loop's variable
        assert rows
        assert "private" not in str(rows)


def test_a_reply_has_no_private_item(two: Two, keys: Keys) -> None:
    class Tells(Ledger):
        def deliver(self, *given: Any) -> dict[str, Any]:
            return {**super().deliver(*given), "phone": "…"}

    async def work(stores: Stores, pump: Pump) -> int:
        await send(stores, THERE, "t1")
        return await pump.sweep()

    assert pumped(two, keys, work, handlers=[Tells()]) == 0
    assert in_store(two[1], effects) == []


class _Bulk(Ledger):
    """The same, many at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def gather_all(
        self, connection: Connection, store: Store, messages: Sequence[Message]
    ) -> dict[str, Any]:
        return {one.id: self.gather(connection, store, one) for one in messages}

    def deliver_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, Any, int]],
        at: str,
    ) -> dict[str, dict[str, Any]]:
        self.sizes.append(len(given))
        return {
            one.id: self.deliver(connection, store, one, parcel, first, at)
            for one, parcel, first in given
        }

    def settle_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, dict[str, Any]]],
        at: str,
    ) -> None:
        for one, said in given:
            self.settle(connection, store, one, said, at)


def test_a_handler_may_take_many_at_once_and_one_that_fails_is_found_all_the_same(
    two: Two, keys: Keys
) -> None:
    bulk = _Bulk()
    bulk.poison = {"t5"}

    async def work(stores: Stores, pump: Pump) -> int:
        for number in range(8):
            await send(stores, THERE, f"t{number}")
        return await pump.sweep()

    assert pumped(two, keys, work, handlers=[bulk], clock=Clock()) == 7
    assert bulk.sizes == [8, 4, 4, 2, 1, 1, 2]
    assert len(in_store(two[1], effects)) == 7
    assert [one[0] for one in in_store(two[0], waiting)] == ["test.entry:t5"]
