"""`epigate config`: what the configuration says, and what it may say."""

from __future__ import annotations

import typer
from rich.table import Table

from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.config import Config, load_config
from gateway.settings import SETTINGS, settings_table

__all__ = ["app"]

app = typer.Typer(help="Check and explain the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read the configuration and print what was understood."""
    loaded = load_config(config)
    out = console()
    out.print(f"{loaded.file}: valid", soft_wrap=True)
    out.print(_settings(loaded))
    out.print(_regions(loaded))


@app.command()
def table() -> None:
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
    listing = Table("code", "name", "name_en", "prefixes", "deadline", title="Regions")
    listing.add_column("store", overflow="fold")
    for region in config.regions:
        store = region.url or str(region.path)
        prefixes = " ".join(region.prefixes)
        deadline = f"{region.deadline:g} s"
        listing.add_row(region.code, region.name_zh, region.name_en, prefixes, deadline, store)
    return listing
