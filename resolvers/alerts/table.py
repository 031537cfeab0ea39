"""The lifecycle of a signal as a table: every state and event is a transition or a named refusal
(requirements, table E).

Pure. `step` decides one event; `resolvers/alerts/reasons.py` says in words why not. What the end of
an investigation concludes (outbreak, excluded, continued watch) is on its form, not a state; each
further version of a card or form is a transition from a state to itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from resolvers import lifecycles
from resolvers.alerts.states import (
    ANSWERED,
    UNSEEN,
    Clock,
    Event,
    Facts,
    Guard,
    Party,
    Refused,
    State,
    Transition,
)
from resolvers.lifecycles import decided

__all__ = ["TABLE", "step", "way"]

_Line = tuple[State, Event, Transition]

_OFFICER = (Guard.ON_ITS_OWN, Guard.VERSION)
_DUTY = (Guard.ON_ITS_OWN, Guard.DUTY, Guard.VERSION)


def _of_the_gateway() -> list[_Line]:
    own = (Guard.ON_ITS_OWN,)
    found: list[_Line] = []
    for state in State:
        if state is State.DETECTED:
            sent = Transition(Party.SYSTEM, own, State.SENT, Clock.ANSWER)
            found.append((state, Event.SEND, sent))
        elif state not in UNSEEN:  # somebody looked before it was sent
            clock = None if state in ANSWERED else Clock.ANSWER
            late = Transition(Party.SYSTEM, (*own, Guard.UNSENT), state, clock)
            found.append((state, Event.SEND, late))
    again = {State.SENT: State.RESENT, State.RESENT: State.RESENT}
    # Who looked is asked once more, and has looked all the same.
    again |= {state: state for state in (State.VIEWED, State.VERIFYING)}
    found += [
        (state, Event.RESEND, Transition(Party.SYSTEM, own, after))
        for state, after in again.items()
    ]
    return found


def _of_officers() -> list[_Line]:
    found: list[_Line] = []
    for state in State:
        after = State.VIEWED if state in UNSEEN else state
        found.append((state, Event.VIEW, Transition(Party.COUNTY, _OFFICER, after)))
        found.append((state, Event.OVERSEE, Transition(Party.ABOVE, (Guard.VERSION,), state)))

    def line(state: State, event: Event, after: State, *more: Guard) -> None:
        clock = Clock.FORM if event is Event.END else None
        found.append((state, event, Transition(Party.COUNTY, (*_DUTY, *more), after, clock)))

    line(State.VIEWED, Event.VERIFY, State.VERIFYING)
    line(State.VERIFYING, Event.EXCLUDE, State.EXCLUDED)
    line(State.EXCLUDED, Event.EXCLUDE, State.EXCLUDED)
    line(State.VERIFYING, Event.SUSPECT, State.SUSPECTED)
    line(State.EXCLUDED, Event.SUSPECT, State.SUSPECTED)
    line(State.SUSPECTED, Event.SUSPECT, State.SUSPECTED)
    line(State.INVESTIGATING, Event.SUSPECT, State.INVESTIGATING)
    line(State.SUSPECTED, Event.INVESTIGATE, State.INVESTIGATING)
    line(State.INVESTIGATING, Event.END, State.INVESTIGATING, Guard.RUNNING)
    line(State.INVESTIGATING, Event.CONCLUDE, State.CONCLUDED, Guard.REPORT)
    line(State.CONCLUDED, Event.CONCLUDE, State.CONCLUDED, Guard.REPORT)
    for state in (State.SUSPECTED, State.INVESTIGATING, State.CONCLUDED):
        line(state, Event.ATTACH, state)
    return found


_NOT_YET: Mapping[State, str] = {
    State.DETECTED: "NOT_VIEWED",
    State.SENT: "NOT_VIEWED",
    State.RESENT: "NOT_VIEWED",
    State.VIEWED: "NOT_VERIFIED",
    State.VERIFYING: "NOT_ANSWERED",
    State.EXCLUDED: "EXCLUDED",
    State.SUSPECTED: "NOT_INVESTIGATED",
    State.CONCLUDED: "CONCLUDED",
}
"""What must happen first, by the state it has not left; or that nothing more does."""


def _refusal(state: State, event: Event) -> Refused:
    """Why an event means nothing in a state."""
    if event is Event.SEND:
        return Refused("SENT")
    if event is Event.RESEND:
        return Refused("NOT_SENT" if state is State.DETECTED else "ANSWERED")
    if event is Event.VERIFY and state not in UNSEEN:
        return Refused("VERIFYING" if state is State.VERIFYING else "ANSWERED")
    if event is Event.EXCLUDE and state in (State.SUSPECTED, State.INVESTIGATING):
        return Refused("EVENT_ISSUED")
    if event is Event.INVESTIGATE and state is State.INVESTIGATING:
        return Refused("INVESTIGATING")
    return Refused(_NOT_YET[state])


def _table() -> dict[tuple[State, Event], Transition | Refused]:
    found: dict[tuple[State, Event], Transition | Refused] = {
        (state, event): line for state, event, line in (*_of_the_gateway(), *_of_officers())
    }
    for state in State:
        for event in Event:
            if (state, event) not in found:
                found[(state, event)] = _refusal(state, event)
    return found


TABLE: Mapping[tuple[State, Event], Transition | Refused] = _table()
"""The whole table: no state and event without an answer."""


def step(
    state: State, event: Event, facts: Facts
) -> lifecycles.Transition[Party, Guard, State, Clock]:
    """What an event does. Raises StateRefused, the first reason that stands against it."""
    return decided(TABLE[(state, event)], facts)


def way(state: State, event: Event) -> tuple[Event, ...]:
    """The events that lead from a state through the one given.

    Whoever files a card has looked at the signal and verified it, told so or not: both are noted
    with it, and the lifecycle has no gap. Nothing else is taken as said.
    """
    if event not in (Event.EXCLUDE, Event.SUSPECT):
        return (Event.VIEW, event) if event is Event.VERIFY and state in UNSEEN else (event,)
    first = (Event.VIEW,) if state in UNSEEN else ()
    then = (Event.VERIFY,) if state in (*UNSEEN, State.VIEWED) else ()
    return (*first, *then, event)
