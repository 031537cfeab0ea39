"""What a verification found: how much of a log was checked, and what is not as it was signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from resolvers.access_log.notes import Checkpoint

__all__ = ["MOST_TOLD", "Problem", "Report", "each_problem", "numbers"]

MOST_TOLD = 100
"""Problems that are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was signed. `index` of an entry, `tile` as (level, index)."""

    code: str
    text: str
    index: int | None = None
    tile: tuple[int, int] | None = None


@dataclass(slots=True)
class Report:
    """What was found."""

    checkpoint: Checkpoint | None = None
    key: str = ""  # name of the key that signed it
    entries: int = 0  # checked
    part: tuple[int, int] | None = None  # indexes of the first and behind the last, of not all
    tiles: int = 0
    kept: int = 0  # older checkpoints that are kept with the log and hold
    since: Checkpoint | None = None
    witnesses: list[tuple[str, str, int]] = field(default_factory=list)  # name, instant, size
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what is to be known and proves nothing
    more: int = 0  # problems that were only counted

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def add(
        self,
        code: str,
        text: str,
        *,
        index: int | None = None,
        tile: tuple[int, int] | None = None,
    ) -> None:
        """Adds a problem, or counts it where there are many."""
        if len(self.problems) >= MOST_TOLD:
            self.more += 1
        else:
            self.problems.append(Problem(code, text, index, tile))


def numbers(first: int, last: int) -> str:
    """Entries from index `first` to before `last`, by their numbers."""
    return f"entry {first + 1}" if last - first == 1 else f"entries {first + 1} to {last}"


def each_problem(report: Report) -> Iterator[str]:
    """The problems as lines."""
    for problem in report.problems:
        yield f"{problem.code}: {problem.text}"
    if report.more:
        yield f"… and {report.more:,} more"
