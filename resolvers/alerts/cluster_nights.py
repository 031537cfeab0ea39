"""The nightly scans for clusters: over the counts of all regions together, behind the regions' own
nights (E1, E2).

A scan has one outcome for all regions. It is written down in each of them with that region's share
of the signals, in one transaction; whoever finds it in any region takes it from there, and scans no
more. So a process that dies between two regions, a second gateway, and a region that comes back
later all write what was found once. Regions are gone through in one order, so that of two gateways
that scan at a time the second takes over the first one's outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from regions.alerts import detection_nights
from regions.errors import AlertRuleInvalid
from regions.instants import now
from resolvers.alerts.cluster_outcomes import Outcome
from resolvers.alerts.cluster_scans import RegionRead, concerns, first_day, scan_rule
from resolvers.alerts.counts import first_counted, select_counts
from resolvers.alerts.messages import put_messages
from resolvers.alerts.night_rows import (
    CLUSTERS,
    claim_night,
    days_due,
    note_elsewhere,
    restored_at,
)
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.parameters import checked
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.alerts.slots import Put, newest_record, put_signals
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["ClusterNight", "ClusterNights"]

_KEPT_DAYS = 31  # so long an outcome is brought to a region that has missed it
_log = logging.getLogger(__name__)
_N = detection_nights.c


@dataclass(frozen=True, slots=True)
class ClusterNight:
    """One night of one rule: in how many counties it was looked, ids of the signals that stand for
    themselves, how many more were absorbed, the regions that were not read.
    """

    rule: str
    day: str
    places: int
    signals: tuple[int, ...]
    absorbed: int
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    """What the regions that answer have written down: by rule the last day, by day and rule the
    outcomes by region."""

    stores: dict[str, Store] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)


class ClusterNights:
    """The nights of clusters over the regions of `stores`. `done` hears of each, `now` is the
    clock.
    """

    def __init__(
        self,
        stores: Stores,
        settings: NightSettings,
        *,
        done: Callable[[ClusterNight], None] | None = None,
        now: Callable[[], str] = now,
    ) -> None:
        self._stores, self._settings = stores, settings
        self._done, self._now = done, now
        self._said: set[str] = set()

    async def round(self, away: Collection[str] = ()) -> None:
        """Computes every night of clusters that is due, in order; of `away` regions it is known
        that they do not answer. Raises StoreError where a store refuses a row.
        """
        book = self._stores.rules()
        if not any(self._settings.runs(rule) for rule in book.rules):
            return
        ended = self._settings.ended(self._now())
        known = await self._known(ended, away)
        await self._bring(known)
        waiting: set[str] = set()
        for day, rules in self._due(book, known, ended):
            going = {name: rule for name, rule in rules.items() if name not in waiting}
            if going:
                waiting |= await self._night(book, going, day, known)

    async def due(self, away: Collection[str] = ()) -> list[str]:
        """The days that have ended and are not done by some rule."""
        book, ended = self._stores.rules(), self._settings.ended(self._now())
        return [day for day, _ in self._due(book, await self._known(ended, away), ended)]

    async def look(self, day: str, away: Collection[str] = ()) -> list[Outcome]:
        """What the scans of a day would find in the counts as they are now, by rule; writes
        nothing.
        """
        book = self._stores.rules()
        rules = self._checked(rule for rule in book.on(day) if self._settings.runs(rule))
        stores = [one for one in self._ordered() if one.settings.code not in away]
        counts = await self._read(stores, rules, day)
        return [
            await asyncio.to_thread(self._scan, book, *one, day, counts)
            for _, one in sorted(rules.items())
        ]

    def _due(self, book: RuleBook, known: _Known, ended: str) -> list[tuple[str, dict[str, Rule]]]:
        """The days that are not done in order, each with its rules by id."""
        due: dict[str, dict[str, Rule]] = {}
        for rule in book.rules:
            if self._settings.runs(rule):
                for day in days_due(known.last.get(_part(rule)), ended):
                    if rule.on(day):
                        due.setdefault(day, {})[rule.id] = rule
        return sorted(due.items())

    async def _known(self, ended: str, away: Collection[str]) -> _Known:
        since = (date.fromisoformat(ended) - timedelta(days=_KEPT_DAYS)).isoformat()
        parts = (_N.part > f"{CLUSTERS} ") & (_N.part < f"{CLUSTERS}!")  # what follows a space

        def read(connection: Connection) -> tuple[Sequence[Any], Sequence[Any]]:
            last = select(_N.part, func.max(_N.day)).where(parts).group_by(_N.part)
            rows = select(_N.part, _N.day, _N.outcome).where(parts, _N.day >= since)
            return connection.execute(last).all(), connection.execute(rows).all()

        known = _Known()
        for store in self._ordered():
            code = store.settings.code
            if code in away:
                continue
            try:
                last, rows = await store.look(read)
            except WriteFailed as failed:
                _wait(failed)
                continue
            known.stores[code] = store
            for part, day in last:
                known.last[part] = max(day, known.last.get(part, ""))
            for part, day, outcome in rows:
                known.outcomes.setdefault((day, part), {})[code] = outcome
        return known

    async def _bring(self, known: _Known) -> None:
        """Writes outcomes into regions that have missed them: somebody died between two regions, or
        they were away.
        """
        for _, there in sorted(known.outcomes.items()):
            outcome = Outcome.of(next(iter(there.values())))
            missed = [
                store
                for code, store in known.stores.items()
                if code not in there and concerns(outcome.rule, store.settings.prefixes)
            ]
            if missed:
                await self._share(outcome, missed)

    async def _night(
        self, book: RuleBook, rules: Mapping[str, Rule], day: str, known: _Known
    ) -> set[str]:
        """The night of a day by some rules; the ids of those that wait for regions."""
        ready = self._checked(rules.values())
        counts = await self._read(known.stores.values(), ready, day)
        waits, waiting = self._now() < self._settings.waits_until(day), set()
        for name, (rule, values) in sorted(ready.items()):
            concerned = self._concerned(rule)
            there = [one for one in concerned if one.settings.code in counts]
            if not there or (waits and len(there) < len(concerned)):
                waiting.add(name)
                continue
            outcome = await asyncio.to_thread(self._scan, book, rule, values, day, counts)
            await self._share(outcome, there)
        return waiting

    def _checked(self, rules: Iterable[Rule]) -> dict[str, tuple[Rule, dict[str, Any]]]:
        """Rules with their parameters; those that mean nothing are left out, and said once."""
        found = {}
        for rule in rules:
            try:
                found[rule.id] = rule, checked(rule.method, rule.parameters, rule=rule.id)
            except AlertRuleInvalid as error:
                if rule.id not in self._said:
                    self._said.add(rule.id)
                    _log.error("a rule of detection is left out: %s; %s", error.message, error.hint)
        return found

    async def _read(
        self,
        stores: Collection[Store],
        rules: Mapping[str, tuple[Rule, dict[str, Any]]],
        day: str,
    ) -> dict[str, RegionRead]:
        """The counts of all diseases that the rules look for, of each region that answers."""
        diseases = {rule.disease for rule, _ in rules.values()}
        first = min((first_day(*one, day) for one in rules.values()), default=day)
        history_from, found = self._settings.history_from, {}
        for store in stores:
            code, prefixes = store.settings.code, store.settings.prefixes
            if not any(concerns(rule, prefixes) for rule, _ in rules.values()):
                continue

            def read(connection: Connection) -> tuple[Sequence[Any], str | None, str]:
                rows = connection.execute(select_counts(diseases, first, day)).all()
                return rows, connection.scalar(first_counted()), newest_record(connection)

            try:
                rows, since, version = await store.look(read)
            except WriteFailed as failed:
                _wait(failed)
                continue
            found[code] = RegionRead(code, prefixes, rows, history_from or since, version)
        return found

    def _scan(
        self,
        book: RuleBook,
        rule: Rule,
        values: Mapping[str, Any],
        day: str,
        counts: Mapping[str, RegionRead],
    ) -> Outcome:
        """One scan. In a thread: over the whole country it takes a second."""
        codes = [one.settings.code for one in self._concerned(rule)]
        read = [counts[code] for code in codes if code in counts]
        found = scan_rule(book, rule, values, day, read)
        return Outcome(
            rule=rule,
            day=day,
            places=len(found.places.codes),
            versions={one.region: one.version for one in read},
            missing=tuple(code for code in codes if code not in counts),
            clusters=found.clusters,
        )

    async def _share(self, outcome: Outcome, stores: Sequence[Store]) -> None:
        """Writes an outcome and each region's share of its signals, region after region."""
        signals: list[int] = []
        absorbed, written = 0, False
        for store in stores:
            try:
                put, outcome = await store.carry(0, self._writing(outcome, store))
            except WriteFailed as failed:  # it is brought there in a later round
                _wait(failed)
                continue
            if put is not None:
                signals += put.standing
                absorbed += len(put.absorbed)
                written = True
        if written and self._done is not None:
            night = (outcome.rule.id, outcome.day, outcome.places, tuple(signals), absorbed)
            self._done(ClusterNight(*night, outcome.missing))

    def _writing(
        self, outcome: Outcome, store: Store
    ) -> Callable[[Connection, int], tuple[Put | None, Outcome]]:
        """The transaction of one region. It returns what became of its share, and the outcome; None
        and the outcome that is there where somebody was here before.
        """
        region, part, day = store.settings.code, _part(outcome.rule), outcome.day
        book, began = self._stores.rules(), self._now()

        def work(connection: Connection, _: int) -> tuple[Put | None, Outcome]:
            at = self._now()
            version = outcome.versions.get(region) or newest_record(connection)
            row = {
                "day": day,
                "part": part,
                "rules_digest": book.digest(day, store.settings.prefixes),
                "began_at": began,
                "finished_at": at,
                "series": outcome.places,
                "signals": 0,
                "absorbed": 0,
                "data_version": version,
                "outcome": outcome.text(),
            }
            this = (_N.day == day, _N.part == part)
            if not claim_night(connection, row):
                there = connection.scalar(select(_N.outcome).where(*this))
                return None, Outcome.of(there) if there else outcome
            note_elsewhere(connection, outcome.elsewhere(region, store.settings.prefixes))
            put = put_signals(
                connection,
                region,
                outcome.found(region),
                at=at,
                data_version=version,
                absorb_days=self._settings.absorb_days,
            )
            due = self._settings.due(day, at, restored_at(connection))
            put_messages(connection, region, put.standing, due)
            numbers = {"signals": len(put.standing), "absorbed": len(put.absorbed)}
            connection.execute(update(detection_nights).where(*this).values(numbers))
            return put, outcome

        return work

    def _concerned(self, rule: Rule) -> list[Store]:
        return [one for one in self._ordered() if concerns(rule, one.settings.prefixes)]

    def _ordered(self) -> list[Store]:
        """The regions' stores in the one order in which all gateways go through them."""
        return sorted(self._stores.regions, key=lambda one: one.settings.code)


def _part(rule: Rule) -> str:
    return f"{CLUSTERS} {rule.id}"


def _wait(failed: WriteFailed) -> None:
    _log.info("clusters wait for %s: %s", failed.settings.code, failed.reason)
