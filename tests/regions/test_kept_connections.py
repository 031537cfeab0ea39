"""Connections to PostgreSQL that are kept: tried after a while, and made anew where they broke."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.engines import make_engine
from tests.stores import Stores

_PID = "SELECT pg_backend_pid()"


async def _pid(engine: AsyncEngine) -> int:
    async with engine.begin() as connection:
        return int((await connection.exec_driver_sql(_PID)).scalar_one())


def test_a_kept_connection_is_tried_only_after_a_while(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stores.make("postgresql", "3201")
    tried: list[Any] = []

    async def run() -> None:
        engine = make_engine(settings, pool_size=1, overflow=0)
        try:
            monkeypatch.setattr(engine.sync_engine.dialect, "do_ping", tried.append)
            first = await _pid(engine)
            assert await _pid(engine) == first
            assert not tried
            monkeypatch.setattr("regions.engines._IDLE_SECONDS", 0.0)
            assert await _pid(engine) == first
            assert len(tried) == 1
        finally:
            await engine.dispose()

    asyncio.run(run())


def test_a_kept_connection_that_broke_is_made_anew(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stores.make("postgresql", "3201")

    async def run() -> None:
        engine, other = make_engine(settings, pool_size=1, overflow=0), make_engine(settings)
        try:
            for seconds in (1.0, -1.0):  # known to be closed; or not, and tried
                monkeypatch.setattr("regions.engines._IDLE_SECONDS", seconds)
                broken = await _pid(engine)
                async with other.begin() as connection:
                    await connection.exec_driver_sql(f"SELECT pg_terminate_backend({broken}, 5000)")
                if seconds > 0:
                    await asyncio.sleep(0.2)  # the loop hears of it
                assert await _pid(engine) != broken
        finally:
            await engine.dispose()
            await other.dispose()

    asyncio.run(run())


def test_who_looks_for_single_records_goes_by_the_index_of_a_table_that_is_small(
    stores: Stores,
) -> None:
    settings = stores.make("postgresql", "3201")
    row = "INSERT INTO custody SELECT 1, '', 1, '', '', '', ''"
    wanted = "EXPLAIN SELECT state FROM custody WHERE person_id = ANY (ARRAY(SELECT 1::bigint))"

    async def run(*, by_index: bool) -> str:
        engine = make_engine(settings, pool_size=1, overflow=0, by_index=by_index)
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(row)
                await connection.exec_driver_sql("ANALYZE custody")
                return "\n".join((await connection.exec_driver_sql(wanted)).scalars())
        finally:
            await engine.dispose()

    assert "Seq Scan" in asyncio.run(run(by_index=False))
    assert "pk_custody" in asyncio.run(run(by_index=True))
