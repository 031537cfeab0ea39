"""recordVisit and recordSample."""

from __future__ import annotations

import pytest

from tests.resolvers.writing.making import (
    CITY,
    COLLEAGUE,
    COUNTY,
    DOCTOR,
    NATIONAL,
    Row,
    Writer,
    case_input,
    contacts_input,
    sample_input,
    visit_input,
)


def test_a_visit_and_a_sample_of_a_case_and_a_contact(either: Writer) -> None:
    case = either.do("registerCase", DOCTOR, case_input())["case"]["id"]
    contact = either.do("registerContacts", DOCTOR, contacts_input())["rows"][0]["contact"]["id"]
    for record, kind in ((case, "case"), (contact, "contact")):
        given = visit_input(
            record,
            kind="HOME_VISIT",
            visitedAt="2026-03-05T08:00:00+08:00",
            temperatureTenths=376,
            symptoms=["COUGH", "FEVER", "COUGH"],
            coResidents=3,
            coResidentsIll=1,
            remarks="备注",
        )
        visit = either.do("recordVisit", COLLEAGUE, given)["visit"]
        assert visit[kind] == {"id": record}
        assert visit["visitedAt"] == "2026-03-05T00:00:00Z"
        assert visit["symptoms"] == ["COUGH", "FEVER"]
        assert (visit["coResidents"], visit["coResidentsIll"]) == (3, 1)
        assert visit["remarks"] == "备注"
        assert visit["code"] == "320102"
        given = sample_input(
            record,
            test="ANTIBODY",
            takenAt="2026-03-05T08:00:00+08:00",
            result="POSITIVE",
            resultAt="2026-03-05T18:00:00+08:00",
            laboratory="hospital-320102-1",
            remarks="*",
        )
        sample = either.do("recordSample", DOCTOR, given)["sample"]
        assert sample[kind] == {"id": record}
        assert sample["laboratory"] == "hospital-320102-1"
        assert sample["remarks"] is None
    assert {row["reporter"] for row in either.rows("visits")} == {"colleague"}
    people = {row["person_id"] for row in either.rows("visits")}
    assert people == {row["id"] for row in either.rows("people")}


def test_the_moment_is_now_unless_given(writer: Writer) -> None:
    case = writer.do("registerCase", DOCTOR, case_input())["case"]["id"]
    writer.do("recordVisit", DOCTOR, visit_input(case))
    writer.do("recordSample", DOCTOR, sample_input(case))
    (visit,), (sample,) = writer.rows("visits"), writer.rows("samples")
    assert visit["visited_at"] == visit["created_at"]
    assert sample["taken_at"] == sample["created_at"]
    assert (sample["test"], sample["result"]) == ("NUCLEIC_ACID", "PENDING")
    assert visit["remarks"] is sample["remarks"] is None


VISITS: list[tuple[Row, str, str]] = [
    ({"visitedAt": "2099-01-01T00:00:00Z"}, "visitedAt", "future"),
    ({"temperatureTenths": 37}, "temperatureTenths", "300 to 450"),
    ({"temperatureTenths": 451}, "temperatureTenths", "300 to 450"),
    ({"coResidents": -1}, "coResidents", "0 to 100"),
    ({"coResidents": 2, "coResidentsIll": 3}, "coResidentsIll", "asked after"),
    ({"coResidentsIll": 1}, "coResidentsIll", "asked after"),
    ({"record": "person:1"}, "record", "contact or a case"),
    ({"record": "nonsense"}, "record", "contact or a case"),
    ({"remarks": "x" * 2001}, "remarks", "longer"),
]
SAMPLES: list[tuple[Row, str, str]] = [
    ({"takenAt": "2099-01-01T00:00:00Z"}, "takenAt", "future"),
    ({"resultAt": "2026-03-01T00:00:00Z"}, "resultAt", "older than the sample"),
    (
        {"takenAt": "2026-03-01T00:00:00Z", "resultAt": "2026-03-01T00:00:00Z"},
        "resultAt",
        "needs a result",
    ),
    ({"laboratory": "the one in the north"}, "laboratory", "a word"),
    ({"record": "visit:1"}, "record", "contact or a case"),
]


@pytest.mark.parametrize(("more", "path", "says"), VISITS, ids=lambda one: str(one)[:50])
def test_a_visit_that_cannot_be_taken(more: Row, path: str, says: str, shared: Writer) -> None:
    case = shared.do("registerCase", DOCTOR, case_input())["case"]["id"]
    found = shared.do("recordVisit", DOCTOR, {**visit_input(case), **more})
    assert (found["__typename"], found["path"]) == ("InvalidInputProblem", [path])
    assert says in found["message"]


@pytest.mark.parametrize(("more", "path", "says"), SAMPLES, ids=lambda one: str(one)[:50])
def test_a_sample_that_cannot_be_taken(more: Row, path: str, says: str, shared: Writer) -> None:
    case = shared.do("registerCase", DOCTOR, case_input())["case"]["id"]
    given = {**sample_input(case, result="PENDING"), **more}
    found = shared.do("recordSample", DOCTOR, given)
    assert (found["__typename"], found["path"]) == ("InvalidInputProblem", [path])
    assert says in found["message"]


@pytest.mark.parametrize("mutation", ["recordVisit", "recordSample"])
@pytest.mark.leak(35)
def test_hidden_and_missing_are_told_the_same(mutation: str, writer: Writer) -> None:
    other = writer.do("registerCase", CITY, case_input(code="320104"))["case"]["id"]
    unit = writer.do("registerCase", COUNTY, case_input())["case"]["id"]
    make = visit_input if mutation == "recordVisit" else sample_input
    nobody, nowhere = f"case:{320100 << 43 | 99}", "case:7"
    results = [
        writer.do(mutation, who, make(record))
        for who, record in (
            (COUNTY, other),
            (DOCTOR, unit),
            (COUNTY, nobody),
            (NATIONAL, nowhere),
        )
    ]
    assert results[0]["__typename"] == "NotFoundProblem"
    assert results[0]["path"] == ["record"]
    assert all(one == results[0] for one in results)
    assert writer.counts("visits", "samples", "idempotency")["idempotency"] == 2
