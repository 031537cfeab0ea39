"""Contacts whose pathway begins as they are registered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from regions.instants import now
from resolvers.pathway.states import CHINA
from tests.resolvers.writing.making import (
    DOCTOR,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    sample_input,
)
from tests.resolvers.writing.test_pathways import _advance, _overdue, _pathway


def _today() -> date:
    return datetime.now(UTC).astimezone(CHINA).date()


def _source(writer: Writer, disease: str = "covid19") -> str:
    given = case_input(disease=disease, classification="CONFIRMED")
    return str(writer.do("registerCase", DOCTOR, given)["case"]["id"])


def _registered(writer: Writer, **more: Any) -> str:
    done = writer.do("registerContacts", DOCTOR, contacts_input(contact_row(**more)))
    row = done["rows"][0]
    assert row["contact"] is not None, row["problem"]
    return str(row["contact"]["id"])


def test_a_contact_of_a_case_of_the_packs_disease_is_isolated_and_tested(either: Writer) -> None:
    contact = _registered(either, sourceCase=_source(either), rulePack="9TH_EDITION")
    found = _pathway(either, contact)
    assert (found["state"], found["day"], found["events"]) == ("CENTRAL_ISOLATION", 1, [])
    kinds = [one["kind"] for one in found["clocks"]]
    assert kinds == ["CENTRAL_DAYS", *["CONTACT_TEST"] * 5]
    begun = either.rows("pathways")
    assert [(one["unit_id"], one["started_as"]) for one in begun] == [(DOCTOR.unit_id, "CLOSE")]
    ahead = (_today() + timedelta(days=1)).isoformat() + "T16:00:00Z"
    due = _overdue(either, filter={"dueUntil": ahead, "kind": ["CONTACT_TEST"]})["edges"]
    assert {one["node"]["record"] for one in due} == {contact}
    taken = {"takenAt": now(), "result": "POSITIVE", "resultAt": now(), "test": "NUCLEIC_ACID"}
    either.do("recordSample", DOCTOR, sample_input(contact, **taken))
    assert _pathway(either, contact)["state"] == "EXPERT_REVIEW"


def test_it_begins_with_the_day_of_the_observation_and_misses_no_test_before(
    writer: Writer,
) -> None:
    first = (_today() - timedelta(days=3)).isoformat()
    seen = {"mode": "CENTRAL", "startedOn": first}
    contact = _registered(writer, sourceCase=_source(writer), observation=seen)
    found = _pathway(writer, contact)
    assert (found["dayOne"], found["day"]) == (first, 4)
    tests = [one for one in found["clocks"] if one["kind"] == "CONTACT_TEST"]
    assert [one["droppedAt"] is not None for one in tests] == [True, True, True, False, False]
    assert not any(one["missedAt"] for one in found["clocks"])
    at_home = _registered(writer, sourceCase=_source(writer), observation=seen, level="SECONDARY")
    visits = [one for one in _pathway(writer, at_home)["clocks"] if one["kind"] == "DAILY_VISIT"]
    assert [one["droppedAt"] is None for one in visits] == [False, True]
    assert visits[1]["dueAt"] > now()


@pytest.mark.parametrize(
    "more",
    [
        {"beginPathway": False},
        {"level": "GENERAL"},
        {"traced": "NO"},
        {"outcome": "RELEASED"},
        {"exclusionReason": "NEVER_MET"},
    ],
    ids=str,
)
def test_who_is_not_isolated_has_none(writer: Writer, more: dict[str, Any]) -> None:
    contact = _registered(writer, sourceCase=_source(writer), **more)
    assert _pathway(writer, contact) is None


def test_the_rules_are_for_a_disease_unless_it_is_said(writer: Writer) -> None:
    measles = _source(writer, "measles")
    assert _pathway(writer, _registered(writer, sourceCase=measles)) is None
    assert _pathway(writer, _registered(writer)) is None  # of whom nobody knows whose
    told = _pathway(writer, _registered(writer, beginPathway=True))
    assert told["state"] == "CENTRAL_ISOLATION"
    given = contacts_input(contact_row(beginPathway=True, traced="NO"))
    row = writer.do("registerContacts", DOCTOR, given)["rows"][0]
    assert row["problem"]["mistakes"][0]["path"] == ["rows", "0", "beginPathway"]


def test_it_begins_anew_while_nothing_has_happened(writer: Writer) -> None:
    contact = _registered(writer, sourceCase=_source(writer))
    assert _advance(writer, contact)["reason"] == "BEGUN_ALREADY"
    again = _advance(writer, contact, at="2026-03-01T02:00:00Z", pack="8TH_EDITION")["pathway"]
    assert (again["dayOne"], again["pack"]["id"]) == ("2026-03-01", "8TH_EDITION")
    dues = [one["dueAt"] for one in _pathway(writer, contact)["clocks"]]
    assert min(dues) == "2026-03-01T15:59:59Z"
    assert len(dues) == 5
    taken = {"takenAt": now(), "result": "NEGATIVE", "resultAt": now(), "test": "NUCLEIC_ACID"}
    writer.do("recordSample", DOCTOR, sample_input(contact, **taken))
    assert _advance(writer, contact, at=now())["reason"] == "BEGUN_ALREADY"


def test_a_first_day_that_is_corrected_moves_what_is_due(writer: Writer) -> None:
    contact = _registered(writer, sourceCase=_source(writer))
    tomorrow = (_today() + timedelta(days=1)).isoformat()
    _corrected(writer, contact, ("observation.startedOn", tomorrow))
    assert _pathway(writer, contact)["dayOne"] == tomorrow


def test_who_is_found_later_begins_then(either: Writer) -> None:
    contact = _registered(either, sourceCase=_source(either), traced="NO")
    _corrected(either, contact, ("traced", "YES"))
    assert _pathway(either, contact)["day"] == 1
    _corrected(either, contact, ("exclusionReason", "NEVER_MET"))
    assert _pathway(either, contact)["state"] == "CLOSED"


def _corrected(writer: Writer, contact: str, *changes: tuple[str, str | None]) -> None:
    done = writer.do("correct", DOCTOR, correction(contact, *changes))
    assert done["__typename"] == "CorrectPayload", done
