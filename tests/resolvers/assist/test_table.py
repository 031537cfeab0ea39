"""Table C over the whole of it: every state and event is a transition or a named refusal."""

from __future__ import annotations

from collections import deque

import pytest

from resolvers.assist.clocks import AssistLimits, escalation, running, starting
from resolvers.assist.reasons import REASONS
from resolvers.assist.states import (
    ENDED,
    OPEN,
    Clock,
    Event,
    Facts,
    Guard,
    Party,
    Refused,
    State,
    Subject,
    Transition,
)
from resolvers.assist.table import TABLE, StateRefused, added_up, step

LETTER, PERSON = Subject.LETTER, Subject.PERSON
ISSUER, RECEIVER = Facts(Party.ISSUER), Facts(Party.RECEIVER)
SENT = "2026-03-01T02:00:00Z"


def test_every_state_and_event_has_an_answer_and_every_refusal_words() -> None:
    assert set(TABLE) == {(s, at, e) for s in Subject for at in State for e in Event}
    used = {one.reason for one in TABLE.values() if isinstance(one, Refused)}
    guards = {
        guard.name for one in TABLE.values() if isinstance(one, Transition) for guard in one.guards
    }
    own = {
        "NOT_YOUR_SIDE",
        "NO_PERSON",
        "FILES",
        "FILES_NOT_SHARED",
    }  # decided before the table is asked
    assert used | guards | own == set(REASONS)
    for english, chinese in REASONS.values():
        assert english
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


@pytest.mark.parametrize(
    ("subject", "state", "event", "facts", "after"),
    [
        (LETTER, State.DRAFT, Event.SUBMIT, ISSUER, State.SENT),
        (LETTER, State.SENT, Event.WITHDRAW, ISSUER, State.WITHDRAWN),
        (LETTER, State.SENT, Event.ACKNOWLEDGE, RECEIVER, State.RECEIVED),
        (LETTER, State.RECEIVED, Event.REFUSE, RECEIVER, State.REFUSED),
        (LETTER, State.REFUSED, Event.SUBMIT, ISSUER, State.SENT),
        (LETTER, State.RECEIVED, Event.FORWARD, RECEIVER, State.FORWARDED),
        (LETTER, State.RECEIVED, Event.ASSIGN, RECEIVER, State.IN_PROGRESS),
        (PERSON, State.IN_PROGRESS, Event.CONTROL, RECEIVER, State.CONTROLLED),
        (PERSON, State.IN_PROGRESS, Event.LEAVE, RECEIVER, State.FORWARDED),
        (PERSON, State.IN_PROGRESS, Event.LOSE, RECEIVER, State.UNTRACED),
        (PERSON, State.IN_PROGRESS, Event.CONFIRM_EXCLUSION, ISSUER, State.EXCLUDED),
        (LETTER, State.CONTROLLED, Event.FEED_BACK, RECEIVER, State.FEEDBACK_GIVEN),
        (LETTER, State.FEEDBACK_GIVEN, Event.ACCEPT, ISSUER, State.CLOSED),
        (LETTER, State.FEEDBACK_GIVEN, Event.ASK_MORE, ISSUER, State.IN_PROGRESS),
        (PERSON, State.CONTROLLED, Event.POSITIVE, RECEIVER, State.CASE_RAISED),
    ],
)
def test_the_rows_of_the_table(
    subject: Subject, state: State, event: Event, facts: Facts, after: State
) -> None:
    line = step(subject, state, event, facts)
    assert line.next is after
    other = ISSUER if facts is RECEIVER else RECEIVER
    with pytest.raises(StateRefused) as refused:
        step(subject, state, event, other)
    assert refused.value.reason == "NOT_YOUR_SIDE"
    for guard in line.guards:
        with pytest.raises(StateRefused) as refused:
            step(subject, state, event, Facts(facts.party, frozenset({guard})))
        assert refused.value.reason == guard.name


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("subject", Subject)
def test_nothing_happens_behind_the_end(subject: Subject, event: Event) -> None:
    for state in ENDED:
        with pytest.raises(StateRefused) as refused:
            step(subject, state, event, ISSUER)
        assert refused.value.reason in ("ENDED", "FORWARDED")


def test_any_open_letter_can_be_amended_and_is_read_again_before_anything_else() -> None:
    for state in OPEN:
        assert step(LETTER, state, Event.AMEND, ISSUER).next is state
    unread = Facts(Party.RECEIVER, frozenset({Guard.READ_NOW}))
    for event in (Event.FORWARD, Event.ASSIGN):
        with pytest.raises(StateRefused, match="READ_NOW"):
            step(LETTER, State.RECEIVED, event, unread)


def test_every_state_is_reached_from_the_draft_or_by_adding_up_the_people() -> None:
    def reached(subject: Subject, *starts: State) -> set[State]:
        seen, waiting = set(starts), deque(starts)
        while waiting:
            state = waiting.popleft()
            for event in Event:
                line = TABLE[(subject, state, event)]
                if isinstance(line, Transition) and line.next not in seen:
                    seen.add(line.next)
                    waiting.append(line.next)
        return seen

    people = reached(PERSON, State.IN_PROGRESS)
    alone = reached(LETTER, State.DRAFT)
    assert State.CONTROLLED not in alone  # a letter gets there by its people only
    assert alone | reached(LETTER, *(added_up([state]) for state in people)) == set(State)


