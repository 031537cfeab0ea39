"""`signalRaised`: signals as they are raised, in every region (E2, E3)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, select

from regions.alerts import signals
from regions.instants import instant, seconds_of
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.privacy import scope
from resolvers.writing.stores import Stores, WriteFailed
from schema.alerts import Signal

__all__ = ["RaisedSignals", "signals_raised"]

_C = signals.c
_MOST = 1_000
_LOOK_BACK = 30  # seconds: the transaction of a night is seen once all of it is written


async def signals_raised(
    context: Context, codes: Sequence[str] | None
) -> AsyncGenerator[Signal, None]:
    """The signals that are raised from now on and stand for themselves, as the viewer may see them
    at that moment.
    """
    prefixes = [""] if codes is None else [code_prefix(code) for code in codes]
    async with context.feeds.signals.listen() as events:
        async for number, code in events:
            viewer = context.signed_in()
            where = scope(viewer)
            if where.unit is not None or not code.startswith(where.prefix):
                continue
            if not code.startswith(tuple(prefixes)):
                continue
            # With the rights of this moment: what a question has read is read by its own.
            now = Context(context.answering, viewer)
            found = await now.records.of_ids("Signal", [number], "signalRaised")
            if number in found:
                yield found[number]


@dataclass(slots=True)
class RaisedSignals:
    """Looks for signals behind those it has seen, in each region's store."""

    stores: Stores
    federation: Federation
    _seen: dict[str, dict[int, str]] = field(default_factory=dict)
    _turn: int = 0

    def version(self) -> int:
        """A number that changes when a store does; always, where a store does not tell."""
        versions = self.federation.versions()
        if versions is None:
            self._turn += 1
            return self._turn
        return int.from_bytes(sha256(repr(versions).encode()).digest()[:8])

    async def poll(self, place: int | None) -> tuple[int, Sequence[tuple[int, str]]]:
        """Ids and counties of the signals raised since the last look; None for a place only looks.
        A region that does not answer is looked into when it is back.
        """
        if place is None:
            self._seen.clear()
        found: list[tuple[int, str]] = []
        for store in self.stores.regions:
            code = store.settings.code
            known = self._seen.get(code)

            def look(
                connection: Connection, known: dict[int, str] | None = known
            ) -> tuple[dict[int, str], list[tuple[int, str]]]:
                return _look(connection, known)

            try:
                self._seen[code], new = await store.read(look)
            except WriteFailed:
                continue
            found += new
        return 0, found


def _look(
    connection: Connection, known: dict[int, str] | None
) -> tuple[dict[int, str], list[tuple[int, str]]]:
    """The latest signals of a store, and those of them that are not known."""
    latest: str = connection.scalar(select(func.max(_C.detected_at))) or ""
    border = instant(seconds_of(latest) - _LOOK_BACK) if latest else ""
    since = border if known is None else min(known.values(), default="")
    rows: Sequence[Any] = connection.execute(
        select(_C.id, _C.code, _C.detected_at, _C.absorbed_into)
        .where(_C.detected_at >= since)
        .order_by(_C.detected_at.desc(), _C.id.desc())
        .limit(_MOST)
    ).all()
    seen = {row.id: row.detected_at for row in rows if row.detected_at >= border}
    if known is None:
        return seen, []
    new = [row for row in reversed(rows) if row.id not in known and row.absorbed_into is None]
    return seen, [(row.id, row.code) for row in new]
