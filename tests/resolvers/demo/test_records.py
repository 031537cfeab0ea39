"""The records of a demo: complete, consistent, sealed, impossible."""

from __future__ import annotations

import re
from collections import Counter

import orjson
import pytest

from regions.blind_index import BlindIndexer, check_digit
from resolvers.demo.cases import CASE_COLUMNS, case_rows
from resolvers.demo.contacts import CONTACT_COLUMNS, contact_rows
from resolvers.demo.parameters import DEFAULT_PEOPLE
from resolvers.demo.plan import make_plan
from resolvers.demo.scene import set_scene
from resolvers.pathway.engine import started, under
from resolvers.pathway.packs import packs
from resolvers.pathway.states import Event, PathwayEvent, Standing
from schema import enums
from tests.keys import keys_of
from tests.resolvers.demo.made import UNTIL, Demo, parameters

pytestmark = (
    pytest.mark.no_cover
)  # `test_stores.py` and the demo's command make people by the same lines

DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_ids_are_the_regions_own_and_unique(demo: Demo) -> None:
    for region in demo.plan.regions:
        ids: list[int] = []
        for table in ("people", "cases", "contacts", "visits", "samples", "exposures"):
            ids += [row[0] for row in demo.rows(region.number, f"SELECT id FROM {table}")]
        ids.sort()
        assert ids[0] == region.person_id(0)
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        (row,) = demo.rows(region.number, "SELECT next FROM sequences")
        assert row[0] == ids[-1] + 1


@pytest.mark.parametrize(
    ("table", "column", "enum"),
    [
        ("people", "medical_worker", enums.MedicalWorker),
        ("cases", "classification", enums.CaseClassification),
        ("cases", "origin", enums.CaseOrigin),
        ("cases", "outcome", enums.CaseOutcome),
        ("cases", "found_by", enums.FoundBy),
        ("contacts", "level", enums.ContactLevel),
        ("contacts", "route", enums.ContactRoute),
        ("contacts", "relation_to_case", enums.RelationToCase),
        ("contacts", "frequency", enums.ContactFrequency),
        ("contacts", "observation_mode", enums.ObservationMode),
        ("contacts", "outcome", enums.ContactOutcome),
        ("contacts", "traced", enums.Traced),
        ("visits", "kind", enums.VisitKind),
        ("samples", "specimen", enums.Specimen),
        ("samples", "test", enums.SampleTest),
        ("samples", "result", enums.SampleResult),
        ("exposures", "kind", enums.ExposureKind),
    ],
)
def test_values_are_of_their_enum(demo: Demo, table: str, column: str, enum: type) -> None:
    found = {row[0] for row in demo.every(f"SELECT DISTINCT {column} FROM {table}")} - {None}
    assert len(found) > 1
    assert found <= set(enum.__members__)  # type: ignore[attr-defined]  # known to have it here


def test_lists_are_of_their_enum(demo: Demo) -> None:
    manners = {m for row in demo.every("SELECT manner FROM contacts") for m in orjson.loads(row[0])}
    assert manners <= set(enums.ContactManner.__members__)
    assert len(manners) > 6
    symptoms = {
        s for row in demo.every("SELECT symptoms FROM visits") for s in orjson.loads(row[0])
    }
    assert symptoms <= set(enums.Symptom.__members__)
    assert "FEVER" in symptoms


def test_nothing_happens_after_the_end(demo: Demo) -> None:
    for table, column in (
        ("people", "created_at"),
        ("cases", "reported_at"),
        ("cases", "diagnosed_at"),
        ("cases", "updated_at"),
        ("cases", "outcome_on"),
        ("contacts", "created_at"),
        ("contacts", "updated_at"),
        ("contacts", "observation_started_on"),
        ("contacts", "observation_released_on"),
        ("visits", "visited_at"),
        ("samples", "taken_at"),
        ("samples", "result_at"),
        ("exposures", "created_at"),
    ):
        found = [row[0] for row in demo.every(f"SELECT {column} FROM {table}") if row[0]]
        assert max(found) < UNTIL.isoformat()
        form = MOMENT if column.endswith("_at") else DAY
        assert all(form.fullmatch(value) for value in found)


def test_dates_follow_each_other(demo: Demo) -> None:
    for row in demo.every("SELECT * FROM cases"):
        assert row["onset_on"] is None or row["onset_on"] <= row["reported_at"][:10]
        if row["diagnosed_at"] is not None:
            assert (row["onset_on"] or "") <= row["diagnosed_at"][:10]
            assert row["diagnosed_at"] <= row["reported_at"]
        assert row["reported_at"] == row["created_at"] <= row["updated_at"]
        assert (row["outcome"] == "DIED") == (row["died_on"] is not None)
        if row["outcome_on"] is not None:
            assert row["outcome_on"] > row["reported_at"][:10]
    for row in demo.every("SELECT * FROM contacts"):
        assert row["first_contact_on"] <= row["last_contact_on"] <= row["created_at"][:10]
        assert row["created_at"] <= row["updated_at"]
        if row["observation_mode"] is not None:
            assert row["observation_started_on"] >= row["last_contact_on"]
            assert row["observation_due_on"] > row["last_contact_on"]
        assert (row["outcome"] == "CONTINUING") <= (row["observation_released_on"] is None)


