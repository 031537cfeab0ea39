"""Table C through the mutations: every state with every event, each guard (requirements C)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from resolvers.assist.states import Event, Refused, State, Subject, Transition
from resolvers.assist.table import TABLE
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    THIRD,
    Correspondence,
    controlled,
    letter_input,
)
from tests.resolvers.writing.making import (
    case_input,
    contact_row,
    contacts_input,
    person,
    sample_input,
)

Given = dict[str, Any]
Letter = tuple[Any, Any]
"""The issuer's copy and the receiver's; of a draft, the issuer's alone."""

_LOST: Given = {"people": [1], "finding": "UNTRACED", "reasonCode": "NO_ANSWER"}
_EXCLUDED: Given = {"people": [1], "finding": "NOT_A_CONTACT", "reasonCode": "NEVER_MET"}
_AGREED: Given = {"people": [1], "agree": True}

MUTATIONS: Mapping[Event, tuple[str, Given]] = {
    Event.SUBMIT: ("submitAssistRequest", {}),
    Event.WITHDRAW: ("withdrawAssistRequest", {"reasonCode": "MISTAKE"}),
    Event.ACKNOWLEDGE: ("acknowledgeAssistRequest", {}),
    Event.REFUSE: ("refuseAssistRequest", {"reason": "WRONG_REGION"}),
    Event.FORWARD: ("forwardAssistRequest", {"toCode": "500101"}),
    Event.ASSIGN: ("assignAssistRequest", {}),
    Event.CONTROL: ("reportAssistPerson", controlled()),
    Event.LEAVE: (
        "reportAssistPerson",
        {"people": [1], "finding": "LEFT", "destinationCode": "500101"},
    ),
    Event.LOSE: ("reportAssistPerson", _LOST),
    Event.EXCLUDE: ("reportAssistPerson", _EXCLUDED),
    Event.CONFIRM_EXCLUSION: ("decideAssistExclusion", _AGREED),
    Event.DISPUTE_EXCLUSION: (
        "decideAssistExclusion",
        {"people": [1], "agree": False, "reasonCode": "THEY_MET"},
    ),
    Event.POSITIVE: ("reportAssistPerson", {"people": [1], "finding": "POSITIVE"}),
    Event.FEED_BACK: ("feedBackAssistRequest", {}),
    Event.ACCEPT: ("closeAssistRequest", {}),
    Event.ASK_MORE: ("askMoreOfAssistRequest", {"reasonCode": "TESTS"}),
    Event.AMEND: ("amendAssistRequest", {"remarks": "更正"}),
    Event.READ: ("readAssistRequest", {}),
}
"""The mutation of each event, as it is taken where the table takes it."""

ISSUERS = frozenset(
    {
        Event.SUBMIT,
        Event.WITHDRAW,
        Event.CONFIRM_EXCLUSION,
        Event.DISPUTE_EXCLUSION,
        Event.ACCEPT,
        Event.ASK_MORE,
        Event.AMEND,
    }
)
OF_A_PERSON = frozenset(
    {
        Event.CONTROL,
        Event.LEAVE,
        Event.LOSE,
        Event.EXCLUDE,
        Event.CONFIRM_EXCLUSION,
        Event.DISPUTE_EXCLUSION,
        Event.POSITIVE,
    }
)


def _positive(office: Correspondence) -> str:
    """A contact of the receiver's with a positive result."""
    row = contact_row(code="320205", route="OTHER_CITY")
    found = office.do("registerContacts", REGISTRAR, contacts_input(row))
    contact: str = found["rows"][0]["contact"]["id"]
    office.do("recordSample", REGISTRAR, sample_input(contact, result="POSITIVE"))
    return contact


def _controlled(office: Correspondence) -> Letter:
    sent, got = office.worked_on(people=1)
    return sent, office.control(got, 1, contact=_positive(office))


def _after(event: Event, before: Callable[[Correspondence], Letter]) -> Any:
    def make(office: Correspondence) -> Letter:
        letter = before(office)
        happen(office, event, letter)
        return letter

    return make


def _draft(office: Correspondence) -> Letter:
    return office.draft(people=1), None


