"""Reading PostgreSQL: a small pool of connections a region, read-only, made when first needed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from regions.engines import postgres_url
from regions.reads import Answer, Failure, Read, too_late
from regions.settings import RegionSettings

__all__ = ["PostgresReaders"]

_MOST_CONNECTIONS = 8
_CLOSING_SECONDS = 1.0


class PostgresReaders:
    """The pools of one worker process, for one event loop."""

    def __init__(self, regions: Mapping[int, RegionSettings]) -> None:
        self._regions = regions
        self._pools: dict[int, asyncpg.Pool[asyncpg.Record]] = {}
        self._making = asyncio.Lock()

    async def ask(self, read: Read, seconds: float) -> Answer:
        """The answer to one read, after `seconds` at the latest."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                pool = self._pools.get(read.region) or await self._make(read.region)
                async with _lent(pool) as connection:
                    rows = await connection.fetch(read.sql, *read.parameters)
            ended = time.perf_counter()
            return Answer([tuple(row) for row in rows], None, ended - started, ended)
        except TimeoutError:
            return too_late(started)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = f"the store failed ({type(error).__name__})"
            ended = time.perf_counter()
            return Answer((), Failure(reason), ended - started, ended)

    async def _make(self, region: int) -> asyncpg.Pool[asyncpg.Record]:
        async with self._making:
            pool = self._pools.get(region)
            if pool is None:
                url = postgres_url(self._regions[region]).set(drivername="postgresql")
                # No connection yet: a region that is down must not keep others from answering.
                pool = await asyncpg.create_pool(
                    url.render_as_string(hide_password=False),
                    min_size=0,
                    max_size=_MOST_CONNECTIONS,
                    server_settings={
                        "default_transaction_read_only": "on",
                        # Nobody waits any more then; the server need not know by itself.
                        "statement_timeout": f"{math.ceil(1000 * self._regions[region].deadline)}",
                    },
                    reset=_nothing,  # there is nothing to take back, and it is a round trip
                )
                self._pools[region] = pool
            return pool

    async def close(self) -> None:
        """Closes every connection."""
        for pool in self._pools.values():
            try:
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()
        self._pools.clear()


@asynccontextmanager
async def _lent(pool: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[Any]:
    """A connection of the pool. Where its answer is not waited for any more, it is cut."""
    connection = await pool.acquire()
    try:
        yield connection
    except asyncio.CancelledError:
        # Else it would be given back only when the server, which may never, has said something.
        connection.terminate()
        raise
    finally:
        await pool.release(connection)


async def _nothing(_: Any) -> None:
    """Takes nothing back."""
