"""Two states of one log: the later grew out of the earlier, or the log was forked or rolled back.

Of the two at least the larger must hold tiles. Pure, like `verifying`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from resolvers.access_log.merkle import EMPTY_ROOT, Frontier
from resolvers.access_log.notes import Checkpoint, VerifierKey, open_checkpoint
from resolvers.access_log.tiles import HASH, HEIGHT, WIDTH, hashes_in
from resolvers.access_log.verifying import Source

__all__ = ["Comparison", "Outcome", "compare"]


class Outcome(Enum):
    """How two states of a log stand to each other."""

    SAME = "the same"
    GREW = "consistent"
    ROLLED_BACK = "rolled back"
    FORKED = "forked"
    OTHER = "two logs"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. `index`: of the first entry that differs, came new or is gone."""

    outcome: Outcome
    before: Checkpoint
    after: Checkpoint
    index: int | None = None
    exact: bool = True  # whether `index` is that very entry, or only the first of its tile


def compare(
    before: str,
    after: str,
    keys: Sequence[VerifierKey],
    *,
    tiles_before: Source | None = None,
    tiles_after: Source | None = None,
) -> Comparison:
    """Compares the checkpoints (notes) of an earlier and a later state. Raises NoteInvalid."""
    old = open_checkpoint(before, keys).checkpoint
    new = open_checkpoint(after, keys).checkpoint
    if old.origin != new.origin:
        return Comparison(Outcome.OTHER, old, new)
    if old == new:
        return Comparison(Outcome.SAME, old, new)
    small, large = sorted((old, new), key=lambda one: one.size)
    source = tiles_after if large is new else tiles_before
    # Of two of one size either tree shows nothing but its own root: they differ, so it is a fork.
    root = None if source is None else _root(source, small.size, large.size)
    if small.size == large.size:
        root = large.root
    if root is None:
        return Comparison(Outcome.UNKNOWN, old, new)
    if root == small.root:
        outcome = Outcome.GREW if large is new else Outcome.ROLLED_BACK
        return Comparison(outcome, old, new, small.size)
    index, exact = _parting(tiles_before, old.size, tiles_after, new.size)
    return Comparison(Outcome.FORKED, old, new, index, exact)


def _root(source: Source, size: int, whole: int) -> bytes | None:
    if size == 0:
        return EMPTY_ROOT
    try:
        return Frontier.at(size, hashes_in(lambda level, at: _row(source, level, at, whole))).root()
    except ValueError:
        return None


def _row(source: Source, level: int, index: int, size: int) -> bytes:
    width = min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)
    return (source.tile(level, index, width) or b"") if width > 0 else b""


def _parting(
    one: Source | None, one_size: int, other: Source | None, other_size: int
) -> tuple[int | None, bool]:
    """Index of the first entry in which two trees differ; found from the top down."""
    if one is None or other is None:
        return None, False
    shared = min(one_size, other_size)
    top = max(shared.bit_length() - 1, 0) // HEIGHT
    begin, end = 0, shared >> HEIGHT * top  # of the hashes to look through, at a level
    for level in range(top, -1, -1):
        found, missing = _first_other(one, one_size, other, other_size, level, begin, end)
        if missing:
            return begin << HEIGHT * level, False
        if level == 0:
            return (shared, False) if found is None else (found, True)
        below = shared >> HEIGHT * (level - 1)
        if found is None:  # what differs lies behind the complete subtrees of this level
            begin, end = end << HEIGHT, below
        else:
            begin, end = found << HEIGHT, min(below, (found + 1) << HEIGHT)
    return None, False


def _first_other(
    one: Source, one_size: int, other: Source, other_size: int, level: int, begin: int, end: int
) -> tuple[int | None, bool]:
    """The first hash of a level, from `begin` to before `end`, that differs; whether a tile that it
    takes is missing.
    """
    for tile in range(begin // WIDTH, -(-end // WIDTH)):
        mine, theirs = _row(one, level, tile, one_size), _row(other, level, tile, other_size)
        if not mine or not theirs:
            return None, True
        for at in range(max(begin, tile * WIDTH), min(end, tile * WIDTH + WIDTH)):
            place = (at - tile * WIDTH) * HASH
            if mine[place : place + HASH] != theirs[place : place + HASH]:
                return at, False
    return None, False
