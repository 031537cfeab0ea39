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
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway._changes import Changes
from gateway.access_log.log_file import Owed, Row
from gateway.access_log.reading import canonical
from regions.access_log import central_log_outbox, log_origins, log_outbox
from regions.engines import make_engine, sqlite_engine
from regions.errors import StoreError
from regions.instants import now
from regions.settings import RegionSettings
from resolvers.writing.looked import Looked

__all__ = ["Outboxes"]

_log = logging.getLogger(__name__)

_AWAY = (OSError, SQLAlchemyError, TimeoutError)
_MOST = 1_000  # rows of a store at once
_CHUNK = 2_000  # entries

Write = Callable[[Sequence[Owed]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Store:
    """A store with an outbox; `code` of its region, empty for the gateway's own."""

    code: str
    table: Table
    make: Callable[[], AsyncEngine]
    deadline: float
    path: Path | None


class Outboxes:
    """The outboxes of the gateway's own store and of every region's, of one log (`origin`) and of
    those that the gateway had before it.

    No clock of a machine decides what is told: rows come by the place in the log behind which their
    entry must stand, their age is by `clock`, which only goes forward, from when they were first
    seen, and what a row tells is told once by its name.
    """

    def __init__(
        self,
        log: Path,
        origin: str,
        central: Path,
        regions: Sequence[RegionSettings],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._origin, self._clock = log, origin, clock
        self._central, self._regions = central, regions
        self._told: dict[str, set[str]] = {}  # rows of a store that the log tells of, still there
        self._seen: dict[str, dict[str, float]] = {}  # when a row of a store was seen first
        self._changes: dict[str, Changes] = {}
        self._empty = Looked[bool](clock)  # stores without rows, as of a version and origins
        self._origins: tuple[int | None, list[str]] = (None, [])  # as of a version of the gateway's

    async def sweep(self, write: Write, *, age: float, request: str = "") -> int:
        """Deletes rows older than `age` seconds; those without an entry get one first by `write`.

        Of all requests, or of those whose id begins with `request`. Rows for a log that was
        replaced are told, too, and name it.

        How many were recovered. Regions that are away keep theirs. Raises what `write` raises.
        """
        stores = [
            _Store(
                one.code, log_outbox, partial(make_engine, one, pool_size=1), one.deadline, one.path
            )
            for one in self._regions
            if one.path is None or one.path.exists()
        ]
        if self._central.exists():
            make = partial(sqlite_engine, str(self._central))
            stores.insert(0, _Store("", central_log_outbox, make, 5.0, self._central))
        again = bool(age) and not request  # the same look as before
        versions = {one.code: self._version(one) if again else None for one in stores}
        origins = (self._origin, *(await self._former(versions.get(""))))
        known = {
            code: None if version is None else (version, origins)
            for code, version in versions.items()
        }
        stores = [one for one in stores if not self._empty.recall(one.code, known[one.code])]
        sweep = _Sweep(write, age, request, origins, set())
        found = await asyncio.gather(*(self._store(store, sweep) for store in stores))
        for code in sweep.empty:
            self._empty.keep(code, known[code], True)
        return sum(found)

    def close(self) -> None:
        """Gives files back."""
        for one in self._changes.values():
            one.close()

    def _version(self, store: _Store) -> int | None:
        """A number that stays while nobody commits to a store; None where it does not tell."""
        if store.path is None:
            return None
        changes = self._changes.get(store.code)
        if changes is None:
            changes = self._changes[store.code] = Changes(store.path)
        try:
            return changes.version()
        except StoreError:
            return None

    async def _former(self, version: int | None) -> list[str]:
        """The logs this gateway had before; that it has this one is kept. They are not read again
        from a store of the same version.

        Rows in its own store are its own, whatever log they were for.
        """
        if version is not None and self._origins[0] == version:
            return self._origins[1]
        if not self._central.exists():
            return []
        engine = sqlite_engine(str(self._central))

        def work(connection: Connection) -> list[str]:
            known = set(connection.scalars(select(log_origins.c.origin)))
            if self._origin not in known:
                put = insert(log_origins).values(origin=self._origin, at=now())
                connection.execute(put.on_conflict_do_nothing())
            known |= set(connection.scalars(select(central_log_outbox.c.origin).distinct()))
            return sorted(known - {self._origin})

        try:
            async with asyncio.timeout(5.0), engine.begin() as connection:
                former = await connection.run_sync(work)
        except _AWAY:
            return []
        finally:
            await engine.dispose()
        self._origins = (version, former)
        return former

    async def _store(self, store: _Store, sweep: _Sweep) -> int:
        engine, table, recovered = store.make(), store.table, 0
        told = self._told.setdefault(store.code, set())
        try:
            while True:
                async with asyncio.timeout(store.deadline), engine.connect() as connection:
                    rows = await connection.run_sync(lambda one: self._due(one, store, sweep))
                if not rows:
                    return recovered
                new = [row for row in rows if row["id"] not in told]
                missing = await asyncio.to_thread(self._missing, new, store.code) if new else []
                if missing:
                    await sweep.write(missing)
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

    def _due(self, connection: Connection, store: _Store, sweep: _Sweep) -> list[Mapping[str, Any]]:
        table = store.table
        query = select(table).where(table.c.origin.in_(sweep.origins))
        query = query.where(table.c.request.startswith(sweep.request, autoescape=True))
        query = query.order_by(func.coalesce(table.c.position, 0), table.c.id).limit(_MOST)
        rows: list[Mapping[str, Any]] = list(map(dict, connection.execute(query).mappings()))
        if not rows:
            sweep.empty.add(store.code)
        if not sweep.age:
            return rows
        before, moment = self._seen.get(store.code, {}), self._clock()
        seen = {row["id"]: before.get(row["id"], moment) for row in rows}
        self._seen[store.code] = seen
        return [row for row in rows if moment - seen[row["id"]] >= sweep.age]

    def _missing(self, rows: Sequence[Mapping[str, Any]], code: str) -> list[Owed]:
        """What is to be made of those rows that the log does not tell of."""
        own = [row["position"] or 0 for row in rows if row["origin"] == self._origin]
        after = min(own) if len(own) == len(rows) else 0  # places of other logs mean nothing here
        requests, names, last = self._look(after, {row["request"] for row in rows})
        found = []
        for row in rows:
            name = _name(row["id"], code)
            if row["request"] not in requests and name not in names:
                entry = _recovered(row, code, name, self._origin)
                found.append(Owed(entry, row["request"], name, last))
        return found

    def _look(self, after: int, wanted: set[str]) -> tuple[set[str], set[str], int]:
        """Those of the requests that entries behind a number tell of; the names of rows that
        entries were made of; and the last number looked at.
        """
        uri = f"{self._log.absolute().as_uri()}?mode=rw"
        requests: set[str] = set()
        names: set[str] = set()
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()
            end = last
            while end > after and len(requests) < len(wanted):
                first = max(after + 1, end - _CHUNK + 1)
                for (entry,) in connection.execute(  # one by one: a page of people has 150 KB
                    "SELECT entry FROM entries WHERE number BETWEEN ? AND ?", (first, end)
                ):
                    request, name = _told_by(entry)
                    if name:
                        names.add(name)
                    elif request in wanted:
                        requests.add(request)
                end = first - 1
        return requests, names, last


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What one sweep looks for."""

    write: Write
    age: float
    request: str
    origins: Sequence[str]
    empty: set[str]  # codes of stores that were found without a row


def _told_by(entry: str) -> tuple[str, str]:
    """The request an entry tells of, and the name of the row it was made of, if it was."""
    try:
        found = orjson.loads(entry)
        return str(found.get("request")), str(found.get("row") or "")
    except (orjson.JSONDecodeError, AttributeError):
        return "", ""


def _name(row: str, code: str) -> str:
    """A row's name in the log: its id has the client's own words in it."""
    return sha256(f"{code}/{row}".encode()).hexdigest()[:32]


def _regions(row: Mapping[str, Any], code: str) -> list[str]:
    """The regions a row tells of: of the post, the sender's too, with which the row's id ends."""
    if _module(row["operation"]) == "post":
        return sorted({row["id"].rpartition("/")[2], code})
    return [code] if code else []


def _module(operation: str) -> str:
    """Of mutations, loads and the post the operation has a word before it; of sign-outs none."""
    if operation.startswith("post "):
        return "post"
    if operation.startswith("load "):
        return "load"
    return "graphql" if " " in operation else "sign-in"


def _recovered(row: Mapping[str, Any], code: str, name: str, origin: str) -> Row:
    at = now()
    entry = {
        "account": row["account"] or None,
        "at": at,
        "module": _module(row["operation"]),
        "operation": row["operation"],
        "recovered": row["at"],
        "request": row["request"],
        "result": "OK",
        "row": name,
        "trace": row["trace"] or None,
        "what": {
            "regions": dict.fromkeys(_regions(row, code), "ANSWERED"),
            "wrote": orjson.loads(row["wrote"]),
        },
    }
    if row["origin"] != origin:
        entry["origin"] = row["origin"]
    return (at, row["account"], row["operation"], "OK", canonical(entry).decode())
