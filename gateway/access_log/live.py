"""The log's own file as a source to verify, to prove from and to export: one moment of it."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from gateway.access_log.contradictions import Contradiction, contradictions_in
from gateway.access_log.tree import (
    StoredCheckpoint,
    checkpoint_in,
    entry_bytes,
    fact_in,
    tampered,
    tile_bytes,
)
from regions.errors import AccessLogError, InvalidInput
from resolvers.access_log.findings import Problem, numbers
from resolvers.access_log.merkle import inclusion_proof, leaf_hash
from resolvers.access_log.notes import add_signature
from resolvers.access_log.proofs import EntryProof
from resolvers.access_log.tiles import HASH, HEIGHT, WIDTH, folded, heights

__all__ = ["Known", "LiveLog", "live_log"]

_ENTRIES = "SELECT number, entry FROM entries WHERE number BETWEEN ? + 1 AND ? ORDER BY number"
_COLUMNS = (
    "SELECT number, at, account, operation, result, entry FROM entries "
    "WHERE number BETWEEN ? + 1 AND ? ORDER BY number"
)
_BATCH = 2_048
_TILES = 512  # kept in memory: 16 KB each


class Known:
    """Tiles of logs in memory, with the hashes of the subtrees over theirs (`tiles.heights`).

    As a log only grows, what is known stays; the last tile of a level grows until it is full. Those
    that were not asked for the longest are forgotten. For several threads.
    """

    def __init__(self, most: int = _TILES) -> None:
        self._most = most
        self._tiles: OrderedDict[tuple[str, int, int], list[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, origin: str, level: int, tile: int) -> list[bytes]:
        """The rows of a tile of a log; none of one that is not known."""
        key = (origin, level, tile)
        with self._lock:
            found = self._tiles.get(key)
            if found is None:
                return []
            self._tiles.move_to_end(key)
            return found

    def keep(self, origin: str, level: int, tile: int, row: bytes) -> list[bytes]:
        """Keeps a tile's hashes; its rows."""
        rows = heights(row)
        with self._lock:
            self._tiles[origin, level, tile] = rows
            while len(self._tiles) > self._most:
                self._tiles.popitem(last=False)
        return rows


@contextmanager
def live_log(path: Path, known: Known | None = None) -> Iterator[LiveLog]:
    """The log as it is now; what is appended meanwhile is not seen. Raises AccessLogError.

    `known` remembers hashes from one proof to the next.
    """
    if not path.exists():
        raise AccessLogError(
            f"there is no access log {path}", hint="`epigate init` makes one; is it the right file?"
        )
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
        )
    except sqlite3.Error as error:
        raise AccessLogError(f"the access log {path} cannot be read: {error}") from None
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        yield LiveLog(connection, path, known or Known())
    except sqlite3.Error as error:
        raise AccessLogError(f"the access log {path} cannot be read: {error}") from None
    finally:
        connection.close()


