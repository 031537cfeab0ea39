"""The log's tree as its file keeps it: full tiles, and entries behind the last of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from regions.errors import AccessLogTampered
from resolvers.access_log.merkle import HashAt
from resolvers.access_log.tiles import WIDTH, Edge, hashes_in

__all__ = [
    "RESTORE",
    "StoredCheckpoint",
    "StoredTree",
    "checkpoint_in",
    "entry_bytes",
    "fact_in",
    "tampered",
    "tile_bytes",
]

RESTORE = (
    "keep this file as it is and tell the auditor; `epigate audit verify` says more; then put back "
    "the newest backup, or begin a new log: docs/access-log.md, When the log does not verify"
)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A row of the table of checkpoints."""

    size: int
    at: str
    root: bytes
    note: str

    @property
    def sound(self) -> bool:
        """Whether every column holds what it should."""
        kinds = zip((self.size, self.at, self.root, self.note), (int, str, bytes, str), strict=True)
        return all(isinstance(value, kind) for value, kind in kinds)


class StoredTree:
    """A tree of `size` leaves read from a connection to the log's file.

    Full tiles are kept, partial ones are made anew; all are remembered while this object lives.
    """

    def __init__(self, connection: sqlite3.Connection, size: int) -> None:
        self.size = size
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._edge: Edge | None = None

    def edge(self) -> Edge:
        """The tree's growing end. Raises AccessLogTampered where a tile or an entry is missing."""
        if self._edge is None:
            first = self.size // WIDTH * WIDTH
            try:
                self._edge = Edge.kept(self.size, self._full_tile, self._entries_behind(first))
            except ValueError as error:
                raise tampered(str(error)) from None
        return self._edge

    def _entries_behind(self, first: int) -> Iterator[bytes]:
        """One by one: each may have 150 KB."""
        rows = self._connection.execute(
            "SELECT number, entry FROM entries WHERE number BETWEEN ? + 1 AND ? ORDER BY number",
            (first, self.size),
        )
        for expected, (number, entry) in enumerate(rows, first + 1):
            if number != expected:
                raise tampered(f"entry {expected} is missing")
            yield entry_bytes(entry)

    def tile_at(self, level: int, index: int) -> bytes:
        """The hashes of a tile, of the last one of a level those there are."""
        if index < self.size >> 8 * (level + 1):
            return self._full_tile(level, index)
        return self.edge().partial(level)

    @property
    def hash_at(self) -> HashAt:
        """The hashes that proofs are made of."""
        return hashes_in(self.tile_at)

    def _full_tile(self, level: int, index: int) -> bytes:
        known = self._tiles.get((level, index))
        if known is None:
            row = self._connection.execute(
                "SELECT hashes FROM tiles WHERE level = ? AND tile = ?", (level, index)
            ).fetchone()
            if row is None:
                raise tampered(f"tile {level}/{index} is missing")
            known = self._tiles[level, index] = tile_bytes(row[0])
        return known


def entry_bytes(value: object) -> bytes:
    """The bytes of an entry's column; none where a damaged file holds no text there."""
    return value.encode() if isinstance(value, str) else b""


def tile_bytes(value: object) -> bytes:
    """The bytes of a tile's column; none where a damaged file holds something else there."""
    return value if isinstance(value, bytes) else b""


def checkpoint_in(
    connection: sqlite3.Connection, size: int | None = None
) -> StoredCheckpoint | None:
    """The checkpoint of a size, or else the newest; None where there is none."""
    where, given = ("", ()) if size is None else ("WHERE size = ?", (size,))
    row = connection.execute(
        f"SELECT size, at, root, note FROM checkpoints {where} ORDER BY size DESC LIMIT 1", given
    ).fetchone()
    if row is None:
        return None
    found = StoredCheckpoint(*row)
    if not found.sound:
        raise tampered("a checkpoint is damaged")
    return found


def fact_in(connection: sqlite3.Connection, name: str) -> str | None:
    """A fact that is kept beside the entries: `origin`, `pruned_to`."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def tampered(what: str) -> AccessLogTampered:
    """That the log is not what was signed."""
    return AccessLogTampered(f"the access log does not verify: {what}", hint=RESTORE)
