"""Reference rows of a store: codes with their changes, diseases, the CDC units of its places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, update

from regions.areas import Areas, reference_areas, reference_rows
from regions.reference import area_changes, areas, diseases, units
from regions.settings import RegionSettings

__all__ = ["cdc_units", "seed"]

_Row = dict[str, Any]

COUNTRY = "000000"
_LEVELS = {"PROVINCE": "PROVINCE", "PREFECTURE": "CITY", "COUNTY": "COUNTY"}


def seed(connection: Connection, settings: RegionSettings) -> int:
    """Brings the reference tables to what this epigate ships; returns the number of rows changed.

    Codes are exactly those shipped, for a dead code must not look alive. Diseases and units are
    added and renamed but never removed: records may name them, and regions add units of their own.
    """
    known = reference_areas()
    return (
        _bring(connection, areas, _area_rows(known), exact=True)
        + _bring(connection, area_changes, _change_rows(known), exact=True)
        + _bring(connection, diseases, reference_rows("diseases.csv"))
        + _bring(connection, units, cdc_units(settings))
    )


def cdc_units(settings: RegionSettings) -> list[_Row]:
    """One CDC for every code the region covers, with the CDCs above them up to the country's.

    Rows of the table `units`: ids are `cdc-<code>`, `cdc-000000` is the national one.
    """
    known = reference_areas()
    covered = [area.code for area in known.under(settings.prefixes)]
    above = {code for covered_code in covered for code in known.ancestors(covered_code)}
    rows = [
        {
            "id": f"cdc-{COUNTRY}",
            "code": COUNTRY,
            "level": "NATIONAL",
            "name_zh": "中国疾病预防控制中心",
            "name_en": "China CDC",
            "parent": None,
        }
    ]
    rows.extend(_cdc(known, code) for code in sorted({*covered, *above}))
    return rows


def _cdc(known: Areas, code: str) -> _Row:
    parent = known.parent(code)
    level = known.level(code) or ""
    place_zh, place_en = known.name(code), f"{known.name_en(code)} CDC"
    if level == "COUNTY" and parent:  # 鼓楼区 is in four cities
        place_zh, place_en = known.name(parent) + place_zh, f"{place_en}, {known.name_en(parent)}"
    return {
        "id": f"cdc-{code}",
        "code": code,
        "level": _LEVELS[level],
        "name_zh": f"{place_zh}疾病预防控制中心",
        "name_en": place_en,
        "parent": f"cdc-{parent or COUNTRY}",
    }


def _area_rows(known: Areas) -> Iterator[_Row]:
    for area in known:
        yield {
            "code": area.code,
            "name": area.name,
            "level": area.level,
            "parent": area.parent,
            "kind": area.kind,
        }


def _change_rows(known: Areas) -> Iterator[_Row]:
    for change in known.changes:
        yield {column.name: getattr(change, column.name) for column in area_changes.columns}


def _bring(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, exact: bool = False
) -> int:
    """Inserts what is missing, updates what differs; if `exact`, deletes what is not in rows."""
    keys = [column.name for column in table.primary_key.columns]
    wanted = {tuple(row[key] for key in keys): dict(row) for row in rows}
    found = {
        tuple(row[key] for key in keys): dict(row)
        for row in connection.execute(select(table)).mappings()
    }
    this_row = and_(*(table.c[key] == bindparam(f"key_{key}") for key in keys))
    missing = [row for key, row in wanted.items() if key not in found]
    if missing:
        connection.execute(insert(table), missing)
    changed = [
        row | {f"key_{name}": row[name] for name in keys}
        for key, row in wanted.items()
        if key in found and found[key] != row
    ]
    for row in changed:
        connection.execute(update(table).where(this_row), row)
    surplus = [key for key in found if exact and key not in wanted]
    for key in surplus:
        names = (f"key_{name}" for name in keys)
        connection.execute(delete(table).where(this_row), dict(zip(names, key, strict=True)))
    return len(missing) + len(changed) + len(surplus)
