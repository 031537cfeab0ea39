"""Cards of single-case diseases: each raises its signal in the transaction that wrote it (E3, E4).

Whoever writes cases calls `signal_cards` beside `apply_counts`: registering, correcting, loading,
and the night, for cards that have none (it was written while the rules could not be read, or came
back to a restored store). A card that comes along with a person who is handed over
is a copy: it was reported, and has raised its signal, where it is kept (B8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from regions.alerts import signals
from regions.cases import cases
from regions.ids import hold_ids
from regions.settings import RegionSettings
from regions.statistics import case_cell, daily_counts
from resolvers.alerts.messages import put_messages
from resolvers.alerts.rules import Rule, RuleBook
from resolvers.alerts.slots import Found, newest_record, put_signals
from resolvers.alerts.states import State
from schema.alerts import SignalKind

__all__ = ["SAME_ILLNESS_DAYS", "signal_cards"]

SAME_ILLNESS_DAYS = 30
"""A second card of a person, disease and county within so many days is of the same illness."""

_WINDOW = 6  # days before the day itself: seven together
_AT_ONCE = 400


def signal_cards(
    connection: Connection,
    settings: RegionSettings,
    book: RuleBook,
    cards: Iterable[Mapping[str, Any]],
    at: str,
) -> list[int]:
    """Raises the signals of cards as they are now (columns of `cases`), where they count as a case
    of a disease that a rule watches by single cases; returns the new signals' ids. Whoever is on
    duty is told at once.

    A card has one signal for its disease and county, whatever becomes of it; so has a person's
    illness, however many report it. What was raised stays: excluding a card is answered by annex 1.

    Whoever changes daily counts in the same transaction holds the ids before (`regions.ids`).
    """
    wanted: dict[tuple[int, str, str], tuple[Mapping[str, Any], Rule, str]] = {}
    for card in cards:
        if card["disease"] not in book.singly:
            continue
        cell = case_cell(card, settings.days)
        if cell is None or card.get("kept_in") is not None:
            continue
        disease, code, day = cell
        rule = book.single_case(disease, code, day)
        if rule is not None:
            wanted[(card["id"], disease, code)] = (card, rule, day)
    if not wanted:
        return []
    hold_ids(connection, settings.code)  # one after the other: each sees what others have raised
    raised = _raised(connection, [card["id"] for card, _, _ in wanted.values()])
    told = _Illnesses(connection, [card["person_id"] for card, _, _ in wanted.values()])
    found = []
    for key, (card, rule, day) in sorted(wanted.items()):
        number, disease, code = key
        if key in raised or told.again(card["person_id"], disease, code, day):
            continue
        counted, died = _window(connection, disease, code, day)
        found.append(
            Found(
                kind=SignalKind.SINGLE_CASE,
                rule=rule,
                code=code,
                day=day,
                observed=1.0,
                bound=1.0,
                score=1.0,
                cases=counted,
                deaths=died,
                slot=str(number),
                case_id=number,
            )
        )
    if not found:
        return []
    put = put_signals(
        connection,
        settings.code,
        found,
        at=at,
        data_version=newest_record(connection),
        absorb_days=0,
    )
    put_messages(connection, settings.code, put.standing, at)
    return put.standing


def _raised(connection: Connection, numbers: Sequence[int]) -> set[tuple[int, str, str]]:
    """(card, disease, county) for which there is a signal."""
    c = signals.c
    found: set[tuple[int, str, str]] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        asked = select(c.case_id, c.disease, c.code).where(c.case_id.in_(part))
        found.update((row[0], row[1], row[2]) for row in connection.execute(asked))
    return found


class _Illnesses:
    """The illnesses of some people for which a signal was raised."""

    def __init__(self, connection: Connection, persons: Sequence[int]) -> None:
        self._days: dict[tuple[int, str, str], list[str]] = {}
        c = signals.c
        persons = sorted(set(persons))
        for start in range(0, len(persons), _AT_ONCE):
            asked = (
                select(cases.c.person_id, c.disease, c.code, c.day)
                .join(cases, cases.c.id == c.case_id)
                .where(
                    cases.c.person_id.in_(persons[start : start + _AT_ONCE]),
                    c.state != State.EXCLUDED.name,  # what came of another card is new
                )
            )
            for person, disease, code, day in connection.execute(asked):
                self._days.setdefault((person, disease, code), []).append(day)

    def again(self, person: int, disease: str, code: str, day: str) -> bool:
        """Whether the illness has its signal; it is noted as having one from now on."""
        days = self._days.setdefault((person, disease, code), [])
        if any(_apart(one, day) <= SAME_ILLNESS_DAYS for one in days):
            return True
        days.append(day)
        return False


def _apart(one: str, other: str) -> int:
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)


def _window(connection: Connection, disease: str, code: str, day: str) -> tuple[int, int]:
    """Cases and deaths of the seven days up to a day."""
    c = daily_counts.c
    start = (date.fromisoformat(day) - timedelta(days=_WINDOW)).isoformat()
    larger = (  # of a day with counts of two sources, as nights judge it
        select(func.max(c.cases).label("cases"), func.max(c.deaths).label("deaths"))
        .where(c.disease == disease, c.code == code, c.day >= start, c.day <= day)
        .group_by(c.day)
        .subquery()
    )
    sums = [func.coalesce(func.sum(one), 0) for one in (larger.c.cases, larger.c.deaths)]
    counted, died = connection.execute(select(*sums)).one()
    return int(counted), int(died)
