"""`epigate migrate`: bring every store to the tables and reference data of this epigate."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.access_log.opening import log_exists
from gateway.commands._logged import tell
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, DryRunOption, console
from gateway.config import Config, load_config
from gateway.stores import Migrated, migrate_stores
from regions.errors import KeysError
from regions.keys import load_keys

__all__ = ["migrate", "run_migrations"]


def migrate(config: ConfigOption = DEFAULT_CONFIG, dry_run: DryRunOption = False) -> None:
    """Bring every store up to date, one transaction each; run it again after an interruption.

    For a new version of epigate: stop the gateway, make a backup, install, migrate, serve. A new
    installation wants `epigate init` instead.
    """
    if not run_migrations(load_config(config), dry_run=dry_run):
        raise typer.Exit(1)


def run_migrations(config: Config, *, dry_run: bool = False) -> bool:
    """Migrates all stores with a progress bar, prints a summary; False where one was not done."""
    if not dry_run:
        _tell(config)
    out = console()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        task = progress.add_task("stores", total=len(config.regions) + 1)

        def done(outcome: Migrated) -> None:
            progress.update(task, advance=1, description=outcome.name or outcome.store)

        outcomes = asyncio.run(migrate_stores(config, dry_run=dry_run, done=done))
    out.print(_summary(outcomes, dry_run=dry_run))
    for outcome in outcomes:
        if outcome.error is not None:
            out.print(f"{outcome.error.message} \\[{outcome.error.code}]", soft_wrap=True)
            out.print(f"  {outcome.error.hint}", soft_wrap=True)
    return all(outcome.error is None for outcome in outcomes)


def _tell(config: Config) -> None:
    """Puts into the log that stores are migrated; a new installation has neither log nor keys."""
    if log_exists(config):
        with suppress(KeysError):  # `init` says what is missing, and nothing serves without
            tell(config, load_keys(config.keys, sm=config.sm), "migrate")


def _summary(outcomes: tuple[Migrated, ...], *, dry_run: bool) -> Table:
    table = Table("store", "name", "from", "to", "reference rows", "state")
    for outcome in outcomes:
        if outcome.result is None:
            code = outcome.error.code if outcome.error else ""
            table.add_row(outcome.store, outcome.name, "", "", "", code)
            continue
        result = outcome.result
        if dry_run:
            state = "up to date" if result.before == result.after else "would be migrated"
        elif result.before != result.after:
            state = "migrated"
        else:
            state = "reference data brought up to date" if result.seeded else "up to date"
        seeded = "" if dry_run else f"{result.seeded:,}"
        before = result.before or "(empty)"
        table.add_row(outcome.store, outcome.name, before, result.after, seeded, state)
    return table
