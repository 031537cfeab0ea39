"""Reading many files at once: deadlines, room for each, and failures that end nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regions.reading import Answer, Read, Readers
from tests.stores import region_settings

_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
_LONG = 5.0


class Reading:
    """Readers of two small files, in an event loop of their own."""

    def __init__(self, folder: Path) -> None:
        regions = []
        for number in (0, 1):
            path = folder / f"{number}.db"
            with sqlite3.connect(path) as store:
                store.execute("CREATE TABLE t (x)")
                store.execute("INSERT INTO t VALUES (?)", (number,))
            store.close()
            regions.append(region_settings("3201", path=path))
        self.readers = Readers(regions, bulkhead=2)
        self.runner = asyncio.Runner()

    def ask(self, *reads: Read, seconds: float = _LONG) -> list[Answer]:
        """The answers to some reads."""
        return self.runner.run(self.readers.ask(reads, seconds))

    def close(self) -> None:
        """Ends threads and loop."""
        self.runner.run(self.readers.close())
        self.runner.close()


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    """Readers with room for two statements a file."""
    made = Reading(tmp_path)
    yield made
    made.close()


def _rows(answers: list[Answer]) -> list[Any]:
    return [answer.rows if answer.failure is None else str(answer.failure) for answer in answers]


def test_answers_come_in_the_order_of_the_reads(reading: Reading) -> None:
    reads = [Read(i % 2, "SELECT ?, x FROM t", (i,)) for i in range(20)]
    assert _rows(reading.ask(*reads)) == [[(i, i % 2)] for i in range(20)]
    assert reading.ask() == []


def test_many_questions_at_once_share_few_threads(reading: Reading) -> None:
    async def work() -> None:
        reads = [Read(0, "SELECT 1", ()), Read(1, "SELECT 2", ())]
        found = await asyncio.gather(*(reading.readers.ask(reads, _LONG) for _ in range(200)))
        assert all(_rows(answers) == [[(1,)], [(2,)]] for answers in found)

    before = threading.active_count()
    reading.runner.run(work())
    assert threading.active_count() - before <= 6


def test_a_deadline_cuts_off_one_answer_and_not_the_others(reading: Reading) -> None:
    slow, quick = reading.ask(Read(0, _ENDLESS, ()), Read(1, "SELECT x FROM t", ()), seconds=0.1)
    assert slow.failure is not None
    assert slow.failure.timed_out
    assert quick.rows == [(1,)]
    assert _rows(reading.ask(Read(0, "SELECT x FROM t", ()))) == [[(0,)]]


def test_each_read_may_have_its_own_time(reading: Reading) -> None:
    endless = Read(0, _ENDLESS, ())
    quick = Read(1, "SELECT x FROM t", ())

    async def work() -> None:
        answers: list[Answer | None] = [None, None, None]
        asking = asyncio.create_task(
            reading.readers.ask([endless, endless, quick], [0.1, 1.0, _LONG], answers)
        )
        await asyncio.sleep(0.5)
        assert answers[0] is not None
        assert answers[1] is None  # it has its time still
        first, second, third = await asking
        assert first.failure is not None
        assert second.failure is not None
        assert first.failure.timed_out
        assert second.failure.timed_out
        assert 0.1 <= first.seconds < second.seconds
        assert second.seconds >= 1.0
        assert third.rows == [(1,)]

    reading.runner.run(work())
    assert _rows(reading.ask(Read(0, "SELECT x FROM t", ()))) == [[(0,)]]


def test_waiting_for_room_is_part_of_what_a_region_took(reading: Reading) -> None:
    async def work() -> None:
        held = [reading.readers.ask([Read(0, _ENDLESS, ())], 0.5) for _ in range(2)]
        waiting = asyncio.gather(*held)
        await asyncio.sleep(0.1)
        (answer,) = await reading.readers.ask([Read(0, "SELECT x FROM t", ())], _LONG)
        assert answer.rows == [(0,)]
        assert answer.seconds > 0.2
        await waiting

    reading.runner.run(work())


def test_more_endless_statements_than_there_is_room_for(reading: Reading) -> None:
    async def work() -> None:
        endless = [reading.readers.ask([Read(0, _ENDLESS, ())], 0.3) for _ in range(8)]
        quick = [reading.readers.ask([Read(1, "SELECT x FROM t", ())], _LONG) for _ in range(8)]
        held = asyncio.gather(*endless)
        assert all(_rows(one) == [[(1,)]] for one in await asyncio.gather(*quick))
        assert not held.done()
        assert all(one[0].failure and one[0].failure.timed_out for one in await held)

    reading.runner.run(work())
    assert _rows(reading.ask(Read(0, "SELECT x FROM t", ()))) == [[(0,)]]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT ?", (1 << 70,)),
        ("SELECT ?", (object(),)),
        ("SELECT ?", ("\ud800",)),
        ("SELECT ?", ()),
        ("SELECT nothing FROM nowhere", ()),
        ("nonsense", ()),
        ("DELETE FROM t", ()),
    ],
)
def test_what_cannot_be_run_is_a_failure_and_ends_no_thread(
    reading: Reading, sql: str, parameters: tuple[Any, ...]
) -> None:
    for _ in range(8):  # more than there may be threads
        (answer,) = reading.ask(Read(0, sql, parameters), seconds=1.0)
        assert answer.failure is not None
        assert not answer.failure.timed_out
    assert _rows(reading.ask(Read(0, "SELECT x FROM t", ()))) == [[(0,)]]


def test_a_question_given_up_leaves_nothing_behind(reading: Reading) -> None:
    async def work() -> None:
        task = asyncio.create_task(reading.readers.ask([Read(0, _ENDLESS, ())], 0.2))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    reading.runner.run(work())
    assert _rows(reading.ask(Read(0, "SELECT x FROM t", ()))) == [[(0,)]]


@pytest.mark.parametrize("name", ["a b", "50%", "x?mode=memory", "#1", "%41", "汉字", "it's"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    made = Reading(folder)
    assert _rows(made.ask(Read(1, "SELECT x FROM t", ()))) == [[(1,)]]
    made.close()
