"""Table E over the whole of it: every state and event is a transition or a named refusal."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.alerts.reasons import REASONS
from resolvers.alerts.states import (
    ANSWERED,
    UNSEEN,
    Event,
    Facts,
    Guard,
    Party,
    Refused,
    State,
    Transition,
)
from resolvers.alerts.table import TABLE, step, way
from resolvers.lifecycles import StateRefused
from schema.alerts import SignalState
from schema.alerts_forms import SignalClockKind, SignalEventKind
from schema.pathway import ClockKind

OF = {
    Event.SEND: Party.SYSTEM,
    Event.RESEND: Party.SYSTEM,
    Event.OVERSEE: Party.ABOVE,
}
"""Whose the events are that are not the county's."""

_ORDER = {state: i for i, state in enumerate(State)}


def facts(event: Event, *failing: Guard) -> Facts:
    """Whoever may, and what fails."""
    return Facts(OF.get(event, Party.COUNTY), frozenset(failing))


def test_the_language_knows_every_state_event_and_clock() -> None:
    assert {one.name for one in SignalState} == {state.name for state in State}
    assert {one.name for one in SignalEventKind} == {"DETECT", *(event.name for event in Event)}
    assert {one.name for one in SignalClockKind} <= {one.name for one in ClockKind}


def test_every_state_and_event_has_an_answer_and_every_refusal_words() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in Event}
    used = {one.reason for one in TABLE.values() if isinstance(one, Refused)}
    guards = {
        guard.name for one in TABLE.values() if isinstance(one, Transition) for guard in one.guards
    }
    assert guards == {guard.name for guard in Guard}
    own = {"NOT_YOUR_SIDE", "NO_EVENT", "OTHER_EVENT", "FILES"}  # decided beside the table
    assert used | guards | own == set(REASONS)
    for english, chinese in REASONS.values():
        assert english
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        (State.DETECTED, Event.SEND, State.SENT),
        (State.SENT, Event.RESEND, State.RESENT),
        (State.RESENT, Event.RESEND, State.RESENT),
        (State.SENT, Event.VIEW, State.VIEWED),
        (State.RESENT, Event.VIEW, State.VIEWED),
        (State.VIEWED, Event.RESEND, State.VIEWED),
        (State.VIEWED, Event.VERIFY, State.VERIFYING),
        (State.VERIFYING, Event.EXCLUDE, State.EXCLUDED),
        (State.VERIFYING, Event.SUSPECT, State.SUSPECTED),
        (State.SUSPECTED, Event.INVESTIGATE, State.INVESTIGATING),
        (State.INVESTIGATING, Event.CONCLUDE, State.CONCLUDED),
        (State.CONCLUDED, Event.CONCLUDE, State.CONCLUDED),
    ],
)
def test_the_rows_of_the_lifecycle(state: State, event: Event, after: State) -> None:
    line = step(state, event, facts(event))
    assert line.next is after
    for other in set(Party) - {line.party}:
        with pytest.raises(StateRefused, match="NOT_YOUR_SIDE"):
            step(state, event, Facts(other))
    for guard in line.guards:
        with pytest.raises(StateRefused) as refused:
            step(state, event, facts(event, guard))
        assert refused.value.reason == guard.name


@pytest.mark.parametrize(
    ("state", "event", "reason"),
    [
        (State.SENT, Event.SEND, "SENT"),
        (State.DETECTED, Event.RESEND, "NOT_SENT"),
        (State.EXCLUDED, Event.RESEND, "ANSWERED"),
        (State.SENT, Event.VERIFY, "NOT_VIEWED"),
        (State.VERIFYING, Event.INVESTIGATE, "NOT_ANSWERED"),
        (State.EXCLUDED, Event.INVESTIGATE, "EXCLUDED"),
        (State.SUSPECTED, Event.EXCLUDE, "EVENT_ISSUED"),
        (State.INVESTIGATING, Event.EXCLUDE, "EVENT_ISSUED"),
        (State.SUSPECTED, Event.CONCLUDE, "NOT_INVESTIGATED"),
        (State.INVESTIGATING, Event.INVESTIGATE, "INVESTIGATING"),
        (State.CONCLUDED, Event.SUSPECT, "CONCLUDED"),
        (State.VIEWED, Event.ATTACH, "NOT_VERIFIED"),
    ],
)
def test_what_is_refused_and_by_what_name(state: State, event: Event, reason: str) -> None:
    with pytest.raises(StateRefused) as refused:
        step(state, event, facts(event))
    assert refused.value.reason == reason


def test_every_state_is_reached_and_none_is_left_backwards() -> None:
    seen, waiting = {State.DETECTED}, deque([State.DETECTED])
    while waiting:
        state = waiting.popleft()
        for event in Event:
            line = TABLE[(state, event)]
            if isinstance(line, Transition):
                assert _ORDER[line.next] >= _ORDER[state]
                if line.next not in seen:
                    seen.add(line.next)
                    waiting.append(line.next)
    assert seen == set(State)


def test_who_files_a_card_has_looked_and_verified() -> None:
    for state in State:
        for event in (Event.EXCLUDE, Event.SUSPECT):
            events = way(state, event)
            assert events[-1] is event
            if isinstance(TABLE[(state, event)], Transition):
                assert events == (event,)
            elif state not in ANSWERED:
                for one in events:
                    state = step(state, one, facts(one)).next
                assert state in ANSWERED
    assert way(State.SENT, Event.VERIFY) == (Event.VIEW, Event.VERIFY)
    assert way(State.SUSPECTED, Event.CONCLUDE) == (Event.CONCLUDE,)


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_whatever_is_tried_in_whatever_order_the_lifecycle_holds(events: list[Event]) -> None:
    """No card without a look and a verification, no conclusion without an investigation, and what
    was answered is never open again.
    """
    state, trail = State.DETECTED, [State.DETECTED]
    for event in events:
        try:
            state = step(state, event, facts(event)).next
        except StateRefused:
            continue
        trail.append(state)
    for before, after in pairwise(trail):
        if before is after:
            continue
        if after in (State.EXCLUDED, State.SUSPECTED):
            assert before in (State.VERIFYING, State.EXCLUDED)
        if after is State.INVESTIGATING:
            assert before is State.SUSPECTED
        if after is State.CONCLUDED:
            assert before is State.INVESTIGATING
        if before in ANSWERED:
            assert after in ANSWERED
        if after in UNSEEN:
            assert before in UNSEEN
