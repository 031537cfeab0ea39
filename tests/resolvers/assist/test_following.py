"""What is written of a person while a letter is open comes to the other side (C)."""

from __future__ import annotations

from resolvers.users import Role
from tests.answering import viewer
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    Correspondence,
    letter_input,
)
from tests.resolvers.writing.making import (
    contact_row,
    contacts_input,
    correction,
    sample_input,
    visit_input,
)

DOCTOR = viewer("320102", Role.DIRECT_REPORTER, account="doctor", unit="cdc-320102")


def test_the_issuers_samples_and_corrections_are_versions(either: Correspondence) -> None:
    office = either
    row = contact_row(code="320102")
    found = office.do("registerContacts", DOCTOR, contacts_input(row))["rows"][0]["contact"]
    given = letter_input() | {"people": [{"contact": found["id"]}]}
    draft = office.done("createAssistRequest", CLERK, **given)
    sent = office.done("submitAssistRequest", CLERK, draft)
    got = office.received(RECEIVER, sent)
    office.done("acknowledgeAssistRequest", RECEIVER, got)
    office.do("recordSample", DOCTOR, sample_input(found["id"]))
    office.do("correct", DOCTOR, correction(found["person"]["id"], ("phone", "15400009999")))
    office.do("correct", DOCTOR, correction(found["id"], ("level", "GENERAL")))
    office.deliver()
    got = office.received(RECEIVER, sent)
    assert (got["version"], got["readVersion"]) == (4, 1)
    assert got["people"][0]["phone"] == "15400009999"
    told = [one["detail"] for one in got["events"] if one["event"] == "AMEND"]
    for name in ("people.1.samples", "people.1.phone", "people.1.level"):
        assert any(name in one for one in told)
    assert "15400009999" not in str(told)
    assert office.refused("assignAssistRequest", OFFICER, got) == "READ_NOW"
    office.done("readAssistRequest", OFFICER, got)
    office.done("assignAssistRequest", OFFICER, got)
    assert office.issued(ISSUER, sent)["pending"] is None


def test_the_receivers_tests_and_visits_are_news(office: Correspondence) -> None:
    sent, got = office.worked_on(people=1)
    row = contact_row(code="320205", route="OTHER_CITY")
    found = office.do("registerContacts", REGISTRAR, contacts_input(row))["rows"][0]["contact"]
    office.control(got, 1, contact=found["id"])
    office.do("recordSample", REGISTRAR, sample_input(found["id"]))
    office.do("recordVisit", REGISTRAR, visit_input(found["id"]))
    office.deliver()
    for one in (office.issued(ISSUER, sent), office.received(RECEIVER, sent)):
        told = [e for e in one["events"] if e["event"] == "CARE"]
        assert [e["person"] for e in told] == [1, 1]
        assert '"record":"sample:' in told[0]["detail"]
        assert '"record":"visit:' in told[1]["detail"]


def test_a_letter_that_ended_hears_nothing(office: Correspondence) -> None:
    row = contact_row(code="320102")
    found = office.do("registerContacts", DOCTOR, contacts_input(row))["rows"][0]["contact"]
    given = letter_input() | {"people": [{"contact": found["id"]}]}
    draft = office.done("createAssistRequest", CLERK, **given)
    sent = office.done("submitAssistRequest", CLERK, draft)
    office.done("withdrawAssistRequest", CLERK, sent, reasonCode="MISTAKE")
    office.do("recordSample", DOCTOR, sample_input(found["id"]))
    assert office.issued(ISSUER, sent)["version"] == 1
