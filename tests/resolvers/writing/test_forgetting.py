"""Old idempotency keys are forgotten, a batch at a time; those that may be tried again never."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from regions.engines import sqlite_engine
from regions.idempotency import central_idempotency, idempotency
from regions.instants import instant, now, seconds_of
from resolvers.central import Central
from resolvers.writing.forgetting import BATCH, forget, forget_keys
from tests.resolvers.writing.making import DOCTOR, Writer, case_input
from tests.stores import declared_central, in_store

DAYS = 30


def _ago(*, days: int, seconds: int = 0) -> str:
    return instant(seconds_of(now()) - days * 86_400 - seconds)


def _row(key: str, made: str) -> dict[str, str]:
    return {
        "account": "doctor",
        "key": key,
        "operation": "registerCase",
        "payload_hash": "0",
        "result": "{}",
        "created_at": made,
    }


def _keys(connection: Connection, table: Table = idempotency) -> set[str]:
    return set(connection.scalars(select(table.c.key)))


@contextmanager
def _gateway(writer: Writer, folder: Path) -> Iterator[Central]:
    engine = sqlite_engine(str(declared_central(folder / "gateway.db")))
    made = Central(engine, writer.keys)
    yield made
    writer.run(made.close())
    writer.run(engine.dispose())


def test_a_key_is_forgotten_behind_its_days_and_not_before(either: Writer, tmp_path: Path) -> None:
    given = [case_input(), case_input()]
    first = [either.do("registerCase", DOCTOR, one)["case"]["id"] for one in given]
    settings = either.regions[0]
    made = in_store(
        settings,
        lambda one: one.execute(
            select(idempotency.c.key, idempotency.c.result).order_by(idempotency.c.result)
        ).all(),
    )
    assert len(made) == 2
    old, young = made[0].key, made[1].key

    def age(connection: Connection) -> None:
        for key, at in ((old, _ago(days=DAYS, seconds=60)), (young, _ago(days=DAYS - 1))):
            connection.execute(
                update(idempotency).where(idempotency.c.key == key).values(created_at=at)
            )

    in_store(settings, age)
    with _gateway(either, tmp_path) as gateway:
        either.run(forget_keys(either.stores, gateway, days=DAYS))
    assert in_store(settings, _keys) == {young}
    again = [either.do("registerCase", DOCTOR, one) for one in given]
    assert sorted(one["repeated"] for one in again) == [False, True]
    (kept,) = [one["case"]["id"] for one in again if one["repeated"]]
    assert kept in first


def test_the_gateways_own_keys_are_forgotten_too(writer: Writer, tmp_path: Path) -> None:
    rows = [_row("old", _ago(days=DAYS + 1)), _row("young", _ago(days=DAYS - 1))]
    with _gateway(writer, tmp_path) as gateway:
        writer.run(gateway.do(lambda one: one.execute(insert(central_idempotency), rows)))
        writer.run(forget_keys(writer.stores, gateway, days=DAYS))
        left: set[str] = writer.run(gateway.do(lambda one: _keys(one, central_idempotency)))
    assert left == {"young"}


def test_one_transaction_forgets_a_batch_the_oldest_first(either: Writer, tmp_path: Path) -> None:
    settings = either.regions[0]
    rows = [_row(f"old-{n}", _ago(days=DAYS + 1, seconds=n)) for n in range(BATCH + 2)]
    in_store(settings, lambda one: one.execute(insert(idempotency), rows))
    assert in_store(settings, lambda one: forget(one, now())) == BATCH
    assert in_store(settings, _keys) == {"old-0", "old-1"}
    with _gateway(either, tmp_path) as gateway:
        either.run(forget_keys(either.stores, gateway, days=DAYS))
    assert in_store(settings, _keys) == set()


def _insert_rows(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(idempotency), rows)


def test_a_region_that_is_away_holds_up_no_other(writer: Writer, tmp_path: Path) -> None:
    away, there = writer.regions
    assert away.path is not None
    for settings in (away, there):
        rows = [_row("old", _ago(days=DAYS + 1))]
        in_store(settings, partial(_insert_rows, rows=rows))
    hidden = away.path.with_suffix(".away")
    away.path.rename(hidden)
    with _gateway(writer, tmp_path) as gateway:
        writer.run(forget_keys(writer.stores, gateway, days=DAYS))
        assert in_store(there, _keys) == set()
        hidden.rename(away.path)
        assert in_store(away, _keys) == {"old"}
        writer.run(forget_keys(writer.stores, gateway, days=DAYS))
    assert in_store(away, _keys) == set()


def test_a_key_forgotten_while_it_is_tried_again_is_claimed_anew(either: Writer) -> None:
    """PostgreSQL reads each statement anew: the key may go between insertion and look."""
    settings, given = either.regions[0], case_input()
    either.do("registerCase", DOCTOR, given)

    async def both() -> Any:
        writing = [either.doing("registerCase", DOCTOR, given) for _ in range(4)]

        async def forgetting() -> None:
            for _ in range(8):
                await either.stores.regions[0].write(0, lambda one, _: forget(one, "9999"))

        return (await asyncio.gather(*writing, forgetting()))[:-1]

    for one in either.run(both()):
        assert one["__typename"] == "RegisterCasePayload"
    assert len(in_store(settings, _keys)) <= 1
