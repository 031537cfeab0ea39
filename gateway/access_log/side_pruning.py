"""Removing what is old from regions' sides: with the log's own entries, never before (G3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import orjson
from sqlalchemy import Connection, Row, and_, delete, select
from sqlalchemy.exc import SQLAlchemyError

from regions.access_log import log_sides
from regions.engines import make_engine
from regions.settings import RegionSettings
from resolvers.access_log.sides import unpack_side

__all__ = ["former_logs", "prune_sides"]


def former_logs(central: Path, own: str) -> list[str]:
    """The logs that this gateway had before its own. Others' sides are others' to prune.

    Raises sqlite3.Error.
    """
    if not central.exists():
        return []
    uri = f"{central.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True)) as store:
        rows = store.execute("SELECT origin FROM log_origins WHERE origin != ?", (own,))
        return [origin for (origin,) in rows]


async def prune_sides(
    regions: Sequence[RegionSettings],
    own: str,
    pruned_to: int,
    former: Sequence[str],
    before: str,
    *,
    dry_run: bool,
) -> tuple[dict[str, int], list[str]]:
    """Removes parts of regions' sides: of the gateway's `own` log those that are pruned from it, of
    its `former` ones those all of whose entries are from before an instant. How many entries, by
    region, and the regions that do not answer: another run removes theirs.
    """

    def work(connection: Connection) -> int:
        count = 0
        rows = connection.execute(
            select(log_sides).where(
                (log_sides.c.origin.in_([own]) & (log_sides.c.last <= pruned_to))
                | (log_sides.c.origin.in_(former) & (log_sides.c.at < before))
            )
        ).all()
        for row in rows:
            entries = list(_entries(row))
            if row.origin != own and max(entries, default="") >= before:
                continue
            count += len(entries)
            if not dry_run:
                part = and_(log_sides.c.origin == row.origin, log_sides.c.first == row.first)
                connection.execute(delete(log_sides).where(part))
        return count

    found, away = {}, []
    for region in regions:
        if region.path is not None and not region.path.exists():
            away.append(region.code)
            continue
        engine = make_engine(region, pool_size=1)
        try:
            async with engine.begin() as connection:
                found[region.code] = await connection.run_sync(work)
        except (OSError, SQLAlchemyError):
            away.append(region.code)
        finally:
            await engine.dispose()
    return found, away


def _entries(row: Row[tuple[object, ...]]) -> Iterator[str]:
    """When each entry of a part was made; one that does not say so is kept for ever."""
    for _, raw in unpack_side(bytes(row.entries)):
        try:
            yield str(orjson.loads(raw)["at"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            yield "~"
