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
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access_log.contradictions import (
    Contradiction,
    contradicted,
)
from gateway.access_log.seen import Against, check_gone, checked, marked, row_of
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
from regions.instants import instant
from regions.settings import RegionSettings
from resolvers.access_log.merkle import consistency_proof
from resolvers.access_log.notes import NoteSigner, VerifierKey, open_checkpoint
from resolvers.access_log.sides import pack_side, regions_of
from resolvers.access_log.witnessing import Held, consider, regional_witness

__all__ = ["Sides"]

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

        A region that has seen something else of the log is a mark in the log's file, after which no
        process writes it; one whose witness cannot be read is a mark, too, and left out. Raises
        AccessLogContradicted after the others, AccessLogTampered where the log itself is damaged.
        """
        newest = await asyncio.to_thread(self._newest)
        turns = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(
            *(self._region(region, newest, turns) for region in self._regions),
            return_exceptions=True,
        )
        cosigned, copied = [], 0
        against: list[Contradiction] = []
        for region, outcome in zip(self._regions, found, strict=True):
            if isinstance(outcome, Against):
                mark = await asyncio.to_thread(marked, self._path, region.code, outcome)
                if mark.proven:
                    against.append(mark)
                elif region.code not in self._said:
                    _log.error("the access log: %s", mark.text)
                self._said.add(region.code)
            elif isinstance(outcome, _AWAY):
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
        if cosigned and not against:
            await asyncio.to_thread(self._keep, cosigned)
        if against:
            raise contradicted(against)
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
                row, position = await connection.run_sync(lambda one: _position(one, origin))
            witness = self._witnesses[region.code]
            held = checked(row, self._vkey, witness)
            if held is None:
                await asyncio.to_thread(check_gone, self._path, witness.verifier.name)
            if held is not None and (held.size, held.root) == (newest.size, newest.root):
                return None, 0
            proof = await asyncio.to_thread(self._proof, held, newest)
            at = int(time.time())
            try:
                seen = consider(
                    held, newest.note, self._vkey, proof, self._witnesses[region.code], at
                )
            except AccessLogTampered as error:
                assert held is not None
                raise Against(error.message, held) from None
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
        try:  # else a region would be blamed
            open_checkpoint(newest.note, [self._vkey])
        except NoteInvalid as error:
            raise tampered(f"checkpoint {newest.size}: {error.message}") from None
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


def _position(connection: Connection, origin: str) -> tuple[Row[Any] | None, int]:
    """What the region is said to hold, and up to which entry it has its side."""
    row = row_of(connection, origin)
    last = connection.execute(
        select(func.max(log_sides.c.last)).where(log_sides.c.origin == origin)
    ).scalar()
    size = row.size if row is not None and isinstance(row.size, int) else 0
    return row, max(size, last or 0)


def _keep_side(connection: Connection, held: Held | None, seen: Held | None, side: _Side) -> None:
    """Keeps a part of a region's side; at its end what the region witnessed.

    Unless somebody else has gone on from `held`.
    """
    known = row_of(connection, side.origin)
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
