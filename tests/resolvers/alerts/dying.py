"""A process that runs the nights of a store, and kills itself (SIGKILL) at one of its statements.

`python -m tests.resolvers.alerts.dying STORE CODE DAY AT`: AT is the number of the statement before
which it dies, commits counted too; 0 lives. It prints how many statements there were.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from regions.settings import RegionSettings
from resolvers.alerts.night import Night, NightSettings
from resolvers.writing.stores import Stores
from schema.alerts import DetectionMethod as Method
from tests.keys import same_keys
from tests.resolvers.alerts.nights import CHINA, Clock, after_night, book, rule
from tests.stores import region_settings

RULES = book(rule("measles"), rule("plague", Method.SINGLE_CASE))


def _watch(at: int) -> None:
    """Dies before the statement or commit of that number, in whatever thread it is."""
    numbers = count(1)

    def step(*_: Any) -> None:
        number = next(numbers)
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)
        _watch.last = number  # type: ignore[attr-defined]  # the count of this process

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    event.listen(Engine, "savepoint", step)
    event.listen(Engine, "release_savepoint", step)


async def _run(settings: RegionSettings, day: str) -> None:
    stores = Stores([settings], same_keys(), lambda: RULES)
    clock = Clock(after_night(day))
    await Night(stores, NightSettings(CHINA), now=clock).round()
    await stores.close()


def main() -> None:
    path, code, day, at = sys.argv[1:]
    _watch(int(at))
    asyncio.run(_run(region_settings(code, path=Path(path)), day))
    print(getattr(_watch, "last", 0))


if __name__ == "__main__":
    main()