def _sent(office: Correspondence) -> Letter:
    sent = office.sent(people=1)
    return sent, office.received(RECEIVER, sent)


def _taken(office: Correspondence) -> Letter:
    return office.taken(people=1)


def _in_progress(office: Correspondence) -> Letter:
    return office.worked_on(people=1)


def _answered(office: Correspondence) -> Letter:
    sent, got = _controlled(office)
    return sent, office.done("feedBackAssistRequest", OFFICER, got)


LETTERS: Mapping[State, Callable[[Correspondence], Letter]] = {
    State.DRAFT: _draft,
    State.SENT: _sent,
    State.RECEIVED: _taken,
    State.IN_PROGRESS: _in_progress,
    State.CONTROLLED: _controlled,
    State.FEEDBACK_GIVEN: _answered,
    State.CLOSED: _after(Event.ACCEPT, _answered),
    State.REFUSED: _after(Event.REFUSE, _taken),
    State.WITHDRAWN: _after(Event.WITHDRAW, _sent),
    State.FORWARDED: _after(Event.FORWARD, _taken),
    State.UNTRACED: _after(Event.LOSE, _in_progress),
    State.EXCLUDED: _after(Event.CONFIRM_EXCLUSION, _after(Event.EXCLUDE, _in_progress)),
    State.CASE_RAISED: _after(Event.POSITIVE, _controlled),
}
"""How a letter of one person comes into each state."""


def happen(office: Correspondence, event: Event, letter: Letter, **more: Any) -> Any:
    """The result of an event's mutation, on the copy of whose it is."""
    name, given = MUTATIONS[event]
    sent, got = letter
    mine = event in ISSUERS or got is None
    who = ISSUER if mine else RECEIVER
    return office.act(name, who, sent if mine else got, **(given | more))


@pytest.mark.no_cover  # each mutation has tests of its own
@pytest.mark.parametrize("state", State)
def test_every_event_in_every_state_is_taken_or_refused_by_name(
    office: Correspondence, state: State
) -> None:
    letter = LETTERS[state](office)
    for event in Event:
        subject = Subject.PERSON if event in OF_A_PERSON else Subject.LETTER
        found = TABLE[(subject, state, event)]
        if isinstance(found, Refused):
            told = happen(office, event, letter)
            assert told.get("reason") == found.reason, (event, told)
    now = office.issued(ISSUER, letter[0])
    assert now["state"] == state.name  # what is refused changes nothing
    assert letter[1] is None or office.received(RECEIVER, letter[0])["state"] == state.name
    for event in Event:
        subject = Subject.PERSON if event in OF_A_PERSON else Subject.LETTER
        found = TABLE[(subject, state, event)]
        if isinstance(found, Transition):
            _check_taken(office, state, event, found)


def _check_taken(office: Correspondence, state: State, event: Event, found: Transition) -> None:
    letter = LETTERS[state](office)
    if event in (Event.CONFIRM_EXCLUSION, Event.DISPUTE_EXCLUSION):
        happen(office, Event.EXCLUDE, letter)
    more = {}
    if event is Event.POSITIVE:
        more["contact"] = _positive(office)
    if (state, event) == (State.CASE_RAISED, Event.POSITIVE):
        given = case_input(code="320205", disease="covid19")
        more["case"] = office.do("registerCase", REGISTRAR, given)["case"]["id"]
        office.do("recordSample", REGISTRAR, sample_input(more["case"], result="POSITIVE"))
    told = happen(office, event, letter, **more)
    assert told["__typename"] == "AssistRequestPayload", (event, told)
    assert told["pending"] is False
    sides = [office.issued(ISSUER, letter[0])]
    if letter[1] is not None and (state, event) != (State.REFUSED, Event.AMEND):
        sides.append(office.received(RECEIVER, letter[0]))
    for one in sides:
        (about,) = one["people"] if event in OF_A_PERSON else [one]
        if state is State.FEEDBACK_GIVEN and event is Event.POSITIVE:
            assert one["state"] == "FEEDBACK_GIVEN"
        assert about["state"] == found.next.name, (event, one["side"])
        last = next(e for e in reversed(one["events"]) if e["event"] != "DELIVER")
        assert last["event"] == event.name
        assert last["phase"] == "DECIDED"


