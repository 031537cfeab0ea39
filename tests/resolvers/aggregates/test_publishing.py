"""The published table: it adds up, it is near the truth, and nobody can be worked out of it.

The readers here know how it is made and every number of it, those suppressed in answers, too; they
do not know the key. One solves linear programs, one tries every world there is, one compares days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from resolvers.aggregates.publishing import Counted, Leaf, Published, publish
from resolvers.aggregates.rounding import BASE
from tests.resolvers.aggregates.worlds import (
    ATTRIBUTES,
    DAYS,
    KEYS,
    Part,
    counted,
    parts_of,
    told_parts,
    true_parts,
    world,
)

DIGITS = st.sampled_from([2, 4, 6])
PLAIN = ("LOCAL", "CONFIRMED", "RECOVERED")


@given(counted(), KEYS, DIGITS)
@pytest.mark.leak(12)
def test_every_part_is_told_as_a_multiple_of_five_next_to_the_truth(
    records: list[Counted], key: bytes, digits: int
) -> None:
    told, true = told_parts(world(records, key, digits)), true_parts(records, digits)
    for part in told.keys() | true.keys():
        assert told[part] % BASE == 0
        assert abs(told[part] - true[part]) < BASE


@given(counted(), KEYS, DIGITS)
@pytest.mark.leak(12)
def test_every_attribute_adds_up_to_the_same_number(
    records: list[Counted], key: bytes, digits: int
) -> None:
    """Nothing to take the mean of: a city's week has one number, by whatever it is told apart."""
    published = world(records, key, digits)
    sums = []
    for name in ("", *ATTRIBUTES):
        found: Counter[Part] = Counter()
        for leaf in published.attributes[name] if name else published.leaves:
            above = [one for one in parts_of(leaf, digits, name) if one[0] in _ABOVE]
            for part in above:
                found[part] += leaf.told
        sums.append(found)
    assert all(one == sums[0] for one in sums)


_ABOVE = ("month", "stretch", "city")


@given(counted(), KEYS)
def test_the_same_records_make_the_same_table(records: list[Counted], key: bytes) -> None:
    single = [one._replace(number=1) for one in reversed(records) for _ in range(one.number)]
    assert world(records, key) == world(single, key)


# A reader who reads it as the truth ---------------------------------------------------------------


def _as_truth(published: Published, chance: st.DataObject) -> list[Counted]:
    """Records of which there are exactly as many as told, in every part."""
    slabs: defaultdict[Part, list[list[str]]] = defaultdict(lambda: [[] for _ in ATTRIBUTES])
    for number, name in enumerate(ATTRIBUTES):
        for leaf in published.attributes[name]:
            at = parts_of(leaf, published.digits, name)[-2]
            slabs[at][number] += [leaf.value] * leaf.told
    found = []
    for leaf in published.leaves:
        at = next(p for p in reversed(parts_of(leaf, published.digits)) if p[0] in _ABOVE)
        for _ in range(leaf.told):
            values = tuple(one.pop(chance.draw(st.integers(0, len(one) - 1))) for one in slabs[at])
            found.append(Counted(leaf.kind, leaf.code, leaf.day, values, 1))
    return found


@given(counted(), KEYS, KEYS, st.data())
@settings(max_examples=40)
@pytest.mark.leak(12)
def test_leak_12_the_table_read_as_the_truth_would_be_told_the_same(
    records: list[Counted], key: bytes, other: bytes, data: st.DataObject
) -> None:
    """So whoever knows all of it cannot exclude that it is right; nor, by the next test, that
    there are up to four more in any one place.
    """
    published = world(records, key)
    assert world(_as_truth(published, data), other) == published


@given(counted(), KEYS, st.data())
@settings(max_examples=20)
@pytest.mark.leak(12)
def test_leak_12_one_to_four_more_anywhere_are_told_the_same_by_some_key(
    records: list[Counted], key: bytes, data: st.DataObject
) -> None:
    published = world(records, key)
    kind, code, day = (
        data.draw(st.sampled_from(["measles", "mumps"])),
        data.draw(st.sampled_from(["320102", "320205"])),
        data.draw(st.sampled_from(DAYS)),
    )
    truth = _as_truth(published, data)
    for number in range(1, BASE):
        more = Counted(kind, code, day, PLAIN, number)
        keys = (bytes([one]) * 16 for one in range(256))
        assert any(world([*truth, more], one) == published for one in keys)


# A reader who solves linear programs --------------------------------------------------------------


class _Program:
    """What is known of how many there are at each point: parts are told, off by four at most."""

    def __init__(self, points: Sequence[Counted], told: Counter[Part], digits: int) -> None:
        self._holds: defaultdict[Part, list[int]] = defaultdict(list)
        for number, point in enumerate(points):
            for part in parts_of(point, digits):
                self._holds[part].append(number)
        rows = np.zeros((len(self._holds), len(points)))
        for row, members in zip(rows, self._holds.values(), strict=True):
            row[members] = 1
        numbers = np.array([told[part] for part in self._holds])
        self._rows = np.vstack([rows, -rows])
        self._bounds = np.concatenate([numbers + BASE - 1, BASE - 1 - numbers])
        self._many = len(points)

    def range(self, members: Sequence[int]) -> tuple[float, float]:
        """The fewest and the most there can be at some points together."""
        wanted = np.zeros(self._many)
        wanted[list(members)] = 1
        ends = []
        for sign in (1, -1):
            found = linprog(sign * wanted, self._rows, self._bounds, bounds=(0, None))
            assert found.status == 0, found.message
            ends.append(sign * found.fun)
        return ends[0], ends[1]


