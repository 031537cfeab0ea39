"""A central store for tests: real, with one account, a clock to turn, and what others do to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.accounts import Account
from gateway.passwords import hash_password
from gateway.sessions import Scope, Sessions
from gateway.sign_in.factors import Factors
from regions.engines import sqlite_engine
from regions.instants import instant
from regions.sealing import Sealer
from regions.users import accounts
from resolvers.central import COUNTRY
from resolvers.users import Role
from tests.stores import declared_central

START = 1_795_341_600.0  # 2026-11-22T10:00:00Z
PASSWORD = "correct horse"
NANJING = Account(
    "nanjing",
    "王芳",
    Role.UNIT_USER,
    "cdc-320100",
    "南京市疾病预防控制中心",
    "CITY",
    "320100",
)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Worker(Sessions):
    """The sessions of a worker, opened without the time a password takes."""

    async def open(
        self, account: str, second_factor: str = "TOTP", scope: Scope | None = None
    ) -> str:
        """Opens a session; the token."""

        def work(connection: Connection) -> str:
            return self.insert(connection, account, second_factor=second_factor, scope=scope).token

        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


class World:
    """One store, and as many workers' sessions as a test wants."""

    def __init__(self, path: Path, engine: AsyncEngine) -> None:
        self.path, self.engine, self.clock = path, engine, Clock()
        self.sealer = Sealer(b"s" * 32, COUNTRY)
        self.factors = Factors(self.sealer)

    def worker(self) -> Worker:
        return Worker(
            self.engine, self.path, idle_seconds=1_800, longest_seconds=43_200, clock=self.clock
        )

    async def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        async with self.engine.begin() as connection:
            return await connection.run_sync(work, *arguments)

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """What another program does to the store."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()

    def grant(self, starts: float, ends: float, **more: Any) -> None:
        row = {
            "id": "g1",
            "account": "nanjing",
            "record_types": json.dumps(["CASE"]),
            "items": json.dumps(["NAME", "PHONE"]),
            "code": "320100",
            "purpose": "cluster",
            "starts_at": instant(START + starts),
            "ends_at": instant(START + ends),
            "created_at": instant(START),
        } | more
        columns = ", ".join(row)
        marks = ", ".join("?" * len(row))
        self.sql(f"INSERT INTO grants ({columns}) VALUES ({marks})", *row.values())


@cache  # hashing a password takes as long as the rest of a test
def _nanjing() -> dict[str, Any]:
    row = {name: value for name, value in asdict(NANJING).items() if value is not None}
    return row | {
        "role": NANJING.role.name,
        "state": NANJING.state.name,
        "created_at": instant(START),
        "password_hash": hash_password(PASSWORD),
    }


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    path = declared_central(folder / "gateway.db")
    engine = sqlite_engine(str(path))
    async with engine.begin() as connection:
        await connection.execute(insert(accounts).values(_nanjing()))
    try:
        yield World(path, engine)
    finally:
        await engine.dispose()


def bearer(token: str) -> bytes:
    return b"Bearer " + token.encode()
