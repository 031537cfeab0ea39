"""A letter between two regions: both copies, who sees what, the timeline on both sides."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from resolvers.users import Role
from tests.answering import viewer
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    NATIONAL,
    NEIGHBOUR,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    THIRD,
    Correspondence,
    document,
    letter_input,
)
from tests.resolvers.writing.making import (
    contact_row,
    contacts_input,
    sample_input,
    visit_input,
)


def _timeline(letter: Any) -> list[tuple[str, str, Any]]:
    return [(one["event"], one["phase"], one["person"]) for one in letter["events"]]


def test_a_letter_is_written_sent_worked_on_answered_and_closed(either: Correspondence) -> None:
    office = either
    draft = office.draft(CLERK)
    assert (draft["state"], draft["side"], draft["version"]) == ("DRAFT", "SENT", 1)
    assert draft["toUnit"] == "cdc-320205"
    assert draft["copiedTo"] == ["cdc-320000", "cdc-320100", "cdc-320200"]
    assert [one["position"] for one in draft["people"]] == [1, 2]
    assert draft["people"][0]["name"].startswith("测试甲")
    sent = office.done("submitAssistRequest", ISSUER, draft)
    assert (sent["state"], sent["peopleCount"]) == ("SENT", 2)
    got = office.received(RECEIVER, sent)
    assert got["id"] != sent["id"]
    assert (got["state"], got["side"], got["readVersion"]) == ("SENT", "RECEIVED", 0)
    assert got["acknowledgeDue"] == sent["acknowledgeDue"]
    got = office.done("acknowledgeAssistRequest", RECEIVER, got)
    assert (got["state"], got["readVersion"]) == ("RECEIVED", 1)
    assert office.issued(ISSUER, sent)["state"] == "RECEIVED"
    got = office.done("assignAssistRequest", OFFICER, got)
    assert (got["state"], got["assignedTo"]) == ("IN_PROGRESS", "xishan-officer")
    assert {one["state"] for one in got["people"]} == {"IN_PROGRESS"}
    got = office.control(got, 1)
    assert got["state"] == "IN_PROGRESS"
    got = office.control(got, 2)
    assert (got["state"], got["controlledAt"]) == ("CONTROLLED", "2026-11-27T02:00:00Z")
    assert got["feedbackDue"] is not None
    got = office.done("feedBackAssistRequest", OFFICER, got)
    sent = office.issued(CLERK, sent)
    assert (got["state"], sent["state"]) == ("FEEDBACK_GIVEN", "FEEDBACK_GIVEN")
    assert [one["controlMode"] for one in sent["people"]] == ["CENTRAL", "CENTRAL"]
    assert sent["people"][0]["controlPlace"].startswith("Qz7Canary")
    closed = office.done("closeAssistRequest", ISSUER, sent)
    assert (closed["state"], closed["pending"]) == ("CLOSED", None)
    got = office.received(RECEIVER, sent)
    assert got["state"] == "CLOSED"
    assert {one["state"] for one in got["people"]} == {"CONTROLLED"}
    there, here = _timeline(got), _timeline(office.issued(ISSUER, sent))
    assert here == [("CREATE", "DECIDED", None), *there]
    assert there == [
        ("SUBMIT", "DECIDED", None),
        ("DELIVER", "NOTED", None),
        ("ACKNOWLEDGE", "DECIDED", None),
        ("ASSIGN", "DECIDED", None),
        ("CONTROL", "DECIDED", 1),
        ("CONTROL", "DECIDED", 2),
        ("FEED_BACK", "DECIDED", None),
        ("ACCEPT", "REQUESTED", None),
        ("ACCEPT", "DECIDED", None),
    ]


def test_the_receiving_unit_sees_what_the_letter_shares_while_it_is_open(
    office: Correspondence,
) -> None:
    sent, got = office.worked_on(CLERK, sharedItems=["NAME", "PHONE"])
    for who in (OFFICER, RECEIVER):
        one = office.received(who, sent)["people"][0]
        assert one["name"].startswith("测试甲")
        assert one["phone"].startswith("154")
        assert (one["idNumber"], one["employer"], one["remarks"]) == ("*", "*", "*")
    seen = office.received(OFFICER, sent)
    assert seen["caseName"].startswith("Qz7Canary")
    assert seen["remarks"] == "*"
    told = office.ask(
        "query ($n: [String!]) { assistRequests(filter: {number: $n}) "
        "{ edges { node { people { name } } } } }",
        OFFICER,
        {"n": [sent["number"]]},
    ).told
    reason = f"assist:{sent['number']}"
    assert {kind: len(ids) for kind, ids in told["reasons"][reason].items()} == {"assistperson": 2}
    # Others of the jurisdiction, and of the issuer's, see that there is a letter.
    for who in (NATIONAL, ISSUER):
        (one,) = office.letters(who, number=[sent["number"]], side="SENT")
        assert {one["caseName"], *(p["name"] for p in one["people"])} == {"*"}
    assert office.letters(NEIGHBOUR) == []
    office.control(got, 1, 2)
    office.done("feedBackAssistRequest", OFFICER, got)
    office.done("closeAssistRequest", ISSUER, sent)
    after = office.received(OFFICER, sent)
    assert {after["caseName"], *(one["name"] for one in after["people"])} == {"*"}


def test_what_is_not_shared_never_comes_to_the_receivers_store(office: Correspondence) -> None:
    sent = office.sent(sharedItems=["NAME"])
    (letter,) = office.rows("assist_requests", "320200")
    assert (letter["case_phone"], letter["remarks"]) == (None, None)
    for one in office.rows("assist_people", "320200"):
        assert one["name"].startswith("测试甲")
        assert {one[item] for item in ("id_number", "phone", "employer", "guardian")} == {None}
    assert sent["people"][0]["name"] == "*"


def test_a_letter_goes_within_one_region_too(office: Correspondence) -> None:
    sent = office.sent(CLERK, "320104")
    got = office.received(NEIGHBOUR, sent)
    office.done("acknowledgeAssistRequest", NEIGHBOUR, got)
    assert [one["state"] for one in office.letters(NATIONAL)] == ["RECEIVED"]
    assert len(office.rows("assist_requests")) == 2


def test_an_action_is_for_the_right_unit_and_side(office: Correspondence) -> None:
    sent = office.sent()
    got = office.received(RECEIVER, sent)
    assert office.refused("acknowledgeAssistRequest", OFFICER, got) == "DUTY"
    assert office.refused("acknowledgeAssistRequest", ISSUER, sent) == "NOT_YOUR_SIDE"
    assert office.refused("withdrawAssistRequest", RECEIVER, got, reasonCode="MISTAKE") == (
        "NOT_YOUR_SIDE"
    )
    for who, letter, problem in (
        (NATIONAL, got, "ForbiddenProblem"),
        (NEIGHBOUR, sent, "NotFoundProblem"),
        (THIRD, got, "NotFoundProblem"),
    ):
        found = office.act("acknowledgeAssistRequest", who, letter)
        assert found["__typename"] == problem


def test_people_are_in_a_township_or_village_of_one_county(office: Correspondence) -> None:
    given = letter_input(people=2)
    del given["toCode"]
    given["idempotencyKey"] = "villages"
    given["people"][0]["whereaboutsCode"] = "320205102"
    given["people"][1]["whereaboutsCode"] = "320205102001"
    draft = office.done("createAssistRequest", CLERK, **given)
    assert draft["toUnit"] == "cdc-320205"
    assert [one["whereaboutsCode"] for one in draft["people"]] == ["320205", "320205"]
    change = [{"position": 1, "whereaboutsCode": "320214001"}]
    amended = office.done("amendAssistRequest", CLERK, draft, people=change)
    assert amended["people"][0]["whereaboutsCode"] == "320214"
    for code in ("32020", "3202051020011", "32020a"):
        given["people"][0]["whereaboutsCode"] = code
        asked = office.ask(document("createAssistRequest"), CLERK, {"input": given})
        assert asked.data is None
        assert "AreaCode" in asked.errors[0]["message"]


def test_a_key_that_comes_again_does_nothing(office: Correspondence) -> None:
    sent = office.sent()
    got = office.received(RECEIVER, sent)
    first = office.act("acknowledgeAssistRequest", RECEIVER, got, idempotencyKey="once")
    again = office.act("acknowledgeAssistRequest", RECEIVER, got, idempotencyKey="once")
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["assistRequest"]["events"] == again["assistRequest"]["events"]
    other = office.act(
        "refuseAssistRequest", RECEIVER, got, reason="DUPLICATE", idempotencyKey="once"
    )
    assert other["__typename"] == "IdempotencyConflict"


def test_the_issuer_follows_the_person_where_the_receiver_manages_them(
    either: Correspondence,
) -> None:
    office = either
    sent, got = office.worked_on(CLERK, people=1)
    row = contact_row(code="320205", route="OTHER_CITY")
    found = office.do("registerContacts", REGISTRAR, contacts_input(row))
    contact = found["rows"][0]["contact"]["id"]
    office.control(got, 1, contact=contact)
    office.do("recordSample", REGISTRAR, sample_input(contact))
    office.do("recordVisit", REGISTRAR, visit_input(contact))
    asked = office.ask(_WHOLE, CLERK, {"n": [sent["number"]]})
    assert asked.errors == []
    (letter,) = [edge["node"] for edge in asked.data["assistRequests"]["edges"]]
    there = letter["people"][0]["contact"]
    assert there["id"] == contact
    assert there["code"] == "320205"
    assert [len(there[name]) for name in ("samples", "visits")] == [1, 1]
    assert there["name"] == row["person"]["name"]
    assert f"assist:{sent['number']}" in asked.told["reasons"]
    assert [one["event"] for one in letter["events"]][-1] == "CONTROL"
    # Whoever is of another unit is not led there, though they may see the letter.
    asked = office.ask(_WHOLE, viewer("320100"), {"n": [sent["number"]]})
    (letter,) = [edge["node"] for edge in asked.data["assistRequests"]["edges"]]
    assert letter["people"][0]["contact"] is None
    # It ends with the request.
    office.done("feedBackAssistRequest", OFFICER, got)
    office.done("closeAssistRequest", ISSUER, sent)
    asked = office.ask(_WHOLE, CLERK, {"n": [sent["number"]]})
    (letter,) = [edge["node"] for edge in asked.data["assistRequests"]["edges"]]
    assert letter["people"][0]["contact"] is None
    # The contact leads to the letter that it came by.
    asked = office.ask(
        "query ($i: ID!) { node(id: $i) { ... on Contact { assistRequests { number side } } } }",
        OFFICER,
        {"i": contact},
    )
    assert asked.data["node"]["assistRequests"] == [{"number": sent["number"], "side": "RECEIVED"}]


_WHOLE = """query ($n: [String!]) {
  assistRequests(filter: {number: $n, side: SENT}) { edges { node {
  number state people { position state controlMode
    contact { id code name samples { result } visits { kind } } }
  events { event phase region } } } } }"""


def test_a_contact_on_record_goes_along_and_shows_nothing_new_to_who_writes(
    office: Correspondence,
) -> None:
    doctor = viewer("320102", Role.DIRECT_REPORTER, account="doctor", unit="cdc-320102")
    row = contact_row(code="320102", seat="G7 12A")
    contact = office.do("registerContacts", doctor, contacts_input(row))["rows"][0]["contact"]["id"]
    given = letter_input() | {"people": [{"contact": contact}]}
    draft = office.done("createAssistRequest", CLERK, **given)
    assert draft["people"][0]["name"] == "*"  # as in the contact, which the clerk did not write
    sent = office.done("submitAssistRequest", CLERK, draft)
    got = office.received(RECEIVER, sent)
    assert got["people"][0]["name"] == row["person"]["name"]
    # The receiver's unit reads the issuer's record of the person, too.
    asked = office.ask(
        "query ($n: [String!]) { assistRequests(filter: {number: $n}) { edges { node { people { "
        "issuerContact { id name seat } } } } } }",
        RECEIVER,
        {"n": [sent["number"]]},
    )
    node = asked.data["assistRequests"]["edges"][0]["node"]["people"][0]["issuerContact"]
    assert node == {"id": contact, "name": row["person"]["name"], "seat": "G7 12A"}


def test_letters_are_filtered_and_paged(office: Correspondence) -> None:
    numbers = [office.sent(people=1)["number"] for _ in range(3)]
    got = office.received(RECEIVER, numbers[0])
    office.done("acknowledgeAssistRequest", RECEIVER, got)
    assert len(office.letters(ISSUER, state=["SENT"])) == 2
    assert len(office.letters(RECEIVER, side="RECEIVED", state=["RECEIVED"])) == 1
    assert office.letters(RECEIVER, overdue=True) == []
    assert [len(office.letters(ISSUER, code=codes)) for codes in (["000000"], ["320000"], [])] == [
        *(3, 3, 0)
    ]
    assert len(office.letters(RECEIVER, overdue=False, unread=True)) == 2
    assert [one["number"] for one in office.letters(ISSUER, rootNumber=numbers[1])] == [numbers[1]]
    asked = office.ask(
        "query ($a: String) { assistRequests(first: 2, after: $a) { edges { node { number } } "
        "pageInfo { hasNextPage endCursor } totalCount regions { records } } }",
        NATIONAL,
        {"a": None},
    ).data["assistRequests"]
    assert asked["totalCount"] == 3
    assert sum(one["records"] for one in asked["regions"]) == 2
    found = [edge["node"]["number"] for edge in asked["edges"]]
    assert asked["pageInfo"]["hasNextPage"] is True
    rest = office.ask(
        "query ($a: String) { assistRequests(first: 2, after: $a) { edges { node { number } } "
        "totalCount } }",
        NATIONAL,
        {"a": asked["pageInfo"]["endCursor"]},
    ).data["assistRequests"]
    assert rest["totalCount"] == 3
    assert sorted(found + [edge["node"]["number"] for edge in rest["edges"]]) == sorted(numbers)


def test_a_report_on_many_has_as_many_statements_as_one_on_few(
    either: Correspondence,
) -> None:
    def statements(people: int) -> int:
        _, got = either.worked_on(people=people)
        found: list[str] = []

        def listen(*told: Any) -> None:
            if "assist_" in told[2]:  # sending goes on beside it, as often as the time allows
                found.append(told[2])

        event.listen(Engine, "before_cursor_execute", listen)
        try:
            done = either.control(got, *range(1, people + 1))
        finally:
            event.remove(Engine, "before_cursor_execute", listen)
        assert {one["state"] for one in done["people"]} == {"CONTROLLED"}
        noted = [one["person"] for one in done["events"] if one["event"] == "CONTROL"]
        assert sorted(noted) == list(range(1, people + 1))
        return len(found)

    # What is sent meanwhile may be counted, too; one statement a person would be 28 more.
    assert statements(30) < statements(2) + 28


def test_the_issuer_knows_that_somebody_has_seen_the_letter(either: Correspondence) -> None:
    sent = either.sent()
    got = either.received(RECEIVER, sent)
    assert (got["readVersion"], got["state"]) == (0, "SENT")
    either.done("readAssistRequest", OFFICER, got)  # who is not on duty, and acknowledges nothing
    for letter in (either.received(RECEIVER, sent), either.issued(ISSUER, sent)):
        assert (letter["state"], letter["readVersion"]) == ("SENT", 1)
        (seen,) = [one for one in letter["events"] if one["event"] == "READ"]
        assert (seen["actor"], seen["unitId"]) == (OFFICER.account, "cdc-320205")
    assert either.refused("acknowledgeAssistRequest", OFFICER, got) == "DUTY"
    either.done("acknowledgeAssistRequest", RECEIVER, got)
