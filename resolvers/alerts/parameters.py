"""What the methods of rules can be told: each parameter's range and default, as data.

A rule names only what differs from the defaults. Steps of a method are days, or weeks that end on
the day judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regions.errors import AlertRuleInvalid
from schema.alerts import DetectionMethod as Method

__all__ = ["PARAMETERS", "Parameter", "checked"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `kind` int, float, bool, or str with its `choices`; `null` may be given where
    `optional`."""

    name: str
    kind: type
    default: Any
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    optional: bool = False
    help: str = ""

    @property
    def expected(self) -> str:
        """What a value must be."""
        if self.kind is bool:
            text = "true or false"
        elif self.choices:
            text = f"one of {', '.join(self.choices)}"
        else:
            what = "a whole number" if self.kind is int else "a number"
            text = f"{what} from {self.low:g} to {self.high:g}"
        return f"{text}, or null" if self.optional else text

    def takes(self, value: Any) -> bool:
        """Whether a value may be given."""
        if value is None:
            return self.optional
        if self.kind is bool:
            return isinstance(value, bool)
        if self.choices:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high and (self.kind is float or value == int(value))


def _years(default: int) -> Parameter:
    return Parameter("years", int, default, 1, 10, help="earlier years compared with")


def _alpha(default: float | None, what: str) -> Parameter:
    optional = default is None
    return Parameter("alpha", float, default, 1e-12, 0.5, optional=optional, help=what)


_STEP = Parameter("step", str, "WEEK", choices=("DAY", "WEEK"), help="length of a step")
_DAILY = Parameter("step", str, "DAY", choices=("DAY", "WEEK"), help="length of a step")


def _ears(alpha: float) -> tuple[Parameter, ...]:
    return (
        Parameter("baseline", int, 7, 3, 120, help="steps of the baseline"),
        Parameter("min_sigma", float, 0.0, 0, 1e6, help="the least standard deviation"),
        _alpha(alpha, "error of the bound, one-sided"),
        _DAILY,
    )


def _reference(years: int, width: int) -> tuple[Parameter, ...]:
    return (
        Parameter("years", int, years, 0, 10, help="earlier years compared with"),
        Parameter("width", int, width, 1, 26, help="weeks to each side; of this year before"),
        Parameter("this_year", bool, True, help="whether this year's last weeks count, too"),
    )


def _farrington(alpha: float, *, sided: str) -> tuple[Parameter, ...]:
    return (
        _years(5),
        Parameter("half_width", int, 3, 0, 12, help="weeks to each side of the same week"),
        Parameter("trend", bool, True, help="whether a trend may be kept"),
        _alpha(alpha, f"error of the bound, {sided}"),
        Parameter("limit_cases", int, 5, 0, 10_000, help="cases without which there is no bound"),
        Parameter("limit_weeks", int, 4, 1, 52, help="within so many weeks"),
        Parameter("power", float, 2 / 3, 0.1, 1, help="power of the count taken as normal"),
    )


_SCAN = (
    Parameter("study", int, 90, 14, 366, help="days looked at"),
    Parameter("window", int, 7, 1, 60, help="days of the longest window; each ends on the day"),
    Parameter("radius", float, 100.0, 0, 1_000, help="km of the largest circle of counties"),
    Parameter("rings", int, 0, 0, 5, help="borders crossed by the largest set along borders"),
    Parameter("share", float, 0.5, 0.01, 0.5, help="of all cases (of what is usual) a zone has"),
    Parameter("fewest", int, 3, 2, 1_000, help="cases of a cluster"),
    Parameter("most", int, 5, 1, 20, help="clusters named"),
    Parameter("replications", int, 999, 99, 9_999, help="draws at most"),
    Parameter("exceedances", int, 20, 0, 999, help="draws beyond a cluster that end its drawing"),
    Parameter("recurrence", float, 365.0, 1, 36_500, help="days from which on a cluster signals"),
    Parameter("seed", int, 0, 0, 2**31 - 1, help="of the draws"),
)

