"""A region's records into its store, as fast as each kind of store takes them.

A store that nobody reads yet needs no safety while it is built: SQLite writes without journal and
without waiting for the disk, indexes are made at the end, and then everything is brought to disk at
once. What an interruption leaves is thrown away (`resolvers.demo.folder`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.cases import cases
from regions.engines import make_engine
from regions.errors import StoreError
from regions.ids import first_id, take_ids
from regions.index_keys import IndexState, keep_state
from regions.keys import Keys
from regions.metadata import regional
from regions.migrating import migrate
from regions.people import people
from regions.reference import units
from regions.settings import RegionSettings
from regions.statistics import daily_counts
from resolvers.demo.plan import Plan
from resolvers.demo.records import Batch, batches
from resolvers.demo.scene import Scene, set_scene

__all__ = ["build_region"]

_CACHE_KIB = 65_536


async def build_region(
    plan: Plan,
    number: int,
    keys: Keys,
    *,
    replace: bool = False,
    advance: Callable[[int], None] = lambda steps: None,
) -> None:
    """Makes the tables of one region's store and fills them; `advance` hears of each step done.

    Raises StoreError where the store cannot be written, or is on PostgreSQL and holds records
    already; with `replace` these are taken for the leftovers of an interrupted demo and removed.
    """
    settings = plan.parameters.regions[number]
    await migrate(settings)
    scene = set_scene(plan, number, keys)
    if settings.path is not None:
        try:
            _fill_sqlite(settings.path, scene, advance)
        except sqlite3.Error as error:  # a full disk, most of all
            raise StoreError(
                f"the store {settings.path} cannot be written: {error}", store=settings.code
            ) from error
    else:
        await _fill_postgres(settings, scene, replace=replace, advance=advance)
    engine = make_engine(settings, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_leave_ids, scene)
    finally:
        await engine.dispose()
    if settings.path is not None:
        _to_disk(settings.path)


def _leave_ids(connection: Connection, scene: Scene) -> None:
    """Takes the ids that were used, so that the next record gets the next one."""
    used = next(scene.ids) - first_id(scene.region.code) - 1
    take_ids(connection, scene.region.code, used)
    keep_state(connection, IndexState(key=scene.indexer.newest))


def _fill_sqlite(path: Path, scene: Scene, advance: Callable[[int], None]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in (
            "locking_mode=EXCLUSIVE",
            "journal_mode=OFF",
            "synchronous=OFF",
            "temp_store=MEMORY",
            f"cache_size=-{_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master "
            "WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        ).fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        for batch in batches(scene):
            connection.executemany(_insertion(batch), batch.rows)
            advance(batch.steps)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def _insertion(batch: Batch) -> str:
    marks = ", ".join("?" * len(batch.columns))
    return f"INSERT INTO {batch.table.name} ({', '.join(batch.columns)}) VALUES ({marks})"


def _to_disk(path: Path) -> None:
    """Waits until the file and its name are on disk; the write-ahead log is empty by now."""
    for name in (path, path.parent):
        handle = os.open(name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


async def _fill_postgres(
    settings: RegionSettings, scene: Scene, *, replace: bool, advance: Callable[[int], None]
) -> None:
    engine = make_engine(settings, pool_size=1)
    try:
        await _make_room(engine, settings, replace=replace)
        async with engine.begin() as connection:
            raw = await connection.get_raw_connection()
            for batch in batches(scene):
                await _copy(raw.driver_connection, batch.table, batch.columns, batch.rows)
                advance(batch.steps)
    finally:
        await engine.dispose()


async def _copy(
    connection: Any, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(table.name, records=rows, columns=list(columns))


async def _make_room(engine: AsyncEngine, settings: RegionSettings, *, replace: bool) -> None:
    """Sees that the store holds no records, or removes an interrupted demo's."""
    async with engine.begin() as connection:
        held = [
            table.name
            for table in (people, cases, daily_counts)
            if (await connection.execute(select(table).limit(1))).first() is not None
        ]
        if held and not replace:
            raise StoreError(
                f"the store {settings.code} holds {' and '.join(held)} that no demo has made",
                hint="give the demo stores of its own: a demo never touches others' data",
                store=settings.code,
            )
        if held:
            names = ", ".join(sorted(set(regional.tables) - _REFERENCE))
            await connection.execute(text(f"TRUNCATE {names}"))
            await connection.execute(delete(units).where(units.c.id.not_like("cdc-%")))


_REFERENCE = frozenset({"areas", "area_changes", "diseases", "index_keys", "units"})
"""Tables that `migrate` has filled; of units the CDCs."""
