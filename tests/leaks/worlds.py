"""Whole gateways in this process: the real application over real files, asked without a network.

`twins` are two of them that differ in nothing but hidden values.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from gateway.config import Config, load_config
from gateway.grants import ITEMS, RECORD_TYPES, add_grant
from gateway.http import make_app
from gateway.sessions import Sessions
from regions.blind_index import BlindIndexer
from regions.engines import sqlite_engine
from regions.ids import take_ids
from regions.keys import Keys, create_keys, load_keys
from regions.sealing import ITEMS as SEALED
from regions.store_files import _RECHECK
from regions.users import accounts
from resolvers.users import Role
from tests.records import Population, make_population
from tests.served import never_idle
from tests.stores import Stores, in_store

__all__ = [
    "CLEAR",
    "MASKED",
    "OTHERS",
    "SIZES",
    "Loop",
    "Response",
    "World",
    "make_world",
    "twins",
]

SIZES = {"3201": 14, "3202": 6, "3405": 3, "5001": 1}
"""Contacts of each region."""

MASKED: Mapping[str, tuple[Role, str, str]] = {
    "national": (Role.UNIT_USER, "000000", "cdc-000000"),
    "province": (Role.UNIT_USER, "320000", "cdc-320000"),
    "city": (Role.DUTY_PERSON, "320100", "cdc-320100"),
    "county": (Role.REVIEWER, "320104", "cdc-320104"),
    "system": (Role.REGIONAL_SYSTEM, "320100", "cdc-320100"),
    "reporter": (Role.DIRECT_REPORTER, "320102", "hospital-320102-1"),
}
"""Accounts to whom every item is masked (the reporter has reported nobody): role, code, unit."""

OTHERS: Mapping[str, tuple[Role, str, str]] = {
    "auditor": (Role.AUDITOR, "000000", "cdc-000000"),
    "secadmin": (Role.SECURITY_ADMINISTRATOR, "320100", "cdc-320100"),
}
"""Accounts that open no records."""

CLEAR: Mapping[str, tuple[Role, str, str]] = {
    "clear": (Role.UNIT_USER, "000000", "cdc-000000"),
    "some": (Role.UNIT_USER, "320100", "cdc-320100"),
}
"""Accounts with a right: `clear` to everything, `some` to names of contacts in 320104."""

_ITS_OWN = (b"x-request-id", b"x-trace-id")

EVERYBODY: Mapping[str, tuple[Role, str, str]] = {**MASKED, **OTHERS, **CLEAR}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: every byte of it but for the ids of the request."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def data(self) -> Any:
        """The data of an answer without errors."""
        found = orjson.loads(self.body)
        assert "errors" not in found, found
        return found["data"]

    @property
    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [one["extensions"]["code"] for one in orjson.loads(self.body).get("errors", ())]


class Loop:
    """An event loop that goes on between the questions, as a gateway's does.

    One that stood still meanwhile would leave its duties in the middle of a transaction, and find
    their deadlines over when it is awake again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worlds", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Ends the loop and its thread."""
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class World:
    """A gateway over a folder. Close it at the end."""

    def __init__(self, runner: Loop, file: Path) -> None:
        self._runner = runner
        self.config: Config = load_config(file)
        self.keys: Keys = load_keys(self.config.keys)
        self.tokens: dict[str, str] = {}
        self.app = make_app(self.config)
        self._ended: asyncio.Event
        self._lifespan: asyncio.Task[None]
        runner.run(self._start())

    async def _start(self) -> None:
        """Runs the application's start, and leaves its end waiting."""
        self._ended, started = asyncio.Event(), asyncio.Event()
        told: list[Any] = [{"type": "lifespan.startup"}]

        async def receive() -> Any:
            if told:
                return told.pop()
            await self._ended.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:
            assert not message["type"].endswith("failed"), message
            started.set()

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._lifespan = asyncio.ensure_future(self.app(scope, receive, send))
        await started.wait()

    async def asking(
        self, body: bytes, who: str | None, *headers: tuple[bytes, bytes], **scope: Any
    ) -> Response:
        """The response to a body sent to /graphql."""
        given = [(b"content-type", b"application/json"), *headers]
        if who is not None:
            given.append((b"authorization", b"Bearer " + self.tokens.get(who, who).encode()))
        path = scope.pop("path", "/graphql")
        whole = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": given,
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8_000),
            "state": {},
            **scope,
        }
        sent: list[Any] = []
        bodies = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return bodies.pop() if bodies else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(whole, receive, send)
        found = tuple((n, v) for n, v in sent[0]["headers"] if n not in _ITS_OWN)
        return Response(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent))

    def send(
        self, body: bytes, who: str | None, *headers: tuple[bytes, bytes], **scope: Any
    ) -> Any:
        """The same, from outside of the event loop."""
        return self._runner.run(self.asking(body, who, *headers, **scope))

    def ask(
        self, query: str, variables: Any = None, *, who: str | None = "national", **more: Any
    ) -> Response:
        """The response to a question."""
        body = {"query": query, "variables": variables, **more}
        found: Response = self.send(orjson.dumps(body), who)
        return found

    def run(self, work: Any) -> Any:
        """The result of a coroutine, in the gateway's event loop."""
        return self._runner.run(work)

    def rows(self, region: str, statement: str) -> list[Any]:
        """What a statement finds in a region's file."""
        path = next(one.path for one in self.config.regions if one.code == region)
        assert path is not None
        with closing(sqlite3.connect(path)) as store:
            return store.execute(statement).fetchall()

    @contextmanager
    def without(self, code: str) -> Iterator[None]:
        """A region's file is away meanwhile, and the gateway has noticed it."""
        path = next(one.path for one in self.config.regions if one.code == code)
        assert path is not None
        away = path.with_suffix(".away")
        path.rename(away)
        try:
            time.sleep(2 * _RECHECK)
            yield
        finally:
            away.rename(path)
            time.sleep(2 * _RECHECK)
            self.ask("{regions{state}}")  # and that it is back

    def close(self) -> None:
        """Ends it as a worker ends."""

        async def end() -> None:
            self._ended.set()
            await self._lifespan

        self._runner.run(end())


