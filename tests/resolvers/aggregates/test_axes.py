"""Where an interval of an axis is cut: by the interval alone, the coarsest boundary first."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.aggregates.axes import Axis, DayAxis, PlaceAxis, PlainAxis

AXES: list[Axis] = [PlaceAxis(), DayAxis(), PlainAxis(40, 0)]


@pytest.mark.parametrize("axis", AXES)
@given(data=st.data())
def test_every_interval_comes_down_to_single_positions(axis: Axis, data: st.DataObject) -> None:
    position = data.draw(st.integers(axis.first, axis.end - 1))
    low, high = axis.first, axis.end
    last = -1
    while found := axis.cuts(low, high):
        ranks = [cuts.rank for cuts in found]
        assert ranks == sorted(set(ranks))
        assert ranks[0] >= last
        last = ranks[0]
        for cuts in found:
            assert all(low < at < high for at in cuts.at)
            assert len(set(cuts.at)) == len(cuts.at) <= 64
            far = [abs(at - (low + high) // 2) for at in cuts.at]
            assert far == sorted(far)
        at = data.draw(st.sampled_from(found[0].at))
        low, high = (low, at) if position < at else (at, high)
    assert (low, high) == (position, position + 1)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@pytest.mark.parametrize(
    ("low", "high", "at", "rank"),
    [
        ("2026-01-01", "2027-01-01", "2026-07-01", 40),
        ("2025-06-01", "2026-03-01", "2026-01-01", 20),
        ("2026-11-01", "2026-12-01", "2026-11-16", 70),
        ("2026-11-16", "2026-11-23", "2026-11-19", 80),
        ("2026-11-22", "2026-11-24", "2026-11-23", 70),
    ],
)
def test_days_are_cut_at_the_coarsest_boundary(low: str, high: str, at: str, rank: int) -> None:
    found = DayAxis().cuts(day(low), day(high))[0]
    assert (found.rank, found.at[0]) == (rank, day(at))


def test_places_are_cut_at_the_coarsest_boundary() -> None:
    def first(low: int, high: int) -> tuple[int, int]:
        found = PlaceAxis().cuts(low, high)[0]
        return found.rank, found.at[0]

    assert first(0, 1_000_000) == (10, 500_000)
    assert first(320_000, 330_000) == (30, 325_000)
    assert first(320_100, 320_200) == (50, 320_150)
    assert first(320_199, 320_201) == (30, 320_200)
