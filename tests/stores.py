"""Migrated stores for the tests, copied from one made once a session for each kind and region."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from regions import store_files
from regions.areas import reference_areas
from regions.engines import postgres_url, prepare_sqlite
from regions.ids import padded
from regions.migrating import migrate, migrate_central, migrate_log
from regions.server_rows import ServerRow
from regions.settings import RegionSettings
from regions.tables import central
from resolvers.users import prefix_of
from tests.postgres import Postgres

__all__ = [
    "Stores",
    "declared_central",
    "in_file",
    "in_store",
    "migrated_central",
    "noticed",
    "region_settings",
]

T = TypeVar("T")


def migrated_central(path: Path) -> Path:
    """The gateway's own store, migrated and empty, as a new file."""
    return _like(_central, path)


def declared_central(path: Path) -> Path:
    """The same with the tables as they are declared: no revision, no rules. One that is there is
    left as it is.
    """
    return path if path.exists() else _like(_declared, path)


def region_settings(
    code: str, *, path: Path | None = None, url: str | None = None, deadline: float = 30.0
) -> RegionSettings:
    """The settings of a region of a GB/T 2260 code (2 to 6 digits), as a configuration has them."""
    areas = reference_areas()
    return RegionSettings(
        code=padded(code),
        name_zh=areas.name(padded(code)),
        name_en=areas.name_en(padded(code)),
        prefixes=(prefix_of(code),),
        path=path,
        url=url,
        deadline=deadline,
    )


class Stores:
    """Makes migrated, empty stores: `stores.sqlite("3201")`, `stores.postgresql("3201")`.

    A store of PostgreSQL is dropped at the end of the test, as is the folder of the SQLite ones.
    """

    def __init__(
        self, templates: Path, folder: Callable[[], Path], postgres: Callable[[], Postgres]
    ) -> None:
        self._templates, self._folder, self._postgres = templates, folder, postgres
        self._databases: list[str] = []

    def make(self, dialect: str, code: str = "3201") -> RegionSettings:
        """A new store of a kind: `sqlite` or `postgresql`."""
        return self.sqlite(code) if dialect == "sqlite" else self.postgresql(code)

    def sqlite(self, code: str = "3201", path: Path | None = None) -> RegionSettings:
        """A new SQLite file: `path`, else one in the test's own folder."""
        template = self._templates / f"{padded(code)}.db"
        if not template.exists():
            asyncio.run(migrate(region_settings(code, path=template)))
        path = path or self._folder() / f"{padded(code)}.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, path)
        return region_settings(code, path=path)

    def central(self, path: Path) -> Path:
        """The gateway's own store, migrated and empty, as a new file."""
        return migrated_central(path)

    def log(self, path: Path) -> Path:
        """A new access log with nothing in it."""
        return _like(_log, path)

    def postgresql(self, code: str = "3201") -> RegionSettings:
        """A new database."""
        postgres, template = self._postgres(), f"template_{padded(code)}"
        made = self._templates / template
        if not made.exists():
            postgres.run(f"CREATE DATABASE {template}")
            asyncio.run(migrate(region_settings(code, url=postgres.url(template))))
            made.touch()
        database = postgres.create(template)
        self._databases.append(database)
        return region_settings(code, url=postgres.url(database))

    def backup(self, settings: RegionSettings) -> RegionSettings:
        """A copy of a store, as a backup is; nobody may have the store open."""
        if settings.path is not None:
            kept = settings.path.with_name(f"{settings.code}.backup")
            shutil.copyfile(settings.path, kept)
            return replace(settings, path=kept)
        postgres = self._postgres()
        database = postgres.create(_database(settings))
        self._databases.append(database)
        return replace(settings, url=postgres.url(database))

    def put_back(self, settings: RegionSettings, kept: RegionSettings) -> None:
        """Puts a backup in the place of a store: the same file, with what it had then."""
        if settings.path is not None:
            assert kept.path is not None
            for suffix in ("-wal", "-shm"):
                settings.path.with_name(settings.path.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(kept.path, settings.path)
            return
        postgres, name = self._postgres(), _database(settings)
        postgres.drop(name)
        postgres.run(f"CREATE DATABASE {name} TEMPLATE {_database(kept)} STRATEGY FILE_COPY")

    def close(self) -> None:
        """Drops the databases that were made."""
        for database in self._databases:
            self._postgres().drop(database)


def _like(make: Callable[[Path], None], to: Path) -> Path:
    content, mode = _image(make)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(content)
    to.chmod(mode)
    return to


@cache  # of a process: making one takes longer than most tests of it
def _image(make: Callable[[Path], None]) -> tuple[bytes, int]:
    """What a store's file holds when it has been made, and its mode."""
    with tempfile.TemporaryDirectory(prefix="epigate-store-") as folder:
        path = Path(folder) / "store.db"
        make(path)
        assert [one.name for one in path.parent.iterdir()] == [path.name]  # all of it is there
        return path.read_bytes(), path.stat().st_mode


def _central(path: Path) -> None:
    asyncio.run(migrate_central(path))


def _log(path: Path) -> None:
    asyncio.run(migrate_log(path))


def _declared(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    prepare_sqlite(engine)
    central.create_all(engine)
    engine.dispose()


def _database(settings: RegionSettings) -> str:
    assert settings.url is not None
    return settings.url.rpartition("/")[2]


def noticed() -> None:
    """Waits for as long as a reader believes a file to be where it was."""
    time.sleep(2 * store_files._RECHECK)


def in_store(settings: RegionSettings, work: Callable[[Connection], T]) -> T:
    """What `work` returns, done in one transaction of a region's store."""
    if settings.path is not None:
        return in_file(settings.path, work, busy_seconds=settings.deadline)

    async def run() -> T:
        async with _server_engine().begin() as connection:
            return await connection.run_sync(work)

    with _at(settings):
        return asyncio.run(run())


def in_file(path: Path, work: Callable[[Connection], T], *, busy_seconds: float = 5.0) -> T:
    """The same in one transaction of a SQLite file: without a loop, which would take longer than
    most of what is done.
    """
    with _at((path, busy_seconds)), _file_engine().begin() as connection:
        return work(connection)


_here: ContextVar[Any] = ContextVar("_here")  # the store that a connection is opened to


@contextmanager
def _at(store: Any) -> Iterator[None]:
    token = _here.set(store)
    try:
        yield
    finally:
        _here.reset(token)


# One engine for all stores of a kind, which keeps no connection: making one, and compiling each
# statement anew, would take longer than what is done.


@cache
def _file_engine() -> Engine:
    def connect() -> sqlite3.Connection:
        path, seconds = _here.get()
        return sqlite3.connect(path, timeout=seconds)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    prepare_sqlite(engine)
    return engine


@cache
def _server_engine() -> AsyncEngine:
    async def connect(*_: Any, **__: Any) -> Any:
        url = postgres_url(_here.get()).set(drivername="postgresql")
        return await asyncpg.connect(
            url.render_as_string(hide_password=False), record_class=ServerRow
        )

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
