"""The words of table E: the states and events of a signal, whose they are, what must hold."""

from __future__ import annotations

from enum import Enum

from resolvers import lifecycles
from resolvers.lifecycles import Refused

__all__ = [
    "ANSWERED",
    "UNSEEN",
    "Clock",
    "Event",
    "Facts",
    "Guard",
    "Party",
    "Refused",
    "State",
    "Transition",
]


class State(Enum):
    """The states of a signal."""

    DETECTED = "computed, not yet sent"
    SENT = "sent to the duty person"
    RESENT = "sent again, since nothing came back"
    VIEWED = "looked at by the county"
    VERIFYING = "being verified"
    EXCLUDED = "no event, by the abnormal information card"
    SUSPECTED = "a suspected event: its number is issued"
    INVESTIGATING = "being investigated in the field"
    CONCLUDED = "concluded: an outbreak, excluded, or watched on"


class Event(Enum):
    """What may happen."""

    SEND = "send"
    RESEND = "send again"
    VIEW = "the county looks at it"
    OVERSEE = "a level above looks at it"
    VERIFY = "the county begins to verify"
    EXCLUDE = "abnormal information card: no event"
    SUSPECT = "abnormal information card: a suspected event"
    INVESTIGATE = "the investigation starts"
    END = "the investigation is over"
    CONCLUDE = "investigation form"
    ATTACH = "a file for the investigation"


class Party(Enum):
    """Whose event it is."""

    SYSTEM = "the gateway"
    COUNTY = "the county's unit"
    ABOVE = "a unit of the city, the province or the country"


class Clock(Enum):
    """The clock that starts (`resolvers.alerts.clocks` has the hours)."""

    ANSWER = "abnormal information card of a single case"
    FORM = "investigation form"


class Guard(Enum):
    """What must hold, as `Facts` say; an event is refused by the name of the first that fails."""

    ON_ITS_OWN = "no open signal of the same spell absorbed it"
    UNSENT = "it was not sent before"
    DUTY = "by a duty person of the county"
    VERSION = "the officer has seen it as it stands"
    REPORT = "the investigation report is attached"
    RUNNING = "the end of the investigation was not told yet"


class Facts(lifecycles.Facts[Party, Guard]):
    """What guards are decided by."""

    __slots__ = ()


class Transition(lifecycles.Transition[Party, Guard, State, Clock]):
    """One line of the table."""

    __slots__ = ()


UNSEEN = (State.DETECTED, State.SENT, State.RESENT)
"""States in which nobody of the county has looked yet."""

ANSWERED = (State.EXCLUDED, State.SUSPECTED, State.INVESTIGATING, State.CONCLUDED)
"""States with an abnormal information card on record."""
