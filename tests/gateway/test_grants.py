from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.accounts import create_account
from gateway.config import load_config
from gateway.grants import ITEMS, RECORD_TYPES, add_grant, list_grants, revoke_grant
from gateway.stores import migrate_stores
from regions.errors import AccessLogError, InvalidInput, NotFound
from regions.keys import create_keys
from resolvers.users import Role
from schema.privacy import PrivateItem, RecordType
from tests.gateway.central_store import NANJING, World, bearer, world
from tests.gateway.served import CONFIG
from tests.gateway.test_accounts import add, lines_of_80, run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with keys: what the commands do is in the access log."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, "utf-8")
    create_keys(load_config(file).keys)
    asyncio.run(migrate_stores(load_config(file)))
    return file


def _logged(config: Path) -> list[dict[str, Any]]:
    log = load_config(config).log_store
    with closing(sqlite3.connect(log)) as store:
        rows = store.execute("SELECT entry FROM entries ORDER BY number").fetchall()
    return [json.loads(row[0]) for row in rows]


def test_what_a_command_changes_is_in_the_access_log_or_does_not_happen(config: Path) -> None:
    add(config, "xuanwu")
    given = ["--items", "NAME", "--code", "320102", "--purpose", "p", "--records", "CASE"]
    given += ["--since", "2100-01-01", "--until", "2100-06-01"]
    said = run(
        config, "grants", "add", "xuanwu", *given, "--since", "2100-01-01", "--until", "2100-06-01"
    ).output
    grant_id = said.split()[-1]
    run(config, "grants", "revoke", grant_id)
    added, revoked = (
        one for one in _logged(config) if one["operation"].startswith("command grants")
    )
    assert (added["operation"], revoked["operation"]) == (
        "command grants add",
        "command grants revoke",
    )
    assert added["what"]["id"] == revoked["what"]["grant"] == grant_id
    assert added["what"]["by"]
    log = load_config(config).log_store
    log.unlink()
    with pytest.raises(AccessLogError):
        run(
            config,
            "grants",
            "add",
            "xuanwu",
            *given,
            "--since",
            "2100-01-01",
            "--until",
            "2100-06-01",
        )
    listed = run(config, "grants", "list", "--json").output.splitlines()
    assert len(listed) == 1
    assert json.loads(listed[0])["how"] == "COMMAND_LINE"


GRANT = {
    "record_types": ["CASE"],
    "items": ["PHONE", "NAME"],
    "code": "320100",
    "purpose": "cluster in a school",
    "starts_at": "2026-11-22",
    "ends_at": "2026-12-31",
}


def in_store(folder: Path, body: Callable[[World], Any]) -> None:
    async def main() -> None:
        async with world(folder) as here:
            await body(here)

    asyncio.run(main())


def grant(world: World, account: str = "nanjing", **change: Any) -> Any:
    return world.do(lambda connection: add_grant(connection, account, **(GRANT | change)))


