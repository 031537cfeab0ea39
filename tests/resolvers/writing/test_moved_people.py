"""Who was handed over is written about where kept, whatever region the ids were made in (D)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from regions.contacts import contacts
from regions.ids import region_of
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.tables import regional
from resolvers.users import Role
from tests.answering import NATIONAL, viewer
from tests.moving import COUNTY, FROM, TO, Moved, copied, hand_over
from tests.records import Population, Row
from tests.resolvers.writing.making import (
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    sample_input,
    visit_input,
)
from tests.stores import in_store, noticed

AT_A = viewer(FROM, account="officer-a")
AT_B = viewer(COUNTY, account="officer-b")
REPORTER_B = viewer(COUNTY, Role.DIRECT_REPORTER, account="officer-b", unit="cdc-500101")

_ADVANCE = """mutation ($input: AdvancePathwayInput!) { advancePathway(input: $input) {
  __typename ... on AdvancePathwayPayload { repeated pathway { record code unitId } }
  ... on Problem { code } } }"""
_PATHWAY = "query ($id: ID!) { pathway(record: $id) { record code } }"


@pytest.fixture
def moved(
    filled: tuple[RegionSettings, ...],
    population: Population,
    shared_keys: Keys,
    tmp_path: Path,
) -> Iterator[tuple[Writer, Moved]]:
    """A gateway that writes, and a person with contacts who was handed over to 重庆."""
    settings = copied(filled, tmp_path)
    gone = hand_over(settings, population, _close_contact(population)["person_id"])
    made = Writer(settings, shared_keys)
    yield made, gone
    made.close()


def _close_contact(population: Population) -> Row:
    return next(
        row
        for row in population.of(contacts)
        if region_of(row["id"]) == FROM and row["level"] == "CLOSE"
    )


def _contact(gone: Moved) -> str:
    close = next(row for row in gone.contacts if row["level"] == "CLOSE")
    return f"contact:{close['id']}"


def _person(gone: Moved) -> str:
    return f"person:{gone.person}"


def _evidence(writer: Writer) -> dict[str, list[tuple[Any, ...]]]:
    """What the sender has on record of people."""
    named = ("people", "contacts", "cases", "visits", "samples", "corrections", "pathways")

    def read(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: [tuple(row) for row in connection.execute(select(regional.tables[name]))]
            for name in named
        }

    return in_store(next(one for one in writer.regions if one.code == FROM), read)


@pytest.mark.parametrize("who", [AT_B, NATIONAL], ids=["the receiver", "national"])
def test_care_is_recorded_where_the_person_is_kept(moved: tuple[Writer, Moved], who: Any) -> None:
    writer, gone = moved
    before = _evidence(writer)
    given = visit_input(_contact(gone))
    visit = writer.do("recordVisit", who, given)["visit"]
    sample = writer.do("recordSample", who, sample_input(_contact(gone)))["sample"]
    for record in (visit, sample):
        assert region_of(int(record["id"].partition(":")[2])) == TO
        assert record["code"] == COUNTY
        assert record["contact"] == {"id": _contact(gone)}
    again = writer.do("recordVisit", who, given)
    assert (again["repeated"], again["visit"]["id"]) == (True, visit["id"])
    assert _evidence(writer) == before


@pytest.mark.parametrize("who", [AT_B, NATIONAL], ids=["the receiver", "national"])
def test_corrections_are_made_where_the_person_is_kept(
    moved: tuple[Writer, Moved], who: Any
) -> None:
    writer, gone = moved
    before = _evidence(writer)
    made = writer.do("correct", who, correction(_contact(gone), ("frequency", "FREQUENT")))
    assert [one["field"] for one in made["corrections"]] == ["frequency"], made
    assert made["record"] == {"id": _contact(gone)}
    (row,) = [r for r in writer.rows("contacts", TO) if f"contact:{r['id']}" == _contact(gone)]
    assert row["frequency"] == "FREQUENT"
    made = writer.do("correct", who, correction(_person(gone), ("phone", "13900000009")))
    assert made["__typename"] == "CorrectPayload"
    (row,) = [r for r in writer.rows("people", TO) if r["id"] == gone.person]
    assert row["phone"] == "13900000009"
    assert _evidence(writer) == before


def test_care_that_came_along_is_corrected_and_read_there(moved: tuple[Writer, Moved]) -> None:
    writer, gone = moved
    mine = {row["id"] for row in gone.contacts}
    rows = [row for row in writer.rows("visits", TO) if row["contact_id"] in mine]
    assert rows
    visit = f"visit:{rows[0]['id']}"
    made = writer.do("correct", NATIONAL, correction(visit, ("visitedAt", "2026-01-01T01:00:00Z")))
    assert made["record"] == {"id": visit}, made
    question = "query ($i: ID!) { node(id: $i) { ... on Visit { visitedAt code } } }"
    asked = writer.ask(question, NATIONAL, {"i": visit})
    assert asked.data == {"node": {"visitedAt": "2026-01-01T01:00:00Z", "code": COUNTY}}
    assert writer.ask(question, AT_A, {"i": visit}).data == {"node": None}


def test_the_sender_is_told_who_writes_now(moved: tuple[Writer, Moved]) -> None:
    writer, gone = moved
    before = _evidence(writer)
    row = contact_row(person=None, personId=_person(gone), code="320104")
    refused = [
        writer.do("recordVisit", AT_A, visit_input(_contact(gone))),
        writer.do("correct", AT_A, correction(_contact(gone), ("frequency", "FREQUENT"))),
        writer.do("correct", AT_A, correction(_person(gone), ("phone", "13900000009"))),
        writer.do(
            "registerCase",
            AT_A,
            case_input(person=None, personId=_person(gone), code="320104"),
        ),
        writer.do("registerContacts", AT_A, contacts_input(row))["rows"][0]["problem"],
    ]
    assert {one["code"] for one in refused} == {"NOT_CUSTODIAN"}
    assert all(TO in one["message"] for one in refused)
    assert _evidence(writer) == before


def test_new_records_of_the_person_are_made_where_kept(moved: tuple[Writer, Moved]) -> None:
    writer, gone = moved
    row = contact_row(person=None, personId=_person(gone), code=COUNTY)
    made = writer.do("registerContacts", REPORTER_B, contacts_input(row))["rows"][0]
    assert made["problem"] is None
    assert made["contact"]["person"] == {"id": _person(gone)}
    case = case_input(person=None, personId=_person(gone), code=COUNTY)
    assert writer.do("registerCase", REPORTER_B, case)["case"]["code"] == COUNTY


@pytest.mark.leak(35)
def test_leak_35_who_is_kept_elsewhere_and_who_is_nobody_are_told_alike(
    moved: tuple[Writer, Moved],
) -> None:
    """Neither an id of the sender's county nor one of nobody tells that a person was moved."""
    writer, gone = moved
    elsewhere = viewer("340500", account="maanshan")
    told = []
    for number in (gone.person, gone.person + 500_000):
        row = contact_row(person=None, personId=f"person:{number}", code="340503")
        problem = writer.do("registerContacts", elsewhere, contacts_input(row))["rows"][0]
        case = case_input(person=None, personId=f"person:{number}", code="340503")
        visit = writer.do("recordVisit", elsewhere, visit_input(f"contact:{number}"))
        told.append((problem["problem"], writer.do("registerCase", elsewhere, case), visit))
    assert told[0] == told[1]
    rows, case, visit = told[0]
    assert (rows["code"], rows["path"]) == ("INVALID_INPUT", ["rows", "0", "personId"])
    assert (case["code"], case["path"]) == ("INVALID_INPUT", ["personId"])
    assert visit["code"] == "NOT_FOUND"


