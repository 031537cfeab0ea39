"""Noufaily's 28 scenarios: how often methods alarm where nothing is, and see what was put there.

The series are given (simulations of Noufaily et al. 2013: 28 scenarios of frequency, dispersion,
trend and season, several replicates each), without outbreaks and with some in them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.detect import read_rows
from bench.evaluate_plot import Point
from bench.report import Sheet
from bench.state import State
from resolvers.alerts.methods import (
    Counts,
    Detection,
    Times,
    bayes,
    cusum,
    ears,
    farrington,
    historical,
    percentile,
    rki,
)
from resolvers.alerts.methods.cusum import Cusum
from resolvers.alerts.methods.detection import Floats
from resolvers.alerts.methods.ears import Ears
from resolvers.alerts.methods.farrington import Farrington
from resolvers.alerts.methods.percentile import MovingPercentile
from resolvers.alerts.methods.thresholds import Threshold

__all__ = ["METHODS", "Score", "Series", "evaluate", "points", "read_r", "read_series", "sheets"]

_FIRST, _LAST = 576, 624  # weeks judged, counted from 1
_LARGE = 5  # k of an outbreak, in standard deviations, from which it is a large one
_YEARS = 5
_SOME = 10  # replicates over which Farrington is run, here as by R


@dataclass(frozen=True, slots=True)
class _Outbreak:
    """Of the series in `row`, in weeks counted from 1, both ends belonging to it."""

    row: int
    k: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Series:
    """Counts (series, weeks) without and with outbreaks, the scenario and replicate of each series,
    the outbreaks in the weeks judged."""

    names: tuple[str, ...]
    scenario: NDArray[np.intp]
    clean: Floats
    counts: Floats
    outbreaks: tuple[_Outbreak, ...]

    def first(self, replicates: int) -> Series:
        """Only so many replicates of each scenario."""
        number = np.array([int(name[4:]) for name in self.names])
        wanted = np.flatnonzero(number <= replicates)
        place = {int(row): i for i, row in enumerate(wanted)}
        return Series(
            tuple(self.names[i] for i in wanted),
            self.scenario[wanted],
            self.clean[wanted],
            self.counts[wanted],
            tuple(replace(o, row=place[o.row]) for o in self.outbreaks if o.row in place),
        )


def read_series(folder: Path) -> Series:
    """The folder with `baseline.csv.gz`, `with_outbreaks.csv.gz` and `truth.csv`."""
    clean, dirty = (read_rows(folder / f"{name}.csv.gz") for name in ("baseline", "with_outbreaks"))
    names = tuple(key for key in clean[0] if key != "t")
    place = {name: i for i, name in enumerate(names)}
    outbreaks = tuple(
        _Outbreak(place[row["id"]], int(row["k"]), int(row["start"]), int(row["end"]))
        for row in read_rows(folder / "truth.csv")
        if row["kind"] == "current"
    )

    def table(rows: list[dict[str, str]]) -> Floats:
        return np.array([[float(row[name]) for row in rows] for name in names])

    scenario = np.array([int(name[1:3]) for name in names])
    return Series(names, scenario, table(clean), table(dirty), outbreaks)


_Method = Callable[[Counts, Times], Detection]


def _percentile(settings: MovingPercentile) -> _Method:
    return lambda y, t: percentile.detect(y, t, settings)


def _ears(settings: Ears) -> _Method:
    return lambda y, t: ears.detect(y, t, settings)


def _bayes(settings: bayes.Bayes) -> _Method:
    return lambda y, t: bayes.detect(y, t, settings)


def _farrington(settings: Farrington) -> _Method:
    return lambda y, t: farrington.detect(y, t, settings)


_ORIGINAL = Farrington(
    periods=1,
    not_included=3,
    weights=1.0,
    trend_alpha=0.05,
    alpha=0.01,
    threshold=Threshold.DELTA,
    original=True,
)
METHODS: dict[str, tuple[str, _Method]] = {
    "moving percentile P50": ("mpm5_p50", _percentile(MovingPercentile(years=_YEARS))),
    "moving percentile P80": (
        "mpm5_p80",
        _percentile(MovingPercentile(years=_YEARS, percentile=80.0)),
    ),
    "moving percentile P90": (
        "mpm5_p90",
        _percentile(MovingPercentile(years=_YEARS, percentile=90.0)),
    ),
    "moving percentile > maximum": (
        "mpm5_max",
        _percentile(MovingPercentile(years=_YEARS, percentile=100.0, reach=False)),
    ),
    "EARS C1": ("earsC1", _ears(Ears("C1"))),
    "EARS C2": ("earsC2", _ears(Ears("C2"))),
    "EARS C3": ("earsC3", _ears(Ears("C3"))),
    "EARS C1, alpha .01": ("earsC1_a01", _ears(Ears("C1", alpha=0.01))),
    "historical limits, alpha .01": (
        "cdc",
        lambda y, t: historical.detect(y, t, historical.HistoricalLimits(alpha=0.01)),
    ),
    "RKI": ("rki3", lambda y, t: rki.detect(y, t, rki.Rki())),
    "Bayes 2": ("bayes2", _bayes(bayes.Bayes(1, 6))),
    "Bayes 3": ("bayes3", _bayes(bayes.Bayes(2, 4, this_year=False))),
    "CUSUM Rossi, seasonal": (
        "cusum_rossi",
        lambda y, t: cusum.detect(y, t, Cusum(seasonal=True)),
    ),
    "Farrington, alpha .01": ("farrington_a01", _farrington(_ORIGINAL)),
    "Farrington Flexible, Muan, alpha .005": ("", _farrington(Farrington())),
    "Farrington Flexible, plug-in, alpha .005": (
        "ffNoufaily_a005",
        _farrington(Farrington(threshold=Threshold.NB_PLUGIN)),
    ),
    "Farrington Flexible as R's, delta, alpha .01": (
        "ffDelta_a01",
        _farrington(Farrington(alpha=0.01, threshold=Threshold.DELTA, r_compat=True)),
    ),
}
"""Our methods: the name R's figures of the same method and settings have, and the method."""


