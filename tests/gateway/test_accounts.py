from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection
from typer.testing import CliRunner, Result

from gateway.access_log import AccessLog, canonical
from gateway.accounts import (
    UNIT_LEVELS,
    create_account,
    disable_account,
    enable_account,
    find_account,
    list_accounts,
    password_hash,
    replace_hash,
    set_password,
)
from gateway.cli import app
from gateway.commands._central import changing_central, factors_of, in_central
from gateway.commands.accounts import _role
from gateway.config import Config, load_config
from gateway.passwords import verify_password
from gateway.stores import migrate_stores
from regions.errors import EpigateError, InvalidInput, NotFound, StoreBehind
from regions.instants import instant, now, seconds_of
from regions.keys import create_keys
from resolvers.users import Role
from schema.enums import UnitLevel
from tests.gateway.central_store import NANJING, World, world
from tests.gateway.served import CONFIG

OTHER = replace(NANJING, account="xuanwu.county-1", code="320102", unit_level="COUNTY")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1)
    monkeypatch.setattr("gateway.passwords._HASHER", quick)


def in_store(folder: Path, body: Callable[[World], Any]) -> None:
    async def main() -> None:
        async with world(folder) as here:
            await body(here)

    asyncio.run(main())


def test_an_account_is_kept_as_given(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.do(create_account, OTHER, "long enough")
        found = await world.do(find_account, OTHER.account)
        terms = {name: getattr(found, name) for name in ("valid_until", "renewed_at", "renew_by")}
        assert found == replace(OTHER, created_at=found.created_at, password_given=True, **terms)
        days = [(seconds_of(at) - seconds_of(now())) / 86_400 for at in terms.values()]
        assert [round(day) for day in days] == [1_096, 0, 366]
        assert [account.account for account in await world.do(list_accounts)] == [
            "nanjing",
            OTHER.account,
        ]
        stored = await world.do(password_hash, OTHER.account)
        assert verify_password(stored, "long enough")
        assert "long enough" not in stored
        assert await world.do(find_account, "nobody") is None
        assert await world.do(password_hash, "nobody") is None

    in_store(tmp_path, body)


def test_who_chose_the_first_password(tmp_path: Path) -> None:
    """Whoever made the account did, unless it is said that the holder did; machines have none."""

    async def body(world: World) -> None:
        machine = replace(OTHER, account="system-1", role=Role.REGIONAL_SYSTEM)
        own = replace(OTHER, account="own")
        await world.do(create_account, OTHER, "long enough")
        await world.do(create_account, machine, "long enough")
        await world.do(partial(create_account, given=False), own, "long enough")

        async def given() -> dict[str, bool]:
            return {one.account: one.password_given for one in await world.do(list_accounts)}

        made = {"nanjing": False, OTHER.account: True, "own": False, "system-1": False}
        assert await given() == made
        for account in made:
            await world.do(set_password, account, "another horse")
        assert await given() == dict.fromkeys(made, True) | {"system-1": False}

    in_store(tmp_path, body)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"account": "a"}, "cannot be a login name"),
        ({"account": "two words"}, "cannot be a login name"),
        ({"account": "-x"}, "cannot be a login name"),
        ({"account": "x\n"}, "cannot be a login name"),
        ({"account": "nanjing"}, "there is an account nanjing already"),
        ({"name": " "}, "name of the account .* is empty"),
        ({"unit_id": ""}, "unit_id of the account .* is empty"),
        ({"unit_name": ""}, "unit_name of the account .* is empty"),
        ({"unit_level": "TOWN"}, "'TOWN' is no level"),
        ({"code": "3201"}, "no code of GB/T 2260"),
        ({"code": "990000"}, "no code of GB/T 2260"),
        ({"code": "32010x"}, "no code of GB/T 2260"),
    ],
)
def test_an_account_that_makes_no_sense(
    tmp_path: Path, change: dict[str, str], expected: str
) -> None:
    async def body(world: World) -> None:
        with pytest.raises(InvalidInput, match=expected):
            await world.do(create_account, replace(OTHER, **change), "long enough")  # type: ignore[arg-type]  # wrong or wider on purpose

    in_store(tmp_path, body)


