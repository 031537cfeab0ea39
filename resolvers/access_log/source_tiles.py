"""The tiles of what is verified: each read once, and missed once (`verifying`). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from resolvers.access_log.findings import Report
from resolvers.access_log.merkle import EMPTY_ROOT, Frontier
from resolvers.access_log.tiles import HASH, HEIGHT, WIDTH, hashes_in

__all__ = ["Source", "SourceTiles"]


class Source(Protocol):
    """What is verified. Indexes count from 0, entry numbers from 1."""

    @property
    def note(self) -> str:
        """The signed checkpoint, with cosignatures."""

    @property
    def notes(self) -> Sequence[str]:
        """Older checkpoints that are kept, oldest first."""

    @property
    def first(self) -> int:
        """Index of the first entry held, a multiple of 256: what is before was left out."""

    @property
    def hashed(self) -> int:
        """Index from which hashes of entries are held: those of pruned ones stay."""

    @property
    def last(self) -> int | None:
        """Index behind the last entry held; None: to the end."""

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """The hashes of a tile, None where it is not there."""

    def bundle(self, index: int, width: int) -> list[bytes] | None:
        """The entries of a tile of level 0, None where they are not there."""


class SourceTiles:
    """The tiles of a source of `size` entries; what is missing is told to the report."""

    def __init__(self, source: Source, size: int, report: Report) -> None:
        self._source, self._size, self._report = source, size, report
        self._known: dict[tuple[int, int], bytes] = {}

    def above(self, level: int, tile: int) -> bytes | None:
        """What the tile above says of a full tile."""
        row = self.tile(level + 1, tile >> HEIGHT)
        at = tile % WIDTH * HASH
        return None if row is None else row[at : at + HASH]

    def root_at(self, size: int) -> bytes | None:
        """The root over the first entries by their hashes; None where a tile is missing."""
        if size == 0:
            return EMPTY_ROOT

        def tile_at(level: int, index: int) -> bytes:
            return self.tile(level, index) or b""

        try:
            return Frontier.at(size, hashes_in(tile_at)).root()
        except ValueError:
            return None

    def tile(self, level: int, index: int) -> bytes | None:
        """A tile's hashes; once a tile is missing, that is said."""
        known = self._known.get((level, index))
        if known is None:
            count = self._size >> HEIGHT * level
            width = min(WIDTH, count - index * WIDTH)
            if width <= 0:
                return None
            row = self._source.tile(level, index, width)
            if row is None or len(row) != width * HASH:
                row = b""
                if self._wanted(level, index):
                    self._report.add(
                        "TILE_MISSING",
                        f"tile {level}/{index} is missing or not as long as it was signed",
                        index=index << HEIGHT * (level + 1),
                        tile=(level, index),
                    )
            else:
                self._report.tiles += 1
            known = self._known[level, index] = row
            if level == 0 and len(self._known) > 4_096:  # a tile of level 0 is asked for twice
                for key in list(self._known)[:2_048]:
                    if key[0] == 0 and key != (level, index):
                        del self._known[key]
        return known or None

    def _wanted(self, level: int, index: int) -> bool:
        """Whether the source says to hold it: a range leaves out tiles of level 0 beside it."""
        if level > 0:
            return True
        first, last = self._source.hashed, self._source.last
        if index == self._size // WIDTH:
            return True
        return first // WIDTH <= index < (-(-(self._size if last is None else last) // WIDTH))
