"""Results as a table: on the terminal, and in docs/benchmarks.md with `--write`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.machine import describe

__all__ = ["DOCUMENT", "Sheet", "judged", "show", "write"]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_PIPED = 240  # columns of what is read by a program or kept in a file: no name of a file is cut off


@dataclass(slots=True)
class Sheet:
    """One table. `name` is that of the benchmark; `notes` stand below the table."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The table with its notes as Markdown."""
        lines = [
            "| " + " | ".join(self.columns) + " |",
            "|" + "---|" * len(self.columns),
            *("| " + " | ".join(row) + " |" for row in self.rows),
            "",
            *(f"- {note}" for note in self.notes),
            f"- {datetime.now(UTC):%Y-%m-%d}, {describe()}",
        ]
        return "\n".join(lines)


def judged(value: float, goal: float, *, at_least: bool = False) -> str:
    """A ratio, bold where it misses its goal."""
    text = f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    met = value >= goal if at_least else value <= goal
    return text if met else f"**{text}**"


def show(sheet: Sheet) -> None:
    """Prints the table; what misses its goal in red."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED)
    table = Table(title=sheet.title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for number, column in enumerate(sheet.columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in sheet.rows:
        cells = (re.sub(r"\*\*(.*)\*\*", r"[bold red]\1[/]", escape(cell)) for cell in row)
        table.add_row(*cells)
    console.print(table)
    for note in sheet.notes:
        console.print(f"  {note}")


def write(sheet: Sheet, document: Path = DOCUMENT) -> None:
    """Puts the table between its marks in docs/benchmarks.md, or another document."""
    text = document.read_text("utf-8")
    begin, end = f"<!-- {sheet.name} -->", f"<!-- end {sheet.name} -->"
    head, found, rest = text.partition(begin)
    if not found:
        raise ValueError(f"{document.name} has no {begin}")
    tail = rest.partition(end)[2]
    document.write_text(f"{head}{begin}\n\n{sheet.markdown()}\n\n{end}{tail}", "utf-8")
