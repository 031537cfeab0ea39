"""What `epigate load` tells the access log: an entry for each batch of a region."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from gateway.access_log.log_file import Owed, Row
from gateway.access_log.opening import open_log_file
from gateway.access_log.outbox import Outboxes
from gateway.access_log.reading import canonical
from gateway.config import Config
from regions.errors import AccessLogError
from regions.instants import now
from regions.keys import Keys
from resolvers.access_log import Commitments
from resolvers.loading.telling import LoadTelling

__all__ = ["telling_of_load"]

_HINT = "what was loaded is kept and will be told; see to the log's disk and run the load again"


@asynccontextmanager
async def telling_of_load(
    config: Config, keys: Keys, *, dry_run: bool
) -> AsyncIterator[LoadTelling | None]:
    """How a load tells of its batches; a dry run, which writes nothing, tells nothing.

    Raises AccessLogError where the log cannot be written: before anything is loaded, or in the
    middle.
    """
    if dry_run:
        yield None
        return
    with _failures():
        log = open_log_file(config, keys)
        size = log.verify()

    async def write(rows: Sequence[Row | Owed]) -> None:
        with _failures():
            log.write(rows)

    async def enter(request: str, operation: str, what: Mapping[str, Any]) -> None:
        at = now()
        entry = {
            "account": None,
            "at": at,
            "module": "load",
            "operation": operation,
            "request": request,
            "result": "OK",
            "what": what,
        }
        await write([(at, "", operation, "OK", canonical(entry).decode())])

    origin, run = log.signer.verifier.name, os.urandom(6).hex()
    try:
        yield LoadTelling(origin, run, Commitments(keys.log), enter, size)
        outboxes = Outboxes(log.path, origin, config.central_store, config.regions)
        await outboxes.sweep(write, age=0, request=f"load-{run}-")
    finally:
        log.close()


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise AccessLogError(f"the access log could not be written: {error}", hint=_HINT) from None
