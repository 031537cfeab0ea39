"""`epigate counts`: the daily counts, held against the cases they count."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, DryRunOption, console
from gateway.config import Config, load_config
from gateway.stores import check_stores
from regions.engines import make_engine

if TYPE_CHECKING:
    from regions.settings import RegionSettings
    from regions.statistics import Rebuilt

__all__ = ["app"]

app = typer.Typer(help="The daily counts per county and disease.", no_args_is_help=True)


@app.callback()
def _counts() -> None:
    """The daily counts per county and disease."""


@app.command()
def rebuild(config: ConfigOption = DEFAULT_CONFIG, dry_run: DryRunOption = False) -> None:
    """Count the cases again, say where the daily counts differ, and mend them.

    A cell is one disease, county and day. With --dry-run nothing is mended, and the exit code is 1
    where a cell differs.
    """
    differing = asyncio.run(_rebuild(load_config(config), mend=not dry_run))
    if differing and dry_run:
        raise typer.Exit(1)


async def _rebuild(config: Config, *, mend: bool) -> int:
    """Rebuilds one region after the other; returns how many cells differed in all."""
    await check_stores(config)
    table = Table("region", "name", "cells", "differing", "state")
    differing = 0
    for region in config.regions:
        found = await _rebuild_region(region, mend=mend)
        differing += found.differing
        state = "equal" if not found.differing else "mended" if mend else "to be mended"
        cells = f"{found.cells:,}"
        table.add_row(region.code, region.name_zh, cells, f"{found.differing:,}", state)
    console().print(table)
    return differing


async def _rebuild_region(region: RegionSettings, *, mend: bool) -> Rebuilt:
    from regions.statistics import rebuild

    engine = make_engine(region, pool_size=1)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(lambda store: rebuild(store, mend=mend))
    finally:
        await engine.dispose()
