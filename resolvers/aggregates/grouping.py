"""Groups: records in boxes, each box with none or at least five of them.

A box is cut in two where both parts have no record, or enough. Which cut is tried depends on the
box alone (`axes`), the coarsest first; one that cannot be made is left, and the next coarsest is
tried. Boxes that can be cut no further are the groups. A region of one to four records is one box
of which not even the size is told.

Two secrets keep from working backwards. How many records are enough differs from cut to cut (5 to
8): that a box was not cut does not say how few lie where. And a size is rounded to fives, up or
down by a threshold of the box's own: on average sums are right, and a single record that comes in
moves a size by nothing or by five.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from resolvers.aggregates.axes import Axis, Cut

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
            waiting += parts
    return Grouping(tuple(sorted(found, key=lambda one: one.box)), withheld=False)


def _narrowed(axes: Sequence[Axis], box: Box, inside: Sequence[Atom]) -> Box:
    """The box without parts that the next cuts would find empty."""
    made = []
    for place, axis in enumerate(axes):
        low, high = box[place]
        least = min(point[place] for point, _ in inside)
        most = max(point[place] for point, _ in inside)
        while (cut := axis.cut(low, high)) is not None:
            if most < cut.at:
                high = cut.at
            elif least >= cut.at:
                low = cut.at
            else:
                break
        made.append((low, high))
    return tuple(made)


def _parts(
    axes: Sequence[Axis], box: Box, inside: Sequence[Atom], size: int, key: bytes
) -> list[tuple[Box, list[Atom], int]] | None:
    if size < 2 * FEWEST or len(inside) == 1:
        return None
    cuts: list[tuple[Cut, int]] = []
    for place, axis in enumerate(axes):
        cut = axis.cut(*box[place])
        if cut is not None:
            cuts.append((cut, place))
    for cut, place in sorted(cuts):
        left = [atom for atom in inside if atom[0][place] < cut.at]
        count = sum(number for _, number in left)
        enough = FEWEST + _drawn(key, b"cut", box, place) % _SPREAD
        if min(count, size - count) < enough:
            continue
        right = [atom for atom in inside if atom[0][place] >= cut.at]
        low, high = box[place]
        before, behind = box[:place], box[place + 1 :]
        return [
            ((*before, (low, cut.at), *behind), left, count),
            ((*before, (cut.at, high), *behind), right, size - count),
        ]
    return None


def _rounded(size: int, box: Box, key: bytes) -> int:
    """The size as a multiple of five, on average of all boxes neither more nor less."""
    return (size + _drawn(key, b"size", box, 0) % FEWEST) // FEWEST * FEWEST


def _drawn(key: bytes, what: bytes, box: Box, place: int) -> int:
    text = b"%s|%d|%s" % (what, place, repr(box).encode())
    return int.from_bytes(hmac.digest(key, text, "sha256")[:8], "big")
