"""Erasing a person for mutations: the command line's way, beside the loop that serves.

In a thread with a loop of its own: engines of every store, and a writer of the access log, are
opened for it and closed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from gateway.config import Config
from gateway.keys.erasing import Erased, ask_erasure, confirm_erasure
from regions.keys import Keys
from resolvers.erasures.eraser import Order

__all__ = ["ServedEraser"]

_MODULE = "graphql"


class ServedEraser:
    """`resolvers.erasures.eraser.Eraser` over the stores of a configuration, one at a time."""

    def __init__(self, config: Config, keys: Keys) -> None:
        self._config, self._keys = config, keys
        self._turn = asyncio.Lock()

    async def ask(
        self, people: Sequence[int], reason: str, by: str, letters: Sequence[tuple[str, int]] = ()
    ) -> Order:
        """Keeps an order."""
        asking = ask_erasure(
            self._config, self._keys, people, reason, by, letters=letters, module=_MODULE
        )
        return await self._done(asking)

    async def confirm(self, number: int, by: str) -> Order:
        """Carries an order out, or goes on with it."""
        return await self._done(
            confirm_erasure(self._config, self._keys, number, by, module=_MODULE)
        )

    async def _done(self, work: Coroutine[Any, Any, Erased]) -> Order:
        async with self._turn:
            found = await asyncio.to_thread(asyncio.run, work)
        return Order(found.number, found.envelopes, found.away, found.alike)
