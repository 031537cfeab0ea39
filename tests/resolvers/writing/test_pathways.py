"""advancePathway, pathway and overdue; samples and visits that move a pathway on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from regions.instants import instant, now, seconds_of
from resolvers.pathway.lapses import record_lapses
from resolvers.pathway.storing import (
    Who,
    accept_transfer,
    gather_pathway,
    store_pathway,
    sweep,
)
from resolvers.users import Viewer
from tests.resolvers.writing.making import (
    COLLEAGUE,
    DOCTOR,
    NATIONAL,
    Writer,
    case_input,
    contacts_input,
    sample_input,
    visit_input,
)
from tests.stores import in_store

_ADVANCE = """mutation ($input: AdvancePathwayInput!) { advancePathway(input: $input) {
  __typename
  ... on AdvancePathwayPayload { repeated pathway { state day dayOne unitId code pack { id } } }
  ... on Problem { code message messageZh }
  ... on StepProblem { reason } } }"""
_PATHWAY = """query ($id: ID!, $pack: ID) { pathway(record: $id, pack: $pack) {
  record state day dayOne pack { id } events { kind at state }
  clocks { kind number openedAt dueAt metAt missedAt droppedAt } } }"""
_OVERDUE = """query ($f: OverdueFilter, $n: Int, $a: String) {
  overdue(filter: $f, first: $n, after: $a) {
    edges { node { id record kind unitId code dueAt missedAt metAt lateMinutes } }
    pageInfo { hasNextPage endCursor } regions { code state } } }"""
_keys = iter(range(1_000_000))


def _before(**ago: int) -> str:
    hours = ago.get("days", 0) * 24 + ago.get("hours", 0)
    return instant(seconds_of(now()) - hours * 3600)


def _advance(writer: Writer, record: str, who: Viewer = DOCTOR, **given: Any) -> Any:
    values = {"idempotencyKey": f"pathway-{next(_keys)}", "record": record} | given
    asked = writer.ask(_ADVANCE, who, {"input": values})
    assert not asked.errors, asked.errors
    return asked.data["advancePathway"]


def _pathway(writer: Writer, record: str, who: Viewer = DOCTOR, pack: str | None = None) -> Any:
    return writer.ask(_PATHWAY, who, {"id": record, "pack": pack}).data["pathway"]


def _overdue(writer: Writer, who: Viewer = DOCTOR, **more: Any) -> Any:
    asked = writer.ask(_OVERDUE, who, {"f": more.pop("filter", None), **more})
    assert not asked.errors, asked.errors
    return asked.data["overdue"]


def _carrier(writer: Writer, days: int = 13) -> str:
    """A carrier admitted so many days ago, reported and investigated."""
    case = str(writer.do("registerCase", DOCTOR, case_input())["case"]["id"])
    for event in (
        "SAMPLE_POSITIVE",
        "ASYMPTOMATIC_CONFIRMED",
        "REPORT_FILED",
        "COUNTY_NOTIFIED",
        "INVESTIGATION_FILED",
        "ADMITTED",
    ):
        done = _advance(writer, case, event=event, at=_before(days=days))
        assert done["__typename"] == "AdvancePathwayPayload", done
    return case


def _sample(writer: Writer, record: str, at: str, **more: Any) -> None:
    given = {"takenAt": at, "result": "NEGATIVE", "resultAt": at, "test": "NUCLEIC_ACID"} | more
    done = writer.do("recordSample", DOCTOR, sample_input(record, **given))
    assert "sample" in done, done


def test_samples_lead_a_carrier_to_the_clinical_check(either: Writer) -> None:
    case = _carrier(either)
    for ago, state in ((7, "WAIT_DAY_12"), (2, "WAIT_DUAL_SITE")):
        _sample(either, case, _before(days=ago))
        assert _pathway(either, case)["state"] == state
    _sample(either, case, _before(hours=3), specimen="THROAT_SWAB")
    _sample(either, case, _before(hours=1), specimen="ANAL_SWAB")
    assert _pathway(either, case)["state"] == "WAIT_DUAL_SITE"  # not taken together
    _sample(either, case, _before(hours=1), specimen="THROAT_SWAB")
    assert _pathway(either, case)["state"] == "CLINICAL_CHECK"
    done = _advance(either, case, event="CLINICAL_CHECK_NORMAL")["pathway"]
    assert (done["state"], done["code"]) == ("RELEASED_FROM_HOSPITAL", "320102")
    kinds = [one["kind"] for one in _pathway(either, case)["events"]]
    assert kinds[-4:] == [
        "SAMPLE_NEGATIVE",
        "SAMPLE_NEGATIVE",
        "DUAL_SITE_NEGATIVE",
        "CLINICAL_CHECK_NORMAL",
    ]


def test_cases_show_their_pathways(either: Writer) -> None:
    case, other = _carrier(either), either.do("registerCase", DOCTOR, case_input())["case"]["id"]
    asked = either.ask("{ cases { edges { node { id pathway { state record } } } } }", DOCTOR)
    assert not asked.errors, asked.errors
    found = {one["node"]["id"]: one["node"]["pathway"] for one in asked.data["cases"]["edges"]}
    assert found == {case: {"state": "HOSPITAL_OBSERVATION", "record": case}, other: None}


def test_a_positive_sample_begins_the_days_again(writer: Writer) -> None:
    case = _carrier(writer)
    _sample(writer, case, _before(days=7))
    _sample(writer, case, _before(days=1), result="POSITIVE")
    found = _pathway(writer, case)
    assert (found["state"], found["day"]) == ("HOSPITAL_OBSERVATION", 2)


def test_temperatures_and_symptoms_of_visits(writer: Writer) -> None:
    case = _carrier(writer, days=0)
    writer.do("recordVisit", DOCTOR, visit_input(case, temperatureTenths=366))
    found = _pathway(writer, case)
    met = [one for one in found["clocks"] if one["kind"] == "TEMPERATURE" and one["metAt"]]
    assert len(met) == 1
    writer.do("recordVisit", DOCTOR, visit_input(case, symptoms=["FEVER"]))
    assert _pathway(writer, case)["state"] == "EXPERT_REVIEW"


def test_lapses_are_written_once_and_stay_with_whoever_was_responsible(either: Writer) -> None:
    case = _carrier(either, days=2)
    settings = either.regions[0]

    def lapses() -> list[Mapping[str, Any]]:
        return [one for one in either.rows("pathway_clocks") if one["missed_at"]]

    in_store(settings, lambda connection: sweep(connection, now()))
    found = lapses()
    assert len(found) in (4, 5)  # mornings and evenings of two days
    assert {one["unit_id"] for one in found} == {DOCTOR.unit_id}
    assert in_store(settings, lambda connection: sweep(connection, now())) == 0
    assert lapses() == found
    listed = _overdue(either, filter={"lapses": True, "code": ["320100"]})["edges"]
    assert [one["node"]["dueAt"] for one in listed] == [one["due_at"] for one in found]
    assert {one["node"]["record"] for one in listed} == {case}


def test_the_duty_writes_the_lapses_of_every_region(either: Writer) -> None:
    case = _carrier(either, days=2)
    either.run(record_lapses(either.stores))
    lapsed = [one for one in either.rows("pathway_clocks") if one["missed_at"]]
    assert lapsed
    assert {f"case:{one['pathway_id']}" for one in lapsed} == {case}
    assert {one["missed_at"] for one in lapsed} == {one["due_at"] for one in lapsed}


def test_overdue_pages_and_jurisdiction(either: Writer) -> None:
    cases = [str(either.do("registerCase", DOCTOR, case_input())["case"]["id"]) for _ in range(3)]
    for hours, case in zip((5, 9, 7), cases, strict=True):
        _advance(either, case, event="SAMPLE_POSITIVE", at=_before(hours=hours))
    page = _overdue(either, n=2)
    assert [one["node"]["record"] for one in page["edges"]] == [cases[1], cases[2]]
    assert page["edges"][0]["node"]["lateMinutes"] in (420, 421)
    assert page["edges"][0]["node"]["kind"] == "EXPERT_REVIEW"
    rest = _overdue(either, n=2, a=page["pageInfo"]["endCursor"])
    assert [one["node"]["record"] for one in rest["edges"]] == [cases[0]]
    assert not rest["pageInfo"]["hasNextPage"]
    assert len(_overdue(either, NATIONAL)["edges"]) == 3
    assert _overdue(either, filter={"kind": ["REVISIT"]})["edges"] == []
    assert _overdue(either, filter={"unit": [DOCTOR.unit_id]})["edges"]
    assert _overdue(either, filter={"code": ["110000"]})["edges"] == []


def test_another_pack_moves_the_days_of_a_contact(writer: Writer) -> None:
    row = writer.do("registerContacts", DOCTOR, contacts_input())["rows"][0]["contact"]
    begun = _advance(writer, row["id"], at="2026-03-01T02:00:00Z")["pathway"]
    assert (begun["state"], begun["pack"]["id"]) == ("CENTRAL_ISOLATION", "9TH_EDITION")
    dues = {}
    for pack in (None, "8TH_EDITION", "N113"):
        found = _pathway(writer, row["id"], pack=pack)
        dues[pack] = [one["dueAt"] for one in found["clocks"] if one["kind"] == "CENTRAL_DAYS"]
    assert dues == {
        None: ["2026-03-08T15:59:59Z"],
        "8TH_EDITION": ["2026-03-15T15:59:59Z"],
        "N113": ["2026-03-15T15:59:59Z"],
    }
    assert _advance(writer, row["id"])["reason"] == "BEGUN_ALREADY"


def test_the_same_key_again_and_named_refusals(writer: Writer) -> None:
    case = writer.do("registerCase", DOCTOR, case_input())["case"]["id"]
    key: dict[str, Any] = {
        "idempotencyKey": "once",
        "event": "SAMPLE_POSITIVE",
        "at": _before(hours=1),
    }
    assert _advance(writer, case, **key)["repeated"] is False
    assert _advance(writer, case, **key)["repeated"] is True
    assert _advance(writer, case, **key | {"event": "EXCLUDED"})["code"] == "IDEMPOTENCY_CONFLICT"
    assert len(writer.rows("pathway_events")) == 1
    assert _advance(writer, case, event="ADMITTED")["reason"] == "NOT_IN_STATE"
    found = _advance(writer, case, event="EXCLUDED", at="2099-01-01T00:00:00Z")
    assert found["__typename"] == "InvalidInputProblem"
    assert _advance(writer, "person:1")["__typename"] == "InvalidInputProblem"
    assert _advance(writer, case, COLLEAGUE)["__typename"] != "AdvancePathwayPayload"


def test_a_pathway_goes_along_with_a_handoff(either: Writer) -> None:
    case = _carrier(either)
    for ago in (7, 2):
        _sample(either, case, _before(days=ago))
    for specimen in ("THROAT_SWAB", "ANAL_SWAB"):
        _sample(either, case, _before(hours=1), specimen=specimen)
    _advance(either, case, event="CLINICAL_CHECK_NORMAL")
    person = either.rows("pathways")[0]["person_id"]
    sender, receiver = either.regions
    rows = in_store(sender, lambda connection: gather_pathway(connection, person))
    unit = "cdc-320205"

    def take(connection: Connection) -> list[int]:
        store_pathway(connection, rows, code="320205", unit_id=unit)
        store_pathway(connection, rows, code="320205", unit_id=unit)
        return accept_transfer(connection, person, now(), Who("wuxi", unit, now()))

    assert [f"case:{one}" for one in in_store(receiver, take)] == [case]
    (moved,) = either.rows("pathways", "320200")
    assert (moved["state"], moved["unit_id"]) == ("CENTRAL_ISOLATION", unit)
    running = {
        one["kind"]: one["unit_id"]
        for one in either.rows("pathway_clocks", "320200")
        if not one["met_at"] and not one["dropped_at"]
    }
    assert running["REVISIT"] == running["CENTRAL_DAYS"] == unit
