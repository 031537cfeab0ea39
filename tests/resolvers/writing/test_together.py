"""Whoever asks while others are served is served with all who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from resolvers.writing.together import Together


def test_what_waits_is_served_in_portions_by_weight() -> None:
    served: list[list[int]] = []

    async def do(items: Sequence[int]) -> list[int]:
        served.append(list(items))
        await asyncio.sleep(0)
        return [-one for one in items]

    async def run() -> list[int]:
        together = Together(do, most=10, weight=lambda one: one)
        return await asyncio.gather(*map(together.ask, (3, 7, 1, 20, 4, 4)))

    assert asyncio.run(run()) == [-3, -7, -1, -20, -4, -4]
    assert served == [[3, 7], [1], [20], [4, 4]]


def test_two_portions_are_served_beside_each_other_and_the_next_when_one_is_done() -> None:
    running: list[list[int]] = []
    ends = {number: asyncio.Event() for number in (1, 2, 3)}

    async def do(items: Sequence[int]) -> list[int]:
        running.append(list(items))
        await ends[items[0]].wait()
        running.remove(list(items))
        return list(items)

    async def run() -> None:
        together = Together(do, most=1, at_once=2)
        asking = [asyncio.create_task(together.ask(number)) for number in (1, 2, 3)]
        for done, expected in ((2, [[1], [3]]), (3, [[1]]), (1, [])):
            ends[done].set()
            await asking[done - 1]
            await asyncio.sleep(0)
            assert running == expected
        ends[2].clear()
        again = asyncio.create_task(together.ask(2))
        ends[2].set()
        assert await again == 2

    asyncio.run(run())


def test_what_waits_is_shared_out_among_those_who_are_free() -> None:
    served: list[list[int]] = []

    async def do(items: Sequence[int]) -> list[int]:
        served.append(list(items))
        await asyncio.sleep(0)
        return list(items)

    async def run(most: int, asked: int) -> list[list[int]]:
        served.clear()
        together = Together(do, most=most, at_once=2, least=3)
        assert await asyncio.gather(*map(together.ask, range(asked))) == list(range(asked))
        return list(served)

    assert asyncio.run(run(10, 8)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert asyncio.run(run(10, 4)) == [[0, 1, 2], [3]]
    assert asyncio.run(run(10, 3)) == [[0, 1, 2]]
    assert asyncio.run(run(2, 8)) == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_whoever_left_before_it_begins_is_left_out() -> None:
    served: list[list[int]] = []
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def do(items: Sequence[int]) -> list[int]:
        served.append(list(items))
        begun.set()
        await goes_on.wait()
        return list(items)

    async def run() -> None:
        together = Together(do, most=10)
        first = asyncio.create_task(together.ask(1))
        await begun.wait()
        gone, last = (asyncio.create_task(together.ask(number)) for number in (2, 3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait({gone})
        goes_on.set()
        assert [await first, await last] == [1, 3]

    asyncio.run(run())
    assert served == [[1], [3]]


def test_what_is_raised_is_raised_to_all_and_the_next_are_served() -> None:
    async def do(items: Sequence[int]) -> list[int]:
        if 0 in items:
            raise KeyError
        return list(items)

    async def run() -> None:
        together = Together(do, most=2)
        found = await asyncio.gather(*map(together.ask, (0, 1, 2)), return_exceptions=True)
        assert [type(one) for one in found] == [KeyError, KeyError, int]

    asyncio.run(run())


def test_what_does_not_end_is_broken_off_when_closed() -> None:
    async def do(items: Sequence[int]) -> list[int]:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        together = Together(do, most=1)
        asking = [asyncio.create_task(together.ask(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        await together.close(0.01)
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(one) for one in found] == [OSError, OSError]

    asyncio.run(run())
