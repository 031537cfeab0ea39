"""A process that runs the nights of a store, and kills itself by SIGKILL at one of its steps."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from resolvers.alerts.night import Night
from resolvers.alerts.night_settings import NightSettings
from resolvers.alerts.rules import RuleBook
from resolvers.writing.stores import Stores
from schema.alerts import DetectionMethod as Method
from tests.keys import same_keys
from tests.resolvers.alerts.nights import CHINA, Clock, after_night, book, rule
from tests.stores import region_settings

__all__ = ["CLUSTER_RULES", "run_clusters_dying", "run_dying"]

RULES = book(rule("measles"), rule("plague", Method.SINGLE_CASE))
CLUSTER_RULES = book(rule("dysentery", Method.SPACE_TIME_PERMUTATION))


def run_dying(path: str, day: str, at: int, told: str) -> None:
    """The nights of a store up to a day; dies before the write, savepoint or commit of number `at`,
    in whatever thread it is, or never. Writes how many there were into the file `told`. What only
    reads is no step: who dies before it leaves what who dies before the next write does.
    """
    _run({"3201": path}, RULES, day, at, told)


def run_clusters_dying(paths: Mapping[str, str], day: str, at: int, told: str) -> None:
    """The same of the stores of several regions, with a rule that scans for clusters."""
    _run(paths, CLUSTER_RULES, day, at, told)


def _run(paths: Mapping[str, str], rules: RuleBook, day: str, at: int, told: str) -> None:
    numbers, last = count(1), 0

    def step(*given: Any) -> None:
        nonlocal last
        if len(given) > 2 and given[2].startswith("SELECT"):
            return
        last = next(numbers)
        if last == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit", "savepoint", "release_savepoint"):
        event.listen(Engine, name, step)
    regions = [region_settings(code, path=Path(path)) for code, path in paths.items()]

    async def run() -> None:
        stores = Stores(regions, same_keys(), lambda: rules)
        settings = NightSettings(CHINA, clusters=rules is CLUSTER_RULES)
        await Night(stores, settings, now=Clock(after_night(day))).round()
        await stores.close()

    asyncio.run(run())
    Path(told).write_text(str(last))
