"""A region's store is put back from an older backup while the gateway serves: found and mended."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.gateway.handing import COUNTY_A, SECONDS, A, B, Sides, handing, outcomes
from tests.resolvers.writing.making import contact_row, contacts_input, visit_input
from tests.served import Demo

THIRD = "330500"
_STATE = "SELECT state FROM custody WHERE person_id = ?"


@pytest.fixture
def sides(demo: Demo, tmp_path: Path) -> Iterator[Sides]:
    with handing(demo, tmp_path / "handing") as made:
        yield made


def _back_up(sides: Sides, region: str, to: Path) -> None:
    with closing(sqlite3.connect(sides.gateway.demo.region(region))) as store:
        store.execute("VACUUM INTO ?", (str(to),))


def _put_back(sides: Sides, region: str, kept: Path) -> None:
    path = sides.gateway.demo.region(region)
    for behind in ("-wal", "-shm"):
        path.with_name(path.name + behind).unlink(missing_ok=True)
    os.replace(kept, path)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_it_is_found_fenced_and_mended_and_nobody_is_doubled(sides: Sides, tmp_path: Path) -> None:
    row = contacts_input(contact_row(code=COUNTY_A))
    (made,) = sides.do("registerContacts", "reporter-a", row)["rows"]
    person, contact = made["contact"]["person"]["id"], made["contact"]["id"]
    _back_up(sides, A, tmp_path / "backup.db")
    sides.hand_over(person)
    assert sides.custodians(person) == [B]
    visit = visit_input(contact)
    with sides.away(THIRD):  # until it answers, nobody can say what was lost
        _put_back(sides, A, tmp_path / "backup.db")
        for refused in (
            sides.offer(person),
            sides.do("recordVisit", "reporter-a", visit),
        ):
            told = (refused["__typename"], refused["code"], refused["state"], refused["written"])
            assert told == ("RegionUnavailableProblem", "REGION_UNAVAILABLE", "RESTORED", False)
    number = int(person.partition(":")[2])
    _until(lambda: sides.rows(A, _STATE, number) == [("FENCED",)])
    _until(lambda: not sides.rows(A, "SELECT 1 FROM store_fences WHERE mended_at IS NULL"))
    assert sides.custodians(person) == [B]
    told = sides.custody(person)
    assert (told["region"], told["confirmed"]) == (B, True)
    assert outcomes(sides.offer(person)) == [(person, "FENCED")]
    with closing(sqlite3.connect(sides.gateway.demo.config.central_store)) as store:
        alarms = store.execute("SELECT rule, subject FROM alarms").fetchall()
    assert alarms == [("STORE_RESTORED", f"region:{A}")]
    # It believes to answer for the person after all, as after an acceptance that came again.
    with closing(sqlite3.connect(sides.gateway.demo.region(A))) as store:
        store.execute("UPDATE custody SET state = 'OWNED', epoch = 9 WHERE person_id = ?", [number])
        store.execute("UPDATE people SET kept_in = NULL WHERE id = ?", [number])
        store.commit()
    _until(lambda: sides.rows(A, _STATE, number) == [("FENCED",)])
    assert sides.custodians(person) == [B]
    with closing(sqlite3.connect(sides.gateway.demo.config.central_store)) as store:
        _until(lambda: len(store.execute("SELECT rule FROM alarms").fetchall()) == 2)
        alarms = store.execute("SELECT rule, subject, window FROM alarms ORDER BY id").fetchall()
    assert alarms[1][:2] == ("TWO_CUSTODIANS", f"region:{A}")
    assert alarms[1][2].endswith(f" {person}")
