"""Which unit is above which."""

from __future__ import annotations

import pytest

from regions.areas import reference_areas
from resolvers.users.levels import NATIONAL, unit_above, units_above


@pytest.mark.parametrize(
    ("unit", "level", "code", "above"),
    [
        ("hospital-320102-1", "HOSPITAL", "320102", ["cdc-320102", "cdc-320100", "cdc-320000"]),
        ("site-320102-1", "ISOLATION_SITE", "320102", ["cdc-320102", "cdc-320100", "cdc-320000"]),
        ("cdc-320102", "COUNTY", "320102", ["cdc-320100", "cdc-320000"]),
        ("cdc-320100", "CITY", "320100", ["cdc-320000"]),
        ("cdc-500103", "COUNTY", "500103", ["cdc-500000"]),  # no city between
        ("cdc-500000", "PROVINCE", "500100", []),
        ("cdc-441900", "CITY", "441900", ["cdc-440000"]),  # no counties
    ],
)
def test_the_way_up(unit: str, level: str, code: str, above: list[str]) -> None:
    assert list(units_above(unit, level, code)) == [*above, NATIONAL]


def test_nothing_is_above_the_national_unit() -> None:
    assert unit_above(NATIONAL, "NATIONAL", "000000") is None
    assert list(units_above(NATIONAL, "NATIONAL", "000000")) == []


def test_every_cdc_of_the_country_ends_at_the_national_one() -> None:
    for area in reference_areas():
        way = list(units_above(f"cdc-{area.code}", area.level, area.code))
        assert way[-1] == NATIONAL
        assert len(way) == len(set(way)) <= 3
