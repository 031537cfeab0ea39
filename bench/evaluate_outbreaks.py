"""Outbreaks in a simulated country: what methods see, how soon, and how often they alarm for
nothing; and a combination tuned over one country and judged over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluate_nation import COUNTIES, DAYS, DISEASES, FIRST, Nation
from bench.evaluate_plot import Point
from bench.report import Sheet
from bench.state import State
from resolvers.alerts.methods import ears, glr, percentile
from resolvers.alerts.methods.detection import Floats, window_sums

__all__ = ["PUBLISHED", "Found", "evaluate", "judge", "points", "sheet", "thresholds", "tuned"]

PUBLISHED = {"time": (96.23, 1.57, 3.0), "space-time": (90.57, 0.64, 1.0)}
"""What was published of the national system: sensitivity in %, false alarms in %, days."""

_WEEK = 7
_AROUND = 28  # days of earlier years before and after the same day
_RECENT = 28  # days by which the level of this year is taken, up to a week ago
_PRIOR = 5.0  # cases that hold the level to that of earlier years
_GRID = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 99.0)
_WEIGHTS = tuple(float(w) for w in np.geomspace(1e-4, 1, 41))  # days a false alarm is worth
_MISSED = (3.0, 5.0, 10.0, 20.0, 40.0)  # days an outbreak that is not seen is worth

_COMBINATION = "GLR combination, tuned"

Alarm = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """What alarms did: county-days judged and false alarms in them; outbreaks, those detected, the
    days until they were (by number of days), and those that chance alone would have hit."""

    days: int
    false: int
    outbreaks: int
    detected: int
    delays: list[int]
    chance: int

    def __add__(self, other: Found) -> Found:
        return Found(
            self.days + other.days,
            self.false + other.false,
            self.outbreaks + other.outbreaks,
            self.detected + other.detected,
            self.delays + other.delays,
            self.chance + other.chance,
        )

    @property
    def sensitivity(self) -> float:
        """In percent."""
        return 100 * self.detected / self.outbreaks

    @property
    def error(self) -> float:
        """The standard error of the sensitivity, in percent."""
        p = self.detected / self.outbreaks
        return float(100 * np.sqrt(p * (1 - p) / self.outbreaks))

    @property
    def false_rate(self) -> float:
        """In percent of county-disease-days."""
        return 100 * self.false / self.days

    @property
    def delay(self) -> float:
        """Days, the mean over those detected."""
        return float(np.mean(self.delays)) if self.delays else float("nan")


def judge(alarm: Alarm, nation: Nation) -> Found:
    """`alarm` is (counties, days judged). Chance is what the same counties and days would have hit
    half the country away."""
    far = ~nation.near
    delays, chance = [], 0
    for one in nation.outbreaks:
        places = np.array(one.counties)
        span = slice(one.start - FIRST, one.end + 1 - FIRST)
        seen = np.flatnonzero(alarm[places, span].any(axis=0))
        if len(seen):
            delays.append(int(seen[0]))
        chance += bool(alarm[(places + len(alarm) // 2) % len(alarm), span].any())
    return Found(
        int(far.sum()), int((alarm & far).sum()), len(nation.outbreaks), len(delays), delays, chance
    )


def evaluate(
    adjoining: list[NDArray[np.intp]],
    seed: int,
    state: State,
    diseases: Sequence[str] = tuple(DISEASES),
) -> Iterator[tuple[str, dict[str, Found]]]:
    """Disease by disease: what each method found, and each pair of thresholds of the combination
    (named by both). What `state` knows is not run again."""
    for disease in diseases:
        key = f"nation {len(adjoining)} {seed} {disease}"
        kept = state.get(key)
        if kept is None:
            nation = Nation.make(disease, adjoining, seed)
            found = {name: judge(alarm, nation) for name, alarm in _methods(nation)}
            found |= _combined(nation, adjoining)
            kept = {name: asdict(one) for name, one in found.items()}
            state.put(key, kept)
        yield disease, {name: Found(**one) for name, one in kept.items()}


def _methods(nation: Nation) -> Iterator[tuple[str, Alarm]]:
    times = np.arange(FIRST, DAYS)
    for name, percent, reach in (("P50", 50, True), ("P90", 90, True), ("> maximum", 100, False)):
        settings = percentile.MovingPercentile(
            shift=_WEEK, width=_WEEK, frequency=365, percentile=float(percent), reach=reach
        )
        found = percentile.detect_daily(nation.counts, times, settings, lambda t, y: t - 365 * y)
        yield f"moving percentile {name}", found.alarm
    for kind in ("C1", "C2", "C3"):
        yield (
            f"EARS {kind}",
            ears.detect(nation.counts, times, ears.Ears(kind, min_sigma=0.5)).alarm,
        )


def _combined(nation: Nation, adjoining: list[NDArray[np.intp]]) -> dict[str, Found]:
    """GLR of the county and of it with its neighbours, for all pairs of thresholds."""
    own, around = _scores(nation, adjoining)
    today = nation.counts[:, FIRST:] > 0
    by_own = [today & (own >= limit) for limit in _GRID]
    by_zone = [today & (around >= limit) for limit in _GRID]
    return {
        _pair(a, b): judge(one | other, nation)
        for a, one in zip(_GRID, by_own, strict=True)
        for b, other in zip(_GRID, by_zone, strict=True)
    }


def _pair(own: float, around: float) -> str:
    return f"county {own:g}, with neighbours {around:g}"


def _scores(nation: Nation, adjoining: list[NDArray[np.intp]]) -> tuple[Floats, Floats]:
    """GLR statistics over up to seven days, (counties, days judged)."""
    first = FIRST - 8 * _WEEK
    cases = nation.counts[:, first:].astype(float)
    mean = _expected(nation.counts, first)
    weeks, usual = (x[:, : 8 * _WEEK].reshape(len(x), 8, _WEEK).sum(axis=2) for x in (cases, mean))
    excess = max(0.0, float((((weeks - usual) ** 2 - usual).sum()) / (usual**2).sum()))
    squares = mean**2
    groups = [np.append(others, i) for i, others in enumerate(adjoining)]
    zone_cases, zone_mean, zone_squares = (
        np.stack([x[group].sum(axis=0) for group in groups]) for x in (cases, mean, squares)
    )
    settings = glr.Glr(limit=np.inf, window=_WEEK - 1)
    found = []
    for y, m, s in ((cases, mean, squares), (zone_cases, zone_mean, zone_squares)):
        spread = 1 + excess * _WEEK * s / m  # variance by mean of a week
        late = slice(7 * _WEEK, None)
        y, m = (y / spread)[:, late], (m / spread)[:, late]
        score = glr.detect(y, np.arange(y.shape[1]), settings, m).score
        found.append(score[:, _WEEK:])
    return found[0], found[1]


def _expected(counts: NDArray[np.int32], first: int) -> Floats:
    """What is usual of each day from `first` on: the days around it in three earlier years, by this
    year's level, and the days of the week."""
    begin = first - _RECENT - _WEEK
    times = np.arange(begin, counts.shape[1])
    width = 2 * _AROUND + 1
    ends = np.stack([times - 365 * year + _AROUND for year in (1, 2, 3)])
    sums = sum((window_sums(counts, row, width) for row in ends), np.zeros((len(counts), 1)))
    usual = (sums + 0.5) / (3 * width)
    at = np.arange(first, counts.shape[1])
    lately = window_sums(counts, at - _WEEK, _RECENT)
    before = window_sums(usual, at - _WEEK - begin, _RECENT)
    level = (lately + _PRIOR) / (before + _PRIOR)
    day = np.arange(first)
    of_week = np.bincount(day % _WEEK, weights=counts[:, :first].sum(axis=0))
    of_week = of_week / of_week.mean()
    found: Floats = usual[:, first - begin :] * level * of_week[at % _WEEK][None, :]
    return found


