"""A rule by GLR for each disease, tuned over one simulated country and judged over another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np

from bench.evaluate_nation import COUNTIES, DAYS, FIRST
from bench.evaluate_outbreaks import Found
from bench.evaluate_plot import Point
from bench.report import Sheet

__all__ = ["PUBLISHED", "dispersions", "points", "rules", "sheet", "tuned"]

PUBLISHED = {"time": (96.23, 1.57, 3.0), "space-time": (90.57, 0.64, 1.0)}
"""What was published of the national system: sensitivity in %, false alarms in %, days."""

_WEIGHTS = tuple(float(w) for w in np.geomspace(1e-4, 1, 41))  # days a false alarm is worth
_MISSED = (3.0, 5.0, 10.0, 20.0, 40.0)  # days an outbreak that is not seen is worth
_TUNED = "GLR, tuned, a rule for each disease"


def tuned(training: Mapping[str, dict[str, Found]]) -> dict[str, str]:
    """For each disease the parameters of its rule: those with which outbreaks missed, false alarms
    and mean delay over all diseases stay farthest below the best published figure of each, by the
    worst of the three ratios.

    A disease's rule is that of the least cost in days, of delay, of missed outbreaks and of false
    alarms; what the latter two cost is common to all, and tried over a grid.
    """
    best: tuple[float, dict[str, str]] = (np.inf, {})
    for missed in _MISSED:
        for weight in _WEIGHTS:
            chosen = {
                disease: _cheapest(_rules(found), weight, missed)
                for disease, found in training.items()
            }
            ratio = _worst(_sum(training[disease][name] for disease, name in chosen.items()))
            if ratio < best[0]:
                best = (ratio, chosen)
    return best[1]


def dispersions(training: Mapping[str, dict[str, Found]]) -> dict[str, float]:
    """Of each disease that of its rules."""
    return {
        disease: float(json.loads(next(iter(_rules(found))))["dispersion"])
        for disease, found in training.items()
    }


def _rules(found: Mapping[str, Found]) -> dict[str, Found]:
    return {name: one for name, one in found.items() if name.startswith("{")}


def _worst(found: Found) -> float:
    """The largest of outbreaks missed, false alarms and delay, each to the best that was
    published."""
    sensitivity, false, delay = zip(*PUBLISHED.values(), strict=True)
    ratios = (
        (100 - found.sensitivity) / (100 - max(sensitivity)),
        found.false_rate / min(false),
        found.delay / min(delay) if found.delays else float("inf"),
    )
    return float(max(ratios))


def _cheapest(found: Mapping[str, Found], weight: float, missed: float) -> str:
    """What costs the fewest days, a false alarm worth `weight`, a missed outbreak `missed`."""

    def cost(name: str) -> float:
        one = found[name]
        lost = missed * (one.outbreaks - one.detected) + weight * one.false
        return sum(one.delays) + lost

    return min(found, key=cost)


def _sum(parts: Iterator[Found]) -> Found:
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def sheet(
    chosen: Mapping[str, str], results: Mapping[str, dict[str, Found]], counties: int
) -> Sheet:
    """Methods and the tuned rules over the country judged, beside what was published."""
    table = Sheet(
        "outbreaks",
        "Outbreaks in a simulated country",
        (
            "method",
            "sensitivity, %",
            "false alarms, % of county-disease-days",
            "days to detection, mean",
            "median",
            "by chance, %",
        ),
    )
    totals = _totals(chosen, results)
    for name, total in totals.items():
        spread = np.std(total.delays) / np.sqrt(max(1, len(total.delays)))
        table.rows.append(
            (
                name,
                f"{total.sensitivity:.2f} ± {total.error:.2f}",
                f"{total.false_rate:.3f}",
                f"{total.delay:.2f} ± {spread:.2f}",
                f"{np.median(total.delays):.1f}" if total.delays else "–",
                f"{100 * total.chance / total.outbreaks:.1f}",
            )
        )
    for name, (sensitivity, false, days) in PUBLISHED.items():
        table.rows.append((f"published: {name}", f"{sensitivity}", f"{false}", f"{days}", "", ""))
    outbreaks = next(iter(totals.values())).outbreaks
    table.notes.append(
        f"{counties:,} of {COUNTIES:,} counties × {len(results)} diseases × {DAYS - FIRST} days, "
        f"{outbreaks} outbreaks; ± one standard error"
    )
    return table


def points(chosen: Mapping[str, str], results: Mapping[str, dict[str, Found]]) -> list[Point]:
    """False alarms against sensitivity."""
    found = [
        Point(f"{name}: {total.delay:.1f} days", total.false_rate, total.sensitivity, total.error)
        for name, total in _totals(chosen, results).items()
    ]
    published = [
        Point(f"published, {name}: {days} days", false, sensitivity, 0.0)
        for name, (sensitivity, false, days) in PUBLISHED.items()
    ]
    return found + published


def _totals(chosen: Mapping[str, str], results: Mapping[str, dict[str, Found]]) -> dict[str, Found]:
    """Each method over all diseases, last the tuned rules."""
    first = next(iter(results.values()))
    plain = [name for name in first if name not in _rules(first)]
    picks = {name: dict.fromkeys(results, name) for name in plain}
    picks[_TUNED] = dict(chosen)
    return {
        name: _sum(results[disease][pick[disease]] for disease in results)
        for name, pick in picks.items()
    }


def rules(chosen: Mapping[str, str], results: Mapping[str, dict[str, Found]]) -> Sheet:
    """The rule of each disease, and what it finds."""
    table = Sheet(
        "rules",
        "The tuned rules by disease",
        (
            "disease",
            "parameters of `GLR`",
            "sensitivity, %",
            "false alarms, %",
            "days to detection",
        ),
    )
    for disease, name in chosen.items():
        found = results[disease][name]
        table.rows.append(
            (
                disease,
                f"`{name}`",
                f"{found.sensitivity:.1f}",
                f"{found.false_rate:.2f}",
                f"{found.delay:.2f}",
            )
        )
    return table
