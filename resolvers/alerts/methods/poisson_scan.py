"""The Poisson scan, prospective in space and time, or purely in space (Kulldorff 1997, 2001).

What is expected follows from a baseline: the population, or what each place and day usually has.
Where nothing is clustered, the cases fall on places and days as the baseline does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Counts, Detection, Floats, Times
from resolvers.alerts.methods.scanning import (
    Scan,
    Scanned,
    Windows,
    as_detection,
    judge,
    latest,
    study,
)
from resolvers.alerts.methods.zones import Zones

__all__ = ["clusters", "detect", "spatial", "windows"]


def detect(
    counts: Counts,
    times: Times,
    settings: Scan,
    zones: Zones,
    baseline: Floats,
    series: int = 0,
) -> Detection:
    """As of each place, (places, times): of one in a cluster what the cluster has, of others their
    own cases of the longest window and what was expected of them."""
    found = []
    for time in times:
        cases = study(counts, int(time), settings)
        if cases is None:
            seen = np.full(len(counts), np.nan)
            found.append(as_detection(None, seen, seen, settings))
            continue
        usual = _over_study(baseline, int(time), cases.shape)
        seen = latest(cases, settings.window)[-1].astype(float)
        expected = latest(usual, settings.window)[-1] * (cases.sum() / usual.sum())
        scanned = judge(zones, windows(cases, usual, settings), settings, series)
        found.append(as_detection(scanned, seen, expected, settings))
    return Detection.beside(found)


def clusters(
    counts: Counts, time: int, settings: Scan, zones: Zones, baseline: Floats, series: int = 0
) -> Scanned | None:
    """The clusters alive at `time` in `counts` (places, days); None where the history does not
    reach over the study.

    `baseline` is (places), a population, or (places, days) beside the counts. Raises ValueError
    where a place has cases on a day whose baseline is 0.
    """
    cases = study(counts, time, settings)
    if cases is None:
        return None
    usual = _over_study(baseline, time, cases.shape)
    return judge(zones, windows(cases, usual, settings), settings, series)


def spatial(
    cases: NDArray[np.int64], zones: Zones, population: Floats, settings: Scan, series: int = 0
) -> Scanned:
    """The clusters in space alone: `cases` and `population` by place. Raises ValueError where a
    place has cases and no population."""
    once = windows(
        np.asarray(cases)[:, None], np.asarray(population, dtype=float)[:, None], settings
    )
    return judge(zones, once, settings, series)


def windows(cases: NDArray[np.int64], baseline: Floats, settings: Scan) -> Windows:
    """The windows of a study (places, days) with its baseline (places, days)."""
    if ((baseline <= 0) & (cases > 0)).any():
        place, day = np.argwhere((baseline <= 0) & (cases > 0))[0]
        raise ValueError(
            f"place {place} has cases on day {day} of the study and a baseline of 0: "
            "expected more than 0 wherever cases can be"
        )
    total, places = int(cases.sum()), len(cases)
    whole = float(baseline.sum())
    recent = baseline[:, ::-1][:, : settings.window].T
    weights = np.cumsum(recent, axis=0)
    cells = recent.ravel() / whole
    share = float(cells.sum())
    edges = np.cumsum(cells / share)

    def expected(zones: Zones) -> Floats:
        return np.stack([zones.weights(row) for row in weights]) * (total / whole)

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        n = int(generator.binomial(total, min(share, 1.0))) if share < 1 - 1e-12 else total
        if n < len(cells):
            at = np.searchsorted(edges, generator.random(n), side="right")
            drawn = np.bincount(np.minimum(at, len(cells) - 1), minlength=len(cells))
        else:
            drawn = generator.multinomial(n, cells / share)
        return np.cumsum(drawn.reshape(-1, places), axis=0)

    return Windows(
        latest(cases, settings.window),
        tuple(range(1, len(recent) + 1)),
        total,
        expected,
        baseline.sum(axis=1),
        draw,
    )


def _over_study(baseline: Floats, time: int, shape: tuple[int, ...]) -> Floats:
    usual = np.asarray(baseline, dtype=float)
    if usual.ndim == 1:
        return np.broadcast_to(usual[:, None], shape)
    return usual[:, time + 1 - shape[1] : time + 1]
