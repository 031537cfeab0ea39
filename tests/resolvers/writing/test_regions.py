"""Regions that are down, slow or locked: writes fail by name and change nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection

from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import rebuild
from resolvers.writing import opened as module
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store
from tests.postgres import Postgres
from tests.resolvers.writing.making import (
    COUNTY,
    NATIONAL,
    Row,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    sample_input,
    visit_input,
)
from tests.stores import Stores, in_store, region_settings

DEADLINE = 0.4
LONGER = 1.0  # seconds that others wait until an engine is closed
SLOW = 60.0
RECHECK = 0.06  # seconds for which readers believe a file to be where it was


@pytest.fixture
def hasty(stores: Stores, keys: Keys) -> Iterator[Writer]:
    """Two regions on SQLite with a short deadline."""
    regions = [replace(stores.sqlite(code), deadline=DEADLINE) for code in ("3201", "3202")]
    made = Writer(regions, keys)
    yield made
    made.close()


def file_of(writer: Writer, number: int = 0) -> Path:
    path = writer.regions[number].path
    assert path is not None
    return path


def unavailable(found: Row, state: str = "UNREACHABLE", written: bool | None = False) -> None:
    assert found["__typename"] == "RegionUnavailableProblem", found
    assert found["code"] == "REGION_UNAVAILABLE"
    assert (found["region"], found["state"], found["written"]) == ("320100", state, written)
    assert "Nanjing" in found["message"]
    assert "南京" in found["messageZh"]


def inputs(case: str) -> dict[str, Row]:
    return {
        "registerCase": case_input(),
        "recordVisit": visit_input(case),
        "recordSample": sample_input(case),
        "correct": correction(case, ("onsetOn", "2026-02-20")),
    }


def test_a_region_whose_file_is_gone_takes_no_write(hasty: Writer) -> None:
    case = hasty.do("registerCase", NATIONAL, case_input())["case"]["id"]
    file = file_of(hasty)
    away = file.with_suffix(".away")
    file.rename(away)
    given = inputs(case)
    for name, one in given.items():
        unavailable(hasty.do(name, NATIONAL, one))
    asked = hasty.ask(
        "mutation ($i: RecordVisitInput!) { recordVisit(input: $i) { __typename } }",
        NATIONAL,
        {"i": given["recordVisit"]},
    )
    assert asked.told["problems"] == ["REGION_UNAVAILABLE"]
    assert asked.told["regions"]["320100"] == "UNREACHABLE"
    assert not file.exists()
    away.rename(file)
    for name, one in given.items():
        assert hasty.do(name, NATIONAL, one)["repeated"] is False, name
    assert hasty.counts("cases", "visits", "samples", "corrections") == {
        "cases": 2,
        "visits": 1,
        "samples": 1,
        "corrections": 1,
    }


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000], ids=["empty", "garbage"])
def test_a_region_whose_file_is_spoilt_takes_no_write(
    content: bytes, stores: Stores, keys: Keys
) -> None:
    settings = stores.sqlite("3201")
    path = settings.path
    assert path is not None
    good = path.read_bytes()
    path.write_bytes(content)
    writer = Writer([settings], keys)
    unavailable(writer.do("registerCase", NATIONAL, case_input()))
    writer.close()
    path.write_bytes(good)
    writer = Writer([settings], keys)
    assert writer.do("registerCase", NATIONAL, case_input())["repeated"] is False
    writer.close()


def test_a_locked_store_is_waited_for_and_then_named(hasty: Writer) -> None:
    hasty.do("registerCase", NATIONAL, case_input())
    other = sqlite3.connect(file_of(hasty), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    given = case_input()
    unavailable(hasty.do("registerCase", NATIONAL, given), "TIMED_OUT")
    # The other region does not wait for it.
    assert hasty.do("registerCase", NATIONAL, case_input(code="320205"))["repeated"] is False
    other.execute("ROLLBACK")
    assert hasty.do("registerCase", NATIONAL, given)["repeated"] is False
    other.execute("BEGIN IMMEDIATE")  # nothing was left that holds the lock
    other.execute("ROLLBACK")
    other.close()


def test_a_lock_that_ends_in_time_is_waited_for(hasty: Writer) -> None:
    hasty.do("registerCase", NATIONAL, case_input())
    other = sqlite3.connect(file_of(hasty), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(DEADLINE / 4, lambda: other.execute("ROLLBACK"))
    timer.start()
    assert hasty.do("registerCase", NATIONAL, case_input())["repeated"] is False
    timer.join()
    other.close()


def test_contacts_of_a_region_that_is_down_are_made_good_later(hasty: Writer) -> None:
    case = hasty.do("registerCase", NATIONAL, case_input())["case"]["id"]
    rows = [contact_row(code=("320102", "320205")[n % 2], sourceCase=case) for n in range(6)]
    rows.append(contact_row(level="SECONDARY"))
    given = contacts_input(*rows)
    file = file_of(hasty)
    away = file.with_suffix(".away")
    file.rename(away)
    time.sleep(RECHECK)
    found = hasty.do("registerContacts", NATIONAL, given)
    assert (found["registered"], found["rejected"], found["repeated"]) == (3, 4, False)
    for row in found["rows"][:6]:
        if row["index"] % 2:
            # The case's region does not answer: the link is taken as given, duplicates are unknown.
            assert row["linksChecked"] is False
            assert row["duplicate"] is None
            assert row["contact"]["sourceCase"] is None
        else:
            unavailable(row["problem"])
    assert found["rows"][6]["problem"]["code"] == "INVALID_INPUT"
    again = hasty.do("registerContacts", NATIONAL, given)
    assert (again["registered"], again["repeated"]) == (3, True)
    away.rename(file)
    whole = hasty.do("registerContacts", NATIONAL, given)
    assert (whole["registered"], whole["rejected"], whole["repeated"]) == (6, 1, False)
    assert [row["repeated"] for row in whole["rows"][:6]] == [False, True] * 3
    before = [row["contact"]["id"] for row in found["rows"][1:6:2]]
    assert [row["contact"]["id"] for row in whole["rows"][1:6:2]] == before
    assert all(row["contact"]["sourceCase"] == {"id": case} for row in whole["rows"][:6])
    assert hasty.count("contacts") == 6
    last = hasty.do("registerContacts", NATIONAL, given)
    assert last["repeated"] is True
    assert hasty.count("contacts") == 6


def test_a_write_that_cannot_be_read_back_is_named_as_written(
    stores: Stores, keys: Keys, tmp_path: Path
) -> None:
    """The readers look for a file that is not there; the writers have it."""
    settings = stores.sqlite("3201")
    blind = replace(settings, path=tmp_path / "nowhere.db", deadline=DEADLINE)
    writer = Writer([blind], keys)
    seeing = Writer([settings], keys)
    writer.stores.regions[0] = Store(settings, keys)
    given = case_input()
    unavailable(writer.do("registerCase", NATIONAL, given), written=True)
    rows = contacts_input()
    found = writer.do("registerContacts", NATIONAL, rows)
    assert found["registered"] == 1
    unavailable(found["rows"][0]["problem"], written=True)
    assert seeing.do("registerCase", NATIONAL, given)["repeated"] is True
    assert seeing.do("registerContacts", NATIONAL, rows)["rows"][0]["contact"] is not None
    assert seeing.counts("cases", "contacts") == {"cases": 1, "contacts": 1}
    writer.close()
    seeing.close()


def test_a_record_that_left_the_jurisdiction_is_not_shown_again(writer: Writer) -> None:
    given = case_input()
    case = writer.do("registerCase", COUNTY, given)["case"]["id"]
    writer.do("correct", NATIONAL, correction(case, ("code", "320104")))
    found = writer.do("registerCase", COUNTY, given)
    assert found["__typename"] == "NotFoundProblem"
    assert writer.count("cases") == 1


def test_a_server_that_is_not_there(keys: Keys) -> None:
    settings = replace(
        region_settings("3201", url="postgresql://epigate@127.0.0.1:9/none"), deadline=SLOW
    )
    writer = Writer([settings], keys)
    unavailable(writer.do("registerCase", NATIONAL, case_input()))
    writer.close()


def test_a_database_that_is_not_there(postgres: Postgres, keys: Keys) -> None:
    settings = replace(region_settings("3201", url=postgres.url("none")), deadline=SLOW)
    writer = Writer([settings], keys)
    unavailable(writer.do("registerCase", NATIONAL, case_input()))
    writer.close()


def on_server(settings: RegionSettings, statement: str) -> Any:
    """Begins a transaction with a statement in a region's database; returns what ends it."""
    runner = asyncio.Runner()

    async def begin() -> asyncpg.Connection[asyncpg.Record]:
        connection = await asyncpg.connect(settings.url)
        await connection.execute(f"BEGIN; {statement}")
        return connection

    connection = runner.run(begin())

    def end() -> None:
        runner.run(connection.execute("COMMIT"))
        runner.run(connection.close())
        runner.close()

    return end


