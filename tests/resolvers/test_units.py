"""Units of all regions as one list: each once, by id, in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from regions.reference import units
from regions.settings import RegionSettings
from resolvers.users import Role
from tests.answering import NATIONAL, Gateway, viewer
from tests.stores import in_store

_UNITS = """query ($f: UnitFilter, $n: Int, $a: String) { units(filter: $f, first: $n, after: $a) {
    totalCount edges { cursor node { id code level nameZh nameEn } } regions { code state records }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture(scope="module")
def known(filled: tuple[RegionSettings, ...]) -> dict[str, Any]:
    """Every unit by id."""
    rows = [
        dict(row)
        for region in filled
        for row in in_store(region, lambda c: c.execute(select(units)).mappings().all())
    ]
    return {row["id"]: row for row in rows}


def test_all_pages_hold_every_unit_once_by_id(gateway: Gateway, known: dict[str, Any]) -> None:
    found: list[Any] = []
    given: dict[str, Any] = {"n": 7, "a": None}
    while True:
        page = gateway.ask(_UNITS, NATIONAL, given).data["units"]
        assert page["totalCount"] == len(known)
        assert page["pageInfo"]["hasPreviousPage"] is bool(found)
        found += [edge["node"] for edge in page["edges"]]
        given["a"] = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [one["id"] for one in found] == sorted(known)
    for one in found:
        row = known[one["id"]]
        assert (one["code"], one["level"]) == (row["code"], row["level"])
        assert (one["nameZh"], one["nameEn"]) == (row["name_zh"], row["name_en"])


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({}, lambda row: True),
        ({"level": ["CITY", "HOSPITAL"]}, lambda row: row["level"] in ("CITY", "HOSPITAL")),
        ({"code": ["320100"]}, lambda row: row["code"].startswith("3201")),
        ({"code": ["320103"]}, lambda row: row["code"] == "320104"),
        ({"code": ["000000"]}, lambda row: True),
        ({"ids": ["cdc-000000", "nobody"]}, lambda row: row["id"] == "cdc-000000"),
        ({"ids": []}, lambda row: False),
        ({"ids": ["a\0b"] * 30}, lambda row: False),
        (
            {"code": ["320100", "340500"], "level": ["COUNTY"]},
            lambda row: row["code"][:4] in ("3201", "3405") and row["level"] == "COUNTY",
        ),
    ],
)
def test_a_filter_finds_the_units_for_which_it_holds(
    gateway: Gateway, known: dict[str, Any], wanted: Any, holds: Callable[[Any], bool]
) -> None:
    page = gateway.ask(_UNITS, NATIONAL, {"f": wanted, "n": 1000}).data["units"]
    expected = sorted(one for one, row in known.items() if holds(row))
    assert [edge["node"]["id"] for edge in page["edges"]] == expected
    assert page["totalCount"] == len(expected)


@pytest.mark.parametrize("role", Role)
def test_units_are_for_every_role(gateway: Gateway, role: Role) -> None:
    assert gateway.ask(_UNITS, viewer("320104", role), {"n": 1}).data["units"]["totalCount"]


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"n": -1}, "INVALID_INPUT"),
        ({"n": 1001}, "TOO_LARGE"),
        ({"f": {"ids": ["x"] * 1001}}, "TOO_LARGE"),
        ({"a": "x"}, "INVALID_CURSOR"),
    ],
)
def test_limits(gateway: Gateway, given_: Any, code: str) -> None:
    asked = gateway.ask(_UNITS, NATIONAL, given_)
    assert asked.codes == [code]
    assert gateway.reads == []


def test_a_region_that_is_down_is_named(
    copies: tuple[RegionSettings, ...], make: Callable[..., Gateway]
) -> None:
    assert copies[1].path is not None
    copies[1].path.unlink()
    asked = make(copies).ask(_UNITS, NATIONAL, {"n": 1000})
    assert asked.codes == ["REGION_UNAVAILABLE"]
    ids = [edge["node"]["id"] for edge in asked.data["units"]["edges"]]
    assert "cdc-000000" in ids
    assert "cdc-320200" not in ids
    assert asked.data["units"]["regions"][1]["state"] == "UNREACHABLE"
