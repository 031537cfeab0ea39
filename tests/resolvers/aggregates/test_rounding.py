"""Controlled rounding: parts add up, nothing is off by five, and on average nothing is off."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.aggregates.rounding import BASE, least, rounded, shares

SIZES = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 23), min_size=1)
DRAWN = st.floats(0, 1, exclude_min=True, exclude_max=True)


@given(st.integers(0, 10_000), DRAWN)
def test_a_number_becomes_one_of_its_two_neighbours(size: int, drawn: float) -> None:
    told = rounded(size, drawn)
    assert told % BASE == 0
    assert abs(told - size) < BASE
    assert least(told) <= size


@given(SIZES, DRAWN, st.randoms(use_true_random=False))
def test_shares_add_up_and_each_is_a_neighbour_of_its_size(
    sizes: dict[str, int], drawn: float, chance: random.Random
) -> None:
    told = rounded(sum(sizes.values()), drawn)
    made = shares(told, sizes, _draws(chance))
    assert sum(made.values()) == told
    assert made.keys() == sizes.keys()
    for name, size in sizes.items():
        assert made[name] % BASE == 0
        assert abs(made[name] - size) < BASE


@given(SIZES, st.sampled_from("abcdefghij"), DRAWN, st.randoms(use_true_random=False))
@pytest.mark.leak(12)
def test_one_more_moves_its_own_part_up_and_others_by_five_at_most(
    sizes: dict[str, int], where: str, drawn: float, chance: random.Random
) -> None:
    """The whole stays or goes up by five, and so does the part."""
    draw = _draws(chance)
    more = sizes | {where: sizes.get(where, 0) + 1}
    told = rounded(sum(sizes.values()), drawn), rounded(sum(more.values()), drawn)
    before, after = shares(told[0], sizes, draw), shares(told[1], more, draw)
    assert told[1] - told[0] in (0, BASE)
    assert after[where] - before.get(where, 0) in (0, BASE)
    assert all(abs(after[name] - before[name]) <= BASE for name in sizes)


@given(SIZES, st.randoms(use_true_random=False))
@pytest.mark.leak(12)
def test_five_more_of_the_whole_are_five_more_of_one_part(
    sizes: dict[str, int], chance: random.Random
) -> None:
    """What is seen of parts in which nobody comes or goes, however the whole is rounded."""
    draw = _draws(chance)
    down = sum(sizes.values()) // BASE * BASE
    if down == sum(sizes.values()):
        return
    before, after = shares(down, sizes, draw), shares(down + BASE, sizes, draw)
    moved = [after[name] - before[name] for name in sizes if after[name] != before[name]]
    assert moved == [BASE]


def _draws(chance: random.Random) -> Callable[[str], float]:
    seed = chance.random()
    return lambda name: random.Random(f"{seed}{name}").uniform(0.001, 0.999)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize(
    "sizes",
    [
        {"one": 1, "two": 2, "three": 8, "four": 14, "none": 0, "five": 25},
        {"rare": 1, "common": 9},
        {"rare": 1, "common": 7},
        {"rare": 1, "common": 8},
        dict.fromkeys("abcdefg", 1),
    ],
)
def test_rounding_is_right_on_average(sizes: dict[str, int]) -> None:
    chance = random.Random(12)
    times = 20_000
    sums = dict.fromkeys(sizes, 0)
    for _ in range(times):
        told = rounded(sum(sizes.values()), chance.random())
        for name, share in shares(told, sizes, lambda _: chance.random()).items():
            sums[name] += share
    for name, size in sizes.items():
        assert sums[name] / times == pytest.approx(size, abs=0.09)  # five standard errors
