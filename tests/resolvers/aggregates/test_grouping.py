"""Groups: nobody is alone in one, nothing is lost, and no number below five can be worked out.

The last is tested against the strongest reader there is: one that knows the method, the key and
every number that was told, and looks for a place where only one number of people is possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resolvers.aggregates.axes import Axis, DayAxis, PlaceAxis, PlainAxis
from resolvers.aggregates.grouping import FEWEST, Atom, Box, Group, group

KEY = b"k" * 32
AXES: list[Axis] = [PlainAxis(4, 0), PlaceAxis(), DayAxis(), PlainAxis(3, 60)]
POINTS = st.tuples(
    st.integers(0, 3),
    st.sampled_from([320_102, 320_104, 320_115, 320_200, 500_101]),
    st.integers(739_000, 739_500),
    st.integers(0, 2),
)
ATOMS = st.dictionaries(POINTS, st.integers(1, 12), max_size=40).map(lambda d: list(d.items()))


def lies_in(point: Sequence[int], box: Box) -> bool:
    return all(low <= at < high for at, (low, high) in zip(point, box, strict=True))


def true_size(atoms: Sequence[Atom], box: Box) -> int:
    return sum(count for point, count in atoms if lies_in(point, box))


@given(ATOMS, st.binary(min_size=16, max_size=16))
@pytest.mark.leak(12)
def test_every_record_is_in_one_group_of_five_or_more(atoms: list[Atom], key: bytes) -> None:
    found = group(AXES, atoms, key)
    total = sum(count for _, count in atoms)
    assert found.withheld is (0 < total < FEWEST)
    if found.withheld:
        assert not found.groups
        return
    for point, _ in atoms:
        assert sum(lies_in(point, one.box) for one in found.groups) == 1
    for one in found.groups:
        size = true_size(atoms, one.box)
        assert size >= FEWEST
        assert one.size % FEWEST == 0
        assert abs(one.size - size) < FEWEST
        assert one.size >= FEWEST


@given(ATOMS)
def test_the_same_records_make_the_same_groups(atoms: list[Atom]) -> None:
    assert group(AXES, atoms, KEY) == group(AXES, list(reversed(atoms)), KEY)


def test_records_of_one_place_need_no_box_around() -> None:
    found = group(AXES, [((1, 320_102, 739_000, 2), 17)], KEY)
    assert [one.box for one in found.groups] == [
        ((1, 2), (320_102, 320_103), (739_000, 739_001), (2, 3))
    ]


def test_a_rare_disease_hides_among_few_others() -> None:
    """Three records of one disease do not keep a thousand others from being counted by disease."""
    common = [((2, 320_102, 739_000 + day % 200, 0), 5) for day in range(200)]
    rare = [((3, 320_102, 739_000, 0), 1), ((3, 320_102, 739_090, 0), 2)]
    found = group(AXES, common + rare, KEY)
    mixed = [one for one in found.groups if one.box[0] != (2, 3)]
    assert sum(true_size(common, one.box) for one in mixed) < 100


def test_rounding_is_right_on_average() -> None:
    places = [(1, 320_102, 738_000 + day, 0) for day in range(2_000)]
    atoms = [(place, 5 + number % 5) for number, place in enumerate(places)]
    told = sum(one.size for one in group(AXES, atoms, KEY).groups)
    true = sum(count for _, count in atoms)
    assert abs(told - true) / true < 0.02


# Small spaces, every set of records in them -----------------------------------------------------


def answers(found: Sequence[Group], cell: Box) -> tuple[int, bool]:
    """What is told of a cell: groups within it, and whether others reach into it."""
    inside, partly = 0, False
    for one in found:
        pairs = list(zip(one.box, cell, strict=True))
        if all(low <= a and b <= high for (a, b), (low, high) in pairs):
            inside += one.size
        elif all(a < high and low < b for (a, b), (low, high) in pairs):
            partly = True
    return inside, partly


def cells(sizes: Sequence[int]) -> list[Box]:
    """Every product of intervals."""
    intervals = [[(a, b) for a in range(n) for b in range(a + 1, n + 1)] for n in sizes]
    return list(product(*intervals))


def populations(places: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way to put up to `most` records into places."""
    if places == 1:
        yield from ((number,) for number in range(most + 1))
        return
    for number in range(most + 1):
        for rest in populations(places - 1, most - number):
            yield (number, *rest)


SPACES = [((2, 2), 17, KEY), ((2, 2), 17, b"another"), ((4,), 17, KEY), ((2, 3), 14, KEY)]


