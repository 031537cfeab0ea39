"""Bringing stores to the tables of this epigate: one history for SQLite and PostgreSQL.

A revision is a file `<number>_<name>.py` in `migrations/regional` (every region) or
`migrations/central` (the gateway's own store); its revision id is the number. So what a store
lacks, or has too much, is known from the file names alone, without loading Alembic: `check_current`
is quick enough for every start.

Each store is migrated in one transaction: interrupted, it is as it was.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from regions.access_log import STATEMENTS
from regions.engines import make_engine, sqlite_engine
from regions.errors import RegionUnavailable, StoreAhead, StoreBehind, StoreError
from regions.rule_seeding import seed_rules
from regions.seeding import seed
from regions.settings import RegionSettings
from regions.statistics import rebuild
from regions.tables import log_tables

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "MigrationResult",
    "check_central",
    "check_current",
    "migrate",
    "migrate_central",
    "migrate_log",
    "revisions",
]

_FOLDER = Path(__file__).parent / "migrations"
_VERSION = "SELECT version_num FROM alembic_version"
_WAIT = 30.0  # seconds for a store to answer or another migration of it to end
_DAYS_OF_ZONE = "0014"  # revision from which counts are by days of the zone, not of UTC
_LOCK = 0x65706967  # of PostgreSQL: two migrations of one store take turns


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """What became of one store. `before` is None where it had no tables yet."""

    store: str  # a region's code, or `gateway`
    before: str | None
    after: str
    seeded: int  # reference rows inserted, changed or removed

    @property
    def changed(self) -> bool:
        """Whether the store is another than before."""
        return self.before != self.after or self.seeded > 0


def revisions(history: str) -> tuple[str, ...]:
    """The revisions of a history (`regional` or `central`), oldest first."""
    return tuple(
        sorted(path.name.partition("_")[0] for path in (_FOLDER / history).glob("[0-9]*_*.py"))
    )


async def migrate(settings: RegionSettings, *, dry_run: bool = False) -> MigrationResult:
    """Brings a region's store to the newest tables and reference rows, in one transaction.

    A dry run says from where to where and writes nothing. Raises StoreAhead, and leaves the store
    alone, where a newer epigate has migrated it; RegionUnavailable where it does not answer.
    """
    if dry_run:
        before = _known(settings.code, await _read_version(settings), "regional")
        return MigrationResult(settings.code, before, revisions("regional")[-1], 0)
    if settings.path is not None:
        _make_folder(settings.path)
    async with _connected(settings.code, make_engine(settings, pool_size=1)) as engine:
        return await _upgrade(engine, settings.code, "regional", settings)


async def migrate_central(path: Path, *, dry_run: bool = False) -> MigrationResult:
    """The same for the gateway's own store (accounts, sessions, grants)."""
    if dry_run:
        before = _known("gateway", await asyncio.to_thread(_sqlite_version, path), "central")
        return MigrationResult("gateway", before, revisions("central")[-1], 0)
    _make_folder(path)
    async with _connected("gateway", sqlite_engine(str(path), busy_seconds=_WAIT)) as engine:
        return await _upgrade(engine, "gateway", "central", None)


async def migrate_log(path: Path) -> None:
    """Makes the access log's tables where they are not there."""
    _make_folder(path)
    store = sqlite_engine(str(path), busy_seconds=_WAIT)
    async with _connected("access-log", store) as engine, engine.begin() as connection:
        await connection.run_sync(log_tables.create_all)
        for statement in STATEMENTS:
            await connection.exec_driver_sql(statement)


async def check_current(settings: RegionSettings) -> None:
    """Raises StoreBehind or StoreAhead unless a region's store has the tables of this epigate.

    Raises RegionUnavailable where the store does not answer within the region's deadline.
    """
    _current(settings.code, await _read_version(settings), "regional")


async def check_central(path: Path) -> None:
    """The same for the gateway's own store."""
    _current("gateway", await asyncio.to_thread(_sqlite_version, path), "central")


def _current(store: str, version: str | None, history: str) -> None:
    newest = revisions(history)[-1]
    if _known(store, version, history) != newest:
        found = "has no tables yet" if version is None else f"has the tables of revision {version}"
        raise StoreBehind(
            f"the store {store} {found}, this epigate needs {newest}",
            hint="run `epigate migrate`",
            store=store,
        )


def _known(store: str, version: str | None, history: str) -> str | None:
    if version is not None and version not in revisions(history):
        raise StoreAhead(
            f"the store {store} was migrated by a newer epigate: revision {version}, "
            f"this one knows {revisions(history)[-1]}",
            hint="install the newer epigate; the store was left as it is",
            store=store,
        )
    return version


async def _read_version(settings: RegionSettings) -> str | None:
    """The store's revision; None where it has no tables. Never creates a file."""
    if settings.path is not None:
        return await asyncio.to_thread(_sqlite_version, settings.path)
    async with (
        _connected(settings.code, make_engine(settings, pool_size=1)) as engine,
        asyncio.timeout(settings.deadline),
        engine.connect() as connection,
    ):
        return await connection.run_sync(_version)


def _sqlite_version(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(_VERSION).fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise _unavailable(path.stem, error) from error
    except sqlite3.DatabaseError as error:
        raise _unavailable(path.stem, error) from error
    return str(row[0]) if row else None


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    version: str | None = connection.scalar(text(_VERSION))
    return version


async def _upgrade(
    engine: AsyncEngine, store: str, history: str, settings: RegionSettings | None
) -> MigrationResult:
    # Alembic keeps what it works on in its module: one store at a time in a process.
    async with _turn(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        before = _known(store, await connection.run_sync(_version), history)
        newest = revisions(history)[-1]
        if before != newest:
            await connection.run_sync(_run_alembic, history)
        if settings is not None and before is not None and before < _DAYS_OF_ZONE:
            await connection.run_sync(lambda store: rebuild(store, mend=True, zone=settings.days))
        if settings is None:
            seeded = await connection.run_sync(seed_rules)
        else:
            seeded = await connection.run_sync(seed, settings)
        return MigrationResult(store, before, newest, seeded)


def _run_alembic(connection: Connection, history: str) -> None:
    from alembic import command

    command.upgrade(_alembic_config(history, connection), "head")


def _alembic_config(history: str, connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    for name, value in (
        ("script_location", str(_FOLDER)),
        ("version_locations", str(_FOLDER / history)),
        ("path_separator", "newline"),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    return config


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def _turn() -> asyncio.Lock:
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


@asynccontextmanager
async def _connected(store: str, engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The engine while it is used; what the store answers wrongly gets a name."""
    try:
        yield engine
    except (OSError, TimeoutError) as error:
        raise _unavailable(store, error) from error
    except DBAPIError as error:
        if error.connection_invalidated or not error.statement:
            raise _unavailable(store, error) from error
        raise StoreError(f"the store {store} refused: {error.orig}", store=store) from error
    finally:
        await engine.dispose()


def _unavailable(store: str, error: BaseException) -> RegionUnavailable:
    reason = str(error) or type(error).__name__
    return RegionUnavailable(
        f"the store {store} does not answer: {reason}",
        hint="is its server running, its file readable, its URL right?",
        store=store,
    )


def _make_folder(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
