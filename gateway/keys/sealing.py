"""Sealing keys over all stores: sealing anew, counting, retiring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config import Config
from gateway.keys.stores import KeyStore, key_stores
from regions.errors import KeysError
from regions.key_ring import MOST, KeyRing, make_key, path_of, read_keys, sync_folder, variable_of
from regions.keys import Keys
from regions.resealing import (
    Counted,
    count_envelopes,
    count_others,
    reseal_batch,
    sealed_tables,
)

__all__ = ["RETIRED", "Resealed", "count_all", "new_key", "reseal", "retire_file", "wait_for_all"]

RETIRED = "retired"
"""The folder within the key folder to which retired keys are moved."""

SETTLE_SECONDS = 30.0
"""After which every process has seen a new key, and ended what it had begun with the older one."""

_PAUSE = 0.005  # seconds between two batches: other writers of the store go first


@dataclass(slots=True)
class Resealed:
    """What became of a store. `failed` says why it was not finished."""

    code: str
    name: str
    envelopes: int = 0
    failed: str = ""


def new_key(config: Config, name: str) -> int:
    """Makes the next key of a name; returns its number. Raises KeysError."""
    folder = config.keys
    known = {*read_keys(folder, name), *read_keys(folder / RETIRED, name)}
    if from_environment(folder, name):
        number = max(known) + 1
        raise KeysError(
            f"the {name} keys come from the environment, where no command can make one",
            hint=f"set {variable_of(name)}_{number} to 32 random bytes in base64 (`openssl rand "
            "-base64 32`), restart the gateway, and run `epigate keys status`",
            key=name,
        )
    number = max(known) + 1
    if number >= MOST:
        raise KeysError(f"there were {MOST} {name} keys: no number is left", key=name)
    try:
        make_key(folder, name, number, sm3=config.sm and name == "index")
    except FileExistsError:
        raise KeysError(
            f"{name} key {number} was made just now by somebody else",
            hint="`epigate keys status` shows it; run the command again only for another one",
            key=name,
        ) from None
    return number


def from_environment(folder: Path, name: str) -> bool:
    """Whether a key of a name is not from a file."""
    return any(not path_of(folder, name, number).exists() for number in read_keys(folder, name))


async def wait_for_all(
    config: Config, ring: KeyRing, name: str, say: Callable[[str], None]
) -> None:
    """Waits until the newest key of a name is so old that every process works with it."""
    path = path_of(config.keys, name, ring.newest)
    if path.exists():
        left = path.stat().st_mtime + SETTLE_SECONDS - time.time()
        if left > 0:
            say(f"waiting {left:.0f} s until every worker has seen the new key")
            await asyncio.sleep(left)


async def reseal(
    config: Config, keys: Keys, progress: Callable[[str, int, int], None]
) -> list[Resealed]:
    """Seals everything under the newest key that is not; each store for itself.

    `progress` hears of a store's name, how many are done and how many there were.
    """
    stores, away = await key_stores(config, keys)
    outcomes = [Resealed(code, "", failed="REGION_UNAVAILABLE") for code in away]
    for store in stores:
        outcome = Resealed(store.code, store.name)
        outcomes.append(outcome)
        try:
            await _reseal_store(store, outcome, progress)
        finally:
            await store.engine.dispose()
    return outcomes


async def _reseal_store(
    store: KeyStore, outcome: Resealed, progress: Callable[[str, int, int], None]
) -> None:
    tables, sealer = sealed_tables(of_regions=store.of_region), store.sealer
    whole = await store.do(
        lambda connection: sum(count_others(connection, sealer, table) for table in tables)
    )
    progress(store.name, 0, whole)
    for table in tables:
        after: int | None = -1
        while after is not None:
            done, after = await store.do(
                lambda connection, table=table, after=after: reseal_batch(  # type: ignore[misc]  # a default binds the loop's variable
                    connection, sealer, table, after
                )
            )
            outcome.envelopes += done
            progress(store.name, outcome.envelopes, max(whole, outcome.envelopes))
            if done:
                await asyncio.sleep(_PAUSE)


@dataclass(slots=True)
class StoreCount:
    """The envelopes of a store, None where it does not answer."""

    code: str
    name: str
    counted: Counted | None = field(default=None)


async def count_all(config: Config, keys: Keys) -> list[StoreCount]:
    """The envelopes of every store."""
    stores, away = await key_stores(config, keys)
    found = [StoreCount(code, "") for code in away]
    for store in stores:
        try:
            counted = await store.do(
                lambda connection, store=store: count_envelopes(  # type: ignore[misc]  # a default binds the loop's variable
                    connection, of_regions=store.of_region
                )
            )
        finally:
            await store.engine.dispose()
        found.append(StoreCount(store.code, store.name, counted))
    return found


def retire_file(config: Config, name: str, number: int) -> Path:
    """Moves a key that nothing needs to the folder of retired ones; returns where it lies now."""
    path = path_of(config.keys, name, number)
    folder = config.keys / RETIRED
    folder.mkdir(mode=0o700, exist_ok=True)
    target = path.rename(folder / path.name)
    for changed in (folder, config.keys):
        sync_folder(changed)
    return target