def test_a_locked_server_is_named_in_time(stores: Stores, keys: Keys) -> None:
    settings = replace(stores.postgresql("3201"), deadline=DEADLINE)
    writer = Writer([settings], keys)
    case = writer.do("registerCase", NATIONAL, case_input())["case"]["id"]
    end = on_server(settings, "LOCK TABLE idempotency IN ACCESS EXCLUSIVE MODE")
    given = inputs(case)
    for name, one in given.items():
        unavailable(writer.do(name, NATIONAL, one), "TIMED_OUT")
    end()
    for name, one in given.items():
        assert writer.do(name, NATIONAL, one)["repeated"] is False
    assert writer.counts("cases", "corrections") == {"cases": 2, "corrections": 1}
    writer.close()


def test_a_commit_whose_answer_is_lost(stores: Stores, keys: Keys) -> None:
    """A trigger that waits at the end of the transaction: nobody can say whether it was made."""
    settings = replace(stores.postgresql("3201"), deadline=DEADLINE)
    writer = Writer([settings], keys)
    given = case_input()
    writer.do("registerCase", NATIONAL, case_input())
    on_server(
        settings,
        """
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON cases DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION wait()
        """,
    )()
    found = writer.do("registerCase", NATIONAL, given)
    unavailable(found, "TIMED_OUT", None)
    assert "same key" in found["message"]
    on_server(settings, "DROP TRIGGER wait ON cases")()
    found = writer.do("registerCase", NATIONAL, given)
    assert found["__typename"] == "RegisterCasePayload"
    assert writer.count("cases") == 2
    writer.close()


