"""Writes that go together: the same comes of them on either kind of store, and nothing of a block
that failed.
"""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, bindparam, delete, event, select, update

from regions.bulk import insert_rows, put_rows
from regions.person_keys import person_keys
from regions.reference import units
from regions.settings import RegionSettings
from regions.statements import Prepared
from regions.writes import Writes
from tests.stores import in_store

COLUMNS = ("id", "code", "level", "name_zh", "name_en")
KEYS = ("person_id", "salt")

_RENAME = Prepared(
    update(units).where(units.c.id == bindparam("of")).values(name_zh=bindparam("to"))
)
_DROP = Prepared(delete(person_keys).where(person_keys.c.person_id == bindparam("who")))
_MOVE = Prepared(update(units).where(units.c.id == bindparam("of")).values(code=bindparam("to")))


def _unit(name: str) -> tuple[str, ...]:
    return (name, "320102", "CDC", "一", "x")


def _all(connection: Connection) -> list[tuple[str, str, str]]:
    found = connection.execute(
        select(units.c.id, units.c.code, units.c.name_zh)
        .where(units.c.id.in_(["a", "b", "c"]))
        .order_by(units.c.id)
    )
    return [tuple(row) for row in found]


def test_what_is_written_together_is_there_behind_the_block(store_settings: RegionSettings) -> None:
    sent = []

    def work(connection: Connection) -> None:
        insert_rows(connection, units, COLUMNS, [_unit("a"), _unit("b")])
        insert_rows(connection, person_keys, KEYS, [(7, b"\x01"), (8, b"\x02")])
        event.listen(connection, "before_cursor_execute", lambda *told: sent.append(told[2]))
        with Writes(connection) as writes:
            put_rows(writes, units, COLUMNS, [_unit("c")])
            _RENAME.run_all(writes, [{"of": "a", "to": "二"}, {"of": "z", "to": "三"}])
            _MOVE.write(writes, of="b", to="320104")
            _DROP.run_all(writes, [{"who": 7}])
            insert_rows(writes, person_keys, KEYS, [(9, b"\xff")])
        statements = len(sent)
        assert statements == (5 if connection.dialect.name == "sqlite" else 1)
        assert _all(connection) == [
            ("a", "320102", "二"),
            ("b", "320104", "一"),
            ("c", "320102", "一"),
        ]
        left = connection.execute(select(person_keys).order_by(person_keys.c.person_id)).all()
        assert [(row.person_id, bytes(row.salt)) for row in left] == [(8, b"\x02"), (9, b"\xff")]
        with Writes(connection):
            pass

    in_store(store_settings, work)


def test_a_block_that_fails_sends_nothing(store_settings: RegionSettings) -> None:
    if store_settings.path is not None:
        return  # a file has it at once: whoever works with it undoes the transaction

    def work(connection: Connection) -> None:
        def fail() -> None:
            with Writes(connection) as writes:
                insert_rows(writes, units, COLUMNS, [_unit("a")])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert _all(connection) == []

    in_store(store_settings, work)
