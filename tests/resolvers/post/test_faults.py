"""The process dies at every border of a step, messages come twice and at any time: each message
takes effect once, in order, and none is lost.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete

from regions.corrections import sequences
from regions.keys import Keys
from regions.post import post_inbox, post_outbox
from regions.settings import RegionSettings
from resolvers.post.pump import Pump
from resolvers.writing.stores import Stores
from tests.resolvers.post.ledger import (
    Answers,
    Clock,
    Dying,
    Killed,
    Ledger,
    Plan,
    effects,
    pumped,
    send,
    waiting,
)
from tests.stores import in_store

pytestmark = pytest.mark.no_cover  # `test_pump.py` runs the same lines

Two = tuple[RegionSettings, RegionSettings]
THERE, BACK = ("320100", "330200"), ("330200", "320100")


def _empty(connection: Connection) -> None:
    for table in (post_outbox, post_inbox):
        connection.execute(delete(table))
    connection.execute(delete(sequences).where(sequences.c.name != "records"))


def _conversation(two: Two, keys: Keys, plan: Plan) -> None:
    """Puts a message that is answered back and forth, and one beside it, until the process dies."""

    async def work(stores: Stores, pump: Pump) -> None:
        for store in stores.regions:
            assert isinstance(store, Dying)
            store.plan = plan
        await pump.nudge("320100", "t1")
        await pump.sweep()

    async def put(stores: Stores, pump: Pump) -> None:
        await send(stores, THERE, "t1", topic="test.ask", rounds=3)
        await send(stores, BACK, "t2")

    pumped(two, keys, put)
    with suppress(Killed):
        pumped(two, keys, work, handlers=[Answers(), Ledger()], kind=Dying, clock=Clock())


async def _restarted(stores: Stores, pump: Pump) -> None:
    await pump.sweep()


def _whole(two: Two) -> None:
    assert in_store(two[0], waiting) == in_store(two[1], waiting) == []
    first, second = (in_store(one, lambda connection: effects(connection)) for one in two)
    assert sorted(first) == [
        "got test.ask:t1:2",
        "got test.entry:t2",
        "settled test.ask:t1 TAKEN",
        "settled test.ask:t1:1 TAKEN",
    ]
    assert [one for one in second if "t2" not in one] == [
        "got test.ask:t1",
        "settled test.ask:t1:2 TAKEN",
        "got test.ask:t1:1",
    ] or [one for one in second if "t2" not in one] == [
        "got test.ask:t1",
        "got test.ask:t1:1",
        "settled test.ask:t1:2 TAKEN",  # its effect was there before the reply came home
    ]
    assert "settled test.entry:t2 TAKEN" in second


def test_the_process_may_die_at_any_border(two: Two, keys: Keys) -> None:
    count = Plan()
    _conversation(two, keys, count)
    _whole(two)
    assert count.borders > 20  # before each transaction, before its commit, and behind it
    for border in range(count.borders):
        for one in two:
            in_store(one, _empty)
        _conversation(two, keys, Plan(border))
        pumped(two, keys, _restarted, handlers=[Answers(), Ledger()], clock=Clock())
        _whole(two)


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_whatever_dies_when_nothing_is_lost_or_doubled(
    two: Two, keys: Keys, data: st.DataObject
) -> None:
    """Messages of both directions, of several subjects; processes that die, poison that passes,
    two pumps at a time, nudges in any order.
    """
    for one in two:
        in_store(one, _empty)
    ledger, clock = Ledger(), Clock()
    sent: list[tuple[tuple[str, str], str]] = []
    subjects = st.sampled_from(["a", "b", "c"])
    for life in range(data.draw(st.integers(1, 4))):
        plan = Plan(data.draw(st.none() | st.integers(0, 40)))
        ledger.poison = set(data.draw(st.lists(subjects, max_size=1)))
        news = data.draw(st.lists(st.tuples(st.sampled_from([THERE, BACK]), subjects), max_size=5))
        nudged = data.draw(st.lists(st.tuples(st.sampled_from(["320100", "330200"]), subjects)))
        clock.seconds += 1_000.0

        async def put(stores: Stores, pump: Pump) -> None:
            for number, (line, subject) in enumerate(news, len(sent)):  # noqa: B023  # done at once
                await send(stores, line, subject, step=f"{number:03}")

        async def live(stores: Stores, pump: Pump) -> None:
            for store in stores.regions:
                assert isinstance(store, Dying)
                store.plan = plan  # noqa: B023  # done at once
            await asyncio.gather(
                pump.sweep(),
                *(pump.nudge(*one) for one in nudged),  # noqa: B023  # done at once
            )

        pumped(two, keys, put)
        sent += news
        with suppress(Killed):
            pumped(two, keys, live, handlers=[ledger], kind=Dying, clock=clock, batch=life + 1)
    ledger.poison = set()
    clock.seconds += 1_000.0
    pumped(two, keys, _restarted, handlers=[ledger], clock=clock)
    for store, line in ((two[0], BACK), (two[1], THERE)):
        assert in_store(store, waiting) == []
        got = in_store(store, lambda connection: effects(connection, "got"))
        for subject in "abc":
            wanted = [
                f"got test.entry:{subject}:{number:03}"
                for number, one in enumerate(sent)
                if one == (line, subject)
            ]
            assert [one for one in got if one.split(":")[1] == subject] == wanted