def test_some_are_under_observation_now(demo: Demo) -> None:
    outcomes = Counter(row[0] for row in demo.every("SELECT outcome FROM contacts"))
    assert outcomes["CONTINUING"] > 10
    assert outcomes["RELEASED"] > outcomes["CONTINUING"]
    classes = Counter(row[0] for row in demo.every("SELECT classification FROM cases"))
    assert classes["CONFIRMED"] / classes.total() > 0.7
    outcomes = Counter(row[0] for row in demo.every("SELECT outcome FROM cases"))
    assert 0 < outcomes["DIED"] / outcomes.total() < 0.08
    assert outcomes["UNDER_TREATMENT"] > 5


def test_the_control_plan_is_the_one_in_force(demo: Demo) -> None:
    for row in demo.every("SELECT last_contact_on, rule_pack FROM contacts"):
        if row["last_contact_on"] >= "2022-06-28":
            assert row["rule_pack"] == "9TH_EDITION"
    early = {
        row["rule_pack"]
        for row in demo.every("SELECT rule_pack FROM contacts WHERE last_contact_on < '2022-06-28'")
    }
    assert early <= {"8TH_EDITION", "N113"}


def test_care_belongs_to_a_case_or_a_contact(demo: Demo) -> None:
    for table in ("visits", "samples"):
        assert len(demo.every(f"SELECT id FROM {table}")) > 500
        wrong = demo.every(
            f"SELECT t.id FROM {table} t LEFT JOIN contacts c ON c.id = t.contact_id "
            "LEFT JOIN cases k ON k.id = t.case_id "
            "WHERE (c.id IS NULL) = (k.id IS NULL) "
            "OR coalesce(c.person_id, k.person_id) <> t.person_id "
            "OR coalesce(c.code, k.code) <> t.code"
        )
        assert wrong == []
    linked = demo.every("SELECT id FROM exposures WHERE source_case_id IS NOT NULL")
    assert len(linked) > 5


def test_people_are_sealed_and_cannot_exist(demo: Demo) -> None:
    indexer, numbers = BlindIndexer(demo.keys.index), []
    for region in demo.plan.regions:
        for row in demo.rows(region.number, "SELECT * FROM people"):
            person = demo.opened(region.number, "people", row)
            number, phone, name, birth = (
                str(person[item]) for item in ("id_number", "phone", "name", "birth_date")
            )
            assert re.fullmatch(r"99\d{15}[\dX]", number)
            assert number[17] == check_digit(number[:17])
            assert number[6:14] == birth.replace("-", "")
            assert int(number[16]) % 2 == (person["sex"] == "M")
            assert re.fullmatch(r"154\d{8}", phone)
            assert 2 <= len(name) <= 4
            assert row["id_number_index"] == indexer.id_number(number)
            assert row["phone_index"] == indexer.phone(phone)
            assert row["name_birth_index"] == indexer.name_birth(name, birth)
            age = person["age"]
            assert isinstance(age, int)
            years = UNTIL.year - int(birth[:4]) - (birth[5:] > UNTIL.isoformat()[5:])
            assert age == years
            assert (person["guardian"] is not None) <= (age < 18)
            assert person["residence"]
            numbers.append(number)
    seen = Counter(numbers)
    assert set(seen.values()) == {1, 2}
    assert sum(count == 2 for count in seen.values()) == 30


def test_the_same_person_is_found_in_two_regions(demo: Demo) -> None:
    traveller = demo.plan.regions[0].travellers[0]
    index = BlindIndexer(demo.keys.index).id_number(traveller.id_number)
    opened = []
    for region in (traveller.home, traveller.away):
        (row,) = demo.rows(region, "SELECT id, sealed FROM people WHERE id_number_index = ?", index)
        opened.append(demo.opened(region, "people", row))
    home, away = opened
    assert {item for item in home if home[item] != away[item]} == {"whereabouts"}


def test_other_sealed_items_open(demo: Demo) -> None:
    for table in ("cases", "contacts", "visits", "exposures"):
        found = 0
        for region in demo.plan.regions:
            columns = f"SELECT id, person_id, sealed FROM {table} WHERE sealed IS NOT NULL"
            for row in demo.rows(region.number, columns):
                assert any(demo.opened(region.number, table, row).values())
                found += 1
        assert found > 10


