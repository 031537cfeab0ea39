"""`epigate access-log`: who saw what."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.access_log import read_entries
from gateway.access_log.contradictions import ITSELF
from gateway.access_log.keeping import backup, check_times, prune, pruning
from gateway.access_log.opening import open_log_file, vkey_of
from gateway.access_log.seen import settle_witness
from gateway.access_log.self_check import settle_itself
from gateway.commands._audited import tell_reading
from gateway.commands._entries import show_entries
from gateway.commands._options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DryRunOption,
    JsonOption,
    console,
    print_json,
)
from gateway.commands._sides import prune_copies, side, tell_copies
from gateway.config import load_config
from regions.errors import AccessLogError, InvalidInput
from regions.instants import instant, seconds_of
from regions.keys import load_keys

__all__ = ["app"]

app = typer.Typer(
    help="Read the access log: who saw what, when, by what right.", no_args_is_help=True
)
app.command()(side)


@app.callback()
def _group() -> None:
    """Read the access log: who saw what, when, by what right."""


@app.command()
def show(
    account: Annotated[
        str | None, typer.Option(help="Only entries of this login name.", metavar="ACCOUNT")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only entries since this day or instant (UTC): 2026-11-22 or "
            "2026-11-22T08:00:00Z.",
            metavar="WHEN",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the last entries, the oldest of them first.

    An entry is two lines: its number, when, who, what was done and with what result; then from
    where, which records were read, and which private items were shown in clear, by what right.
    --json has every key of an entry. That they were shown is in the log, too.
    """
    loaded = load_config(config)
    path = loaded.log_store
    if not path.exists():
        raise AccessLogError(
            f"there is no access log {path} yet",
            hint="`epigate init` makes one; where one was moved away, put it back",
        )
    start = _instant(since)
    entries = list(read_entries(path, account=account, since=start, limit=limit))
    what = {"account": account, "since": start, "count": len(entries)}
    tell_reading(loaded, "access-log show", **what)
    if as_json:
        print_json(entries)
        return
    show_entries(entries)


@app.command()
def key(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the public key that checks the log, for auditors and witnesses.

    It also stands in access-log.vkey in the data folder. Whoever checks the log keeps a copy of it
    elsewhere.
    """
    loaded = load_config(config)
    typer.echo(vkey_of(loaded, load_keys(loaded.keys)))


@app.command("backup")
def make_backup(
    file: Annotated[Path, typer.Argument(help="The copy to make.", metavar="FILE")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Copy the log into a file, while the gateway goes on writing it.

    Beside the copy, FILE.checkpoint is the signed text of its size and root.
    """
    loaded = load_config(config)
    with _usable():
        log = open_log_file(loaded, load_keys(loaded.keys))
        found = backup(log, file)
        log.close()
    console().print(f"{found.size:,} entries of {found.origin} in {file}", soft_wrap=True)


@app.command("prune")
def remove_old(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: DryRunOption = False,
    despite_gaps: Annotated[
        bool,
        typer.Option(
            "--despite-gaps", help="The gateway did not run where the log's times have a gap."
        ),
    ] = False,
) -> None:
    """Remove entries older than `keep_days` of [access_log]; make a backup first.

    Whole tiles of 256 entries go. Their hashes stay, so the log still verifies, and the log tells
    that they were removed. So go the copies of these entries in the regions, and those of logs
    this gateway had before, once they are as old. Nothing is removed where the log's own times do
    not bear out how old they are: a clock that was put ahead makes all of it look old.
    """
    loaded = load_config(config)
    moment = time.time()
    before = instant(moment - loaded.log_keep_days * 86_400)
    with _usable():
        log = open_log_file(loaded, load_keys(loaded.keys))
        found = pruning(log.path, before)
        check_times(log.path, found, moment, gaps=despite_gaps)
        if not dry_run:
            prune(log, found, before, gaps=despite_gaps)
        sides, away = prune_copies(loaded, log, found, before, dry_run, despite_gaps)
        log.close()
    done = "could be removed" if dry_run else "removed"
    console().print(f"{found.count:,} entries from before {before} {done}", soft_wrap=True)
    tell_copies(sides, away, done)


@app.command()
def settle(
    region: Annotated[
        str, typer.Argument(help="The region's code, or `itself`.", metavar="REGION")
    ],
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Take away what the region is said to have seen, where that is not signed.",
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take away what stands against the log by a region's witness, once it stands no more.

    For after the region's store, or the log, was mended: what the region has seen is looked at
    again. That it was taken away is in the log. A signed checkpoint that contradicts the log is
    never taken away: put the right log back, or begin a new one. `itself`, where the log's own
    file contradicted itself: every entry is looked at again, and hash tiles that were damaged are
    made anew.
    """
    loaded = load_config(config)
    code = region.ljust(6, "0")
    found = next((one for one in loaded.regions if one.code == code), None)
    if found is None and region != ITSELF:
        raise InvalidInput(f"there is no region {region}", hint="`epigate config check` lists them")
    keys = load_keys(loaded.keys)
    with _usable():
        log = open_log_file(loaded, keys)
        if found is None:
            stood = settle_itself(log)
        else:
            stood = asyncio.run(settle_witness(log, found, keys.log_signing, forget=forget))
        log.close()
    for one in stood:
        console().print(Text(f"settled: {one.text}"), soft_wrap=True)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise AccessLogError(
            f"the access log cannot be used: {error}", hint="see to its file and its disk"
        ) from None


def _instant(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return instant(seconds_of(text))
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no day and no instant", hint="such as 2026-11-22 or 2026-11-22T08:00:00Z"
        ) from None
