"""`epigate access-log`: who saw what."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from gateway.access_log import read_entries
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.config import load_config
from regions.errors import InvalidInput
from regions.instants import instant, seconds_of

__all__ = ["app"]

app = typer.Typer(help="Read the access log.", no_args_is_help=True)

_COLUMNS = ("number", "at", "account", "unit", "operation", "result")


@app.callback()
def _group() -> None:
    """Keeps `show` a command of its own while it is the only one."""


@app.command()
def show(
    account: Annotated[str | None, typer.Option(help="Only entries of this account.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only entries since this day or instant (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One entry a line, as JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the last entries, the oldest of them first."""
    path = load_config(config).log_store
    entries = read_entries(path, account=account, since=_instant(since), limit=limit)
    if as_json:
        for entry in entries:
            print(orjson.dumps(entry).decode())
        return
    table = Table()
    for name in _COLUMNS:
        table.add_column(name, no_wrap=True)
    table.add_column("more", no_wrap=True, overflow="ellipsis")
    for entry in entries:
        shown = [Text(str(entry.pop(name, ""))) for name in _COLUMNS]
        table.add_row(*shown, Text(_more(entry)))
    console().print(table)


def _more(entry: dict[str, Any]) -> str:
    """What else the entry says; long lists by their length."""
    parts = []
    for name, value in entry.items():
        if isinstance(value, list) and len(value) > 8:
            parts.append(f"{name}: {len(value):,}")
        elif value not in ("", None, []):
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            parts.append(f"{name}: {text}")
    return "; ".join(parts)


def _instant(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return instant(seconds_of(text))
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no day and no instant", hint="such as 2026-11-22 or 2026-11-22T08:00:00Z"
        ) from None