def test_what_must_hold_for_an_event_is_asked_for_by_name(office: Correspondence) -> None:
    sent, got = office.worked_on(people=1)
    report = "reportAssistPerson"
    for name in ("controlledAt", "mode", "place"):
        given = {key: value for key, value in controlled(1).items() if key != name}
        assert office.refused(report, OFFICER, got, **given) == "HOW"
    for finding in ("UNTRACED", "NOT_A_CONTACT"):
        assert office.refused(report, OFFICER, got, people=[1], finding=finding) == "REASON"
    left = {"people": [1], "finding": "LEFT"}
    assert office.refused(report, OFFICER, got, **left) == "DESTINATION"
    back = left | {"destinationCode": "320102"}
    assert office.refused(report, OFFICER, got, **back) == "NEW_HOLDER"
    assert office.refused(report, OFFICER, got, **(_LOST | {"people": [2]})) == "NO_PERSON"
    agree = {"people": [1], "agree": True}
    assert office.refused("decideAssistExclusion", ISSUER, sent, **agree) == "PROPOSED"
    assert office.refused("amendAssistRequest", ISSUER, sent) == "VERSION"
    assert office.refused("assignAssistRequest", OFFICER, got, officer="xuanwu") == "OFFICER"
    office.control(got, 1)
    positive = {"people": [1], "finding": "POSITIVE"}
    assert office.refused(report, OFFICER, got, **positive) == "RESULT"
    other = office.taken(people=1)[1]
    forward = {"toCode": "320102"}
    assert office.refused("forwardAssistRequest", OFFICER, other, **forward) == "NEW_HOLDER"


def test_an_amendment_is_read_before_work_goes_on(office: Correspondence) -> None:
    sent, got = office.worked_on(CLERK, people=2)
    change = {"position": 2, "whereaboutsCode": "320206", "person": {"phone": "15000001234"}}
    amended = office.done(
        "amendAssistRequest",
        CLERK,
        sent,
        people=[change],
        more=[{"person": person(), "whereaboutsCode": "320205"}],
        asked=["FIND"],
    )
    assert (amended["version"], amended["readVersion"], amended["peopleCount"]) == (2, 1, 3)
    assert amended["pending"] is None
    got = office.received(OFFICER, sent)
    assert (got["version"], got["asked"], got["peopleCount"]) == (2, ["FIND"], 3)
    assert [one["state"] for one in got["people"]] == ["IN_PROGRESS"] * 3
    assert (got["people"][1]["phone"], got["people"][1]["whereaboutsCode"]) == (
        "15000001234",
        "320206",
    )
    told = [one["detail"] for one in got["events"] if one["event"] == "AMEND"]
    assert "people.2.phone" in told[0]
    assert "15000001234" not in str(told)
    assert office.letters(OFFICER, unread=True) != []
    assert office.refused("reportAssistPerson", OFFICER, got, **controlled(1)) == "READ_NOW"
    office.done("readAssistRequest", OFFICER, got)
    office.control(got, 1, 2, 3)
    assert office.issued(ISSUER, sent)["readVersion"] == 2


def test_a_refused_letter_is_edited_and_sent_to_another_region(office: Correspondence) -> None:
    sent, got = office.taken(people=1)
    office.done("refuseAssistRequest", RECEIVER, got, reason="WRONG_REGION")
    sent = office.issued(ISSUER, sent)
    assert (sent["state"], sent["reasonCode"]) == ("REFUSED", "WRONG_REGION")
    assert office.received(OFFICER, sent)["people"][0]["name"] == "*"
    office.done("amendAssistRequest", ISSUER, sent, toCode="500101")
    again = office.done("submitAssistRequest", ISSUER, sent)
    assert (again["version"], again["state"], again["toUnit"]) == (2, "SENT", "cdc-500101")
    assert again["sentAt"] == sent["sentAt"]
    (there,) = office.letters(THIRD, side="RECEIVED")
    office.done("acknowledgeAssistRequest", THIRD, there)
    assert office.issued(ISSUER, sent)["state"] == "RECEIVED"
    assert office.received(RECEIVER, sent)["state"] == "REFUSED"  # kept


