"""`epigate load`: a line list into the stores of its regions."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from gateway.access_log.loads import telling_of_load
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, DryRunOption, console
from gateway.config import Config, load_config
from gateway.detection import rules_of
from regions.errors import LoadError
from regions.keys import load_keys
from resolvers.loading.load import load as load_list
from resolvers.loading.mapping import Mapping
from resolvers.loading.mapping_file import read_mapping, shipped_mappings
from resolvers.loading.reasons import NOTICES, REASONS
from resolvers.loading.summary import Summary

__all__ = ["load"]

_INTERRUPTED = 130

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The list: CSV, also compressed by gzip.")
]
MappingOption = Annotated[
    str,
    typer.Option(
        "--mapping",
        metavar="NAME_OR_FILE",
        help=f"What its columns mean: a TOML file, or one of {', '.join(shipped_mappings())}.",
    ),
]
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Where to write the rows not taken. By default in the data folder, under rejects/.",
        show_default=False,
    ),
]


def load(
    file: FileArgument,
    mapping: MappingOption,
    rejects: RejectsOption = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Load a line list by a mapping, each row into the store of its region.

    Try it with --dry-run first. Loading the same list again changes nothing; an interrupted load is
    gone on with by the same command. Rows that cannot be taken are written to the rejects file.
    """
    if not file.is_file():  # before anything that is harder to mend
        why = "not a file" if file.exists() else "No such file or directory"
        raise LoadError(f"{file}: {why}", hint="name a line list in CSV, also compressed by gzip")
    known = read_mapping(mapping)
    loaded = load_config(config)
    where = rejects or loaded.data / "rejects" / f"{file.name}.{known.name}.csv"
    with _interruptible() as stop:
        summary = _run(file, known, loaded, where, dry_run, stop)
    _tell(summary, known)
    if summary.stopped:
        raise typer.Exit(_INTERRUPTED)


def _run(
    file: Path,
    mapping: Mapping,
    config: Config,
    rejects: Path,
    dry_run: bool,
    stop: Callable[[], bool],
) -> Summary:
    out = console()
    with Progress(
        TextColumn(mapping.name),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None)
        keys = load_keys(config.keys, sm=config.sm)

        async def run() -> Summary:
            async with telling_of_load(config, keys, dry_run=dry_run) as telling:
                return await load_list(
                    file,
                    mapping,
                    config.regions,
                    keys,
                    config.data,
                    rejects=rejects,
                    dry_run=dry_run,
                    progress=lambda done, whole: progress.update(task, completed=done, total=whole),
                    stop=stop,
                    telling=telling,
                    book=rules_of(config.central_store),
                )

        return asyncio.run(run())


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the load to stop after what it has read; a second one stops it at once."""
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(summary: Summary, mapping: Mapping) -> None:
    """Prints what was done, the sum first."""
    out = console()

    def line(text: str) -> None:
        out.print(text, soft_wrap=True, markup=False)

    line(f"{mapping.title} ({mapping.source})")
    if summary.dry_run:
        line("dry run: nothing was written")
    if summary.stopped:
        line("stopped: what is counted here is written; run the same command again to go on")
    line(summary.sum_line())
    rate = summary.read / summary.seconds if summary.seconds else 0.0
    records = ", ".join(f"{name} {rows:,}" for name, rows in summary.records.items() if rows)
    line(f"{summary.seconds:.1f} s, {rate:,.0f} rows/s; records written: {records or 'none'}")
    if summary.by_region:
        table = Table("region", "rows loaded")
        for code, rows in sorted(summary.by_region.items()):
            table.add_row(code, f"{rows:,}")
        out.print(table)
    for code, rows in summary.reasons.most_common():
        line(f"rejected {rows:,}: {code}: {REASONS[code][0]}（{REASONS[code][1]}）")
    for code, rows in summary.notices.most_common():
        line(f"notice {rows:,}: {code}: {NOTICES[code][0]}（{NOTICES[code][1]}）")
    if summary.empty:
        empty = ", ".join(f"{column} {rows:,}" for column, rows in summary.empty.most_common())
        line(f"unknown, left empty: {empty}")
    if summary.columns_unused:
        line(f"columns not used: {', '.join(summary.columns_unused)}")
    if summary.reasons or summary.notices:
        line(f"every rejected row and notice: {summary.rejects_file}")
