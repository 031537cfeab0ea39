from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.batching import BatchThread

Runner = Callable[[Awaitable[None]], None]
LOOPS = pytest.mark.parametrize("run_loop", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


class Doubler:
    """Doubles numbers, remembers its batches, and waits where a gate is shut."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, items: list[int]) -> Sequence[int | Exception]:
        self.batches.append(items)
        self.threads.add(threading.get_ident())
        self.open.wait()
        if 13 in items:
            raise ValueError("the whole batch")
        return [KeyError(item) if item % 7 == 6 else 2 * item for item in items]


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


@LOOPS
def test_what_waits_together_is_one_batch_in_order(run_loop: Runner) -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double")
        double.open.clear()
        first = thread.submit(1)
        await until(lambda: double.batches == [[1]])
        rest = [thread.submit(item) for item in (2, 3, 4)]
        double.open.set()
        assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
        assert double.batches == [[1], [2, 3, 4]]
        assert len(double.threads) == 1
        assert threading.get_ident() not in double.threads
        await thread.close()

    run_loop(main())


@LOOPS
def test_a_batch_waits_for_those_that_are_on_their_way(run_loop: Runner) -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double", patience=3_600.0)
        futures = [thread.submit(item, more=True) for item in (1, 2)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert double.batches == []
        futures.append(thread.submit(3))
        assert await asyncio.gather(*futures) == [2, 4, 6]
        assert double.batches == [[1, 2, 3]]
        last = thread.submit(4, more=True)
        await thread.close()
        assert last.result() == 8

    run_loop(main())


@LOOPS
def test_those_that_never_come_are_not_waited_for_long(run_loop: Runner) -> None:
    async def main() -> None:
        thread = BatchThread(Doubler(), name="double", patience=0.005)
        for _ in range(3):
            assert await thread.submit(1, more=True) == 2
        await thread.close()

    run_loop(main())


def test_a_batch_has_at_most_so_many_items() -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double", most=3)
        double.open.clear()
        futures = [thread.submit(item) for item in (0, 1, 2, 3, 4, 5, 7)]
        double.open.set()
        assert await asyncio.gather(*futures) == [0, 2, 4, 6, 8, 10, 14]
        assert max(len(batch) for batch in double.batches) <= 3
        await thread.close()

    asyncio.run(main())


def test_one_item_fails_alone_and_a_batch_as_a_whole() -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double")
        alone = await asyncio.gather(*map(thread.submit, (5, 6, 8)), return_exceptions=True)
        assert alone[0] == 10
        assert isinstance(alone[1], KeyError)
        assert alone[2] == 16
        whole = await asyncio.gather(*map(thread.submit, (12, 13)), return_exceptions=True)
        assert [str(error) for error in whole] == ["the whole batch"] * 2
        assert await thread.submit(14) == 28  # and goes on
        await thread.close()

    asyncio.run(main())


def test_a_wrong_number_of_results_fails_the_batch() -> None:
    async def main() -> None:
        thread: BatchThread[int, int] = BatchThread(lambda items: items[1:], name="loser")
        with pytest.raises(RuntimeError, match="loser: 0 results for 1 items"):
            await thread.submit(1)
        await thread.close()

    asyncio.run(main())


def test_an_item_runs_though_its_waiter_was_cancelled() -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double")
        double.open.clear()
        futures = [thread.submit(item) for item in (1, 2, 3)]
        futures[1].cancel()
        double.open.set()
        assert await futures[0] == 2
        assert await futures[2] == 6
        assert sorted(item for batch in double.batches for item in batch) == [1, 2, 3]
        await thread.close()

    asyncio.run(main())


def test_closing_runs_what_was_handed_over() -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double")
        double.open.clear()
        futures = [thread.submit(item) for item in range(5)]
        closing = asyncio.create_task(thread.close())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="double is closed"):
            thread.submit(9)
        double.open.set()
        await closing
        await thread.close()
        assert [future.result() for future in futures] == [0, 2, 4, 6, 8]

    before = threading.active_count()
    asyncio.run(main())
    assert threading.active_count() == before


def test_closing_one_that_never_ran() -> None:
    async def main() -> None:
        thread = BatchThread(Doubler(), name="double")
        await thread.close()
        with pytest.raises(RuntimeError, match="closed"):
            thread.submit(1)

    asyncio.run(main())


def test_another_event_loop_is_refused() -> None:
    thread = BatchThread(Doubler(), name="double")

    async def ask() -> int:
        return await thread.submit(4)

    async def main() -> None:
        assert await ask() == 8
        with pytest.raises(RuntimeError, match="double belongs to another event loop"):
            await asyncio.to_thread(asyncio.run, ask())
        await thread.close()

    asyncio.run(main())


def test_a_loop_that_ended_meanwhile_does_no_harm() -> None:
    double = Doubler()
    thread = BatchThread(double, name="forsaken")
    double.open.clear()

    async def leave() -> None:
        thread.submit(1)
        await until(lambda: bool(double.batches))

    asyncio.run(leave())
    double.open.set()
    [worker] = [one for one in threading.enumerate() if one.name == "forsaken"]
    worker.join(0.05)
    assert worker.daemon  # asleep for good; the process can end


@LOOPS
@pytest.mark.parametrize("pause", [0.0, 0.00005])
def test_no_wake_up_is_lost(run_loop: Runner, pause: float) -> None:
    """Ten thousand hand-overs, each of which would wait for ever if its wake-up were lost."""

    def run(items: list[int]) -> list[int]:
        if pause and items[0] % 3 == 0:
            time.sleep(pause)
        return items

    async def main() -> None:
        thread = BatchThread(run, name="echo", most=5)

        async def ask(start: int) -> None:
            for number in range(start, start + 500):
                assert await asyncio.wait_for(thread.submit(number), 5) == number
                if number % 11 == 0:
                    await asyncio.sleep(0)

        await asyncio.gather(*(ask(1_000 * asker) for asker in range(20)))
        await thread.close()

    run_loop(main())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=8), st.integers(1, 6))
def test_every_item_gets_its_own_answer(rounds: list[list[int]], most: int) -> None:
    async def main() -> None:
        double = Doubler()
        thread = BatchThread(double, name="double", most=most)
        for items in rounds:
            futures = [thread.submit(item) for item in items]
            answers = await asyncio.gather(*futures, return_exceptions=True)
            for item, answer in zip(items, answers, strict=True):
                if isinstance(answer, ValueError):
                    assert 13 in items
                elif isinstance(answer, KeyError):
                    assert answer.args == (item,)
                    assert item % 7 == 6
                else:
                    assert answer == 2 * item
        await thread.close()
        handed = [item for items in rounds for item in items]
        assert [item for batch in double.batches for item in batch] == handed
        assert all(0 < len(batch) <= most for batch in double.batches)

    asyncio.run(main())
