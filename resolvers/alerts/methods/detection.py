"""What a method says of a series at a time, and how reference values are taken from its past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Counts",
    "Detection",
    "Floats",
    "Times",
    "alarming",
    "reference",
    "window_sums",
    "years_before",
]

Floats = NDArray[np.float64]
Counts = NDArray[Any]
"""Shape (series, time): cases of each step, NaN where a day is missing."""
Times = NDArray[np.intp]
"""Positions in the time axis that are judged, in ascending order."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a method found: arrays of shape (series, times).

    `observed` is what is held against `bound` (a count, or the sum of a window); `score` is how far
    it went, 1 at the bound where the method has an expectation, else the method's own statistic;
    `enough` is False where the history does not suffice: such a place has no bound (NaN) and never
    an alarm, which is an answer of its own and not "nothing unusual".
    """

    observed: Floats
    expected: Floats
    bound: Floats
    alarm: NDArray[np.bool_]
    score: Floats
    enough: NDArray[np.bool_]

    @classmethod
    def beside(cls, parts: Sequence[Detection]) -> Detection:
        """What was found at several times, one after the other; at least one part."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts], 1) for f in fields(cls)))


def alarming(observed: Floats, expected: Floats, bound: Floats, enough: Any) -> Detection:
    """A detection that alarms where more than the bound was observed."""
    enough = np.broadcast_to(enough, observed.shape) & np.isfinite(observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        alarm = enough & (observed > bound)
        score = (observed - expected) / (bound - expected)
    blank = np.where(enough, bound, np.nan)
    return Detection(observed, np.where(enough, expected, np.nan), blank, alarm, score, enough)


def reference(counts: Counts, times: Times, offsets: NDArray[np.intp]) -> Floats:
    """The values at `times + offsets`: shape (series, times, offsets); NaN before the beginning."""
    at = times[:, None] + offsets[None, :]
    values = counts[:, np.clip(at, 0, counts.shape[1] - 1)].astype(float)
    outside = (at < 0) | (at >= counts.shape[1])
    if outside.any():
        values = np.where(outside[None], np.nan, values)
    return values


def window_sums(counts: Counts, ends: NDArray[np.intp], width: int) -> Floats:
    """The sums of the `width` steps that end at `ends`, (series, *ends); NaN where not all are
    there. Few are added up each for itself, many from all windows of their span."""
    if width == 1 or ends.size * width <= counts.shape[1]:
        at = ends[..., None] + np.arange(1 - width, 1)
        inside = (at >= 0) & (at < counts.shape[1])
        values = counts[:, np.clip(at, 0, counts.shape[1] - 1)].astype(float)
        found: Floats = np.where(inside.all(axis=-1), values.sum(axis=-1), np.nan)
        return found
    low, high = max(width - 1, int(ends.min())), min(counts.shape[1] - 1, int(ends.max()))
    if low > high:
        return np.full((len(counts), *ends.shape), np.nan)
    part = counts[:, low - width + 1 : high + 1]
    sums = np.lib.stride_tricks.sliding_window_view(part, width, axis=1).sum(axis=2, dtype=float)
    inside = (ends >= low) & (ends <= high)
    return np.where(inside, sums[:, np.clip(ends, low, high) - low], np.nan)


def years_before(years: int, half_width: int, frequency: int) -> NDArray[np.intp]:
    """Offsets of the windows `±half_width` around the same place of each of the years before."""
    window = np.arange(-half_width, half_width + 1)
    return np.concatenate(
        [window - year * frequency for year in range(1, years + 1)] or [window[:0]]
    )
