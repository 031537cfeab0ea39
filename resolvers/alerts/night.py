"""The nightly run: each region's counts of a day against the rules, and the signals into their
slots (E2).

A night of a region is one transaction: its signals, their messages, and the row that says it is
done. So a process that dies leaves a whole night or none, nights follow each other from the last
row on, a region that was down is computed when it is back, and of two gateways the second finds
the row. Nothing else is kept of where a run was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, select, update

from regions.alerts import detection_nights, signals
from regions.cases import cases
from regions.instants import now
from regions.statistics import COUNTED
from resolvers.alerts.cluster_nights import ClusterNight, ClusterNights
from resolvers.alerts.counts import Row, counts_of, first_counted, select_counts
from resolvers.alerts.detecting import Watched, detect_day, watched_on
from resolvers.alerts.messages import put_messages
from resolvers.alerts.night_rows import SERIES, claim_night, days_due, last_night, restored_at
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.rules import RuleBook
from resolvers.alerts.single_case import signal_cards
from resolvers.alerts.slots import Found, newest_record, put_signals
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores
from schema.alerts import DetectionMethod

__all__ = ["NIGHT_SECONDS", "Night", "NightDone"]

NIGHT_SECONDS = 30.0
"""How often it is looked whether a night has ended."""

_CARD_DAYS = 30  # so long before the night a card may have been reported that has no signal yet
_log = logging.getLogger(__name__)
_N = detection_nights.c


@dataclass(frozen=True, slots=True)
class NightDone:
    """One night of one region: how many series were judged, ids of its signals that stand for
    themselves, how many more were absorbed."""

    region: str
    day: str
    series: int
    signals: tuple[int, ...]
    absorbed: int


class Night:
    """The nights of all regions of `stores`, whose deadlines should be long: counts of years are
    read, and behind them those of clusters, which look at all regions together (`clusters`). `done`
    hears of each night of a region as it is written, `clustered` of each of clusters; `now` is the
    clock.
    """

    def __init__(
        self,
        stores: Stores,
        settings: NightSettings,
        *,
        done: Callable[[NightDone], None] | None = None,
        clustered: Callable[[ClusterNight], None] | None = None,
        now: Callable[[], str] = now,
    ) -> None:
        self._stores, self._settings = stores, settings
        self._done, self._now = done, now
        self.clusters = ClusterNights(stores, settings, done=clustered, now=now)
        self._said: set[str] = set()

    async def round(self) -> None:
        """Computes every night that has ended and is not done, in order, in all regions that
        answer. Raises StoreError where a store refuses a row, or the rules cannot be read.
        """
        failures: list[Exception] = []
        away = set()
        for store in self._stores.regions:
            try:
                await self.catch_up(store)
            except WriteFailed as failed:
                _log.info("the nights of %s wait: %s", store.settings.code, failed.reason)
                away.add(store.settings.code)
            except Exception as error:  # the other regions' nights go on
                failures.append(error)
        try:
            await self.clusters.round(away)
        except Exception as error:
            failures.append(error)
        if failures:
            raise failures[0]

    async def catch_up(self, store: Store) -> list[NightDone]:
        """The nights of a region that were due, in order. Raises WriteFailed, StoreError."""
        ended = self._settings.ended(self._now())
        done = []
        for day in days_due(await store.look(last_night), ended):
            night = await self._night(store, day)
            if night is not None:
                done.append(night)
                if self._done is not None:
                    self._done(night)
        return done

    async def look(self, store: Store, day: str) -> tuple[list[Found], int]:
        """What the night of a day would find in the counts as they are now, and how many series
        it judges; writes nothing. Raises WriteFailed.
        """
        found, series, _ = await self._found(store, self._watched(store, day))
        return found, series

    async def due(self, store: Store) -> list[str]:
        """The days whose nights have ended and are not done. Raises WriteFailed."""
        return list(days_due(await store.look(last_night), self._settings.ended(self._now())))

    def _watched(self, store: Store, day: str) -> Watched:
        watched = watched_on(self._stores.rules(), day, store.settings.prefixes)
        for rule, why in watched.broken.items():
            if rule not in self._said:
                self._said.add(rule)
                _log.error("a rule of detection is left out: %s", why)
        return watched

    async def _found(self, store: Store, watched: Watched) -> tuple[list[Found], int, str]:
        last = date.fromisoformat(watched.day)
        first = date.fromordinal(max(1, last.toordinal() - watched.history)).isoformat()

        def read(connection: Connection) -> tuple[Sequence[Row], str | None, str]:
            rows = connection.execute(select_counts(watched.diseases, first, watched.day)).all()
            since = connection.scalar(first_counted())
            return rows, since, newest_record(connection)

        rows, since, version = await store.look(read)
        since = self._settings.history_from or since

        def compute() -> tuple[list[Found], int]:
            return detect_day(watched, counts_of(rows, first, watched.day, since))

        found, series = await asyncio.to_thread(compute)
        return found, series, version

    async def _night(self, store: Store, day: str) -> NightDone | None:
        """One night of one region; None where another gateway has done it meanwhile."""
        began, book = self._now(), self._stores.rules()
        watched = self._watched(store, day)
        found, series, version = await self._found(store, watched)
        region = store.settings.code

        def work(connection: Connection, _: int) -> NightDone | None:
            at = self._now()
            row = {
                "day": day,
                "part": SERIES,
                "rules_digest": book.digest(day, store.settings.prefixes),
                "began_at": began,
                "finished_at": at,
                "series": series,
                "signals": 0,
                "absorbed": 0,
                "data_version": version,
            }
            if not claim_night(connection, row):
                return None
            cards = signal_cards(
                connection, store.settings, book, _cards(connection, store, book, day), at
            )
            put = put_signals(
                connection,
                region,
                found,
                at=at,
                data_version=version,
                absorb_days=self._settings.absorb_days,
            )
            due = self._settings.due(day, at, restored_at(connection))
            put_messages(connection, region, put.standing, due)
            told = [*cards, *put.standing]
            connection.execute(
                update(detection_nights)
                .where(_N.day == day, _N.part == SERIES)
                .values(signals=len(told), absorbed=len(put.absorbed))
            )
            return NightDone(region, day, series, tuple(told), len(put.absorbed))

        return await store.carry(0, work)


def _cards(connection: Connection, store: Store, book: RuleBook, day: str) -> list[dict[str, Any]]:
    """Cards of the last days that should have raised a signal as they were written, and have none:
    the rules came later, could not be read then, or the card came back to a restored store.
    """
    diseases = sorted(
        {
            rule.disease
            for rule in book.on(day, store.settings.prefixes)
            if rule.method is DetectionMethod.SINGLE_CASE
        }
    )
    zone, c = store.settings.days, cases.c
    first, after = (
        (date.fromisoformat(day) + timedelta(days=days)).isoformat() for days in (-_CARD_DAYS, 1)
    )
    raised = select(signals.c.id).where(
        and_(
            signals.c.case_id == c.id,
            signals.c.disease == c.disease,
            signals.c.code == c.code,
        )
    )
    asked = select(c.id, c.person_id, c.disease, c.code, c.classification, c.reported_at, c.kept_in)
    rows = connection.execute(
        asked.where(
            c.disease.in_(diseases),
            c.reported_at >= zone.begins(first),
            c.reported_at < zone.begins(after),
            c.classification.in_(COUNTED),
            c.kept_in.is_(None),
            ~exists(raised.correlate(cases)),
        )
    )
    return [dict(row) for row in rows.mappings()]
