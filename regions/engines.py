"""SQLAlchemy engines for what writes, migrates, loads: one way to open either kind of store.

Functions that work on a store take an ordinary `Connection` and are called through
`AsyncConnection.run_sync`, so the same code runs on SQLite and PostgreSQL. Questions do not come
this way: they read through `regions.reading`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from regions.server_rows import ServerRow
from regions.settings import RegionSettings

__all__ = [
    "READS",
    "make_engine",
    "postgres_url",
    "prepare_sqlite",
    "sqlite_connection",
    "sqlite_engine",
]

READS = "epigate_reads"
"""Option of a connection: its transactions only read, so that on SQLite nobody waits for them."""

_IDLE_SINCE = "epigate_idle_since"  # of a connection's record: by the monotonic clock
_IDLE_SECONDS = 1.0  # after which a connection is tried before it is used
_CACHE_KIB = 16_384
_BY_INDEX = {
    # A plan is kept from when the table was small. Going through it for each of many keys given as
    # one text would take longer the more records there are, until the server looks at it anew.
    "enable_seqscan": "off",
    "jit": "off",  # what has no index is estimated at more than a compilation
}
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"cache_size=-{_CACHE_KIB}",
    "secure_delete=ON",
)


def make_engine(
    settings: RegionSettings, *, pool_size: int = 4, overflow: int = 10, by_index: bool = False
) -> AsyncEngine:
    """An engine for a region's store. Every transaction on SQLite begins as a writer
    (IMMEDIATE). On PostgreSQL `pool_size` connections are kept, and up to `overflow` more are made
    when wanted and closed behind their use; `by_index` is for those who look for single records.
    """
    if settings.path is not None:
        return sqlite_engine(str(settings.path), busy_seconds=settings.deadline)
    engine = create_async_engine(
        postgres_url(settings),
        pool_size=pool_size,
        max_overflow=overflow,
        connect_args={
            "server_settings": _BY_INDEX if by_index else {},
            "record_class": ServerRow,
        },
    )
    _try_what_was_idle(engine.sync_engine)
    return engine


def _try_what_was_idle(engine: Engine) -> None:
    """Has a kept connection tried before it is used again, and made anew where it is broken.

    As `pool_pre_ping`, which costs three questions each time: one that was in use a moment ago is
    asked nothing. Whether it was closed since is known without a question.
    """

    @event.listens_for(engine, "checkin")
    def _given_back(_connection: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, _: Any) -> None:
        since = record.info.get(_IDLE_SINCE)
        if since is None:  # it was made just now
            return
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - since > _IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error


def postgres_url(settings: RegionSettings) -> URL:
    """The URL with its driver and, where the environment has one, its password.

    A password is never in the configuration: `EPIGATE_PASSWORD_<code>` or a passfile holds it.
    """
    url = make_url(settings.url or "").set(drivername="postgresql+asyncpg")
    password = os.environ.get(f"EPIGATE_PASSWORD_{settings.code}")
    return url.set(password=password) if password else url


def sqlite_engine(path: str, *, busy_seconds: float = 5.0) -> AsyncEngine:
    """An engine for a SQLite file: write-ahead log, every commit on disk before it is
    acknowledged.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", connect_args={"timeout": busy_seconds}
    )
    prepare_sqlite(engine.sync_engine)
    return engine


def prepare_sqlite(engine: Engine) -> None:
    """Has an engine of either driver open its connections, and begin its transactions, as ours."""

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN is deferred and would fail at the first write under contention.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reads = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def sqlite_connection(path: str, *, busy_seconds: float = 5.0) -> sqlite3.Connection:
    """The driver's own connection, prepared as those of `sqlite_engine` are, for any one thread at
    a time. Transactions are the caller's. Raises sqlite3.Error, also where there is no file.
    """
    connection = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_seconds,
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection
