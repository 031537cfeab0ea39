"""Several mutations in one transaction: each key counts once, and each is told of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, insert, select

from regions.access_log import log_outbox
from regions.corrections import sequences
from regions.idempotency import idempotency
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.access_log import Commitments
from resolvers.writing.idempotency import claim, settle
from resolvers.writing.outbox import Telling
from resolvers.writing.refusing import Refusal
from resolvers.writing.several import Mutation, Several
from resolvers.writing.stores import Store
from tests.stores import in_store

AT = "2026-11-28T08:00:00Z"


def _mutation(key: str, payload: str = "p", wants: str | None = None) -> Mutation:
    telling = Telling("origin", f"request-{key}-{payload}", "trace", Commitments(b"k" * 32), 7)
    return Mutation("officer", key, payload, "offer", AT, telling, {}, wants or key)


def _enter(connection: Connection, one: Mutation) -> dict[str, Any]:
    connection.execute(insert(sequences).values(name=one.wants, next=0))
    one.wrote["person"] = [len(one.wants)]
    return {"entered": one.wants}


def _step(
    connection: Connection, _: Store, given: Sequence[tuple[Mutation, int]]
) -> list[dict[str, Any] | None]:
    """Enters what is wanted; leaves what begins with a dash."""
    return [None if one.wants.startswith("-") else _enter(connection, one) for one, _ in given]


def _alone(one: Mutation) -> Any:
    def work(connection: Connection, _: int) -> tuple[dict[str, Any], bool]:
        kept = claim(connection, one.account, one.key, one.operation, one.payload, one.at)
        if kept is not None:
            return kept, True
        result = _enter(connection, one)
        settle(connection, one.account, one.key, result)
        return result, False

    return work


def _done(settings: RegionSettings, keys: Keys, given: Sequence[Mutation]) -> list[Any]:
    several = Several(_step)

    async def run() -> list[Any]:
        store = Store(settings, keys)
        try:
            asking = (store.carry_together(several, one, 1, _alone(one)) for one in given)
            return await asyncio.gather(*asking, return_exceptions=True)
        finally:
            await store.close()

    return asyncio.run(run())


def _kept(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(select(idempotency.c.key, idempotency.c.result))
    return {row.key: orjson.loads(row.result) for row in rows}


def _told(connection: Connection) -> list[tuple[str, str, str, int]]:
    rows = connection.execute(select(log_outbox).order_by(log_outbox.c.id))
    return [(row.id, row.account, row.operation, row.position) for row in rows]


def _entered(connection: Connection) -> list[str]:
    names = connection.execute(select(sequences.c.name).order_by(sequences.c.name)).scalars()
    return [one for one in names if one != "records"]


def test_each_is_kept_with_its_key_and_told_of(store_settings: RegionSettings, keys: Keys) -> None:
    found = _done(store_settings, keys, [_mutation("a"), _mutation("b"), _mutation("-c")])
    assert found == [
        ({"entered": "a"}, False),
        ({"entered": "b"}, False),
        ({"entered": "-c"}, False),
    ]
    kept = {"a": {"entered": "a"}, "b": {"entered": "b"}, "-c": {"entered": "-c"}}
    assert in_store(store_settings, _kept) == kept
    # What was done alone tells of itself, as `Writing.once` does.
    assert in_store(store_settings, _told) == [
        (f"request-{key}-p/{key}", "officer", "mutation offer", 7) for key in ("a", "b")
    ]


def test_a_key_counts_once_among_many_and_afterwards(
    store_settings: RegionSettings, keys: Keys
) -> None:
    first, again, other = _mutation("a"), _mutation("a"), _mutation("b")
    found = _done(store_settings, keys, [first, again, other])
    assert found == [
        ({"entered": "a"}, False),
        ({"entered": "a"}, True),
        ({"entered": "b"}, False),
    ]
    found = _done(store_settings, keys, [_mutation("a"), _mutation("c"), _mutation("b", "q")])
    assert found[:2] == [({"entered": "a"}, True), ({"entered": "c"}, False)]
    assert isinstance(found[2], Refusal)  # the key served for another payload
    assert in_store(store_settings, _entered) == ["a", "b", "c"]


def test_a_step_that_fails_leaves_nothing_of_any_key(
    store_settings: RegionSettings, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    in_store(
        store_settings,
        lambda connection: connection.execute(insert(sequences).values(name="taken", next=0)),
    )
    given = [_mutation("a"), _mutation("b", wants="taken")]
    first, second = _done(store_settings, keys, given)
    assert first == ({"entered": "a"}, False)  # alone, after all
    assert isinstance(second, Exception)
    assert in_store(store_settings, _kept) == {"a": {"entered": "a"}}
    assert in_store(store_settings, _entered) == ["a", "taken"]
    assert "did not do 2 at once" in caplog.text
