"""Outbreaks in a simulated country: what methods see, how soon, and how often they alarm for
nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluate_nation import DAYS, DISEASES, FIRST, Nation
from bench.state import State
from resolvers.alerts.judging import judge as judged_by
from resolvers.alerts.methods import Detection, ears, percentile
from resolvers.alerts.methods.detection import window_sums
from resolvers.alerts.parameters import checked
from schema.alerts import DetectionMethod

__all__ = ["Found", "evaluate", "judge", "rule_parameters"]

_WEEK = 7
_BEFORE = 8  # weeks of which the dispersion is estimated
_ORDINAL = 737_430  # of the first day, a Monday: 2020-01-06
_WINDOWS = (3, 7, 14)  # days of the longest window of a rule
_LIMITS = (0.5, 1.0, 1.5, *(float(x) for x in np.arange(2, 6, 0.25)), 6.0, 6.5, 7.0, 8.0, 10.0)


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
    dispersions: Mapping[str, float] | None = None,
) -> Iterator[tuple[str, dict[str, Found]]]:
    """Disease by disease what each method found, and each rule by GLR (named by its parameters).
    What `state` knows is not run again.

    `dispersions` are those of the rules, by disease: without them they are estimated of the days
    before the first that is judged.
    """
    for disease in diseases:
        given = None if dispersions is None else dispersions[disease]
        key = f"nation {len(adjoining)} {seed} {given} {disease}"
        kept = state.get(key)
        if kept is None:
            nation = Nation.make(disease, adjoining, seed)
            found = {name: judge(alarm, nation) for name, alarm in _methods(nation)}
            found |= _ruled(nation, _dispersion(nation) if given is None else given)
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


def _ruled(nation: Nation, dispersion: float) -> dict[str, Found]:
    """GLR as the nights run it, for all windows and limits of a rule."""
    found = {}
    for window in _WINDOWS:
        detection = _detected(nation, {"window": window, "dispersion": dispersion})
        today = nation.counts[:, FIRST:] > 0
        for limit in _LIMITS:
            alarm = today & detection.enough & (detection.score >= limit)
            found[rule_parameters(window, limit, dispersion)] = judge(alarm, nation)
    return found


def rule_parameters(window: int, limit: float, dispersion: float) -> str:
    """What a rule by GLR is told, as JSON."""
    return json.dumps({"window": window, "limit": limit, "dispersion": dispersion})


def _detected(nation: Nation, given: Mapping[str, object], first: int = FIRST) -> Detection:
    values = checked(DetectionMethod.GLR, given)
    return judged_by(DetectionMethod.GLR, values, nation.counts, _ORDINAL, range(first, DAYS))


def _dispersion(nation: Nation) -> float:
    """By how much more than Poisson's the counts of weeks vary, of the eight before the days
    judged: variance μ + δ μ²."""
    first = FIRST - _BEFORE * _WEEK
    ends = range(first + _WEEK - 1, FIRST, _WEEK)
    values = checked(DetectionMethod.GLR, {"window": 1, "limit": 1})
    mean = judged_by(
        DetectionMethod.GLR, values, nation.counts, _ORDINAL, range(first, FIRST)
    ).expected
    seen = window_sums(nation.counts, np.array(ends), _WEEK)
    usual = mean.reshape(len(mean), _BEFORE, _WEEK).sum(axis=2)
    excess = float(((seen - usual) ** 2 - usual).sum() / (usual**2).sum())
    return round(max(0.0, excess), 2)
