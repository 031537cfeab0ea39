"""All stores of a configuration at once: bring them up to date, or see that they are.

The regions' stores, the gateway's own and the access log's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.config import Config
from regions.errors import EpigateError, RegionUnavailable
from regions.migrating import (
    MigrationResult,
    check_central,
    check_current,
    migrate,
    migrate_central,
    migrate_log,
)
from regions.settings import RegionSettings

__all__ = ["Migrated", "check_stores", "migrate_stores"]


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of one store: a result, or why there is none."""

    store: str  # a region's code, or `gateway`
    name: str
    result: MigrationResult | None
    error: EpigateError | None


async def migrate_stores(
    config: Config,
    *,
    dry_run: bool = False,
    done: Callable[[Migrated], None] | None = None,
) -> tuple[Migrated, ...]:
    """Migrates every store, each in its own transaction; one that fails does not stop the others.

    What is done already is skipped, so an interrupted run is simply run again. `done` hears of each
    store as it is finished; the answer is in the order of the configuration, the gateway's first.
    """

    async def one(store: str, name: str, work: Coroutine[Any, Any, MigrationResult]) -> Migrated:
        try:
            outcome = Migrated(store, name, await work, None)
        except EpigateError as error:
            outcome = Migrated(store, name, None, error)
        if done is not None:
            done(outcome)
        return outcome

    if not dry_run:
        await migrate_log(config.log_store)
    return tuple(
        await asyncio.gather(
            one("gateway", "", migrate_central(config.central_store, dry_run=dry_run)),
            *(
                one(region.code, region.name_zh, migrate(region, dry_run=dry_run))
                for region in config.regions
            ),
        )
    )


async def check_stores(config: Config) -> tuple[RegionUnavailable, ...]:
    """Raises StoreBehind or StoreAhead unless every store that answers is up to date.

    Returns the regions that do not answer: the gateway serves without them. A file that is missing
    among others that are there is such a region: a disk that is away must not silence the rest.
    """
    await check_central(config.central_store)
    missing = [one for one in config.regions if one.path is not None and not one.path.exists()]
    if len(missing) == len(config.regions):
        missing = []  # nothing was set up: each says so itself
    away = [_missing(region) for region in missing]
    answers = await asyncio.gather(
        *(check_current(region) for region in config.regions if region not in missing),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, RegionUnavailable):
            away.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
    return tuple(away)


def _missing(region: RegionSettings) -> RegionUnavailable:
    return RegionUnavailable(
        f"region {region.code} {region.name_zh} is away: there is no {region.path}",
        hint="bring its file back, or make an empty store with `epigate migrate`",
        store=region.code,
    )
