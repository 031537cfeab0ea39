"""When stores that were put back from an older backup are found, fenced and mended.

A store is found to have been put back

- by its file, where that is another one than before (`Store` puts the fence up by itself);
- by its own marks, which only rise: the last message it sent, the next id it gives;
- by its peers, where they know more of it than it does itself. All pairs are compared once, and
  again from time to time: who is put back and has already caught up with its marks is found so.

From then on a fence stands in it: it takes no step of custody, whoever asks for it. What it had
lost is mended beside all others, which needs an answer of each; then the fence is lifted. Whoever
dies on the way leaves the fence, and the next look begins again. Several gateways look at the same
stores: what one has found, fenced and mended the others find by its fence, and let it be.

Where a store was ever put back, people whom two regions answer for are looked for as well
(`doubled`): often at first, while what was lost comes again, then from time to time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import permutations

from sqlalchemy import Connection, func, select

from regions.corrections import sequences
from regions.fencing import Fence, fence, fences, lift, standing
from regions.post import post_outbox
from resolvers.transfers.behind import correspondents, is_behind
from resolvers.transfers.doubled import Settled, settle_doubled
from resolvers.transfers.restored import Reconciled, reconcile
from resolvers.writing.failures import WriteFailed
from resolvers.writing.looked import Looked
from resolvers.writing.stores import Store, Stores

__all__ = ["Look", "Mender"]

_EVERYTHING_SECONDS = 600.0  # between two comparisons of all that was ever sent
_DOUBLED_SECONDS = 5.0  # between the first two looks for doubled people; each pause doubles


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
        self._known: dict[str, _State] = {}  # as it was with the last look
        self._states = Looked[_State](clock)
        self._uncompared: set[tuple[str, str]] = set()
        self._all_at: float | None = None
        self._settled: set[str] = set()  # fences that stood before doubled people were looked for
        self._settle_at, self._pause = 0.0, _DOUBLED_SECONDS

    async def look(self, at: str) -> Look:
        """Finds the stores that were put back and fences them; `at` is recorded."""
        moment, found = self._clock(), Look()
        if self._all_at is None or moment >= self._all_at + _EVERYTHING_SECONDS:
            self._all_at = moment
            self._uncompared = set(permutations(self._stores, 2))
        for code, store in self._stores.items():
            try:
                state, known = await self._state_of(store), self._known.get(code)
                if known is not None and state.marks < known.marks:
                    state = await self._fence(code, at, known.tokens)
                    if state.whole:  # another gateway has mended it, of whatever it knew
                        self._uncompared |= self._pairs(code)
            except WriteFailed as failed:
                found.silent[code] = failed
                continue
            self._known[code] = state
            found.fences[code] = state.fences
        await self._leave_out_strangers(found)
        for code, other in sorted(self._uncompared):
            if not {code, other} & set(found.silent):
                await self._compare(self._stores[code], self._stores[other], found, at)
        found.behind = {
            code for code, told in found.fences.items() if any(not one.mended for one in told)
        }
        return found

    async def _state_of(self, store: Store) -> _State:
        """As `_state`; not read again from a file in which nothing was committed since."""
        code, version = store.settings.code, store.version()
        known = self._states.recall(code, version)
        if known is None:
            known = await store.read(_state)
            self._states.keep(code, version, known)
        return known

    async def _leave_out_strangers(self, found: Look) -> None:
        """Most pairs of a country never wrote to each other: one reading of a store says of all."""
        for code in sorted({other for _, other in self._uncompared} - set(found.silent)):
            try:
                known = await self._stores[code].read(correspondents)
            except WriteFailed as failed:
                found.silent[code] = failed
                continue
            self._uncompared -= {(one, code) for one in self._stores if one not in known}

    async def _compare(self, store: Store, other: Store, found: Look, at: str) -> None:
        code = store.settings.code
        try:
            behind = await is_behind(store, other)
            if behind:
                state = await self._fence(code, at, {one.token for one in found.fences[code]})
                found.fences[code] = state.fences
                behind = state.whole  # mended by another gateway since: compared again
        except WriteFailed as failed:
            found.silent[failed.settings.code] = failed
            return
        if not behind:
            self._uncompared.discard((code, other.settings.code))

    async def _fence(self, code: str, at: str, known: Collection[str]) -> _State:
        """Fences a store, unless a fence was put up since there were only the `known` ones."""
        store = self._stores[code]

        def work(connection: Connection, _: int) -> _State:
            if all(one.token in known for one in fences(connection)):
                fence(connection, code, at, store.file)
            return _state(connection)

        return await store.write(0, work)

    async def mend(self, code: str, at: str, *, anyway: bool = False) -> Reconciled | None:
        """Mends a store, behind the fence that stands; None: there is none, it is mended already.

        With `anyway` one is put up then. Raises WriteFailed where a store does not answer: then the
        fence stays, and all of it can be done again.
        """
        store = self._stores[code]

        def take(connection: Connection, _: int) -> list[str]:
            if anyway:
                return fence(connection, code, at, store.file)
            return standing(connection)

        tokens = await store.write(0, take)
        if not tokens:
            return None
        done = await reconcile(self._all, code, at)
        await store.write(0, lambda connection, _: lift(connection, tokens, at))
        # Whoever had the old file open may have answered a peer by it meanwhile.
        self._uncompared |= self._pairs(code)
        return done

    async def settle(self, found: Look, at: str) -> Settled:
        """Makes one custodian of those whom two regions answer for, by what a look has found: where
        all stores answer and are whole. Not at every look where there was nobody to be found.

        Raises WriteFailed where a store does not answer: it can be done again.
        """
        tokens = {one.token for told in found.fences.values() for one in told}
        if not tokens or found.silent or found.behind:
            return Settled()
        if tokens != self._settled:
            self._settled, self._settle_at, self._pause = tokens, 0.0, _DOUBLED_SECONDS
        moment = self._clock()
        if moment < self._settle_at:
            return Settled()
        done = await settle_doubled(self._all, at)
        if done.yielded or done.waiting:
            self._pause = _DOUBLED_SECONDS
        self._settle_at = moment + self._pause
        self._pause = min(2 * self._pause, _EVERYTHING_SECONDS)
        return done

    def _pairs(self, code: str) -> set[tuple[str, str]]:
        return {pair for pair in permutations(self._stores, 2) if code in pair}


@dataclass(frozen=True, slots=True)
class _Marks:
    """What only rises in a store, but for one that is put back."""

    message: int
    id: int

    def __lt__(self, other: _Marks) -> bool:
        return self.message < other.message or self.id < other.id


@dataclass(frozen=True, slots=True)
class _State:
    """A store as it was at a look."""

    fences: list[Fence]
    marks: _Marks

    @property
    def tokens(self) -> set[str]:
        return {one.token for one in self.fences}

    @property
    def whole(self) -> bool:
        return all(one.mended for one in self.fences)


def _state(connection: Connection) -> _State:
    message = connection.scalar(select(func.max(post_outbox.c.seq)))
    number = connection.scalar(select(func.max(sequences.c.next)))
    return _State(fences(connection), _Marks(message or 0, number or 0))
