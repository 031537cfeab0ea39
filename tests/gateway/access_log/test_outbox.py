"""The outboxes of stores that take nothing for hours: nothing is told twice or looked for again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.access_log.log_file import Row
from gateway.access_log.outbox import Outboxes
from regions.instants import now
from regions.settings import RegionSettings
from tests.gateway.access_log.logs import opened
from tests.stores import Stores


def test_a_store_that_takes_nothing_is_told_once_and_not_looked_for_again(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = stores.sqlite("320100", tmp_path / "nanjing.db")
    log = opened(tmp_path / "access-log.db")
    columns = "id, origin, at, account, operation, request, trace, wrote"
    values = ("r-1/k", "log", now(), "nanjing", "mutation registerContacts", "r-1", "", "{}")
    with closing(sqlite3.connect(str(region.path))) as store:
        store.execute(f"INSERT INTO log_outbox ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        store.execute(
            "CREATE TRIGGER stuck BEFORE DELETE ON log_outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        store.commit()
    looked: list[set[str]] = []
    search = Outboxes._requests

    def counted(self: Outboxes, wanted: set[str], since: str) -> set[str]:
        looked.append(wanted)
        return search(self, wanted, since)

    monkeypatch.setattr(Outboxes, "_requests", counted)

    async def write(rows: Sequence[Row]) -> None:
        log.write(rows)

    outboxes = Outboxes(log.path, "log", tmp_path / "none.db", [region])
    assert [asyncio.run(outboxes.sweep(write, age=0)) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert looked == [{"r-1"}]
    assert told_of(log.path, "r-1") == 1
    again = Outboxes(log.path, "log", tmp_path / "none.db", [region])  # the next process
    assert asyncio.run(again.sweep(write, age=0)) == 0
    with closing(sqlite3.connect(str(region.path))) as store:
        store.execute("DROP TRIGGER stuck")
        store.commit()
    assert asyncio.run(outboxes.sweep(write, age=0)) == 0
    assert rows_in(region) == 0
    assert told_of(log.path, "r-1") == 1


def told_of(path: Path, request: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT entry FROM entries").fetchall()
    return sum(orjson.loads(entry).get("request") == request for (entry,) in rows)


def rows_in(region: RegionSettings) -> Any:
    with closing(sqlite3.connect(str(region.path))) as store:
        return store.execute("SELECT count(*) FROM log_outbox").fetchone()[0]
