"""Both sides: each region's own store keeps the entries that concern it, and witnesses the log
(G5).

Off the hot path, in rounds, by one worker. A round copies byte for byte what came since the last,
and the checkpoint it belongs to, cosigned by the region, in one transaction of the region's store;
then the cosignature is kept with the log. A region that is away is caught up with later.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access_log.tree import (
    StoredCheckpoint,
    StoredTree,
    checkpoint_in,
    entry_bytes,
    tampered,
)
from regions.access_log import log_sides, witness
from regions.engines import make_engine
from regions.errors import AccessLogTampered, NoteInvalid
from regions.instants import instant, seconds_of
from regions.settings import RegionSettings
from resolvers.access_log.merkle import Frontier, consistency_proof
from resolvers.access_log.notes import NoteSigner, VerifierKey
from resolvers.access_log.sides import pack_side, regions_of
from resolvers.access_log.witnessing import Held, consider, holds, regional_witness

__all__ = ["Sides", "check_witnesses", "earlier_logs"]

_log = logging.getLogger(__name__)

_BATCH = 2_000  # entries looked through for one transaction
_BYTES = 4 << 20  # of entries taken along in one; a page of a thousand people has some 150 KB
_LOOKED = 64 << 20  # bytes looked through for one
_AT_ONCE = 2  # regions copied to, lest every one's entries be in memory together
_COPY_SECONDS = 30.0  # nobody waits for a part; a slow line gets smaller ones
_BUSY_SECONDS = 2.0
_AWAY = (OSError, SQLAlchemyError, TimeoutError)
_BETWEEN = "SELECT number, entry FROM entries WHERE number BETWEEN ? AND ? ORDER BY number"


@dataclass(frozen=True)
class _Side:
    """A row of a region's side."""

    origin: str
    first: int
    last: int
    entries: list[tuple[int, bytes]]
    at: str


