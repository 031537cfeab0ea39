"""When stores that were put back from an older backup are found, fenced and mended.

A store is found to have been put back

- by its file, where that is another one than before (`Store` puts the fence up by itself);
- by its own marks, which only rise: the last message it sent, the next id it gives;
- by its peers, where they know more of it than it does itself. All pairs are compared once, and
  again from time to time: who is put back and has already caught up with its marks is found so.

From then on a fence stands in it: it takes no step of custody, whoever asks for it. What it had
lost is mended beside all others, which needs an answer of each; then the fence is lifted. Whoever
dies on the way leaves the fence, and the next look begins again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations

from sqlalchemy import Connection, func, select

from regions.corrections import sequences
from regions.fencing import Fence, fence, fences, lift
from regions.post import post_outbox
from resolvers.transfers.restored import Reconciled, is_behind, reconcile
from resolvers.writing.looked import Looked
from resolvers.writing.stores import Store, Stores, WriteFailed

__all__ = ["Look", "Mender"]

_EVERYTHING_SECONDS = 600.0  # between two comparisons of all that was ever sent


@dataclass(slots=True)
class Look:
    """What a look found: all fences of each store that answered, the stores that are fenced now,
    and why others did not answer.
    """

    fences: dict[str, list[Fence]] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    silent: dict[str, WriteFailed] = field(default_factory=dict)


class Mender:
    """Looks for restored stores, again and again, and mends them. `clock` counts seconds."""

    def __init__(self, stores: Stores, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = {one.settings.code: one for one in stores.regions}
        self._all, self._clock = stores, clock
        self._marks: dict[str, _Marks] = {}
        self._states = Looked[tuple[list[Fence], _Marks]](clock)
        self._uncompared: set[tuple[str, str]] = set()
        self._all_at: float | None = None

    async def look(self, at: str) -> Look:
        """Finds the stores that were put back and fences them; `at` is recorded."""
        moment, found = self._clock(), Look()
        if self._all_at is None or moment >= self._all_at + _EVERYTHING_SECONDS:
            self._all_at = moment
            self._uncompared = set(permutations(self._stores, 2))
        for code, store in self._stores.items():
            try:
                told, marks = await self._state_of(store)
                if marks < self._marks.get(code, marks):
                    await self._fence(code, at)
                    told, marks = await store.read(_state)
            except WriteFailed as failed:
                found.silent[code] = failed
                continue
            self._marks[code] = marks
            found.fences[code] = told
        for code, other in sorted(self._uncompared):
            if not {code, other} & set(found.silent):
                await self._compare(self._stores[code], self._stores[other], found, at)
        found.behind = {
            code for code, told in found.fences.items() if any(not one.mended for one in told)
        }
        return found

    async def _state_of(self, store: Store) -> tuple[list[Fence], _Marks]:
        """As `_state`; not read again from a file in which nothing was committed since."""
        code, version = store.settings.code, store.version()
        known = self._states.recall(code, version)
        if known is None:
            known = await store.read(_state)
            self._states.keep(code, version, known)
        return known

    async def _compare(self, store: Store, other: Store, found: Look, at: str) -> None:
        code = store.settings.code
        try:
            if await is_behind(store, other):
                await self._fence(code, at)
                found.fences[code], _ = await store.read(_state)
        except WriteFailed as failed:
            found.silent[failed.settings.code] = failed
            return
        self._uncompared.discard((code, other.settings.code))

    async def _fence(self, code: str, at: str) -> None:
        await self._stores[code].write(0, lambda connection, _: fence(connection, code, at))

    async def mend(self, code: str, at: str) -> Reconciled:
        """Mends a store, behind a fence. Raises WriteFailed where a store does not answer: then the
        fence stays, and all of it can be done again.
        """
        store = self._stores[code]
        tokens = await store.write(0, lambda connection, _: fence(connection, code, at))
        done = await reconcile(self._all, code, at)
        await store.write(0, lambda connection, _: lift(connection, tokens, at))
        # Whoever had the old file open may have answered a peer by it meanwhile.
        self._uncompared |= {pair for pair in permutations(self._stores, 2) if code in pair}
        return done


@dataclass(frozen=True, slots=True)
class _Marks:
    """What only rises in a store, but for one that is put back."""

    message: int
    id: int

    def __lt__(self, other: _Marks) -> bool:
        return self.message < other.message or self.id < other.id


def _state(connection: Connection) -> tuple[list[Fence], _Marks]:
    message = connection.scalar(select(func.max(post_outbox.c.seq)))
    number = connection.scalar(select(func.max(sequences.c.next)))
    return fences(connection), _Marks(message or 0, number or 0)
