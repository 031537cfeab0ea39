"""The words of the pathway: states, events, clocks, and what stands of one person (D)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum

from regions.instants import instant, seconds_of
from schema.pathway import ClockKind, PathwayEvent, PathwayState

__all__ = [
    "AFTER_RELEASE",
    "CHINA",
    "IN_HOSPITAL",
    "OWED",
    "Clock",
    "ClockKind",
    "Event",
    "PathwayEvent",
    "PathwayState",
    "Refused",
    "Standing",
    "end_of_day",
    "later",
    "local_day",
]

CHINA = timezone(timedelta(hours=8))
"""Asia/Shanghai. It has had no summer time since 1991, which no record of a pathway is before."""


class _Ending(Enum):
    MET = "met"
    DROPPED = "dropped"


S, C = PathwayState, ClockKind
OWED = (C.DIRECT_REPORT, C.INVESTIGATION)
"""What stays to be done whatever becomes of the carrier."""

IN_HOSPITAL = frozenset({S.HOSPITAL_OBSERVATION, S.WAIT_DAY_12, S.WAIT_DUAL_SITE, S.CLINICAL_CHECK})
AFTER_RELEASE = frozenset({S.RELEASED_FROM_HOSPITAL, S.CENTRAL_ISOLATION, S.HOME_OBSERVATION})


@dataclass(frozen=True, slots=True)
class Clock:
    """What is due by when. `number` tells clocks of a kind apart: 1, 2 ... in order. It ends by
    being met, or dropped where its step is no longer wanted; `missed_at` is the instant it ran out.
    """

    kind: ClockKind
    number: int
    opened_at: str
    due_at: str
    met_at: str | None = None
    missed_at: str | None = None
    dropped_at: str | None = None

    @property
    def running(self) -> bool:
        """Whether it still waits."""
        return self.met_at is None and self.dropped_at is None


@dataclass(frozen=True, slots=True)
class Event:
    """An event at an instant; of a sample, the instant at which it was taken."""

    kind: PathwayEvent
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one person stands, by their case or as a contact of a level.

    `day_one` is day 1 of the present observation; `second_at` when the last negative sample of it
    was taken; `released_at` the release from hospital; `returns_to` the state to which an exclusion
    leads.
    """

    level: str  # CASE, or the level of a contact: CLOSE, SECONDARY
    state: PathwayState
    entered_at: str
    day_one: str | None = None
    second_at: str | None = None
    released_at: str | None = None
    revisits: int = 0
    returns_to: PathwayState | None = None
    clocks: tuple[Clock, ...] = field(default=())

    def day(self, at: str) -> int | None:
        """Which day of the observation an instant lies in; None where none runs."""
        if self.day_one is None:
            return None
        return (local_day(at) - date.fromisoformat(self.day_one)).days + 1

    def opened(self, kind: ClockKind, at: str, due_at: str) -> Standing:
        """With a clock more."""
        number = 1 + sum(one.kind is kind for one in self.clocks)
        return replace(self, clocks=(*self.clocks, Clock(kind, number, at, max(at, due_at))))

    def met(self, kind: ClockKind, at: str) -> Standing:
        """With the oldest running clock of a kind met, as late as that may be."""
        return self._ended(kind, at, _Ending.MET, once=True)

    def missed(self, kind: ClockKind, at: str) -> Standing:
        """With the oldest running clock of a kind dropped: it was missed for good."""
        return self._ended(kind, at, _Ending.DROPPED, once=True)

    def dropped(self, at: str, *kinds: ClockKind) -> Standing:
        """With clocks of some kinds dropped, since they are no longer wanted."""
        found = self
        for kind in kinds:
            found = found._ended(kind, at, _Ending.DROPPED, once=False)
        return found

    def cleared(self, at: str, *kept: ClockKind) -> Standing:
        """With all that runs dropped but clocks of some kinds."""
        return self.dropped(at, *(kind for kind in ClockKind if kind not in kept))

    def runs(self, kind: ClockKind) -> bool:
        """Whether a clock of a kind waits."""
        return any(one.kind is kind and one.running for one in self.clocks)

    def _ended(self, kind: ClockKind, at: str, how: _Ending, *, once: bool) -> Standing:
        clocks, done = [], False
        for one in self.clocks:
            if one.kind is kind and one.running and not (done and once):
                done = True
                late = one.missed_at or (one.due_at if at > one.due_at else None)
                one = replace(one, missed_at=late)
                ended = max(at, one.opened_at)
                if how is _Ending.MET:
                    one = replace(one, met_at=ended)
                else:
                    one = replace(one, dropped_at=ended)
            clocks.append(one)
        return replace(self, clocks=tuple(clocks))


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an event leads nowhere: a stable name, and the same in words."""

    reason: str
    message: str
    message_zh: str


def local_day(at: str) -> date:
    """The day an instant lies in, in China."""
    return datetime.fromtimestamp(seconds_of(at), UTC).astimezone(CHINA).date()


def end_of_day(day: date) -> str:
    """The last second of a day in China."""
    return instant(datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=CHINA).timestamp())


def later(at: str, *, hours: int) -> str:
    """An instant so many hours later."""
    return instant(seconds_of(at) + hours * 3600)