@pytest.mark.parametrize(("sizes", "most", "key"), SPACES)
@pytest.mark.leak(12)
def test_no_small_number_can_be_worked_out(sizes: tuple[int, ...], most: int, key: bytes) -> None:
    axes = [PlainAxis(size, rank) for rank, size in enumerate(sizes)]
    points = list(product(*map(range, sizes)))
    asked = cells(sizes)
    worlds = defaultdict(list)
    for numbers in populations(len(points), most):
        found = group(axes, list(zip(points, numbers, strict=True)), key)
        told = (found.withheld, tuple(answers(found.groups, cell) for cell in asked))
        worlds[told].append(numbers)
    assert len(worlds) > 10
    alone = []
    for told, alike in worlds.items():
        if sum(map(max, zip(*alike, strict=True))) and max(map(sum, alike)) >= most - 4:
            continue  # more records than this test puts in might be told the same
        for cell in asked:
            here = [place for place, point in enumerate(points) if lies_in(point, cell)]
            possible = {sum(numbers[place] for place in here) for numbers in alike}
            if len(possible) == 1 and possible <= {1, 2, 3, 4}:
                alone.append((cell, possible, told))
    assert not alone


@pytest.mark.leak(12)
def test_questions_over_different_axes_tell_no_small_number_either() -> None:
    """Four lists of groups of the same people, each over other axes; the reader has no key."""
    sizes, most = (2, 2), 11
    points, asked = list(product((0, 1), (0, 1))), cells(sizes)
    views: list[tuple[int, ...]] = [(), (0,), (1,), (0, 1)]
    keys = [bytes([number]) for number in range(12)]
    worlds = defaultdict(set)
    for numbers in populations(4, most):
        for key in keys:
            told = []
            for view in views:
                seen: dict[tuple[int, ...], int] = defaultdict(int)
                for point, number in zip(points, numbers, strict=True):
                    seen[tuple(point[axis] for axis in view)] += number
                axes = [PlainAxis(2, axis) for axis in view]
                found = group(axes, list(seen.items()), key + bytes(view))
                boxes = cells([2] * len(view))
                told.append((found.withheld, *(answers(found.groups, box) for box in boxes)))
            worlds[tuple(told)].add(numbers)
    checked = 0
    for alike in worlds.values():
        if max(map(sum, alike)) >= most:
            continue  # more records than this test puts in might be told the same
        for cell in asked:
            here = [place for place, point in enumerate(points) if lies_in(point, cell)]
            possible = {sum(numbers[place] for place in here) for numbers in alike}
            assert len(possible) > 1 or not possible <= {1, 2, 3, 4}
            checked += 1
    assert checked > 100


@given(ATOMS, st.data())
def test_leak_12_no_sum_or_difference_of_answers_is_a_small_cell(
    atoms: list[Atom], data: st.DataObject
) -> None:
    """Exact linear algebra: no cell of one to four people is a combination of cells told whole."""
    grouping = group(AXES, atoms, KEY)
    assume(not grouping.withheld)  # then nothing is told but that
    found = grouping.groups
    bounds = [
        sorted({axis.first, axis.end, *(x for point, _ in atoms for x in (point[i], point[i] + 1))})
        for i, axis in enumerate(AXES)
    ]

    def cell() -> Box:
        ends = [
            sorted(data.draw(st.lists(st.sampled_from(b), min_size=2, max_size=2))) for b in bounds
        ]
        return tuple((low, max(high, low + 1)) for low, high in ends)

    asked = [cell() for _ in range(data.draw(st.integers(1, 8)))]
    whole = [box for box in asked if not answers(found, box)[1]]
    known = [[Fraction(lies_in(point, box)) for point, _ in atoms] for box in whole]
    small = [box for box in asked if 1 <= true_size(atoms, box) < FEWEST]
    for box in small:
        assert box not in whole
        wanted = [Fraction(lies_in(point, box)) for point, _ in atoms]
        assert rank(known) < rank([*known, wanted])
    for one, other in product(whole, whole):
        difference = true_size(atoms, one) - true_size(atoms, other)
        within = all(a <= c and d <= b for (a, b), (c, d) in zip(one, other, strict=True))
        assert not within or difference == 0 or difference >= FEWEST


def rank(rows: Sequence[Sequence[Fraction]]) -> int:
    """The rank of a matrix, exactly."""
    left = [list(row) for row in rows]
    found = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((i for i in range(found, len(left)) if left[i][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        head = left[found]
        for i in range(found + 1, len(left)):
            if left[i][column]:
                factor = left[i][column] / head[column]
                left[i] = [a - factor * b for a, b in zip(left[i], head, strict=True)]
        found += 1
    return found
