"""Options that every command takes, and what all of them print with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = ["DEFAULT_CONFIG", "ConfigOption", "DryRunOption", "console"]

DEFAULT_CONFIG = Path("config.toml")

ConfigOption = Annotated[
    Path,
    typer.Option("--config", metavar="FILE", help="The configuration file.", show_default=True),
]
"""Use as `config: ConfigOption = DEFAULT_CONFIG`."""

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done and change nothing.")
]


def console() -> Console:
    """A console on standard output; plain text without colours when it is no terminal."""
    return Console(highlight=False, soft_wrap=False)
