"""The tuner: what ways of watching would have signalled, and which known outbreaks they would have
missed. Pure, vectorised over counties and days; the counts are as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.counts import Counted
from resolvers.alerts.judging import judge
from schema.alerts import DetectionMethod as Method

__all__ = ["Outbreak", "Tuned", "Way", "added", "new_spells", "replay"]

_BLOCK = 100_000  # series x days judged at once: memory stays small


@dataclass(frozen=True, slots=True)
class Way:
    """A method with every parameter (`parameters.checked`)."""

    method: Method
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outbreak:
    """A known outbreak: counties of a prefix, from one position to another, both included."""

    prefix: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """What one way would have done: `judged` county-days with enough history, `alarms` among them,
    `signals` that would stand for themselves, and for each outbreak after how many days it was
    first seen; None: missed.
    """

    judged: int
    alarms: int
    signals: int
    seen: tuple[int | None, ...]
    able: tuple[bool, ...]  # whether any county and day of each outbreak had enough history


def replay(
    way: Way,
    counted: Counted,
    disease: str,
    begin: int,
    outbreaks: Sequence[Outbreak],
    absorb_days: int,
) -> Tuned:
    """Judges every county on every day from the position `begin` on."""
    cases = counted.cases.get(disease)
    if cases is None:
        cases = np.zeros((len(counted.codes), counted.days))
    at = range(begin, counted.days)
    alarm = np.zeros((len(counted.codes), len(at)), dtype=bool)
    enough = alarm.copy()
    size = max(1, _BLOCK // max(1, len(at)))
    for start in range(0, len(counted.codes), size):
        found = judge(way.method, way.values, cases[start : start + size], counted.first, at)
        alarm[start : start + size] = found.alarm
        enough[start : start + size] = found.enough
    seen = tuple(_first(alarm, counted.codes, begin, one) for one in outbreaks)
    able = tuple(_first(enough, counted.codes, begin, one) is not None for one in outbreaks)
    signals = int(new_spells(alarm, absorb_days).sum())
    return Tuned(int(enough.sum()), int(alarm.sum()), signals, seen, able)


def added(parts: Iterable[Tuned], outbreaks: int) -> Tuned:
    """What one way would have done in several stores together."""
    those = list(parts)
    seen = tuple(
        min((day for one in those if (day := one.seen[number]) is not None), default=None)
        for number in range(outbreaks)
    )
    judged, alarms, signals = (
        sum(getattr(one, name) for one in those) for name in ("judged", "alarms", "signals")
    )
    able = tuple(any(one.able[number] for one in those) for number in range(outbreaks))
    return Tuned(judged, alarms, signals, seen, able)


def new_spells(alarm: NDArray[np.bool_], absorb_days: int) -> NDArray[np.bool_]:
    """The alarms (series, days) that begin a spell: none in the `absorb_days` days before.

    Each open signal is taken to absorb its spell, as the night does.
    """
    days = np.arange(alarm.shape[1])
    far = -absorb_days - 1
    last = np.maximum.accumulate(np.where(alarm, days, far), axis=1)
    before = np.concatenate([np.full((alarm.shape[0], 1), far), last[:, :-1]], axis=1)
    begins: NDArray[np.bool_] = alarm & (days - before > absorb_days)
    return begins


def _first(
    alarm: NDArray[np.bool_], codes: Sequence[str], begin: int, outbreak: Outbreak
) -> int | None:
    """After how many days of an outbreak the first of its counties has it; None: none has."""
    within = np.array([code.startswith(outbreak.prefix) for code in codes], dtype=bool)
    first = max(outbreak.begin - begin, 0)
    days = np.nonzero(alarm[within, first : outbreak.end - begin + 1].any(axis=0))[0]
    return int(days[0]) + first - (outbreak.begin - begin) if len(days) else None
