"""What commands do with the entries that regions keep themselves: showing and pruning them (G5)."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.text import Text

from gateway.access_log.keeping import Pruning, check_times
from gateway.access_log.log_file import LogFile
from gateway.access_log.side_pruning import former_logs, prune_sides
from gateway.access_log.side_reading import check_side, read_sides
from gateway.access_log.system import operator, system_row
from gateway.commands._audited import key_of, source_named, tell_reading
from gateway.commands._entries import show_entries
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, JsonOption, console, print_json
from gateway.config import Config, load_config
from regions.errors import InvalidInput

__all__ = ["prune_copies", "side", "tell_copies"]


def prune_copies(
    config: Config, log: LogFile, found: Pruning, before: str, dry_run: bool, gaps: bool
) -> tuple[dict[str, int], list[str]]:
    """Entries removed from regions' sides, and the regions away. First the log tells it."""
    own = log.signer.verifier.name
    former = former_logs(config.central_store, own)

    def go(dry_run: bool) -> tuple[dict[str, int], list[str]]:
        return asyncio.run(
            prune_sides(config.regions, own, found.last, former, before, dry_run=dry_run)
        )

    sides, away = go(True)
    if dry_run or not any(sides.values()):
        return sides, away
    check_times(log.path, Pruning(1, max(1, found.last)), time.time(), gaps=gaps)
    what = {code: count for code, count in sides.items() if count}
    log.write([system_row("prune sides", by=operator(), before=before, sides=what)])
    return go(False)


def tell_copies(sides: dict[str, int], away: list[str], done: str) -> None:
    """Prints what became of regions' copies."""
    count = sum(sides.values())
    console().print(f"{count:,} copies of entries in regions {done}", soft_wrap=True)
    if away:
        console().print(f"no answer from {', '.join(away)}: another run prunes there")


def side(
    region: Annotated[str, typer.Argument(help="The region's code.", metavar="REGION")],
    origin: Annotated[
        str | None, typer.Option(help="Only of the log of this name.", metavar="NAME")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="Public key of a log, or a file with it; else the key beside the log is believed.",
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the entries of the logs that a region keeps itself: who looked at its people (G5).

    They are read from the region's store, checked, and held against the log of their name where
    that, or a bundle of it, can be read here (`others` of [access_log]). What was checked is said
    on standard error. Exit code 1: something does not hold. That they were shown is in the log.
    """
    loaded = load_config(config)
    code = region.ljust(6, "0")
    known = next((one for one in loaded.regions if one.code == code), None)
    if known is None:
        raise InvalidInput(f"there is no region {region}", hint="`epigate config check` lists them")
    keys = {one.name: one for one in map(key_of, key or ())}
    sides = []
    for kept in asyncio.run(read_sides(known)):
        if origin in (None, kept.origin):
            with source_named(loaded, kept.origin) as (source, beside):
                sides.append(check_side(kept, keys.get(kept.origin, beside), source))
    entries = [
        {"origin": one.origin, "number": number, **orjson.loads(raw)}
        for one in sides
        for number, raw in one.entries
    ]
    entries.sort(key=lambda entry: str(entry.get("at")))
    tell_reading(loaded, "access-log side", region=code, origin=origin, count=len(entries))
    if as_json:
        print_json(entries)
    else:
        show_entries(entries, "origin")
    error = Console(stderr=True)
    for one in sides:
        against = "held against the log" if one.proven else "not held against the log"
        error.print(
            Text(f"{one.origin}: {len(one.entries):,} entries, {one.seen:,} witnessed, {against}"),
            soft_wrap=True,
        )
        for line in one.remarks:
            error.print(Text(f"  {line}", style="yellow"), soft_wrap=True)
        for line in one.problems:
            error.print(Text(f"  {line}", style="red"), soft_wrap=True)
    if any(one.problems for one in sides):
        raise typer.Exit(1)
