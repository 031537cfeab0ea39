"""`epigate assist`: lists of people for assist letters, looked at without a gateway (C6)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands._options import UnusedConfigOption, console
from regions.blind_index import BlindIndexer
from regions.errors import SheetUnreadable
from resolvers.assist.people_list import read_people
from resolvers.assist.sheets import MOST_BYTES, read_sheet
from resolvers.assist.template import template_csv, template_xlsx
from resolvers.writing.values import Moment

__all__ = ["app"]

app = typer.Typer(help="Lists of people for assist letters (协查).", no_args_is_help=True)

_FileArgument = Annotated[Path, typer.Argument(help="A list, XLSX or CSV.", metavar="FILE")]


@app.callback()
def _group() -> None:
    """Lists of people for assist letters (协查)."""


@app.command()
def check(file: _FileArgument, config: UnusedConfigOption = None) -> None:
    """Say what of a list of people can be taken, line by line; nothing is sent or kept.

    Whether somebody is on record in a region only `importAssistPeople` can say.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SheetUnreadable(f"{file.name} cannot be read: {reason}", "文件无法读取") from None
    found = read_people(read_sheet(content), BlindIndexer(secrets.token_bytes(32)), Moment.this())
    out = console()
    for row in found.rows:
        for one in row.mistakes:
            where = f"{row.line}, {one.column}" if one.column else str(row.line)
            out.print(f"line {where}: {one.message} | {one.message_zh}", soft_wrap=True)
        if row.same_as is not None:
            out.print(f"line {row.line}: the same person as line {row.same_as}", soft_wrap=True)
    for title in found.ignored:
        out.print(f"column {title}: not known, ignored", soft_wrap=True, markup=False)
    for name in found.other_sheets:
        out.print(f"sheet {name}: not read", soft_wrap=True, markup=False)
    accepted = sum(row.person is not None for row in found.rows)
    out.print(f"{accepted:,} of {len(found.rows):,} people can be taken", highlight=False)
    if accepted < len(found.rows):
        raise typer.Exit(1)


@app.command()
def template(
    file: Annotated[
        Path, typer.Argument(help="Where to write it: a name ending in .xlsx or .csv.")
    ],
    config: UnusedConfigOption = None,
) -> None:
    """Write an empty list with the titles in both languages."""
    make = template_csv if file.suffix.lower() == ".csv" else template_xlsx
    try:
        with file.open("xb") as opened:
            opened.write(make())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SheetUnreadable(f"{file.name} cannot be written: {reason}", "文件无法写入") from None
    console().print(f"{file} written", soft_wrap=True, highlight=False)
