"""Counts: every step, summed over the regions, each source by itself, within the jurisdiction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from regions.settings import RegionSettings
from regions.statistics import daily_counts
from resolvers.statistics import first_day
from schema.enums import Step
from tests.answering import NATIONAL, Gateway, viewer
from tests.resolvers.conftest import no_server
from tests.stores import Stores, in_store

_FIRST = date(2025, 12, 25)
_ROWS = [
    {
        "disease": disease,
        "code": code,
        "day": (_FIRST + timedelta(days=number)).isoformat(),
        "source": source,
        "cases": number % 7 + 1,
        "deaths": number % 3,
    }
    for number in range(0, 45, 2)
    for disease in ("measles", "rabies")
    for code in ("320104", "320106", "320205", "320200")
    for source in ("CASES", "REPORTED")
    if (number, disease, source) != (4, "measles", "CASES")
]
_COUNTS = """query ($d: [ID!]!, $c: [RegionCode!]!, $from: Date!, $to: Date!, $s: Step,
    $of: CountSource) {
    counts(diseases: $d, codes: $c, from: $from, to: $to, step: $s, source: $of) {
    code step source disease { id nameZh }
    counts { from cases deaths } regions { code state } } }"""


@pytest.fixture(scope="module")
def counted(
    shared_keys: Any, templates: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("counted")
    made = Stores(templates, lambda: folder, no_server)
    regions = [made.sqlite("3201"), made.sqlite("3202")]
    for one in regions:
        rows = [row for row in _ROWS if str(row["code"]).startswith(one.prefixes)]
        in_store(one, lambda connection, rows=rows: connection.execute(insert(daily_counts), rows))  # type: ignore[misc]  # a default binds the loop's variable
    gateway = Gateway(regions, shared_keys)
    yield gateway
    gateway.close()


def _expected(disease: str, code: str, source: str, days: list[str], step: Step) -> list[Any]:
    start, end = days
    cells: dict[str, list[int]] = {}
    day = date.fromisoformat(start)
    while day <= date.fromisoformat(end):
        cells.setdefault(first_day(day.isoformat(), step), [0, 0])
        day += timedelta(days=1)
    for row in _rows_of(disease, code, days):
        if row["source"] == source:
            cell = cells[first_day(str(row["day"]), step)]
            cell[0] += int(row["cases"])
            cell[1] += int(row["deaths"])
    return [{"from": day, "cases": a, "deaths": b} for day, (a, b) in cells.items()]


def _rows_of(disease: str, code: str, days: list[str]) -> list[dict[str, Any]]:
    prefix = code.rstrip("0") if code.endswith("00") else code
    return [
        row
        for row in _ROWS
        if row["disease"] == disease
        and str(row["code"]).startswith(prefix)
        and days[0] <= str(row["day"]) <= days[1]
    ]


_DAYS = st.integers(-5, 60).map(lambda n: (_FIRST + timedelta(days=n)).isoformat())


@settings(max_examples=40)
@given(
    diseases=st.lists(st.sampled_from(("measles", "rabies", "plague")), min_size=1, max_size=3),
    codes=st.lists(
        st.sampled_from(("000000", "320000", "320100", "320104", "320200", "320205", "330000")),
        min_size=1,
        max_size=3,
    ),
    days=st.tuples(_DAYS, _DAYS).map(sorted),
    step=st.sampled_from(Step),
    source=st.sampled_from((None, "CASES", "REPORTED")),
)
def test_every_step_of_every_series(
    counted: Gateway,
    diseases: list[str],
    codes: list[str],
    days: list[str],
    step: Step,
    source: str | None,
) -> None:
    """Two sources are two series: whoever was loaded both ways is not counted twice."""
    variables = {"d": diseases, "c": codes, "from": days[0], "to": days[1], "s": step.name}
    found = counted.ask(_COUNTS, NATIONAL, variables | {"of": source}).data["counts"]
    asked = []
    for disease in dict.fromkeys(diseases):
        for code in dict.fromkeys(codes):
            there = sorted({row["source"] for row in _rows_of(disease, code, days)})
            told = [source] if source else there or ["CASES"]
            asked += [(disease, code, one) for one in told]
    assert [(one["disease"]["id"], one["code"], one["source"]) for one in found] == asked
    for one, (disease, code, of) in zip(found, asked, strict=True):
        assert one["step"] == step.name
        assert one["counts"] == _expected(disease, code, of, days, step)


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        ("2026-01-01", "2025-12-29", "2026-01-01"),
        ("2026-01-05", "2026-01-05", "2026-01-01"),
        ("2026-02-28", "2026-02-23", "2026-02-01"),
        ("0001-01-01", "0001-01-01", "0001-01-01"),
    ],
)
def test_the_first_day_of_a_step(day: str, week: str, month: str) -> None:
    assert first_day(day, Step.DAY) == day
    assert first_day(day, Step.WEEK) == week
    assert first_day(day, Step.MONTH) == month


def _ask(counted: Gateway, who: Any = NATIONAL, **given: Any) -> Any:
    variables = {"d": ["measles"], "c": ["320100"], "from": "2026-01-01", "to": "2026-01-31"}
    return counted.ask(_COUNTS, who, variables | given)


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"d": ["nobody"]}, "INVALID_INPUT"),
        ({"from": "2026-02-01"}, "INVALID_INPUT"),
        ({"c": ["330000"]}, "FORBIDDEN"),
        ({"c": ["320100", "000000"]}, "FORBIDDEN"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, "TOO_LARGE"),
        ({"c": [f"32{i:02}00" for i in range(100)], "d": ["measles", "rabies"] * 3}, None),
        ({"c": [f"3201{i:02}" for i in range(100)] + [f"3202{i:02}" for i in range(99)]}, None),
        ({"from": "9999-12-31", "to": "9999-12-31"}, None),
        ({"from": "0001-01-01", "to": "0001-01-02", "s": "WEEK"}, None),
        ({"c": []}, None),
        ({"d": []}, None),
    ],
)
def test_limits_and_borders(counted: Gateway, given_: Any, code: str | None) -> None:
    asked = _ask(counted, viewer("320000"), **given_)
    assert asked.codes == ([code] if code else [])
    assert (asked.data is None) is (code is not None)


def test_too_many_series(counted: Gateway) -> None:
    codes = [f"32{i:04}" for i in range(251)]
    assert _ask(counted, c=codes, d=["measles", "rabies"]).codes == ["TOO_LARGE"]
    most = [f"3201{i:02}" for i in range(100)] + [f"32{i:04}" for i in range(200, 600)]
    assert _ask(counted, c=most).errors == []


def test_a_dead_code_counts_what_its_successor_has(counted: Gateway) -> None:
    dead, alive = (
        _ask(counted, c=[code]).data["counts"][0]["counts"] for code in ("320103", "320104")
    )
    assert dead == alive
    assert any(one["cases"] for one in alive)


def test_only_regions_of_the_codes_are_asked_and_a_lost_one_is_named(
    copies: tuple[RegionSettings, ...], make: Callable[..., Gateway]
) -> None:
    assert copies[1].path is not None
    copies[1].path.unlink()
    gateway = make(copies)
    asked = _ask(gateway, c=["320100", "320200"])
    assert asked.errors[0]["path"] == ["counts"]
    assert asked.codes == ["REGION_UNAVAILABLE"]
    for series in asked.data["counts"]:
        assert [one["state"] for one in series["regions"]] == [
            "ANSWERED",
            "UNREACHABLE",
            "NOT_ASKED",
            "NOT_ASKED",
        ]
    assert _ask(gateway, c=["320100"]).errors == []
