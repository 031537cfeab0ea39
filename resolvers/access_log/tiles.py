"""The tree cut into tiles of 256 hashes, as files are named and shaped (c2sp.org/tlog-tiles).

Tile (level, index) holds hashes of the tree's level 8 * level: level 0 leaves, level 1 the roots of
full tiles of level 0, and so on. A full tile never changes; the last of a level may be partial.

Entries are bundled by 256 beside the tiles of level 0. C2SP gives an entry at most 65,535 bytes
(16 bits of length); ours, which name every record of an answer, can be longer. The leaf stays the
hash of the whole entry, so that an auditor needs nothing else to check it, and the bundle is our
own: lengths of 32 bits, under `tile/entries32/` lest a C2SP client read it wrongly. Hash tiles are
C2SP's to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from resolvers.access_log.merkle import Frontier, HashAt, leaf_hash

__all__ = [
    "HASH",
    "HEIGHT",
    "WIDTH",
    "Edge",
    "Tile",
    "bundle_path",
    "folded",
    "hashes_in",
    "heights",
    "pack_entries",
    "parse_path",
    "tile_path",
    "tiles_of",
    "unpack_entries",
]

HEIGHT = 8  # levels of the tree in a tile
WIDTH = 256  # hashes in a full tile
HASH = 32  # bytes of a hash
_LEVELS = 8  # of tiles: more than any log has
_ENTRIES = "entries32"
_PATH = re.compile(
    r"tile/(?P<level>[0-7]|entries32)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes of one tile, up to 256, one after the other. In a path, `level` -1 is a bundle."""

    level: int
    index: int
    width: int


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """`tile/0/x001/234`, and for a partial tile `tile/0/x001/234.p/17`."""
    return f"tile/{level}/{_number(index, width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """`tile/entries32/x001/234`: the entries whose hashes are the tile of level 0."""
    return f"tile/{_ENTRIES}/{_number(index, width)}"


def parse_path(path: str) -> Tile:
    """What a path names. Raises ValueError where it is none, or is not written as we would."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError("not the path of a tile")
    level = -1 if match["level"] == _ENTRIES else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    width = int(match["width"] or WIDTH)
    written = bundle_path(index, width) if level < 0 else tile_path(level, index, width)
    if written != path:
        raise ValueError("not the path of a tile")
    return Tile(level, index, width)


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """The hash tiles of a tree of `size` leaves that one of `since` did not have in full."""
    for level in range(_LEVELS):
        count = size >> HEIGHT * level
        if not count:
            return
        for index in range(since >> HEIGHT * (level + 1), count >> HEIGHT):
            yield Tile(level, index, WIDTH)
        if count % WIDTH:
            yield Tile(level, count >> HEIGHT, count % WIDTH)


def hashes_in(tile_at: Callable[[int, int], bytes]) -> HashAt:
    """`hash_at` over tiles: `tile_at(level, index)` gives a tile's hashes, partial ones too.

    `hash_at` raises ValueError where a tile is shorter than is needed.
    """

    def hash_at(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        tile = tile_at(tile_level, first >> HEIGHT)
        start = first % WIDTH * HASH
        row = tile[start : start + (HASH << height)]
        if len(row) != HASH << height:
            raise ValueError(f"tile {tile_level}/{first >> HEIGHT} is too short")
        return folded(row)

    return hash_at


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Entries as a bundle: each its length as 32 bits, the highest first, and its bytes."""
    return b"".join(len(entry).to_bytes(4) + entry for entry in entries)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError where it ends too early."""
    found, at = [], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 4])
        entry = bundle[at + 4 : at + 4 + length]
        if at + 4 > len(bundle) or len(entry) != length:
            raise ValueError("the bundle ends in the middle of an entry")
        found.append(entry)
        at += 4 + length
    return found


class Edge:
    """The growing end of a tree in tiles: what is in no full tile yet, and the root.

    `partial` are the hashes of the last tile of each level, from level 0 up, where the tree ends.
    """

    def __init__(self, frontier: Frontier | None = None, partial: Sequence[bytes] = ()) -> None:
        self._frontier = frontier or Frontier()
        self._partial = [bytearray(row) for row in partial]

    @classmethod
    def at(cls, size: int, tile_at: Callable[[int, int], bytes]) -> Edge:
        """The end of a tree whose tiles are known, partial ones too."""
        partial = []
        for level in range(_LEVELS):
            count = size >> HEIGHT * level
            if not count:
                break
            width = count % WIDTH
            partial.append(tile_at(level, count >> HEIGHT)[: width * HASH] if width else b"")
        return cls(Frontier.at(size, hashes_in(tile_at)), partial)

    @classmethod
    def kept(cls, size: int, full_tile: Callable[[int, int], bytes], last: Iterable[bytes]) -> Edge:
        """The end of a tree of which full tiles are kept, and the entries behind those of level 0.

        Raises ValueError where a tile or an entry is missing.
        """
        rows = [b"".join(map(leaf_hash, last))]
        while count := size >> HEIGHT * len(rows):
            below, width = len(rows) - 1, count % WIDTH
            tiles = [full_tile(below, index) for index in range(count - width, count)]
            for index, tile in enumerate(tiles, count - width):
                if len(tile) != WIDTH * HASH:
                    raise ValueError(f"tile {below}/{index} is missing or not full")
            rows.append(b"".join(map(folded, tiles)))
        if len(rows[0]) != size % WIDTH * HASH:
            raise ValueError(f"there are not {size % WIDTH} entries behind the last full tile")
        return cls.at(size, lambda level, _: rows[level])

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._frontier.size

    def root(self) -> bytes:
        """The root over all of them."""
        return self._frontier.root()

    def partial(self, level: int) -> bytes:
        """The hashes of the level's last tile, fewer than 256."""
        return bytes(self._partial[level]) if level < len(self._partial) else b""

    def append(self, entry: bytes) -> list[tuple[int, int, bytes]]:
        """Adds an entry; the tiles it filled: level, index, hashes."""
        completed = self._frontier.append(leaf_hash(entry))
        filled = []
        for level, node in enumerate(completed[::HEIGHT]):
            if level == len(self._partial):
                self._partial.append(bytearray())
            row = self._partial[level]
            row += node
            if len(row) == WIDTH * HASH:
                index = (self.size >> HEIGHT * (level + 1)) - 1
                filled.append((level, index, bytes(row)))
                row.clear()
        return filled

    def copy(self) -> Edge:
        """Another one of the same tree."""
        return Edge(self._frontier.copy(), [bytes(row) for row in self._partial])


def folded(row: bytes) -> bytes:
    """The hash over a complete row of hashes."""
    while len(row) > HASH:
        row = _above(row)
    return row


def heights(row: bytes) -> list[bytes]:
    """A tile's hashes, and above them those of the complete subtrees of 2, 4, … 128 of them."""
    rows = [row]
    for _ in range(HEIGHT - 1):
        rows.append(_above(rows[-1]))
    return rows


def _above(row: bytes) -> bytes:
    """The hashes of the nodes over pairs of hashes, which stand side by side (`node_hash`)."""
    whole = len(row) // (2 * HASH) * 2 * HASH
    return b"".join(
        [sha256(b"\x01" + row[at : at + 2 * HASH]).digest() for at in range(0, whole, 2 * HASH)]
    )


def _number(index: int, width: int) -> str:
    if index < 0 or not 0 < width <= WIDTH:
        raise ValueError("no such tile")
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return "/".join(reversed(parts)) + ("" if width == WIDTH else f".p/{width}")
