"""Lifecycles as data: what a table of states and events is made of, and how one event is decided.

An area brings its states, events, parties, guards and clocks, and a table in which every state and
event is a transition or a named refusal (`resolvers/assist/table.py`, `resolvers/alerts/table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Facts", "Refused", "StateRefused", "Transition", "decided"]

P = TypeVar("P", bound=Enum)
G = TypeVar("G", bound=Enum)
S = TypeVar("S", bound=Enum)
C = TypeVar("C", bound=Enum)


@dataclass(frozen=True, slots=True)
class Facts(Generic[P, G]):
    """What guards are decided by; each fact is true unless it is said to fail."""

    party: P
    failing: frozenset[G] = frozenset()


@dataclass(frozen=True, slots=True)
class Transition(Generic[P, G, S, C]):
    """One line of a table: whose, the guards in order, the next state, the clock it starts."""

    party: P
    guards: tuple[G, ...]
    next: S
    clock: C | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The event means nothing in this state: why, a stable name."""

    reason: str


class StateRefused(Exception):
    """An event that is refused: `reason` is a stable name for which the area has words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decided(found: Transition[P, G, S, C] | Refused, facts: Facts[P, G]) -> Transition[P, G, S, C]:
    """What an event does by its line. Raises StateRefused, the first reason that stands against
    it: the line's own, NOT_YOUR_SIDE, else the name of the first guard that fails.
    """
    if isinstance(found, Refused):
        raise StateRefused(found.reason)
    if found.party is not facts.party:
        raise StateRefused("NOT_YOUR_SIDE")
    for guard in found.guards:
        if guard in facts.failing:
            raise StateRefused(guard.name)
    return found
