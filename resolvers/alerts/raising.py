"""`signalRaised`: signals as they are raised, in every region (E2, E3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from regions.alerts import signals
from regions.instants import instant, now, seconds_of
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.privacy import scope
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores
from schema.alerts import Signal

__all__ = ["PORTION", "RaisedSignals", "signals_raised"]

_C = signals.c
PORTION = 200
"""How many signals are told at a time."""

_AT_ONCE = 500  # rows of a statement
_LOOK_BACK = 30  # seconds: the transaction of a night is seen once all of it is written


async def signals_raised(
    context: Context, codes: Sequence[str] | None
) -> AsyncGenerator[Signal, None]:
    """The signals that are raised from now on and stand for themselves, as the viewer may see them
    at that moment.
    """
    prefixes = [""] if codes is None else [code_prefix(code) for code in codes]
    async with context.feeds.signals.listen() as events:
        async for number, places in events:
            viewer = context.signed_in()
            where = scope(viewer)
            if where.unit is not None or not any(one.startswith(where.prefix) for one in places):
                continue
            if not any(one.startswith(tuple(prefixes)) for one in places):
                continue
            # With the rights of this moment: what a question has read is read by its own.
            current = Context(context.answering, viewer)
            found = await current.records.of_ids("Signal", [number], "signalRaised")
            if number in found:
                yield found[number]


@dataclass(frozen=True, slots=True)
class _Raised:
    """A signal of a store, as it stands in the order of their raising."""

    at: str
    id: int
    places: tuple[str, ...]  # its county; of a cluster all of them
    region: str
    stands: bool  # for itself: no other absorbed it


@dataclass(slots=True)
class _Place:
    """How far a store was read: what was raised since `since` and is not `known` is new."""

    since: str
    known: dict[int, str] = field(default_factory=dict)

    def take(self, signals: Iterable[_Raised]) -> None:
        """They are told, the first raised first. What is not read again is forgotten."""
        self.known.update((one.id, one.at) for one in signals)
        latest = max(self.known.values(), default="")
        if latest:
            self.since = max(self.since, instant(seconds_of(latest) - _LOOK_BACK))
        self.known = {one: at for one, at in self.known.items() if at >= self.since}


@dataclass(slots=True)
class RaisedSignals:
    """Looks for signals behind those it has seen, in each region's store: all of them, a portion at
    a time, in the order in which they were raised.
    """

    stores: Stores
    federation: Federation
    portion: int = PORTION
    _places: dict[str, _Place] = field(default_factory=dict)
    _turn: int = 0
    _more: bool = False

    def version(self) -> int:
        """A number that changes when a store does; always, where a store does not tell, and while
        there is more than a portion.
        """
        versions = None if self._more else self.federation.versions()
        if versions is None:
            self._turn += 1
            return self._turn
        return int.from_bytes(sha256(repr(versions).encode()).digest()[:8])

    async def poll(self, place: int | None) -> tuple[int, Sequence[tuple[int, tuple[str, ...]]]]:
        """Ids and counties of the signals raised since the last look, the first raised first, up to
        a portion of them; None for a place only looks. What a region that does not answer raises
        meanwhile is told when it is back.
        """
        if place is None:
            begun = await asyncio.gather(*map(self._begin, self.stores.regions))
            codes = [store.settings.code for store in self.stores.regions]
            self._places = dict(zip(codes, begun, strict=True))
            return 0, []
        read = await asyncio.gather(*map(self._read, self.stores.regions))
        found = [one for some in read for one in some or ()]
        # One that did not answer may be back with a version that was seen.
        self._more = None in read or len(found) >= self.portion
        told = sorted(found, key=lambda one: (one.at, one.id))[: self.portion]
        for region, known in self._places.items():
            known.take(one for one in told if one.region == region)
        return 0, [(one.id, one.places) for one in told if one.stands]

    async def _begin(self, store: Store) -> _Place:
        """What stands in a store by now; behind this moment all, of one that does not answer."""
        try:
            return await store.read(_standing)
        except WriteFailed:
            return _Place(now())

    async def _read(self, store: Store) -> list[_Raised] | None:
        """What is new in a store, up to a portion; None where it does not answer."""
        region = store.settings.code
        try:
            return await store.read(partial(_new, region, self._places[region], self.portion))
        except WriteFailed:
            return None


def _standing(connection: Connection) -> _Place:
    """The latest signals of a store, which are not told."""
    latest: str = connection.scalar(select(func.max(_C.detected_at))) or ""
    since = instant(seconds_of(latest) - _LOOK_BACK) if latest else ""
    rows = [row for some in _behind(connection, since) for row in some]
    return _Place(since, {row.id: row.detected_at for row in rows})


def _new(region: str, place: _Place, most: int, connection: Connection) -> list[_Raised]:
    """The signals of a store that are not known, the first raised first, up to so many."""
    found: list[_Raised] = []
    for rows in _behind(connection, place.since):
        found += [
            _Raised(row.detected_at, row.id, _places(row), region, row.absorbed_into is None)
            for row in rows
            if row.id not in place.known
        ]
        if len(found) >= most:
            break
    return found[:most]


def _places(row: Any) -> tuple[str, ...]:
    return (row.code, *(orjson.loads(row.members) if row.members else ()))


def _behind(connection: Connection, since: str) -> Iterator[Sequence[Any]]:
    """The signals raised since an instant in their order, so many in one statement."""
    after: ColumnElement[bool] = _C.detected_at >= since
    while True:
        rows = connection.execute(
            select(_C.id, _C.code, _C.members, _C.detected_at, _C.absorbed_into)
            .where(after)
            .order_by(_C.detected_at, _C.id)
            .limit(_AT_ONCE)
        ).all()
        yield rows
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1]
        after = tuple_(_C.detected_at, _C.id) > (last.detected_at, last.id)
