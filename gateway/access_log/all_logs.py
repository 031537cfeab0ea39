"""One question over all logs: this gateway's, others that can be read here, and the names of those
that cannot (`resolvers.access_log.wanted.LogReader`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from gateway.access_log.finding import FileReader, count_in, find_in
from gateway.access_log.known import known_logs
from gateway.access_log.readable import Opened, ReadableLog, same_key
from gateway.config import Config
from regions.errors import AccessLogError, EpigateError, InvalidInput
from regions.instants import instant
from resolvers.access_log.commitments import Commitments
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.wanted import Everywhere, Found, LogStatus, Proved, Signed, Wanted

__all__ = ["AllLogs"]

_KEPT_SECONDS = 5.0  # for which it is remembered what regions said
_SECONDS = 1.0  # of looking through one log for a page


class AllLogs:
    """The logs of a configuration. `vkey` is the public key of its own."""

    def __init__(self, config: Config, vkey: str, commitments: Commitments) -> None:
        self._config, self._commitments = config, commitments
        self._vkey, self._name = vkey, VerifierKey.parse(vkey).name
        self._own = ReadableLog(config.log_store)
        self._others = [ReadableLog(path) for path in config.log_other_paths]
        self._keys: dict[str, bool] = {}  # by origin, whether its commitments are ours
        self._known: tuple[float, dict[str, int], list[str]] | None = None
        self._readers: dict[Path, FileReader] = {}

    @property
    def origin(self) -> str:
        """The name of the gateway's own log."""
        return self._name

    async def find(
        self,
        wanted: Wanted,
        before: Mapping[str, int] | None,
        size: int,
        *,
        seconds: float = _SECONDS,
    ) -> Everywhere:
        """The newest entries of each log before a number of its own, with what became of every
        log that is known. Raises AccessLogError where its own log cannot be read, StoreError.
        """
        known, silent = await self._known_now()

        def look(log: ReadableLog) -> tuple[LogStatus, Found | None]:
            with log.opened() as opened:
                status = self._status(opened, known)
                if before is not None and opened.origin not in before:
                    return LogStatus(opened.origin, "UNREADABLE"), None
                start = None if before is None else before[opened.origin]
                return status, find_in(opened.store, wanted, start, size, seconds=seconds)

        own = await asyncio.to_thread(look, self._own)
        outcomes = await asyncio.gather(
            *(asyncio.to_thread(look, log) for log in self._others), return_exceptions=True
        )
        statuses, found = {own[0].origin: own[0]}, {own[0].origin: own[1] or Found([], 0, False)}
        lost = []
        for log, outcome in zip(self._others, outcomes, strict=True):
            if isinstance(outcome, (EpigateError, OSError, ValueError)):
                lost.append(log)
            elif isinstance(outcome, BaseException):
                raise outcome
            elif (outcome[0].last or 0) > _last(statuses.get(outcome[0].origin)):
                status, entries = outcome  # of two copies of a log, that which goes further
                statuses[status.origin] = status
                if entries is not None:
                    found[status.origin] = entries
        away = {*known, *(log.origin for log in lost if log.origin), *(before or ())}
        for origin in sorted(away - statuses.keys()):
            statuses[origin] = LogStatus(origin, "UNREADABLE", known=known.get(origin))
            if before is not None and origin in before:  # its place, for when it is back
                found[origin] = Found([], before[origin], False)
        if len(statuses) == len(found):  # nothing else says that a file is not there
            for log in lost:
                if not log.origin:
                    statuses[str(log.path)] = LogStatus(str(log.path), "UNREADABLE")
        return Everywhere(found, list(statuses.values()), silent)

    async def count(self, wanted: Wanted) -> int | None:
        """How many entries of the logs that can be read match; None where that takes too long.
        Raises AccessLogError where its own cannot be read.
        """

        def work(log: ReadableLog) -> tuple[str, int | None]:
            with log.opened() as opened:
                return opened.origin, count_in(opened.store, wanted)

        origin, total = await asyncio.to_thread(work, self._own)
        counted = {origin: total}
        for log in self._others:
            try:
                origin, total = await asyncio.to_thread(work, log)
            except (EpigateError, OSError, ValueError):
                continue  # the page names it
            counted.setdefault(origin, total)
        numbers = [one for one in counted.values() if one is not None]
        return sum(numbers) if len(numbers) == len(counted) else None

    async def checkpoint(self, origin: str) -> Signed:
        """The newest checkpoint of a log. Raises InvalidInput, AccessLogError."""
        return await self._reader(origin).checkpoint()

    async def prove(self, index: int, size: int | None, origin: str) -> Proved:
        """That an entry is in a log's tree of a size. Raises InvalidInput, AccessLogError."""
        return await self._reader(origin).prove(index, size)

    async def prove_growth(self, old: int, new: int, origin: str) -> Proved:
        """That a log's tree grew out of another. Raises InvalidInput, AccessLogError."""
        return await self._reader(origin).prove_growth(old, new)

    def _reader(self, origin: str) -> FileReader:
        """What proves from the file of a log, with its public key beside it."""
        path, vkey = self._own.path, self._vkey
        if origin not in ("", self._name):
            log = next((one for one in self._others if one.origin == origin), None)
            if log is None or not log.path.is_file():
                raise InvalidInput(
                    "no file of this log can be read here",
                    hint="of a bundle, `epigate audit verify` proves every entry",
                    argument="origin",
                )
            path = log.path
            try:
                vkey = path.with_name("access-log.vkey").read_text("utf-8").strip()
            except OSError as error:
                raise AccessLogError(f"no public key of {origin}: {error.strerror}") from None
        return self._readers.setdefault(path, FileReader(path, vkey))

    def _status(self, opened: Opened, known: Mapping[str, int]) -> LogStatus:
        row = opened.store.execute("SELECT min(number), max(number) FROM entries").fetchone()
        first, last = row
        newest = None
        if last is not None:
            (newest,) = opened.store.execute(
                "SELECT at FROM entries WHERE number = ?", (last,)
            ).fetchone()
        state = "BEHIND" if (last or 0) < known.get(opened.origin, 0) else "READ"
        if not self._ours(opened):
            state = "OTHER_KEY"
        return LogStatus(opened.origin, state, first, last, newest, known.get(opened.origin))

    def _ours(self, opened: Opened) -> bool:
        if opened.origin == self._name:
            return True
        found = self._keys.get(opened.origin)
        if found is None:
            found = same_key(opened.store, self._commitments)
            if found is None:
                return True
            self._keys[opened.origin] = found
        return found

    async def _known_now(self) -> tuple[dict[str, int], list[str]]:
        now = time.monotonic()
        if self._known is None or now - self._known[0] > _KEPT_SECONDS:
            since = instant(time.time() - self._config.log_keep_days * 86_400)
            found = await known_logs(self._config.central_store, self._config.regions, since)
            self._known = now, *found
        return self._known[1], self._known[2]


def _last(status: LogStatus | None) -> int:
    """The last entry of a log that was read already; none before any."""
    return -1 if status is None else status.last or 0
