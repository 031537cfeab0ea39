"""The stores as mutations see them: an engine and ids for each region, seals and blind indexes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from regions.blind_index import BlindIndexer
from regions.engines import make_engine
from regions.ids import IdBlocks
from regions.keys import Keys
from regions.sealing import Sealer
from regions.settings import RegionSettings

__all__ = ["Store", "Stores"]


class Store:
    """One region's store, for writing. Its engine is made at the first write."""

    def __init__(self, settings: RegionSettings, keys: Keys) -> None:
        self.settings = settings
        self.sealer = Sealer(keys.sealing, settings.code)
        self._engine: AsyncEngine | None = None
        self._ids: IdBlocks | None = None

    @property
    def engine(self) -> AsyncEngine:
        """The engine; every transaction on SQLite begins as a writer."""
        if self._engine is None:
            self._engine = make_engine(self.settings)
        return self._engine

    @property
    def ids(self) -> IdBlocks:
        """Ids for new records."""
        if self._ids is None:
            self._ids = IdBlocks(self.engine, self.settings.code)
        return self._ids

    async def close(self) -> None:
        """Closes what was opened."""
        if self._engine is not None:
            await self._engine.dispose()


class Stores:
    """All regions' stores, for writing."""

    def __init__(self, regions: Sequence[RegionSettings], keys: Keys) -> None:
        self.regions = [Store(settings, keys) for settings in regions]
        self.indexer = BlindIndexer(keys.index)

    def of_code(self, code: str) -> Store | None:
        """The store of the region responsible for a code, or None."""
        return next((one for one in self.regions if one.settings.covers(code)), None)

    def of_region(self, code: str) -> Store | None:
        """The store of a region by its own code."""
        return next((one for one in self.regions if one.settings.code == code), None)

    async def close(self) -> None:
        """Closes every store."""
        for store in self.regions:
            await store.close()
