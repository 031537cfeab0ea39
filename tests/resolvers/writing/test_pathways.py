"""advancePathway, pathway and overdue; samples and visits that move a pathway on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.instants import instant, now, seconds_of
from regions.tables import regional
from resolvers.pathway.lapses import record_lapses
from resolvers.pathway.states import local_day
from resolvers.pathway.storing import (
    Who,
    accept_transfer,
    store_pathway,
    sweep,
)
from resolvers.transfers.pathways import gather_pathways
from resolvers.users import Viewer
from tests.answering import viewer
from tests.resolvers.writing.making import (
    COLLEAGUE,
    DOCTOR,
    NATIONAL,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
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
  record state day dayOne pack { id unverified }
  caveats { part message messageZh } events { kind at state }
  clocks { kind number openedAt dueAt metAt missedAt droppedAt } } }"""
_OVERDUE = """query ($f: OverdueFilter, $n: Int, $a: String) {
  overdue(filter: $f, first: $n, after: $a) {
    edges { node { id record kind unitId code dueAt missedAt metAt lateMinutes } }
    pageInfo { hasNextPage endCursor } totalCount regions { code state } } }"""
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


def _carrier(writer: Writer, days: int = 13, pack: str = "N113", **case_more: Any) -> str:
    """A carrier admitted so many days ago, reported and investigated."""
    given = case_input(classification="ASYMPTOMATIC", onsetOn=None, **case_more)
    case = str(writer.do("registerCase", DOCTOR, given)["case"]["id"])
    assert _advance(writer, case, at=_before(days=days), pack=pack)["pathway"]
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
    assert page["totalCount"] == rest["totalCount"] == 3
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


def test_a_what_if_says_what_nobody_compared_with_its_document(writer: Writer) -> None:
    case = _carrier(writer)
    assert _pathway(writer, case)["caveats"] == []
    other = _pathway(writer, case, pack="9TH_EDITION")
    assert other["pack"] == {"id": "9TH_EDITION", "unverified": ["hours", "carrier"]}
    assert [one["part"] for one in other["caveats"]] == ["hours", "carrier"]
    assert "as remembered" in other["caveats"][1]["message"]
    assert "未与文件原文核对" in other["caveats"][1]["messageZh"]
    contact = writer.do("registerContacts", DOCTOR, contacts_input())["rows"][0]["contact"]["id"]
    assert _advance(writer, contact, pack="9TH_EDITION")["pathway"]
    assert _pathway(writer, contact)["caveats"] == []  # its days were compared


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
    rows = in_store(sender, lambda connection: gather_pathways(connection, [person]))
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


def test_a_handed_over_persons_clocks_run_where_the_person_is(either: Writer) -> None:
    case = _carrier(either, days=2)
    person = either.rows("pathways")[0]["person_id"]
    sender, receiver = either.regions
    rows = in_store(sender, lambda connection: gather_pathways(connection, [person]))
    keep = {"people": person, "cases": int(case.partition(":")[2])}

    def take(connection: Connection) -> None:
        for name, number in keep.items():
            row = {**copied[name], "kept_in": "320100" if name == "cases" else None}
            connection.execute(insert(regional.tables[name]).values(row))
            assert row["id"] == number
        store_pathway(connection, rows, code="320205", unit_id="cdc-320205")

    def leave(connection: Connection) -> None:
        people = regional.tables["people"]
        connection.execute(update(people).where(people.c.id == person).values(kept_in="320200"))

    def copy(connection: Connection) -> dict[str, dict[str, Any]]:
        found = {}
        for name, number in keep.items():
            table = regional.tables[name]
            asked = select(table).where(table.c.id == number)
            found[name] = dict(connection.execute(asked).mappings().one())
        return found

    copied = in_store(sender, copy)
    in_store(receiver, take)
    in_store(sender, leave)
    assert _overdue(either, filter={"code": ["320100"]})["edges"] == []
    found = _overdue(either, NATIONAL)["edges"]
    assert {one["node"]["unitId"] for one in found} == {"cdc-320205"}
    assert {one["node"]["code"] for one in found} == {"320205"}
    either.run(record_lapses(either.stores))
    assert not [one for one in either.rows("pathway_clocks") if one["missed_at"]]
    assert [one for one in either.rows("pathway_clocks", "320200") if one["missed_at"]]
    asked = either.ask(
        "query ($i: ID!) { node(id: $i) { ... on Case { pathway { unitId } } } }",
        DOCTOR,
        {"i": case},
    )
    assert asked.data["node"]["pathway"] == {"unitId": "cdc-320205"}


