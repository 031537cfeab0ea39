"""Letters that go on over three regions: the chain, the clock, what each side knows (C2, C3)."""

from __future__ import annotations

from typing import Any

from resolvers.users import Role
from tests.answering import viewer
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    NATIONAL,
    OFFICER,
    RECEIVER,
    THIRD,
    Correspondence,
    controlled,
)
from tests.resolvers.writing.making import contact_row, contacts_input, sample_input, visit_input

_THERE = viewer("500101", Role.DIRECT_REPORTER, account="there", unit="cdc-500101")
_WHOLE = """query ($n: [String!]) {
  assistRequests(filter: {number: $n, side: SENT}) { edges { node {
    state forwardedTo people { position state controlMode forwardedTo
      contact { id code name samples { result } visits { kind } } }
    events { event phase number region person } } } } }"""


def _whole(office: Correspondence, who: Any, letter: Any) -> Any:
    asked = office.ask(_WHOLE, who, {"n": [letter["number"]]})
    assert asked.errors == []
    (edge,) = asked.data["assistRequests"]["edges"]
    return edge["node"]


def _managed(office: Correspondence, got: Any, position: int) -> str:
    """A contact in Chongqing with a test and a visit, reported to whoever asked."""
    row = contact_row(code="500101", route="OTHER_PROVINCE")
    contact: str = office.do("registerContacts", _THERE, contacts_input(row))["rows"][0]["contact"][
        "id"
    ]
    office.do("recordSample", _THERE, sample_input(contact))
    office.do("recordVisit", _THERE, visit_input(contact))
    report = controlled(position) | {"foundCode": "500101", "contact": contact}
    office.done("reportAssistPerson", THIRD, got, **report)
    office.deliver()
    return contact


def test_a_forwarded_letter_keeps_its_chain_and_clock_and_its_news_come_back(
    either: Correspondence,
) -> None:
    office = either
    sent, got = office.taken(CLERK, people=1)
    got = office.done("forwardAssistRequest", OFFICER, got, toCode="500101", reasonCode="MOVED")
    assert got["state"] == "FORWARDED"
    assert got["people"][0]["name"] == "*"  # the unit has handed it on
    (there,) = office.letters(THIRD)
    assert there["number"] == got["forwardedTo"]
    assert (there["parentNumber"], there["rootNumber"]) == (sent["number"], sent["number"])
    assert there["hops"] == ["cdc-320102"]
    assert (there["sentAt"], there["acknowledgeDue"]) == (sent["sentAt"], sent["acknowledgeDue"])
    assert there["people"][0]["name"].startswith("测试甲")
    office.done("acknowledgeAssistRequest", THIRD, there)
    for circle in ("320102", "320205"):
        found = office.refused("forwardAssistRequest", THIRD, there, toCode=circle)
        assert found == "NEW_HOLDER"
    there = office.done("assignAssistRequest", THIRD, there)
    contact = _managed(office, there, 1)
    first = _whole(office, CLERK, sent)
    assert (first["state"], first["forwardedTo"]) == ("FORWARDED", there["number"])
    person = first["people"][0]
    assert (person["state"], person["controlMode"]) == ("FORWARDED", "CENTRAL")
    assert person["contact"]["id"] == contact
    assert person["contact"]["code"] == "500101"
    assert [len(person["contact"][name]) for name in ("samples", "visits")] == [1, 1]
    assert person["contact"]["name"].startswith("测试甲")
    told = [(one["event"], one["number"], one["region"]) for one in first["events"]]
    assert ("FORWARD", sent["number"], "320200") in told
    for event in ("ACKNOWLEDGE", "ASSIGN", "CONTROL"):
        assert (event, there["number"], "500100") in told
    # Whoever forwarded is the issuer of the letter that goes on.
    office.done("feedBackAssistRequest", THIRD, there)
    onward = office.issued(RECEIVER, there)
    assert onward["state"] == "FEEDBACK_GIVEN"
    office.done("closeAssistRequest", RECEIVER, onward)
    office.deliver()
    assert ("ACCEPT", there["number"], "500100") in [
        (one["event"], one["number"], one["region"])
        for one in _whole(office, CLERK, sent)["events"]
    ]
    assert _whole(office, CLERK, sent)["people"][0]["contact"] is None
    assert len(office.letters(NATIONAL, rootNumber=sent["number"])) == 2


def test_a_person_who_left_is_carried_on_alone(office: Correspondence) -> None:
    sent, got = office.worked_on(CLERK, people=2)
    left = {"people": [2], "finding": "LEFT", "destinationCode": "500101"}
    got = office.done("reportAssistPerson", OFFICER, got, **left)
    assert got["state"] == "IN_PROGRESS"
    assert [one["state"] for one in got["people"]] == ["IN_PROGRESS", "FORWARDED"]
    (there,) = office.letters(THIRD)
    assert [one["position"] for one in there["people"]] == [2]
    assert got["people"][1]["forwardedTo"] == there["number"]
    office.done("acknowledgeAssistRequest", THIRD, there)
    there = office.done("assignAssistRequest", THIRD, there)
    _managed(office, there, 2)
    office.control(got, 1)
    found = _whole(office, CLERK, sent)
    assert [one["state"] for one in found["people"]] == ["CONTROLLED", "FORWARDED"]
    assert found["people"][1]["contact"]["code"] == "500101"
    office.done("feedBackAssistRequest", OFFICER, got)
    office.done("closeAssistRequest", ISSUER, sent)
    # The letter that goes on is open still, and what it shares.
    assert office.received(THIRD, there)["people"][0]["name"] != "*"


def test_a_letter_that_went_on_may_be_refused_and_sent_elsewhere(office: Correspondence) -> None:
    _, got = office.taken(people=1)
    office.done("forwardAssistRequest", OFFICER, got, toCode="500101")
    (there,) = office.letters(THIRD)
    there = office.done("acknowledgeAssistRequest", THIRD, there)
    office.done("refuseAssistRequest", THIRD, there, reason="INSUFFICIENT")
    mine = office.issued(RECEIVER, there)
    assert mine["state"] == "REFUSED"
    office.done("amendAssistRequest", RECEIVER, mine, toCode="500102")
    again = office.done("submitAssistRequest", RECEIVER, mine)
    assert (again["state"], again["version"], again["toUnit"]) == ("SENT", 2, "cdc-500102")
