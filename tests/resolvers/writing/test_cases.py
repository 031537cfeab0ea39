"""registerCase: what it writes, what it refuses, the daily counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answering import grant, viewer
from tests.resolvers.writing.making import (
    CITY,
    COLLEAGUE,
    COUNTY,
    DOCTOR,
    NATIONAL,
    Row,
    Writer,
    case_input,
    person,
)


def mistakes(found: Row) -> dict[str, str]:
    """Paths and messages of an InvalidInputProblem."""
    assert found["__typename"] == "InvalidInputProblem", found
    assert found["code"] == "INVALID_INPUT"
    first = found["mistakes"][0]
    assert (found["path"], found["message"]) == (first["path"], first["message"])
    assert all(one["messageZh"] for one in found["mistakes"])
    return {".".join(one["path"]): one["message"] for one in found["mistakes"]}


def test_a_case_is_written_with_its_person_exposures_unit_and_count(either: Writer) -> None:
    source = either.do("registerCase", DOCTOR, case_input(code="320102"))["case"]["id"]
    given = case_input(
        classification="PROBABLE",
        origin="IMPORTED",
        foundBy="SOURCE_TRACING",
        diagnosedAt="2026-03-02T10:00:00+08:00",
        diedOn="2026-03-05",
        remarks="  两行\n备注  ",
        exposures=[
            {"kind": "TRAVEL", "code": "110101", "startedOn": "2026-02-01", "place": "某宾馆"},
            {"sourceCase": source},
        ],
    )
    found = either.do("registerCase", DOCTOR, given)
    case = found["case"]
    assert found["duplicate"] is False
    assert case["name"] == given["person"]["name"]
    assert case["idNumber"] == given["person"]["idNumber"]
    assert (case["sex"], case["person"]["birthDate"]) == ("M", "1990-01-02")
    assert case["age"] >= 36
    assert case["remarks"] == "两行\n备注"
    assert case["outcome"] == "DIED"
    assert case["reportedBy"] == {"id": "hospital-320102-1", "nameZh": "某单位"}
    assert case["exposures"][1]["sourceCase"] == {"id": source}
    (row,) = [r for r in either.rows("cases") if f"case:{r['id']}" == case["id"]]
    assert row["reporter"] == "doctor"
    assert row["reporter_unit"] == row["unit_id"] == "hospital-320102-1"
    assert row["reported_at"] == "2026-03-02T01:00:00Z"
    assert either.rows("exposures")[0]["place"] == "某宾馆"
    counts = [(c["day"], c["cases"], c["deaths"]) for c in either.rows("daily_counts")]
    assert counts == [("2026-03-02", 2, 1)]
    (unit,) = [u for u in either.rows("units") if u["id"] == "hospital-320102-1"]
    assert (unit["code"], unit["level"]) == ("320102", "COUNTY")


def test_a_masked_viewer_sees_the_case_as_it_will_always_see_it(writer: Writer) -> None:
    case = writer.do("registerCase", COUNTY, case_input(remarks="备注"))["case"]
    assert {case[name] for name in ("name", "idNumber", "age", "sex", "remarks")} == {"*"}


def test_masks_sent_back_by_a_form_are_not_given(either: Writer) -> None:
    masked = dict.fromkeys(
        ("idNumber", "sex", "age", "birthDate", "employer", "residence", "guardian", "idType"), "*"
    )
    given = case_input(
        person={**masked, "name": "测试乙", "phone": " * "},
        remarks="*",
        exposures=[{"kind": "OTHER", "place": "*"}],
    )
    case = either.do("registerCase", DOCTOR, given)["case"]
    assert case["name"] == "测试乙"
    (row,) = either.rows("people")
    items = ("id_number", "sex", "age", "birth_date", "employer", "residence", "phone", "id_type")
    assert {row[name] for name in items} == {None}
    assert row["phone_index"] is row["id_number_index"] is None
    assert either.rows("cases")[0]["remarks"] is None
    assert either.rows("exposures")[0]["place"] is None


def test_reported_at_is_now_unless_given(writer: Writer) -> None:
    given = case_input()
    del given["reportedAt"]
    case = writer.do("registerCase", DOCTOR, given)["case"]
    assert case["reportedAt"] == writer.rows("cases")[0]["created_at"]


WRONG: list[tuple[Row, str, str]] = [
    ({"disease": "nonsense"}, "disease", "no such disease"),
    ({"code": "320103"}, "code", "320104 Qinhuai"),  # dead since 2013: the successor is named
    ({"code": "990101"}, "code", "no such code"),
    ({"code": "320100"}, "code", "code of a county"),
    ({"code": "110101"}, "code", "no configured region"),
    ({"onsetOn": "2099-01-01"}, "onsetOn", "future"),
    ({"onsetOn": "1899-12-31"}, "onsetOn", "before 1900"),
    ({"onsetOn": "2026-03-03"}, "onsetOn", "after the report"),
    ({"diagnosedAt": "2099-01-01T00:00:00Z"}, "diagnosedAt", "future"),
    ({"reportedAt": "2099-01-01T00:00:00Z"}, "reportedAt", "future"),
    ({"outcomeOn": "2026-03-04"}, "outcomeOn", "needs the outcome"),
    ({"outcomeOn": "2026-02-04", "outcome": "RECOVERED"}, "outcomeOn", "before the first"),
    ({"diedOn": "2026-02-04"}, "diedOn", "before the first"),
    ({"diedOn": "2026-03-04", "outcome": "RECOVERED"}, "diedOn", "needs the outcome DIED"),
    ({"remarks": "x" * 2001}, "remarks", "longer than 2000"),
    ({"remarks": "bell\a"}, "remarks", "control character"),
    ({"person": None}, "person", "either person or personId"),
    ({"personId": "person:1"}, "person", "either person or personId"),
    ({"person": None, "personId": "case:1"}, "personId", "not the id of a person"),
    ({"person": None, "personId": "nonsense"}, "personId", "not the id of a person"),
    ({"person": None, "personId": "person:1"}, "personId", "in another region"),
    ({"exposures": [{}] * 51}, "exposures", "at most 50"),
    ({"exposures": [{"code": "990000"}]}, "exposures.0.code", "no such code"),
    (
        {"exposures": [{"startedOn": "2026-02-02", "endedOn": "2026-02-01"}]},
        "exposures.0.endedOn",
        "before the first",
    ),
    ({"exposures": [{"sourceCase": "contact:1"}]}, "exposures.0.sourceCase", "id of a case"),
    (
        {"exposures": [{"sourceCase": f"case:{320100 << 43 | 99}"}]},
        "exposures.0.sourceCase",
        "no case",
    ),
    ({"exposures": [{"sourceCase": "case:7"}]}, "exposures.0.sourceCase", "no case"),
]


@pytest.mark.parametrize(("more", "path", "says"), WRONG, ids=lambda one: str(one)[:60])
def test_what_cannot_be_taken_is_named(more: Row, path: str, says: str, shared: Writer) -> None:
    before = shared.counts("people", "cases", "idempotency")
    found = shared.do("registerCase", NATIONAL, case_input(**more))
    assert says in mistakes(found)[path]
    assert shared.counts("people", "cases", "idempotency") == before


def test_every_mistake_is_told_at_once_and_a_mended_input_goes_with_the_same_key(
    writer: Writer,
) -> None:
    given = case_input()
    wrong = {**given, "disease": "x", "code": "320103", "onsetOn": "2099-01-01"}
    found = mistakes(writer.do("registerCase", NATIONAL, wrong))
    assert set(found) == {"disease", "code", "onsetOn"}
    assert writer.do("registerCase", NATIONAL, given)["repeated"] is False


def test_a_case_reported_the_same_local_day_as_its_onset_is_right(writer: Writer) -> None:
    given = case_input(onsetOn="2026-03-02", reportedAt="2026-03-02T00:30:00+08:00")
    assert writer.do("registerCase", NATIONAL, given)["__typename"] == "RegisterCasePayload"


@pytest.mark.parametrize(
    ("who", "code", "allowed"),
    [
        (NATIONAL, "320205", True),
        (CITY, "320105", True),
        (CITY, "320205", False),
        (COUNTY, "320102", True),
        (COUNTY, "320104", False),
        (DOCTOR, "320102", True),
        (DOCTOR, "320104", False),
    ],
    ids=lambda one: getattr(one, "account", str(one)),
)
def test_a_record_lies_in_the_writers_jurisdiction(
    who: Any, code: str, allowed: bool, writer: Writer
) -> None:
    found = writer.do("registerCase", who, case_input(code=code))
    assert (found["__typename"] == "RegisterCasePayload") is allowed
    if not allowed:
        assert found["__typename"] == "ForbiddenProblem"
        assert found["code"] == "FORBIDDEN"
        assert writer.count("cases") == 0


def test_a_person_on_record_gets_a_second_case(either: Writer) -> None:
    first = either.do("registerCase", DOCTOR, case_input())["case"]
    given = case_input(person=None, personId=first["person"]["id"], disease="influenza")
    found = either.do("registerCase", DOCTOR, given)
    assert found["duplicate"] is True
    assert found["case"]["person"] == first["person"]
    assert found["case"]["name"] == first["name"]
    assert either.counts("people", "cases") == {"people": 1, "cases": 2}


def test_a_person_nobody_may_open_is_not_found(writer: Writer) -> None:
    theirs = writer.do("registerCase", CITY, case_input(code="320104"))["case"]["person"]["id"]
    nobody = f"person:{320100 << 43 | 99}"
    results = [
        writer.do("registerCase", COUNTY, case_input(person=None, personId=one))
        for one in (theirs, nobody)
    ]
    assert results[0] == results[1]
    assert results[0]["__typename"] == "NotFoundProblem"
    assert results[0]["path"] == ["personId"]


@pytest.mark.leak(22)
def test_nobody_unmasks_a_person_by_a_record_of_ones_own(writer: Writer) -> None:
    """A colleague's person is masked for a direct reporter; an own case of it would show it."""
    known = writer.do("registerCase", COLLEAGUE, case_input())["case"]["person"]["id"]
    found = writer.do("registerCase", DOCTOR, case_input(person=None, personId=known))
    assert found["__typename"] == "ForbiddenProblem"
    granted = viewer("320100", account="granted", grants=[grant("320105")])
    given = case_input(person=None, personId=known, code="320105")
    assert writer.do("registerCase", granted, given)["__typename"] == "ForbiddenProblem"
    given = case_input(person=None, personId=known, code="320104")
    assert writer.do("registerCase", granted, given)["case"]["name"] == "*"
    half = viewer("320100", account="half", grants=[grant("320102", types=frozenset({"CASE"}))])
    given = case_input(person=None, personId=known, code="320102")
    assert writer.do("registerCase", half, given)["case"]["name"] != "*"  # seen by a case already


