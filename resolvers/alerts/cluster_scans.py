"""One scan of a rule over what was read of regions, for the night and for replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from resolvers.alerts.clustering import (
    ClusterFound,
    Part,
    ScanPlaces,
    counties,
    places_of,
    scan,
    scan_history,
    told,
)
from resolvers.alerts.counts import Row, counts_of
from resolvers.alerts.methods.scanning import Scanned
from resolvers.alerts.rules import Rule, RuleBook

__all__ = ["RegionRead", "RuleScan", "concerns", "first_day", "scan_rule"]


@dataclass(frozen=True, slots=True)
class RegionRead:
    """The counts of one region (its code of six digits) with the prefixes that are its own, since
    which day its record is complete (None: it has none), and the newest record they had seen.
    """

    region: str
    prefixes: Sequence[str]
    rows: Sequence[Row]
    since: str | None
    version: str = ""


@dataclass(frozen=True, slots=True)
class RuleScan:
    """What a scan looked at, and what it found; `scanned` is None where there was no place."""

    parts: Sequence[Part]
    places: ScanPlaces
    scanned: Scanned | None
    clusters: tuple[ClusterFound, ...]


def concerns(rule: Rule, prefixes: Sequence[str]) -> bool:
    """Whether a region of some prefixes has places in the rule's area."""
    return any(one.startswith(rule.prefix) or rule.prefix.startswith(one) for one in prefixes)


def first_day(rule: Rule, values: Mapping[str, Any], day: str) -> str:
    """The first day whose counts the scan of a day looks at."""
    ordinal = date.fromisoformat(day).toordinal() - scan_history(rule.method, values)
    return date.fromordinal(max(1, ordinal)).isoformat()


def scan_rule(
    book: RuleBook | None,
    rule: Rule,
    values: Mapping[str, Any],
    day: str,
    regions: Sequence[RegionRead],
    *,
    within: str = "",
    every: bool = False,
) -> RuleScan:
    """The clusters of a day that alarm (`every`: all that are named), among the counties under a
    prefix for which the book says that this rule holds (None: all of its area).

    `regions` are those that were read, in order; of a county that several claim the first has it.
    """
    first, taken = first_day(rule, values, day), set[str]()
    parts = []
    for one in regions:
        codes = [
            code
            for code in counties()
            if code.startswith(tuple(one.prefixes))
            and code.startswith(within)
            and code.startswith(rule.prefix)
            and code not in taken
            and (book is None or book.effective(rule.disease, code, day, clusters=True) == rule)
        ]
        taken.update(codes)
        rows = [row for row in one.rows if row[0] == rule.disease and first <= row[2] <= day]
        counted = counts_of(rows, first, day, one.since)
        parts.append(Part(one.region, counted, one.since, codes))
    complete = date.fromordinal(date.fromisoformat(first).toordinal() + 1).isoformat()
    places = places_of(parts, complete, values)
    scanned = scan(rule.method, values, rule.disease, day, parts, places)
    clusters: Sequence[ClusterFound] = ()
    if scanned is not None:
        clusters = told(scanned, values, rule.disease, day, parts, places, every=every)
    return RuleScan(parts, places, scanned, tuple(clusters))
