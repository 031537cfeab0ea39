"""registerContacts: rows by themselves, over regions, in one batch a region."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answering import grant, viewer
from tests.resolvers.writing.making import (
    COLLEAGUE,
    COUNTY,
    DOCTOR,
    NATIONAL,
    Row,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    person,
)


def rows(found: Row) -> list[Row]:
    assert found["__typename"] == "RegisterContactsPayload", found
    assert found["registered"] + found["rejected"] == len(found["rows"])
    assert [row["index"] for row in found["rows"]] == list(range(len(found["rows"])))
    listed: list[Row] = found["rows"]
    return listed


def test_a_contact_is_observed_for_the_disease_of_its_case_or_contact(either: Writer) -> None:
    case = either.do("registerCase", NATIONAL, case_input(disease="mumps"))["case"]["id"]
    of_case, stated, neither = rows(
        either.do(
            "registerContacts",
            NATIONAL,
            contacts_input(
                contact_row(sourceCase=case, code="320205"),
                contact_row(sourceCase=case, disease="measles"),
                contact_row(),
            ),
        )
    )
    assert of_case["contact"]["disease"] == {"id": "mumps", "nameZh": "流行性腮腺炎"}
    assert stated["contact"]["disease"]["id"] == "measles"
    assert neither["contact"]["disease"] is None
    parent = of_case["contact"]["id"]
    second = contact_row(level="SECONDARY", parentContact=parent)
    (found,) = rows(either.do("registerContacts", NATIONAL, contacts_input(second)))
    assert found["contact"]["disease"]["id"] == "mumps"


def test_the_disease_of_a_case_out_of_sight_is_not_told(either: Writer) -> None:
    case = either.do("registerCase", NATIONAL, case_input(code="320205"))["case"]["id"]
    contact = contact_row(sourceCase=case)
    for who in (DOCTOR, COUNTY):
        (found,) = rows(either.do("registerContacts", who, contacts_input(contact)))
        assert found["contact"]["disease"] is None
        assert found["linksChecked"] is True
    own = either.do("registerCase", NATIONAL, case_input())["case"]["id"]
    contact = contact_row(sourceCase=own)
    (found,) = rows(either.do("registerContacts", COUNTY, contacts_input(contact)))
    assert found["contact"]["disease"]["id"] == "measles"
    (found,) = rows(either.do("registerContacts", DOCTOR, contacts_input(contact)))
    assert found["contact"]["disease"] is None  # a reporter sees what the own unit reported


def test_an_unknown_disease_is_a_mistake(shared: Writer) -> None:
    (found,) = rows(
        shared.do("registerContacts", DOCTOR, contacts_input(contact_row(disease="mesles")))
    )
    assert found["problem"]["mistakes"][0]["path"] == ["rows", "0", "disease"]


def test_contacts_lie_in_the_regions_of_their_counties(either: Writer) -> None:
    case = either.do("registerCase", NATIONAL, case_input())["case"]["id"]
    full = contact_row(
        sourceCase=case,
        level="CLOSE",
        route="OTHER_CITY",
        relationToCase="FAMILY",
        manner=["SHARED_MEAL", "SHARED_ROOM", "SHARED_MEAL"],
        frequency="REGULAR",
        firstContactOn="2026-02-20",
        lastContactOn="2026-03-01",
        place="测试饭店",
        seat="G1 01A",
        observation={
            "mode": "CENTRAL",
            "place": "测试隔离点",
            "startedOn": "2026-03-02",
            "dueOn": "2026-03-09",
            "releasedOn": "2026-03-09",
        },
        symptomOnsetOn="2026-03-04",
        traced="YES",
        destination="测试去向",
        outcome="RELEASED",
        exclusionReason="NEVER_MET",
        rulePack="8TH_EDITION",
        remarks="备注",
        code="320205",
    )
    parent = rows(either.do("registerContacts", DOCTOR, contacts_input()))[0]["contact"]["id"]
    given = contacts_input(full, contact_row(level="SECONDARY", parentContact=parent))
    first, second = rows(either.do("registerContacts", NATIONAL, given))
    contact = first["contact"]
    assert contact["sourceCase"] == {"id": case}
    assert contact["manner"] == ["SHARED_MEAL", "SHARED_ROOM"]
    assert contact["rulePack"] == {"id": "8TH_EDITION"}
    assert contact["observation"] == {"mode": "CENTRAL", "place": "*", "dueOn": "2026-03-09"}
    assert contact["name"] == "*"
    assert first["duplicate"] is False
    assert first["linksChecked"] is True
    (row,) = either.rows("contacts", "320200")
    wanted = {"place": "测试饭店", "seat": "G1 01A", "observation_place": "测试隔离点"}
    assert wanted.items() <= row.items()
    assert row["reporter"] == "national"
    assert second["contact"]["parentContact"] == {"id": parent}
    assert second["contact"]["route"] == "OWN_SCREENING"
    assert second["contact"]["rulePack"] == {"id": "9TH_EDITION"}
    (_, row) = either.rows("contacts", "320100")
    assert row["sealed"] is None if "sealed" in row else row["place"] is None


def test_a_row_that_cannot_be_taken_keeps_no_other_out(either: Writer) -> None:
    nobody = f"case:{320200 << 43 | 99}"
    given = contacts_input(
        contact_row(),
        contact_row(code="320103"),
        contact_row(level="SECONDARY"),
        contact_row(sourceCase=nobody),
        contact_row(person=None, personId=f"person:{320100 << 43 | 99}"),
        contact_row(code="320104"),
        contact_row(person={"idNumber": "123"}, lastContactOn="2099-01-01"),
        contact_row(),
    )
    found = either.do("registerContacts", COUNTY, given)
    listed = rows(found)
    assert (found["registered"], found["rejected"]) == (2, 6)
    assert [row["problem"] and row["problem"]["code"] for row in listed] == [
        None,
        "INVALID_INPUT",
        "INVALID_INPUT",
        "INVALID_INPUT",
        "NOT_FOUND",
        "FORBIDDEN",
        "INVALID_INPUT",
        None,
    ]
    assert listed[1]["problem"]["path"] == ["rows", "1", "code"]
    assert "320104 Qinhuai" in listed[1]["problem"]["message"]
    assert listed[2]["problem"]["path"] == ["rows", "2", "level"]
    assert listed[3]["problem"]["path"] == ["rows", "3", "sourceCase"]
    paths = [".".join(one["path"]) for one in listed[6]["problem"]["mistakes"]]
    assert paths == ["rows.6.person.idNumber", "rows.6.lastContactOn"]
    assert either.counts("people", "contacts") == {"people": 2, "contacts": 2}
    again = either.do("registerContacts", COUNTY, given)
    assert again["repeated"] is True
    for one, other in zip(listed, rows(again), strict=True):
        assert {**one, "repeated": None} == {**other, "repeated": None}


WRONG: list[tuple[Row, str, str]] = [
    ({"firstContactOn": "2026-03-02", "lastContactOn": "2026-03-01"}, "lastContactOn", "before"),
    ({"firstContactOn": "2099-03-02"}, "firstContactOn", "future"),
    (
        {"observation": {"startedOn": "2026-03-02", "dueOn": "2026-03-01"}},
        "observation.dueOn",
        "due",
    ),
    ({"observation": {"dueOn": "2099-03-01"}}, "observation.dueOn", "400 days"),
    (
        {"observation": {"startedOn": "2026-03-02", "releasedOn": "2026-03-01"}},
        "observation.releasedOn",
        "before",
    ),
    ({"symptomOnsetOn": "2099-03-02"}, "symptomOnsetOn", "future"),
    ({"rulePack": "12TH"}, "rulePack", "9TH_EDITION"),
    ({"exclusionReason": "he was never there"}, "exclusionReason", "a word"),
    ({"parentContact": "case:1"}, "parentContact", "id of a contact"),
    ({"parentContact": "contact:1"}, "parentContact", "no contact"),
    ({"remarks": "x" * 2001}, "remarks", "longer"),
    ({"seat": "x" * 101}, "seat", "longer"),
    ({"observation": {"place": "x" * 501}}, "observation.place", "longer"),
    ({"personId": "person:1"}, "person", "either"),
]


@pytest.mark.parametrize(("more", "path", "says"), WRONG, ids=lambda one: str(one)[:60])
def test_what_cannot_be_taken_is_named(more: Row, path: str, says: str, shared: Writer) -> None:
    before = shared.counts("contacts", "idempotency")
    (row,) = rows(shared.do("registerContacts", NATIONAL, contacts_input(contact_row(**more))))
    assert ".".join(row["problem"]["path"]) == f"rows.0.{path}"
    assert says in row["problem"]["message"]
    assert shared.counts("contacts", "idempotency") == before


@pytest.mark.parametrize("number", [0, 1001])
def test_one_to_a_thousand_rows(number: int, shared: Writer) -> None:
    given = {**contacts_input(), "rows": [contact_row(person={"name": "某"})] * number}
    found = shared.do("registerContacts", NATIONAL, given)
    assert found["__typename"] == "InvalidInputProblem"
    assert found["path"] == ["rows"]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_thousand_rows_at_once(either: Writer) -> None:
    codes = ("320102", "320205")
    given = contacts_input(*(contact_row(code=codes[n % 2]) for n in range(1000)))
    document = """mutation ($input: RegisterContactsInput!) { registerContacts(input: $input) {
      ... on RegisterContactsPayload {
        registered repeated rows { duplicate contact { id person { id } } } } } }"""
    found = either.ask(document, NATIONAL, {"input": given}).data["registerContacts"]
    assert (found["registered"], found["repeated"]) == (1000, False)
    assert {row["duplicate"] for row in found["rows"]} == {False}
    assert either.counts("people", "contacts") == {"people": 1000, "contacts": 1000}
    assert len({row["contact"]["id"] for row in found["rows"]}) == 1000
    asked = len(either.reads)
    assert asked <= 4 * len(codes)  # key, duplicates, the contacts, their people: one a region
    again = either.ask(document, NATIONAL, {"input": given}).data["registerContacts"]
    assert (again["rows"], again["repeated"]) == (found["rows"], True)
    assert either.count("contacts") == 1000


def test_duplicates_are_flagged_in_other_regions_and_within_the_list(either: Writer) -> None:
    known, new = person(birthDate="1990-01-02"), person()
    either.do("registerCase", NATIONAL, case_input(person=known, code="320205"))
    given = contacts_input(
        contact_row(person={"phone": known["phone"]}),
        contact_row(person={"name": known["name"], "birthDate": "1990-01-02"}),
        contact_row(person={"name": known["name"]}),
        contact_row(person=new),
        contact_row(person={"idNumber": new["idNumber"].lower()}),
    )
    listed = rows(either.do("registerContacts", COUNTY, given))
    assert [row["duplicate"] for row in listed] == [True, True, False, False, True]
    assert either.count("contacts") == 5


def test_people_on_record_become_contacts(either: Writer) -> None:
    case = either.do("registerCase", DOCTOR, case_input())["case"]
    own = case["person"]["id"]
    theirs = either.do("registerCase", COLLEAGUE, case_input())["case"]["person"]["id"]
    given = contacts_input(
        contact_row(person=None, personId=own),
        contact_row(person=None, personId=theirs),
        contact_row(person=None, personId=own, level="GENERAL"),
        contact_row(person=None, personId=own, code="320205"),
    )
    listed = rows(either.do("registerContacts", DOCTOR, given))
    assert listed[0]["contact"]["person"] == {"id": own} == listed[2]["contact"]["person"]
    assert listed[0]["contact"]["name"] == case["name"]
    assert listed[0]["duplicate"] is True
    assert listed[1]["problem"]["code"] == "FORBIDDEN"
    assert listed[3]["problem"]["code"] == "FORBIDDEN"  # another county
    assert either.counts("people", "contacts") == {"people": 2, "contacts": 2}


def test_a_right_to_contacts_of_a_county_is_not_widened(writer: Writer) -> None:
    known = writer.do("registerCase", DOCTOR, case_input())["case"]["person"]["id"]
    rights: list[tuple[Any, str]] = [
        (grant("320105"), "FORBIDDEN"),
        (grant("320102", items=frozenset({"SEAT"})), ""),  # shows nothing of the person
        (grant("320102"), ""),  # sees the person already
    ]
    for number, (right, code) in enumerate(rights):
        who = viewer("320100", account=f"granted-{number}", grants=[right])
        where = "320105" if code else "320102"
        given = contacts_input(contact_row(person=None, personId=known, code=where))
        (row,) = rows(writer.do("registerContacts", who, given))
        assert (row["problem"]["code"] if row["problem"] else "") == code


def test_only_rejected_rows_leave_the_key_free(writer: Writer) -> None:
    given = contacts_input(contact_row(level="SECONDARY"))
    found = writer.do("registerContacts", NATIONAL, given)
    assert (found["registered"], found["rejected"], found["repeated"]) == (0, 1, False)
    mended = {**given, "rows": [contact_row(level="CLOSE")]}
    assert writer.do("registerContacts", NATIONAL, mended)["registered"] == 1