def test_duplicates_are_flagged_over_all_regions_and_never_refused(either: Writer) -> None:
    somebody = person(birthDate="1990-01-02")
    either.do("registerCase", NATIONAL, case_input(person=somebody, code="320205"))
    for items in (("idNumber",), ("phone",), ("name", "birthDate")):
        part = {name: somebody[name] for name in items}
        assert either.do("registerCase", COUNTY, case_input(person=part))["duplicate"] is True
    other = case_input(person={"name": somebody["name"]})
    assert either.do("registerCase", COUNTY, other)["duplicate"] is False


def test_errors_before_the_mutation_do_not_echo(writer: Writer) -> None:
    document = "mutation ($i: RegisterCaseInput!) { registerCase(input: $i) { __typename } }"
    secret = "张三丰"
    for given in (
        {"person": {"name": secret}},
        case_input(person={"name": {"x": secret}}),
        case_input(person=secret),
        case_input(person={"age": secret}),
        case_input(person={"birthDate": secret}),
        case_input(classification=secret),
        case_input(code=secret),
        case_input(person={"nick": secret}),
    ):
        asked = writer.ask(document, NATIONAL, {"i": given})
        assert asked.data is None
        assert secret not in str(asked.body)
        literal = f'mutation {{ registerCase(input: {{disease: "{secret}"}}) {{ __typename }} }}'
        assert secret not in str(writer.ask(literal, NATIONAL).body)
