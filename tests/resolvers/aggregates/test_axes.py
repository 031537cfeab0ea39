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
    ranks = []
    while (cut := axis.cut(low, high)) is not None:
        assert low < cut.at < high
        ranks.append(cut.rank)
        low, high = (low, cut.at) if position < cut.at else (cut.at, high)
    assert (low, high) == (position, position + 1)
    assert ranks == sorted(ranks)
    assert len(ranks) < 40


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
    assert DayAxis().cut(day(low), day(high)) == (rank, day(at))


def test_places_are_cut_at_the_coarsest_boundary() -> None:
    axis = PlaceAxis()
    assert axis.cut(0, 1_000_000) == (10, 500_000)
    assert axis.cut(320_000, 330_000) == (30, 325_000)
    assert axis.cut(320_100, 320_200) == (50, 320_150)
    assert axis.cut(320_199, 320_201) == (30, 320_200)
