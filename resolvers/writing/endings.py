"""What comes to its end while nobody waits for it: transactions past their deadline, engines that
are being closed.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Endings"]


class Endings:
    """Tasks of which nobody asks any more how they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, task: asyncio.Task[Any]) -> None:
        """Keeps a task until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was told as a timeout already

    async def wait(self, seconds: float) -> None:
        """Lets all of them end, for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