def test_a_letter_is_what_its_people_are() -> None:
    assert added_up([State.CONTROLLED, State.IN_PROGRESS]) is State.IN_PROGRESS
    assert added_up([State.CONTROLLED, State.CASE_RAISED]) is State.CASE_RAISED
    assert added_up([State.EXCLUDED, State.UNTRACED]) is State.UNTRACED
    assert added_up([State.FORWARDED, State.FORWARDED]) is State.FORWARDED
    assert added_up([State.FORWARDED, State.EXCLUDED]) is State.EXCLUDED


def test_clocks_keep_their_start_when_a_letter_is_forwarded() -> None:
    limits = AssistLimits()
    later = "2026-03-01T09:00:00Z"
    assert starting(Clock.ACKNOWLEDGE, later, SENT, limits) == {
        "acknowledge_due": "2026-03-01T04:00:00Z",
        "control_due": "2026-03-02T02:00:00Z",
    }
    assert starting(Clock.FEEDBACK, later, SENT, limits) == {"feedback_due": "2026-03-02T09:00:00Z"}
    assert starting(Clock.MORE, later, SENT, limits) == {
        "control_due": "2026-03-02T09:00:00Z",
        "feedback_due": "2026-03-03T09:00:00Z",
    }
    assert starting(Clock.REPORT, later, SENT, limits) == {}
    assert starting(None, later, SENT, limits) == {}


def test_escalation_to_the_city_then_the_province() -> None:
    letter = {"state": "SENT", "acknowledge_due": "2026-03-01T04:00:00Z"}
    limits = AssistLimits()
    assert escalation(letter, "2026-03-01T03:59:59Z", limits) is None
    assert escalation(letter, "2026-03-01T04:00:00Z", limits) == "CITY"
    assert escalation(letter, "2026-03-01T06:00:00Z", limits) == "PROVINCE"
    assert escalation(letter | {"state": "RECEIVED"}, "2026-03-01T06:00:00Z", limits) is None


def test_a_clock_runs_in_every_open_state_but_while_the_issuer_reads_the_answer() -> None:
    assert {state for state in State if running(state)} == OPEN - {State.FEEDBACK_GIVEN}


def test_every_way_to_where_the_answer_is_due_says_by_when() -> None:
    for (subject, state, event), line in TABLE.items():
        if isinstance(line, Transition) and subject is PERSON and line.next is not state:
            due = running(line.next) == "feedback_due"
            assert (line.clock in (Clock.FEEDBACK, Clock.REPORT)) is due, (state, event)


WANTED = {  # what the requirements' table C says must hold
    (LETTER, State.DRAFT, Event.SUBMIT): {Guard.COMPLETE},
    (LETTER, State.SENT, Event.WITHDRAW): {Guard.REASON},
    (LETTER, State.SENT, Event.ACKNOWLEDGE): {Guard.DUTY},
    (LETTER, State.RECEIVED, Event.REFUSE): {Guard.REASON},
    (LETTER, State.REFUSED, Event.SUBMIT): {Guard.COMPLETE},
    (LETTER, State.RECEIVED, Event.FORWARD): {Guard.NEW_HOLDER, Guard.READ_NOW},
    (LETTER, State.RECEIVED, Event.ASSIGN): {Guard.OFFICER, Guard.READ_NOW},
    (PERSON, State.IN_PROGRESS, Event.CONTROL): {Guard.HOW, Guard.READ_NOW},
    (PERSON, State.UNTRACED, Event.CONTROL): {Guard.HOW, Guard.READ_NOW},
    (PERSON, State.IN_PROGRESS, Event.LEAVE): {
        Guard.DESTINATION,
        Guard.NEW_HOLDER,
        Guard.READ_NOW,
    },
    (PERSON, State.IN_PROGRESS, Event.LOSE): {Guard.REASON, Guard.READ_NOW},
    (PERSON, State.IN_PROGRESS, Event.EXCLUDE): {Guard.REASON, Guard.READ_NOW},
    (PERSON, State.IN_PROGRESS, Event.CONFIRM_EXCLUSION): {Guard.PROPOSED},
    (PERSON, State.CONTROLLED, Event.POSITIVE): {Guard.RESULT},
    (LETTER, State.CONTROLLED, Event.FEED_BACK): {Guard.FORM, Guard.READ_NOW},
    (LETTER, State.FEEDBACK_GIVEN, Event.ASK_MORE): {Guard.REASON},
}


@pytest.mark.parametrize("place", WANTED, ids=lambda one: one[2].name)
def test_what_must_hold_is_asked(place: tuple[Subject, State, Event]) -> None:
    line = TABLE[place]
    assert isinstance(line, Transition)
    assert set(line.guards) == WANTED[place]
