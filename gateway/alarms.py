"""The watch: one worker looks through the access log as it grows, and raises alarms (G6).

Off the hot path: entries are read some moments after they were made, those alone that can raise
anything. One worker of a gateway does it, whoever holds a lock beside the store; when it dies, the
system gives the lock back and another goes on. Position and alarms are written in one transaction,
and each alarm has a unique slot, so none is lost and none doubled.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import orjson

from gateway.access_log.contradictions import ITSELF, Contradiction, contradictions_in
from regions.errors import EpigateError
from regions.instants import instant, now, seconds_of
from resolvers.alarms.detecting import LONGEST_SECONDS, Detector, Raised
from resolvers.alarms.recording import position, record, store_alarms
from resolvers.alarms.rules import Limits
from resolvers.central import Central
from schema.alarms import AlarmRule

__all__ = ["Watch", "alarms_of"]

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5
_KEEP_SECONDS = 10.0  # between two writes of a position that raised nothing
_BATCH = 200  # entries at once: one of a page of 1,000 people in clear has 150 KB
_BUSY_SECONDS = 2.0

# Most entries raise nothing: the store leaves them out before anything is parsed.
_TELLING = """
SELECT number, entry FROM entries
WHERE number > ? AND number <= ?
  AND (result NOT IN ('OK', 'PARTIAL') OR instr(entry, '"reasons":{"') > 0
       OR instr(entry, '"probes":') > 0 OR instr(operation, 'breakGlass') > 0)
ORDER BY number
"""
_LAST = "SELECT coalesce(max(number), 0) FROM entries"
_SINCE = "SELECT coalesce(min(number), 1) FROM entries WHERE at >= ? AND number <= ?"
_AT = "SELECT at FROM entries WHERE number = ?"


class Watch:
    """Watches one log. `central` is where alarms go."""

    def __init__(self, log: Path, central: Central, limits: Limits) -> None:
        self._log, self._central, self._limits = log, central, limits
        self._lock = Path(f"{log}-watch")
        self._name = log.name
        self._detector: Detector | None = None
        self._position = 0
        self._kept = (0, 0.0)  # position as stored, and when
        self._version = -1
        self._marks = -1  # version of the file whose marks were seen
        self._store: sqlite3.Connection | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Watch]:
        """Watches in the background meanwhile."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._close()

    async def look(self) -> list[Raised]:
        """Goes on to the end of the log; the alarms that are new. Raises EpigateError, OSError."""
        new: list[Raised] = []
        if self._detector is None:
            await self._begin()
        new += await self._keep_against()
        while True:
            try:
                rows, until, last = await asyncio.to_thread(self._read)
            except sqlite3.Error:
                self._close()
                raise
            if until == self._position:
                break
            assert self._detector is not None
            raised = [
                alarm
                for number, text in rows
                for alarm in self._detector.see(number, _parsed(text))
            ]
            self._position = until
            new += await self._keep(raised)
            if until == last:
                break
        return new

    async def _run(self) -> None:
        handle = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        failing = False
        try:
            while True:
                if _locked(handle):
                    try:
                        await self.look()
                        failing = False
                    except (EpigateError, OSError, sqlite3.Error) as error:
                        if not failing:
                            _log.error("the watch over the access log fails: %s", error)
                        failing = True
                        self._detector = None  # begins again where it was stored
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            os.close(handle)

    async def _begin(self) -> None:
        """Feeds a new detector what stands in the longest window before the position."""
        number = await self._central.do(lambda connection: position(connection, self._name))
        detector = Detector(self._limits)
        first, number = await asyncio.to_thread(self._before, number)
        for start in range(first, number, _BATCH):  # a day may be more than there is memory for
            until = min(start + _BATCH, number)
            for one, text in await asyncio.to_thread(self._telling, start, until):
                detector.see(one, _parsed(text))
        self._position, self._detector = number, detector
        self._kept = (number, time.monotonic())
        self._version = -1

    def _before(self, number: int) -> tuple[int, int]:
        """Behind which entry the longest window begins, and where it ends."""
        with closing(self._connect()) as store:
            (last,) = store.execute(_LAST).fetchone()
            if last < number:
                _log.warning("the access log begins anew: it has %d entries, not %d", last, number)
                return 0, 0
            at = store.execute(_AT, (number,)).fetchone()
            if at is None:
                return number, number
            since = instant(seconds_of(at[0]) - LONGEST_SECONDS)
            (first,) = store.execute(_SINCE, (since, number)).fetchone()
            return first - 1, number

    def _telling(self, after: int, until: int) -> list[tuple[int, str]]:
        with closing(self._connect()) as store:
            return store.execute(_TELLING, (after, until)).fetchall()

    def _read(self) -> tuple[list[tuple[int, str]], int, int]:
        """Entries behind the position, up to which number they were read, and the last of all."""
        store = self._store = self._store or self._connect()
        (version,) = store.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return [], self._position, self._position
        (last,) = store.execute(_LAST).fetchone()
        until = min(last, self._position + _BATCH)
        if until < self._position:  # another log in its place
            raise sqlite3.OperationalError("the log is shorter than it was")
        rows = store.execute(_TELLING, (self._position, until)).fetchall()
        if until == last:
            self._version = version
        return rows, until, last

    async def _keep(self, raised: list[Raised]) -> list[Raised]:
        number, kept = self._position, self._kept
        if not raised and time.monotonic() - kept[1] < _KEEP_SECONDS:
            return []
        new = await self._central.do(
            lambda connection: record(connection, self._name, number, raised)
        )
        self._kept = (number, time.monotonic())
        return _told(new)

    async def _keep_against(self) -> list[Raised]:
        """Alarms of what regions' witnesses have against the log, where its file has changed."""
        try:
            version, raised = await asyncio.to_thread(self._against)
        except sqlite3.Error:
            self._close()
            raise
        new: list[Raised] = []
        if raised:
            new = await self._central.do(lambda connection: store_alarms(connection, raised))
        self._marks = version
        return _told(new)

    def _against(self) -> tuple[int, list[Raised]]:
        store = self._store = self._store or self._connect()
        (version,) = store.execute("PRAGMA data_version").fetchone()
        return version, [] if version == self._marks else alarms_of(contradictions_in(store))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._log.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_SECONDS,
            check_same_thread=False,  # one thread at a time
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _close(self) -> None:
        store, self._store, self._marks = self._store, None, -1
        if store is not None:
            store.close()


def alarms_of(against: Sequence[Contradiction]) -> list[Raised]:
    """The alarms of what stands against a log."""
    return [
        Raised(
            rule=AlarmRule.LOG_CONTRADICTED if one.proven else AlarmRule.WITNESS_UNREADABLE,
            subject="log:" if one.region == ITSELF else f"region:{one.region}",
            window=one.origin if one.proven and one.region != ITSELF else one.at,
            account=None,
            unit=None,
            code=None,
            at=one.at or now(),
            first=one.size,
            last=one.size,
            found=1,
            threshold=1,
        )
        for one in against
    ]


def _told(raised: list[Raised]) -> list[Raised]:
    for one in raised:
        _log.warning(
            "alarm %s about %s: %d since entry %d (threshold %d)",
            *(one.rule.name, one.subject, one.found, one.first, one.threshold),
        )
    return raised


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no such locks on this file system: the slots keep alarms single
        return True
    return True
