"""What a day's rules find in counts: pure, from arrays to signals in their slots (E1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regions.errors import AlertRuleInvalid
from resolvers.alerts.counts import Counted
from resolvers.alerts.judging import SERIES_METHODS, history_days, judge
from resolvers.alerts.methods import Detection
from resolvers.alerts.parameters import checked
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.alerts.slots import Found
from schema.alerts import SignalKind

__all__ = ["WINDOW", "Watched", "detect_day", "watched_on"]

WINDOW = 7
"""Days of which a signal tells cases and deaths, the day itself the last."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The rules of a day that look at series, with their parameters; `broken` are those whose
    parameters mean nothing, and why: they never stop the others.
    """

    book: RuleBook
    day: str
    values: Mapping[str, Mapping[str, object]]  # by the id of the rule
    broken: Mapping[str, str]
    history: int  # days before the one judged

    @property
    def diseases(self) -> list[str]:
        """The diseases that are watched somewhere."""
        wanted = {rule.disease for rule in self.book.rules if rule.id in self.values}
        return sorted(wanted)


def watched_on(book: RuleBook, day: str, prefixes: Sequence[str]) -> Watched:
    """The rules in effect on a day for the places under some prefixes."""
    values: dict[str, Mapping[str, object]] = {}
    broken: dict[str, str] = {}
    history = WINDOW
    for rule in book.on(day, prefixes):
        if rule.method not in SERIES_METHODS:
            continue
        try:
            values[rule.id] = checked(rule.method, rule.parameters, rule=rule.id)
        except AlertRuleInvalid as error:
            broken[rule.id] = f"{error.message}; {error.hint}"
            continue
        history = max(history, history_days(rule.method, values[rule.id]))
    return Watched(book, day, values, broken, history)


def detect_day(watched: Watched, counted: Counted) -> tuple[list[Found], int]:
    """The signals of the day, and how many series were judged.

    Only series with a case in the rule's last steps can alarm; all that have a rule are judged.
    """
    at = counted.position(watched.day)
    found: list[Found] = []
    series = 0
    for disease in watched.diseases:
        cases = counted.cases.get(disease)
        if cases is None:
            continue
        for rule, places in _by_rule(watched, disease, counted.codes):
            judged = judge(rule.method, watched.values[rule.id], cases[places], counted.first, [at])
            series += len(places)
            for row in np.nonzero(judged.alarm[:, 0])[0]:
                place = int(places[row])
                found.append(_found(rule, watched.day, counted, place, at, judged, int(row)))
    return found, series


def _by_rule(
    watched: Watched, disease: str, codes: Sequence[str]
) -> list[tuple[Rule, NDArray[np.intp]]]:
    """The places of the codes by the rule that holds there."""
    places: dict[str, list[int]] = {}
    rules: dict[str, Rule] = {}
    for place, code in enumerate(codes):
        rule = watched.book.effective(disease, code, watched.day)
        if rule is not None and rule.id in watched.values:
            rules[rule.id] = rule
            places.setdefault(rule.id, []).append(place)
    return [(rules[name], np.array(those, dtype=np.intp)) for name, those in places.items()]


def _found(
    rule: Rule,
    day: str,
    counted: Counted,
    place: int,
    at: int,
    judged: Detection,
    row: int,
) -> Found:
    last = slice(max(0, at - WINDOW + 1), at + 1)
    return Found(
        kind=SignalKind.STATISTICAL,
        rule=rule,
        code=counted.codes[place],
        day=day,
        observed=float(judged.observed[row, 0]),
        expected=float(judged.expected[row, 0]),
        bound=float(judged.bound[row, 0]),
        score=float(judged.score[row, 0]),
        cases=int(np.nansum(counted.cases[rule.disease][place, last])),
        deaths=int(np.nansum(counted.deaths[rule.disease][place, last])),
    )
