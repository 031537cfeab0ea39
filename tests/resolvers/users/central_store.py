"""A gateway's own store for tests of rules: a real file, as many connections as wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.engines import sqlite_engine
from tests.stores import declared_central

__all__ = ["CITY", "COUNTY", "NATIONAL", "PROVINCE", "Store", "store"]

NATIONAL = ("cdc-000000", "中国疾病预防控制中心", "NATIONAL", "000000")
PROVINCE = ("cdc-320000", "江苏省疾病预防控制中心", "PROVINCE", "320000")
CITY = ("cdc-320100", "南京市疾病预防控制中心", "CITY", "320100")
COUNTY = ("cdc-320102", "南京市玄武区疾病预防控制中心", "COUNTY", "320102")


class Store:
    """The store; each `do` is a transaction on a connection of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def do(self, work: Callable[[Connection], Any]) -> Any:
        """What `work` returns; what it raises undoes it."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[Store]:
    """A new store in a folder."""
    engine = sqlite_engine(str(declared_central(folder / "gateway.db")))
    try:
        yield Store(engine)
    finally:
        await engine.dispose()
