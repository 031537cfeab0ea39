"""Stores with counts, and rules, for the tests of nights."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from regions.alerts import detection_nights, signals
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import daily_counts
from regions.zones import zone_of
from resolvers.alerts.night import Night, NightDone
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.writing.stores import Stores
from schema.alerts import DetectionMethod as Method
from schema.alerts import RuleOrigin
from tests.stores import in_store

__all__ = [
    "CHINA",
    "DAY",
    "Clock",
    "after_night",
    "book",
    "counted",
    "days_before",
    "fill",
    "night_rows",
    "rule",
    "run_nights",
    "signal_rows",
]


CHINA = zone_of("Asia/Shanghai")
DAY = "2026-03-01"


def days_before(day: str, days: int) -> str:
    """The day so many days before (after, if negative)."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def rule(disease: str, method: Method = Method.MOVING_PERCENTILE, **given: Any) -> Rule:
    """A rule of the country, unless another prefix is given."""
    values: dict[str, Any] = {
        "id": f"{given.get('prefix', '')}-{disease}-{method.name}",
        "version": 1,
        "prefix": "",
        "disease": disease,
        "method": method,
        "parameters": {},
        "effective_from": "2008-04-21",
        "effective_to": None,
        "origin": RuleOrigin.NATIONAL,
    }
    return Rule(**values | given)


def book(*rules: Rule) -> RuleBook:
    """A book of these rules."""
    return RuleBook(rules)


def counted(
    code: str, disease: str, counts: Mapping[str, int], source: str = "CASES"
) -> list[dict[str, Any]]:
    """Rows of `daily_counts` of one series: cases by day."""
    return [
        {"disease": disease, "code": code, "day": day, "source": source, "cases": n, "deaths": 0}
        for day, n in counts.items()
    ]


def fill(settings: RegionSettings, rows: Sequence[Mapping[str, Any]]) -> None:
    """Puts rows into the daily counts of a store."""
    given = [dict(row) for row in rows]
    in_store(settings, lambda connection: connection.execute(insert(daily_counts), given))


class Clock:
    """An instant that a test moves."""

    def __init__(self, at: str) -> None:
        self.at = at

    def __call__(self) -> str:
        return self.at


def after_night(day: str) -> str:
    """A quarter of an hour after the night of a day began, in China."""
    return f"{day}T16:15:00Z"


def run_nights(
    regions: Sequence[RegionSettings],
    keys: Keys,
    rules: RuleBook,
    day: str = DAY,
    at: str | None = None,
    **more: Any,
) -> list[NightDone]:
    """Every night due as of the one of `day`, at an instant: a quarter of an hour behind it."""
    done: list[NightDone] = []
    clock = Clock(at or after_night(day))

    async def run() -> None:
        stores = Stores(regions, keys, lambda: rules)
        try:
            settings = NightSettings(CHINA, **more)
            await Night(stores, settings, done=done.append, now=clock).round()
        finally:
            await stores.close()

    asyncio.run(run())
    return done


def _rows(settings: RegionSettings, table: Any, order: Iterable[Any]) -> list[dict[str, Any]]:
    def read(connection: Connection) -> list[dict[str, Any]]:
        found = connection.execute(select(table).order_by(*order)).mappings()
        return [dict(row) for row in found]

    return in_store(settings, read)


def signal_rows(settings: RegionSettings) -> list[dict[str, Any]]:
    """The signals of a store, by day and number."""
    return _rows(settings, signals, (signals.c.day, signals.c.number))


def night_rows(settings: RegionSettings) -> list[dict[str, Any]]:
    """The nights of a store, by day."""
    return _rows(settings, detection_nights, (detection_nights.c.day,))