def test_a_grant_opens_items_until_it_is_revoked(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        sessions = world.worker()
        header = bearer(await sessions.open("nanjing"))

        def rights() -> list[tuple[frozenset[str], frozenset[str], str]]:
            viewer = sessions.viewer(header)
            assert viewer
            return [(right.record_types, right.items, right.code) for right in viewer.grants]

        assert rights() == []
        grant_id = await grant(world)
        assert rights() == [(frozenset({"CASE"}), frozenset({"NAME", "PHONE"}), "320100")]
        await world.do(revoke_grant, grant_id)
        assert rights() == []
        [row] = await world.do(list_grants, "nanjing")
        assert (row.id, row.items, row.revoked) == (grant_id, ("NAME", "PHONE"), True)
        assert row.starts_at == "2026-11-22T00:00:00Z"
        assert await world.do(list_grants, "another") == []

    in_store(tmp_path, body)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"items": ["NAME", "SHOE_SIZE"]}, "SHOE_SIZE is no item"),
        ({"items": []}, "no item is given"),
        ({"record_types": ["PERSON"]}, "PERSON is no record type"),
        ({"record_types": []}, "no record type is given"),
        ({"code": "3201"}, "no code of GB/T 2260"),
        ({"code": "999999"}, "no code of GB/T 2260"),
        ({"purpose": " "}, "the purpose of the grant is empty"),
        ({"ends_at": "2026-11-22"}, "ends before it begins"),
        ({"ends_at": "2028-11-22"}, "longer than 366 days"),
        ({"ends_at": "soon"}, "a day or an instant"),
    ],
)
def test_a_grant_that_makes_no_sense(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    async def body(world: World) -> None:
        with pytest.raises(InvalidInput, match=expected):
            await grant(world, **change)
        assert await world.do(list_grants) == []

    in_store(tmp_path, body)


@pytest.mark.parametrize("role", [Role.SECURITY_ADMINISTRATOR, Role.AUDITOR])
def test_an_administrator_or_auditor_gets_no_right(tmp_path: Path, role: Role) -> None:
    async def body(world: World) -> None:
        await world.do(
            create_account,
            replace(NANJING, account="apart", role=role, person_index="1"),
            "long enough",
        )
        with pytest.raises(InvalidInput, match="never opens records"):
            await grant(world, "apart")

    in_store(tmp_path, body)


def test_nobodys_and_unknown_grants(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        with pytest.raises(NotFound, match="no account nobody"):
            await grant(world, "nobody")
        with pytest.raises(NotFound, match="no grant abc"):
            await world.do(revoke_grant, "abc")

    in_store(tmp_path, body)


def test_names_are_those_of_the_schema() -> None:
    assert list(ITEMS) == [item.name for item in PrivateItem]
    assert list(RECORD_TYPES) == [record.name for record in RecordType]


def test_grants_on_the_command_line(config: Path) -> None:
    add(config, "xuanwu")
    given = ("--items", "all", "--code", "320102", "--purpose", "outbreak")
    period = ("--since", "2026-01-01", "--until", "2026-12-31T12:00:00Z")
    said = run(config, "grants", "add", "xuanwu", *given, "--records", "CASE,contact", *period)
    grant_id = said.output.split()[-1]
    later = ("--since", "2100-01-01", "--until", "2100-02-01", "--records", "ALL")
    run(config, "grants", "add", "xuanwu", *given, *later)
    listed = run(config, "grants", "list", "--account", "xuanwu").output
    for word in (grant_id, "CASE CONTACT", "ALL", "outbreak", "to come", "2026-12-31T12:00:00Z"):
        assert word in listed
    run(config, "grants", "revoke", grant_id)
    assert "revoked" in run(config, "grants", "list").output
    with pytest.raises(InvalidInput, match="SHOE is no item"):
        run(config, "grants", "add", "xuanwu", *given, *later, "--items", "SHOE")


def test_a_grant_outside_the_jurisdiction_is_refused(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        with pytest.raises(
            InvalidInput, match=r"500103 渝中区 lies outside .* 320100 南京市"
        ) as found:
            await grant(world, code="500103")
        assert "never widens" in found.value.hint
        assert await world.do(list_grants) == []
        for code in ("320102", "320100", "320000", "000000"):  # all of them open something
            await grant(world, code=code)
        reporter = replace(NANJING, account="ward", role=Role.DIRECT_REPORTER)
        await world.do(create_account, reporter, "long enough")
        await grant(world, "ward", code="500103")  # whom it reported may live anywhere

    in_store(tmp_path, body)


def test_grants_are_readable_at_80_columns(config: Path) -> None:
    account = "xuanwu.county-user-1"
    add(config, account)
    given = ("--items", "all", "--records", "case,contact", "--code", "320102")
    more = ("--until", "2100-12-31T12:30:00Z", "--since", "2100-01-01")
    purpose = "calls to the contacts of a cluster in a school, form 2026-17"
    said = run(config, "grants", "add", account, *given, *more, "--purpose", purpose)
    grant_id = said.output.split()[-1]
    shown = lines_of_80(config, "grants", "list")
    for whole in (grant_id, account, "320102", "2100-12-31T12:30:00Z", "2100-01-01", "2026-17"):
        assert whole in shown
    (row,) = map(json.loads, run(config, "grants", "list", "--json").output.splitlines())
    assert (row["id"], row["state"], row["purpose"]) == (grant_id, "to come", purpose)
    assert row["record_types"] == ["CASE", "CONTACT"]
    run(config, "grants", "revoke", grant_id)
    assert "revoked" in lines_of_80(config, "grants", "list")
