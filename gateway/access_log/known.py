"""Which logs there are: those this gateway had, and those that regions have seen or copied from."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from regions.access_log import log_sides, witness
from regions.engines import READS, make_engine
from regions.errors import StoreError
from regions.settings import RegionSettings

__all__ = ["known_logs"]

_SEEN = select(witness.c.origin, witness.c.size)
_SIDES = select(log_sides.c.origin, func.max(log_sides.c.last)).group_by(log_sides.c.origin)


async def known_logs(
    central: Path, regions: Sequence[RegionSettings]
) -> tuple[dict[str, int], list[str]]:
    """The names of the logs with how many entries each is known to have, and the codes of regions
    that did not say. Raises StoreError where the gateway's own store does not answer.
    """
    known = await asyncio.to_thread(_had, central)
    answers = await asyncio.gather(*map(_seen, regions))
    silent = []
    for region, found in zip(regions, answers, strict=True):
        if found is None:
            silent.append(region.code)
            continue
        for origin, size in found:
            known[origin] = max(size or 0, known.get(origin, 0))
    return known, silent


def _had(central: Path) -> dict[str, int]:
    try:
        uri = f"{central.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True)) as store:
            return {origin: 0 for (origin,) in store.execute("SELECT origin FROM log_origins")}
    except sqlite3.Error as error:
        raise StoreError(f"the gateway's own store does not answer: {error}") from None


async def _seen(region: RegionSettings) -> list[tuple[str, int]] | None:
    if region.path is not None and not region.path.exists():
        return None
    engine = make_engine(region, pool_size=1)

    def read(connection: Connection) -> list[tuple[str, int]]:
        return [(row[0], row[1]) for query in (_SEEN, _SIDES) for row in connection.execute(query)]

    try:
        async with asyncio.timeout(region.deadline), engine.connect() as plain:
            connection = await plain.execution_options(**{READS: True})
            return await connection.run_sync(read)
    except (OSError, SQLAlchemyError, TimeoutError):
        return None
    finally:
        await engine.dispose()
