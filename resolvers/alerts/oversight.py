"""Signals to the figures by which they are overseen (requirements E12). Pure.

A signal belongs to the day it was raised for. What stands for itself is a signal; what an open one
of the same spell absorbed is counted beside it. The response is from sending to the first abnormal
information card. A suspected event is confirmed once its investigation concludes an outbreak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from regions.instants import seconds_of
from resolvers.alerts.states import ANSWERED, State

__all__ = [
    "FalseFigures",
    "Figures",
    "GroundFigures",
    "Open",
    "SignalFacts",
    "false_figures",
    "figures",
    "ground_figures",
    "grouped",
    "open_now",
]

_HOUR = 3600.0
_TWO_HOURS, _DAY = 2.0, 24.0
_WEEK_DAYS = 7
_OUTBREAK, _EXCLUDED, _WATCHED = "OUTBREAK", "EXCLUDED", "CONTINUED_WATCH"
_ANSWERED = frozenset(one.name for one in ANSWERED)


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """A signal as its store has it. Instants are text, UTC; `verified` and `grounds` are those of
    its latest card, `event` the id of its suspected event.
    """

    code: str
    disease: str
    day: str
    kind: str
    method: str
    state: str
    sent_at: str | None
    answered_at: str | None
    absorbed: bool
    event: int | None = None
    event_state: str | None = None
    conclusion: str | None = None
    form_due: str | None = None
    verified: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    overseen: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether its event is an outbreak."""
        return self.conclusion == _OUTBREAK

    @property
    def excluded(self) -> bool:
        """Whether it is false: by the card, or by the investigation."""
        return self.state == State.EXCLUDED.name or self.conclusion == _EXCLUDED

    @property
    def hours(self) -> float | None:
        """From sending to the first card; 0 where that was before; None where there is none."""
        if self.answered_at is None:
            return None
        if self.sent_at is None:
            return 0.0
        return max(0.0, seconds_of(self.answered_at) - seconds_of(self.sent_at)) / _HOUR

    def sent_before(self, at: str, hours: float) -> bool:
        """Whether it was sent more than so many hours before an instant."""
        if self.sent_at is None:
            return False
        return seconds_of(at) - seconds_of(self.sent_at) > hours * _HOUR


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some signals; rates are None where there is nothing to divide by."""

    signals: int
    absorbed: int
    counties: int
    per_county_week: float | None
    answered: int
    answered_rate: float | None
    hours_to_answer: float | None
    within_two_hours: int
    within_two_hours_rate: float | None
    within_day: int
    within_day_rate: float | None
    suspected: int
    suspected_rate: float | None
    suspected_events: int
    confirmed: int
    confirmed_rate: float | None
    confirmed_events: int
    excluded: int
    overseen: int


def figures(facts: Iterable[SignalFacts], counties: int, days: int, at: str) -> Figures:
    """The figures of signals of so many counties and days, as of an instant."""
    every = list(facts)
    own = [one for one in every if not one.absorbed]
    hours = [one.hours for one in own if one.hours is not None]
    suspected = [one for one in own if one.event is not None]
    confirmed = [one for one in suspected if one.confirmed]
    weeks = counties * days / _WEEK_DAYS

    def within(limit: float) -> tuple[int, float | None]:
        """Answered in time, and of how many that is a part: what may still be is not among them."""
        done = sum(one <= limit for one in hours)
        late = sum(one.hours is None and one.sent_before(at, limit) for one in own)
        return done, _rate(done, len(hours) + late)

    soon, soon_rate = within(_TWO_HOURS)
    in_a_day, in_a_day_rate = within(_DAY)
    return Figures(
        signals=len(own),
        absorbed=len(every) - len(own),
        counties=counties,
        per_county_week=round(len(own) / weeks, 6) if weeks else None,
        answered=len(hours),
        answered_rate=_rate(len(hours), len(own)),
        hours_to_answer=round(median(hours), 2) if hours else None,
        within_two_hours=soon,
        within_two_hours_rate=soon_rate,
        within_day=in_a_day,
        within_day_rate=in_a_day_rate,
        suspected=len(suspected),
        suspected_rate=_rate(len(suspected), len(own)),
        suspected_events=_events(suspected),
        confirmed=len(confirmed),
        confirmed_rate=_rate(len(confirmed), len(own)),
        confirmed_events=_events(confirmed),
        excluded=sum(one.excluded for one in own),
        overseen=sum(one.overseen for one in own),
    )


def grouped(
    facts: Iterable[SignalFacts], key: Callable[[SignalFacts], str]
) -> Mapping[str, list[SignalFacts]]:
    """Signals by a key, those with most signals first, then by the key."""
    found: dict[str, list[SignalFacts]] = {}
    for one in facts:
        found.setdefault(key(one), []).append(one)

    def place(name: str) -> tuple[int, str]:
        return -sum(not one.absorbed for one in found[name]), name

    return {name: found[name] for name in sorted(found, key=place)}


@dataclass(frozen=True, slots=True)
class GroundFigures:
    """Signals suspected on a ground, and what became of them."""

    suspected: int
    confirmed: int
    excluded: int


def ground_figures(facts: Sequence[SignalFacts], ground: str) -> GroundFigures:
    """Of one ground of the card (`resolvers.alerts.card.GROUNDS`)."""
    held = [one for one in facts if not one.absorbed and ground in one.grounds]
    return GroundFigures(
        len(held), sum(one.confirmed for one in held), sum(one.excluded for one in held)
    )


@dataclass(frozen=True, slots=True)
class FalseFigures:
    """False signals: how it was found that they are."""

    signals: int
    rate: float | None
    by_card: int
    by_investigation: int
    data_analysis: int
    phone: int
    other: int


def false_figures(facts: Sequence[SignalFacts]) -> FalseFigures:
    """Of those that stand for themselves."""
    false = [one for one in facts if not one.absorbed and one.excluded]
    true = sum(one.confirmed for one in facts if not one.absorbed)
    by_card = sum(one.state == State.EXCLUDED.name for one in false)

    def verified(manner: str) -> int:
        return sum(manner in one.verified for one in false)

    return FalseFigures(
        signals=len(false),
        rate=_rate(len(false), len(false) + true),
        by_card=by_card,
        by_investigation=len(false) - by_card,
        data_analysis=verified("DATA_ANALYSIS"),
        phone=verified("PHONE"),
        other=verified("OTHER"),
    )


@dataclass(frozen=True, slots=True)
class Open:
    """What is not done as of now, whatever its day."""

    unanswered: int
    single_case_late: int
    late: int
    suspected_events: int
    investigated_events: int
    forms_late: int
    watched_events: int


def open_now(facts: Iterable[SignalFacts], at: str) -> Open:
    """What waits at an instant."""
    own = [one for one in facts if not one.absorbed]
    waiting = [one for one in own if one.state not in _ANSWERED]
    investigated = [one for one in own if one.event_state == State.INVESTIGATING.name]
    watched = [one for one in own if one.conclusion == _WATCHED]
    return Open(
        unanswered=len(waiting),
        single_case_late=sum(
            one.kind == "SINGLE_CASE" and one.sent_before(at, _TWO_HOURS) for one in waiting
        ),
        late=sum(one.sent_before(at, _DAY) for one in waiting),
        suspected_events=_events(one for one in own if one.event_state == State.SUSPECTED.name),
        investigated_events=_events(investigated),
        forms_late=_events(
            one for one in investigated if one.form_due is not None and one.form_due < at
        ),
        watched_events=_events(watched),
    )


def _events(facts: Iterable[SignalFacts]) -> int:
    return len({one.event for one in facts})


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
