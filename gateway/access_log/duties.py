"""What one worker does for the log beside writing it: heartbeats, both sides, the outboxes, and a
look whether its file is what was signed.

Whoever holds a lock beside the file does it; when that worker dies, the system gives the lock back
and another goes on.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from gateway.access_log.log_file import Owed
from gateway.access_log.outbox import Outboxes
from gateway.access_log.self_check import SelfCheck
from gateway.access_log.sides import Sides
from gateway.access_log.system import system_row
from gateway.access_log.writing import AccessLog
from gateway.config import Config
from regions.errors import EpigateError
from regions.keys import Keys

__all__ = ["Duties", "Duty"]

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.1
_SWEEP_SECONDS = 10.0
_OUTBOX_AGE = 15.0  # seconds in which an entry is normally on disk


Duty = tuple[str, float, Callable[[], Awaitable[None]]]
"""What is done: its name for the log of the program, every how many seconds, and how."""


class Duties:
    """The duties of one worker's log, done while it leads. `more` is done beside those."""

    def __init__(
        self, config: Config, keys: Keys, log: AccessLog, *, more: Sequence[Duty] = ()
    ) -> None:
        self._log = log
        self._lock = f"{log.path}-duties"
        sides = Sides(log.path, config.regions, keys.log_signing, log.verifier)
        outboxes = Outboxes(log.path, log.origin, config.central_store, config.regions)
        self._outboxes = outboxes

        async def sweep() -> None:
            await outboxes.sweep(self._owe, age=_OUTBOX_AGE)

        async def both_sides() -> None:
            await sides.round()

        itself = SelfCheck(log.path, log.verifier)

        async def check() -> None:
            await itself.round()

        self._duties: list[Duty] = [
            ("access log's heartbeat", config.log_heartbeat_seconds, self._beat),
            ("access log's both sides", config.log_sides_seconds, both_sides),
            ("access log's outboxes", _SWEEP_SECONDS, sweep),
            ("access log's check of itself", config.log_check_seconds, check),
            *more,
        ]
        self._failing: set[str] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Duties]:
        """Does them in the background meanwhile."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._outboxes.close()

    async def _run(self) -> None:
        handle = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        begun = time.monotonic()
        due = {name: begun + seconds for name, seconds, _ in self._duties}
        doing: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                await asyncio.sleep(_PAUSE_SECONDS)
                if not _locked(handle):
                    continue
                for name, seconds, work in self._duties:
                    if time.monotonic() >= due[name] and name not in doing:
                        due[name] = time.monotonic() + seconds
                        # Beside each other: catching up with a region must not silence the beats.
                        task = doing[name] = asyncio.create_task(self._do(name, work))
                        task.add_done_callback(lambda _, name=name: doing.pop(name))  # type: ignore[misc]  # a default binds the loop's variable
        finally:
            for task in doing.values():
                task.cancel()
            await asyncio.gather(*doing.values(), return_exceptions=True)
            os.close(handle)

    async def _do(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
            self._failing.discard(name)
        except (EpigateError, OSError, sqlite3.Error) as error:
            if name not in self._failing:
                _log.error("the %s: %s", name, error)
            self._failing.add(name)
        except Exception:  # the other duties go on
            _log.exception("the %s failed", name)

    async def _beat(self) -> None:
        at, account, operation, result, entry = system_row("heartbeat")
        await self._log.append(at, account, operation, result, entry.encode())

    async def _owe(self, rows: Sequence[Owed]) -> None:
        for one in rows:
            await self._log.append_owed(one)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no such locks on this file system: every worker does them
        return True
    return True
