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

_SEEN = select(witness.c.origin, witness.c.size, witness.c.at)
_SIDES = select(log_sides.c.origin, func.max(log_sides.c.last), func.max(log_sides.c.at)).group_by(
    log_sides.c.origin
)


async def known_logs(
    central: Path, regions: Sequence[RegionSettings], since: str
) -> tuple[dict[str, int], list[str]]:
    """The names of the logs with how many entries each is known to have, and the codes of regions
    that did not say. A log that no region has seen grow `since` an instant, and this gateway did
    not have first since then, is not named: it may be gone. Raises StoreError where the gateway's
    own store does not answer.
    """
    known = await asyncio.to_thread(_had, central, since)
    answers = await asyncio.gather(*map(_seen, regions))
    silent = []
    for region, found in zip(regions, answers, strict=True):
        if found is None:
            silent.append(region.code)
            continue
        for origin, size, at in found:
            if at >= since:
                known[origin] = max(size or 0, known.get(origin, 0))
    return known, silent


def _had(central: Path, since: str) -> dict[str, int]:
    try:
        uri = f"{central.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True)) as store:
            rows = store.execute("SELECT origin FROM log_origins WHERE at >= ?", (since,))
            return {origin: 0 for (origin,) in rows}
    except sqlite3.Error as error:
        raise StoreError(f"the gateway's own store does not answer: {error}") from None


async def _seen(region: RegionSettings) -> list[tuple[str, int, str]] | None:
    if region.path is not None and not region.path.exists():
        return None
    engine = make_engine(region, pool_size=1)

    def read(connection: Connection) -> list[tuple[str, int, str]]:
        return [
            (row[0], row[1], row[2])
            for query in (_SEEN, _SIDES)
            for row in connection.execute(query)
        ]

    try:
        async with asyncio.timeout(region.deadline), engine.connect() as plain:
            connection = await plain.execution_options(**{READS: True})
            return await connection.run_sync(read)
    except (OSError, SQLAlchemyError, TimeoutError):
        return None
    finally:
        await engine.dispose()