def test_two_workers_write_to_one_file(stores: Stores, keys: Keys) -> None:
    settings = stores.sqlite("3201")
    given = [case_input() for _ in range(12)]
    repeated: list[bool] = []

    def work() -> None:
        writer = Writer([settings], keys)

        async def all_of_them() -> None:
            results = await asyncio.gather(
                *(writer.doing("registerCase", NATIONAL, one) for one in given)
            )
            repeated.extend(one["repeated"] for one in results)

        writer.run(all_of_them())
        writer.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sorted(repeated) == [False] * 12 + [True] * 12
    assert in_store(settings, lambda connection: rebuild(connection, mend=False)).cases == 12


def test_whoever_has_closed_a_store_has_it_open_no_more(stores: Stores, keys: Keys) -> None:
    """A restored file was locked by a connection whose closing had been given up."""
    settings = stores.sqlite("3201")
    gate, begun = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT count(*) FROM people").all()
        begun.set()
        gate.wait(SLOW)

    async def run() -> list[str]:
        store = Store(settings, keys)
        reading = asyncio.create_task(store.look(slow))
        await asyncio.to_thread(begun.wait, SLOW)
        reading.cancel()
        asyncio.get_running_loop().call_later(3 * LONGER, gate.set)
        await store.close()
        return _open_files(settings.path)

    assert asyncio.run(run()) == []


def _open_files(path: Path | None) -> list[str]:
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            name = os.readlink(one)
            if name.startswith(str(path)):
                found.append(name)
    return found


def test_a_store_without_a_free_connection_is_unavailable(
    stores: Stores, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are in use for longer than one is waited for, which is no error of the driver's."""
    monkeypatch.setattr(module, "_CONNECTIONS", 1)
    store = Store(replace(stores.postgresql("3201"), deadline=SLOW), keys)

    async def run() -> WriteFailed:
        try:
            engine, _ = await store._opened.engine()
            engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # else it is half a minute
            async with engine.connect():
                with pytest.raises(WriteFailed) as failed:
                    await store.read(lambda connection: None)
            await store.read(lambda connection: None)
            return failed.value
        finally:
            await store.close()

    failed = asyncio.run(run())
    assert (failed.state, failed.written) == ("TIMED_OUT", False)
