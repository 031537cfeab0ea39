"""`transferChanged`: transfers as they change, on each side by its own region's record (D)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import func, select

from regions.instants import instant, now, seconds_of
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.transfers import transfer_events, transfers
from resolvers.context import Context
from resolvers.federation import Federation
from resolvers.filters import code_prefix
from resolvers.privacy import scope
from resolvers.transfers.reading import COLUMNS, transfer_of
from resolvers.users import Viewer
from schema.transfers import Transfer

__all__ = ["TransferChanges", "transfers_changed"]

_OVERLAP = 60
"""Seconds looked back: a change bears the instant at which its request began, and is seen once it
is committed.
"""

_ID, _SIDE, _CODE, _FROM_UNIT, _TO_UNIT, _UPDATED = (
    COLUMNS.index(transfers.c[name])
    for name in ("id", "side", "code", "from_unit", "to_unit", "updated_at")
)

Change = tuple[int, Sequence[Any]]
"""The region's number, and the row (`COLUMNS`)."""


class TransferChanges:
    """The changes of transfers in all regions, for the listeners of one worker.

    A region that does not answer tells what it missed once it does, up to a minute back; from
    further back its rows are read again, and all that changed since comes at once.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._versions: object = None
        self._turn = 0
        self._since: dict[int, str] = {}
        self._known: dict[int, dict[tuple[str, str], tuple[str, int]]] = {}

    def changed(self) -> int:
        """Another number whenever anything may have changed (`resolvers.feeds.Feed`)."""
        versions: object = self._federation.versions()
        if versions is None:  # a store that does not say is looked into every second
            versions = int(time.monotonic())
        if versions != self._versions:
            self._turn += 1
        self._versions = versions
        return self._turn

    async def poll(self, after: int | None) -> tuple[int, Sequence[Change]]:
        """The changes since the last call (`resolvers.feeds.Poll`); none if `after` is None."""
        federation, moment = self._federation, now()
        floor = instant(seconds_of(moment) - _OVERLAP)
        if after is None:
            self._since = dict.fromkeys(federation.everyone, floor)
            self._known = {region: {} for region in federation.everyone}
        reads = []
        for region in federation.everyone:
            statement = _changes(federation.dialects[region])
            values = {"since": self._since[region]}
            reads.append(Read(region, statement.sql, statement.bind(values)))
        found: list[Change] = []
        for read, answer in zip(reads, await federation.ask(reads), strict=True):
            if answer.failure is not None:
                continue  # its rows are read from the same instant on, later
            known = self._known[read.region]
            seen = {}
            for *row, events in answer.rows:
                key, state = (row[_ID], row[_SIDE]), (row[_UPDATED], events)
                seen[key] = state
                if known.get(key) != state:
                    found.append((read.region, row))
            self._known[read.region], self._since[read.region] = seen, floor
        found.sort(key=lambda one: one[1][_UPDATED])
        return (after or 0) + 1, [] if after is None else found


@cache
def _changes(dialect: str) -> Statement:
    steps = (
        select(func.count())
        .where(transfer_events.c.transfer_id == transfers.c.id)
        .correlate(transfers)
        .scalar_subquery()
    )
    changed = transfers.c.updated_at >= text_value("since")
    order = (transfers.c.updated_at, transfers.c.id, transfers.c.side)
    return Statement(select(*COLUMNS, steps).where(changed).order_by(*order), dialect)


async def transfers_changed(
    context: Context, codes: Sequence[str] | None, path: str
) -> AsyncGenerator[Transfer, None]:
    """The sides of transfers that change from now on and that the viewer may see then."""
    prefixes = [""] if codes is None else [code_prefix(code) for code in codes]
    async with context.feeds.transfers.listen() as events:
        async for region, row in events:
            if _may_see(context.signed_in(), row, prefixes):
                found: Any = transfer_of(row, region, path)
                found._logged = ("transfer", row[_ID])
                yield found


def _may_see(viewer: Viewer, row: Sequence[Any], prefixes: Sequence[str]) -> bool:
    """As `resolvers.transfers.reading.visible`: of the jurisdiction, or the own unit's to do."""
    if not any(row[_CODE].startswith(prefix) for prefix in prefixes):
        return False
    mine = row[_FROM_UNIT] if row[_SIDE] == "SENT" else row[_TO_UNIT]
    where = scope(viewer)
    return mine == viewer.unit_id or (where.unit is None and row[_CODE].startswith(where.prefix))
