"""`becameOverdue`: what ran out undone on pathways and signals, as any region writes it down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, literal_column, select, tuple_

from regions.alerts_forms import signal_clocks
from regions.instants import instant, now, seconds_of
from regions.metadata import ID
from regions.pathways import pathway_clocks, pathways
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.pathway.overdue import COLUMNS, SIGNAL_COLUMNS, item_of
from resolvers.privacy import require_records, scope
from schema.pathway import OverdueItem

__all__ = ["Lapses", "became_overdue"]

_CLOCKS, _SIGNALS = pathway_clocks.c, signal_clocks.c
_PLACE = ("since", "clocks", "number", "kind", "last")  # when it was noted, and what tells it then
_FIRST = ("", 0, "", 0)
_KEYS = len(_PLACE)
_KEY: tuple[ColumnElement[Any], ...] = (
    _CLOCKS.noted_at.label("at"),
    literal_column("'pathway'").label("clocks"),
    _CLOCKS.pathway_id.label("whose"),
    _CLOCKS.kind.label("which"),
    _CLOCKS.number.label("nth"),
)
_SIGNAL_KEY: tuple[ColumnElement[Any], ...] = (
    _SIGNALS.noted_at.label("at"),
    literal_column("'signal'").label("clocks"),
    _SIGNALS.signal_id.label("whose"),
    _SIGNALS.kind.label("which"),
    literal_column("1").label("nth"),
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
        since = {one: instant(seconds_of(self._since[one]) - _AGAIN) for one in everyone}
        places: dict[int, tuple[Any, ...]] = {one: (since[one], *_FIRST) for one in everyone}
        found: list[Any] = []
        while places:  # one question to all; another only for what a page did not hold
            reads = [self._asked(region, *more) for region, more in places.items()]
            answers = await self._federation.ask(reads)
            places = {}
            for read, answer in zip(reads, answers, strict=True):
                region = read.region
                if answer.failure is not None:
                    continue
                told = self._told[region]
                for row in answer.rows:
                    key = tuple(row[-_KEYS:])
                    if key not in told:
                        told[key] = key[0]
                        found.append(row)
                if len(answer.rows) == _ROWS:
                    places[region] = tuple(answer.rows[-1][-_KEYS:])
                    continue
                self._since[region] = at
                first = since[region]
                self._told[region] = {key: noted for key, noted in told.items() if noted >= first}
        place = int(seconds_of(at))
        return place, [] if after is None else sorted(found, key=lambda row: tuple(row[:4]))

    def _asked(self, region: int, *place: Any) -> Read:
        dialect = self._federation.dialects[region]
        values = dict(zip(_PLACE, place, strict=True))
        return Read(region, _noted(dialect).sql, _noted(dialect).bind(values), _ROWS)


@cache
def _noted(dialect: str) -> Statement:
    """Clocks that were written down as missed behind a place, a page of them: those of pathways,
    and of signals, which no reporting unit has.
    """
    since, number = text_value("since"), bindparam("number", None, ID)
    pathway_clocks_noted = (
        select(*COLUMNS, _CLOCKS.reporter_unit, *_KEY)
        .join(pathways, pathways.c.id == _CLOCKS.pathway_id)
        .join(people, people.c.id == pathways.c.person_id)
        .where(_CLOCKS.noted_at >= since, people.c.kept_in.is_(None))
    )
    nobody: ColumnElement[Any] = literal_column("''").label("reporter_unit")
    signal_clocks_noted = select(*SIGNAL_COLUMNS, nobody, *_SIGNAL_KEY).where(
        _SIGNALS.noted_at >= since
    )
    both = pathway_clocks_noted.union_all(signal_clocks_noted).subquery()
    columns = list(both.c)
    key = columns[-_KEYS:]
    last = bindparam("last", None, Integer())
    page = (
        select(*columns)
        .where(tuple_(*key) > tuple_(since, text_value("clocks"), number, text_value("kind"), last))
        .order_by(*key)
        .limit(_ROWS)
    )
    return Statement(page, dialect)


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
