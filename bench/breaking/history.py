"""What happened in a run, as far as the checker may know: what clients were told, pictures of the
stores, entries of the access log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.breaking.pictures import Picture

__all__ = ["Acknowledged", "Blind", "Finding", "History"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that must never be."""

    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a client was told of one person of a transfer: outcome or refusal, by which region.

    `number` is the order in which answers came.
    """

    number: int
    region: str
    transfer: str
    person: int
    asked: str  # offer accept refuse cancel
    outcome: str | None
    arrived: bool = False


@dataclass(slots=True)
class Blind:
    """A region that was put back in place and went on until it was found: from when on, and which
    answers it gave meanwhile. What it said then it said of what was no longer so.
    """

    since: float
    first: int
    last: int | None = None  # None: it has not been found yet

    def told(self, number: int) -> bool:
        """Whether an answer was given meanwhile."""
        return self.first <= number and (self.last is None or number <= self.last)


@dataclass(slots=True)
class History:
    """What happened in a run. `restored`: region → numbers of the answers that came before its
    backup was taken and before it was put back: what it alone knew between them is lost with it.
    """

    homes: Mapping[int, str]  # person → region it was made in
    acknowledged: list[Acknowledged] = field(default_factory=list)
    cuts: list[Picture] = field(default_factory=list)
    restored: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    blind: dict[str, list[Blind]] = field(default_factory=dict)
    restored_between: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    last_fault: float = 0.0
    drained: float | None = None
    log: list[Mapping[str, Any]] = field(default_factory=list)  # entries of deliveries
