"""How unusual the strongest clusters are: cases drawn anew where nothing is clustered.

Draws are compared with the clusters by whole numbers: each window has a count from which on it
reaches a cluster's ratio, so a draw costs a few passes over its zones and no logarithm. Several
windows share a machine word, since their counts are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Floats
from resolvers.alerts.methods.zones import Zones

__all__ = ["Draw", "Null", "critical", "p_values"]

Draw = Callable[[np.random.Generator], NDArray[np.int64]]
"""Cases drawn anew, (windows, places), summed over days as those of the data are."""

_TIE = 1e-9
_BLOCK = 4  # draws looked at together
_MANY = 64  # zones of a block that are worth a look one by one
_BETWEEN = 16  # draws before the level looked at is worth raising
_NEWTON = 60
_WORD = 64

_Over = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Null:
    """The windows of a study where nothing is clustered; `ratios` as in `scanning`; windows of less
    than `fewest` cases count nothing."""

    zones: Zones
    expected: Floats  # (windows, zones)
    total: int
    draw: Draw
    ratios: Callable[[NDArray[Any], Floats, int], Floats]
    fewest: int


def p_values(
    null: Null, levels: Floats, replications: int, exceedances: int, seed: tuple[int, int]
) -> tuple[Floats, int]:
    """The p-values of clusters with the ratios `levels`, falling, and how many draws it took.

    Each is the share of draws whose largest ratio reaches it, the data being one draw more. One
    that was reached `exceedances` times in n draws is not drawn for any further: its p-value
    exceedances / n is a valid one by itself, too (Besag and Clifford 1991). None is drawn for that
    is surer than draws can tell: a window reaches the ratio λ with a probability of at most
    exp(-λ), by Hoeffding's inequality (1963), and any of them with that times their number.
    Draw number i is the same whatever was drawn before it.
    """
    reached, drawn = np.zeros(len(levels)), np.zeros(len(levels))
    bound = null.expected.size * np.exp(-levels)
    going = bound * (replications + 1) > 1
    reach = levels - _TIE * np.maximum(1.0, levels)
    screen, stream, number = _Screen(null), _Streams(seed), 0
    while number < replications and going.any():
        block = range(number, min(number + _BLOCK, replications))
        cases = [null.draw(stream.at(one)) for one in block]
        for largest in screen.largest(cases, float(reach[going].min())):
            number += 1
            drawn[going] = number
            reached[going & (largest >= reach)] += 1
            if exceedances:
                going &= reached < exceedances
    early = (reached >= exceedances) & (exceedances > 0)
    p = np.where(early, reached, reached + 1) / np.where(early, drawn, drawn + 1)
    return np.where(drawn > 0, p, bound), number


class _Streams:
    """Random numbers of draw i, from a place of a counter-based generator that is its alone."""

    def __init__(self, seed: tuple[int, int]) -> None:
        self._bits = np.random.Philox(np.random.SeedSequence(seed))
        self._generator = np.random.Generator(self._bits)
        self._state = self._bits.state

    def at(self, number: int) -> np.random.Generator:
        """The generator, put to the beginning of draw `number`."""
        self._state["state"]["counter"] = np.array([0, 0, 0, number], dtype=np.uint64)
        self._bits.state = self._state
        return self._generator


class _Screen:
    """The largest ratios of draws as far as they reach a level; the others are not looked at.

    First only the longest windows of several draws at once: a zone that has too few cases in it for
    any of its windows needs no further look. Where that leaves too many, all windows of each draw.
    """

    def __init__(self, null: Null) -> None:
        self._null = null
        self._sums = _Sums(null.zones)
        self._level = np.inf
        self._since = 0
        self._least: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._bits = 16
        self._coarse = True
        self._packed: dict[bool, NDArray[Any]] = {}

    def largest(self, draws: list[NDArray[np.int64]], level: float) -> Iterator[float]:
        """The largest ratio of each draw, 0 where none reaches `level`."""
        while max(int(cases[-1].sum()) for cases in draws) >= (1 << self._bits) - 1:
            self._bits, self._packed = self._bits * 2, {}
        if level < self._level or (level > self._level and self._since >= _BETWEEN):
            least = critical(level, self._null.expected, self._null.total)
            self._least = np.maximum(least, self._null.fewest)
            self._level, self._since, self._coarse, self._packed = level, 0, True, {}
        self._since += len(draws)
        lanes = _WORD // self._bits
        if self._coarse:
            found = []
            for first in range(0, len(draws), lanes):
                part = draws[first : first + lanes]
                row, zone, _ = self._over(np.stack([cases[-1] for cases in part]), coarse=True)
                if len(row) > _MANY:
                    self._coarse = False
                    break
                found += [self._exact(cases, zone[row == i]) for i, cases in enumerate(part)]
            else:
                yield from found
                return
        for cases in draws:
            window, zone, counts = self._over(cases, coarse=False)
            yield self._ratio(counts, window, zone)

    def _exact(self, cases: NDArray[np.int64], zones: NDArray[np.intp]) -> float:
        """The largest ratio of a draw in all windows of some zones."""
        if not len(zones):
            return 0.0
        null = self._null
        counts = np.stack([cases[:, null.zones.of(int(zone))].sum(axis=1) for zone in zones], 1)
        window, which = np.nonzero(counts >= self._least[:, zones])
        return self._ratio(counts[window, which], window, zones[which])

    def _ratio(
        self, counts: NDArray[Any], window: NDArray[np.intp], zone: NDArray[np.intp]
    ) -> float:
        if not len(counts):
            return 0.0
        null = self._null
        return float(null.ratios(counts, null.expected[window, zone], null.total).max())

    def _over(self, rows: NDArray[np.int64], coarse: bool) -> _Over:
        """Of the `rows` (rows, places) the zones whose cases reach what they have to."""
        if coarse not in self._packed:
            lowest = np.minimum(self._least, (1 << self._bits) - 1)
            if coarse:
                one = lowest.min(axis=0)
                lowest = np.broadcast_to(one, (_WORD // self._bits, len(one)))
            self._packed[coarse] = self._sums.thresholds(lowest, self._bits)
        return self._sums.over(rows, self._packed[coarse], self._bits)


class _Sums:
    """Cases of all zones by running sums over the lists, several rows of them in each word.

    What a running sum carries from one row's bits into the next, the difference of two takes back.
    """

    def __init__(self, zones: Zones) -> None:
        self._members = zones.members.astype(np.intp)
        self._starts = np.unique(zones.begin)
        self._lengths = np.diff(np.append(self._starts, len(self._members)))
        self._ends = zones.end - 1
        self._zone = np.full(len(self._members), -1, dtype=np.intp)
        self._zone[self._ends] = np.arange(len(zones))

    def thresholds(self, least: NDArray[np.int64], bits: int) -> NDArray[Any]:
        """`least` (rows, zones) as `over` compares it; out of reach where no zone ends."""
        lanes, kind = _WORD // bits, f"<u{bits // 8}"
        words = -(-len(least) // lanes)
        full = np.full((words, len(self._members), lanes), (1 << bits) - 1, dtype=kind)
        for row, values in enumerate(least):
            full[row // lanes, self._ends, row % lanes] = values
        return full.reshape(words, -1)

    def over(self, rows: NDArray[np.int64], least: NDArray[Any], bits: int) -> _Over:
        """Rows, zones and their cases where these are not below `least`."""
        lanes = _WORD // bits
        words = np.zeros((-(-len(rows) // lanes), rows.shape[1]), dtype=np.uint64)
        for row, values in enumerate(rows):
            words[row // lanes] |= values.astype(np.uint64) << np.uint64(bits * (row % lanes))
        parts: list[_Over] = []
        before = np.zeros(len(self._starts), dtype=np.uint64)
        for number, word in enumerate(words):
            running = np.take(word, self._members, mode="clip")
            np.cumsum(running, out=running)
            before[1:] = running[self._starts[1:] - 1]
            running -= np.repeat(before, self._lengths)
            counts = running.astype("<u8", copy=False).view(least.dtype)
            reached = counts >= least[number]
            if reached.any():
                at = np.flatnonzero(reached)
                place, lane = np.divmod(at, lanes)
                cases = counts[at].astype(np.int64)
                parts.append((number * lanes + lane, self._zone[place], cases))
        if not parts:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, nothing
        which, zones, found = zip(*parts, strict=True)
        return np.concatenate(which), np.concatenate(zones), np.concatenate(found)


def critical(level: float, expected: Floats, total: int) -> NDArray[np.int64]:
    """The smallest count at which a window's ratio reaches `level`, `total` + 1 where none does.

    For each count there is one expectation up to which it reaches it; they ascend with the count.
    """
    most = float(expected.max(initial=0.0))
    high, low = 1, 0
    while high < total and _ratio(float(high), most, total) < level:
        low, high = high, min(high * 2, total)
    while high - low > 1:
        middle = (low + high) // 2
        if _ratio(float(middle), most, total) < level:
            low = middle
        else:
            high = middle
    c = np.arange(1, high + 1, dtype=float)
    rest = total - c
    u = np.log(c) - level / c - 1  # of the logarithm of the expectation: here too small
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_NEWTON):
            e = np.exp(u)
            part = np.where(rest > 0, rest * np.log(np.where(rest > 0, rest, 1) / (total - e)), 0)
            value = c * (np.log(c) - u) + part - level
            step = value / (c - rest * e / (total - e))
            step = np.where(np.isfinite(step), step, 0)
            u = np.minimum(u + step, np.log(c))
            if np.abs(step).max(initial=0.0) < 1e-14 * max(1.0, float(np.abs(u).max())):
                break
    return np.searchsorted(np.exp(u) * (1 + 1e-12), expected, side="left") + 1


def _ratio(c: float, e: float, total: int) -> float:
    if c <= e:
        return 0.0
    rest = (total - c) * np.log((total - c) / (total - e)) if c < total else 0.0
    return float(c * np.log(c / e) + rest)
