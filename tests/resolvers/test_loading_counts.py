"""Daily counts out of cumulative ones: nothing below zero, and the sums those reported last."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from resolvers.loading.counts import Report, Series, batches, daily
from resolvers.loading.notices import Notices
from resolvers.loading.records import Written

FIRST = date(2020, 1, 20)


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def series(*counts: tuple[int, int, int], code: str = "420100", name: str = "") -> Series:
    """A series of (day, cases, deaths)."""
    reports = [Report(line, day(n), (c, d)) for line, (n, c, d) in enumerate(counts, start=2)]
    return Series("covid19", code, name or code, reports)


def counted(
    *several: Series, cumulative: bool = True
) -> tuple[dict[tuple[str, str], tuple[int, int]], Notices, Written]:
    notices, written = Notices(), Written()
    cells = daily(
        several, cumulative=cumulative, columns="cases, deaths", notices=notices, written=written
    )
    return {key[1:]: cell.counts for key, cell in cells.items()}, notices, written


def test_a_cumulative_series_becomes_daily() -> None:
    cells, notices, _ = counted(series((0, 0, 0), (1, 3, 0), (2, 3, 0), (3, 8, 2)))
    assert [cells["420100", day(n)] for n in range(4)] == [(0, 0), (3, 0), (0, 0), (5, 2)]
    assert not notices.counts


def test_the_order_of_the_list_does_not_matter() -> None:
    cells, _, _ = counted(series((3, 8, 2), (1, 3, 0), (0, 0, 0), (2, 3, 0)))
    assert [cells["420100", day(n)] for n in range(4)] == [(0, 0), (3, 0), (0, 0), (5, 2)]


def test_a_fall_is_taken_back_from_the_latest_days() -> None:
    cells, notices, _ = counted(series((0, 10, 1), (1, 12, 1), (2, 15, 3), (3, 8, 2), (4, 9, 2)))
    assert [cells["420100", day(n)] for n in range(5)] == [(8, 1), (0, 0), (0, 1), (0, 0), (1, 0)]
    told = [notice for notice in notices.listed() if notice.code == "TAKEN_BACK"]
    assert [(notice.value, notice.detail, notice.line) for notice in told] == [
        (
            f"420100 {day(3)}: cases 15 to 8",
            f"{day(2)} -3, {day(1)} -2, {day(0)} -2",
            5,
        ),
        (f"420100 {day(3)}: deaths 3 to 2", f"{day(2)} -1", 5),
    ]
    assert notices.counts == {"BEGINS_ABOVE_ZERO": 1, "TAKEN_BACK": 2}


def test_skipped_days_count_on_the_next_day_reported() -> None:
    cells, notices, _ = counted(series((0, 0, 0), (4, 6, 0)))
    assert cells == {("420100", day(0)): (0, 0), ("420100", day(4)): (6, 0)}
    assert notices.counts == {"DAYS_SKIPPED": 1}


def test_series_of_one_place_add_up() -> None:
    one, other = series((0, 1, 0), (1, 4, 1)), series((1, 7, 0), name="x")
    cells, _, _ = counted(one, other)
    assert cells == {("420100", day(0)): (1, 0), ("420100", day(1)): (10, 1)}


def test_a_day_told_twice_is_unchanged_or_rejected() -> None:
    _, _, written = counted(series((0, 1, 0), (0, 1, 0), (0, 2, 0), (1, 2, 0)))
    assert written.unchanged == 1
    ((line, column, value, reason),) = written.rejections
    assert (line, column, reason) == (4, "cases, deaths", "DUPLICATE_DAY")
    assert value == f"420100 {day(0)}: 2 cases, 0 deaths"


def test_daily_counts_stay_as_they_are() -> None:
    cells, notices, _ = counted(series((0, 5, 1), (3, 2, 0)), cumulative=False)
    assert cells == {("420100", day(0)): (5, 1), ("420100", day(3)): (2, 0)}
    assert not notices.counts


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(0, 9)),
        max_size=20,
        unique_by=lambda report: report[0],
    )
)
def test_the_days_up_to_the_last_add_up_to_what_was_reported_last(
    reports: list[tuple[int, int, int]],
) -> None:
    cells, _, written = counted(series(*reports))
    assert not written.rejections
    assert len(cells) == len(reports)
    assert all(min(counts) >= 0 for counts in cells.values())
    last = max(reports, default=(0, 0, 0))
    assert sum(cases for cases, _ in cells.values()) == last[1]
    assert sum(deaths for _, deaths in cells.values()) == last[2]


def test_batches_never_part_the_days_of_a_code() -> None:
    several = [series(*((n, n, 0) for n in range(7)), code=f"42010{k}") for k in range(5)]
    notices, written = Notices(), Written()
    cells = daily(several, cumulative=True, columns="", notices=notices, written=written)
    made = list(batches(cells, 10))
    assert [len(batch) for batch in made] == [14, 14, 7]
    assert [key for batch in made for key, _ in batch] == sorted(cells)
    assert list(batches({}, 10)) == []
