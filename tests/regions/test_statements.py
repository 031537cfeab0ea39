"""Statements: compiled once, bound many times, on either kind of store."""

from __future__ import annotations

import pytest
from sqlalchemy import literal, select

from regions.contacts import contacts
from regions.statements import Statement, number, text_value


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
