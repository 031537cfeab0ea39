"""`epigate init`: keys, folders and empty stores for a new installation."""

from __future__ import annotations

import asyncio

import typer
from sqlalchemy import Connection, select

from gateway.access_log.opening import log_exists, open_access_log
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.commands.migrate import run_migrations
from gateway.config import Config, load_config
from regions.engines import make_engine
from regions.errors import KeysError
from regions.index_keys import IndexState, keep_state, read_state
from regions.key_ring import read_keys
from regions.keys import KEY_NAMES, create_keys, load_keys
from regions.people import people

__all__ = ["init", "initialise"]


def init(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make the key folder, the data folder and every store; what is there already is kept.

    The first command of a new installation, after its configuration is written. Keep a copy of the
    key folder in a safe place: nothing opens the stores without it.
    """
    if not initialise(load_config(config)):
        raise typer.Exit(1)


def initialise(config: Config) -> bool:
    """Makes stores and keys where they are missing; False where a store could not be made.

    Raises KeysError rather than make new keys beside people sealed with lost ones, AccessLogError.
    """
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not run_migrations(config):  # a store that was not asked may hold sealed people
        return False
    _make_keys(config)
    asyncio.run(_begin_indexes(config))
    asyncio.run(open_access_log(config, load_keys(config.keys)).close())
    return True


def _make_keys(config: Config) -> None:
    out = console()
    missing = [name for name in KEY_NAMES if not read_keys(config.keys, name)]
    if {"sealing", "index"}.intersection(missing):
        holding = asyncio.run(_holding_people(config))
        if holding:
            raise KeysError(
                f"{config.keys} lacks {', '.join(missing)}, "
                f"but {', '.join(holding)} hold people sealed with keys made before",
                hint="restore the key folder from its backup; new keys could not open them",
            )
    if "log-signing" in missing and log_exists(config):
        raise KeysError(
            f"{config.keys} lacks log-signing, but the access log is signed with one made before",
            hint="restore the key folder from its backup; another key would not fit the log",
        )
    if missing:
        made = create_keys(config.keys, sm=config.sm)
        out.print(f"keys made: {', '.join(made)} in {config.keys}", soft_wrap=True)
        out.print(
            "Keep a copy of this folder in a safe place: nothing opens the stores without it."
        )


async def _begin_indexes(config: Config) -> None:
    """A new store begins with the newest index key, where the first was taken out of use."""
    ring = load_keys(config.keys).index

    def begin(connection: Connection) -> None:
        held = connection.execute(select(people.c.id).limit(1)).first() is not None
        if not held and ring.find(read_state(connection, change=True).key) is None:
            keep_state(connection, IndexState(key=ring.newest))

    for region in config.regions:
        engine = make_engine(region, pool_size=1)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(begin)
        finally:
            await engine.dispose()


async def _holding_people(config: Config) -> list[str]:
    """The regions whose stores hold anybody."""
    holding = []
    for region in config.regions:
        engine = make_engine(region, pool_size=1)
        try:
            async with engine.connect() as connection:
                if (await connection.execute(select(people.c.id).limit(1))).first() is not None:
                    holding.append(region.code)
        finally:
            await engine.dispose()
    return holding
