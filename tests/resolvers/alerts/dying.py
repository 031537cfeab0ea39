"""A process that runs the nights of a store, and kills itself by SIGKILL at one of its steps."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from resolvers.alerts.night import Night
from resolvers.alerts.night_settings import NightSettings
from resolvers.writing.stores import Stores
from schema.alerts import DetectionMethod as Method
from tests.keys import same_keys
from tests.resolvers.alerts.nights import CHINA, Clock, after_night, book, rule
from tests.stores import region_settings

__all__ = ["run_dying"]

RULES = book(rule("measles"), rule("plague", Method.SINGLE_CASE))


def run_dying(path: str, day: str, at: int, told: str) -> None:
    """The nights of a store up to a day; dies before the statement, savepoint or commit of number
    `at`, in whatever thread it is, or never. Writes how many there were into the file `told`.
    """
    numbers, last = count(1), 0

    def step(*_: Any) -> None:
        nonlocal last
        last = next(numbers)
        if last == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit", "savepoint", "release_savepoint"):
        event.listen(Engine, name, step)

    async def run() -> None:
        stores = Stores([region_settings("3201", path=Path(path))], same_keys(), lambda: RULES)
        await Night(stores, NightSettings(CHINA), now=Clock(after_night(day))).round()
        await stores.close()

    asyncio.run(run())
    Path(told).write_text(str(last))
