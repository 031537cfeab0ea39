"""Draws that the standard library lacks, written for millions of calls."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import exp
from random import Random

__all__ = ["Weighted", "negative_binomial", "poisson", "shares"]

_LARGE = 60.0  # above this mean a Poisson draw is a rounded normal one: nobody sees the difference


def poisson(random: Random, mean: float) -> int:
    """How often something happens that happens `mean` times on average."""
    if mean > _LARGE:
        return max(0, round(random.gauss(mean, mean**0.5)))
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def negative_binomial(random: Random, mean: float, dispersion: float) -> int:
    """A count of variance mean + mean² / dispersion: cases infect each other, so they scatter."""
    if mean <= 0:
        return 0
    return poisson(random, random.gammavariate(dispersion, mean / dispersion))


class Weighted:
    """Draws positions 0, 1, … in proportion to weights."""

    __slots__ = ("_sums", "_total")

    def __init__(self, weights: Sequence[float]) -> None:
        self._sums = list(accumulate(weights))
        self._total = self._sums[-1]

    def draw(self, random: Random) -> int:
        """One position."""
        return bisect_right(self._sums, random.random() * self._total)


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """`total` dealt out in proportion to the weights: whole numbers that add up to it."""
    sums = [0.0, *accumulate(weights)]
    cuts = [round(total * part / sums[-1]) for part in sums]
    return [high - low for low, high in pairwise(cuts)]
