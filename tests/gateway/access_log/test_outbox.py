"""The outboxes of stores that take nothing for hours: nothing is told twice or looked for again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.access_log.log_file import LogFile, Owed
from gateway.access_log.outbox import Outboxes
from gateway.access_log.reading import canonical, read_entries
from gateway.access_log.starting import check_access_log
from regions.instants import now
from regions.keys import load_keys
from regions.settings import RegionSettings
from tests.gateway.access_log.logs import opened
from tests.served import Demo
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
    search = Outboxes._look

    def counted(self: Outboxes, after: int, wanted: set[str]) -> tuple[set[str], set[str], int]:
        looked.append(wanted)
        return search(self, after, wanted)

    monkeypatch.setattr(Outboxes, "_look", counted)

    async def write(rows: Sequence[Owed]) -> None:
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


def put(store: Path, request: str, *, origin: str = "log", at: str = "", position: int = 0) -> None:
    columns = "id, origin, at, account, operation, request, trace, wrote, position"
    values = (f"{request}/k", origin, at or now(), "nanjing", "mutation registerContacts", request)
    with closing(sqlite3.connect(str(store))) as open_one, open_one:
        open_one.execute(
            f"INSERT INTO log_outbox ({columns}) VALUES (?, ?, ?, ?, ?, ?, '', '{{}}', ?)",
            (*values, position),
        )


def entry_of(request: str, at: str) -> tuple[str, str, str, str, str]:
    entry = {"at": at, "module": "graphql", "request": request}
    return (at, "", "", "OK", canonical(entry).decode())


def writer(log: LogFile) -> Callable[[Sequence[Owed]], Awaitable[None]]:
    async def write(rows: Sequence[Owed]) -> None:
        log.write(rows)

    return write


def test_a_clock_that_jumped_ahead_and_back_tells_nothing_twice(
    stores: Stores, tmp_path: Path
) -> None:
    """The row is of tomorrow by its clock; its entry, too, and 3,000 of today are behind it."""
    region = stores.sqlite("320100", tmp_path / "nanjing.db")
    assert region.path is not None
    log = opened(tmp_path / "access-log.db")
    log.write([entry_of("before", "2026-11-22T08:00:00Z")])
    put(region.path, "r-1", at="2026-11-23T08:00:00Z", position=1)
    log.write([entry_of("r-1", "2026-11-23T08:00:00Z")])
    for _ in range(30):
        log.write([entry_of("other", "2026-11-22T08:00:01Z")] * 100)
    moment = [0.0]
    outboxes = Outboxes(log.path, "log", tmp_path / "none.db", [region], lambda: moment[0])
    write = writer(log)
    assert asyncio.run(outboxes.sweep(write, age=15)) == 0
    assert rows_in(region) == 1  # seen first just now, whenever its clock says that it was
    moment[0] = 15.0
    assert asyncio.run(outboxes.sweep(write, age=15)) == 0
    assert (rows_in(region), told_of(log.path, "r-1")) == (0, 1)
    put(region.path, "r-2", at="2099-01-01T00:00:00Z", position=2)
    assert asyncio.run(outboxes.sweep(write, age=15)) == 0
    moment[0] = 30.0
    assert asyncio.run(outboxes.sweep(write, age=15)) == 1  # not in 2099 only
    assert (rows_in(region), told_of(log.path, "r-2")) == (0, 1)


def test_an_empty_outbox_is_looked_into_again_once_its_store_has_changed(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, busy = (stores.sqlite(code, tmp_path / f"{code}.db") for code in ("320100", "320200"))
    assert busy.path is not None
    log = opened(tmp_path / "access-log.db")
    looked: list[str] = []
    due = Outboxes._due

    def counted(self: Outboxes, connection: Any, store: Any, sweep: Any) -> Any:
        looked.append(store.code)
        return due(self, connection, store, sweep)

    monkeypatch.setattr(Outboxes, "_due", counted)
    moment = [0.0]
    outboxes = Outboxes(log.path, "log", tmp_path / "none.db", [quiet, busy], lambda: moment[0])

    def swept() -> set[str]:
        looked.clear()
        asyncio.run(outboxes.sweep(writer(log), age=15))
        return set(looked)

    both = {"320100", "320200"}
    assert [swept(), swept()] == [both, set()]
    put(busy.path, "r-1")
    assert [swept(), swept()] == [{"320200"}, {"320200"}]  # not yet due, and so waited for
    moment[0] = 15.0
    swept()
    assert (rows_in(busy), told_of(log.path, "r-1")) == (0, 1)
    assert [swept(), swept()] == [{"320200"}, set()]  # it was emptied itself
    moment[0] = 120.0  # whatever its file says
    assert swept() == both
    outboxes.close()


def test_two_who_sweep_at_once_tell_it_once(stores: Stores, tmp_path: Path) -> None:
    region = stores.sqlite("320100", tmp_path / "nanjing.db")
    assert region.path is not None
    one, other = opened(tmp_path / "access-log.db"), opened(tmp_path / "access-log.db")
    put(region.path, "r-1")
    first = Outboxes(one.path, "log", tmp_path / "none.db", [region])
    second = Outboxes(one.path, "log", tmp_path / "none.db", [region])

    async def late(rows: Sequence[Owed]) -> None:
        """Between this one's look and its entry, the other has told it."""
        assert await second.sweep(writer(other), age=0) == 1
        one.write(rows)

    asyncio.run(first.sweep(late, age=0))
    assert told_of(one.path, "r-1") == 1
    put(region.path, "r-2")

    async def later(rows: Sequence[Owed]) -> None:
        """And here the entry of the request itself."""
        other.write([entry_of("r-2", now())])
        one.write(rows)

    asyncio.run(first.sweep(later, age=0))
    assert told_of(one.path, "r-2") == 1


