"""Turns of the event loop: work that would fill many of them gives others theirs in between."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["RECORDS_A_TURN", "Turns"]

RECORDS_A_TURN = 500
"""Records of one question that are completed between two looks at what else the loop has to do:
some 50 ms. Fewer would part what one statement reads into more statements."""


class Turns:
    """Lets so much of one question be done in each turn of the loop; the rest waits, in order."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._running = False

    async def take(self, records: int) -> None:
        """Returns in a turn that has room; a turn with any takes however many there are."""
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._begin)
        if self._left > 0 and not self._waiting:
            self._left -= records
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, records))
        await future

    def _begin(self) -> None:
        """A new turn."""
        self._left, waiting = self._most, self._waiting
        if not waiting:
            self._running = False
            return
        while waiting and self._left > 0:
            future, records = waiting.popleft()
            if not future.done():  # its question goes on
                self._left -= records
                future.set_result(None)
        asyncio.get_running_loop().call_soon(self._begin)