def test_breaches_are_predicted_by_what_is_missing(writer: Writer) -> None:
    case = str(writer.do("registerCase", DOCTOR, case_input())["case"]["id"])
    _advance(writer, case, event="SAMPLE_POSITIVE", at=_before(hours=3))
    _advance(writer, case, event="ASYMPTOMATIC_CONFIRMED", at=_before(hours=1), pack=None)
    (late, *_) = _overdue(writer)["edges"] or [None]
    assert late is None  # report and admission are due within the hour
    query = """query ($f: OverdueFilter) { overdue(filter: $f) { edges { node {
      kind missing predictedBreach lateMinutes } } } }"""

    def asked(**wanted: Any) -> list[Any]:
        found = writer.ask(query, DOCTOR, {"f": wanted})
        assert not found.errors, found.errors
        return [one["node"] for one in found.data["overdue"]["edges"]]

    soon = asked(dueUntil=_before(hours=-2))
    expected = {"DIRECT_REPORT": False, "ADMISSION": True}  # 60 minutes left: 30 and 60 are needed
    assert {one["kind"]: one["predictedBreach"] for one in soon} == expected
    assert [one["missing"] for one in soon if one["kind"] == "ADMISSION"] == [["ADMITTED"]]
    assert [one["kind"] for one in asked(predicted=True)] == ["ADMISSION"]
    _advance(writer, case, event="ADMITTED", at=_before(hours=0))
    assert "ADMISSION" not in [one["kind"] for one in asked(predicted=True)]


def test_results_that_come_later_count_from_when_the_sample_was_taken(either: Writer) -> None:
    case = _carrier(either)
    given = sample_input(case, takenAt=_before(days=7), result="PENDING", test="NUCLEIC_ACID")
    sample = either.do("recordSample", DOCTOR, given)["sample"]["id"]
    assert _pathway(either, case)["state"] == "HOSPITAL_OBSERVATION"
    changes = (("result", "NEGATIVE"), ("resultAt", _before(days=6)))
    either.do("correct", DOCTOR, correction(sample, *changes))
    found = _pathway(either, case)
    assert (found["state"], found["events"][-1]["at"]) == ("WAIT_DAY_12", _before_of(found))
    either.do("correct", DOCTOR, correction(sample, ("result", "POSITIVE")))
    found = _pathway(either, case)
    assert (found["state"], found["day"]) == ("HOSPITAL_OBSERVATION", 8)
    assert [one["kind"] for one in found["events"]][-1] == "SAMPLE_POSITIVE"


def _before_of(found: Any) -> str:
    return str(found["events"][-1]["at"])


def test_a_corrected_date_moves_the_days_and_takes_no_lapse_back(either: Writer) -> None:
    case = _carrier(either, days=20)
    given = sample_input(
        case,
        takenAt=_before(days=12),  # day 9: two days late
        result="NEGATIVE",
        resultAt=_before(days=11),
        test="NUCLEIC_ACID",
    )
    sample = either.do("recordSample", DOCTOR, given)["sample"]["id"]

    def of_day_7() -> Any:
        clocks = _pathway(either, case)["clocks"]
        return next(one for one in clocks if one["kind"] == "DAY_7_TEST")

    lapsed = of_day_7()
    assert lapsed["missedAt"] == lapsed["dueAt"] < lapsed["metAt"]
    taken = _before(days=14)
    either.do("correct", DOCTOR, correction(sample, ("takenAt", taken)))
    assert of_day_7() == lapsed | {"metAt": taken}
    assert _pathway(either, case)["state"] == "WAIT_DAY_12"
    either.do("correct", DOCTOR, correction(sample, ("takenAt", _before(days=19))))  # day 2
    assert _pathway(either, case)["state"] == "HOSPITAL_OBSERVATION"


