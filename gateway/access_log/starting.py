"""Before the gateway serves: the log is what was signed, and what its witnesses have seen."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.access_log.contradictions import contradictions_in
from gateway.access_log.log_file import LogFile, Owed, Row
from gateway.access_log.opening import open_log_file
from gateway.access_log.outbox import Outboxes
from gateway.access_log.reading import read_entries
from gateway.access_log.seen import check_witnesses, earlier_logs
from gateway.access_log.system import system_row
from gateway.alarms import alarms_of
from gateway.config import Config
from regions.engines import sqlite_engine
from regions.errors import AccessLogContradicted, AccessLogError
from regions.keys import Keys
from resolvers.alarms.recording import store_alarms

__all__ = ["check_access_log", "started_and_stopped", "tell_log"]

_log = logging.getLogger(__name__)

_YOUNG = 1_000  # entries of a log that may not have been served yet


async def check_access_log(config: Config, keys: Keys) -> None:
    """Raises AccessLogTampered where the log may not be gone on with; where a region's witness
    contradicts it, there is an alarm then.

    Its end is made anew from full tiles and the entries behind them; size, root and signature must
    be the newest checkpoint's, and every region that answers must have seen it grow into this.
    `epigate audit verify` looks through every entry. Then what was written before a crash, and has
    no entry yet, gets one. Raises AccessLogError.
    """
    with _failures():
        log = open_log_file(config, keys)
        path, vkey = config.log_store, log.signer.verifier
        try:
            size = log.verify()
            await check_witnesses(path, config.regions, keys.log_signing, vkey)
        except AccessLogContradicted:
            await _raise_alarms(config)
            raise
        if size < _YOUNG and not _has_begun(path):
            await _tell_earlier(config, keys, log)

        async def write(rows: Sequence[Owed]) -> None:
            log.write(rows)

        outboxes = Outboxes(path, vkey.name, config.central_store, config.regions)
        await outboxes.sweep(write, age=0)
        log.close()


async def _raise_alarms(config: Config) -> None:
    """The watch raises those of a gateway that serves."""
    with closing(sqlite3.connect(config.log_store)) as store:
        raised = alarms_of(contradictions_in(store))
    engine = sqlite_engine(str(config.central_store))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(store_alarms, raised)
    except SQLAlchemyError as error:
        _log.error("the alarm could not be kept: %s", type(error).__name__)
    finally:
        await engine.dispose()


def _has_begun(path: Path) -> bool:
    return any(one["operation"] == "start" for one in read_entries(path, limit=_YOUNG))


async def _tell_earlier(config: Config, keys: Keys, log: LogFile) -> None:
    """A new log says what regions have seen of those before it: nobody loses one without a word."""
    origin = log.signer.verifier.name
    earlier = await earlier_logs(config.regions, keys.log_signing, origin)
    if not earlier:
        return
    before = [
        {"origin": one.origin, "size": one.size, "root": one.root.hex()} for one in earlier.values()
    ]
    log.write([system_row("begin", before=before)])
    for one in earlier.values():
        _log.warning(
            "the access log %s begins; regions have seen %d entries of another one of this key, %s",
            *(origin, one.size, one.origin),
        )


@contextmanager
def started_and_stopped(config: Config, keys: Keys, workers: int) -> Iterator[None]:
    """Tells the log that the gateway starts, and that it ends."""
    tell_log(config, keys, system_row("start", workers=workers))
    yield
    with suppress(AccessLogError):  # it cannot be written, and has been told so
        tell_log(config, keys, system_row("stop"))


def tell_log(config: Config, keys: Keys, row: Row) -> None:
    """Writes one entry from beside the gateway. Raises AccessLogError."""
    with _failures():
        log: LogFile = open_log_file(config, keys)
        log.write([row])
        log.close()


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise AccessLogError(
            f"the access log cannot be used: {error}", hint="see to its file and its disk"
        ) from None
