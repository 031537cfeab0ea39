"""What the access log is told of a load: an entry for each batch (G1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from resolvers.access_log import Commitments
from resolvers.writing.outbox import Telling

__all__ = ["Enter", "LoadTelling"]

Enter = Callable[[str, str, Mapping[str, Any]], Awaitable[None]]
"""Writes an entry: its request, its operation, what it tells. Raises AccessLogError."""


@dataclass(slots=True)
class LoadTelling:
    """How a load tells of its batches. `run` names it, `enter` writes an entry."""

    origin: str
    run: str
    commitments: Commitments
    enter: Enter
    position: int  # entries the log had when the load began
    numbers: count[int] = field(default_factory=lambda: count(1))

    def batch(self) -> Telling:
        """How the next batch is named."""
        request = f"load-{self.run}-{next(self.numbers)}"
        return Telling(self.origin, request, "", self.commitments, self.position)
