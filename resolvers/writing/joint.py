"""Transactions of one store that are shared by all who want the same done at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from regions.file_transactions import Progress
from regions.settings import RegionSettings
from resolvers.writing.together import Together

__all__ = ["Carry", "Joint", "Many"]

T = TypeVar("T")
Item = TypeVar("Item")
Where = TypeVar("Where")

Many = Callable[[Connection, Where, Sequence[tuple[Item, int]]], Sequence[T | None]]
"""Does the same for many in a store, each an item and the first of its ids: what came of each, in
their order; None of one it has not done, for which it has written nothing.
"""

Carry = Callable[[int, Callable[[Connection, int], Any], Progress], Awaitable[Any]]
"""Does work in one transaction, whose second argument is the first of so many ids."""

_log = logging.getLogger(__name__)

_IDS_OF_FILE = 2_048  # of what is done in one transaction of a file for many who wait
_IDS_OF_SERVER = 1_024  # the same of a server, which works for one while we work for another
_AT_ONCE = 2  # of these
_LEAST = 32  # of what waits: for fewer, a second one's statements cost more than it gains


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody wants to have done together with others."""

    item: Any
    ids: int
    progress: Progress


class Joint(Generic[Where]):
    """The shared transactions of the store `where`, done by `carry`; one queue for each `Many`."""

    def __init__(self, where: Where, settings: RegionSettings, carry: Carry) -> None:
        self._where, self._settings, self._carry = where, settings, carry
        self._queues: dict[Many[Where, Any, Any], Together[_Asked, Any]] = {}

    async def ask(
        self, many: Many[Where, Item, T], item: Item, ids: int, progress: Progress
    ) -> T | None:
        """What came of an item; None where it was left, or all of them failed: nothing is written
        of it then. Raises what became of a commit whose answer was lost.
        """
        if many not in self._queues:
            file = self._settings.path is not None
            self._queues[many] = Together(
                partial(self._do, many),
                most=_IDS_OF_FILE if file else _IDS_OF_SERVER,
                weight=lambda one: one.ids,
                at_once=1 if file else _AT_ONCE,
                least=_LEAST,
            )
        outcome: T | None = await self._queues[many].ask(_Asked(item, ids, progress))
        return outcome

    async def _do(self, many: Many[Where, Any, T], asked: Sequence[_Asked]) -> Sequence[T | None]:
        progress = _ProgressOfAll([one.progress for one in asked])

        def work(connection: Connection, first: int) -> Sequence[T | None]:
            given = []
            for one in asked:
                given.append((one.item, first))
                first += one.ids
            return many(connection, self._where, given)

        try:
            done: Sequence[T | None] = await self._carry(
                sum(one.ids for one in asked), work, progress
            )
        except Exception as error:  # of one of them, or of the store: each says what becomes of it
            if progress.committing:
                raise
            code, why = self._settings.code, type(error).__name__
            _log.error("the store %s did not do %d at once: %s", code, len(asked), why)
            return [None] * len(asked)
        return done

    async def close(self, seconds: float) -> None:
        """Lets what is under way come to its end; after so many seconds it is broken off."""
        await asyncio.gather(*(one.close(seconds) for one in self._queues.values()))


class _ProgressOfAll(Progress):
    """The progress of one transaction that several wait for: it is committed while nobody of them
    has gone.
    """

    def __init__(self, of: Sequence[Progress]) -> None:
        super().__init__()
        self._of = of

    def commits(self) -> bool:
        """Whether it may be committed now: not once anybody has gone."""
        return all(one.commits() for one in self._of) and super().commits()
