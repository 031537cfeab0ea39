"""Options that every command takes, and what all of them print with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "DEFAULT_CONFIG",
    "ConfigOption",
    "DryRunOption",
    "JsonOption",
    "console",
    "print_json",
    "print_list",
]

DEFAULT_CONFIG = Path("config.toml")

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration file; `epigate config new` writes one.",
        show_default=True,
    ),
]
"""Use as `config: ConfigOption = DEFAULT_CONFIG`."""

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done and change nothing.")
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Everything that is known, one JSON object a line.")
]


def console() -> Console:
    """A console on standard output; plain text without colours when it is no terminal."""
    return Console(highlight=False, soft_wrap=False)


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line, for other programs."""
    for row in rows:
        print(orjson.dumps(row).decode())


def print_list(columns: Mapping[str, int], rows: Iterable[Iterable[str]]) -> None:
    """A table that fits a terminal of 80 columns.

    `columns`: by title, the width from which its cells fold; 0 for those that must stay whole, as
    an id that is to be copied.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title, least in columns.items():
        if least:
            table.add_column(title, overflow="fold", min_width=least)
        else:
            table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
