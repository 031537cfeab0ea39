"""`epigate units`: the units that accounts can belong to."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from gateway.commands._central import require_init
from gateway.commands._options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from gateway.config import load_config
from gateway.units import find_units
from regions.areas import reference_areas
from regions.errors import InvalidInput
from resolvers.users import prefix_of

__all__ = ["app"]

app = typer.Typer(help="List the units that accounts can belong to.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """List the units that accounts can belong to."""


@app.command("list")
def list_all(
    code: Annotated[
        str, typer.Option(help="Only units of this code and all below it, such as 320102.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the units of every region's store: their ids are what `accounts add --unit` takes.

    CDCs are there for every code of the regions. Exit code 1 where a region gave no answer.
    """
    prefix = prefix_of(code)
    if code and prefix and not (prefix.isdigit() and reference_areas().is_prefix(prefix)):
        raise InvalidInput(f"{code!r} is no code of GB/T 2260", hint="six digits, such as 320102")
    loaded = load_config(config)
    require_init(loaded)
    found = asyncio.run(find_units(loaded, code=code))
    if as_json:
        print_json(asdict(unit) for unit in found.units)
    else:
        print_list(
            {"unit": 0, "level": 0, "code": 0, "name": 10},
            ((unit.id, unit.level, unit.code, unit.name_zh) for unit in found.units),
        )
    if found.away:
        said = f"no answer from {', '.join(found.away)}: its units are not in the list"
        Console(stderr=True, highlight=False, soft_wrap=True).print(said, markup=False)
        raise typer.Exit(1)
