"""How the regions' stores stand at the moment somebody asks: numbers by region, of nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, func, select

from regions.access_log import log_outbox
from regions.errors import EpigateError
from regions.fencing import is_fenced
from regions.instants import now, seconds_of
from regions.post import post_outbox
from regions.transfers import custody
from resolvers.alerts.messages import untold_messages
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["Standing", "Standings", "log_standing", "survey"]

_BETWEEN = ("RELEASING", "HANDED", "PENDING", "FENCED")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one store stands; nothing but `region` and False where it did not answer."""

    region: str
    up: bool
    fenced: bool = False
    post: int = 0  # messages without a reply
    post_since: str | None = None
    failing: int = 0  # of them, those that were tried and failed
    owed: int = 0  # entries that are not known to be in the log
    owed_since: str | None = None
    custody: dict[str, int] = field(default_factory=dict)
    untold: int = 0  # messages of signals that are due and reached nobody
    untold_since: str | None = None


async def survey(stores: Stores) -> list[Standing]:
    """All stores, at once, each within its deadline."""
    return list(await asyncio.gather(*(_of(store) for store in stores.regions)))


def log_standing(path: Path) -> tuple[int, str | None]:
    """How many entries the access log has, and when the newest was made. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        found = store.execute("SELECT number, at FROM entries ORDER BY number DESC LIMIT 1")
        number, at = found.fetchone() or (0, None)
        return int(number), at


async def _of(store: Store) -> Standing:
    region = store.settings.code

    def look(connection: Connection) -> Standing:
        o, waits = post_outbox.c, post_outbox.c.answered_at.is_(None)
        counted = select(func.count(), func.min(o.created_at)).where(waits)
        post, since = connection.execute(counted).one()
        failing = select(func.count()).where(waits, o.last_error.is_not(None))
        owed = connection.execute(select(func.count(), func.min(log_outbox.c.at))).one()
        held = connection.execute(
            select(custody.c.state, func.count())
            .where(custody.c.state.in_(_BETWEEN))
            .group_by(custody.c.state)
        )
        untold = connection.execute(untold_messages(now())).one()
        return Standing(
            region,
            up=True,
            fenced=is_fenced(connection),
            post=post,
            post_since=since,
            failing=connection.scalar(failing) or 0,
            owed=owed[0],
            owed_since=owed[1],
            custody={row.state: row[1] for row in held},
            untold=untold[0],
            untold_since=untold[1],
        )

    try:
        return await store.read(look)
    except (WriteFailed, EpigateError):
        return Standing(region, up=False)


class Standings:
    """The stores and the access log as a collector of prometheus-client. `log` is how many entries
    it has, and when the newest was made.
    """

    def __init__(self, stores: Sequence[Standing], log: tuple[int, str | None]) -> None:
        self._stores, self._log = stores, log

    def collect(self) -> Iterator[Metric]:
        """The numbers."""
        now_seconds = time.time()
        answered = [one for one in self._stores if one.up]
        yield _family("region_up", "Whether the region's store answers.", self._stores, "up")
        yield _family(
            "region_fenced",
            "Whether the store was put back from a backup and is not mended yet.",
            answered,
            "fenced",
        )
        yield _family("post_waiting", "Messages of a region without a reply.", answered, "post")
        yield _family("post_failing", "Of them, those that failed.", answered, "failing")
        yield _ages(
            "post_oldest_seconds", "Age of the oldest of them.", answered, "post_since", now_seconds
        )
        yield _family(
            "log_owed", "Writes of a region not known to be in the log.", answered, "owed"
        )
        yield _ages(
            "log_owed_oldest_seconds", "Age of the oldest.", answered, "owed_since", now_seconds
        )
        yield _family(
            "signal_messages_untold",
            "Messages of signals that are due and reached nobody.",
            answered,
            "untold",
        )
        yield _ages(
            "signal_messages_untold_oldest_seconds",
            "Since when the oldest of them is due.",
            answered,
            "untold_since",
            now_seconds,
        )
        people = GaugeMetricFamily(
            "epigate_custody_state_people",
            "People by what the region's store says of them while they move, or since.",
            labels=("region", "state"),
        )
        for one in answered:
            for state in _BETWEEN:
                people.add_metric((one.region, state), one.custody.get(state, 0))
        yield people
        size, newest = self._log
        yield GaugeMetricFamily("epigate_log_size", "Entries of the access log.", value=size)
        yield GaugeMetricFamily(
            "epigate_log_newest_seconds",
            "Age of the newest entry: an hour without one is no silence but a failure.",
            value=max(0.0, now_seconds - seconds_of(newest)) if newest else 0.0,
        )


def _family(name: str, what: str, stores: Sequence[Standing], attribute: str) -> GaugeMetricFamily:
    made = GaugeMetricFamily(f"epigate_{name}", what, labels=("region",))
    for one in stores:
        made.add_metric((one.region,), float(getattr(one, attribute)))
    return made


def _ages(
    name: str, what: str, stores: Sequence[Standing], attribute: str, now: float
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(f"epigate_{name}", what, labels=("region",))
    for one in stores:
        since = getattr(one, attribute)
        made.add_metric((one.region,), max(0.0, now - seconds_of(since)) if since else 0.0)
    return made
