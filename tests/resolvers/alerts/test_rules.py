"""Rules as data: which method watches a disease in a county on a day."""

from __future__ import annotations

from typing import Any

import pytest

from regions.areas import reference_rows
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.reference import diseases
from schema.alerts import DetectionMethod as Method
from schema.alerts import RuleOrigin


def rule(name: str, method: Method, prefix: str = "", **given: Any) -> Rule:
    values: dict[str, Any] = {
        "id": name,
        "version": 1,
        "prefix": prefix,
        "disease": "measles",
        "method": method,
        "parameters": {},
        "effective_from": "2020-01-01",
        "effective_to": None,
        "origin": RuleOrigin.NATIONAL,
    }
    return Rule(**values | given)


_PERCENTILE, _CARD, _SCAN = (
    Method.MOVING_PERCENTILE,
    Method.SINGLE_CASE,
    Method.SPACE_TIME_PERMUTATION,
)


def test_the_shipped_rules_are_those_of_the_plan() -> None:
    """E4 and E5: ten diseases by single cases, nineteen by the moving percentile. The scans are
    not of the plan."""
    found: dict[str, set[str]] = {}
    shipped = list(reference_rows("detection_rules.csv"))
    scans = {row["disease"] for row in shipped if row["method"] == _SCAN.name}
    assert scans == {"hepatitis_a", "dysentery", "typhoid"}
    for row in (one for one in shipped if one["method"] != _SCAN.name):
        found.setdefault(row["method"], set()).add(row["disease"])
    by_method = {"SINGLE_CASE": "SINGLE_CASE", "PERCENTILE": "MOVING_PERCENTILE"}
    assert {name: len(those) for name, those in found.items()} == {
        "SINGLE_CASE": 10,
        "MOVING_PERCENTILE": 19,
    }
    for method, name in by_method.items():
        assert found[name] == {d.id for d in diseases().values() if d.alert_method == method}


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("440104", "2026-01-01", "country"),
        ("320102", "2026-01-01", "county"),
        ("320104", "2026-01-01", "province"),
        ("320104", "2022-12-31", "country"),
        ("320104", "2023-01-01", "province"),
        ("320102", "2024-12-31", "county"),
        ("320102", "2019-12-31", None),
        ("320205", "2025-06-01", "new"),
        ("320205", "2025-05-31", "province"),
    ],
)
def test_the_rule_of_the_smallest_area_holds(code: str, day: str, expected: str | None) -> None:
    book = RuleBook(
        (
            rule("country", _PERCENTILE),
            rule("province", Method.EARS_C1, "32", effective_from="2023-01-01"),
            rule("new", Method.EARS_C2, "32", effective_from="2025-06-01"),
            rule(
                "ended", Method.NONE, "3201", effective_from="2020-01-01", effective_to="2020-01-31"
            ),
            rule("county", _CARD, "320102"),
            rule("before", _CARD, "320104", effective_to="2020-12-31"),
        )
    )
    if code == "320104" and day >= "2025-06-01":
        expected = "new"
    found = book.effective("measles", code, day)
    assert (found.id if found else None) == expected
    single = book.single_case("measles", code, day)
    assert (single is not None) is (expected == "county")


def test_a_rule_for_clusters_hides_none_for_counties() -> None:
    book = RuleBook((rule("country", _PERCENTILE), rule("scan", _SCAN, "32")))
    found = book.effective("measles", "320102", "2026-01-01")
    assert found is not None
    assert found.id == "country"
    found = book.effective("measles", "320102", "2026-01-01", clusters=True)
    assert found is not None
    assert found.id == "scan"
    assert book.effective("measles", "330102", "2026-01-01", clusters=True) is None
    assert {one.id for one in book.of("320102", "2026-01-01")} == {"country", "scan"}


def test_none_of_a_smaller_area_turns_a_rule_off() -> None:
    book = RuleBook((rule("country", _CARD), rule("off", Method.NONE, "3201")))
    assert book.single_case("measles", "320102", "2026-01-01") is None
    assert book.single_case("measles", "320202", "2026-01-01") is not None


def test_the_digest_is_of_what_holds_there_that_day() -> None:
    country, province = rule("country", _PERCENTILE), rule("province", _CARD, "33")
    one, both = RuleBook((country,)), RuleBook((province, country))
    day = "2026-01-01"
    assert one.digest(day, ("3201",)) == both.digest(day, ("3201",))
    assert one.digest(day, ("3301",)) != both.digest(day, ("3301",))
    changed = RuleBook((rule("country", _PERCENTILE, parameters={"percentile": 80}),))
    assert one.digest(day) != changed.digest(day)
