"""What the commands of the benchmarks share: options, the folder of their data, how they end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.machine import Others
from bench.report import Sheet, show
from bench.report import write as write_sheet

__all__ = ["CONSOLE", "Folder", "Port", "Quick", "Write", "finish", "measuring", "pin_client"]

CONSOLE = Console(stderr=True)

Quick = Annotated[bool, typer.Option("--quick", help="Little data, short rounds: a look only.")]
Write = Annotated[bool, typer.Option("--write", help="Put the table into docs/benchmarks.md.")]
Port = Annotated[int, typer.Option(help="The first of the ports to use.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="Where to build the data, or where they were built; a temporary folder unless given."
    ),
]


@contextlib.contextmanager
def measuring(folder: Path | None) -> Iterator[tuple[Path, Others]]:
    """The folder of the data, a temporary one unless given, and who else uses the machine."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="epigate-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve(), Others()


def pin_client() -> None:
    """Keeps this process on the core of clients."""
    from bench.servers import CLIENT_CORE, pin

    pin(CLIENT_CORE)


def finish(sheet: Sheet, write: bool) -> None:
    """Shows the table, and puts it into the manual if asked."""
    show(sheet)
    if write:
        write_sheet(sheet)
