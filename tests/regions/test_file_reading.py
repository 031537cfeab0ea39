"""Reads of SQLite files that go wrong in the thread."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

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

    started = time.monotonic()
    *failed, good = asyncio.run(read())
    assert time.monotonic() - started < 2
    assert {str(one.failure) for one in failed} == {"the store failed (OverflowError)"}
    assert list(good.rows) == [(1,)]
