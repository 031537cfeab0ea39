"""One statement for many rows: what becomes of its text, and that a server does as with each."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from regions.bulk import insert_rows, put_rows
from regions.given_rows import over_rows, rows_text
from regions.person_keys import person_keys
from regions.reference import units
from regions.settings import RegionSettings
from regions.statements import Prepared, text_value
from tests.stores import in_store

COLUMNS = ("id", "code", "level", "name_zh", "name_en")


def test_what_varies_is_one_parameter_and_the_rest_is_the_same_for_all() -> None:
    one = 'UPDATE t SET a=$1::VARCHAR COLLATE "C", b=$2::INTEGER WHERE t.id = $3::BIGINT'
    rows = "jsonb_array_elements($1::jsonb) AS given(one)"
    assert over_rows(one, [3, 1]) == (
        'UPDATE t SET a=(one ->> 1) COLLATE "C", b=$2::INTEGER '
        f"FROM {rows} WHERE t.id = (one ->> 0)::BIGINT "
        f"AND t.id = ANY (ARRAY(SELECT (one ->> 0)::BIGINT FROM {rows}))"
    )
    assert over_rows(one, [2, 3]) == (
        'UPDATE t SET a=$2::VARCHAR COLLATE "C", b=(one ->> 0)::INTEGER '
        f"FROM {rows} WHERE t.id = (one ->> 1)::BIGINT "
        f"AND t.id = ANY (ARRAY(SELECT (one ->> 1)::BIGINT FROM {rows}))"
    )
    assert over_rows('DELETE FROM t WHERE t.a = $1::VARCHAR COLLATE "C" AND b IS NULL', [1]) == (
        f'DELETE FROM t USING {rows} WHERE t.a = (one ->> 0) COLLATE "C" AND b IS NULL '
        f'AND t.a = ANY (ARRAY(SELECT (one ->> 0) COLLATE "C" FROM {rows}))'
    )
    put = "INSERT INTO t (a, b, c) VALUES ($1::BYTEA, nextval('s'), 1) ON CONFLICT DO NOTHING"
    assert over_rows(put, [1]) == (
        "INSERT INTO t (a, b, c) SELECT decode((one ->> 0), 'hex'), nextval('s'), 1 "
        f"FROM {rows} ON CONFLICT DO NOTHING"
    )
    assert rows_text([(1, "a'", None), (2, b"\x00\xff", 1.5)]) == '[[1,"a\'",null],[2,"00ff",1.5]]'


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE t SET a=coalesce(a, $1) WHERE t.id = $2::BIGINT", "no type"),
        ("SELECT a FROM t WHERE t.id = $1::BIGINT", "no statement for many rows"),
        ("INSERT INTO t (a) VALUES ($1::BIGINT) RETURNING a", "no statement for many rows"),
        ("UPDATE t SET a=$1::BIGINT", "no statement for many rows"),
    ],
)
def test_what_cannot_be_said_of_many_rows_is_refused(statement: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        over_rows(statement, [1, 2])


def test_either_kind_of_store_does_the_same_with_many_rows_as_with_each(
    store_settings: RegionSettings,
) -> None:
    names = ("id", "code", "level", "name_zh", "name_en")
    put = Prepared(insert(units).values({one: bindparam(one) for one in names}))
    rename = Prepared(
        update(units)
        .where(units.c.id == bindparam("of"), units.c.level == "CDC")
        .values(
            name_zh=bindparam("to"), name_en=func.coalesce(text_value("other"), units.c.name_en)
        )
    )
    drop = Prepared(delete(units).where(units.c.id == bindparam("of")))

    def work(connection: Connection) -> None:
        rows = [
            dict(zip(names, (f"u{n}", "320102", "CDC", "疾'控\"", "x"), strict=True))
            for n in range(4)
        ]
        put.run_all(connection, rows)
        told = [{"of": f"u{n}", "to": f"新{n}", "other": None if n else "y"} for n in range(3)]
        rename.run_all(connection, told)
        drop.run_all(connection, [{"of": "u1"}, {"of": "u9"}])
        found = connection.execute(
            select(units.c.id, units.c.name_zh, units.c.name_en)
            .where(units.c.id.like("u_"))
            .order_by(units.c.id)
        )
        assert [tuple(row) for row in found] == [
            ("u0", "新0", "y"),
            ("u2", "新2", "x"),
            ("u3", "疾'控\"", "x"),
        ]

    in_store(store_settings, work)


def test_rows_are_numbered_in_their_order(store_settings: RegionSettings) -> None:
    if store_settings.path is not None:
        return

    def work(connection: Connection) -> None:
        connection.execute(text("CREATE TEMPORARY SEQUENCE counted"))
        numbered = Prepared(
            insert(person_keys)
            .inline()
            .values(
                person_id=text("nextval('counted')"),
                salt=bindparam("salt", type_=person_keys.c.salt.type),
            )
        )
        salts = [bytes([one]) for one in range(200)]
        numbered.run_all(connection, [{"salt": one} for one in salts])
        found = connection.execute(select(person_keys.c.salt).order_by(person_keys.c.person_id))
        assert [bytes(one) for one in found.scalars()] == salts

    in_store(store_settings, work)


def test_many_rows_replace_those_that_are_there(store_settings: RegionSettings) -> None:
    def work(connection: Connection) -> None:
        insert_rows(
            connection,
            units,
            COLUMNS,
            [("a", "3201", "CDC", "一", "x"), ("b", "3201", "CDC", "二", "")],
        )
        put_rows(
            connection,
            units,
            COLUMNS,
            [("b", "3202", "CDC", "三", "z"), ("c", "3201", "CDC", "四", "w")],
        )
        found = connection.execute(
            select(units.c.id, units.c.code, units.c.name_zh, units.c.name_en)
            .where(units.c.id.in_(["a", "b", "c"]))
            .order_by(units.c.id)
        )
        assert [tuple(row) for row in found] == [
            ("a", "3201", "一", "x"),
            ("b", "3202", "三", "z"),
            ("c", "3201", "四", "w"),
        ]

    in_store(store_settings, work)
