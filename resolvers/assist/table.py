"""The states of a letter and of its people, as a table: every state and event is a transition or a
named refusal (requirements, table C).

Pure. A letter has the events of its two sides; what becomes of its people is added up
(`added_up`). `step` decides one event; `resolvers/assist/reasons.py` says in words why not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from resolvers import lifecycles
from resolvers.assist.states import (
    ENDED,
    OPEN,
    REPORTED,
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
from resolvers.lifecycles import StateRefused, decided

__all__ = ["TABLE", "StateRefused", "added_up", "step"]

_Line = tuple[Subject, State, Event, Transition]
_LETTER, _PERSON = Subject.LETTER, Subject.PERSON
_ISSUER, _RECEIVER = Party.ISSUER, Party.RECEIVER

_LETTER_EVENTS = frozenset(
    {
        Event.SUBMIT,
        Event.WITHDRAW,
        Event.ACKNOWLEDGE,
        Event.REFUSE,
        Event.FORWARD,
        Event.ASSIGN,
        Event.FEED_BACK,
        Event.ACCEPT,
        Event.ASK_MORE,
        Event.AMEND,
        Event.READ,
    }
)


def _of_letter() -> list[_Line]:
    def line(
        state: State,
        event: Event,
        party: Party,
        guards: tuple[Guard, ...],
        after: State,
        clock: Clock | None = None,
    ) -> _Line:
        return _LETTER, state, event, Transition(party, guards, after, clock)

    reason, read = Guard.REASON, Guard.READ_NOW
    found = [
        line(State.DRAFT, Event.SUBMIT, _ISSUER, (Guard.COMPLETE,), State.SENT, Clock.ACKNOWLEDGE),
        line(State.DRAFT, Event.AMEND, _ISSUER, (Guard.VERSION,), State.DRAFT),
        line(State.DRAFT, Event.WITHDRAW, _ISSUER, (reason,), State.WITHDRAWN),
        line(State.SENT, Event.WITHDRAW, _ISSUER, (reason,), State.WITHDRAWN),
        line(
            State.SENT,
            Event.ACKNOWLEDGE,
            _RECEIVER,
            (Guard.DUTY,),
            State.RECEIVED,
            Clock.CONTROL,
        ),
        line(State.RECEIVED, Event.REFUSE, _RECEIVER, (reason,), State.REFUSED),
        line(State.RECEIVED, Event.FORWARD, _RECEIVER, (Guard.NEW_HOLDER, read), State.FORWARDED),
        line(State.RECEIVED, Event.ASSIGN, _RECEIVER, (Guard.OFFICER, read), State.IN_PROGRESS),
        line(State.IN_PROGRESS, Event.ASSIGN, _RECEIVER, (Guard.OFFICER,), State.IN_PROGRESS),
        line(
            State.REFUSED, Event.SUBMIT, _ISSUER, (Guard.COMPLETE,), State.SENT, Clock.ACKNOWLEDGE
        ),
        line(State.REFUSED, Event.AMEND, _ISSUER, (Guard.VERSION,), State.REFUSED),
        line(State.REFUSED, Event.WITHDRAW, _ISSUER, (reason,), State.WITHDRAWN),
        line(State.FEEDBACK_GIVEN, Event.ACCEPT, _ISSUER, (), State.CLOSED),
        line(
            State.FEEDBACK_GIVEN,
            Event.ASK_MORE,
            _ISSUER,
            (reason,),
            State.IN_PROGRESS,
            Clock.MORE,
        ),
    ]
    found += [
        line(state, Event.FEED_BACK, _RECEIVER, (Guard.FORM, read), State.FEEDBACK_GIVEN)
        for state in REPORTED
    ]
    for state in sorted(OPEN, key=lambda one: one.name):
        found.append(line(state, Event.AMEND, _ISSUER, (Guard.VERSION,), state))
        found.append(line(state, Event.READ, _RECEIVER, (), state))  # of SENT: it was seen (C3)
    return found


def _of_person() -> list[_Line]:
    def line(
        state: State,
        event: Event,
        party: Party,
        guards: tuple[Guard, ...],
        after: State,
        clock: Clock | None = None,
    ) -> _Line:
        return _PERSON, state, event, Transition(party, guards, after, clock)

    working, read = State.IN_PROGRESS, Guard.READ_NOW
    found = [
        line(
            working,
            Event.CONTROL,
            _RECEIVER,
            (Guard.HOW, read),
            State.CONTROLLED,
            Clock.FEEDBACK,
        ),
        line(
            working,
            Event.LEAVE,
            _RECEIVER,
            (Guard.DESTINATION, Guard.NEW_HOLDER, read),
            State.FORWARDED,
        ),
        line(
            working,
            Event.LOSE,
            _RECEIVER,
            (Guard.REASON, read),
            State.UNTRACED,
            Clock.FEEDBACK,
        ),
        line(working, Event.EXCLUDE, _RECEIVER, (Guard.REASON, read), working),
        line(
            working,
            Event.CONFIRM_EXCLUSION,
            _ISSUER,
            (Guard.PROPOSED,),
            State.EXCLUDED,
            Clock.FEEDBACK,
        ),
        line(working, Event.DISPUTE_EXCLUSION, _ISSUER, (Guard.PROPOSED, Guard.REASON), working),
        # Somebody who could not be found turns up: that is no mistake of the form.
        line(
            State.UNTRACED,
            Event.CONTROL,
            _RECEIVER,
            (Guard.HOW, read),
            State.CONTROLLED,
            Clock.FEEDBACK,
        ),
    ]
    found += [
        line(state, Event.POSITIVE, _RECEIVER, (Guard.RESULT,), State.CASE_RAISED, Clock.REPORT)
        for state in (State.CONTROLLED, State.FEEDBACK_GIVEN)
    ]
    # The case is often registered after the test was reported.
    raised = State.CASE_RAISED
    found.append(line(raised, Event.POSITIVE, _RECEIVER, (Guard.NEW_CASE, Guard.RESULT), raised))
    return found


_NOT_YET = {
    State.DRAFT: "NOT_SENT",
    State.SENT: "NOT_ACKNOWLEDGED",
    State.RECEIVED: "NOT_ASSIGNED",
    State.IN_PROGRESS: "NOT_CONTROLLED",
    State.CONTROLLED: "NO_FEEDBACK",
    State.UNTRACED: "NO_FEEDBACK",
    State.EXCLUDED: "NO_FEEDBACK",
    State.CASE_RAISED: "NO_FEEDBACK",
    State.FEEDBACK_GIVEN: "FEEDBACK_GIVEN",
    State.REFUSED: "REFUSED",
    State.FORWARDED: "FORWARDED",
    State.CLOSED: "ENDED",
    State.WITHDRAWN: "ENDED",
}
"""Why something later cannot happen yet, or nothing any more."""

_TOO_LATE: Mapping[Event, str] = {
    Event.SUBMIT: "NOT_DRAFT",
    Event.WITHDRAW: "ACKNOWLEDGED",
    Event.ACKNOWLEDGE: "ACKNOWLEDGED",
    Event.REFUSE: "ASSIGNED",
    Event.FORWARD: "ASSIGNED",
    Event.ASSIGN: "REPORTED",
    Event.CONTROL: "REPORTED",
    Event.LEAVE: "USE_TRANSFER",
    Event.LOSE: "USE_TRANSFER",
    Event.EXCLUDE: "REPORTED",
    Event.CONFIRM_EXCLUSION: "PROPOSED",
    Event.DISPUTE_EXCLUSION: "PROPOSED",
}
"""Why something earlier cannot happen any more in a state that is behind it."""

_ORDER = (
    State.DRAFT,
    State.SENT,
    State.RECEIVED,
    State.IN_PROGRESS,
    *REPORTED,
    State.FEEDBACK_GIVEN,
)


def _refusal(subject: Subject, state: State, event: Event, earliest: int) -> Refused:
    """Why an event means nothing in a state; `earliest`: the first state that has it, in order."""
    if state in ENDED or state is State.REFUSED:
        return Refused(_NOT_YET[state])
    if (event in _LETTER_EVENTS) != (subject is _LETTER):
        return Refused("OF_THE_LETTER" if subject is _PERSON else "OF_A_PERSON")
    if event is Event.READ:
        return Refused("NOT_SENT")
    if _ORDER.index(state) > earliest and event in _TOO_LATE:
        return Refused(_TOO_LATE[event])
    if event is Event.POSITIVE:
        return Refused(
            "NOT_CONTROLLED" if state in (*REPORTED, State.IN_PROGRESS) else _NOT_YET[state]
        )
    if event is Event.FEED_BACK and state is State.FEEDBACK_GIVEN:
        return Refused("FEEDBACK_GIVEN")
    return Refused(_NOT_YET[state])


def _table() -> dict[tuple[Subject, State, Event], Transition | Refused]:
    found: dict[tuple[Subject, State, Event], Transition | Refused] = {}
    for subject, state, event, transition in (*_of_letter(), *_of_person()):
        found[(subject, state, event)] = transition
    first: dict[tuple[Subject, Event], int] = {}
    for subject, state, event in found:
        if state in _ORDER:
            place = _ORDER.index(state)
            first[(subject, event)] = min(place, first.get((subject, event), place))
    for subject in Subject:
        for state in State:
            for event in Event:
                earliest = first.get((subject, event), len(_ORDER))
                if (subject, state, event) not in found:
                    found[(subject, state, event)] = _refusal(subject, state, event, earliest)
    return found


TABLE: Mapping[tuple[Subject, State, Event], Transition | Refused] = _table()
"""The whole table: no state and event without an answer."""


def step(
    subject: Subject, state: State, event: Event, facts: Facts
) -> lifecycles.Transition[Party, Guard, State, Clock]:
    """What an event does. Raises StateRefused, the first reason that stands against it."""
    return decided(TABLE[(subject, state, event)], facts)


def added_up(people: Collection[State]) -> State:
    """The state of a letter in progress by those of its people.

    In progress while one of them is; then what weighs most: a case, somebody controlled, somebody
    not found; forwarded where all were, else excluded.
    """
    states = set(people)
    for state in (State.IN_PROGRESS, State.CASE_RAISED, State.CONTROLLED, State.UNTRACED):
        if state in states:
            return state
    return State.FORWARDED if states == {State.FORWARDED} else State.EXCLUDED
