"""The command line: `epigate COMMAND`. A named failure is two lines, never a traceback.

Exit codes: 0 done, 1 failed, 2 a mistake in the command line or the configuration, 3 (of `audit
verify`) a part of the log that holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.text import Text

from gateway._commands import LOOKS, Commands
from regions.errors import ConfigError, EpigateError

__all__ = ["app", "main"]

app = typer.Typer(
    name="epigate",
    cls=Commands,
    help="One GraphQL question over every region's epidemic database. To try it: `epigate demo`. "
    "For data of your own: `epigate config new`, then `init`, `load`, `accounts add`, `serve`.",
    no_args_is_help=True,
    **LOOKS,
)


@app.callback()
def _commands() -> None:
    """The commands are in `gateway/_commands.py`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    try:
        app(None if arguments is None else list(arguments), prog_name="epigate")
    except EpigateError as error:
        raise SystemExit(_tell(error)) from None


def _tell(error: EpigateError) -> int:
    """Prints what failed and how to mend it; returns the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    in_config = isinstance(error, ConfigError)
    message = str(error) if in_config else f"{error.message} [{error.code}]"
    console.print(Text.assemble(("epigate: ", "bold red"), message))
    if error.hint and error.hint not in message:
        console.print(Text(f"  {error.hint}"))
    return 2 if in_config else 1