def test_a_corrected_card_makes_a_confirmed_case(either: Writer) -> None:
    case = _carrier(either, days=3)
    _advance(either, case, event="SYMPTOM_APPEARED", at=_before(hours=4))
    _advance(either, case, event="DISEASE_CONFIRMED", at=_before(hours=1))
    assert _advance(either, case, event="CARD_CORRECTED")["reason"] == "CARD_NOT_CORRECTED"
    either.do("correct", DOCTOR, correction(case, ("classification", "CONFIRMED")))
    found = _pathway(either, case)
    assert found["state"] == "CONFIRMED_CASE"
    met = {one["kind"]: one["metAt"] is not None for one in found["clocks"]}
    assert met["CARD_CORRECTION"]
    assert met["TELL_FIRST_REPORTER"]
    (row,) = [one for one in either.rows("pathway_clocks") if one["kind"] == "CARD_CORRECTION"]
    assert row["unit_id"] == DOCTOR.unit_id


def test_a_card_corrected_without_a_review_and_one_withdrawn(writer: Writer) -> None:
    ill, none = _carrier(writer, days=3), _carrier(writer, days=3)
    writer.do("correct", DOCTOR, correction(ill, ("classification", "CONFIRMED")))
    writer.do("correct", DOCTOR, correction(none, ("classification", "EXCLUDED")))
    assert _pathway(writer, ill)["state"] == "CONFIRMED_CASE"
    ended = _pathway(writer, none)
    assert ended["state"] == "CLOSED"
    assert not [one for one in ended["clocks"] if not one["metAt"] and not one["droppedAt"]]


def test_a_corrected_level_and_an_excluded_contact(writer: Writer) -> None:
    rows = [contact_row(), contact_row()]
    found = writer.do("registerContacts", DOCTOR, contacts_input(*rows))["rows"]
    contact, other = (one["contact"]["id"] for one in found)
    for one in (contact, other):
        _advance(writer, one, at="2026-03-01T02:00:00Z", pack="8TH_EDITION")
    changes = (("level", "SECONDARY"), ("parentContact", other))
    done = writer.do("correct", DOCTOR, correction(contact, *changes))
    assert done["__typename"] == "CorrectPayload", done
    clocks = _pathway(writer, contact)["clocks"]
    (days,) = [one for one in clocks if one["kind"] == "CENTRAL_DAYS" and not one["droppedAt"]]
    assert days["dueAt"] == "2026-03-08T15:59:59Z"
    writer.do("correct", DOCTOR, correction(other, ("exclusionReason", "NO_EXPOSURE")))
    assert _pathway(writer, other)["state"] == "CLOSED"


_SHEET = """query ($d: Date!, $u: ID) { followUpSheet(date: $d, unit: $u) { unitId complete
  people { record state day due { kind dueAt unitId } case { id name } contact { id name } }
  regions { code state } } }"""


def _sheet(writer: Writer, who: Viewer, day: str, unit: str | None = None) -> Any:
    asked = writer.ask(_SHEET, who, {"d": day, "u": unit})
    assert not asked.errors, asked.errors
    return asked.data["followUpSheet"]


def test_the_sheet_of_a_day_names_each_once_and_masks_as_data(either: Writer) -> None:
    case = _carrier(either, days=2)
    contact = either.do("registerContacts", DOCTOR, contacts_input())["rows"][0]["contact"]["id"]
    _advance(either, contact)
    today = local_day(now())
    own = _sheet(either, DOCTOR, today.isoformat())
    assert own["complete"]
    people = {one["record"]: one for one in own["people"]}
    assert set(people) == {case, contact}
    assert people[case]["day"] == 3
    assert "TEMPERATURE" in [one["kind"] for one in people[case]["due"]]
    assert people[case]["case"]["name"] not in (None, "*")
    assert people[contact]["contact"]["id"] == contact
    assert [one["kind"] for one in people[contact]["due"]] == ["CONTACT_TEST"]  # of day 1
    masked = _sheet(either, NATIONAL, today.isoformat(), DOCTOR.unit_id)
    assert {one["record"] for one in masked["people"]} == {case, contact}
    assert {(one["case"] or one["contact"])["name"] for one in masked["people"]} == {"*"}
    assert _sheet(either, NATIONAL, today.isoformat())["people"] == []
    tomorrow = _sheet(either, DOCTOR, (today + timedelta(days=1)).isoformat())
    due = {one["record"]: one["due"] for one in tomorrow["people"]}[case]
    assert len([one for one in due if one["kind"] == "TEMPERATURE"]) == 1


