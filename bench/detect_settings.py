"""Reference results by the names of their files: which method with which settings they are of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from resolvers.alerts.methods import (
    Counts,
    Detection,
    Times,
    bayes,
    cusum,
    ears,
    ewma,
    farrington,
    glr,
    historical,
    outbreak_p,
    rki,
)
from resolvers.alerts.methods.blocks import Calendar
from resolvers.alerts.methods.cusum import Cusum, Transform
from resolvers.alerts.methods.detection import Floats
from resolvers.alerts.methods.farrington import Farrington
from resolvers.alerts.methods.thresholds import Threshold

__all__ = ["Asked", "method_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One series of a reference file: its counts (1, time), the places that have a result, what the
    file gives of the model (columns by name, one value a place), and the bounds it wants."""

    counts: Counts
    times: Times
    frequency: int
    calendar: Calendar | None
    given: Mapping[str, Floats]
    wanted: Floats


Run = Callable[[Asked], Detection]


def method_of(name: str) -> Run | None:
    """What computes the results of a file, None where the name says nothing known."""
    for pattern, make in _NAMES:
        if found := pattern.fullmatch(name):
            return make(found)
    return None


def _bayes(found: re.Match[str]) -> Run:
    years, width, this_year = {"1": (0, 6, True), "2": (1, 6, True), "3": (2, 4, False)}[found[1]]
    return lambda asked: bayes.detect(
        asked.counts, asked.times, bayes.Bayes(years, width, this_year, frequency=asked.frequency)
    )


def _rki(found: re.Match[str]) -> Run:
    years, width, this_year = {"1": (0, 6, True), "2": (1, 6, True), "3": (2, 4, False)}[found[1]]
    return lambda asked: rki.detect(
        asked.counts, asked.times, rki.Rki(years, width, this_year, asked.frequency)
    )


def _historical(found: re.Match[str]) -> Run:
    years = int(found[1])
    return lambda asked: historical.detect(
        asked.counts,
        asked.times,
        historical.HistoricalLimits(years, frequency=asked.frequency),
    )


def _cusum(found: re.Match[str]) -> Run:
    transform, seasonal = Transform(found[1]), found[2] is not None
    return lambda asked: cusum.detect(
        asked.counts,
        asked.times,
        Cusum(transform=transform, seasonal=seasonal, frequency=asked.frequency),
    )


def _ears(found: re.Match[str]) -> Run:
    alpha = found["alpha"] and float(f"0.{found['alpha']}")
    settings = ears.Ears(
        found["method"], int(found["b"] or 7), float(found["sigma"] or 0), alpha or None
    )
    return lambda asked: ears.detect(asked.counts, asked.times, settings)


def _ewma(found: re.Match[str]) -> Run:
    training = int(found[1])

    def run(asked: Asked) -> Detection:
        weight, width = float(asked.given["lambda"][0]), float(asked.given["L"][0])
        return ewma.detect(asked.counts, asked.times, ewma.Ewma(weight, width, training))

    return run


def _farrington(found: re.Match[str]) -> Run:
    words = found[1].split("_")
    powers = {"half": 1 / 2, "none": 1.0}
    settings = Farrington(
        years=next((int(w[1:]) for w in words if re.fullmatch(r"b\d", w)), 5),
        periods=1,
        not_included=3,
        weights=None if "noreweight" in words else 1.0,
        trend="notrend" not in words,
        trend_alpha=0.05,
        alpha=next((float(f"0.{w[1:]}") for w in words if re.fullmatch(r"a\d+", w)), 0.05),
        threshold=Threshold.DELTA,
        power=next((powers[w] for w in words if w in powers), 2 / 3),
        original=True,
    )
    return _with_frequency(settings)


_FLEXIBLE = {
    "default": Farrington(
        periods=1, not_included=3, trend_alpha=0.05, alpha=0.05, threshold=Threshold.DELTA
    ),
    "vignette_control1_b4": Farrington(
        years=4,
        periods=1,
        not_included=3,
        weights=1.0,
        trend_alpha=0.05,
        alpha=0.05,
        threshold=Threshold.DELTA,
    ),
    "vignette_control2_b4": Farrington(years=4, alpha=0.05, threshold=Threshold.DELTA),
    "plain_half": Farrington(
        years=3,
        periods=1,
        not_included=3,
        weights=None,
        trend=False,
        alpha=0.01,
        threshold=Threshold.DELTA,
        power=1 / 2,
        limit=(0, 4),
    ),
    "noufaily_nbPlugin": Farrington(threshold=Threshold.NB_PLUGIN),
    "noufaily_muan": Farrington(threshold=Threshold.MUAN),
}


def _flexible(found: re.Match[str]) -> Run:
    return _with_frequency(_FLEXIBLE[found[1]], r_compat=True)


def _with_frequency(settings: Farrington, r_compat: bool = False) -> Run:
    def run(asked: Asked) -> Detection:
        years = int(asked.given["b"].max()) if "b" in asked.given else settings.years
        own = replace(settings, years=years, frequency=asked.frequency, r_compat=r_compat)
        return farrington.detect(asked.counts, asked.times, own, asked.calendar)

    return run


def _glr(found: re.Match[str]) -> Run:
    window = int(found["window"]) if found["window"] else None
    settings = glr.Glr(window=window, r_compat=True)
    cases, dispersed = found["shown"] == "cases", found["family"] == "nb"

    def run(asked: Asked) -> Detection:
        mean = asked.given["mu0"][None, :]
        alpha = float(asked.given["alpha"][0]) if dispersed else 0.0
        result = glr.detect(asked.counts, asked.times, settings, mean, alpha)
        if cases:
            bound = glr.cases_to_alarm(asked.counts, asked.times, settings, mean, result.alarm)
            return replace(result, bound=bound)
        return replace(result, bound=result.score)  # what the file has in the bound's place

    return run


def _outbreak_p(found: re.Match[str]) -> Run:
    """R tells the statistic or the count that alarms; where the name does not say which, numbers
    that are not all whole are the statistic."""
    settings = outbreak_p.OutbreakP()

    def run(asked: Asked) -> Detection:
        result = outbreak_p.detect(asked.counts, asked.times, settings)
        known = asked.wanted[np.isfinite(asked.wanted)]
        whole = found[1] == "cases" or (found[1] is None and bool((known % 1 == 0).all()))
        return result if whole else replace(result, bound=result.score)

    return run


_NAMES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Run]], ...] = (
    (re.compile(r"bayes([123])"), _bayes),
    (re.compile(r"rki([123])"), _rki),
    (re.compile(r"cdc_b(\d)"), _historical),
    (re.compile(r"cusum_(standard|rossi|anscombe|pearsonNB)(_glm)?"), _cusum),
    (
        re.compile(
            r"earsC_(?P<method>C[123])(?:_default)?(?:_b(?P<b>\d+))?"
            r"(?:_minSigma(?P<sigma>[\d.]+))?(?:_a(?P<alpha>\d+))?"
        ),
        _ears,
    ),
    (re.compile(r"ewma_fixed_training(\d+)"), _ewma),
    (re.compile(rf"farringtonFlexible_({'|'.join(_FLEXIBLE)})"), _flexible),
    (re.compile(r"farrington_((?:default|b\d|a\d+|none|half|noreweight|notrend|_)+)"), _farrington),
    (
        re.compile(
            r"glr(?P<family>pois|nb)_S\d(?:trend)?(?:_M(?P<window>\d+))?(?:_(?P<shown>value|cases))?"
        ),
        _glr,
    ),
    (re.compile("outbreakP(?:_(value|cases))?"), _outbreak_p),
)