def test_a_request_that_wrote_to_two_stores_is_told_of_both(stores: Stores, tmp_path: Path) -> None:
    regions = [stores.sqlite(code, tmp_path / f"{code}.db") for code in ("320100", "320200")]
    log = opened(tmp_path / "access-log.db")
    for region in regions:
        assert region.path is not None
        put(region.path, "r-1")
    outboxes = Outboxes(log.path, "log", tmp_path / "none.db", regions)
    assert asyncio.run(outboxes.sweep(writer(log), age=0)) == 2
    assert told_of(log.path, "r-1") == 2


def test_rows_of_a_log_that_was_replaced_are_told_and_name_it(demo: Demo, tmp_path: Path) -> None:
    mine = demo.copied(tmp_path / "demo")
    config, keys = mine.config, load_keys(mine.config.keys)
    asyncio.run(check_access_log(config, keys))
    with closing(sqlite3.connect(config.log_store)) as file:
        (old,) = file.execute("SELECT value FROM facts WHERE name = 'origin'").fetchone()
    store = config.regions[0].path
    assert store is not None
    put(store, "r-old", origin=old, position=900)
    put(store, "r-of-another-gateway", origin="epigate-elsewhere")
    for path in (config.log_store, config.log_vkey):
        path.unlink()
    for _ in range(2):
        asyncio.run(check_access_log(config, keys))
    assert told_of(config.log_store, "r-old") == 1
    (told,) = [one for one in read_entries(config.log_store) if one.get("request") == "r-old"]
    assert told["origin"] == old
    assert told["recovered"]
    with closing(sqlite3.connect(str(store))) as left:
        rows = left.execute("SELECT request FROM log_outbox").fetchall()
    assert rows == [("r-of-another-gateway",)]


def told_of(path: Path, request: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT entry FROM entries").fetchall()
    return sum(orjson.loads(entry).get("request") == request for (entry,) in rows)


def rows_in(region: RegionSettings) -> Any:
    with closing(sqlite3.connect(str(region.path))) as store:
        return store.execute("SELECT count(*) FROM log_outbox").fetchone()[0]
