"""Reads of SQLite files that go wrong in the thread."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from regions.reading import Answer, Read, Readers
from regions.settings import RegionSettings


def test_a_read_that_no_driver_takes_fails_alone_and_at_once(tmp_path: Path) -> None:
    path = tmp_path / "320100.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE said (word TEXT)")
    region = RegionSettings("320100", "南京", "Nanjing", ("3201",), path, None, 5.0)

    async def read() -> list[Answer]:
        readers = Readers([region])
        answers = []
        for _ in range(10):  # more than there are threads
            answers += await readers.ask([Read(0, "SELECT ?", (1 << 70,))], 5.0)
        answers += await readers.ask([Read(0, "SELECT ?", (1,))], 5.0)
        await readers.close()
        return answers

    *failed, good = asyncio.run(read())
    assert {str(one.failure) for one in failed} == {"the store failed (OverflowError)"}
    assert list(good.rows) == [(1,)]


_ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"


@pytest.mark.parametrize("way", ["deadline", "cancelled"])
def test_what_was_cut_off_holds_no_thread_however_early(tmp_path: Path, way: str) -> None:
    """An interruption that comes just before the statement begins does nothing by itself."""
    path = tmp_path / "320100.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE said (word TEXT)")
    region = RegionSettings("320100", "南京", "Nanjing", ("3201",), path, None, 5.0)

    async def read() -> Answer:
        readers = Readers([region], bulkhead=1)
        endless = [Read(0, _ENDLESS, ())]
        for number in range(100):
            if way == "deadline":
                (answer,) = await readers.ask(endless, number * 1e-5)
                assert answer.failure is not None
            else:
                asking = asyncio.create_task(readers.ask(endless, 600.0))
                await asyncio.sleep(number * 1e-5)
                asking.cancel()
                with suppress(asyncio.CancelledError):
                    await asking
        (answer,) = await readers.ask([Read(0, "SELECT 1", ())], 60.0)
        await readers.close()
        return answer

    assert list(asyncio.run(read()).rows) == [(1,)]
