from __future__ import annotations

from dataclasses import replace

import pytest

from regions.errors import InvalidInput
from resolvers.demo.places import HOSPITALS, counties_of, nearness, units_of
from schema.enums import UnitLevel
from tests.resolvers.demo.made import CODES, parameters
from tests.stores import region_settings


def test_counties_are_the_regions_own() -> None:
    counties = counties_of(region_settings("3201"))
    assert counties[0].code == "320102"
    assert counties[0].city == "江苏省南京市"
    assert len(counties) == 11
    assert all(county.weight > 0 for county in counties)


def test_a_prefecture_without_counties_is_its_own() -> None:
    assert [county.code for county in counties_of(region_settings("4419"))] == ["441900"]


def test_a_region_without_counties_is_refused() -> None:
    with pytest.raises(InvalidInput):
        counties_of(replace(region_settings("3201"), prefixes=("3299",)))


def test_every_county_has_its_institutions() -> None:
    region = region_settings("3418")
    units = list(units_of(region))
    assert len({unit[0] for unit in units}) == len(units)
    assert len(units) == len(counties_of(region)) * (HOSPITALS + 2)
    assert {unit[2] for unit in units} <= set(UnitLevel.__members__)
    assert all(unit[5] == f"cdc-{unit[1]}" for unit in units)


def test_neighbours_are_nearer() -> None:
    near = nearness(parameters().regions)
    nanjing, zhenjiang, chongqing = (CODES.index(code) for code in ("3201", "3211", "5001"))
    assert near[nanjing][zhenjiang] > near[nanjing][chongqing] > 0
    assert all(near[region][region] == 0 for region in range(len(CODES)))
