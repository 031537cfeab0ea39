"""The log as the requests of one worker hand their entries over, many to a commit."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.access_log.log_file import LogFile, Owed, Row
from regions.batching import BatchThread
from regions.errors import AccessLogError, AccessLogTampered
from resolvers.access_log.notes import VerifierKey

__all__ = ["AccessLog"]

_log = logging.getLogger(__name__)

_HINT = "no data leaves while the access log cannot be written: see to its file and its disk"


class AccessLog:
    """The log of one worker process; use it from one event loop. Several may share the file.

    Makes the file where there is none, but only here: one that vanishes later is a failure until it
    is back. `seed` signs its checkpoints; `origin` and `name` as `LogFile` has them. `busy_seconds`
    is how long a commit waits for another process that holds the file. Raises AccessLogError.
    """

    def __init__(
        self,
        path: Path,
        seed: bytes,
        *,
        origin: str = "",
        name: str = "epigate",
        busy_seconds: float = 2.0,
    ) -> None:
        # Hears of every entry that is handed over: what was done, and what came of it.
        self.entered: Callable[[str, str], None] = lambda operation, result: None
        try:
            self._file = LogFile(path, seed, origin=origin, name=name, busy_seconds=busy_seconds)
        except (OSError, sqlite3.Error) as error:
            raise _failure(error) from None
        self._failing = False
        self._thread: BatchThread[Row | Owed | None, None] = BatchThread(
            self._write, name="access-log"
        )

    @property
    def path(self) -> Path:
        """The log's file."""
        return self._file.path

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._file.signer.verifier.name

    @property
    def verifier(self) -> VerifierKey:
        """The public key that checks the log's checkpoints."""
        return self._file.signer.verifier

    @property
    def vkey(self) -> str:
        """The same as text."""
        return self._file.vkey

    def append_nowait(
        self,
        at: str,
        account: str,
        operation: str,
        result: str,
        entry: bytes,
        *,
        more: bool = False,
    ) -> asyncio.Future[None]:
        """Hands an entry over: canonical JSON, and the columns it is found by. `more` says that
        other entries are on their way, which a commit may wait for (`BatchThread.submit`).

        The future is done when the entry is durable, or fails with AccessLogError; the entry is
        written even if nobody waits. Raises AccessLogError when closed, UnicodeDecodeError.
        """
        row = (at, account, operation, result, entry.decode())
        self.entered(operation, result)
        try:
            return self._thread.submit(row, more=more)
        except RuntimeError as error:
            raise _failure(error) from None

    async def append(
        self, at: str, account: str, operation: str, result: str, entry: bytes
    ) -> None:
        """Returns when the entry is durable; raises AccessLogError otherwise."""
        await self.append_nowait(at, account, operation, result, entry)

    async def append_owed(self, owed: Owed) -> None:
        """Returns when the log tells of what is owed; raises AccessLogError otherwise."""
        try:
            await self._thread.submit(owed)
        except RuntimeError as error:
            raise _failure(error) from None

    async def check(self) -> int:
        """Returns when the log is known to be writable: how many entries it has at least.

        Raises AccessLogError otherwise.
        """
        try:
            await self._thread.submit(None)
        except RuntimeError as error:
            raise _failure(error) from None
        return self._file.position

    @property
    def position(self) -> int:
        """How many entries the log has at least."""
        return self._file.position

    async def close(self) -> None:
        """Writes what was handed over, then closes the file."""
        await self._thread.close()
        self._file.close()

    def _write(self, batch: Sequence[Row | Owed | None]) -> Sequence[Exception | None]:
        """Writes the rows of a batch; None stands for whoever only wants to know that it can be."""
        rows = [row for row in batch if row is not None]
        try:
            if rows:
                self._file.write(rows)
            else:
                self._file.try_out()
        except AccessLogTampered as error:
            self._tell(error)
            raise
        except (OSError, sqlite3.OperationalError) as error:
            self._tell(error)
            raise _failure(error) from None
        except Exception as error:  # of one row, before any was written
            if len(batch) == 1:
                return [_failure(error)]
            return [self._write([row])[0] for row in batch]
        if self._failing:
            _log.warning("the access log is written again")
        self._failing = False
        return [None] * len(batch)

    def _tell(self, error: Exception) -> None:
        if not self._failing:  # said once, however many ask meanwhile
            _log.error("the access log cannot be written, nothing is answered: %s", error)
        self._failing = True


def _failure(error: Exception) -> AccessLogError:
    return AccessLogError(f"the access log could not be written: {error}", hint=_HINT)
