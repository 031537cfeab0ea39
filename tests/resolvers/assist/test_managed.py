"""A person of a letter who was handed over to a third region: followed there, as long as the letter
is open (C1, C2).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from regions.instants import now
from resolvers.transfers.applying import ids_for
from resolvers.transfers.offers import offer_transfer
from resolvers.transfers.steps import decide_transfer
from resolvers.transfers.terms import Offer, OfferedPerson, Who
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    OFFICER,
    REGISTRAR,
    Correspondence,
)
from tests.resolvers.writing.making import (
    contact_row,
    contacts_input,
    sample_input,
    visit_input,
)

_WHOLE = """query ($n: [String!]) {
  assistRequests(filter: {number: $n, side: SENT}) { edges { node { state
    people { contact { id code name samples { result } visits { kind } } }
    events { event region } } } } }"""


def _hand_over(office: Correspondence, person: int) -> None:
    """Hands a person from Wuxi over to Chongqing."""
    sender, receiver = office.stores.of_region("320200"), office.stores.of_region("500100")
    assert sender is not None
    assert receiver is not None
    offer = Offer(
        "t-1",
        "500100",
        "cdc-500101",
        "500101",
        (OfferedPerson(person),),
        "CENTRAL_ISOLATION",
    )

    def offers(connection: Connection, first: int) -> Any:
        who = Who("xishan", "cdc-320205", "320205")
        return offer_transfer(connection, sender, first, offer, who, trace="t", at=now())

    def decides(connection: Connection, first: int) -> Any:
        who = Who("wanzhou", "cdc-500101", "500101")
        return decide_transfer(
            connection, receiver, first, "t-1", accept=None, refuse={}, who=who, trace="t", at=now()
        )

    assert office.run(sender.write(ids_for(1), offers)).refusal is None
    office.deliver()
    assert office.run(receiver.write(ids_for(1), decides)).refusal is None
    office.deliver()


def _contact(office: Correspondence, letter: Any) -> Any:
    asked = office.ask(_WHOLE, CLERK, {"n": [letter["number"]]})
    assert asked.errors == []
    (edge,) = asked.data["assistRequests"]["edges"]
    return edge["node"]["people"][0]["contact"]


def test_a_person_is_followed_to_where_they_are_managed_now(either: Correspondence) -> None:
    office = either
    sent, got = office.worked_on(CLERK, people=1)
    row = contact_row(code="320205", route="OTHER_CITY")
    found = office.do("registerContacts", REGISTRAR, contacts_input(row))["rows"][0]["contact"]
    office.control(got, 1, contact=found["id"])
    office.do("recordSample", REGISTRAR, sample_input(found["id"]))
    office.do("recordVisit", REGISTRAR, visit_input(found["id"]))
    office.deliver()
    assert _contact(office, sent)["code"] == "320205"
    _hand_over(office, int(found["person"]["id"].partition(":")[2]))
    there = _contact(office, sent)
    assert (there["id"], there["code"]) == (found["id"], "500101")
    assert there["name"] == row["person"]["name"]
    assert [len(there[name]) for name in ("samples", "visits")] == [1, 1]
    office.done("feedBackAssistRequest", OFFICER, got)
    office.done("closeAssistRequest", ISSUER, sent)
    office.deliver()
    assert _contact(office, sent) is None
    assert {one["ended_at"] is None for one in office.rows("shares", "500100")} == {False}
