"""A region's store is put back from an older backup while the gateway serves: found and mended."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.gateway.handing import COUNTY_A, SECONDS, A, B, Sides, handing
from tests.resolvers.writing.making import contact_row, contacts_input
from tests.served import Demo

_ALARMS = """{ alarms(filter: { rule: [STORE_RESTORED] }) { edges { node { region } } } }"""


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


def test_it_is_found_fenced_and_mended_and_nobody_is_doubled(sides: Sides, tmp_path: Path) -> None:
    row = contacts_input(contact_row(code=COUNTY_A))
    (made,) = sides.do("registerContacts", "reporter-a", row)["rows"]
    person = made["contact"]["person"]["id"]
    _back_up(sides, A, tmp_path / "backup.db")
    sides.hand_over(person)
    assert sides.custodians(person) == [B]
    _put_back(sides, A, tmp_path / "backup.db")
    end, number = time.monotonic() + SECONDS, int(person.partition(":")[2])
    states = "SELECT state FROM custody WHERE person_id = ?"
    while sides.rows(A, states, number) != [("FENCED",)]:
        assert time.monotonic() < end, sides.rows(A, states, number)
        time.sleep(0.1)
    assert sides.custodians(person) == [B]
    told = sides.custody(person)
    assert (told["region"], told["confirmed"]) == (B, True)
    refused = sides.offer(person)
    assert refused["__typename"] != "TransferPayload"
    raised = sides.gateway.data(_ALARMS, who="national")["alarms"]["edges"]
    assert [edge["node"]["region"] for edge in raised] == [A]
