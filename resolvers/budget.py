"""How long one question still waits for each region: one deadline for all that it asks it for.

A question with relations asks a region in rounds, one below the other, and several at a time. What
counts is the time in which a read of the question is at a region, each moment once; while others
are waited for, its own time stands still.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from regions.reading import Answer, Read

__all__ = ["Budget"]


class Budget:
    """The time that one question has spent with each region."""

    __slots__ = ("_rounds", "_spent")

    def __init__(self) -> None:
        self._rounds: list[tuple[float, Sequence[Read], Sequence[Answer | None]]] = []
        self._spent: dict[int, float] = {}  # region → seconds, of rounds that are over

    def begin(
        self, reads: Sequence[Read], answers: Sequence[Answer | None], deadlines: Sequence[float]
    ) -> list[float] | None:
        """The seconds left for each of the reads, which are sent now; None where nothing is spent.

        `answers` is what will be filled as they come, `deadlines` are those of the regions.
        """
        now = time.perf_counter()
        left = None
        if self._rounds or self._spent:
            spent = self._spent_until(now)
            left = [
                max(0.0, deadlines[read.region] - spent.get(read.region, 0.0)) for read in reads
            ]
        self._rounds.append((now, reads, answers))
        return left

    def _spent_until(self, now: float) -> dict[int, float]:
        spans: dict[int, list[tuple[float, float]]] = {}
        over = True
        for begun, reads, answers in self._rounds:
            for read, answer in zip(reads, answers, strict=True):
                if answer is None:
                    over, span = False, (begun, now)
                else:
                    span = (answer.ended - answer.seconds, answer.ended)
                spans.setdefault(read.region, []).append(span)
        spent = dict(self._spent)
        for region, those in spans.items():
            spent[region] = spent.get(region, 0.0) + _covered(those)
        if over:  # what comes begins later than all of these
            self._spent = spent
            self._rounds.clear()
        return spent


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds that lie in any of some spans."""
    total, until = 0.0, 0.0
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total
