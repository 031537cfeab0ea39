"""`epigate counts`: the daily counts, held against the cases they count."""

from __future__ import annotations

import asyncio

import typer
from rich.table import Table

from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, DryRunOption, console
from gateway.config import Config, load_config
from gateway.stores import check_stores
from regions.engines import make_engine
from regions.errors import RegionUnavailable
from regions.settings import RegionSettings
from regions.statistics import Rebuilt
from regions.statistics import rebuild as recount

__all__ = ["app"]

_SHOWN = 10  # differing cells of a region that are listed

app = typer.Typer(
    help="Prove the daily counts per county and disease, or mend them.", no_args_is_help=True
)


@app.callback()
def _counts() -> None:
    """Prove the daily counts per county and disease, or mend them."""


@app.command()
def rebuild(config: ConfigOption = DEFAULT_CONFIG, dry_run: DryRunOption = False) -> None:
    """Count the cases again, say which daily counts differ, and mend them.

    A cell is one disease, county and day. The exit code is 1 where a region does not answer and,
    with --dry-run, where a cell differs.
    """
    if not asyncio.run(_rebuild(load_config(config), mend=not dry_run)):
        raise typer.Exit(1)


async def _rebuild(config: Config, *, mend: bool) -> bool:
    """Recounts one region after the other; whether all answered and agree now."""
    away = {error.details["store"] for error in await check_stores(config)}
    table = Table("region", "name", "cells", "cases", "deaths", "differing", "state")
    found: dict[str, Rebuilt] = {}
    for region in config.regions:
        if region.code in away:
            code = RegionUnavailable.code
            table.add_row(region.code, region.name_zh, "", "", "", "", code)
            continue
        result = found[region.code] = await _recount(region, mend=mend)
        state = "equal" if result.agrees else "mended" if result.mended else "to be mended"
        numbers = (result.cells, result.cases, result.deaths, len(result.wrong))
        cells = (f"{number:,}" for number in numbers)
        table.add_row(region.code, region.name_zh, *cells, state)
    out = console()
    out.print(table)
    for code, result in found.items():
        for cell in result.wrong[:_SHOWN]:
            out.print(
                f"{code}: {cell.disease} {cell.code} {cell.day}: "
                f"{_said(cell.kept)} kept, {_said(cell.true)} by the cases",
                soft_wrap=True,
            )
        if len(result.wrong) > _SHOWN:
            out.print(f"{code}: and {len(result.wrong) - _SHOWN:,} more")
    return not away and all(result.agrees or result.mended for result in found.values())


def _said(counts: tuple[int, int]) -> str:
    return f"{counts[0]} cases and {counts[1]} deaths"


async def _recount(region: RegionSettings, *, mend: bool) -> Rebuilt:
    engine = make_engine(region, pool_size=1)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(
                lambda store: recount(store, mend=mend, zone=region.days)
            )
    finally:
        await engine.dispose()
