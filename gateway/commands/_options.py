"""Options that every command takes, and what all of them print with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "DEFAULT_CONFIG",
    "ConfigOption",
    "DryRunOption",
    "JsonOption",
    "UnusedConfigOption",
    "console",
    "print_json",
    "print_list",
]

DEFAULT_CONFIG = Path("config.toml")

_GAP = 2  # between two columns of a list

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

UnusedConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Taken as by every command; not read here."),
]
"""Of commands that need no configuration: whoever scripts them need not know which they are."""

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
    out, cells = console(), [list(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for (title, least), width in zip(
        columns.items(), _widths(columns, cells, out.width), strict=True
    ):
        table.add_column(title, width=width, no_wrap=not least, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    out.print(table, crop=False)


def _widths(columns: Mapping[str, int], rows: list[list[str]], most: int) -> list[int]:
    """The width of each column: what folds gives way, the widest first.

    Rich would cut an id before it folds a sentence.
    """
    widths = [
        max(cell_len(title), *(cell_len(row[number]) for row in rows), 1)
        for number, title in enumerate(columns)
    ]
    least = [min(wide, low or wide) for wide, low in zip(widths, columns.values(), strict=True)]
    over = sum(widths) + _GAP * (len(widths) - 1) - most
    for _ in range(over):
        slack = [wide - low for wide, low in zip(widths, least, strict=True)]
        if not any(slack):
            break
        widest = max((wide for wide, free in zip(widths, slack, strict=True) if free), default=0)
        number = next(n for n, free in enumerate(slack) if free and widths[n] == widest)
        widths[number] -= 1
    return widths
