"""Statements: compiled once, bound many times, on either kind of store."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, bindparam, insert, literal, select

from regions.contacts import contacts
from regions.engines import make_engine
from regions.person_keys import person_keys
from regions.statements import Prepared, Statement, number, text_value
from tests.stores import Stores


def _statement(dialect: str) -> Statement:
    wanted = select(contacts.c.id, literal("kept")).where(
        contacts.c.level.in_(["CLOSE", "GENERAL"]),
        contacts.c.code >= text_value("code"),
        contacts.c.code != text_value("code"),
        contacts.c.id > number("after"),
    )
    return Statement(wanted.limit(number("most")), dialect)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_values_stand_where_they_are_named(dialect: str) -> None:
    statement = _statement(dialect)
    bound = statement.bind({"code": "320104", "after": 7, "most": 3})
    assert [one for one in bound if one in ("320104", 7, 3)].count("320104") >= 1
    assert {"kept", "CLOSE", "GENERAL", "320104", 7, 3} <= set(bound)
    again = statement.bind({"code": "320105", "after": 8, "most": 4})
    assert {"kept", "CLOSE", "GENERAL", "320105", 8, 4} <= set(again)
    assert "320104" not in again
    assert statement.bind({"code": "320104", "after": 7, "most": 3}) == bound


def test_each_kind_of_store_has_its_own_places() -> None:
    sqlite, postgresql = _statement("sqlite"), _statement("postgresql")
    given = {"code": "c", "after": 1, "most": 2}
    assert sqlite.sql.count("?") == len(sqlite.bind(given))
    for place in range(1, len(postgresql.bind(given)) + 1):
        assert f"${place}" in postgresql.sql
    assert "?" not in postgresql.sql


def test_a_value_nobody_names_is_overlooked() -> None:
    statement = _statement("sqlite")
    given = {"code": "c", "after": 1, "most": 2}
    assert statement.bind({**given, "other": 9}) == statement.bind(given)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_many_rows_are_bound_as_each_of_them(dialect: str) -> None:
    named = select(contacts.c.id).where(
        contacts.c.code >= text_value("code"), contacts.c.id > number("after")
    )
    rows = [{"code": f"32010{one}", "after": one, "other": 0} for one in (4, 2, 6)]
    for statement in (Statement(named, dialect), Statement(named.limit(5), dialect)):
        assert statement.bind_all(rows) == [statement.bind(row) for row in rows]
    assert Statement(named, dialect).bind_all(rows)[1] == ("320102", 2)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_prepared_statements_say_the_same_on_each_kind_of_store(stores: Stores, kind: str) -> None:
    put = Prepared(
        insert(person_keys).values(person_id=bindparam("person_id"), salt=bindparam("salt"))
    )
    found = Prepared(
        select(person_keys.c.person_id, person_keys.c.salt)
        .where(person_keys.c.person_id > bindparam("after"))
        .order_by(person_keys.c.person_id)
    )
    rows = [{"person_id": one, "salt": bytes([one])} for one in (1, 2, 3)]

    def work(connection: Connection) -> list[tuple[int, bytes]]:
        put.run_all(connection, [])
        put.run_all(connection, rows[:2])
        assert put.run(connection, **rows[2]).rowcount == 1
        return [(row.person_id, bytes(row.salt)) for row in found.run(connection, after=1)]

    settings = stores.make(kind, "3201")

    async def run() -> list[tuple[int, bytes]]:
        engine = make_engine(settings, pool_size=1)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    assert asyncio.run(run()) == [(2, b"\x02"), (3, b"\x03")]