def test_a_pathway_begins_and_is_read_where_the_person_is_kept(
    moved: tuple[Writer, Moved],
) -> None:
    writer, gone = moved
    for who in (AT_B, NATIONAL):
        given = {"idempotencyKey": new_key(), "record": _contact(gone), "pack": "8TH_EDITION"}
        if who is NATIONAL:
            given["event"] = "SAMPLE_POSITIVE"
        asked = writer.ask(_ADVANCE, who, {"input": given})
        assert asked.errors == []
        made = asked.data["advancePathway"]
        assert made["__typename"] == "AdvancePathwayPayload", made
        assert made["pathway"]["record"] == _contact(gone)
        told = writer.ask(_PATHWAY, who, {"id": _contact(gone)})
        assert told.data["pathway"] == {"record": _contact(gone), "code": COUNTY}
    assert writer.ask(_PATHWAY, AT_A, {"id": _contact(gone)}).data == {"pathway": None}
    assert writer.rows("pathways", FROM) == []


def test_the_receiver_writes_while_the_sender_is_down(moved: tuple[Writer, Moved]) -> None:
    writer, gone = moved
    path = next(one for one in writer.regions if one.code == FROM).path
    assert path is not None
    path.unlink()
    noticed()
    done = writer.do("recordVisit", AT_B, visit_input(_contact(gone)))
    assert done["__typename"] == "RecordVisitPayload", done


def test_a_key_used_before_the_person_left_is_known_after(
    filled: tuple[RegionSettings, ...],
    population: Population,
    shared_keys: Keys,
    tmp_path: Path,
) -> None:
    """Else a blind retry would write a second time, at the receiver."""
    settings = copied(filled, tmp_path)
    mine = _close_contact(population)
    writer = Writer(settings, shared_keys)
    try:
        given = visit_input(f"contact:{mine['id']}")
        assert "visit" in writer.do("recordVisit", NATIONAL, given)
        hand_over(settings, population, mine["person_id"])
        before = writer.count("visits")
        writer.do("recordVisit", NATIONAL, given)
        assert writer.count("visits") == before
        changed = given | {"kind": "REVISIT"}
        assert writer.do("recordVisit", NATIONAL, changed)["code"] == "IDEMPOTENCY_CONFLICT"
    finally:
        writer.close()