@given(counted(), KEYS, st.sampled_from([2, 4]), st.data())
@settings(max_examples=20)
@pytest.mark.leak(12)
def test_leak_12_a_linear_program_leaves_five_possible_numbers_for_every_cell(
    records: list[Counted], key: bytes, digits: int, data: st.DataObject
) -> None:
    """Of points, of every part with few, and of a cell made up of any points."""
    points = [
        Counted("measles", code, day, values, 1)
        for code in ("320102", "320104", "320205")
        for day in DAYS[3:6]
        for values in product(("LOCAL", "IMPORTED"), ("CONFIRMED", "SUSPECTED"), ("DIED",))
    ]
    here = [data.draw(st.sampled_from(points))._replace(number=one.number) for one in records]
    published = world(here, key, digits)
    told, true = told_parts(published), true_parts(here, digits)
    program = _Program(points, told, digits)
    cells: list[list[int]] = [[number] for number in range(0, len(points), 9)]
    cells += [
        [number for number, point in enumerate(points) if part in parts_of(point, digits)]
        for part in sorted(true)
        if true[part] < BASE
    ][:6]
    cells.append(data.draw(st.lists(st.integers(0, len(points) - 1), min_size=1, unique=True)))
    for cell in cells:
        low, high = program.range(cell)
        assert high - low >= BASE - 1 - 1e-6


# A reader who tries every world -------------------------------------------------------------------


def _populations(places: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way to put up to `most` records into places."""
    if places == 1:
        yield from ((number,) for number in range(most + 1))
        return
    for number in range(most + 1):
        for rest in _populations(places - 1, most - number):
            yield (number, *rest)


@pytest.mark.leak(12)
def test_leak_12_no_small_number_can_be_worked_out_by_trying_every_world() -> None:
    """Two counties, two weeks, every set of records, many keys: what was told, by which worlds."""
    most = 8
    points = [(code, day) for code in ("320102", "320104") for day in (DAYS[0], DAYS[6])]
    keys = [bytes([number]) * 16 for number in range(16)]
    worlds: defaultdict[tuple[Leaf, ...], set[tuple[int, ...]]] = defaultdict(set)
    for numbers in _populations(len(points), most):
        records = [
            Counted("measles", code, day, (), number)
            for (code, day), number in zip(points, numbers, strict=True)
            if number
        ]
        for key in keys:
            worlds[publish(records, (), 2, key).leaves].add(numbers)
    assert len(worlds) > 15
    checked = 0
    for alike in worlds.values():
        if max(map(sum, alike)) >= most:
            continue  # more records than this test puts in might be told the same
        for cell in product((0, 1), repeat=len(points)):
            possible = {
                sum(n for n, is_in in zip(one, cell, strict=True) if is_in) for one in alike
            }
            if any(cell):
                assert max(possible) - min(possible) >= BASE - 1
                checked += 1
    assert checked


# A reader who compares days -----------------------------------------------------------------------


@given(counted(), counted(), KEYS, DIGITS)
@pytest.mark.leak(12)
def test_leak_12_one_more_record_moves_numbers_by_five_near_it_alone(
    records: list[Counted], more: list[Counted], key: bytes, digits: int
) -> None:
    """Its own parts stay or go up by five; others beside it move by five at most; no other disease,
    month or place at the top moves at all.
    """
    if not more:
        return
    one = more[0]._replace(number=1)
    before = told_parts(world(records, key, digits))
    after = told_parts(world([*records, one], key, digits))
    own = parts_of(one, digits)
    for part in before.keys() | after.keys():
        assert abs(after[part] - before[part]) <= BASE
    for part in own:
        if part[0] != "value":
            assert after[part] >= before[part]
    top = [(("month", *own[0][1:]))]
    for part in before.keys() | after.keys():
        if part[0] == "month" and part not in top:
            assert after[part] == before[part]
    others = [each for each in records if parts_of(each, digits)[0] not in top]
    for each in others:
        for part in parts_of(each, digits):
            assert after[part] == before[part]


@given(counted(), st.lists(counted(), min_size=2, max_size=8), KEYS)
@settings(max_examples=60)
@pytest.mark.leak(12)
def test_leak_12_who_watches_others_come_and_go_sees_two_tables_at_most(
    records: list[Counted], days: list[list[Counted]], key: bytes
) -> None:
    """A county's week in which nobody comes or goes: however much happens around it, it is told by
    one number or the next, and one of its days goes along. Nothing else can be seen, day by day.
    """
    still = [one._replace(kind="measles", code="320102") for one in records if one.day > DAYS[4]]
    seen = set()
    for others in days:
        around = [
            one
            for one in others
            if (one.kind, one.code) != ("measles", "320102") or one.day <= DAYS[4]
        ]
        leaves = world([*still, *around], key).leaves
        mine = [one for one in leaves if one.kind == "measles" and one.code == "320102"]
        seen.add(tuple((one.day, one.told) for one in mine if one.day > DAYS[4]))
    assert len(seen) <= 2
    if len(seen) == 2:
        one, other = (Counter(dict(some)) for some in seen)
        moved = [
            other[day] - one[day] for day in one.keys() | other.keys() if other[day] != one[day]
        ]
        assert moved in ([BASE], [-BASE])
