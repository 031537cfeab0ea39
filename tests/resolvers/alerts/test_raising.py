"""`signalRaised` looks for signals in every store: all of them, in order, a portion at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from regions.alerts import signals
from regions.instants import instant
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.alerts.raising import RaisedSignals
from resolvers.federation import Federation
from resolvers.writing.stores import Stores as WritingStores
from tests.resolvers.alerts.duty import signal
from tests.stores import Stores, in_store

_NOON = 1_795_867_200  # 2026-11-28T12:00:00Z
PORTION = 7


def at(seconds: float) -> str:
    return instant(_NOON + seconds)


def put(settings: RegionSettings, *raised: tuple[int, float], **more: Any) -> list[int]:
    """Signals by their serials and when they were raised; their ids."""
    rows = [
        signal(serial, settings.code) | {"detected_at": at(seconds)} | more
        for serial, seconds in raised
    ]

    def work(connection: Connection) -> None:
        connection.execute(insert(signals), rows)

    in_store(settings, work)
    return [row["id"] for row in rows]


def running(
    regions: list[RegionSettings], keys: Keys, work: Callable[[RaisedSignals], Awaitable[Any]]
) -> Any:
    async def run() -> Any:
        stores, federation = WritingStores(regions, keys), Federation(regions, keys)
        try:
            return await work(RaisedSignals(stores, federation, PORTION))
        finally:
            await stores.close()
            await federation.close()

    return asyncio.run(run())


async def polled(looking: RaisedSignals) -> list[list[int]]:
    """What comes in each poll, as a feed asks: while the version is another than before."""
    portions, seen = [], None
    while (version := looking.version()) != seen:
        _, found = await looking.poll(0)
        portions.append([number for number, _ in found])
        seen = version
    return [one for one in portions if one]


async def in_thread(work: Callable[..., Any], *given: Any, **more: Any) -> Any:
    return await asyncio.to_thread(work, *given, **more)


def test_all_of_a_long_pause_come_in_order_and_in_portions(stores: Stores, keys: Keys) -> None:
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    put(regions[0], (1, -5))

    async def work(looking: RaisedSignals) -> None:
        assert await looking.poll(None) == (0, [])
        assert await polled(looking) == []
        ids = [
            await in_thread(put, regions[one % 2], (one + 2, one // 3))
            for one in range(6 * PORTION)
        ]
        portions = await polled(looking)
        assert [one for portion in portions for one in portion] == sorted(
            (one for (one,) in ids), key=lambda one: _order(ids, one)
        )
        assert [len(one) for one in portions] == [PORTION] * 6
        assert await polled(looking) == []

    running(regions, keys, work)


def _order(ids: list[list[int]], number: int) -> tuple[int, int]:
    return ids.index([number]) // 3, number


def test_a_night_of_one_instant(stores: Stores, keys: Keys) -> None:
    """More at one second than a portion, and than a statement gives."""
    (region,) = regions = [stores.sqlite("3201")]

    async def work(looking: RaisedSignals) -> None:
        await looking.poll(None)
        ids = await in_thread(put, region, *((serial, 0) for serial in range(1, 1_300)))
        portions = await polled(looking)
        assert [one for portion in portions for one in portion] == ids

    running(regions, keys, work)


def test_what_was_committed_late_and_what_stands_there_before(stores: Stores, keys: Keys) -> None:
    (region,) = regions = [stores.sqlite("3201")]
    put(region, *((serial, 0) for serial in range(1, 1_300)))

    async def work(looking: RaisedSignals) -> None:
        await looking.poll(None)
        (first,) = await in_thread(put, region, (1_400, 20))
        assert await polled(looking) == [[first]]
        (late,) = await in_thread(put, region, (1_401, 5))
        assert await polled(looking) == [[late]]
        await in_thread(put, region, (1_402, 21), absorbed_into=first)
        assert await polled(looking) == []

    running(regions, keys, work)


@pytest.mark.parametrize("before", [True, False])
def test_a_store_that_is_away_is_told_of_when_it_is_back(
    stores: Stores, keys: Keys, before: bool
) -> None:
    """Whether it went before anybody listened, or after."""
    away, here = regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    path = away.path
    assert path is not None
    hidden = path.with_suffix(".away")
    put(away, (1, -60))

    async def work(looking: RaisedSignals) -> None:
        if before:
            path.rename(hidden)
        await looking.poll(None)
        if not before:
            path.rename(hidden)
        (one,) = await in_thread(put, here, (2, 90_000_000))
        _, found = await looking.poll(0)
        assert [number for number, _ in found] == [one]
        hidden.rename(path)
        ids = await in_thread(put, away, *((serial, 90_000_000) for serial in range(3, 20)))
        portions = await polled(looking)
        assert [number for portion in portions for number in portion] == ids

    running(regions, keys, work)
