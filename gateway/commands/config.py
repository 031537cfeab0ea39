"""`epigate config`: what the configuration says, and what it may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway.commands._options import (
    DEFAULT_CONFIG,
    ConfigOption,
    UnusedConfigOption,
    console,
)
from gateway.config import Config, load_config, write_default
from gateway.settings import SETTINGS, settings_table
from regions.errors import InvalidInput

__all__ = ["app"]

app = typer.Typer(help="Write, check and explain the configuration.", no_args_is_help=True)


@app.command()
def new(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Where to write it.", show_default="that of --config"),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a configuration that works as it is: eight regions, an SQLite file each.

    Change its regions to yours before `epigate init`. A file that is there already is never
    overwritten.
    """
    file = config if file is None else file
    try:
        write_default(file)
    except FileExistsError:
        raise InvalidInput(
            f"{file} is there already and was left as it is",
            hint="name another FILE, or see what it says with `epigate config check`",
        ) from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None
    out = console()
    out.print(f"written: {file}, with eight regions", soft_wrap=True, markup=False)
    out.print("Now make its regions yours, then run `epigate init`.", soft_wrap=True)


@app.command()
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read the configuration and print what was understood.

    A mistake is named with its line and what was expected. No store is opened.
    """
    loaded = load_config(config)
    out = console()
    out.print(f"{loaded.file}: valid", soft_wrap=True)
    out.print(_settings(loaded))
    out.print(_regions(loaded))


@app.command()
def table(config: UnusedConfigOption = None) -> None:
    """Print every setting as the Markdown table of the manual."""
    print(settings_table(), end="")


def _settings(config: Config) -> Table:
    listing = Table("section", "key", title="Settings")
    listing.add_column("value", overflow="fold")
    listing.add_column("unit")
    for setting in SETTINGS:
        value = str(getattr(config, setting.attribute))
        listing.add_row(f"\\[{setting.section}]", setting.key, value, setting.unit)
    return listing


def _regions(config: Config) -> Table:
    listing = Table(title="Regions")
    for title in ("code", "name", "name_en"):
        listing.add_column(title, no_wrap=True)
    listing.add_column("prefixes")
    listing.add_column("deadline", no_wrap=True)
    listing.add_column("store", overflow="fold")
    for region in config.regions:
        store = region.url or _near(region.path, config.data)
        prefixes = " ".join(region.prefixes)
        deadline = f"{region.deadline:g} s"
        listing.add_row(region.code, region.name_zh, region.name_en, prefixes, deadline, store)
    return listing


def _near(path: Path | None, data: Path) -> str:
    """A store's file as it lies below the data folder, which stands among the settings."""
    return str(path.relative_to(data)) if path is not None else ""
