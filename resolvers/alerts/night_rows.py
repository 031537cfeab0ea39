"""The rows that say which nights are done: each written with the signals it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from regions.alerts import cluster_regions, detection_nights
from regions.transfers import store_fences

__all__ = [
    "CLUSTERS",
    "SERIES",
    "claim_night",
    "days_due",
    "last_night",
    "note_elsewhere",
    "restored_at",
]

SERIES = "SERIES"
"""The part of a night that looks at each county and disease by itself."""

CLUSTERS = "CLUSTERS"
"""The part that looks at the counts of all regions together: followed by the id of its rule."""

_N = detection_nights.c


def last_night(connection: Connection, part: str = SERIES) -> str | None:
    """The last day whose night is done in a store; None where none is."""
    day: str | None = connection.scalar(select(func.max(_N.day)).where(_N.part == part))
    return day


def days_due(last: str | None, ended: str) -> Iterator[str]:
    """The days after the last one done, up to the one that ended; without one that alone."""
    day = date.fromisoformat(ended if last is None else last)
    if last is not None:
        day += timedelta(days=1)
    while day.isoformat() <= ended:
        yield day.isoformat()
        day += timedelta(days=1)


def claim_night(connection: Connection, row: dict[str, Any]) -> bool:
    """Writes the night's row; False where it is there: a second gateway waits here for the first,
    and finds it.
    """
    builder: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    made = builder.insert(detection_nights).values(row).on_conflict_do_nothing()
    return connection.execute(made.returning(_N.day)).first() is not None


def note_elsewhere(connection: Connection, places: Iterable[tuple[str, str]]) -> None:
    """Notes counties with regions that keep a cluster which names them: officers of such a county
    are asked for there, too.
    """
    rows = [{"code": code, "region": region} for code, region in sorted(places)]
    if rows:
        builder: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(builder.insert(cluster_regions).on_conflict_do_nothing(), rows)


def restored_at(connection: Connection) -> str:
    """When it was last found that the store had been put back from a backup; "" where never."""
    return connection.scalar(select(func.max(store_fences.c.found_at))) or ""
