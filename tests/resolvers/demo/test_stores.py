from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from regions.cases import cases
from regions.contacts import contacts
from regions.engines import make_engine
from regions.errors import StoreError
from regions.ids import take_ids
from regions.keys import Keys
from regions.people import people
from regions.reference import units
from regions.settings import RegionSettings
from regions.statistics import Rebuilt, daily_counts, rebuild
from resolvers.demo.parameters import Parameters
from resolvers.demo.plan import make_plan
from resolvers.demo.records import steps
from resolvers.demo.stores import build_region
from tests.resolvers.demo.made import UNTIL, Demo, parameters
from tests.stores import Stores

PRIVATE = {"sealed"}  # another nonce each time


def in_store(settings: RegionSettings, work: Any) -> Any:
    async def run() -> Any:
        engine = make_engine(settings, pool_size=1)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def contents(settings: RegionSettings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of what a demo makes, without what is different each time."""

    def read(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        found = {}
        for table in (people, cases, contacts, daily_counts, units):
            columns = [column for column in table.columns if column.name not in PRIVATE]
            keys = list(table.primary_key.columns)
            rows = connection.execute(select(*columns).order_by(*keys))
            found[table.name] = [tuple(row) for row in rows]
        return found

    result: dict[str, list[tuple[Any, ...]]] = in_store(settings, read)
    return result


def test_daily_counts_are_those_of_the_cases(demo: Demo) -> None:
    for settings in demo.plan.parameters.regions:
        found: Rebuilt = in_store(settings, lambda store: rebuild(store, mend=False))
        assert found.agrees
        assert found.cells > 0


def test_a_store_is_as_migrated_but_full(demo: Demo, stores: Stores) -> None:
    """The same tables and indexes, whole, with the write-ahead log the gateway needs."""
    empty = stores.sqlite("3201").path
    assert empty
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    with closing(sqlite3.connect(empty)) as connection:
        wanted = connection.execute(schema).fetchall()
    with demo.store(0) as store:
        assert [tuple(row) for row in store.execute(schema)] == wanted
        assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
        assert store.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_the_same_seed_makes_the_same_records(demo: Demo, tmp_path: Path) -> None:
    again = make_plan(parameters(tmp_path))
    asyncio.run(build_region(again, 3, demo.keys))
    made = contents(again.parameters.regions[3])
    assert made == contents(demo.plan.parameters.regions[3])
    assert len(made["people"]) == again.regions[3].people


def test_the_next_record_gets_the_next_id(keys: Keys, tmp_path: Path) -> None:
    plan = make_plan(parameters(tmp_path, people=200, codes=("3405",)))
    asyncio.run(build_region(plan, 0, keys))
    settings = plan.parameters.regions[0]
    newest = max(
        row[0] for name in ("people", "cases", "contacts") for row in contents(settings)[name]
    )
    assert in_store(settings, lambda store: take_ids(store, "3405", 1)) > newest


def test_steps_are_told_as_they_are_done(keys: Keys, tmp_path: Path) -> None:
    plan = make_plan(parameters(tmp_path, people=200, codes=("3405",)))
    told: list[int] = []
    asyncio.run(build_region(plan, 0, keys, advance=told.append))
    assert sum(told) == steps(plan.regions[0])


@pytest.fixture
def on_postgres(stores: Stores) -> Parameters:
    settings = stores.postgresql("3405")
    return Parameters(300, 7, 2, UNTIL, (settings,))


def test_postgresql_gets_the_same(on_postgres: Parameters, keys: Keys, tmp_path: Path) -> None:
    small = parameters(tmp_path, people=300, years=2, codes=("3405",))
    asyncio.run(build_region(make_plan(small), 0, keys))
    asyncio.run(build_region(make_plan(on_postgres), 0, keys))
    assert contents(on_postgres.regions[0]) == contents(small.regions[0])
    found: Rebuilt = in_store(on_postgres.regions[0], lambda store: rebuild(store, mend=False))
    assert found.agrees


def test_postgresql_is_not_overwritten(on_postgres: Parameters, keys: Keys) -> None:
    plan, settings = make_plan(on_postgres), on_postgres.regions[0]
    asyncio.run(build_region(plan, 0, keys))
    made = contents(settings)
    with pytest.raises(StoreError, match="no demo has made"):
        asyncio.run(build_region(plan, 0, keys))
    assert contents(settings) == made
    asyncio.run(build_region(plan, 0, keys, replace=True))  # leftovers of an interrupted demo
    assert contents(settings) == made
