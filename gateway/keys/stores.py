"""The stores that hold envelopes: every region's and the gateway's own, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.config import Config
from gateway.stores import check_stores
from regions.engines import make_engine, sqlite_engine
from regions.errors import RegionUnavailable, StoreError
from regions.keys import Keys
from regions.sealing import Sealer
from resolvers.central import COUNTRY

__all__ = ["KeyStore", "key_stores"]

T = TypeVar("T")

_PATIENCE = 30.0  # seconds to wait for another writer of a store


@dataclass(slots=True)
class KeyStore:
    """One store: `code` is the region's, or 000000 of the gateway's own."""

    code: str
    name: str
    sealer: Sealer
    engine: AsyncEngine

    @property
    def of_region(self) -> bool:
        """Whether it is a region's."""
        return self.code != COUNTRY

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Some work in one transaction. Raises RegionUnavailable, StoreError."""
        try:
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)
        except (OSError, TimeoutError) as error:
            raise RegionUnavailable(
                f"the store {self.code} does not answer",
                hint="what was done stays done; run the same command again to go on",
                store=self.code,
            ) from error
        except DBAPIError as error:
            raise StoreError(
                f"the store {self.code} failed: {type(error.orig).__name__}",
                hint="what was done stays done; run the same command again to go on",
                store=self.code,
            ) from error


async def key_stores(config: Config, keys: Keys) -> tuple[list[KeyStore], list[str]]:
    """The stores that answer, the gateway's own last, and the codes of regions that do not."""
    away = [str(error.details["store"]) for error in await check_stores(config)]
    found = [
        KeyStore(
            region.code,
            region.name_zh,
            Sealer(keys.sealing, region.code),
            make_engine(replace(region, deadline=_PATIENCE), pool_size=1),
        )
        for region in config.regions
        if region.code not in away
    ]
    engine = sqlite_engine(str(config.central_store), busy_seconds=_PATIENCE)
    found.append(KeyStore(COUNTRY, "gateway", Sealer(keys.sealing, COUNTRY), engine))
    return found, away
