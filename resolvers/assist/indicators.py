"""How well letters are answered: by sender, by receiver, by the way they went (C5).

Pure. Both sides keep a copy of a letter; the receiver's tells what happened, the sender's stands in
where the receiver's region gave no answer. A letter and a person of it count once, by its number
and the person's place. Somebody who was forwarded counts with the letter that carries the person
on, whose clock keeps its start; so nobody counts twice in a chain either.

Days are days in China: a person is under control the same day if the day of `controlled_at` is that
of `sent_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from statistics import median
from typing import TypeVar

from regions.areas import Areas, reference_areas
from regions.instants import seconds_of
from resolvers.assist.states import State
from resolvers.writing.values import day_of

__all__ = ["Group", "Indicator", "LetterFacts", "PersonFacts", "indicators"]

_HOUR = 3600.0
_RECEIVED = "RECEIVED"
_ANSWERED = frozenset({State.FEEDBACK_GIVEN.name, State.CLOSED.name})
# Nobody has to be put under control by them: not sent, not taken, taken back, carried on elsewhere.
_NOT_COUNTED = frozenset({one.name for one in (State.DRAFT, State.WITHDRAWN, State.REFUSED)})
_OPEN = frozenset({one.name for one in (State.SENT, State.RECEIVED, State.IN_PROGRESS)})
_NO_CONTACT, _CARRIED_ON = State.EXCLUDED.name, State.FORWARDED.name
_TWICE = 2  # forwardings from which on a person is looked for in a third place


class Group(Enum):
    """What indicators are told by."""

    SENDER = "the unit that issued the first letter of the chain"
    RECEIVER = "the unit that the letter went to"
    SENDER_PROVINCE = "the province of that unit"
    RECEIVER_PROVINCE = "the province it went to"
    ROUTE = "from another province, another city, another county"


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """One side's copy of a letter that was sent. Instants are text, UTC."""

    number: str
    side: str  # SENT RECEIVED
    root_number: str
    from_unit: str
    from_code: str
    to_unit: str | None
    to_code: str
    forwarded: int  # how often the people were forwarded before this letter
    state: str
    sent_at: str
    acknowledge_due: str | None
    acknowledged_at: str | None
    control_due: str | None
    feedback_due: str | None
    feedback_at: str | None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person of one side's copy."""

    number: str
    side: str
    position: int
    state: str
    controlled_at: str | None


@dataclass(slots=True)
class Indicator:
    """The figures of one key: a unit's id, a code, or a way.

    `people` are those who had to be put under control: without who was no contact after all and
    who is carried on by another letter. They are `same_day`, `next_day` or `delayed`, `untraced`,
    or not under control yet, which `open` tells. Rates are of `people`; None where there are none.
    """

    key: str
    letters: int = 0
    people: int = 0
    same_day: int = 0
    next_day: int = 0
    delayed: int = 0
    untraced: int = 0
    open: int = 0
    excluded: int = 0
    forwarded: int = 0
    forwarded_twice: int = 0
    overdue_acknowledge: int = 0
    overdue_control: int = 0
    overdue_feedback: int = 0
    hours_to_acknowledge: float | None = None
    hours_to_control: float | None = None
    hours_to_feedback: float | None = None
    _acknowledging: list[float] = field(default_factory=list, repr=False, compare=False)
    _controlling: list[float] = field(default_factory=list, repr=False, compare=False)
    _answering: list[float] = field(default_factory=list, repr=False, compare=False)

    @property
    def same_day_rate(self) -> float | None:
        """Part of the people who were under control on the day the letter was sent."""
        return self._rate(self.same_day)

    @property
    def next_day_rate(self) -> float | None:
        """Part who were on the day after."""
        return self._rate(self.next_day)

    @property
    def delayed_rate(self) -> float | None:
        """Part who were later."""
        return self._rate(self.delayed)

    def _rate(self, number: int) -> float | None:
        return number / self.people if self.people else None

    def _close(self) -> None:
        self.hours_to_acknowledge = _median(self._acknowledging)
        self.hours_to_control = _median(self._controlling)
        self.hours_to_feedback = _median(self._answering)


_Key = TypeVar("_Key")
_Fact = TypeVar("_Fact", LetterFacts, PersonFacts)


