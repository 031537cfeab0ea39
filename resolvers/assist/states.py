"""The words of table C: the states and events of a letter and of its people, whose they are."""

from __future__ import annotations

from enum import Enum

from resolvers import lifecycles
from resolvers.lifecycles import Refused

__all__ = [
    "ENDED",
    "OPEN",
    "REPORTED",
    "Clock",
    "Event",
    "Facts",
    "Guard",
    "Party",
    "Refused",
    "State",
    "Subject",
    "Transition",
]


class Subject(Enum):
    """What has a state."""

    LETTER = "letter"
    PERSON = "person"


class State(Enum):
    """The states of both."""

    DRAFT = "being written"
    SENT = "sent, not yet acknowledged"
    RECEIVED = "acknowledged by the receiver's duty person"
    IN_PROGRESS = "assigned to an officer of the receiver"
    CONTROLLED = "found and under control"
    FEEDBACK_GIVEN = "answered, waiting for the issuer"
    CLOSED = "the answer was accepted"
    REFUSED = "refused by the receiver, back with the issuer"
    WITHDRAWN = "withdrawn by the issuer"
    FORWARDED = "carried on by another letter"
    UNTRACED = "not found, or left for an unknown place"
    EXCLUDED = "no contact after all, as the issuer confirmed"
    CASE_RAISED = "tested positive, a case"


class Event(Enum):
    """What may happen."""

    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    FORWARD = "forward"
    ASSIGN = "assign"
    CONTROL = "found and controlled"
    LEAVE = "left the region, destination known"
    LOSE = "not found, or left for an unknown place"
    EXCLUDE = "not a contact, says the receiver"
    CONFIRM_EXCLUSION = "not a contact, the issuer agrees"
    DISPUTE_EXCLUSION = "a contact all the same, says the issuer"
    POSITIVE = "positive test"
    FEED_BACK = "feedback"
    ACCEPT = "issuer accepts"
    ASK_MORE = "issuer asks more"
    AMEND = "issuer amends"
    READ = "receiver reads the amended version"


class Party(Enum):
    """Whose event it is."""

    ISSUER = "issuer"
    RECEIVER = "receiver"


class Clock(Enum):
    """The clock that starts (hours are configured, `resolvers.assist.clocks`)."""

    ACKNOWLEDGE = "acknowledge"
    CONTROL = "control"
    FEEDBACK = "feedback"
    MORE = "control and feedback once more"
    REPORT = "report"  # of the new case: 2 h by the rules of cases


class Guard(Enum):
    """What must hold, as `Facts` say; an event is refused by the name of the first that fails."""

    COMPLETE = "required fields, valid code, at least one person"
    REASON = "a reason is given"
    DUTY = "by a duty person of the receiver"
    OFFICER = "an officer of the receiver's unit"
    NEW_HOLDER = "the target never held it before (loop guard)"
    HOW = "time, place and mode are given"
    DESTINATION = "the destination is given"
    PROPOSED = "the receiver has said that it is no contact"
    FORM = "every person has an outcome; those controlled a mode and place"
    RESULT = "the result is recorded"
    NEW_CASE = "a case is linked, and none was before"
    VERSION = "what changed is told as version + 1"
    READ_NOW = "the receiver has read the latest version"


class Facts(lifecycles.Facts[Party, Guard]):
    """What guards are decided by."""

    __slots__ = ()


class Transition(lifecycles.Transition[Party, Guard, State, Clock]):
    """One line of the table."""

    __slots__ = ()


ENDED = frozenset({State.CLOSED, State.WITHDRAWN, State.FORWARDED})
"""States in which nothing more happens."""

REPORTED = (State.CONTROLLED, State.UNTRACED, State.EXCLUDED, State.CASE_RAISED)
"""States of a person of whom it was reported what became of them."""

OPEN = frozenset(State) - ENDED - {State.DRAFT, State.REFUSED}
"""States in which the receiver may read in clear what the issuer shares."""
