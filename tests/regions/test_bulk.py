"""Many rows at once: what is inserted, what is found again, and the order that must hold."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from regions.bulk import insert_rows, rows_by_text
from regions.reference import units
from regions.settings import RegionSettings
from tests.stores import in_store

COLUMNS = ("id", "code", "level", "name_zh", "name_en")


def test_rows_are_inserted_and_found_by_a_text(store_settings: RegionSettings) -> None:
    rows = [
        (f"hospital-320102-{n}", "320102", "HOSPITAL", "医院'\"“", "Hospital") for n in range(300)
    ]

    def work(connection: Connection) -> None:
        insert_rows(connection, units, COLUMNS, rows)
        insert_rows(connection, units, COLUMNS, [])
        wanted = ["hospital-320102-7", "hospital-320102-299", "hospital-320102-300", "'; --"]
        found = rows_by_text(connection, select(units.c.id, units.c.name_zh), units.c.id, wanted)
        assert sorted(map(tuple, found)) == [(row[0], row[3]) for row in (rows[299], rows[7])]
        assert list(rows_by_text(connection, select(units.c.id), units.c.id, [])) == []

    in_store(store_settings, work)


def test_texts_are_asked_for_in_several_questions(store_settings: RegionSettings) -> None:
    rows = [(f"x-{n}", "320102", "HOSPITAL", "", "") for n in range(25)]

    def work(connection: Connection) -> None:
        insert_rows(connection, units, COLUMNS, rows)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("regions.bulk._KEYS_AT_ONCE", 10)
            keys = [row[0] for row in rows]
            found = [
                row.id for row in rows_by_text(connection, select(units.c.id), units.c.id, keys)
            ]
        assert sorted(found) == sorted(keys)

    in_store(store_settings, work)


def test_columns_out_of_order_are_refused(store_settings: RegionSettings) -> None:
    def work(connection: Connection) -> None:
        with pytest.raises(ValueError, match="in the table's order"):
            insert_rows(connection, units, ("code", "id"), [("320102", "a")])

    in_store(store_settings, work)
