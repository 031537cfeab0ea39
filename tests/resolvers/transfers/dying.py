"""A process that mends stores and is killed on the way (SIGKILL), at the border it is told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.transfers.doubled import settle_doubled
from resolvers.transfers.mending import Mender
from resolvers.writing.stores import Store, Stores
from tests.forking import begin, forks
from tests.resolvers.transfers.regional import AT

__all__ = ["mend_and_die", "settle_and_die"]

T = TypeVar("T")

forks(__name__)


class _Dying(Store):
    """Dies within the transaction of a number, or right behind it."""

    left = 0  # borders, of all stores of the process

    async def write(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """As any store."""

        def within(connection: Connection, first: int) -> T:
            result = work(connection, first)
            _border()
            return result

        result = await super().write(ids, within)
        _border()
        return result


def _border() -> None:
    if not _Dying.left:
        os.kill(os.getpid(), signal.SIGKILL)
    _Dying.left -= 1


def _mend(settings: Sequence[RegionSettings], keys: Keys, region: str, border: int) -> None:
    _run(settings, keys, border, lambda stores: Mender(stores).mend(region, AT, anyway=True))


def _settle(settings: Sequence[RegionSettings], keys: Keys, border: int) -> None:
    _run(settings, keys, border, lambda stores: settle_doubled(stores, AT))


def _run(
    settings: Sequence[RegionSettings],
    keys: Keys,
    border: int,
    work: Callable[[Stores], Awaitable[Any]],
) -> None:
    _Dying.left = border
    stores = Stores(settings, keys)
    stores.regions = [_Dying(one, keys) for one in settings]

    async def run() -> None:
        await work(stores)
        await stores.close()

    asyncio.run(run())


def mend_and_die(
    settings: Sequence[RegionSettings], keys: Keys, region: str, border: int
) -> int | None:
    """Mends a region's store in a process of its own that is killed at a border; its exit code."""
    process = begin(_mend, (list(settings), keys, region, border))
    process.join()
    return process.exitcode


def settle_and_die(settings: Sequence[RegionSettings], keys: Keys, border: int) -> int | None:
    """The same for making one custodian of those whom two regions answer for."""
    process = begin(_settle, (list(settings), keys, border))
    process.join()
    return process.exitcode
