"""What happened to whom: as the stores tell it."""

from __future__ import annotations

from collections import Counter

import pytest

from regions.ids import region_of
from resolvers.demo.diseases import all_diseases
from resolvers.demo.scene import set_scene
from resolvers.demo.tracing import CLOSE
from tests.resolvers.demo.made import Demo

# `test_stores.py` and the demo's command make people by the same lines.
pytestmark = pytest.mark.no_cover


def test_every_region_has_cases_and_contacts(demo: Demo) -> None:
    for region in range(8):
        assert demo.rows(region, "SELECT count(*) FROM cases")[0][0] >= 4
        assert demo.rows(region, "SELECT count(*) FROM contacts")[0][0] >= 20
    contacts = sum(row[0] for row in demo.every("SELECT count(*) FROM contacts"))
    assert 0.2 < contacts / 6_000 < 0.33


def test_patients_have_an_age_their_disease_befalls(demo: Demo) -> None:
    scene = set_scene(demo.plan, 7, demo.keys)
    ages: dict[str, list[int]] = {}
    for case, patient in zip(scene.region.cases, scene.traced.patients, strict=True):
        age = scene.calendar.age(scene.people.birth[patient])
        ages.setdefault(all_diseases()[case.disease].key, []).append(age)
        assert scene.people.county[patient] == case.county
    assert sum(age < 18 for age in ages["hfmd"]) / len(ages["hfmd"]) > 0.7
    assert min(ages["syphilis"]) >= 6


def test_levels_follow_from_the_chain(demo: Demo) -> None:
    rows = demo.every("SELECT level, source_case_id, parent_contact_id FROM contacts")
    assert Counter(row["level"] for row in rows).keys() == {"CLOSE", "SECONDARY"}
    assert all(row["source_case_id"] for row in rows)
    assert all((row["level"] == "CLOSE") == (row["parent_contact_id"] is None) for row in rows)


def test_cases_and_contacts_elsewhere_are_there(demo: Demo) -> None:
    cases = {row["id"] for row in demo.every("SELECT id FROM cases")}
    close = {
        row["id"]: row["source_case_id"]
        for row in demo.every("SELECT id, source_case_id FROM contacts WHERE level = 'CLOSE'")
    }
    rows = demo.every("SELECT id, source_case_id, parent_contact_id FROM contacts")
    for row in rows:
        assert row["source_case_id"] in cases
        if row["parent_contact_id"] is not None:
            assert close[row["parent_contact_id"]] == row["source_case_id"]
    across = [row for row in rows if region_of(row["source_case_id"]) != region_of(row["id"])]
    assert {region_of(row["id"]) for row in across} == {region.code for region in demo.plan.regions}
    assert sum(row["parent_contact_id"] is not None for row in across) > 3
    routes = demo.every("SELECT id, source_case_id, route FROM contacts")
    for row in routes:
        here, there = region_of(row["id"]), region_of(row["source_case_id"])
        assert (row["route"] == "OTHER_PROVINCE") == (here[:2] != there[:2])


def test_infected_contacts_are_cases(demo: Demo) -> None:
    for region in range(8):
        turned = demo.rows(
            region,
            "SELECT c.person_id, c.outcome, s.disease FROM contacts c "
            "JOIN cases s ON s.id = c.source_case_id WHERE c.outcome LIKE 'TURNED%'",
        )
        assert turned or region
        for row in turned:
            found = demo.rows(
                region,
                "SELECT classification FROM cases WHERE person_id = ? AND disease = ?",
                row["person_id"],
                row["disease"],
            )
            wanted = "ASYMPTOMATIC" if row["outcome"] == "TURNED_POSITIVE" else "CONFIRMED"
            assert wanted in {case["classification"] for case in found}


def test_families_and_classes_meet(demo: Demo) -> None:
    relations = Counter(
        row["relation_to_case"] for row in demo.every("SELECT relation_to_case FROM contacts")
    )
    total = relations.total()
    assert relations["FAMILY"] / total > 0.2
    assert (relations["CLASSMATE"] + relations["COLLEAGUE"]) / total > 0.15
    assert min(relations.values()) > 0
    assert len(relations) == 9


def test_nobody_meets_himself_and_nobody_twice_at_one_case(demo: Demo) -> None:
    scene = set_scene(demo.plan, 3, demo.keys)
    met: dict[int, set[int]] = {}
    for meeting in scene.traced.meetings:
        if meeting.case < 0:
            continue
        assert meeting.person != scene.traced.patients[meeting.case]
        if meeting.level == CLOSE:
            assert meeting.person not in met.setdefault(meeting.case, set())
            met[meeting.case].add(meeting.person)


def test_an_outbreak_is_one_chain_of_a_class_and_its_families(demo: Demo) -> None:
    scene = set_scene(demo.plan, 0, demo.keys)
    cases = [n for n, case in enumerate(scene.region.cases) if case.outbreak == 0]
    sources = [scene.traced.sources[n] for n in cases]
    assert sources[0] == -1
    assert sum(source in cases for source in sources) >= 0.8 * (len(cases) - 1)
    people = scene.people
    groups = Counter(people.group[scene.traced.patients[n]] for n in cases)
    assert max(groups.values()) >= 3