@pytest.mark.parametrize("code", ["000000", "320000", "500100", "320102"])
def test_jurisdictions_of_every_level(tmp_path: Path, code: str) -> None:
    async def body(world: World) -> None:
        await world.do(create_account, replace(OTHER, code=code), "long enough")

    in_store(tmp_path, body)


def test_disabling_enabling_and_another_password(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.do(disable_account, "nanjing")
        assert (await world.do(find_account, "nanjing")).disabled
        assert await world.do(password_hash, "nanjing") is None
        await world.do(enable_account, "nanjing")
        await world.do(set_password, "nanjing", "another horse")
        stored = await world.do(password_hash, "nanjing")
        assert verify_password(stored, "another horse")
        await world.do(replace_hash, "nanjing", "some older hash", "lost")
        assert await world.do(password_hash, "nanjing") == stored
        with pytest.raises(InvalidInput):
            await world.do(set_password, "nanjing", "short")
        for change in (disable_account, enable_account):
            with pytest.raises(NotFound, match="no account nobody"):
                await world.do(change, "nobody")

    in_store(tmp_path, body)


def test_levels_are_those_of_the_schema() -> None:
    assert list(UNIT_LEVELS) == [level.name for level in UnitLevel]


def test_instants() -> None:
    assert instant(0) == "1970-01-01T00:00:00Z"
    assert seconds_of("2026-11-22T10:00:00Z") == 1_795_341_600
    assert seconds_of("2026-11-22") == 1_795_305_600
    assert seconds_of("2026-11-22T18:00:00+08:00") == 1_795_341_600
    assert abs(seconds_of(now()) - seconds_of(instant(seconds_of(now())))) < 2
    with pytest.raises(ValueError, match="soon"):
        seconds_of("soon")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, "utf-8")
    create_keys(load_config(file).keys)
    asyncio.run(migrate_stores(load_config(file)))
    return file


