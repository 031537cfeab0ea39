"""What the commands on the gateway's own store share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from gateway.config import Config, load_config
from gateway.sign_in.factors import Factors
from regions.engines import sqlite_engine
from regions.errors import StoreBehind
from regions.keys import load_keys
from regions.migrating import check_central
from regions.sealing import Sealer
from resolvers.central import COUNTRY

__all__ = ["changing_central", "factors_of", "in_central", "require_init"]

_P = ParamSpec("_P")
_Result = TypeVar("_Result")


def in_central(
    config: Path,
    work: Callable[Concatenate[Connection, _P], _Result],
    *arguments: _P.args,
    **more: _P.kwargs,
) -> _Result:
    """Reads the gateway's own store in one transaction. Raises StoreBehind.

    SQLite refuses what would write: that has an entry first (`_logged.logged_in_central`).
    """

    def read(connection: Connection) -> _Result:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        return work(connection, *arguments, **more)

    return changing_central(config, read)


def changing_central(config: Path, work: Callable[[Connection], _Result]) -> _Result:
    """Some work in one transaction on the gateway's own store. Raises StoreBehind."""
    loaded = load_config(config)
    require_init(loaded)
    path = loaded.central_store

    async def run() -> _Result:
        await check_central(path)
        engine = sqlite_engine(str(path))
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def factors_of(config: Path) -> Factors:
    """The second factors of a configuration's accounts. Raises KeysError."""
    loaded = load_config(config)
    return Factors(Sealer(load_keys(loaded.keys, sm=loaded.sm).sealing, COUNTRY))


def require_init(config: Config) -> None:
    """Raises StoreBehind where `epigate init` was never run: a newcomer needs more than tables."""
    if not config.central_store.exists():
        raise StoreBehind(
            f"nothing is set up yet: there is no {config.central_store}",
            hint="run `epigate init`: it makes the keys and every store",
            store="gateway",
        )