_SETTINGS = """\
[gateway]
strangers_per_minute = 1000000

[questions]
deadline_ms = 30000
duplicate_candidates = 1000000

"""
"""Limits that a test which asks without pause would meet; none is what is tested here."""


def make_world(folder: Path, templates: Path) -> tuple[Path, Keys]:
    """A folder with a configuration of four regions, keys, empty stores and accounts.

    The configuration's file, and the keys.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.toml"
    regions = "".join(f'[[region]]\ncode = "{c}"\nname = "{c}"\nname_en = "{c}"\n' for c in SIZES)
    file.write_text(f"{_SETTINGS}{regions}", "utf-8")
    config = load_config(file)
    create_keys(config.keys)

    def server() -> Any:
        raise AssertionError("these worlds are of SQLite alone")

    stores = Stores(templates, lambda: folder, server)
    for region in config.regions:
        stores.sqlite(region.code, region.path)
    stores.central(config.central_store)
    stores.log(config.log_store)
    asyncio.run(_make_accounts(config))
    return file, load_keys(config.keys)


async def _make_accounts(config: Config) -> None:
    def work(connection: Connection) -> None:
        for name, (role, code, unit) in (EVERYBODY).items():
            level = "HOSPITAL" if unit.startswith("hospital") else "CITY"
            row = {"account": name, "name": f"某{name}", "role": role.name, "code": code}
            row |= {"unit_id": unit, "unit_name": "某单位", "unit_level": level}
            row |= {"password_hash": "none", "created_at": "2026-01-01T00:00:00Z"}
            connection.execute(insert(accounts).values(row))  # nobody signs in by a password
        rights: Any = {"purpose": "a test", "starts_at": "2020-01-01", "ends_at": "2020-12-31"}
        for name, code in (("province", "320000"), ("city", "320100")):  # over and gone
            add_grant(connection, name, record_types=RECORD_TYPES, items=ITEMS, code=code, **rights)
        now = date.today()
        rights |= {"starts_at": str(now), "ends_at": str(now + timedelta(days=300))}
        add_grant(
            connection, "clear", record_types=RECORD_TYPES, items=ITEMS, code="000000", **rights
        )
        add_grant(
            connection, "some", record_types=["CONTACT"], items=["NAME"], code="320104", **rights
        )

    engine = sqlite_engine(str(config.central_store))
    async with engine.begin() as connection:
        await connection.run_sync(work)
    await engine.dispose()


async def _open_sessions(config: Config) -> dict[str, str]:
    engine = sqlite_engine(str(config.central_store))
    opener = Sessions(engine, config.central_store, idle_seconds=1e6, longest_seconds=1e6)
    async with engine.begin() as connection:
        found = await connection.run_sync(
            lambda one: {
                name: opener.insert(one, name, second_factor="TOTP").token for name in EVERYBODY
            }
        )
        await connection.run_sync(never_idle)
    await engine.dispose()
    return found


def filled_world(folder: Path, templates: Path) -> tuple[Path, dict[str, str], Population]:
    """A world with the population of the tests of answering; its file and tokens of everybody."""
    file, keys = make_world(folder, templates)
    population = make_population(SIZES, keys)
    config = load_config(file)
    for region in config.regions:
        population.write(region)
        in_store(region, partial(take_ids, region=region.code, count=10_000))
    return file, asyncio.run(_open_sessions(config)), population


@contextmanager
def twins(folder: Path, templates: Path) -> Iterator[tuple[World, World]]:
    """Two gateways of one population, one key set, the same sessions; hidden values differ."""
    file, tokens, population = filled_world(folder / "one", templates)
    shutil.copytree(folder / "one", folder / "other")
    other = load_config(folder / "other" / "config.toml")
    hidden = otherwise(population)
    stores = Stores(templates, lambda: folder, lambda: None)  # type: ignore[arg-type,return-value]  # wrong or wider on purpose
    for region in other.regions:
        assert region.path is not None
        region.path.unlink()
        stores.sqlite(region.code, region.path)
        hidden.write(region)
        in_store(region, partial(take_ids, region=region.code, count=10_000))
    runner = Loop()
    worlds = [World(runner, file), World(runner, other.file)]
    for world in worlds:
        world.tokens = dict(tokens)
    yield worlds[0], worlds[1]
    for world in worlds:
        world.close()
    runner.close()


# Hidden values -------------------------------------------------------------------------------


def otherwise(population: Population) -> Population:
    """The same records with other hidden values: of other lengths, known where they were not.

    What was one person stays one: equal numbers stay equal, different ones different, and so do
    names with their birth dates.
    """
    made = Population(population.keys)
    made.rows = {
        region: {table: [dict(row) for row in rows] for table, rows in tables.items()}
        for region, tables in population.rows.items()
    }
    indexer = BlindIndexer(population.keys.index)
    for tables in made.rows.values():
        for table, rows in tables.items():
            if table.name not in SEALED:
                continue
            for row in rows:
                items = population.items.get((table.name, row["id"]))
                new = _other_items(table.name, items, row["id"])
                if new is not None:
                    made.items[(table.name, row["id"])] = new
                if table.name == "people":
                    assert new is not None
                    row["id_number_index"] = indexer.id_number(new["id_number"])
                    row["phone_index"] = indexer.phone(new["phone"])
                    row["name_birth_index"] = indexer.name_birth(new["name"], new["birth_date"])
    return made


def _other_items(table: str, items: Any, number: int) -> dict[str, Any] | None:
    if table == "people":
        return {name: _other_item(name, items.get(name), number) for name in SEALED[table]}
    if items is None or (table != "corrections" and number % 3 == 0):
        return None if items is not None else dict.fromkeys(SEALED[table], f"密{number}")
    return {
        name: _text(f"{name}{number}", number % 80) if number % 2 else None
        for name in SEALED[table]
    } | ({"reason": _text(str(number), 9)} if table == "corrections" else {})


def _other_item(name: str, value: Any, number: int) -> Any:
    if name in ("name", "id_number", "birth_date"):  # that make two records one person
        if value is None:
            return None
        seed = int.from_bytes(hashlib.sha256(str(value).encode()).digest()[:4])
        if name == "birth_date":
            return (date.fromisoformat(value) - timedelta(days=20_000)).isoformat()
        return _text(str(value), 8 + seed % 40)
    return _GUESSES[name](number) if name in _GUESSES else _text(f"{name}{number}", number % 60)


_GUESSES: Mapping[str, Any] = {
    "sex": lambda number: ("M", "F", None)[number % 3],
    "age": lambda number: (None, 0, 7, 88, 120)[number % 5],
    "id_type": lambda number: ("PASSPORT", None)[number % 2],
    "phone": lambda number: (None, f"1770000{number % 10_000:04}", "010-5550100")[number % 3],
    "guardian": lambda number: None,
}


def _text(seed: str, length: int) -> str:
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return f"{digest[:16]}{'密' * (length // 2)}{'x' * (length % 2)}"


def regions_of(worlds: Sequence[World]) -> list[list[Any]]:
    """The envelopes of people in every world, to see that they do differ."""
    return [world.rows("320100", "SELECT sealed, phone_index FROM people") for world in worlds]
