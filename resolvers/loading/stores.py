"""The stores a load writes to: opened, checked, asked for what was loaded before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from regions.blind_index import BlindIndexer
from regions.bulk import rows_by_text
from regions.engines import make_engine
from regions.errors import RegionUnavailable, StoreError
from regions.keys import Keys
from regions.migrating import check_current
from regions.sealing import Sealer
from regions.settings import RegionSettings
from resolvers.alerts.rules import RuleBook

__all__ = ["Found", "Store", "Stores"]


_PATIENCE = 30.0  # seconds to wait for another writer of a store


class Found(NamedTuple):
    """A record loaded before: the number of its region, and the columns asked for."""

    region: int
    row: Any


class Store:
    """One region's store, and what seals and indexes its people."""

    def __init__(self, settings: RegionSettings, keys: Keys, book: RuleBook) -> None:
        self.settings = settings
        self.book = book  # which of the cards raise a signal
        self.code = settings.code
        patient = replace(settings, deadline=_PATIENCE)
        self.engine: AsyncEngine = make_engine(patient, pool_size=1)
        self.sealer = Sealer(keys.sealing, settings.code)
        self.indexer = BlindIndexer(keys.index)
        self.furnished = False  # has the units and diseases that the mapping brings along

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; what the store refuses becomes a StoreError."""
        try:
            async with self.engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise StoreError(
                f"the store {self.code} refused a batch: {type(error.orig).__name__}",
                hint="is the list being loaded twice at once? Run it again: nothing is doubled",
                store=self.code,
            ) from error
        except DBAPIError as error:
            raise StoreError(
                f"the store {self.code} failed: {type(error.orig).__name__}",
                hint="what was loaded before stays; run the same command again to go on",
                store=self.code,
            ) from error
        except (OSError, TimeoutError) as error:
            raise RegionUnavailable(
                f"the store {self.code} does not answer",
                hint="what was loaded before stays; run the same command again to go on",
                store=self.code,
            ) from error


class Stores:
    """All regions' stores, in the order of the configuration. A context manager."""

    def __init__(self, regions: Sequence[RegionSettings], keys: Keys, book: RuleBook) -> None:
        self._all = [Store(settings, keys, book) for settings in regions]

    async def __aenter__(self) -> Stores:
        for store in self._all:
            await check_current(store.settings)
        return self

    async def __aexit__(self, *_: object) -> None:
        for store in self._all:
            await store.engine.dispose()

    def __getitem__(self, number: int) -> Store:
        return self._all[number]

    def __len__(self) -> int:
        return len(self._all)

    async def holding(self, table: Table, prefix: str) -> set[int]:
        """The numbers of the regions with a row whose source key begins with a prefix."""
        key = table.c.source_key
        statement = select(key).where(key >= prefix, key < prefix[:-1] + chr(ord(prefix[-1]) + 1))
        found = set()
        for number, store in enumerate(self._all):
            async with store.transaction() as connection:
                if (await connection.execute(statement.limit(1))).first():
                    found.add(number)
        return found

    async def find(
        self, table: Table, columns: Sequence[str], keys: Iterable[str], *, among: Iterable[int]
    ) -> dict[str, Found]:
        """The rows with these source keys in some of the regions, by key."""
        wanted = sorted(set(keys))
        statement = select(table.c.source_key, *(table.c[name] for name in columns))
        found: dict[str, Found] = {}
        for number in sorted(among) if wanted else ():

            def ask(connection: Connection, number: int = number) -> None:
                for row in rows_by_text(connection, statement, table.c.source_key, wanted):
                    found.setdefault(row.source_key, Found(number, row))

            async with self._all[number].transaction() as connection:
                await connection.run_sync(ask)
        return found
