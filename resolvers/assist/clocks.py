"""The clocks of a letter: by when it is acknowledged, its people controlled, the answer given.

Pure functions over instants (text, UTC). Hours are configured; a letter that is forwarded keeps
the instant it was first sent (requirements, table C).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regions.instants import instant, seconds_of
from resolvers.assist.states import Clock, State

__all__ = ["REPORT_HOURS", "AssistLimits", "after_hours", "escalation", "running", "starting"]

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class AssistLimits:
    """Hours of each clock, and hours between telling the city and telling the province."""

    acknowledge_hours: int = 2
    control_hours: int = 24
    feedback_hours: int = 24
    escalate_hours: int = 2


REPORT_HOURS = 2
"""From a positive test that is reported to the registration of the case (C, N113 1.3)."""


def after_hours(at: str, hours: int) -> str:
    """The instant so many hours later."""
    return instant(seconds_of(at) + hours * _HOUR)


def starting(clock: Clock | None, at: str, sent_at: str, limits: AssistLimits) -> dict[str, str]:
    """The due columns a clock sets when it starts at an instant.

    To acknowledge and to control is counted from when the letter was first sent; to answer from
    when what became of the people was reported; both anew from when the issuer asked for more.
    """
    if clock is Clock.ACKNOWLEDGE:
        return {
            "acknowledge_due": after_hours(sent_at, limits.acknowledge_hours),
            "control_due": after_hours(sent_at, limits.control_hours),
        }
    if clock is Clock.FEEDBACK:
        return {"feedback_due": after_hours(at, limits.feedback_hours)}
    if clock is Clock.MORE:
        again = limits.control_hours + limits.feedback_hours
        return {
            "control_due": after_hours(at, limits.control_hours),
            "feedback_due": after_hours(at, again),
        }
    return {}


_DUE: Mapping[State, str] = {
    State.SENT: "acknowledge_due",
    State.RECEIVED: "control_due",
    State.IN_PROGRESS: "control_due",
    State.CONTROLLED: "feedback_due",
    State.UNTRACED: "feedback_due",
    State.EXCLUDED: "feedback_due",
    State.CASE_RAISED: "feedback_due",
}


def running(state: State) -> str | None:
    """The due column of the clock that runs in a state; None where none does."""
    return _DUE.get(state)


def escalation(letter: Mapping[str, Any], at: str, limits: AssistLimits) -> str | None:
    """Who must be told at an instant that nobody acknowledged: CITY, later PROVINCE, or None."""
    due = letter["acknowledge_due"]
    if letter["state"] != State.SENT.name or due is None or at < due:
        return None
    return "PROVINCE" if at >= after_hours(due, limits.escalate_hours) else "CITY"
