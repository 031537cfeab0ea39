"""Daily counts: where a case counts, what a change of it changes, the recount that proves it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from regions.cases import cases
from regions.settings import RegionSettings
from regions.statistics import (
    COUNTED,
    CellDifference,
    apply_counts,
    case_cell,
    change_of,
    daily_counts,
    has_died,
    rebuild,
)
from tests.stores import in_store

CLASSIFICATIONS = ("SUSPECTED", "PROBABLE", "CONFIRMED", "ASYMPTOMATIC", "EXCLUDED")


def case(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "id": number,
        "person_id": number,
        "disease": "measles",
        "classification": "CONFIRMED",
        "origin": "LOCAL",
        "code": "320102",
        "reported_at": "2026-03-01T08:00:00Z",
        "unit_id": "cdc-320102",
        "outcome": None,
        "died_on": None,
        "created_at": "2026-03-01T08:00:00Z",
        "updated_at": "2026-03-01T08:00:00Z",
        "version": 1,
        **values,
    }


def kept(connection: Connection, source: str = "CASES") -> dict[tuple[str, str, str], Any]:
    table = daily_counts.c
    columns = (table.disease, table.code, table.day, table.cases, table.deaths)
    rows = connection.execute(select(*columns).where(table.source == source))
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


@pytest.mark.parametrize("classification", CLASSIFICATIONS)
def test_a_case_counts_on_its_day_of_report_if_its_classification_does(classification: str) -> None:
    cell = case_cell(case(classification=classification))
    counts = classification in COUNTED
    assert cell == (("measles", "320102", "2026-03-01") if counts else None)


@pytest.mark.parametrize(
    ("outcome", "died_on", "died"),
    [
        (None, None, False),
        ("RECOVERED", None, False),
        ("DIED", None, True),
        (None, "2026-03-05", True),
        ("DIED", "2026-03-05", True),
    ],
)
def test_a_death_is_an_outcome_or_a_day(outcome: Any, died_on: Any, died: bool) -> None:
    assert has_died({"outcome": outcome, "died_on": died_on}) is died


def test_a_change_takes_from_one_cell_and_adds_to_another() -> None:
    before, after = case(), case(code="320104", outcome="DIED")
    assert change_of(before, after) == {
        ("measles", "320102", "2026-03-01"): (-1, 0),
        ("measles", "320104", "2026-03-01"): (1, 1),
    }
    assert change_of(before, case(outcome="DIED")) == {("measles", "320102", "2026-03-01"): (0, 1)}
    assert change_of(before, case(onset_on="2026-02-27")) == {}
    assert change_of(None, case(classification="EXCLUDED")) == {}
    assert change_of(case(died_on="2026-03-02"), None) == {
        ("measles", "320102", "2026-03-01"): (-1, -1)
    }


def test_counts_add_up_and_an_empty_cell_has_no_row(store_settings: RegionSettings) -> None:
    cell, other = ("measles", "320102", "2026-03-01"), ("tb", "320104", "2026-03-02")

    def work(connection: Connection) -> None:
        apply_counts(connection, {cell: (2, 1), other: (1, 0)})
        apply_counts(connection, {cell: (3, 0)})
        assert kept(connection) == {cell: (5, 1), other: (1, 0)}
        apply_counts(connection, {cell: (-5, -1), other: (2, 0)})
        assert kept(connection) == {other: (3, 0)}
        apply_counts(connection, {})
        apply_counts(connection, {cell: (0, 0)}, "REPORTED")
        assert kept(connection, "REPORTED") == {cell: (0, 0)}

    in_store(store_settings, work)


def test_a_recount_finds_every_wrong_cell_and_mends_it(store_settings: RegionSettings) -> None:
    def work(connection: Connection) -> None:
        rows = [
            case(1),
            case(2, outcome="DIED"),
            case(3, code="320104", classification="SUSPECTED"),
            case(4, classification="ASYMPTOMATIC"),
        ]
        for row in rows:
            connection.execute(insert(cases).values(**row))
        reported = {("measles", "320102", "2026-03-01"): (40, 2)}
        apply_counts(connection, reported, "REPORTED")

        # Nothing is there, one cell is too many, one is empty: all of it is found.
        wrong = [
            ("measles", "320102", "2026-03-09", 1, 0),
            ("measles", "320102", "2026-03-10", 0, 0),
        ]
        for disease, code, day, counted, died in wrong:
            values = {"disease": disease, "code": code, "day": day, "source": "CASES"}
            connection.execute(insert(daily_counts).values(cases=counted, deaths=died, **values))
        found = rebuild(connection, mend=False)
        assert (found.cells, found.cases, found.deaths) == (2, 3, 1)
        assert found.wrong == (
            CellDifference("measles", "320102", "2026-03-01", (0, 0), (2, 1)),
            CellDifference("measles", "320102", "2026-03-09", (1, 0), (0, 0)),
            CellDifference("measles", "320102", "2026-03-10", (0, 0), (0, 0)),
            CellDifference("measles", "320104", "2026-03-01", (0, 0), (1, 0)),
        )
        assert not found.agrees
        assert not found.mended

        mended = rebuild(connection, mend=True)
        assert mended.mended
        assert mended.wrong == found.wrong
        assert kept(connection) == {
            ("measles", "320102", "2026-03-01"): (2, 1),
            ("measles", "320104", "2026-03-01"): (1, 0),
        }
        assert kept(connection, "REPORTED") == reported
        again = rebuild(connection, mend=True)
        assert again.agrees
        assert not again.mended

    in_store(store_settings, work)


_STATES = st.fixed_dictionaries(
    {
        "disease": st.sampled_from(["measles", "tb"]),
        "classification": st.sampled_from(CLASSIFICATIONS),
        "code": st.sampled_from(["320102", "320104"]),
        "reported_at": st.sampled_from(["2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z"]),
        "outcome": st.sampled_from([None, "DIED", "RECOVERED"]),
        "died_on": st.sampled_from([None, "2026-03-04"]),
    }
)


@given(st.lists(st.lists(st.one_of(st.none(), _STATES), min_size=1, max_size=4), max_size=6))
def test_changes_of_any_history_come_to_the_counts_of_its_end(
    histories: list[list[dict[str, Any] | None]],
) -> None:
    counts: Counter[Any] = Counter()
    truth: Counter[Any] = Counter()
    for states in histories:
        before = None
        for state in states:
            for cell, (counted, died) in change_of(before, state).items():
                counts[cell, "cases"] += counted
                counts[cell, "deaths"] += died
            before = state
        if before is not None and (cell_now := case_cell(before)) is not None:
            truth[cell_now, "cases"] += 1
            truth[cell_now, "deaths"] += has_died(before)
    assert +counts == +truth
    assert min(counts.values(), default=0) >= 0


def test_writes_with_their_changes_stay_equal_to_a_recount(store_settings: RegionSettings) -> None:
    def work(connection: Connection) -> None:
        states = [
            case(1),
            case(1, classification="EXCLUDED"),
            case(1, classification="CONFIRMED", code="320104"),
            case(1, code="320104", died_on="2026-03-09"),
        ]
        connection.execute(insert(cases).values(**states[0]))
        apply_counts(connection, change_of(None, states[0]))
        for before, after in pairwise(states):
            connection.execute(update(cases).values(**after))
            apply_counts(connection, change_of(before, after))
            assert rebuild(connection, mend=False).agrees
        connection.execute(delete(cases))
        apply_counts(connection, change_of(states[-1], None))
        assert rebuild(connection, mend=False).agrees
        assert kept(connection) == {}

    in_store(store_settings, work)
