"""The prospective space-time permutation scan (Kulldorff et al. 2005).

It needs cases only: what is expected in a zone and window follows from the cases of the zone over
the whole study and those of all places in the window, so what varies in space alone or in time
alone is no cluster. Where nothing is clustered, the days are permuted among the cases.
"""

from __future__ import annotations

from typing import Any

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

__all__ = ["clusters", "detect", "windows"]


def detect(
    counts: Counts, times: Times, settings: Scan, zones: Zones, series: int = 0
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
        seen = latest(cases, settings.window)[-1].astype(float)
        expected = cases.sum(axis=1) * (seen.sum() / max(1, cases.sum()))
        scanned = judge(zones, windows(cases, settings), settings, series)
        found.append(as_detection(scanned, seen, expected, settings))
    return Detection.beside(found)


def clusters(
    counts: Counts, time: int, settings: Scan, zones: Zones, series: int = 0
) -> Scanned | None:
    """The clusters alive at `time` in `counts` (places, days); None where the history does not
    reach over the study. `series` tells the draws of one disease from those of another."""
    cases = study(counts, time, settings)
    return None if cases is None else judge(zones, windows(cases, settings), settings, series)


def windows(cases: NDArray[np.int64], settings: Scan) -> Windows:
    """The windows of a study (places, days)."""
    each, daily = cases.sum(axis=1), cases.sum(axis=0)[::-1][: settings.window]
    lately = latest(cases, settings.window)
    total, places = int(each.sum()), len(each)
    sums = np.cumsum(daily)
    small = np.int16 if places < 1 << 15 else np.int32
    where: NDArray[Any] = np.repeat(np.arange(places, dtype=small), each)
    day = np.repeat(np.arange(len(daily)) * places, daily)
    mark = np.zeros(total, dtype=np.int32)

    def expected(zones: Zones) -> Floats:
        product: Floats = zones.sums(each)[None, :] * sums[:, None] / max(1, total)
        return product

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        drawn = np.take(where, _distinct(generator, total, len(day), mark)) + day
        cells = np.bincount(drawn, minlength=places * len(daily)).reshape(len(daily), places)
        return np.cumsum(cells, axis=0)

    return Windows(
        lately,
        tuple(range(1, len(daily) + 1)),
        total,
        expected,
        each.astype(float),
        draw,
    )


def _distinct(
    generator: np.random.Generator, total: int, n: int, mark: NDArray[np.int32]
) -> NDArray[np.intp]:
    """`n` different numbers below `total` in random order: numbers at random less those that came
    before. `mark` (total) is for its own use."""
    if 3 * n > total:
        return generator.permutation(total)[:n]
    found = np.zeros(0, dtype=np.intp)
    while True:
        size = n - len(found)
        more = generator.integers(0, total, size=size + size // 4 + 16, dtype=np.intp)
        found = np.concatenate([found, more]) if len(found) else more
        order = np.arange(len(found), dtype=np.int32)
        mark[found[::-1]] = order[::-1]  # of equal numbers the first stays
        found = np.compress(np.take(mark, found) == order, found)
        if len(found) >= n:
            return found[:n]
