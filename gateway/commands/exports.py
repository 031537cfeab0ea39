"""`epigate exports`: whether a file is an export of this gateway, and unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, select

from gateway.commands._central import in_central
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from regions.errors import ExportInvalid
from regions.exports import export_downloads, exports
from resolvers.exports.records import Row, read_rows
from resolvers.exports.verifying import Found, look_at

__all__ = ["app"]

app = typer.Typer(help="Look at exported files.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at exported files."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An exported file.", metavar="FILE")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say whether a file is an export of this gateway and unchanged.

    Its hash is compared with those noted when it was fetched, which stand in the access log too.
    """
    found = look_at(file)
    row = in_central(config, _known, found)
    if row is None:
        raise ExportInvalid(
            f"{file.name} is no export of this gateway",
            hint="look with the configuration of the gateway that its watermark names",
        )
    export = row.export
    whole = [one for one in row.downloads if one["file_sha256"] == found.file]
    if not whole:
        raise ExportInvalid(_difference(found, row, file.name), hint=_taken(row))
    (download, *_) = whole
    console().print(
        f"unchanged: export {export['id']} ({export['kind'].lower()}, {download['rows']:,} rows)",
        soft_wrap=True,
        highlight=False,
    )
    console().print(f"  {_taken(row)}", soft_wrap=True, highlight=False)


def _taken(row: Row) -> str:
    export = row.export
    times = ", ".join(one["ended_at"] or one["started_at"] for one in row.downloads) or "never"
    outside = f", for {export['recipient']}" if export["recipient"] else ""
    return f"fetched by {export['account']} {row.name} {times}{outside}; {export['purpose']}"


def _difference(found: Found, row: Row, name: str) -> str:
    if found.aborted:
        return f"{name} is a part of export {row.export['id']}: it was not fetched to its end"
    if any(one["content_sha256"] == found.content for one in row.downloads):
        return f"{name} has the records of export {row.export['id']}, but was saved anew"
    return f"{name} says it is export {row.export['id']}, but was changed"


def _known(connection: Connection, found: Found) -> Row | None:
    """The export with this file, or else the one it says it is."""
    table = export_downloads.c
    by_hash = select(table.export).where(table.file_sha256 == found.file)
    export = connection.execute(by_hash).scalar() or found.export
    rows = read_rows(connection, exports.c.id == export) if export else []
    return rows[0] if rows else None
