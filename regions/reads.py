"""What is asked of a region, and what comes back: rows, or why there are none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Failure", "Read", "too_late"]

Row = Sequence[Any]


class Failure(Exception):
    """Why a region did not answer: `timed_out` or else not to be reached."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


@dataclass(slots=True)
class Read:
    """One statement for one region (its index), positional parameters in `parameters`.

    `limit` is how many records were asked for, where that matters to whoever asked.
    """

    region: int
    sql: str
    parameters: tuple[Any, ...]
    limit: int = 0


@dataclass(slots=True)
class Answer:
    """Rows, or the failure in their place; `seconds` is the time in the store, or spent in waiting
    for room there, `ended` when that was over (`time.perf_counter`; 0.0 where it was not asked).
    """

    rows: Sequence[Row]
    failure: Failure | None
    seconds: float
    ended: float = 0.0


def too_late(begun: float) -> Answer:
    """The answer of a region that was cut off at its deadline; asked at `begun` (perf_counter)."""
    now = time.perf_counter()
    late = Failure("no answer within the deadline", timed_out=True)
    return Answer((), late, now - begun, now)
