"""Tables of counts: sums of what is published, told where there are five or more for certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.errors import TooLarge
from resolvers.aggregates import counting
from resolvers.aggregates.counting import Counts, Wanted, count
from resolvers.aggregates.publishing import Counted
from resolvers.aggregates.rounding import BASE
from resolvers.aggregates.subjects import DIMENSIONS
from tests.resolvers.aggregates.worlds import (
    ATTRIBUTES,
    DAYS,
    KEYS,
    asked,
    counted,
    offered,
    true_cells,
    world,
)

OFFERED = list(offered())
CODES = ["320102", "320104", "320205", "320206", "3201", "3202", "32", "33"]
DIGITS = st.sampled_from([2, 4, 6])


def narrowed(wanted: Wanted) -> st.SearchStrategy[Wanted]:
    """The same question with filters that may stand beside it."""
    fine = wanted.attribute is None
    return st.builds(
        lambda days, prefixes, kinds, values: replace(
            wanted,
            first=days[0],
            last=days[1],
            prefixes=prefixes,
            kinds=kinds,
            values=None if fine else values,
        ),
        st.lists(st.sampled_from(DAYS), min_size=2, max_size=2).map(sorted)
        if fine
        else st.sampled_from([("2026-04-01", "2026-04-30"), ("2026-04-27", "2026-05-03")]),
        st.none() | st.lists(st.sampled_from(CODES if fine else CODES[4:]), min_size=1, max_size=3),
        st.none() | st.just(frozenset({"measles"})),
        st.none() | st.just(frozenset({"IMPORTED", "DIED", "SUSPECTED"})),
    )


QUESTIONS = st.sampled_from(OFFERED).flatmap(narrowed)


def wanted_of(records: list[Counted], wanted: Wanted) -> list[Counted]:
    """The records that a question is about."""
    place = ATTRIBUTES.index(wanted.attribute) if wanted.attribute else None
    return [
        one
        for one in records
        if wanted.first <= one.day <= wanted.last
        and (wanted.prefixes is None or one.code.startswith(tuple(wanted.prefixes)))
        and (wanted.kinds is None or one.kind in wanted.kinds)
        and (wanted.values is None or place is None or one.values[place] in wanted.values)
    ]


@given(counted(), KEYS, DIGITS)
@settings(max_examples=30)
@pytest.mark.leak(12)
def test_leak_12_the_mean_over_all_sets_of_axes_is_the_one_number(
    records: list[Counted], key: bytes, digits: int
) -> None:
    published = world(records, key, digits)
    totals = set()
    for wanted in OFFERED:
        found = asked(published, wanted)
        totals.add(found.whole.count)
        if wanted.by:
            totals.add(sum(cell.count for cell in found.cells.values()))
    assert len(OFFERED) > 40
    assert len(totals) == 1
    assert totals.pop() % BASE == 0


@given(counted(), KEYS, DIGITS, QUESTIONS)
@pytest.mark.leak(12)
def test_leak_12_what_is_told_has_five_or_more_people(
    records: list[Counted], key: bytes, digits: int, wanted: Wanted
) -> None:
    found = asked(world(records, key, digits), wanted)
    here = wanted_of(records, wanted)
    true = true_cells(here, wanted)
    if not found.whole.suppressed:
        assert sum(one.number for one in here) >= BASE
    for values, cell in found.cells.items():
        assert cell.count % BASE == 0
        assert cell.suppressed or true[values] >= BASE
    for part, told in [
        *found.whole.parts.items(),
        *(p for c in found.cells.values() for p in c.parts.items()),
    ]:
        assert told >= BASE, part


@given(counted(), KEYS, DIGITS, QUESTIONS, QUESTIONS)
@pytest.mark.leak(12)
def test_leak_12_no_difference_of_two_answers_is_below_five(
    records: list[Counted], key: bytes, digits: int, one: Wanted, other: Wanted
) -> None:
    """Filters, days side by side, codes in one another, complements: whatever two questions."""
    published = world(records, key, digits)
    numbers = {0}
    for wanted in (one, other):
        found = asked(published, wanted)
        numbers |= {found.whole.count, *(cell.count for cell in found.cells.values())}
    differences = {a - b for a in numbers for b in numbers if a > b}
    assert all(difference % BASE == 0 for difference in differences)


@given(counted(), KEYS, DIGITS, st.sampled_from(DAYS), st.sampled_from(CODES))
@pytest.mark.leak(12)
def test_parts_and_what_is_beside_them_add_up(
    records: list[Counted], key: bytes, digits: int, day: str, code: str
) -> None:
    """A difference tells what asking for the rest would have told."""
    published = world(records, key, digits)
    whole = asked(published, Wanted()).whole.count
    until = asked(published, Wanted(last=day)).whole.count
    after = asked(published, Wanted(first=day)).whole.count
    on = asked(published, Wanted(first=day, last=day)).whole.count
    assert until + after - on == whole
    inside = asked(published, Wanted(prefixes=[code])).whole.count
    rest = [one for one in ("320102", "320104", "320205", "320206") if not one.startswith(code)]
    assert inside + asked(published, Wanted(prefixes=rest)).whole.count == whole


@given(counted(), KEYS, DIGITS, QUESTIONS)
def test_what_is_added_up_beforehand_changes_no_answer(
    records: list[Counted], key: bytes, digits: int, wanted: Wanted
) -> None:
    """Counted from the smallest parts, cell by cell, the answer is the same."""
    table = world(records, key, digits)
    fine = replace(table, coarse=dict.fromkeys(table.coarse, table.leaves))
    assert asked(table, wanted) == asked(fine, wanted)


def _cases(number: int, day: str = DAYS[0], code: str = "320102") -> Counted:
    return Counted("measles", code, day, ("LOCAL", "CONFIRMED", "RECOVERED"), number)


def test_a_cell_is_told_from_ten_on() -> None:
    """Five may be one to nine, ten is six at the least."""
    for number, suppressed in ((5, True), (10, False)):
        found = asked(world([_cases(number)], b"k"), Wanted())
        assert (found.whole.count, found.whole.suppressed) == (number, suppressed)


def test_parts_told_as_five_are_told_together_from_five_of_them_on() -> None:
    days = [f"2026-0{month}-06" for month in range(1, 6)]
    for number in (4, 5):
        table = world([_cases(5, day) for day in days[:number]], b"k")
        found = asked(table, Wanted()).whole
        assert (found.count, found.suppressed) == (5 * number, number < 5)
        assert table.withheld is found.suppressed


def test_a_month_of_a_city_is_one_part_where_the_region_is_that_city() -> None:
    records = [_cases(5, day, code) for day in DAYS[3:6] for code in ("320102", "320104")]
    city = DIMENSIONS["CITY"][0]
    for digits, parts in ((4, 1), (2, 2)):
        counts = asked(world(records, b"k", digits), Wanted([city]))
        assert [len(cell.parts) for cell in counts.cells.values()] == [parts]


def test_a_table_has_no_more_cells_than_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_CELLS", 2)
    table = world([_cases(10, day) for day in DAYS], b"k")
    count(Counts(), "3200", table, Wanted(DIMENSIONS["MONTH"]))
    with pytest.raises(TooLarge):
        count(Counts(), "3200", table, Wanted(DIMENSIONS["DAY"]))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_the_margin_holds_nineteen_times_of_twenty() -> None:
    """Over a hundred tables of the same hundred single cases, and of few larger numbers."""
    singles = [
        _cases(1, f"2026-{1 + n % 9:02}-{1 + n % 28:02}", f"3201{2 + n % 7:02}") for n in range(100)
    ]
    larger = [_cases(number, day) for number, day in zip((7, 18, 23, 41), DAYS, strict=False)]
    for records in (singles, larger):
        for wanted in (Wanted(), Wanted(first="2026-01-02"), Wanted(DIMENSIONS["DAY"])):
            off = Counter(
                abs(cell.count - true) <= cell.margin
                for number in range(100)
                for cell, true in _with_truth(records, wanted, number.to_bytes(16, "big"))
            )
            assert off[True] >= 0.95 * off.total()


def _with_truth(
    records: list[Counted], wanted: Wanted, key: bytes
) -> Iterator[tuple[counting.Cell, int]]:
    found = asked(world(records, key, 4), wanted)
    here = wanted_of(records, wanted)
    true = true_cells(here, wanted)
    if not wanted.by:
        yield found.whole, sum(one.number for one in here)
    for at, cell in found.cells.items():
        if not cell.suppressed:
            yield cell, true[at]
