"""The index key over all regions' stores: both sets filled everywhere before any old one goes.

At no moment is anybody on record not found: until the first store empties its old set, everybody
has an index under the old key; before that, every store has a complete set under the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, func, select

from gateway.config import Config
from gateway.keys.sealing import new_key, wait_for_all
from gateway.keys.stores import KeyStore, key_stores
from regions.blind_index import BlindIndexer
from regions.errors import KeysError
from regions.index_keys import IndexState, Phase, read_state
from regions.index_rotation import begin, begin_clearing, clear_batch, fill_batch
from regions.keys import Keys, keep_names
from regions.people import people

__all__ = ["StoreIndex", "index_states", "rotate_index"]

_PAUSE = 0.005  # seconds between two batches: other writers of the store go first


@dataclass(slots=True)
class StoreIndex:
    """The state of a region's store; None where it does not answer."""

    code: str
    name: str
    state: IndexState | None


async def _regions(config: Config, keys: Keys) -> tuple[list[KeyStore], list[str]]:
    stores, away = await key_stores(config, keys)
    found = []
    for store in stores:
        if store.of_region:
            found.append(store)
        else:
            await store.engine.dispose()
    return found, away


async def index_states(config: Config, keys: Keys) -> list[StoreIndex]:
    """The state of every region's store."""
    stores, away = await _regions(config, keys)
    found = [StoreIndex(code, "", None) for code in away]
    for store in stores:
        found.append(StoreIndex(store.code, store.name, await store.do(read_state)))
        await store.engine.dispose()
    return found


async def rotate_index(
    config: Config,
    keys: Keys,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> list[StoreIndex]:
    """Changes the index key, or goes on with a change that was begun; the states it came to.

    With a region that does not answer, the others are filled, and nothing is emptied.
    """
    stores, away = await _regions(config, keys)
    try:
        target = await _target(config, keys, stores)
        indexer = BlindIndexer(keys.index)
        for store in stores:
            await store.do(lambda connection: begin(connection, target))
        for store in stores:
            work = partial(fill_batch, sealer=store.sealer, indexer=indexer)
            await _batches(store, progress, "filling", work)
        if not away:
            await wait_for_all(config, keys.index, "index", say)
            for store in stores:
                await store.do(begin_clearing)
            for store in stores:
                await _batches(store, progress, "emptying", clear_batch)
        found = [StoreIndex(code, "", None) for code in away]
        states = [await store.do(read_state) for store in stores]
        found += map(_state_of, stores, states)
        return found
    finally:
        for store in stores:
            await store.engine.dispose()


def _state_of(store: KeyStore, state: IndexState) -> StoreIndex:
    return StoreIndex(store.code, store.name, state)


async def _target(config: Config, keys: Keys, stores: list[KeyStore]) -> int:
    """The key to come to: of a change that was begun, else the newest or one that is made now."""
    states = [await store.do(read_state) for store in stores]
    begun = {state.next_key for state in states if state.next_key is not None}
    newest = keys.index.newest
    if len(begun) > 1 or (begun and begun != {newest}):
        raise KeysError(
            f"stores are on the way to index keys {sorted(begun)}, but the newest is {newest}",
            hint="restore the key folder that was in use, and run the command again",
            key="index",
        )
    if begun or any(state.key != newest for state in states):
        return newest
    keep_names(config.keys, keys)
    number = new_key(config, "index")
    keys.index.look()
    return number


async def _batches(
    store: KeyStore,
    progress: Callable[[str, int, int], None],
    what: str,
    work: Callable[[Connection], int],
) -> None:
    def count(connection: Connection) -> int:
        behind = people.c.id > read_state(connection).done_to
        return connection.execute(select(func.count(people.c.id)).where(behind)).scalar_one()

    state = await store.do(read_state)
    if state.phase is not (Phase.BOTH if what == "filling" else Phase.CLEARING):
        return
    whole, done = await store.do(count), 0
    progress(f"{what} {store.name}", done, whole)
    while some := await store.do(work):
        done += some
        progress(f"{what} {store.name}", done, max(whole, done))
        await asyncio.sleep(_PAUSE)
