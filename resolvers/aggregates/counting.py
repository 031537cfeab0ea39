"""A table of counts from groups: a pure function of them, so that it tells no more than they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from regions.errors import TooLarge
from resolvers.aggregates.grouping import Group
from resolvers.aggregates.subjects import Dimension, Line

__all__ = ["MOST_CELLS", "Cell", "Counts", "Interval", "Wanted", "count"]

MOST_CELLS = 20_000

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: intervals by name of an axis (none for all of it), and the dimensions."""

    within: Mapping[str, Sequence[Interval]]
    by: Sequence[Dimension]


@dataclass(slots=True)
class Cell:
    """A cell: how many, and whether others reach into it."""

    count: int = 0
    partly: bool = False


@dataclass(slots=True)
class Counts:
    """The table so far."""

    cells: dict[tuple[str, ...], Cell] = field(default_factory=dict)
    whole: Cell = field(default_factory=Cell)
    unplaced: int = 0


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in order, those that touch made one."""
    found: list[Interval] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def count(
    counts: Counts,
    lines: Sequence[Line],
    groups: Sequence[Group],
    wanted: Wanted,
    names: Mapping[str, Sequence[str]],
) -> None:
    """Adds groups over some axes to a table; `names` are the positions of axes, by name.

    Raises TooLarge.
    """
    places = {line.name: place for place, line in enumerate(lines)}
    within = [(places[name], merged(some)) for name, some in wanted.within.items()]
    for group in groups:
        reach = dict(enumerate(group.box))
        inside = True
        for place, some in within:
            low, high = group.box[place]
            touched = [(max(low, a), min(high, b)) for a, b in some if a < high and low < b]
            if not touched:
                break
            inside = inside and touched == [(low, high)]
            reach[place] = (touched[0][0], touched[-1][1])
        else:
            _add(counts, group, inside, reach, places, wanted, names)


def _add(
    counts: Counts,
    group: Group,
    inside: bool,
    reach: Mapping[int, Interval],
    places: Mapping[str, int],
    wanted: Wanted,
    names: Mapping[str, Sequence[str]],
) -> None:
    labels = []
    for dimension in wanted.by:
        low, high = reach[places[dimension.line]]
        labels.append(list(dimension.labels(low, high, names.get(dimension.line, ()))))
    alone = all(len(one) == 1 for one in labels)
    if inside:
        counts.whole.count += group.size
        if not alone:
            counts.unplaced += group.size
    else:
        counts.whole.partly = True
    size = 1
    for one in labels:
        size *= len(one)
    if size > MOST_CELLS:
        raise _too_large()
    for values in product(*labels):
        cell = counts.cells.setdefault(values, Cell())
        if inside and alone:
            cell.count += group.size
        else:
            cell.partly = True
    if len(counts.cells) > MOST_CELLS:
        raise _too_large()


def _too_large() -> TooLarge:
    return TooLarge(
        f"the table has more than {MOST_CELLS} cells",
        hint="ask for fewer dimensions, coarser ones, or fewer days and places",
        argument="by",
    )