class Sides:
    """Brings the regions' copies up to date. `seed` is the key that signs the log."""

    def __init__(
        self, path: Path, regions: Sequence[RegionSettings], seed: bytes, vkey: VerifierKey
    ) -> None:
        self._path, self._regions, self._vkey = path, regions, vkey
        self._witnesses = {one.code: regional_witness(seed, one.code) for one in regions}
        self._said: set[str] = set()  # regions of which a failure was told
        self._most = {one.code: _BYTES for one in regions}  # bytes of a part

    async def round(self) -> int:
        """Brings every region that answers up to the newest checkpoint; how many entries came.

        Raises AccessLogTampered where the log did not grow out of what a region has seen.
        """
        newest = await asyncio.to_thread(self._newest)
        turns = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(
            *(self._region(region, newest, turns) for region in self._regions),
            return_exceptions=True,
        )
        cosigned, copied = [], 0
        for region, outcome in zip(self._regions, found, strict=True):
            if isinstance(outcome, AccessLogTampered):
                raise outcome
            if isinstance(outcome, _AWAY):
                if region.code not in self._said:
                    name = type(outcome).__name__
                    _log.warning("the access log's side of %s waits: %s", region.code, name)
                self._said.add(region.code)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                self._said.discard(region.code)
                copied += outcome[1]
                if outcome[0] is not None:
                    cosigned.append((self._witnesses[region.code], outcome[0]))
        if cosigned:
            await asyncio.to_thread(self._keep, cosigned)
        return copied

    async def _region(
        self, region: RegionSettings, newest: StoredCheckpoint, turns: asyncio.Semaphore
    ) -> tuple[Held | None, int]:
        """What the region holds now, None where it held that before; and how many entries came.

        Each part that came stays, whatever happens to the next.
        """
        if region.path is not None and not region.path.exists():
            raise FileNotFoundError(region.path)
        origin = self._vkey.name
        engine = make_engine(region, pool_size=1)
        try:
            async with asyncio.timeout(region.deadline), engine.connect() as connection:
                held, position = await connection.run_sync(lambda one: _position(one, origin))
            if held is not None and (held.size, held.root) == (newest.size, newest.root):
                return None, 0
            proof = await asyncio.to_thread(self._proof, held, newest)
            at = int(time.time())
            seen = consider(held, newest.note, self._vkey, proof, self._witnesses[region.code], at)
            copied = 0
            while True:
                async with turns:
                    last, entries = await asyncio.to_thread(
                        self._side, region.code, position + 1, newest.size
                    )
                    done = seen if last == newest.size else None
                    if entries or done:
                        side = _Side(origin, position + 1, last, entries, instant(at))
                        await self._bring(region, engine, held, done, side)
                copied += len(entries)
                if done:
                    return seen, copied
                position = last
        finally:
            await engine.dispose()

    async def _bring(
        self,
        region: RegionSettings,
        engine: AsyncEngine,
        held: Held | None,
        done: Held | None,
        side: _Side,
    ) -> None:
        most = self._most[region.code]
        try:
            async with asyncio.timeout(_COPY_SECONDS), engine.begin() as connection:
                await connection.run_sync(_keep_side, held, done, side)
        except TimeoutError:
            self._most[region.code] = max(1, most // 4)  # a part has one entry at least
            raise
        self._most[region.code] = min(_BYTES, 2 * most)

    def _newest(self) -> StoredCheckpoint:
        with closing(_opened(self._path)) as connection:
            newest = checkpoint_in(connection)
        if newest is None:
            raise tampered("its checkpoints are missing")
        return newest

    def _proof(self, held: Held | None, newest: StoredCheckpoint) -> list[bytes]:
        if held is None or held.size > newest.size:
            return []
        with closing(_opened(self._path)) as connection:
            tree = StoredTree(connection, newest.size)
            return consistency_proof(held.size, newest.size, tree.hash_at)

    def _side(self, code: str, first: int, newest: int) -> tuple[int, list[tuple[int, bytes]]]:
        """Up to where entries were looked through for one part, and those of the region."""
        found: list[tuple[int, bytes]] = []
        last, size, looked = first - 1, 0, 0
        quoted, most = f'"{code}"', self._most[code]
        until = min(first + _BATCH - 1, newest)
        with closing(_opened(self._path)) as connection:
            for number, entry in connection.execute(_BETWEEN, (first, until)):
                raw = entry_bytes(entry)
                looked += len(raw)
                if quoted in str(entry) and code in regions_of(raw):
                    if found and size + len(raw) > most:
                        return last, found
                    size += len(raw)
                    found.append((number, raw))
                last = number
                if looked >= _LOOKED:
                    return last, found
        return until, found

    def _keep(self, cosigned: Sequence[tuple[NoteSigner, Held]]) -> None:
        """Keeps cosignatures and the checkpoints they belong to."""
        with closing(_opened(self._path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for signer, held in cosigned:
                connection.execute(
                    "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)",
                    (held.size, instant(held.at), held.root, held.note),
                )
                name = signer.verifier.name
                connection.execute("DELETE FROM cosignatures WHERE witness = ?", (name,))
                connection.execute(
                    "INSERT INTO cosignatures VALUES (?, ?, ?, ?)",
                    (held.size, name, held.cosignature, instant(held.at)),
                )
            connection.execute("COMMIT")


async def check_witnesses(
    path: Path, regions: Sequence[RegionSettings], seed: bytes, vkey: VerifierKey
) -> list[str]:
    """The regions that have seen the log grow into what it is; others are away or new to it.

    Raises AccessLogTampered where one has seen more of it, or something else.
    """
    found = await asyncio.gather(*(_witnessed(region, vkey.name) for region in regions))
    seen = []
    for region, held in zip(regions, found, strict=True):
        if held is None:
            continue
        name = f"the region {region.code}"
        try:
            holds(held, vkey, regional_witness(seed, region.code).verifier)
        except NoteInvalid as error:
            raise tampered(f"what {name} witnessed does not hold: {error.message}") from None
        await asyncio.to_thread(_check_seen, path, held, name)
        seen.append(region.code)
    return seen


async def earlier_logs(
    regions: Sequence[RegionSettings], seed: bytes, origin: str
) -> dict[str, Held]:
    """What regions have seen of other logs that the same key signed, the most of each, by origin.

    Several gateways with one key folder have such, too.
    """
    found: dict[str, Held] = {}
    for region, rows in zip(
        regions, await asyncio.gather(*map(_all_witnessed, regions)), strict=True
    ):
        for held in rows:
            known = found.get(held.origin)
            if held.origin == origin or (known is not None and known.size >= held.size):
                continue
            with suppress(NoteInvalid, ValueError):  # by other keys, or none
                log = NoteSigner(held.origin, seed).verifier
                holds(held, log, regional_witness(seed, region.code).verifier)
                found[held.origin] = held
    return found


def _check_seen(path: Path, held: Held, name: str) -> None:
    with closing(_opened(path)) as connection:
        newest = checkpoint_in(connection)
        if newest is None or newest.size < held.size:
            size = newest.size if newest else 0
            raise tampered(f"{name} has seen {held.size} entries, the log has {size}")
        tree = StoredTree(connection, newest.size)
        if Frontier.at(held.size, tree.hash_at).root() != held.root:
            raise tampered(f"its first {held.size} entries are not those that {name} has seen")


async def _witnessed(region: RegionSettings, origin: str) -> Held | None:
    return next((one for one in await _all_witnessed(region) if one.origin == origin), None)


async def _all_witnessed(region: RegionSettings) -> list[Held]:
    if region.path is not None and not region.path.exists():
        return []
    engine = make_engine(region, pool_size=1)
    try:
        async with asyncio.timeout(region.deadline), engine.connect() as connection:
            rows = await connection.run_sync(lambda one: one.execute(select(witness)).all())
    except _AWAY:
        return []
    finally:
        await engine.dispose()
    return [_held_in(row) for row in rows]


def _held(connection: Connection, origin: str) -> Held | None:
    row = connection.execute(select(witness).where(witness.c.origin == origin)).first()
    return None if row is None else _held_in(row)


def _held_in(row: Row[Any]) -> Held:
    root, at = bytes.fromhex(row.root), int(seconds_of(row.at))
    return Held(row.origin, row.size, root, row.note, row.cosignature, at)


def _position(connection: Connection, origin: str) -> tuple[Held | None, int]:
    """What the region holds, and up to which entry it has its side."""
    held = _held(connection, origin)
    last = connection.execute(
        select(func.max(log_sides.c.last)).where(log_sides.c.origin == origin)
    ).scalar()
    return held, max(held.size if held else 0, last or 0)


def _keep_side(connection: Connection, held: Held | None, seen: Held | None, side: _Side) -> None:
    """Keeps a part of a region's side; at its end what the region witnessed.

    Unless somebody else has gone on from `held`.
    """
    known = _held(connection, side.origin)
    if (known.size if known else -1) != (held.size if held else -1):
        raise TimeoutError("another process was here")
    if side.entries:
        values = {**vars(side), "entries": pack_side(side.entries)}
        connection.execute(insert(log_sides).values(values))
    if seen is None:
        return
    connection.execute(delete(witness).where(witness.c.origin == side.origin))
    connection.execute(
        insert(witness).values(
            origin=seen.origin,
            size=seen.size,
            root=seen.root.hex(),
            note=seen.note,
            cosignature=seen.cosignature,
            at=instant(seen.at),
        )
    )


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
