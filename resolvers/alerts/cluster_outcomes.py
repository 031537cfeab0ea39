"""What the scan of a rule found for a day: the same in every region, each of which keeps its share
of the signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import orjson

from resolvers.alerts.clustering import ClusterFound
from resolvers.alerts.rules import Rule, rule_from_text, rule_text
from resolvers.alerts.slots import Found, Window
from schema.alerts import SignalKind

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """By how many counties a rule was looked at on a day, in which regions' counts (the newest
    record of each), without which regions, and the clusters that alarm.
    """

    rule: Rule
    day: str
    places: int
    versions: Mapping[str, str]
    missing: tuple[str, ...]
    clusters: tuple[ClusterFound, ...]

    def text(self) -> str:
        """It as it is written down: JSON of codes and counts."""
        kept = {
            "rule": rule_text(self.rule),
            "day": self.day,
            "places": self.places,
            "versions": dict(self.versions),
            "missing": list(self.missing),
            "clusters": [asdict(one) for one in self.clusters],
        }
        return orjson.dumps(kept).decode()

    @classmethod
    def of(cls, text: str) -> Outcome:
        """What was written down."""
        kept = orjson.loads(text)
        return cls(
            rule=rule_from_text(kept["rule"]),
            day=kept["day"],
            places=kept["places"],
            versions=kept["versions"],
            missing=tuple(kept["missing"]),
            clusters=tuple(
                ClusterFound(**one | {"members": tuple(one["members"])}) for one in kept["clusters"]
            ),
        )

    def found(self, region: str | None = None) -> list[Found]:
        """Its signals; of a region those that it keeps: of clusters whose county with the most
        cases is its own.
        """
        return [
            self._signal(one) for one in self.clusters if region is None or one.region == region
        ]

    def elsewhere(self, region: str, prefixes: Sequence[str]) -> set[tuple[str, str]]:
        """The counties of a region that are named by clusters which others keep: each with the
        region that does.
        """
        return {
            (code, one.region)
            for one in self.clusters
            if one.region != region
            for code in one.members
            if code.startswith(tuple(prefixes))
        }

    def _signal(self, one: ClusterFound) -> Found:
        window = Window(one.window, one.relative_risk, one.p, one.recurrence, self.missing)
        return Found(
            kind=SignalKind.CLUSTER,
            rule=self.rule,
            code=one.code,
            day=self.day,
            observed=float(one.observed),
            expected=one.expected,
            score=one.score,
            cases=one.cases,
            deaths=one.deaths,
            members=one.members,
            window=window,
        )
