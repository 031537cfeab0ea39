"""Time a point takes, beside R's package `surveillance`: both in one run, on the same series."""

from __future__ import annotations

import csv
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import Sheet, judged
from resolvers.alerts.methods import Detection, ears, farrington, historical
from resolvers.alerts.methods.farrington import Farrington
from resolvers.alerts.methods.thresholds import Threshold

__all__ = ["Beside", "beside_r", "r_is_there", "sheet"]

_SCRIPT = Path(__file__).with_name("detect.R")
_WEEKS, _POINTS, _SERIES, _REPEATS = 624, 49, 400, 3
_LONGEST = 1800  # seconds R may take
_RECORDED = {
    "EARS C1": 124.0,
    "EARS C2": 113.0,
    "historical limits": 1028.0,
    "Farrington": 6500.0,
    "Farrington Flexible": 17_400.0,
}
"""Microseconds a point of R 4.2.2 with surveillance 1.20.3, as recorded with the reference results
(280 and 560 series of 49 weeks each)."""
_GOALS = {"EARS C1": 500, "EARS C2": 500, "historical limits": 500}
_REGRESSIONS = 100

_ORIGINAL = Farrington(
    periods=1,
    not_included=3,
    weights=1.0,
    trend_alpha=0.05,
    alpha=0.05,
    threshold=Threshold.DELTA,
    original=True,
)


@dataclass(frozen=True, slots=True)
class Beside:
    """Microseconds of processor time a point, ours and R's."""

    name: str
    ours: float
    theirs: float


def r_is_there() -> bool:
    """Whether R with its package can be run here."""
    program = shutil.which("Rscript")
    if program is None:
        return False
    asked = [program, "-e", "suppressMessages(library(surveillance))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def beside_r() -> Iterator[Beside]:
    """Each method over the same series, R's time from this run where it is there, else as recorded.

    Ours judges all series at once, as the night does; R has no such way.
    """
    counts = _series()
    theirs = _measured(counts) if r_is_there() else _RECORDED
    times = np.arange(_WEEKS - _POINTS, _WEEKS)
    methods: dict[str, Callable[[], Detection]] = {
        "EARS C1": lambda: ears.detect(counts, times, ears.Ears("C1")),
        "EARS C2": lambda: ears.detect(counts, times, ears.Ears("C2")),
        "historical limits": lambda: historical.detect(
            counts, times, historical.HistoricalLimits()
        ),
        "Farrington": lambda: farrington.detect(counts, times, _ORIGINAL),
        "Farrington Flexible": lambda: farrington.detect(counts, times, Farrington()),
    }
    for name, method in methods.items():
        spent = []
        for _ in range(_REPEATS):
            started = time.process_time()
            method()
            spent.append(time.process_time() - started)
        yield Beside(name, min(spent) / (len(counts) * _POINTS) * 1e6, theirs[name])


def sheet(results: list[Beside], measured: bool) -> Sheet:
    """The times as a table; a ratio below its goal in bold."""
    table = Sheet("detect-r", "Time a point, beside R", ("method", "µs, ours", "µs, R", "R / ours"))
    for one in results:
        goal = _GOALS.get(one.name, _REGRESSIONS)
        ratio = judged(one.theirs / one.ours, goal, at_least=True)
        table.rows.append((one.name, f"{one.ours:.2f}", f"{one.theirs:,.0f}", f"{ratio} of {goal}"))
    table.notes.append(
        "R's surveillance in this run" if measured else "R is not here: its times as recorded"
    )
    table.notes.append(f"{_SERIES} series of {_WEEKS} weeks, the last {_POINTS} judged")
    return table


def _series() -> NDArray[np.float64]:
    """Weekly counts as of a middling disease: levels of 1 to 60, seasons, more than Poisson's
    variance."""
    random = np.random.default_rng(1)
    level = random.uniform(1, 60, (_SERIES, 1))
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(_WEEKS) / 52)
    return random.negative_binomial(5, 5 / (5 + level * season)).astype(float)


def _measured(counts: NDArray[np.float64]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="epigate-bench-") as folder:
        table = Path(folder) / "counts.csv"
        part = counts[: _SERIES // 10].astype(int)
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([f"s{i}" for i in range(len(part))])
            writer.writerows(part.T.tolist())
        asked = ["Rscript", str(_SCRIPT), str(table), str(_POINTS)]
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=_LONGEST)
    found = {}
    for line in done.stdout.splitlines():
        name, points, seconds = line.split("\t")
        found[name] = float(seconds) / int(points) * 1e6
    return found
