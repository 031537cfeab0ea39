"""`epigate detect`: the nights that are due, what they would find, or what a day looks like now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, select

from gateway.commands._options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DryRunOption,
    JsonOption,
    console,
    print_json,
    print_list,
)
from gateway.config import Config, load_config
from gateway.detection import night_settings, rules_of
from gateway.stores import check_stores
from regions.alerts import signals
from regions.errors import InvalidInput
from regions.instants import now
from regions.keys import load_keys
from resolvers.alerts.cluster_nights import ClusterNight
from resolvers.alerts.night import Night, NightDone
from resolvers.alerts.slots import Found
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["detect"]

_C = signals.c
_STORED = (_C.rule_id, _C.code, _C.disease, _C.day, _C.slot, _C.number, _C.observed, _C.bound)

_COLUMNS = {
    "code": 0,
    "disease": 8,
    "day": 0,
    "rule": 8,
    "now": 0,  # what is observed
    "bound": 0,
    "stored": 0,
    "then": 0,
}
"""Of the table, which fits 80 columns: a number or code that is cut reads as another."""

DateOption = Annotated[
    str | None,
    typer.Option(
        "--date",
        metavar="DAY",
        help="Compute that day again with the counts of now, and hold it against what is stored. "
        "Changes nothing.",
    ),
]


def detect(
    day: DateOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Compute the nights that are due, in order, and write their signals.

    The gateway does so by itself; a night is never done twice, whoever runs it. Exit code 1: a
    region did not answer, and its nights are due still.
    """
    loaded = load_config(config)
    if day is not None:
        try:
            day = date.fromisoformat(day).isoformat()
        except ValueError:
            raise InvalidInput(
                "--date takes a day", argument="--date", hint="write it YYYY-MM-DD"
            ) from None
        today = night_settings(loaded).zone.day(now())
        if day > today:
            raise InvalidInput(
                f"{day} has not begun", argument="--date", hint=f"a day up to {today}, today"
            )
    if not asyncio.run(_Detection(loaded, as_json).run(day, dry_run=dry_run)):
        raise typer.Exit(1)


class _Detection:
    """One run of the command."""

    def __init__(self, config: Config, as_json: bool) -> None:
        self._config, self._json = config, as_json
        keys = load_keys(config.keys, sm=config.sm)
        patient = [replace(one, deadline=config.detection_night_seconds) for one in config.regions]
        book = rules_of(config.central_store)
        self._stores = Stores(patient, keys, lambda: book)
        self._done: list[NightDone] = []
        self._clustered: list[ClusterNight] = []
        self._night = Night(
            self._stores,
            night_settings(config),
            done=self._done.append,
            clustered=self._clustered.append,
        )
        self._rows: list[dict[str, Any]] = []

    async def run(self, day: str | None, *, dry_run: bool) -> bool:
        """Whether every region answered."""
        away = {error.details["store"] for error in await check_stores(self._config)}
        out = console()
        try:
            with Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=out,
                transient=True,
                disable=not out.is_terminal,
            ) as progress:
                task = progress.add_task("", total=len(self._stores.regions))
                for store in self._stores.regions:
                    progress.update(task, description=store.settings.name_zh)
                    try:
                        if store.settings.code not in away:
                            await self._region(store, day, dry_run)
                    except WriteFailed as failed:
                        away.add(failed.settings.code)
                    progress.advance(task)
                progress.update(task, description="clusters")
                await self._clusters(day, dry_run, away)
        finally:
            await self._stores.close()
        self._tell(day, dry_run)
        for code in sorted(map(str, away)):
            out.print(f"{code} did not answer: its nights are due still", soft_wrap=True)
        return not away

    async def _region(self, store: Store, day: str | None, dry_run: bool) -> None:
        if day is None and not dry_run:
            await self._night.catch_up(store)
            return
        for one in [day] if day is not None else await self._night.due(store):
            found, _ = await self._night.look(store, one)
            self._rows += _held(found, await store.look(_stored_of(one, "STATISTICAL")))

    async def _clusters(self, day: str | None, dry_run: bool, away: set[Any]) -> None:
        """The scans over all regions, behind the nights of each."""
        clusters = self._night.clusters
        if day is None and not dry_run:
            await clusters.round(away)
            return
        for one in [day] if day is not None else await clusters.due(away):
            outcomes = await clusters.look(one, away)
            stored: dict[tuple[str, ...], Any] = {}
            for store in self._stores.regions:
                try:
                    if store.settings.code not in away:
                        stored |= await store.look(_stored_of(one, "CLUSTER"))
                except WriteFailed as failed:
                    away.add(failed.settings.code)
            self._rows += _held([found for each in outcomes for found in each.found()], stored)

    def _tell(self, day: str | None, dry_run: bool) -> None:
        if self._json:
            nights: list[dict[str, Any]] = [
                {
                    "region": one.region,
                    "day": one.day,
                    "series": one.series,
                    "signals": len(one.signals),
                    "absorbed": one.absorbed,
                }
                for one in self._done
            ]
            nights += [
                {
                    "rule": night.rule,
                    "day": night.day,
                    "counties": night.places,
                    "signals": len(night.signals),
                    "absorbed": night.absorbed,
                    "missing": list(night.missing),
                }
                for night in self._clustered
            ]
            print_json(self._rows if day is not None or dry_run else nights)
            return
        out = console()
        if day is None and not dry_run:
            if self._done:
                columns = {"region": 0, "night": 0, "series": 0, "signals": 0, "absorbed": 0}
                print_list(columns, ([*_said(one)] for one in self._done))
            out.print(f"{len(self._done)} nights done", soft_wrap=True)
            if self._clustered:
                columns = {"rule": 0, "night": 0, "counties": 0, "signals": 0, "absorbed": 0}
                print_list(columns | {"without": 0}, ([*_told(one)] for one in self._clustered))
            return
        if self._rows:
            print_list(_COLUMNS, (map(_text, row.values()) for row in self._rows))
        what = "dry run: nothing was written; " if dry_run else ""
        out.print(f"{what}{len(self._rows)} signals", soft_wrap=True)


def _said(one: NightDone) -> Sequence[str]:
    numbers = (one.series, len(one.signals), one.absorbed)
    return one.region, one.day, *(f"{number:,}" for number in numbers)


def _told(one: ClusterNight) -> Sequence[str]:
    numbers = (one.places, len(one.signals), one.absorbed)
    return one.rule, one.day, *(f"{number:,}" for number in numbers), ", ".join(one.missing)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _stored_of(day: str, kind: str) -> Any:
    def read(connection: Connection) -> dict[tuple[str, ...], Any]:
        rows = connection.execute(select(*_STORED).where(_C.day == day, _C.kind == kind)).all()
        return {tuple(row[:5]): row for row in rows}

    return read


def _held(found: Sequence[Found], stored: dict[tuple[str, ...], Any]) -> list[dict[str, Any]]:
    """What is found now beside what is stored: a slot of either has a line."""
    now = {one.key: one for one in found}
    lines = []
    for key in sorted({*now, *stored}):
        rule, code, disease, day, _ = key
        one, kept = now.get(key), stored.get(key)
        lines.append(
            {
                "code": code,
                "disease": disease,
                "day": day,
                "rule": rule,
                "observed": None if one is None else one.observed,
                "bound": None if one is None else one.bound,
                "stored": None if kept is None else kept.number,
                "then": None if kept is None else kept.observed,
            }
        )
    return lines