def test_nothing_private_is_in_a_file_in_clear(demo: Demo) -> None:
    for region in demo.plan.regions:
        content = demo.path(region.number).read_bytes()
        rows = demo.rows(region.number, "SELECT id, sealed FROM people")
        for row in rows[:: max(1, len(rows) // 25)]:
            person = demo.opened(region.number, "people", row)
            for item in ("id_number", "phone", "residence", "employer", "employer_location"):
                value = person[item]
                assert value is None or str(value).encode() not in content
            name = str(person["name"])
            assert len(name) < 3 or name.encode() not in content
        places = demo.rows(region.number, "SELECT id, person_id, sealed FROM exposures LIMIT 20")
        for row in places:
            place = demo.opened(region.number, "exposures", row)["place"]
            assert str(place).encode() not in content


def test_contacts_are_observed_for_the_disease_of_their_case(demo: Demo) -> None:
    columns = "source_case_id, parent_contact_id, disease"
    rows = [
        row for region in range(8) for row in demo.rows(region, f"SELECT {columns} FROM contacts")
    ]
    diseases = {
        row["id"]: row["disease"]
        for region in range(8)
        for row in demo.rows(region, "SELECT id, disease FROM cases")
    }
    assert rows
    assert all(row["disease"] == diseases[row["source_case_id"]] for row in rows)


def test_reporters_have_units_that_exist(demo: Demo) -> None:
    for region in range(8):
        units = {row["id"] for row in demo.rows(region, "SELECT id FROM units")}
        for table in ("people", "cases", "contacts", "visits", "samples"):
            for row in demo.rows(region, f"SELECT reporter, reporter_unit FROM {table}"):
                assert row["reporter"]
                assert row["reporter_unit"] in units
        for row in demo.rows(region, "SELECT unit_id, hospital FROM cases"):
            assert row["unit_id"] in units
            assert row["hospital"] is None or row["hospital"] in units
        laboratories = demo.rows(region, "SELECT DISTINCT laboratory FROM samples")
        assert {row[0] for row in laboratories} <= units


def test_the_direct_reporter_has_reported_much(demo: Demo) -> None:
    star = "reporter-320102-1"
    for table, fewest in (("cases", 20), ("contacts", 80), ("people", 80)):
        rows = demo.rows(0, f"SELECT count(*) FROM {table} WHERE reporter = ?", star)
        assert rows[0][0] >= fewest
    # Whoever is on its records is its person, so that it sees the lines of its lists in clear.
    wrong = demo.rows(
        0,
        "SELECT p.id FROM contacts c JOIN people p ON p.id = c.person_id "
        "WHERE c.reporter = ? AND p.reporter <> c.reporter",
        star,
    )
    assert wrong == []


def test_the_default_gives_the_direct_reporter_some_hundreds() -> None:
    plan = make_plan(parameters(people=DEFAULT_PEOPLE))
    scene = set_scene(plan, 0, keys_of(*(bytes(32),) * 5))
    by, star = CASE_COLUMNS.index("reporter"), "reporter-320102-1"
    cases = sum(row[by] == star for row in case_rows(scene))
    by = CONTACT_COLUMNS.index("reporter")
    contacts = sum(row[by] == star for row, _ in contact_rows(scene))
    assert cases > 50
    assert 200 < cases + contacts < 2_000


def test_pathways_are_what_their_events_lead_to(demo: Demo) -> None:
    """Each is followed anew by the engine; whoever is on duty has overdue clocks to see."""
    states, waiting, lapsed = set(), 0, 0
    for region in demo.plan.regions:
        events: dict[int, list[Event]] = {}
        for number, kind, at in demo.rows(
            region.number, "SELECT pathway_id, kind, at FROM pathway_events ORDER BY 1, number"
        ):
            events.setdefault(number, []).append(Event(PathwayEvent[kind], at))
        for number, record, how, began, pack, state in demo.rows(
            region.number, "SELECT id, record, started_as, started_at, pack, state FROM pathways"
        ):
            first = started(how, began, packs()[pack])
            assert isinstance(first, Standing)
            assert under(first, events.get(number, []), packs()[pack]).state.name == state
            assert demo.rows(region.number, f"SELECT 1 FROM {record}s WHERE id = {number}")
            states.add(state)
        clocks = demo.rows(
            region.number, "SELECT met_at, dropped_at, missed_at FROM pathway_clocks"
        )
        waiting += sum(missed is not None for *ended, missed in clocks if not any(ended))
        lapsed += sum(missed is not None for _, _, missed in clocks)
    assert len(states) > 3
    assert waiting > 1
    assert lapsed > waiting