def tuned(training: Mapping[str, dict[str, Found]]) -> dict[str, str]:
    """For each disease the pair of thresholds: those with which outbreaks missed, false alarms and
    mean delay over all diseases stay farthest below the best published figure of each, by the worst
    of the three ratios.

    A disease's pair is that of the least cost in days, of delay, of missed outbreaks and of false
    alarms; what the latter two cost is common to all, and tried over a grid.
    """
    names = [_pair(a, b) for a in _GRID for b in _GRID]
    best: tuple[float, dict[str, str]] = (np.inf, {})
    for missed in _MISSED:
        for weight in _WEIGHTS:
            chosen = {
                disease: _cheapest({name: found[name] for name in names}, weight, missed)
                for disease, found in training.items()
            }
            ratio = _worst(_sum(training[disease][name] for disease, name in chosen.items()))
            if ratio < best[0]:
                best = (ratio, chosen)
    return best[1]


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
    """Methods and the combination over the country judged, beside what was published."""
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
    """Each method over all diseases, last the combination."""
    plain = [name for name in next(iter(results.values())) if "county" not in name]
    picks = {name: dict.fromkeys(results, name) for name in plain}
    picks[_COMBINATION] = dict(chosen)
    return {
        name: _sum(results[disease][pick[disease]] for disease in results)
        for name, pick in picks.items()
    }


def thresholds(chosen: Mapping[str, str], results: Mapping[str, dict[str, Found]]) -> Sheet:
    """The thresholds of each disease, and what they find of it."""
    table = Sheet(
        "thresholds",
        "The tuned combination by disease",
        ("disease", "thresholds", "sensitivity, %", "false alarms, %", "days to detection"),
    )
    for disease, name in chosen.items():
        found = results[disease][name]
        table.rows.append(
            (
                disease,
                name,
                f"{found.sensitivity:.1f}",
                f"{found.false_rate:.2f}",
                f"{found.delay:.2f}",
            )
        )
    return table