def indicators(
    letters: Iterable[LetterFacts],
    people: Iterable[PersonFacts],
    by: Group,
    at: str,
    areas: Areas | None = None,
) -> list[Indicator]:
    """The figures of each key, in the order of the keys. `at` is now, for what is overdue."""
    kept = _one_copy(letters, lambda one: one.number)
    persons = _one_copy(people, lambda one: (one.number, one.position))
    key_of = _keys(by, kept, areas or reference_areas())
    found: dict[str, Indicator] = {}
    for letter in kept.values():
        if letter.state in _NOT_COUNTED:
            continue
        key = key_of(letter)
        _count_letter(found.setdefault(key, Indicator(key)), letter, at)
    for (number, _), person in persons.items():
        of = kept.get(number)
        if of is None or of.state in _NOT_COUNTED or person.side != of.side:
            continue
        _count_person(found[key_of(of)], of, person, at)
    for one in found.values():
        one._close()
    return [found[key] for key in sorted(found)]


def _one_copy(facts: Iterable[_Fact], key: Callable[[_Fact], _Key]) -> dict[_Key, _Fact]:
    """One copy of each, the receiver's where it is there."""
    found: dict[_Key, _Fact] = {}
    for one in facts:
        if one.side == _RECEIVED or key(one) not in found:
            found[key(one)] = one
    return found


def _keys(
    by: Group, letters: Mapping[str, LetterFacts], areas: Areas
) -> Callable[[LetterFacts], str]:
    def issuer(letter: LetterFacts) -> LetterFacts:
        """The first letter of the chain; the letter itself where that one is not known here."""
        return letters.get(letter.root_number, letter)

    def province(code: str) -> str:
        return areas.ancestors(code)[-1] if areas.ancestors(code) else code

    def city(code: str) -> str:
        above = areas.parent(code)
        return above if above is not None and areas.level(code) == "COUNTY" else code

    def route(letter: LetterFacts) -> str:
        ends = issuer(letter).from_code, letter.to_code
        if len({province(one) for one in ends}) > 1:
            return "OTHER_PROVINCE"
        return "OTHER_COUNTY" if len({city(one) for one in ends}) == 1 else "OTHER_CITY"

    match by:
        case Group.SENDER:
            return lambda one: issuer(one).from_unit
        case Group.RECEIVER:
            return lambda one: one.to_unit or f"cdc-{one.to_code}"
        case Group.SENDER_PROVINCE:
            return lambda one: province(issuer(one).from_code)
        case Group.RECEIVER_PROVINCE:
            return lambda one: province(one.to_code)
        case Group.ROUTE:
            return route


def _count_letter(found: Indicator, letter: LetterFacts, at: str) -> None:
    found.letters += 1
    sent = seconds_of(letter.sent_at)
    if letter.acknowledged_at is not None:
        found._acknowledging.append(_hours(sent, letter.acknowledged_at))
    elif letter.state == State.SENT.name and _past(letter.acknowledge_due, at):
        found.overdue_acknowledge += 1
    if letter.feedback_at is not None:
        found._answering.append(_hours(sent, letter.feedback_at))
    if letter.state not in (*_ANSWERED, _CARRIED_ON) and _past(letter.feedback_due, at):
        found.overdue_feedback += 1


def _count_person(found: Indicator, letter: LetterFacts, person: PersonFacts, at: str) -> None:
    if person.state == _CARRIED_ON or letter.state == _CARRIED_ON:
        found.forwarded += 1
        return
    if person.state == _NO_CONTACT:
        found.excluded += 1
        return
    found.people += 1
    if letter.forwarded >= _TWICE:
        found.forwarded_twice += 1
    if person.controlled_at is not None:
        found._controlling.append(_hours(seconds_of(letter.sent_at), person.controlled_at))
        days = _days(letter.sent_at, person.controlled_at)
        if days <= 0:
            found.same_day += 1
        elif days == 1:
            found.next_day += 1
        else:
            found.delayed += 1
        return
    if person.state == State.UNTRACED.name:
        found.untraced += 1
        return
    found.open += 1
    if person.state in _OPEN and _past(letter.control_due, at):
        found.overdue_control += 1


def _past(due: str | None, at: str) -> bool:
    return due is not None and due < at


def _hours(sent: float, at: str) -> float:
    return max(0.0, seconds_of(at) - sent) / _HOUR


def _days(sent_at: str, at: str) -> int:
    return (date.fromisoformat(day_of(at)) - date.fromisoformat(day_of(sent_at))).days


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 2) if values else None