PARAMETERS: Mapping[Method, tuple[Parameter, ...]] = {
    Method.SINGLE_CASE: (),
    Method.NONE: (),
    Method.MOVING_PERCENTILE: (
        _years(3),
        Parameter("windows", int, 5, 1, 31, help="windows of each earlier year"),
        Parameter("shift", int, 7, 1, 60, help="days between them"),
        Parameter("width", int, 7, 1, 60, help="days added up"),
        Parameter("percentile", float, 50.0, 0, 100, help="percentile that is the threshold"),
        Parameter("kind", int, 7, 1, 9, help="type of the quantile, as Hyndman and Fan number it"),
        Parameter("reach", bool, True, help="signals at ≥ the threshold, else above it"),
    ),
    Method.EARS_C1: _ears(0.001),
    Method.EARS_C2: _ears(0.001),
    Method.EARS_C3: _ears(0.025),
    Method.HISTORICAL_LIMITS: (
        _years(5),
        Parameter("months", int, 1, 0, 6, help="four-week sums before and after"),
        _alpha(0.025, "error of the bound, two-sided"),
    ),
    Method.RKI: _reference(2, 4),
    Method.BAYES: (*_reference(2, 4), _alpha(0.05, "error of the bound, one-sided")),
    Method.CUSUM: (
        Parameter("k", float, 1.04, 0, 20, help="reference value"),
        Parameter("limit", float, 2.26, 0.01, 100, help="decision limit"),
        Parameter(
            "transform",
            str,
            "rossi",
            choices=("standard", "rossi", "anscombe", "pearsonNB"),
            help="what brings a count near a normal",
        ),
        Parameter("seasonal", bool, False, help="whether the mean has a season"),
        Parameter("dispersion", float, 0.1, 0, 100, help="of pearsonNB"),
        Parameter("training", int, 104, 8, 520, help="steps before that give the mean"),
        Parameter("run", int, 26, 1, 520, help="steps added up, up to the one judged"),
        _STEP,
    ),
    Method.EWMA: (
        Parameter("weight", float, 0.2, 0.01, 1, help="weight of the newest count"),
        Parameter("sigmas", float, 2.5, 0.1, 20, help="standard deviations of the limit"),
        Parameter("training", int, 104, 8, 520, help="steps that give mean and deviation"),
        Parameter("run", int, 26, 1, 520, help="steps smoothed, up to the one judged"),
        _STEP,
    ),
    Method.FARRINGTON: (
        *_farrington(0.05, sided="two-sided"),
        Parameter("not_included", int, 3, 0, 52, help="newest weeks left out"),
        Parameter(
            "weights", float, 1.0, 0.1, 10, optional=True, help="residual from which less counts"
        ),
        Parameter("trend_alpha", float, 0.05, 0, 1, help="p-value up to which a trend is kept"),
    ),
    Method.FARRINGTON_FLEXIBLE: (
        *_farrington(0.005, sided="one-sided"),
        Parameter("not_included", int, 26, 0, 52, help="newest weeks left out"),
        Parameter(
            "weights", float, 2.58, 0.1, 10, optional=True, help="residual from which less counts"
        ),
        Parameter("trend_alpha", float, 1.0, 0, 1, help="p-value up to which a trend is kept"),
        Parameter("periods", int, 10, 1, 20, help="parts of the year, each with a level"),
        Parameter(
            "threshold", str, "muan", choices=("delta", "nbPlugin", "muan"), help="kind of bound"
        ),
    ),
    Method.OUTBREAK_P: (
        Parameter("limit", float, 100.0, 1, 1e9, help="likelihood ratio that alarms"),
        Parameter("run", int, 26, 2, 104, help="steps looked at, up to the one judged"),
        _STEP,
    ),
    Method.GLR: (
        Parameter("limit", float, 4.0, 0.1, 1_000, help="log likelihood ratio that alarms"),
        Parameter("window", int, 7, 1, 28, help="days of the longest window, up to the day"),
        Parameter("dispersion", float, 0.25, 0, 100, help="δ: a week has variance μ + δ μ²"),
        _years(3),
        Parameter("half_width", int, 28, 0, 60, help="days to each side of the same day of a year"),
        Parameter("recent", int, 28, 7, 182, help="days, up to a week ago, of this year's level"),
        Parameter("prior", float, 5.0, 0.1, 1_000, help="cases that hold the level to the usual"),
    ),
    Method.SPACE_TIME_PERMUTATION: _SCAN,
    Method.SPACE_TIME_POISSON: (
        *_SCAN,
        _years(3),
        Parameter("half_width", int, 7, 0, 30, help="days to each side of the same day of a year"),
    ),
}
"""The parameters of each method: of those that look at counties one by one, and of the scans."""


def checked(method: Method, given: Mapping[str, Any], *, rule: str = "") -> dict[str, Any]:
    """Every parameter of the method with its value: what was given, else the default.

    Raises AlertRuleInvalid, which names rule, parameter, and what is expected.
    """
    where = f"rule {rule}: " if rule else ""
    known = PARAMETERS.get(method)
    if known is None:
        raise AlertRuleInvalid(
            f"{where}no method {method.name} is at hand",
            hint=f"one of {', '.join(one.name for one in PARAMETERS)}",
            rule=rule,
        )
    names = {one.name: one for one in known}
    for name, value in given.items():
        one = names.get(name)
        if one is None:
            expected = f"its parameters are {', '.join(names)}" if names else "it takes none"
            raise AlertRuleInvalid(
                f"{where}{method.name} has no parameter of that name",
                hint=expected,
                rule=rule,
                parameter=name[:50],
            )
        if not one.takes(value):
            raise AlertRuleInvalid(
                f"{where}{name} of {method.name} cannot be what is given",
                hint=f"expected {one.expected}",
                rule=rule,
                parameter=name,
            )
    values = {name: given.get(name, one.default) for name, one in names.items()}
    return {
        name: names[name].kind(value) if value is not None else None
        for name, value in values.items()
    }
