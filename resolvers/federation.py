"""Asking the regions: whom, how long, and what became of each (design, the way of a question).

A question goes to every region that can matter, at once. Each has its own deadline and its own
circuit breaker; how many threads a region may hold is settled in `regions.reading`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from regions.breaker import Breaker
from regions.keys import Keys
from regions.reading import Answer, Failure, Read, Readers
from regions.sealing import Sealer
from regions.settings import RegionSettings
from resolvers.budget import Budget

__all__ = ["Federation", "Outcome", "Report"]


@dataclass(slots=True)
class Outcome:
    """What became of one region: a RegionState name, the time its store took, its records.

    The time is that of all statements together, in milliseconds.
    """

    state: str = "NOT_ASKED"
    milliseconds: float | None = None
    records: int | None = None
    as_of: str | None = None
    reason: str = ""


_NOT_ASKED = Outcome()  # shared: `Report.at` gives one that may be changed


class Report:
    """The outcomes of all regions for one list, in the order of the configuration."""

    __slots__ = ("outcomes",)

    def __init__(self, count: int) -> None:
        self.outcomes = [_NOT_ASKED] * count

    def copy(self) -> Report:
        """The same outcomes, to be changed."""
        made = Report(0)
        made.outcomes = [one if one is _NOT_ASKED else replace(one) for one in self.outcomes]
        return made

    def at(self, region: int) -> Outcome:
        """The outcome of a region, to be changed."""
        outcome = self.outcomes[region]
        if outcome is _NOT_ASKED:
            outcome = self.outcomes[region] = Outcome()
        return outcome

    def add(self, region: int, answer: Answer, as_of: str) -> None:
        """Adds an answer; a failure is never forgotten for a later success."""
        outcome = self.at(region)
        took = answer.seconds * 1000
        outcome.milliseconds = round((outcome.milliseconds or 0.0) + took, 3)
        if answer.failure is not None:
            outcome.state = state_of(answer.failure)
            outcome.reason = str(answer.failure)
            outcome.records = None
        elif outcome.state in ("NOT_ASKED", "ANSWERED"):
            outcome.state = "ANSWERED"
            outcome.as_of = outcome.as_of or as_of

    def add_times(self, times: Mapping[int, float]) -> None:
        """Adds what relations took, in seconds by region, to the regions that were asked."""
        for region, seconds in times.items():
            outcome = self.outcomes[region]
            if outcome.state != "NOT_ASKED":
                outcome.milliseconds = round((outcome.milliseconds or 0.0) + seconds * 1000, 3)

    def failed(self) -> list[int]:
        """The regions that were asked and did not answer."""
        return [i for i, o in enumerate(self.outcomes) if o.state not in ("ANSWERED", "NOT_ASKED")]


class Refused(Failure):
    """Not asked, since the circuit breaker is open."""


def state_of(failure: Failure) -> str:
    """The RegionState of a failure."""
    if isinstance(failure, Refused):
        return "REFUSED"
    return "TIMED_OUT" if failure.timed_out else "UNREACHABLE"


class Federation:
    """The regions of one gateway: their settings, read connections, seals and breakers."""

    def __init__(
        self,
        regions: Sequence[RegionSettings],
        keys: Keys,
        *,
        bulkhead: int = 2,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
    ) -> None:
        self.regions = tuple(regions)
        self.index_of = {region.code: i for i, region in enumerate(self.regions)}
        self.sealers = [Sealer(keys.sealing, region.code) for region in self.regions]
        self.dialects = [region.dialect for region in self.regions]
        self.breakers = [Breaker(breaker_failures, breaker_seconds) for _ in self.regions]
        self._troubled: set[int] = set()  # regions that failed since they last answered
        self.everyone = tuple(range(len(self.regions)))
        self._readers = Readers(self.regions, bulkhead=bulkhead)
        self._deadlines = [region.deadline for region in self.regions]
        self._one_deadline = (
            self._deadlines[0] if len(set(self._deadlines)) == 1 and self.regions else None
        )

    def concerned(self, prefixes: Iterable[str]) -> tuple[int, ...]:
        """The regions that can hold a record whose code begins with one of the prefixes."""
        wanted = tuple(prefixes)
        if "" in wanted:
            return self.everyone
        return tuple(
            i
            for i, region in enumerate(self.regions)
            if any(p.startswith(wanted) or w.startswith(p) for p in region.prefixes for w in wanted)
        )

    def versions(self) -> tuple[int, ...] | None:
        """A number for each region that changes when its store does; None where one has none."""
        return self._readers.versions()

    async def ask(self, reads: Sequence[Read], budget: Budget | None = None) -> list[Answer]:
        """Answers in the order of the reads. Breakers and deadlines are applied.

        With a budget a region has what is left of its deadline there.
        """
        if not self._troubled:
            answers = await self._ask(reads, budget)
            if any(answer.failure for answer in answers):
                self._judge(reads, answers)
            return answers
        now = time.monotonic()
        verdicts: dict[int, bool] = {}
        for read in reads:
            if read.region not in verdicts:
                verdicts[read.region] = self.breakers[read.region].allows(now)
        allowed = [i for i, read in enumerate(reads) if verdicts[read.region]]
        answers = [Answer((), Refused("kept out after repeated failures"), 0.0)] * len(reads)
        if allowed:
            found = await self._ask([reads[i] for i in allowed], budget)
            for i, answer in zip(allowed, found, strict=True):
                answers[i] = answer
        self._judge(reads, answers)
        return answers

    def _judge(self, reads: Sequence[Read], answers: Sequence[Answer]) -> None:
        """Tells the breakers what became of their regions: one word a region, however many reads.

        A question that asks a region for many things at once is one failure, not many in a row.
        """
        asked: dict[int, bool] = {}
        for read, answer in zip(reads, answers, strict=True):
            if not isinstance(answer.failure, Refused):
                asked[read.region] = asked.get(read.region, True) and answer.failure is None
        for region, well in asked.items():
            if not well:
                self._troubled.add(region)
                self.breakers[region].failed(time.monotonic())
            elif region in self._troubled:
                self._troubled.discard(region)
                self.breakers[region].succeeded()

    async def _ask(self, reads: Sequence[Read], budget: Budget | None) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(reads)
        seconds: float | Sequence[float] | None = None
        if budget is not None:
            seconds = budget.begin(reads, answers, self._deadlines)
        if seconds is None:
            seconds = self._one_deadline or [self._deadlines[read.region] for read in reads]
        return await self._readers.ask(reads, seconds, answers)

    async def close(self) -> None:
        """Closes every read connection."""
        await self._readers.close()
