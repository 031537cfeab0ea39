"""A letter on its way between two regions: both copies, who sees what, the timeline on both sides."""

from __future__ import annotations

from typing import Any

from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    NATIONAL,
    NEIGHBOUR,
    OFFICER,
    RECEIVER,
    THIRD,
    Correspondence,
    controlled,
    letter_input,
)
from tests.resolvers.writing.making import new_key


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
