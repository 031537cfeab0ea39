"""Statements past SQLAlchemy: rows, failures and transactions as SQLAlchemy has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, delete, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from regions.engines import make_engine
from regions.person_keys import person_keys
from regions.settings import RegionSettings
from regions.statements import Prepared
from tests.stores import Stores

_c = person_keys.c
_MAKE = Prepared(insert(person_keys).values(person_id=bindparam("who"), salt=bindparam("what")))
_ALL = Prepared(
    select(_c.person_id, _c.salt).where(_c.person_id > bindparam("behind")).order_by(_c.person_id)
)
_DROP = Prepared(delete(person_keys).where(_c.person_id == bindparam("who")))


def _make(connection: Connection, *people: int) -> None:
    for one in people:
        _MAKE.run(connection, who=one, what=bytes([one]))


def _do(settings: RegionSettings, *work: Callable[[Connection], Any]) -> list[Any]:
    """What each comes to, one after the other in a transaction of its own; what it raises."""
    found: list[Any] = []

    async def run() -> None:
        engine = make_engine(settings, pool_size=1, overflow=0)
        try:
            for one in work:
                try:
                    async with engine.begin() as connection:
                        found.append(await connection.run_sync(one))
                except Exception as error:
                    found.append(error)
        finally:
            await engine.dispose()

    asyncio.run(run())
    return found


def test_rows_are_there_by_place_by_name_and_as_values(store_settings: RegionSettings) -> None:
    def work(connection: Connection) -> None:
        _make(connection, 1, 2, 3)
        rows = _ALL.run(connection, behind=0).all()
        assert [tuple(row) for row in rows] == [(1, b"\x01"), (2, b"\x02"), (3, b"\x03")]
        (person, *others), last = rows[0], rows[-1]
        assert (person, others, last[-1], last.salt) == (1, [b"\x01"], b"\x03", b"\x03")
        assert last._asdict() == {"person_id": 3, "salt": b"\x03"}
        assert not hasattr(last, "erased_at")
        assert [row.person_id for row in _ALL.run(connection, behind=1)] == [2, 3]
        assert list(_ALL.run(connection, behind=1).scalars()) == [2, 3]
        assert _ALL.run(connection, behind=1).first()[0] == 2
        assert _ALL.run(connection, behind=3).first() is None
        assert _ALL.run(connection, behind=2).one().person_id == 3
        assert _ALL.run(connection, behind=2).scalar_one() == 3
        for behind, why in ((1, MultipleResultsFound), (3, NoResultFound)):
            with pytest.raises(why):
                _ALL.run(connection, behind=behind).one()
        assert _DROP.run_all(connection, [{"who": 1}, {"who": 3}, {"who": 9}]) == 2

    assert _do(store_settings, work) == [None]


def test_what_is_refused_is_named_and_undone(store_settings: RegionSettings) -> None:
    refused, _, kept = _do(
        store_settings,
        lambda connection: _make(connection, 1, 1),
        lambda connection: _make(connection, 2),
        lambda connection: list(_ALL.run(connection, behind=0).scalars()),
    )
    assert isinstance(refused, IntegrityError)
    assert kept == [2]


def test_a_transaction_begins_with_the_first_statement(stores: Stores) -> None:
    settings = stores.make("postgresql", "3201")

    async def run() -> list[int]:
        engine = make_engine(settings, pool_size=1, overflow=0)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(_make, 1)
                assert connection.in_transaction()
                await connection.rollback()
                await connection.run_sync(_make, 2)
                await connection.commit()
                return await connection.run_sync(
                    lambda connection: list(_ALL.run(connection, behind=0).scalars())
                )
        finally:
            await engine.dispose()

    assert asyncio.run(run()) == [2]


def test_a_connection_that_breaks_is_not_used_again(stores: Stores) -> None:
    settings = stores.make("postgresql", "3201")
    end = Prepared(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def breaking(connection: Connection) -> None:
        _make(connection, 1)
        end.run(connection)

    broken, after = _do(
        settings,
        breaking,
        lambda connection: list(_ALL.run(connection, behind=0).scalars()),
    )
    assert isinstance(broken, DBAPIError)
    assert after == []


def test_whoever_listens_to_statements_hears_of_each(store_settings: RegionSettings) -> None:
    heard: list[str] = []

    def work(connection: Connection) -> list[int]:
        event.listen(connection, "before_cursor_execute", lambda *told: heard.append(told[2]))
        _make(connection, 1)
        return list(_ALL.run(connection, behind=0).scalars())

    assert _do(store_settings, work) == [[1]]
    assert [one.split()[0] for one in heard] == ["INSERT", "SELECT"]
