"""The levels of units: which unit is above which, and who therefore answers for it (A2, A5).

A county files with its city, a city with its province, a province with the country; a hospital,
isolation site or health centre with the CDC of its county. Where a county lies in its province
directly (重庆), that is the level above. Pure: ids of units and
codes of GB/T 2260, no store.
"""

from __future__ import annotations

from collections.abc import Iterator

from regions.areas import reference_areas

__all__ = ["INSTITUTIONS", "NATIONAL", "cdc_of", "unit_above", "units_above"]

NATIONAL = "cdc-000000"
"""The unit that has none above it."""

INSTITUTIONS = ("HOSPITAL", "ISOLATION_SITE", "HEALTH_CENTRE")


def cdc_of(code: str) -> str:
    """The id of the CDC of a code."""
    return f"cdc-{code}"


def unit_above(unit_id: str, level: str, code: str) -> str | None:
    """The unit with which this one files; None for the national one."""
    if level in INSTITUTIONS:
        return cdc_of(code)
    if unit_id == NATIONAL:
        return None
    above = reference_areas().parent(unit_id.removeprefix("cdc-"))
    return NATIONAL if above is None else cdc_of(above)


def units_above(unit_id: str, level: str, code: str) -> Iterator[str]:
    """The units above, the nearest first."""
    above = unit_above(unit_id, level, code)
    while above is not None:
        yield above
        above = unit_above(above, "", "")
