"""What a round of a lane goes by and comes to, as values."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvers.post.messages import Handler, Message
from resolvers.writing.outbox import Telling

__all__ = ["Batch", "Delivered", "Line", "Round", "Ways"]

Line = tuple[str, str]
"""From which region to which."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one transaction of a receiver did: for the access log.

    `request` names it there. `replies` has those of all messages, by id; `repeated` are the ids of
    those that had been delivered before, which did nothing.
    """

    request: str
    line: Line
    messages: Sequence[Message]
    replies: Mapping[str, dict[str, Any]]
    repeated: frozenset[str]
    concerned: Mapping[str, Sequence[int]]  # ids of records by kind
    at: str

    @property
    def operation(self) -> str:
        """What it is called: `post` and the topics."""
        topics = {one.topic for one in self.messages if one.id not in self.repeated}
        return f"post {' '.join(sorted(topics))}"


@dataclass(frozen=True, slots=True)
class Ways:
    """What all lanes of a pump share."""

    handlers: Mapping[str, Handler]
    now: Callable[[], str]
    clock: Callable[[], float]  # seconds, monotonic
    batch: int
    portion: int  # records whose messages share a transaction of a server, about
    turns: asyncio.Semaphore  # rounds under way at once
    telling: Callable[[], Telling] | None  # how the access log names the next transaction
    told: Callable[[Delivered], None] | None
    alarmed: Callable[[Message, str], None] | None  # of a conflict: the message, the receiver


@dataclass(slots=True)
class Round:
    """What came of a round: messages answered, subjects that stopped, whether a region failed,
    whether there is more to send, and what waits now of the subjects that moved.
    """

    answered: list[Message] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    down: bool = False
    more: bool = False
    follow: dict[str, set[Line]] = field(default_factory=dict)
    _lines: Counter[Line] | None = None

    def beside(self, subject: str) -> list[Line]:
        """Where others of the subjects that moved go on. Asked by each who waited for the round."""
        if self._lines is None:
            self._lines = Counter(line for lines in self.follow.values() for line in lines)
        own = self.follow.get(subject, ())
        return [line for line, times in self._lines.items() if times > (line in own)]


@dataclass(slots=True)
class Batch:
    """Messages on their way, and what was learnt of each by its id."""

    messages: list[Message]
    parcels: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # why
    held: set[str] = field(default_factory=set)  # the receiver takes nothing of custody now
    waiting: list[tuple[str, Line]] = field(default_factory=list)  # subject, and where it goes on
    left_out: set[str] = field(default_factory=set)  # subjects that are for the next round
