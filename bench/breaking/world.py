"""Some regions with real SQLite files, and people in them, for one simulated run after the other.

The files are made once a process and copied for each run. Nothing here waits for a disk: what a
process that dies leaves behind is decided by transactions, and those are real.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.pool import StaticPool

from bench.breaking.pictures import Eyes
from regions.contacts import contacts, samples
from regions.ids import region_of, take_ids
from regions.index_keys import read_state
from regions.keys import Keys, create_keys, load_keys
from regions.migrating import migrate
from regions.people import INDEX_SETS, people
from regions.person_keys import new_salt, person_keys
from regions.settings import RegionSettings
from resolvers.writing.stores import Store, Stores

__all__ = ["AT", "REGIONS", "Killed", "Template", "World", "register"]

T = TypeVar("T")

AT = "2026-11-28T08:00:00Z"
REGIONS = ("320100", "330200", "440100")


class Killed(Exception):
    """The process died here."""


class Template:
    """Stores with `each` people a region, to be copied."""

    def __init__(self, folder: Path, *, each: int = 3) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        create_keys(folder / "keys")
        self.keys = load_keys(folder / "keys")
        self.people: dict[int, str] = {}
        for code in REGIONS:
            settings = _settings(folder, code)
            asyncio.run(migrate(settings))
            engine = _engine(code, None, folder / f"{code}.db")
            with engine.begin() as connection:
                store = Store(settings, self.keys)
                for number in range(each):
                    self.people[register(connection, store, number)] = code
            engine.dispose()
        for path in folder.glob("*.db"):  # so that one file is the whole store
            with create_engine(f"sqlite:///{path}").connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=DELETE")


def _settings(folder: Path, code: str) -> RegionSettings:
    path = folder / f"{code}.db"
    # Nothing here may depend on how fast the machine is: no deadline ever ends.
    return RegionSettings(code, code, code, (code[:4],), path, None, 3_600.0)


class World:
    """The regions of one run. `dies_in` counts statements until a process dies; None: it lives."""

    def __init__(self, template: Template, folder: Path) -> None:
        self.folder = folder
        self.files = {code: folder / f"{code}.db" for code in REGIONS}
        for code, path in self.files.items():
            shutil.copyfile(template.folder / f"{code}.db", path)
        self.keys = template.keys
        self.stores = {code: Store(_settings(folder, code), self.keys) for code in REGIONS}
        self.homes = dict(template.people)
        self.dies_in: int | None = None
        self.eyes = Eyes(self.files)
        self._engines = {code: _engine(code, self) for code in REGIONS}

    def close(self) -> None:
        """Closes the files; they are opened again when needed."""
        self.eyes.close()
        for engine in self._engines.values():
            engine.dispose()

    def do(self, region: str, work: Callable[[Connection], T]) -> T:
        """One transaction. Raises Killed, with nothing written, where the process is to die."""
        with self._engines[region].begin() as connection:
            return work(connection)

    @contextmanager
    def dying(self, statements: int | None) -> Iterator[None]:
        """Within, the process dies before the statement of that number."""
        self.dies_in = statements
        try:
            yield
        finally:
            self.dies_in = None

    def backup(self, region: str) -> Path:
        """A copy of a region's file, as a backup is."""
        kept = self.folder / f"{region}.backup"
        kept.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.files[region])) as store:
            store.execute("VACUUM INTO ?", (str(kept),))
        return kept

    def restore(self, region: str, kept: Path) -> None:
        """Puts a backup back."""
        self.close()
        path = self.files[region]
        for behind in ("-wal", "-shm"):
            path.with_name(path.name + behind).unlink(missing_ok=True)
        shutil.copyfile(kept, path)

    def beside(self, work: Callable[[Stores], Any], dies: int | None = None) -> Any:
        """What a duty of the gateway does with the stores while nothing else runs. Raises Killed
        where it was to die within a write, or right behind it: `dies` counts these borders.
        """
        self.close()
        settings = [_settings(self.folder, code) for code in REGIONS]
        borders = _Borders(dies)

        async def run() -> Any:
            stores = Stores(settings, self.keys)
            stores.regions = [_Mortal(one, self.keys, borders) for one in settings]
            try:
                return await work(stores)
            finally:
                await stores.close()

        return asyncio.run(run())

    def add_sample(self, connection: Connection, region: str, person: int) -> None:
        """What a laboratory reports of a person."""
        number = take_ids(connection, region, 1)
        salt = connection.scalar(
            select(person_keys.c.salt).where(person_keys.c.person_id == person)
        )
        connection.execute(
            insert(samples).values(
                id=number,
                person_id=person,
                contact_id=person + 1,
                taken_at=AT,
                specimen="THROAT_SWAB",
                test="NUCLEIC_ACID",
                result="NEGATIVE",
                code=f"{region[:4]}02",
                sealed=self.stores[region]
                .sealer.person(bytes(salt or b""))
                .seal("samples", number, {"remarks": "复核"}),
                reporter=f"officer-{region}",
                reporter_unit=f"unit-{region}",
                created_at=AT,
            )
        )

    def statement(self) -> None:
        """Before each statement. Raises Killed where it was to be the last but one."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                raise Killed


class _Borders:
    """Where a process may die; `left` of them it passes, None: it lives."""

    def __init__(self, left: int | None) -> None:
        self.left = left

    def __call__(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class _Mortal(Store):
    """A store of a process that may die within a write, or right behind it."""

    def __init__(self, settings: RegionSettings, keys: Keys, border: Callable[[], None]) -> None:
        super().__init__(settings, keys)
        self._border = border

    async def write(self, ids: int, work: Callable[[Connection, int], T]) -> T:
        """As any store."""

        def within(connection: Connection, first: int) -> T:
            result = work(connection, first)
            self._border()
            return result

        result = await super().write(ids, within)
        self._border()
        return result


_at_work: dict[str, tuple[Path, World | None]] = {}


def _engine(region: str, world: World | None, path: Path | None = None) -> Engine:
    """The engine of a region: one for all runs of the process, so that statements are compiled
    once; its connection is to the file of the run at work.
    """
    _at_work[region] = (path or cast(World, world).files[region], world)
    return _made(region)


@cache
def _made(region: str) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(_at_work[region][0], isolation_level=None)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def _immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "before_cursor_execute")
    def _statement(*_: Any) -> None:
        world = _at_work[region][1]
        if world is not None:
            world.statement()

    return engine


def register(connection: Connection, store: Store, number: int) -> int:
    """Registers a person who is a contact; returns the person's id."""
    region = store.settings.code
    person = take_ids(connection, region, 2)
    assert region_of(person) == region
    own = {"reporter": f"officer-{region}", "reporter_unit": f"unit-{region}"}
    stamps = {"created_at": AT, "updated_at": AT}
    code = f"{region[:4]}02"
    salt = new_salt()
    seal = store.sealer.person(salt).seal
    items = {"name": f"钱{number}", "birth_date": "1980-01-02", "phone": f"1000000{number:04d}"}
    connection.execute(insert(person_keys).values(person_id=person, salt=salt))
    names = [name for names in INDEX_SETS for name in names]
    indexes = store.indexer.columns(items, read_state(connection))
    connection.execute(
        insert(people).values(
            id=person,
            code=code,
            sealed=seal("people", person, items),
            **dict(zip(names, indexes, strict=True)),
            **own,
            **stamps,
        )
    )
    connection.execute(
        insert(contacts).values(
            id=person + 1,
            person_id=person,
            level="CLOSE",
            route="OWN_SCREENING",
            manner="[]",
            outcome="CONTINUING",
            traced="YES",
            code=code,
            rule_pack="N113",
            sealed=seal("contacts", person + 1, {"place": "车站"}),
            **own,
            **stamps,
        )
    )
    return person