def run(config: Path, *arguments: str, **more: Any) -> Result:
    """A command; a named failure is raised."""
    result = CliRunner().invoke(
        app, [*arguments, "--config", str(config)], env={"COLUMNS": "300"}, **more
    )
    if isinstance(result.exception, EpigateError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def add(config: Path, account: str, *more: str, password: str = "long enough\n") -> Result:
    given = ("--name", "王芳", "--role", "unit user", "--unit", "cdc-320102")
    return run(config, "accounts", "add", account, *given, *more, input=password)


def test_accounts_on_the_command_line(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = add(config, "xuanwu").output
    assert "added xuanwu: unit user of 南京市玄武区疾病预防控制中心 (320102)" in said
    monkeypatch.setenv("EPIGATE_ACCOUNT_PASSWORD", "from the environment")
    given = ("--name", "李", "--role", "DIRECT_REPORTER", "--unit", "hospital-320102-1")
    run(config, "accounts", "add", "hospital", *given, "--unit-name", "鼓楼医院")
    run(config, "accounts", "disable", "xuanwu")
    listed = run(config, "accounts", "list").output
    assert "xuanwu" in listed
    assert "disabled" in listed
    assert "direct reporter" in listed
    assert "鼓楼医院" in listed
    run(config, "accounts", "enable", "xuanwu")
    assert "disabled" not in run(config, "accounts", "list").output
    assert "is changed" in run(config, "accounts", "password", "xuanwu").output

    database = load_config(config).central_store
    with closing(sqlite3.connect(database)) as connection:
        hashes = dict(connection.execute("SELECT account, password_hash FROM accounts"))
    for account in ("xuanwu", "hospital"):
        assert verify_password(hashes[account], "from the environment")


def test_administrators_are_different_people(config: Path) -> None:
    person, other = "110101199003071938\n", "110101199003071890\n"
    of = ("--role", "auditor")
    with pytest.raises(InvalidInput, match="auditor needs its holder's ID number"):
        add(config, "audit", *of)
    with pytest.raises(InvalidInput, match="no resident's ID number"):
        add(config, "audit", *of, password="long enough\n110101199003071939\n")
    add(config, "audit", *of, password="long enough\n" + person)
    of = ("--role", "system administrator")
    with pytest.raises(InvalidInput, match="the same person is auditor by the account audit"):
        add(config, "system", *of, password="long enough\n" + person)
    add(config, "system", *of, password="long enough\n" + other)
    database = load_config(config).central_store
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT person_index, sealed FROM accounts").fetchall()
    assert len({index for index, _ in rows}) == 2
    for index, sealed in rows:
        for number in (person, other):
            assert number.strip() not in index
            assert number.strip().encode() not in sealed


def test_a_unit_has_two_business_administrators_and_one_is_active(config: Path) -> None:
    role = ("--role", "business administrator")
    for number, person in enumerate(("110101199003071938", "110101199003071890")):
        add(config, f"admin-{number}", *role, password=f"long enough\n{person}\n")
    with pytest.raises(InvalidInput, match="2 administrators of"):
        add(config, "admin-2", *role, password="long enough\n110101199003071110\n")
    with closing(sqlite3.connect(load_config(config).central_store)) as connection:
        found = connection.execute("SELECT account, state FROM administrator_filings").fetchall()
        may = connection.execute("SELECT count(*) FROM accounts").fetchone()
    assert found == [("admin-0", "ACTIVE"), ("admin-1", "ON_FILE")]
    assert may == (2,)


def test_mistakes_on_the_command_line(config: Path) -> None:
    with pytest.raises(InvalidInput, match="'king' is no role"):
        add(config, "one", "--role", "king")
    for unit in ("nanjing", "cdc-500103", "hospital-320102-1"):
        with pytest.raises(InvalidInput, match=f"'{unit}' is no unit of the configured") as raised:
            add(config, "one", "--unit", unit)
        assert "epigate units list" in raised.value.hint
        assert "--unit-name" in raised.value.hint
    with pytest.raises(InvalidInput, match="does not tell everything") as raised:
        add(config, "one", "--unit", "nanjing", "--unit-name", "X", "--code", "320100")
    assert raised.value.hint == "give --unit-level too"
    with pytest.raises(InvalidInput, match="state a unit that no store knows"):
        add(config, "one", "--code", "320100")
    with pytest.raises(InvalidInput, match="'TOWN' is no level"):
        add(
            config,
            "one",
            "--unit",
            "x",
            *("--unit-name", "X", "--code", "320100"),
            *("--unit-level", "town"),
        )
    with pytest.raises(InvalidInput, match="8 to 256 characters"):
        add(config, "one", password="short\n")
    with pytest.raises(NotFound):
        run(config, "accounts", "disable", "nobody")


def test_a_store_without_tables_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, "utf-8")
    with pytest.raises(StoreBehind, match="nothing is set up yet"):
        run(file, "accounts", "list")


def test_the_access_log_on_the_command_line(config: Path) -> None:
    async def fill() -> None:
        log = AccessLog(load_config(config).log_store, bytes(32))
        for hour, account in ((8, "xuanwu"), (9, "nanjing")):
            at = f"2026-11-22T{hour:02}:00:00Z"
            entry = {
                "at": at,
                "account": account,
                "operation": "cases",
                "result": "OK",
                "records": [f"case:{number}" for number in range(20)],
                "masked": ["name"],
                "purpose": "",
                "odd": "[bold]",
            }
            await log.append(at, account, "cases", "OK", canonical(entry))
        await log.close()

    asyncio.run(fill())
    shown = run(config, "access-log", "show").stdout
    assert "1  2026-11-22T08:00:00Z  xuanwu  cases  OK" in shown.splitlines()
    assert "records: 20" in shown
    assert "masked: name" in shown
    assert "odd: [bold]" in shown
    lines = run(config, "access-log", "show", "--json", "--account", "nanjing").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [2]
    since = run(config, "access-log", "show", "--json", "--since", "2026-11-22T08:30:00Z").stdout
    assert len(since.splitlines()) == 1
    assert len(run(config, "access-log", "show", "--json", "--limit", "1").stdout.splitlines()) == 1
    with pytest.raises(InvalidInput, match="'soon' is no day and no instant"):
        run(config, "access-log", "show", "--since", "soon")


def test_roles_are_found_by_either_name() -> None:
    for role in Role:
        assert _role(role.name) is role
        assert _role(role.value.upper().replace(" ", "-")) is role


HOSPITAL = {
    "id": "hospital-320102-1",
    "code": "320102",
    "level": "HOSPITAL",
    "name_zh": "鼓楼医院",
    "name_en": "Gulou Hospital",
    "parent": "cdc-320102",
}


def in_region(config: Config, **row: str) -> None:
    """Adds a unit to the store of the first region."""
    path = config.regions[0].path
    assert path
    with closing(sqlite3.connect(path)) as connection, connection:
        names = ", ".join(row)
        connection.execute(
            f"INSERT INTO units ({names}) VALUES ({', '.join('?' * len(row))})", [*row.values()]
        )


def test_a_unit_is_looked_up_in_the_stores(config: Path) -> None:
    loaded = load_config(config)
    in_region(loaded, **HOSPITAL)
    in_region(loaded, **(HOSPITAL | {"id": "ward-7", "name_zh": "七病区"}))
    said = add(config, "wang.fang", "--unit", "hospital-320102-1").output
    assert "unit user of 鼓楼医院 (320102)" in said
    assert "unit user of 七病区 (320102)" in add(config, "li.lei", "--unit", "ward-7").output
    stated = ("--unit-name", "X", "--unit-level", "hospital", "--code", "320104")
    assert "of X (320104)" in add(config, "xu", "--unit", "a-new-one", *stated).output

    listed = run(config, "units", "list", "--code", "320102").output
    assert "ward-7" in listed
    assert "cdc-320104" not in listed
    rows = [json.loads(line) for line in run(config, "units", "list", "--json").output.splitlines()]
    assert {row["id"] for row in rows} >= {"cdc-000000", "cdc-320104", "ward-7"}
    with pytest.raises(InvalidInput, match="no code of GB/T 2260"):
        run(config, "units", "list", "--code", "99")

    assert loaded.regions[0].path
    loaded.regions[0].path.rename(config.with_name("away.db"))
    with pytest.raises(InvalidInput, match="320100 gave no answer"):
        add(config, "another", "--unit", "hospital-320102-1")
    result = CliRunner().invoke(app, ["units", "list", "--config", str(config)])
    assert result.exit_code == 1
    assert "no answer from 320100" in result.stderr


LONG = "a-login.name_of-30-characters1"


def lines_of_80(config: Path, *arguments: str) -> str:
    """What a terminal of 80 columns shows: no line is longer."""
    result = CliRunner().invoke(app, [*arguments, "--config", str(config)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    for line in result.output.splitlines():
        assert sum(2 if ord(char) > 0x2FFF else 1 for char in line.rstrip()) <= 80, line
    return result.output


def test_lists_are_readable_at_80_columns(config: Path) -> None:
    given = ("--role", "security administrator", "--name", "王芳 of the office for everything")
    add(config, LONG, *given, password="long enough\n110101199003071938\n")
    add(config, "xuanwu.county-user-1")
    shown = lines_of_80(config, "accounts", "list")
    for whole in (LONG, "xuanwu.county-user-1", "320102", "active", "administrator"):
        assert whole in shown
    rows = [
        json.loads(line) for line in run(config, "accounts", "list", "--json").stdout.splitlines()
    ]
    assert [(row["account"], row["role"], row["unit_id"]) for row in rows] == [
        (LONG, "SECURITY_ADMINISTRATOR", "cdc-320102"),
        ("xuanwu.county-user-1", "UNIT_USER", "cdc-320102"),
    ]
    assert {row["password_given"] for row in rows} == {True}  # whether it is to be changed, only
    kept = {key for row in rows for key in row if "password" in key or "index" in key}
    assert kept == {"password_given"}


def test_second_factors_are_reset_by_an_operator(config: Path) -> None:
    """And enrolled anew; the sessions there were are ended."""
    add(config, "lost.telephone")
    factors = factors_of(config)
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    changing_central(config, lambda store: factors.set_totp(store, "lost.telephone", secret, 1e6))
    changing_central(config, lambda store: factors.new_codes(store, "lost.telephone", 1e6))

    def look(connection: Connection) -> tuple[bool, int]:
        checked = factors.check(connection, "lost.telephone", "", 1e6)
        return checked.enrolled, factors.codes_left(connection, "lost.telephone")

    assert in_central(config, look) == (True, 10)
    assert "are gone" in run(config, "accounts", "reset-factors", "lost.telephone").output
    assert in_central(config, look) == (False, 0)
    with pytest.raises(NotFound, match="no account nobody"):
        run(config, "accounts", "reset-factors", "nobody")
