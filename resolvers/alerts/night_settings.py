"""When the nights are, and how their signals are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from regions.instants import instant, seconds_of
from regions.zones import CHINA, Zone, zone_of
from resolvers.alerts.rules import Rule
from schema.alerts import RuleOrigin

__all__ = ["NightSettings"]


@dataclass(frozen=True, slots=True)
class NightSettings:
    """When a day's counts are taken (`minutes` after the midnight that ends it), how long an open
    signal absorbs, since when reports are complete (None: since the first count of a store), when
    its signals are told (`told_at` minutes after the midnight at which the next day begins).

    `clusters`: whether the shipped rules that scan for clusters are run; `cluster_hours` after its
    end a night of clusters no longer waits for regions that do not answer.
    """

    zone: Zone = field(default_factory=lambda: zone_of(CHINA))
    minutes: int = 0
    absorb_days: int = 7
    history_from: str | None = None
    told_at: int = 8 * 60
    clusters: bool = False
    cluster_hours: float = 6

    def due(self, day: str, at: str, restored: str = "") -> str:
        """When the signals of the night of a day are told (E2); at once where that is past.

        `restored` is the instant at which it was last found that the store had been put back from a
        backup ("": never): what was due by then may have been told by the store that was lost, so
        it stays due at its hour, and its deliveries are in doubt (`resolvers.alerts.deliveries`).
        """
        usual = self.zone.at(_after(day), self.told_at)
        return usual if usual <= restored else max(at, usual)

    def ended(self, at: str) -> str:
        """The last day whose night has come at an instant."""
        today = self.zone.day(instant(seconds_of(at) - 60 * self.minutes))
        return (date.fromisoformat(today) - timedelta(days=1)).isoformat()

    def runs(self, rule: Rule) -> bool:
        """Whether a rule looks for clusters, and is run."""
        return rule.clusters and (self.clusters or rule.origin is not RuleOrigin.NATIONAL)

    def waits_until(self, day: str) -> str:
        """Until when the clusters of a day wait for regions that do not answer."""
        ends = seconds_of(self.zone.at(_after(day), self.minutes))
        return instant(ends + 3_600 * self.cluster_hours)


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