_FIGURES = """query ($d: Date!, $c: RegionCode!) { publicFigures(date: $d, code: $c) {
  confirmedReported { local imported total } carriersReported { local imported total }
  turnedConfirmed { local imported total } released { total } underObservation { local total }
  complete regions { code state } } }"""
_CITY = replace(viewer("320100", account="city-figures"), unit_level="CITY")
_NATION = replace(NATIONAL, unit_level="NATIONAL")


def _figures(writer: Writer, who: Viewer, day: str, code: str = "320100") -> Any:
    return writer.ask(_FIGURES, who, {"d": day, "c": code})


def test_public_figures_add_up_and_count_each_once(either: Writer) -> None:
    at, day = now(), local_day(now()).isoformat()
    carrier = _carrier(either, days=2, disease="covid19", reportedAt=at)
    ill = _carrier(either, days=2, disease="covid19", reportedAt=at, origin="IMPORTED")
    either.do("registerCase", DOCTOR, case_input(disease="covid19", reportedAt=at, onsetOn=day))
    either.do("registerCase", DOCTOR, case_input(disease="measles", reportedAt=at, onsetOn=day))
    either.do("correct", DOCTOR, correction(ill, ("classification", "CONFIRMED")))
    for code in ("320100", "320000"):
        who = _CITY if code == "320100" else _NATION
        asked = _figures(either, who, day, code)
        assert not asked.errors, asked.errors
        found = asked.data["publicFigures"]
        assert found["confirmedReported"] == {"local": 1, "imported": 0, "total": 1}
        assert found["carriersReported"] == {"local": 1, "imported": 1, "total": 2}
        assert found["turnedConfirmed"] == {"local": 0, "imported": 1, "total": 1}
        assert found["released"] == {"total": 0}
        assert found["underObservation"] == {"local": 1, "total": 1}
        assert found["complete"]
    assert _pathway(either, carrier)["state"] == "HOSPITAL_OBSERVATION"


def test_who_may_not_publish_gets_no_figures(writer: Writer) -> None:
    day = local_day(now()).isoformat()
    county = viewer("320102", account="county-figures")
    for who, code in ((county, "320102"), (county, "320100"), (_CITY, "320102"), (_CITY, "320200")):
        assert _figures(writer, who, day, code).codes == ["FORBIDDEN"]
    assert _figures(writer, _CITY, "2999-01-01").codes == ["INVALID_INPUT"]


def test_figures_of_a_region_that_is_down_are_said_to_be_partial(writer: Writer) -> None:
    lost = writer.regions[1].path
    assert lost is not None
    lost.unlink()
    day = local_day(now()).isoformat()
    asked = _figures(writer, _NATION, day, "320000")
    assert asked.codes == ["REGION_UNAVAILABLE"]
    assert asked.data["publicFigures"]["complete"] is False
    states = {one["code"]: one["state"] for one in asked.data["publicFigures"]["regions"]}
    assert states["320200"] == "UNREACHABLE"
    sheet = writer.ask(_SHEET, NATIONAL, {"d": day})
    assert sheet.codes == ["REGION_UNAVAILABLE"]
    assert sheet.data["followUpSheet"]["complete"] is False


def test_the_release_moves_with_the_pack(writer: Writer) -> None:
    case = _carrier(writer, days=0)
    query = """query ($i: ID!, $p: ID) { pathway(record: $i, pack: $p) { releaseOn endsOn day } }"""

    def days(pack: str | None) -> tuple[int, int]:
        found = writer.ask(query, DOCTOR, {"i": case, "p": pack}).data["pathway"]
        first = local_day(now())
        release, end = (date.fromisoformat(found[key]) for key in ("releaseOn", "endsOn"))
        return (release - first).days + 1, (end - first).days + 1

    assert days(None) == days("N113") == (14, 42)
    assert days("8TH_EDITION") == (14, 36)
    assert days("9TH_EDITION") == (7, 14)
