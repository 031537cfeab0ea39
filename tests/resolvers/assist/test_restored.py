"""Letters when a region's store is put back from an older backup: what it lost comes back."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from regions.fencing import fence
from resolvers.assist.numbers import new_number
from resolvers.transfers.mending import Mender
from tests.answering import viewer
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    OFFICER,
    RECEIVER,
    Correspondence,
)
from tests.stores import in_store

AT = "2026-11-29T08:00:00Z"
ABOVE = viewer("320100", account="city")


def _path(office: Correspondence, region: str) -> Path:
    found = next(one.path for one in office.regions if one.code == region)
    assert found is not None
    return found


def _backup(office: Correspondence, region: str, to: Path) -> Path:
    with closing(sqlite3.connect(_path(office, region))) as store:
        store.execute("VACUUM INTO ?", (str(to),))
    return to


def _put_back(office: Correspondence, region: str, kept: Path) -> None:
    """As a new file, while the gateway serves; then it is mended as the gateway does."""
    path = _path(office, region)
    for behind in ("-wal", "-shm"):
        path.with_name(path.name + behind).unlink(missing_ok=True)
    os.replace(kept, path)
    mender = Mender(office.stores)
    assert office.run(mender.look(AT)).behind == {region}
    assert office.run(mender.mend(region, AT)) is not None
    office.deliver()


def test_an_issuer_gets_a_letter_back_that_it_has_lost(
    office: Correspondence, tmp_path: Path
) -> None:
    before = office.sent(CLERK)
    office.deliver()
    kept = _backup(office, "320100", tmp_path / "kept.db")
    lost, got = office.worked_on(CLERK, sharedItems=["NAME", "PHONE"])
    office.control(got, 1)
    office.deliver()
    was = office.issued(CLERK, lost)
    _put_back(office, "320100", kept)
    found = office.issued(CLERK, lost)
    assert found["id"] != was["id"]
    own = {"id", "people", "events"}
    changed = {name for name in was.keys() - own if was[name] != found[name]}
    assert changed == {"remarks"}  # the letter did not let the receiver see them
    assert found["remarks"] is None
    for one, other in zip(was["people"], found["people"], strict=True):
        assert (one["name"], one["phone"]) == (other["name"], other["phone"])
        assert (one["state"], one["controlMode"]) == (other["state"], other["controlMode"])
    told, again = (
        {(one["event"], one["phase"], one["region"]) for one in letter["events"]}
        for letter in (was, found)
    )
    assert {event for event, *_ in told - again} == {"CREATE"}
    assert office.issued(CLERK, before)["state"] == "SENT"

    office.control(got, 2)
    office.done("feedBackAssistRequest", OFFICER, got)
    office.deliver()
    assert office.issued(CLERK, lost)["state"] == "FEEDBACK_GIVEN"
    office.done("closeAssistRequest", ISSUER, found)
    office.deliver()
    assert (
        office.received(RECEIVER, lost)["state"] == office.issued(CLERK, lost)["state"] == "CLOSED"
    )
    (above,) = office.letters(ABOVE, number=[lost["number"]], side="SENT")
    assert above["caseName"] in (None, "*")


def test_a_number_that_was_lost_is_not_given_again(office: Correspondence, tmp_path: Path) -> None:
    first = office.sent()
    kept = _backup(office, "320100", tmp_path / "kept.db")
    lost = {office.sent()["number"] for _ in range(3)}
    office.deliver()
    _put_back(office, "320100", kept)
    new = office.sent()["number"]
    assert new not in lost | {first["number"]}
    assert re.fullmatch(r"320102-\d{4}-\d{6}", new)
    office.deliver()
    assert office.received(RECEIVER, new)["state"] == "SENT"


@pytest.mark.parametrize("known", [True, False])
def test_numbers_go_on_above_the_minutes_of_the_year(office: Correspondence, known: bool) -> None:
    settings = office.regions[0]

    def numbers(connection: Connection) -> list[str]:
        found = [new_number(connection, "320102", "2026-01-01T00:00:00Z")] if known else []
        fence(connection, "320100", "2026-01-31T16:00:00Z")  # the first instant of February
        found += [new_number(connection, "320102", "2026-02-01T00:00:00Z") for _ in range(2)]
        return [*found, new_number(connection, "320102", "2027-01-01T00:00:00Z")]

    made = in_store(settings, numbers)
    minutes = 31 * 24 * 60
    below = ["320102-2026-000001"] if known else []
    assert made == [
        *below,
        f"320102-2026-{minutes + 1:06d}",
        f"320102-2026-{minutes + 2:06d}",
        "320102-2027-000001",
    ]


def test_a_receiver_that_lost_a_letter_works_on_it_again_and_the_issuer_hears_of_it(
    office: Correspondence, tmp_path: Path
) -> None:
    kept = _backup(office, "320200", tmp_path / "kept.db")
    sent, got = office.worked_on(people=1)
    office.control(got, 1)
    office.deliver()
    assert office.issued(ISSUER, sent)["state"] == "CONTROLLED"
    _put_back(office, "320200", kept)
    again = office.received(RECEIVER, sent)
    assert again["state"] == "SENT"
    again = office.done("acknowledgeAssistRequest", RECEIVER, again)
    again = office.done("assignAssistRequest", OFFICER, again)
    office.deliver()
    assert office.issued(ISSUER, sent)["state"] == "IN_PROGRESS"
    office.control(again, 1)
    office.done("feedBackAssistRequest", OFFICER, again)
    office.deliver()
    assert office.issued(ISSUER, sent)["state"] == "FEEDBACK_GIVEN"
