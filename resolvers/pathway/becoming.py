"""`becameOverdue`: what ran out undone on pathways and signals, as any region writes it down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select, tuple_

from regions.alerts_forms import signal_clocks
from regions.instants import instant, now, seconds_of
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.pathway.overdue import COLUMNS, SIGNAL_COLUMNS, item_of
from resolvers.privacy import require_records, scope
from schema.pathway import OverdueItem

__all__ = ["Lapses", "became_overdue"]

_CLOCKS, _SIGNALS = pathway_clocks.c, signal_clocks.c
_KEY = (_CLOCKS.noted_at, _CLOCKS.pathway_id, _CLOCKS.kind, _CLOCKS.number)
_SIGNAL_KEY: tuple[ColumnElement[Any], ...] = (
    *(_SIGNALS.noted_at, _SIGNALS.signal_id, _SIGNALS.kind),
    literal_column("1"),
)
_AGAIN = 120  # seconds read once more: a transaction may commit after one that began later
_ROWS = 500
_CODE = [column.name for column in COLUMNS].index("code")
_BY = len(COLUMNS)  # place of the reporting unit in a row


class Lapses:
    """The lapses of all regions as they are written down, for a feed of one worker.

    A region that does not answer is read from where it was left, once it is back.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._since: dict[int, str] = {}
        self._told: dict[int, dict[tuple[Any, ...], str]] = {}

    async def poll(self, after: int | None) -> tuple[int, Sequence[Any]]:
        """The lapses since the last time (`resolvers.feeds.Poll`); with None from now on."""
        at = now()
        if after is None:
            self._since = dict.fromkeys(self._federation.everyone, at)
            self._told = {region: {} for region in self._federation.everyone}
        everyone = self._federation.everyone
        found = chain(*await asyncio.gather(*(self._read(region, at) for region in everyone)))
        place = int(seconds_of(at))
        return place, [] if after is None else sorted(found, key=lambda row: tuple(row[:4]))

    async def _read(self, region: int, at: str) -> list[Any]:
        told = self._told[region]
        since = instant(seconds_of(self._since[region]) - _AGAIN)
        found: list[Any] = []
        done = True
        for of in (_pathways_noted, _signals_noted):
            place: tuple[Any, ...] = (since, 0, "", 0)
            while True:
                statement = Statement(of(since, place), self._federation.dialects[region])
                read = Read(region, statement.sql, statement.bind({}), _ROWS)
                (answer,) = await self._federation.ask([read])
                if answer.failure is not None:
                    done = False
                    break
                for row in answer.rows:
                    key = tuple(row[-len(_KEY) :])
                    if key not in told:
                        told[key] = key[0]
                        found.append(row)
                if len(answer.rows) < _ROWS:
                    break
                place = tuple(answer.rows[-1][-len(_KEY) :])
        if done:
            self._since[region] = at
            self._told[region] = {key: noted for key, noted in told.items() if noted >= since}
        return found


def _pathways_noted(since: str, place: tuple[Any, ...]) -> Select[Any]:
    """Clocks of pathways that were written down as missed behind a place."""
    return (
        select(*COLUMNS, _CLOCKS.reporter_unit, *_KEY)
        .join(pathways, pathways.c.id == _CLOCKS.pathway_id)
        .join(people, people.c.id == pathways.c.person_id)
        .where(
            _CLOCKS.noted_at >= since,
            tuple_(*_KEY) > tuple_(*place),
            people.c.kept_in.is_(None),
        )
        .order_by(*_KEY)
        .limit(_ROWS)
    )


def _signals_noted(since: str, place: tuple[Any, ...]) -> Select[Any]:
    """The same of signals, which no reporting unit has."""
    nobody: ColumnElement[Any] = literal_column("''").label("reporter_unit")
    return (
        select(*SIGNAL_COLUMNS, nobody, *_SIGNAL_KEY)
        .where(_SIGNALS.noted_at >= since, tuple_(*_SIGNAL_KEY) > tuple_(*place))
        .order_by(*_SIGNAL_KEY[:-1])
        .limit(_ROWS)
    )


async def became_overdue(
    context: Context, codes: Sequence[str] | None
) -> AsyncGenerator[OverdueItem, None]:
    """What runs out from now on, of what the viewer may see when it does."""
    prefixes = ("",) if codes is None else tuple(code_prefix(code) for code in codes)
    async with context.feeds.lapses.listen() as events:
        async for row in events:
            viewer = context.signed_in()
            require_records(viewer)
            where, code = scope(viewer), row[_CODE]
            own = where.unit is None or row[_BY] == where.unit
            if own and code.startswith(where.prefix) and code.startswith(prefixes):
                yield item_of(row[: len(COLUMNS)], now())