@dataclass(frozen=True, slots=True)
class Score:
    """Rates over all series, and their Monte Carlo standard errors; by scenario without."""

    name: str
    series: int
    false: float
    false_error: float
    detected: float
    detected_error: float
    large: float
    first_week: float
    delay: float
    delay_error: float
    false_by_scenario: list[float] = field(default_factory=list)
    detected_by_scenario: list[float] = field(default_factory=list)


def evaluate(series: Series, state: State) -> Iterator[Score]:
    """Each method over the weeks judged of all series; those `state` knows are not run again."""
    times = np.arange(_FIRST - 1, _LAST)
    for name, (_, method) in METHODS.items():
        of = series.first(_SOME) if name.startswith("Farrington") else series
        key = f"scenarios {len(of.names)} {name}"
        kept = state.get(key)
        if kept is None:
            clean, found = method(of.clean, times), method(of.counts, times)
            kept = asdict(_score(name, of, clean.alarm, found.alarm))
            state.put(key, kept)
        yield Score(**kept)


def _score(name: str, series: Series, clean: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> Score:
    rates = clean.mean(axis=1)  # weeks of one series are not independent, series are
    caught, delays = [], []
    for one in series.outbreaks:
        weeks = np.flatnonzero(alarm[one.row, one.start - _FIRST : one.end + 1 - _FIRST])
        caught.append(len(weeks) > 0)
        delays.append(float(weeks[0]) if len(weeks) else np.nan)
    hit, delay = np.array(caught), np.array(delays)
    k = np.array([one.k for one in series.outbreaks])
    of = series.scenario[[one.row for one in series.outbreaks]]
    known = delay[hit]
    scenarios = np.unique(series.scenario)
    return Score(
        name,
        len(series.names),
        float(rates.mean()),
        _error(rates),
        float(hit.mean()),
        _error(hit),
        float(hit[k >= _LARGE].mean()),
        float((delay == 0).mean()),
        float(known.mean()) if len(known) else float("nan"),
        _error(known),
        [float(rates[series.scenario == s].mean()) for s in scenarios],
        [float(hit[of == s].mean()) for s in scenarios],
    )


def _error(values: NDArray[np.bool_] | Floats) -> float:
    """The standard error of a mean of independent values."""
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def read_r(folder: Path) -> dict[str, dict[str, str]]:
    """R's figures by method."""
    with (folder / "R_scores.csv").open(encoding="utf-8", newline="") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def sheets(series: Series, scores: list[Score], folder: Path) -> tuple[Sheet, Sheet]:
    """All scenarios together, beside R's figures; and the false-positive rate and probability of
    detection of each scenario."""
    r = read_r(folder)
    whole = Sheet(
        "scenarios",
        "Noufaily's scenarios",
        (
            "method",
            "false positives, %",
            "R",
            "detected, %",
            "R",
            "of the large, %",
            "R",
            "in the first week, %",
            "R",
            "delay, weeks",
            "R",
        ),
    )
    for one in scores:
        theirs = r.get(METHODS[one.name][0], {})

        def percent(key: str, theirs: dict[str, str] = theirs) -> str:
            return f"{float(theirs[key]) * 100:.1f}" if key in theirs else "–"

        whole.rows.append(
            (
                one.name,
                f"{one.false * 100:.2f} ± {one.false_error * 100:.2f}",
                f"{float(theirs['FPR_clean']) * 100:.2f}" if theirs else "–",
                f"{one.detected * 100:.1f} ± {one.detected_error * 100:.1f}",
                percent("POD"),
                f"{one.large * 100:.1f}",
                percent("POD_k_ge5"),
                f"{one.first_week * 100:.1f}",
                percent("POD1week"),
                f"{one.delay:.2f} ± {one.delay_error:.2f}",
                f"{float(theirs['mean_delay_weeks']):.2f}" if theirs else "–",
            )
        )
    each = len(series.names) // len(np.unique(series.scenario))
    whole.notes += [
        f"{len(series.names)} series ({each} replicates of each scenario), weeks {_FIRST} to "
        f"{_LAST}, {len(series.outbreaks)} outbreaks in them",
        f"± one Monte Carlo standard error; Farrington over the first {_SOME} replicates of each "
        "scenario, as R's figures are",
    ]
    parts = Sheet(
        "by-scenario",
        "Each scenario: false positives, % / detected, %",
        ("scenario", *_SHORT.values()),
    )
    by_name = {one.name: one for one in scores}
    for i, scenario in enumerate(np.unique(series.scenario)):
        parts.rows.append(
            (
                str(scenario),
                *(
                    f"{by_name[name].false_by_scenario[i] * 100:.1f} / "
                    f"{by_name[name].detected_by_scenario[i] * 100:.0f}"
                    for name in _SHORT
                ),
            )
        )
    return whole, parts


_SHORT = {
    "moving percentile P50": "P50",
    "moving percentile > maximum": "> maximum",
    "EARS C2": "EARS C2",
    "RKI": "RKI",
    "Farrington, alpha .01": "Farrington",
    "Farrington Flexible, Muan, alpha .005": "Flexible",
}


def points(scores: list[Score], folder: Path) -> list[Point]:
    """False positives against detection, ours and R's."""
    r = read_r(folder)
    found = []
    for one in scores:
        theirs = r.get(METHODS[one.name][0])
        found.append(
            Point(
                one.name,
                one.false * 100,
                one.detected * 100,
                one.detected_error * 100,
                (float(theirs["FPR_clean"]) * 100, float(theirs["POD"]) * 100) if theirs else None,
            )
        )
    return found
