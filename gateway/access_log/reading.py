"""Entries read back from the log's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from regions.access_log import entries
from regions.errors import AccessLogError

__all__ = ["canonical", "read_entries"]


def canonical(entry: Mapping[str, Any]) -> bytes:
    """An entry's bytes: JSON, keys sorted, no white space."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def read_entries(
    path: Path, *, account: str | None = None, since: str | None = None, limit: int = 100
) -> Iterator[dict[str, Any]]:
    """The last `limit` entries, the oldest first, each with its `number`.

    `since` is an instant (`2026-11-22T00:00:00Z`). Raises AccessLogError where there is no log.
    """
    query = select(entries.c.number, entries.c.entry).order_by(entries.c.number.desc())
    if account is not None:
        query = query.where(entries.c.account == account)
    if since is not None:
        query = query.where(entries.c.at >= since)
    compiled = query.limit(limit).compile(dialect=sqlite.dialect(paramstyle="named"))
    try:
        uri = (
            f"{path.absolute().as_uri()}?mode=rw"  # of a log that is not in use, ro cannot be read
        )
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute(str(compiled), compiled.params).fetchall()
    except sqlite3.Error as error:
        raise AccessLogError(f"the access log {path} cannot be read: {error}") from None
    for number, entry in reversed(rows):
        yield {"number": number, **orjson.loads(entry)}
