"""Groups: records in boxes, each box with none or at least five of them.

A box is cut in two where each part has no record, or enough. Which cuts are tried depends on the
box alone (`axes`), the coarsest first and outward from the middle. Boxes that can be cut no further
are the groups. A region of one to four records is one box of which not even the size is told.

Two secrets keep from working backwards. How many records are enough differs from cut to cut (5 to
8): that a box was not cut does not say how few lie where. And a size is rounded to fives, up or
down by a threshold of the box's own: on average sums are right, and a single record that comes in
moves a size by nothing or by five.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from resolvers.aggregates.axes import Axis, Cuts

__all__ = ["FEWEST", "Atom", "Box", "Group", "Grouping", "group"]

FEWEST = 5
"""No number below this is told."""
_SPREAD = 4  # FEWEST to FEWEST + 3 are enough, by the cut

Box = tuple[tuple[int, int], ...]
"""An interval on each axis: from (included) and to (not included)."""

Atom = tuple[tuple[int, ...], int]
"""A place in the space, and how many records lie exactly there."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some records: where they lie, and how many they are, to the next five."""

    box: Box
    size: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of a region; `withheld`: it has some records, and fewer than are ever told."""

    groups: tuple[Group, ...]
    withheld: bool


def group(axes: Sequence[Axis], atoms: Iterable[Atom], key: bytes) -> Grouping:
    """The groups of some records. `key` is secret; with the same one the result is the same."""
    points = [atom for atom in atoms if atom[1] > 0]
    total = sum(count for _, count in points)
    if total < FEWEST:
        return Grouping((), withheld=total > 0)
    found: list[Group] = []
    waiting: list[tuple[Box, list[Atom], int]] = [
        (tuple((axis.first, axis.end) for axis in axes), points, total)
    ]
    while waiting:
        box, inside, size = waiting.pop()
        box = _narrowed(axes, box, inside)
        parts = _parts(axes, box, inside, size, key)
        if parts is None:
            found.append(Group(box, _rounded(size, box, key)))
        else:
            waiting += [part for part in parts if part[2]]
    return Grouping(tuple(sorted(found, key=lambda one: one.box)), withheld=False)


def _narrowed(axes: Sequence[Axis], box: Box, inside: Sequence[Atom]) -> Box:
    """The box without parts that the first cuts would find empty."""
    made = []
    for place, axis in enumerate(axes):
        low, high = box[place]
        least = min(point[place] for point, _ in inside)
        most = max(point[place] for point, _ in inside)
        while found := axis.cuts(low, high):
            at = found[0].at[0]
            if most < at:
                high = at
            elif least >= at:
                low = at
            else:
                break
        made.append((low, high))
    return tuple(made)


def _parts(
    axes: Sequence[Axis], box: Box, inside: Sequence[Atom], size: int, key: bytes
) -> list[tuple[Box, list[Atom], int]] | None:
    """The two parts of a box by the first cut that can be made; None where none can."""
    if size < 2 * FEWEST or len(inside) == 1:
        return None
    tried = [(cuts, place) for place, axis in enumerate(axes) for cuts in axis.cuts(*box[place])]
    sums: dict[int, _Sums] = {}
    for cuts, place in sorted(tried, key=lambda one: (one[0].rank, one[1])):
        if place not in sums:
            sums[place] = _Sums(inside, place)
        at = _cut(cuts, place, box, sums[place], key)
        if at is None:
            continue
        left = [atom for atom in inside if atom[0][place] < at]
        right = [atom for atom in inside if atom[0][place] >= at]
        count = sum(number for _, number in left)
        (low, high), before, behind = box[place], box[:place], box[place + 1 :]
        return [
            ((*before, (low, at), *behind), left, count),
            ((*before, (at, high), *behind), right, size - count),
        ]
    return None


class _Sums:
    """How many records lie before a position of an axis."""

    def __init__(self, inside: Sequence[Atom], place: int) -> None:
        here: dict[int, int] = {}
        for point, number in inside:
            here[point[place]] = here.get(point[place], 0) + number
        self._positions = sorted(here)
        self._sums = [0, *accumulate(here[position] for position in self._positions)]

    def fewer(self, at: int) -> int:
        """How many there are on the side of a cut that has fewer."""
        left = self._sums[bisect_left(self._positions, at)]
        return min(left, self._sums[-1] - left)


def _cut(cuts: Cuts, place: int, box: Box, sums: _Sums, key: bytes) -> int | None:
    """The first of the cuts of an axis with enough records, or none, on either side."""
    for at in cuts.at:
        fewer = sums.fewer(at)
        if fewer == 0 or fewer >= FEWEST + _SPREAD:
            return at
        if fewer >= FEWEST and fewer >= FEWEST + _drawn(key, b"cut", box, place, at) % _SPREAD:
            return at
    return None


def _rounded(size: int, box: Box, key: bytes) -> int:
    """The size as a multiple of five, on average of all boxes neither more nor less."""
    return (size + _drawn(key, b"size", box, 0, 0) % FEWEST) // FEWEST * FEWEST


def _drawn(key: bytes, what: bytes, box: Box, place: int, at: int) -> int:
    text = b"%s|%d|%d|%s" % (what, place, at, repr(box).encode())
    return int.from_bytes(hmac.digest(key, text, "sha256")[:8], "big")
