"""Every table and column is classified, named alike, and knows how to be read on both stores."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, LargeBinary, String, Table
from sqlalchemy.dialects import postgresql, sqlite

from regions.metadata import Reveals
from regions.sealing import ITEMS
from regions.tables import central, log_tables, regional

COLUMNS = [
    column
    for metadata in (regional, central, log_tables)
    for table in metadata.sorted_tables
    for column in table.columns
]
REGIONAL = regional.sorted_tables
POSTGRESQL, SQLITE = postgresql.dialect(), sqlite.dialect()  # type: ignore[no-untyped-call]  # the dialects have no types


def named(value: Column[object] | Table) -> str:
    return str(value)


@pytest.mark.leak(44)
@pytest.mark.parametrize("column", COLUMNS, ids=named)
def test_every_column_says_what_it_reveals(column: Column[object]) -> None:
    assert isinstance(column.info.get("reveals"), Reveals), f"{column} is not classified"


@pytest.mark.parametrize("table", REGIONAL, ids=named)
def test_text_sorts_by_byte_on_both_stores(table: Table) -> None:
    for column in table.columns:
        if isinstance(column.type, String):
            assert column.type.compile(POSTGRESQL) == 'VARCHAR COLLATE "C"', column
            assert column.type.compile(SQLITE) == "VARCHAR", column


@pytest.mark.leak(42, 44)
@pytest.mark.parametrize("table", REGIONAL, ids=named)
def test_private_items_stand_only_in_the_sealed_column(table: Table) -> None:
    names = {column.name for column in table.columns}
    sealed = [column for column in table.columns if column.info["reveals"] is Reveals.SEALED]
    assert (table.name in ITEMS) == bool(sealed)
    for column in sealed:
        assert column.name == "sealed"
        assert isinstance(column.type, LargeBinary)
    assert not names.intersection(ITEMS.get(table.name, ()))


def test_no_other_table_has_a_column_named_like_a_private_item_of_a_person() -> None:
    private = {*ITEMS["people"], "remarks", "seat", "coordinates", "address"}
    private -= {"name"}  # of an area
    for table in REGIONAL:
        assert not private.intersection(column.name for column in table.columns), table.name


@pytest.mark.parametrize("column", COLUMNS, ids=named)
def test_blind_indexes_are_indexed(column: Column[object]) -> None:
    if column.info["reveals"] is Reveals.BLIND_INDEX:
        assert any(column.name in index.columns for index in column.table.indexes)
        assert column.nullable


@pytest.mark.parametrize("table", REGIONAL, ids=named)
def test_ids_of_records_hold_63_bits_on_both_stores(table: Table) -> None:
    for column in table.columns:
        is_id = column.name == "id" or column.name.endswith("_id")
        if is_id and not isinstance(column.type, String):  # a unit's id is text
            assert column.type.compile(POSTGRESQL) == "BIGINT"
            assert column.type.compile(SQLITE) == "INTEGER"
