"""What was written and is to be told: no mutation takes effect without its entry.

A mutation puts a row into the outbox of the store it writes to, in the same transaction
(`resolvers.writing.outbox`). Rows are swept some seconds later: those whose entry is in the log are
deleted; for those that have none, since the process died between commit and entry, or the log
could not be written, an entry is made that says `recovered`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access_log.log_file import Row
from gateway.access_log.reading import canonical
from regions.access_log import central_log_outbox, log_outbox
from regions.engines import make_engine, sqlite_engine
from regions.instants import instant, now, seconds_of
from regions.settings import RegionSettings

__all__ = ["Outboxes"]

_log = logging.getLogger(__name__)

_AWAY = (OSError, SQLAlchemyError, TimeoutError)
_MOST = 1_000  # rows of a store at once
_SLACK = 600.0  # seconds by which clocks of writer and log may differ
_CHUNK = 2_000  # entries

Write = Callable[[Sequence[Row]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Store:
    """A store with an outbox; `code` of its region, empty for the gateway's own."""

    code: str
    table: Table
    make: Callable[[], AsyncEngine]
    deadline: float


class Outboxes:
    """The outboxes of the gateway's own store and of every region's, of one log (`origin`)."""

    def __init__(
        self, log: Path, origin: str, central: Path, regions: Sequence[RegionSettings]
    ) -> None:
        self._log, self._origin = log, origin
        self._central, self._regions = central, regions
        self._told: dict[str, set[str]] = {}  # rows of a store that the log tells of, still there

    async def sweep(self, write: Write, *, age: float, request: str = "") -> int:
        """Deletes rows older than `age` seconds; those without an entry get one first by `write`.

        Of all requests, or of those whose id begins with `request`.

        How many were recovered. Regions that are away keep theirs. Raises what `write` raises.
        """
        stores: list[_Store] = []
        if self._central.exists():
            central = str(self._central)
            stores.append(_Store("", central_log_outbox, partial(sqlite_engine, central), 5.0))
        stores += [
            _Store(one.code, log_outbox, partial(make_engine, one, pool_size=1), one.deadline)
            for one in self._regions
            if one.path is None or one.path.exists()
        ]
        found = await asyncio.gather(*(self._store(store, write, age, request) for store in stores))
        return sum(found)

    async def _store(self, store: _Store, write: Write, age: float, request: str) -> int:
        engine, table, recovered = store.make(), store.table, 0
        told = self._told.setdefault(store.code, set())
        try:
            while True:
                async with asyncio.timeout(store.deadline), engine.connect() as connection:
                    rows = await connection.run_sync(
                        lambda one: self._due(one, table, age, request)
                    )
                if not rows:
                    return recovered
                new = [row for row in rows if row["id"] not in told]
                missing = await asyncio.to_thread(self._missing, new) if new else []
                if missing:
                    await write([_recovered(row, store.code) for row in missing])
                    recovered += len(missing)
                    name = store.code or "the gateway"
                    _log.warning("%d writes to %s had no entry and got one", len(missing), name)
                # A store that takes nothing now keeps them: they are not looked for again.
                ids = [row["id"] for row in rows]
                told.update(ids)
                async with asyncio.timeout(store.deadline), engine.begin() as connection:
                    await connection.execute(delete(table).where(table.c.id.in_(ids)))
                told.difference_update(ids)
        except _AWAY:  # what it has is looked up again, and what was told is found
            return recovered
        finally:
            await engine.dispose()

    def _due(
        self, connection: Connection, table: Table, age: float, request: str
    ) -> list[Mapping[str, Any]]:
        query = select(table).where(table.c.origin == self._origin).order_by(table.c.at)
        query = query.where(table.c.request.startswith(request, autoescape=True))
        if age:
            query = query.where(table.c.at <= instant(time.time() - age))
        return [dict(row) for row in connection.execute(query.limit(_MOST)).mappings()]

    def _missing(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        since = instant(min(seconds_of(row["at"]) for row in rows) - _SLACK)
        known = self._requests({row["request"] for row in rows}, since)
        return [row for row in rows if row["request"] not in known]

    def _requests(self, wanted: set[str], since: str) -> set[str]:
        """Those of the requests that the log tells of, looked for back to an instant."""
        uri = f"{self._log.absolute().as_uri()}?mode=rw"
        known: set[str] = set()
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()
            while last > 0 and len(known) < len(wanted):
                newest = ""
                for at, entry in connection.execute(  # one by one: a page of people has 150 KB
                    "SELECT at, entry FROM entries WHERE number BETWEEN ? AND ?",
                    (last - _CHUNK + 1, last),
                ):
                    newest = max(newest, at)
                    if (request := _request(entry)) in wanted:
                        known.add(request)
                if newest < since:
                    break
                last -= _CHUNK
        return known


def _request(entry: str) -> str:
    try:
        return str(orjson.loads(entry).get("request"))
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _module(operation: str) -> str:
    """Of mutations and loads the operation has a word before it; of sign-outs it has none."""
    if operation.startswith("load "):
        return "load"
    return "graphql" if " " in operation else "sign-in"


def _recovered(row: Mapping[str, Any], code: str) -> Row:
    at = now()
    entry = canonical(
        {
            "account": row["account"] or None,
            "at": at,
            "module": _module(row["operation"]),
            "operation": row["operation"],
            "recovered": row["at"],
            "request": row["request"],
            "result": "OK",
            "trace": row["trace"] or None,
            "what": {
                "regions": {code: "ANSWERED"} if code else {},
                "wrote": orjson.loads(row["wrote"]),
            },
        }
    )
    return (at, row["account"], row["operation"], "OK", entry.decode())
