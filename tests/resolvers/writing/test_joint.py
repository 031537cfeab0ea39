"""What many want of a store at a time shares a transaction, and each has an outcome of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, select

from regions.corrections import sequences
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store
from tests.stores import Stores, in_store


def _entered(connection: Connection) -> set[str]:
    return set(connection.execute(select(sequences.c.name)).scalars()) - {"records"}


def _enter(connection: Connection, name: str) -> None:
    connection.execute(insert(sequences).values(name=name, next=0))


class _Many:
    """Enters names; leaves those that begin with a dash. The group fails where one is poison."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.firsts: list[int] = []

    def __call__(
        self, connection: Connection, store: Store, given: Sequence[tuple[str, int]]
    ) -> list[str | None]:
        self.groups.append([name for name, _ in given])
        self.firsts += [first for _, first in given]
        found: list[str | None] = []
        for name, _ in given:
            if name.startswith("-"):
                found.append(None)
                continue
            _enter(connection, name)
            if name == "poison":
                raise KeyError(name)
            found.append(f"together {name}")
        return found


def _alone(name: str) -> Callable[[Connection, int], str]:
    def work(connection: Connection, _: int) -> str:
        if name == "poison":
            raise LookupError(name)
        _enter(connection, name)
        return f"alone {name}"

    return work


def _asked(
    settings: RegionSettings, keys: Keys, many: _Many, names: Sequence[str]
) -> list[str | BaseException]:
    async def run() -> list[str | BaseException]:
        store = Store(settings, keys)
        try:
            asking = (store.carry_together(many, one, 3, _alone(one)) for one in names)
            return await asyncio.gather(*asking, return_exceptions=True)
        finally:
            await store.close()

    return asyncio.run(run())


def test_many_share_a_transaction_and_what_is_left_is_done_alone(
    store_settings: RegionSettings, keys: Keys
) -> None:
    many = _Many()
    assert _asked(store_settings, keys, many, ["a", "-b", "c"]) == [
        "together a",
        "alone -b",
        "together c",
    ]
    assert many.groups == [["a", "-b", "c"]]
    assert [one - many.firsts[0] for one in many.firsts] == [0, 3, 6]
    assert in_store(store_settings, _entered) == {"a", "-b", "c"}


def test_one_that_fails_fails_alone(store_settings: RegionSettings, keys: Keys) -> None:
    many = _Many()
    first, poison, last = _asked(store_settings, keys, many, ["a", "poison", "c"])
    assert isinstance(poison, LookupError)
    assert (first, last) == ("alone a", "alone c")
    assert in_store(store_settings, _entered) == {"a", "c"}


def test_whoever_leaves_during_the_transaction_undoes_it_and_the_others_are_done_alone(
    store_settings: RegionSettings, keys: Keys
) -> None:
    leaving: list[asyncio.Task[str]] = []

    async def run() -> str:
        store = Store(store_settings, keys)
        loop = asyncio.get_running_loop()
        left = threading.Event()

        def leave() -> None:
            leaving[0].cancel()
            # Only then has it given its transaction up.
            leaving[0].add_done_callback(lambda _: left.set())

        def many(
            connection: Connection, store: Store, given: Sequence[tuple[str, int]]
        ) -> list[str | None]:
            if store_settings.path is not None:
                loop.call_soon_threadsafe(leave)
                assert left.wait(60)
            else:
                leaving[0].cancel()  # it hears of it while the server is waited for
            for name, _ in given:
                _enter(connection, name)
            return [f"together {name}" for name, _ in given]

        try:
            leaving.append(
                asyncio.create_task(store.carry_together(many, "gone", 1, _alone("gone")))
            )
            stays = asyncio.create_task(store.carry_together(many, "stays", 1, _alone("stays")))
            return await stays
        finally:
            await store.close()

    assert asyncio.run(run()) == "alone stays"
    assert in_store(store_settings, _entered) == {"stays"}


def test_a_store_that_is_away_says_so_to_each(keys: Keys, stores: Stores) -> None:
    settings = stores.sqlite("3201")
    assert settings.path is not None
    settings.path.unlink()
    found = _asked(settings, keys, _Many(), ["a", "b"])
    assert [one.state for one in found if isinstance(one, WriteFailed)] == ["UNREACHABLE"] * 2