class LiveLog:
    """A connection's view of the log (`resolvers.access_log.verifying.Source`)."""

    def __init__(self, connection: sqlite3.Connection, path: Path, known: Known) -> None:
        newest = checkpoint_in(connection)
        if newest is None:
            raise AccessLogError(
                f"the access log {path} has no checkpoint", hint="`epigate init` signs the first"
            )
        self.connection = connection
        self.size = newest.size
        self.origin, self._known = newest.note.partition("\n")[0], known
        self.note = self._cosigned(newest.size, newest.note)
        pruned = fact_in(connection, "pruned_to") or "0"
        if not pruned.isdecimal():
            raise tampered(f"up to where it was pruned is no number: {pruned!r}")
        self.first, self.hashed = int(pruned) // WIDTH * WIDTH, 0
        self.last: int | None = None

    @property
    def notes(self) -> Sequence[str]:
        """The older checkpoints with their cosignatures, oldest first."""
        rows = self.connection.execute(
            "SELECT size, note FROM checkpoints WHERE size < ? ORDER BY size", (self.size,)
        ).fetchall()
        return [self._cosigned(size, note) for size, note in rows]

    def older(self, behind: int, most: int) -> list[StoredCheckpoint]:
        """Up to so many of the older checkpoints, of more entries than `behind`, as they are kept.

        Raises AccessLogTampered where one is damaged.
        """
        rows = self.connection.execute(
            "SELECT size, at, root, note FROM checkpoints WHERE size > ? AND size < ? "
            "ORDER BY size LIMIT ?",
            (behind, self.size, most),
        )
        found = [StoredCheckpoint(*row) for row in rows]
        if not all(one.sound for one in found):
            raise tampered("a checkpoint that is kept is damaged")
        return found

    def note_at(self, size: int) -> str | None:
        """The checkpoint of a size with its cosignatures, where one is kept."""
        found = checkpoint_in(self.connection, size)
        return None if found is None else self._cosigned(size, found.note)

    def cosigned(self) -> str | None:
        """The newest checkpoint that a witness cosigned."""
        row = self.connection.execute(
            "SELECT max(c.size) FROM checkpoints c JOIN cosignatures s ON s.size = c.size"
        ).fetchone()
        return None if row[0] is None else self.note_at(row[0])

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """A tile's hashes: full ones are kept, the others made of what is below."""
        if width == WIDTH:
            row = self.connection.execute(
                "SELECT hashes FROM tiles WHERE level = ? AND tile = ?", (level, index)
            ).fetchone()
            return None if row is None else tile_bytes(row[0])
        first = index * WIDTH
        if level == 0:
            entries = self.bundle(index, width)
            return None if entries is None else b"".join(map(leaf_hash, entries[:width]))
        below = [self.tile(level - 1, one, WIDTH) for one in range(first, first + width)]
        if any(one is None or len(one) != WIDTH * HASH for one in below):
            return None
        return b"".join(folded(one) for one in below if one is not None)

    def bundle(self, index: int, width: int) -> list[bytes] | None:
        """The entries of a tile; None where one of them is missing."""
        first = index * WIDTH
        rows = self.connection.execute(_ENTRIES, (first, first + width)).fetchall()
        if [number for number, _ in rows] != list(range(first + 1, first + len(rows) + 1)):
            held = {number for number, _ in rows}
            gap = next(n for n in range(first + 1, first + width + 1) if n not in held)
            rows = [row for row in rows if row[0] < gap]
        return [entry_bytes(entry) for _, entry in rows] if rows else None

    def entries(self, first: int, last: int) -> Iterator[tuple[int, str]]:
        """Number and text of the entries from index `first` to before `last`."""
        yield from self.connection.execute(_ENTRIES, (first, last))

    def entry(self, index: int) -> bytes:
        """An entry. Raises InvalidInput where there is none."""
        row = self.connection.execute(
            "SELECT entry FROM entries WHERE number = ?", (index + 1,)
        ).fetchone()
        if row is None or not 0 <= index < self.size:
            raise InvalidInput(
                f"there is no entry of index {index}",
                hint=f"the log has the indexes {self.first} to {self.size - 1}",
            )
        return str(row[0]).encode()

    def prove(self, index: int) -> EntryProof:
        """The proof that an entry is in the log. Raises InvalidInput, AccessLogTampered."""
        entry = self.entry(index)
        return EntryProof(
            index, entry, tuple(inclusion_proof(index, self.size, self.hash_at)), self.note
        )

    def hash_at(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. Raises AccessLogTampered where a tile is missing."""
        tile_level, height = divmod(level, HEIGHT)
        tile, at = divmod(index, WIDTH >> height)
        rows = self._known.get(self.origin, tile_level, tile)
        if not rows or len(rows[height]) <= at * HASH:
            row = self._row(tile_level, tile, rows[0] if rows else b"")
            rows = self._known.keep(self.origin, tile_level, tile, row)
        found = rows[height][at * HASH : (at + 1) * HASH]
        if len(found) != HASH:
            raise tampered(f"tile {tile_level}/{tile} is too short")
        return found

    def _row(self, level: int, tile: int, known: bytes) -> bytes:
        """The hashes of a tile, as many as there are; of the last of a level, some are `known`."""
        width = min(WIDTH, (self.size >> HEIGHT * level) - tile * WIDTH)
        if width == WIDTH:
            row = self.tile(level, tile, WIDTH)
            if row is None or len(row) != WIDTH * HASH:
                raise tampered(f"tile {level}/{tile} is missing")
            return row
        first, done = tile * WIDTH, len(known) // HASH
        if level:
            below = range(first + done, first + width)
            return known + b"".join(self._root_of(level - 1, one) for one in below)
        rows = self.connection.execute(_ENTRIES, (first + done, first + width)).fetchall()
        if len(rows) != width - done:
            raise tampered(f"an entry behind entry {first} is missing")
        return known + b"".join(leaf_hash(entry_bytes(entry)) for _, entry in rows)

    def _root_of(self, level: int, tile: int) -> bytes:
        row = self.tile(level, tile, WIDTH)
        if row is None or len(row) != WIDTH * HASH:
            raise tampered(f"tile {level}/{tile} is missing")
        return folded(row)

    def contradictions(self) -> list[Contradiction]:
        """What regions' witnesses have against it."""
        return contradictions_in(self.connection)

    def columns(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Problem]:
        """What the tree is not over: what entries are found by, where it is not what they say, and
        up to where they were pruned, where no entry says so.
        """
        pruned = 0
        for first in range(self.first, self.size, _BATCH):
            last = min(first + _BATCH, self.size)
            for number, *columns, text in self.connection.execute(_COLUMNS, (first, last)):
                pruned = max(pruned, _pruned(columns, text))
                if _said(text) != columns:
                    yield Problem(
                        "COLUMNS_CHANGED",
                        f"entry {number} (index {number - 1}) is kept under another time, account, "
                        "operation or result than it says",
                        number - 1,
                    )
            if progress is not None:
                progress(last - self.first, self.size - self.first)
        if pruned < self.first:
            yield Problem(
                "ENTRY_MISSING",
                f"{numbers(pruned, self.first)} are missing as if they were pruned, but no entry "
                "says so",
                pruned,
            )
        (more,) = self.connection.execute("SELECT max(number) FROM entries").fetchone()
        if (more or 0) > self.size:
            yield Problem(
                "NOT_SIGNED",
                f"entries {self.size + 1} to {more} are behind the newest checkpoint",
                self.size,
            )

    def _cosigned(self, size: int, note: str) -> str:
        rows = self.connection.execute(
            "SELECT note FROM cosignatures WHERE size = ? ORDER BY witness", (size,)
        )
        for (line,) in rows:
            note = add_signature(note, line)
        return note


def _pruned(columns: Sequence[object], text: str) -> int:
    """Up to which number an entry says that others were pruned; 0 for any other entry."""
    if columns[2] != "prune":
        return 0
    try:
        said = orjson.loads(text)
        return int(said["what"]["last"]) if said["module"] == "gateway" else 0
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return 0


def _said(text: str) -> list[str] | None:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    return [str(said.get(name) or "") for name in ("at", "account", "operation", "result")]