def test_a_wish_that_comes_too_late_is_refused_by_the_receivers_region(
    office: Correspondence,
) -> None:
    sent = office.sent(people=1)
    got = office.received(RECEIVER, sent)
    acknowledged = _unheard(office, "acknowledgeAssistRequest", RECEIVER, got)
    assert acknowledged["pending"] is True
    assert office.issued(ISSUER, sent)["state"] == "SENT"
    late = office.act("withdrawAssistRequest", ISSUER, sent, reasonCode="MISTAKE")
    assert late["reason"] == "ACKNOWLEDGED"
    office.deliver()
    for one in (office.issued(ISSUER, sent), office.received(RECEIVER, sent)):
        assert one["state"] == "RECEIVED"
        asked = [e["phase"] for e in one["events"] if e["event"] == "WITHDRAW"]
        assert asked[0] == "REQUESTED"
    assert office.issued(ISSUER, sent)["pending"] is None


def _unheard(office: Correspondence, name: str, who: Any, letter: Any) -> Any:
    """A mutation of which the other side does not hear yet."""
    nudge, office.post.nudge = office.post.nudge, _no_nudge  # type: ignore[method-assign]  # the other region is out of reach
    try:
        return office.act(name, who, letter)
    finally:
        office.post.nudge = nudge  # type: ignore[method-assign]  # as it was


async def _no_nudge(*_: Any, **__: Any) -> bool:
    return False


def test_exclusions_are_the_issuers_to_decide(office: Correspondence) -> None:
    sent, got = office.worked_on(people=2)
    both = _EXCLUDED | {"people": [1, 2]}
    got = office.done("reportAssistPerson", OFFICER, got, **both)
    assert [one["proposed"] for one in got["people"]] == ["EXCLUDED", "EXCLUDED"]
    assert office.issued(ISSUER, sent)["people"][0]["proposed"] == "EXCLUDED"
    office.done("decideAssistExclusion", ISSUER, sent, people=[1], agree=True)
    refused = {"people": [2], "agree": False, "reasonCode": "SAME_FLIGHT"}
    office.done("decideAssistExclusion", ISSUER, sent, **refused)
    got = office.received(OFFICER, sent)
    assert [one["state"] for one in got["people"]] == ["EXCLUDED", "IN_PROGRESS"]
    assert [one["proposed"] for one in got["people"]] == [None, None]
    assert got["state"] == "IN_PROGRESS"


def test_more_is_asked_of_some(office: Correspondence) -> None:
    sent, got = office.answered(people=2)
    more = {"people": [2], "reasonCode": "TESTS"}
    sent = office.done("askMoreOfAssistRequest", ISSUER, sent, **more)
    assert (sent["state"], sent["reasonCode"]) == ("IN_PROGRESS", "TESTS")
    got = office.received(OFFICER, sent)
    assert [one["state"] for one in got["people"]] == ["CONTROLLED", "IN_PROGRESS"]
    office.control(got, 2)
    office.done("feedBackAssistRequest", OFFICER, got)
    assert office.issued(ISSUER, sent)["state"] == "FEEDBACK_GIVEN"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_letter_of_a_thousand_people_is_written_and_assigned(office: Correspondence) -> None:
    given = letter_input(people=1) | {
        "people": [{"person": {"name": f"某{i}"}} for i in range(1_050)]
    }
    draft = office.done("createAssistRequest", ISSUER, **given)
    sent = office.done("submitAssistRequest", ISSUER, draft)
    got = office.received(RECEIVER, sent)
    assert [one["position"] for one in got["people"]] == list(range(1, 1_051))
    assert [one["name"] for one in got["people"][-2:]] == ["某1048", "某1049"]
    office.done("acknowledgeAssistRequest", RECEIVER, got)
    office.done("assignAssistRequest", OFFICER, got)
    got = office.control(got, *range(1, 1_001))
    assert got["state"] == "IN_PROGRESS"
    assert office.issued(ISSUER, sent)["people"][999]["state"] == "CONTROLLED"
