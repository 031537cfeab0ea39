"""Migrations: one history, both kinds of store, one transaction each."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import stat
import warnings
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select, text, update

from regions import migrating
from regions.alerts import detection_nights, signals
from regions.areas import reference_areas
from regions.cases import cases, exposures
from regions.contacts import contacts
from regions.corrections import corrections
from regions.engines import sqlite_engine
from regions.errors import RegionUnavailable, StoreAhead, StoreBehind, StoreError
from regions.migrating import (
    MigrationResult,
    check_central,
    check_current,
    migrate,
    migrate_central,
    migrate_log,
    revisions,
)
from regions.people import people
from regions.reference import area_changes, areas, diseases, units
from regions.settings import RegionSettings
from regions.tables import central, log_tables, regional
from tests.stores import Stores, in_store, region_settings

NEWEST = revisions("regional")[-1]


def in_file(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def empty_store(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> RegionSettings:
    if dialect == "sqlite":
        return region_settings("3201", path=tmp_path / "regions" / "320100.db")
    return region_settings("3201", url=request.getfixturevalue("postgres_url"))


def shape(connection: Connection) -> list[tuple[Any, ...]]:
    """Every table, column, collation, default and index of a store, by its own catalogue."""
    if connection.dialect.name == "postgresql":
        columns = connection.execute(
            text(
                "SELECT table_name, column_name, data_type, is_nullable, column_default,"
                " collation_name FROM information_schema.columns WHERE table_schema = 'public'"
                " AND table_name <> 'alembic_version' ORDER BY 1, ordinal_position"
            )
        ).all()
        indexes = connection.execute(
            text(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                " AND tablename <> 'alembic_version' ORDER BY 1"
            )
        ).all()
        return [tuple(row) for row in (*columns, *indexes)]
    rows = connection.execute(
        text(
            "SELECT name, sql FROM sqlite_master"
            " WHERE tbl_name <> 'alembic_version' AND sql IS NOT NULL ORDER BY 1"
        )
    ).all()
    return [(name, re.sub(r"\s+", " ", sql)) for name, sql in rows]


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    with warnings.catch_warnings():  # SQLite cannot show indexes over expressions: `shape` does
        warnings.filterwarnings("ignore", "autogenerate skipping .* expression-based", UserWarning)
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based")
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_migrations_make_exactly_the_tables_declared(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest, stores: Stores
) -> None:
    declared = empty_store(dialect, tmp_path / "declared", request)
    if declared.path:
        declared.path.parent.mkdir(parents=True)
    in_store(declared, regional.create_all)
    migrated = stores.make(dialect)
    assert in_store(migrated, shape) == in_store(declared, shape)
    assert in_store(migrated, lambda store: differences(store, regional)) == []


def test_the_central_migrations_make_exactly_the_tables_declared(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    assert asyncio.run(migrate_central(path)).before is None
    migrated = region_settings("3201", path=path)
    declared = region_settings("3201", path=tmp_path / "declared.db")
    in_store(declared, central.create_all)
    assert in_store(migrated, shape) == in_store(declared, shape)
    assert in_store(migrated, lambda store: differences(store, central)) == []


@pytest.mark.parametrize("history", ["regional", "central"])
def test_file_names_tell_the_same_history_as_alembic(history: str) -> None:
    script = ScriptDirectory.from_config(migrating._alembic_config(history))
    newest_first = [revision.revision for revision in script.walk_revisions()]
    assert tuple(reversed(newest_first)) == revisions(history)
    assert script.get_heads() == [revisions(history)[-1]]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_second_run_changes_nothing(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = empty_store(dialect, tmp_path, request)
    with pytest.raises(StoreBehind, match="has no tables yet"):
        asyncio.run(check_current(settings))
    first = asyncio.run(migrate(settings))
    assert (first.before, first.after) == (None, NEWEST)
    assert first.seeded > 3_500
    assert first.changed
    second = asyncio.run(migrate(settings))
    assert second == MigrationResult("320100", NEWEST, NEWEST, 0)
    assert not second.changed
    asyncio.run(check_current(settings))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_dry_run_writes_nothing(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = empty_store(dialect, tmp_path, request)
    result = asyncio.run(migrate(settings, dry_run=True))
    assert result == MigrationResult("320100", None, NEWEST, 0)
    if settings.path:
        assert not settings.path.parent.exists()
    else:
        assert in_store(settings, shape) == []


def test_a_dry_run_of_the_central_store_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data" / "gateway.db"
    assert asyncio.run(migrate_central(path, dry_run=True)).after == revisions("central")[-1]
    assert not path.parent.exists()


def test_a_store_that_is_ahead_is_left_alone(store_settings: RegionSettings) -> None:
    def ahead(store: Connection) -> None:
        store.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        store.execute(delete(diseases))  # would be seeded again

    in_store(store_settings, ahead)
    before = in_store(store_settings, shape)
    for attempt in (
        migrate(store_settings),
        migrate(store_settings, dry_run=True),
        check_current(store_settings),
    ):
        with pytest.raises(StoreAhead, match="newer epigate: revision 9999") as raised:
            asyncio.run(attempt)
        assert raised.value.details == {"store": "320100"}
    assert in_store(store_settings, shape) == before
    assert (
        in_store(store_settings, lambda store: store.scalar(select(func.count(diseases.c.key))))
        == 0
    )


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_clusters_of_before_are_found_by_their_counties(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = empty_store(dialect, tmp_path, request)
    asyncio.run(migrate(settings))
    counties = regional.tables["signal_counties"]
    elsewhere = regional.tables["cluster_regions"]
    members = ["320102", "341122"]

    def back(store: Connection) -> None:
        for table in (counties, elsewhere):
            table.drop(store)
        back_to(store, "0019")
        signal = dict.fromkeys((c.name for c in signals.c if not c.nullable), "0")
        signal |= {"kind": "CLUSTER", "members": json.dumps(members)}
        kinds = {c.name: c.type.python_type for c in signals.c}
        store.execute(insert(signals).values({k: kinds[k](v) for k, v in signal.items()}))
        night: dict[str, Any] = dict.fromkeys((c.name for c in detection_nights.c), "0")
        night |= dict.fromkeys(("series", "signals", "absorbed"), 0)
        outcome = {"clusters": [{"region": "341100", "members": members}]}
        night |= {"part": "CLUSTERS r", "outcome": json.dumps(outcome)}
        store.execute(insert(detection_nights).values(night))

    in_store(settings, back)
    asyncio.run(migrate(settings))
    asked = [select(one).order_by(one.c.code) for one in (counties, elsewhere)]
    found = in_store(settings, lambda store: [store.execute(one).all() for one in asked])
    assert found[0] == [("320102", 0), ("341122", 0)]
    assert found[1] == [("320102", "341100"), ("341122", "341100")]


def back_to(store: Connection, version: str) -> None:
    """Leaves a store as it was at a version, but for what the test undoes itself."""
    for name in ("ix_signals_kind_detected", "ix_contacts_disease_created"):
        store.execute(text(f"DROP INDEX {name}"))
    store.execute(text("ALTER TABLE contacts DROP COLUMN disease"))
    store.execute(text("DROP TABLE assist_notices"))
    store.execute(text("DROP INDEX ix_assist_people_case_due"))
    for name in ("positive_at", "case_due", "case_at"):
        store.execute(text(f"ALTER TABLE assist_people DROP COLUMN {name}"))
    store.execute(text("ALTER TABLE signal_attachments DROP COLUMN report"))
    for name in ("co_residents", "co_residents_ill"):
        store.execute(text(f"ALTER TABLE visits DROP COLUMN {name}"))
    store.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))


def filled(table: Table, **values: Any) -> Any:
    """A row with these values and something in every other column that needs it."""
    kinds = {c.name: c.type.python_type for c in table.c if not c.nullable}
    row = {name: b"" if kind is bytes else kind("0") for name, kind in kinds.items()}
    return insert(table).values(row | values)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_contacts_of_before_are_of_the_disease_of_their_case(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = empty_store(dialect, tmp_path, request)
    asyncio.run(migrate(settings))
    links = {  # id: case, contact
        1: (7, None),
        2: (None, 1),
        3: (None, 2),
        4: (99, None),  # of another region
        5: (None, 99),
        6: (None, None),
    }

    def back(store: Connection) -> None:
        store.execute(filled(cases, id=7, disease="measles"))
        for number, (case, parent) in links.items():
            linked = {"source_case_id": case, "parent_contact_id": parent}
            store.execute(filled(contacts, id=number, **linked))
        back_to(store, "0021")

    in_store(settings, back)
    asyncio.run(migrate(settings))
    asked = select(contacts.c.disease).order_by(contacts.c.id)
    found = in_store(settings, lambda store: list(store.scalars(asked)))
    assert found == ["measles"] * 3 + [None] * 3


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_codes_of_residence_of_before_are_cut_to_the_county(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = empty_store(dialect, tmp_path, request)
    asyncio.run(migrate(settings))

    def back(store: Connection) -> None:
        back_to(store, "0020")
        for number, code in enumerate(("320102003012", "320102003", "320102", None)):
            store.execute(filled(people, id=number, residence_code=code))
            store.execute(filled(exposures, id=number, code=code))
            old = None if code is None else f'"{code}"'
            told = {"record_type": "PERSON", "field": "residenceCode"}
            store.execute(filled(corrections, id=number, old_value=old, new_value=old, **told))
        told = {"record_type": "PERSON", "field": "occupation"}
        store.execute(filled(corrections, id=9, old_value='"fisherman"', **told))

    in_store(settings, back)
    asyncio.run(migrate(settings))

    def found(store: Connection) -> list[list[Any]]:
        columns = (
            people.c.residence_code,
            exposures.c.code,
            corrections.c.old_value,
            corrections.c.new_value,
        )
        return [list(store.scalars(select(one).order_by(one.table.c.id))) for one in columns]

    county = ["320102"] * 3 + [None]
    quoted = ['"320102"'] * 3 + [None]
    assert in_store(settings, found) == [
        county,
        county,
        [*quoted, '"fisherman"'],
        [*quoted, None],
    ]


def test_an_interrupted_migration_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = region_settings("3201", path=tmp_path / "320100.db")

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(migrating, "seed", killed)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(migrate(settings))
    assert in_file(tmp_path / "320100.db", "SELECT name FROM sqlite_master") == []
    monkeypatch.undo()
    assert asyncio.run(migrate(settings)).before is None


def test_many_stores_migrate_at_once(tmp_path: Path, postgres_url: str) -> None:
    settings = [
        region_settings("3201", url=postgres_url),
        *(region_settings(code, path=tmp_path / f"{code}.db") for code in ("3202", "3204")),
    ]

    async def all_of_them() -> list[MigrationResult]:
        return await asyncio.gather(*(migrate(one) for one in settings))

    assert [result.store for result in asyncio.run(all_of_them())] == ["320100", "320200", "320400"]


def test_two_migrations_of_one_store_take_turns(postgres_url: str) -> None:
    settings = region_settings("3201", url=postgres_url)

    async def both() -> list[MigrationResult]:
        one = asyncio.to_thread(asyncio.run, migrate(settings))
        other = asyncio.to_thread(asyncio.run, migrate(settings))
        return list(await asyncio.gather(one, other))

    assert sorted(result.seeded > 0 for result in asyncio.run(both())) == [False, True]


def test_reference_rows_are_seeded_and_brought_up_to_date(store_settings: RegionSettings) -> None:
    def spoil(store: Connection) -> None:
        store.execute(update(areas).where(areas.c.code == "320102").values(name="旧名"))
        store.execute(delete(diseases).where(diseases.c.key == "measles"))
        dead = {"code": "320103", "name": "白下区", "level": "COUNTY"}
        store.execute(areas.insert().values(dead))
        own = {"id": "hospital-320102-1", "code": "320102", "level": "HOSPITAL", "name_zh": "医院"}
        store.execute(units.insert().values(own | {"name_en": "Hospital"}))

    def read(store: Connection) -> dict[str, Any]:
        return {
            "area": store.scalar(select(areas.c.name).where(areas.c.code == "320102")),
            "dead": store.scalar(select(func.count()).where(areas.c.code == "320103")),
            "areas": store.scalar(select(func.count(areas.c.code))),
            "changes": store.scalar(select(func.count(area_changes.c.number))),
            "measles": store.scalar(select(diseases.c.name_en).where(diseases.c.key == "measles")),
            "hospital": store.scalar(select(func.count()).where(units.c.level == "HOSPITAL")),
        }

    in_store(store_settings, spoil)
    assert asyncio.run(migrate(store_settings)).seeded == 3
    assert in_store(store_settings, read) == {
        "area": "玄武区",
        "dead": 0,
        "areas": len(reference_areas()),
        "changes": len(reference_areas().changes),
        "measles": "Measles",
        "hospital": 1,
    }


def test_a_region_has_the_cdcs_of_its_places_and_those_above(
    store_settings: RegionSettings,
) -> None:
    rows = in_store(store_settings, lambda store: store.execute(select(units)).mappings().all())
    by_id = {row["id"]: dict(row) for row in rows}
    assert Counter(row["level"] for row in rows) == {
        "NATIONAL": 1,
        "PROVINCE": 1,
        "CITY": 1,
        "COUNTY": 11,
    }
    assert by_id["cdc-320102"] == {
        "id": "cdc-320102",
        "code": "320102",
        "level": "COUNTY",
        "name_zh": "南京市玄武区疾病预防控制中心",
        "name_en": "Xuanwu District CDC, Nanjing",
        "parent": "cdc-320100",
    }
    assert by_id["cdc-320000"]["parent"] == "cdc-000000"
    assert by_id["cdc-000000"]["parent"] is None


def test_the_log_store_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "access-log.db"
    for _ in range(2):
        asyncio.run(migrate_log(path))
    names = {name for (name,) in in_file(path, "SELECT name FROM sqlite_master WHERE type='table'")}
    assert set(log_tables.tables) <= names
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_central_store_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with pytest.raises(StoreBehind, match="the store gateway has no tables yet"):
        asyncio.run(check_central(path))
    asyncio.run(migrate_central(path))
    asyncio.run(check_central(path))
    in_file(path, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreAhead):
        asyncio.run(check_central(path))


def test_a_store_behind_says_how_to_mend_it(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stores.sqlite()
    known = revisions("regional")
    monkeypatch.setattr(migrating, "revisions", lambda _: (*known, "0999"))
    with pytest.raises(StoreBehind, match=f"has the tables of revision {NEWEST}") as raised:
        asyncio.run(check_current(settings))
    assert raised.value.hint == "run `epigate migrate`"


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "320100.db"
    path.write_text("no database, but text that is long enough to look at" * 20)
    settings = region_settings("3201", path=path)
    for attempt in (check_current(settings), migrate(settings)):
        with pytest.raises(RegionUnavailable, match="the store 320100 does not answer"):
            asyncio.run(attempt)


def test_a_store_with_foreign_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "320100.db"
    in_file(path, "CREATE TABLE people (name TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        asyncio.run(migrate(region_settings("3201", path=path)))
    assert in_file(path, "SELECT name FROM sqlite_master") == [("people",)]


def test_a_server_that_is_down_or_has_no_such_database_is_named(postgres_url: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://epigate@127.0.0.1:{nobody.getsockname()[1]}/epigate"
        down = region_settings("3201", url=url, deadline=1)
        unknown = region_settings("3201", url=f"{postgres_url}_not_there")
        for settings in (down, unknown):
            for attempt in (check_current(settings), migrate(settings)):
                with pytest.raises(RegionUnavailable, match="the store 320100 does not answer"):
                    asyncio.run(attempt)


def test_sqlite_engines_begin_as_writers(tmp_path: Path) -> None:
    async def run() -> None:
        engine = sqlite_engine(str(tmp_path / "a.db"), busy_seconds=0.01)
        try:
            async with engine.begin() as connection:
                assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
                with pytest.raises(Exception, match="locked"):
                    async with engine.begin():
                        pass
        finally:
            await engine.dispose()

    asyncio.run(run())
