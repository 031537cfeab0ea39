"""Signals into their slots, in the transaction of whoever found them (E, design).

A slot that is taken stays as it is: a second run of a night, or a card written again, raises
nothing. One open signal of a county and disease absorbs those of the same spell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.alerts import signal_counties, signal_events, signals
from regions.cases import cases
from regions.corrections import corrections, sequences
from regions.ids import take_ids
from resolvers.alerts.rules import Rule
from schema.alerts import SignalKind, SignalState

__all__ = ["Found", "Put", "Window", "newest_record", "put_signals"]

_ENDED = (SignalState.EXCLUDED.name, SignalState.CONCLUDED.name)
_DIGITS = 12  # that a number keeps: both kinds of store write it alike
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Window:
    """What is told of a cluster alone: its days up to `day`, how often it has the risk of elsewhere
    (None: there are no cases elsewhere), the p-value, after how many days of scans chance alone
    shows the like once, and the regions that were not read.
    """

    days: int
    relative_risk: float | None
    p: float
    recurrence: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: a signal, unless its slot is taken. `slot` is what more than rule, county,
    disease and day makes it one; `cases` and `deaths` are of the seven days up to `day`.
    """

    kind: SignalKind
    rule: Rule
    code: str
    day: str
    observed: float
    cases: int
    deaths: int
    expected: float | None = None
    bound: float | None = None
    score: float | None = None
    slot: str = ""
    case_id: int | None = None
    members: tuple[str, ...] = ()
    window: Window | None = None

    @property
    def disease(self) -> str:
        """The rule's."""
        return self.rule.disease

    @property
    def key(self) -> tuple[str, ...]:
        """What names its slot."""
        return self.rule.id, self.code, self.disease, self.day, self.slot


@dataclass(slots=True)
class Put:
    """What became of them: ids of signals that stand for themselves, and of absorbed ones."""

    standing: list[int] = field(default_factory=list)
    absorbed: list[int] = field(default_factory=list)


def newest_record(connection: Connection) -> str:
    """The newest case or correction of the store: by it a signal says which data it saw."""
    newest = [connection.scalar(select(func.max(one.c.id))) for one in (cases, corrections)]
    return str(max(number or 0 for number in newest))


def put_signals(
    connection: Connection,
    region: str,
    found: Sequence[Found],
    *,
    at: str,
    data_version: str,
    absorb_days: int,
) -> Put:
    """Writes those whose slot is free. `region` is the store's code of six digits; what comes up to
    `absorb_days` after an open signal of its county and disease is absorbed by it (0: nothing is).
    """
    taken = _taken(connection, found)
    new = [one for one in found if one.key not in taken]
    new.sort(key=lambda one: (one.code, one.day, one.disease, one.rule.id, one.slot))
    put = Put()
    if not new:
        return put
    first = take_ids(connection, region, 2 * len(new))
    absorbing = _Absorbing(connection, new, absorb_days)
    rows, events, counties = [], [], []
    for number, one in enumerate(new):
        row = _row(connection, one, first + number, at, data_version)
        into = absorbing.of(one, row["id"])
        row["absorbed_into"] = into
        (put.standing if into is None else put.absorbed).append(row["id"])
        rows.append(row)
        counties += [{"code": code, "signal_id": row["id"]} for code in one.members]
        events.append(
            {
                "id": first + len(new) + number,
                "signal_id": row["id"],
                "at": at,
                "actor": None,
                "unit_id": None,
                "event": "DETECT",
                "from_state": None,
                "to_state": SignalState.DETECTED.name,
                "detail": None if into is None else orjson.dumps({"absorbedInto": into}).decode(),
            }
        )
    connection.execute(insert(signals), rows)
    connection.execute(insert(signal_events), events)
    if counties:
        connection.execute(insert(signal_counties), counties)
    absorbing.count(connection, at)
    return put


def _taken(connection: Connection, found: Sequence[Found]) -> set[tuple[str, ...]]:
    c = signals.c
    columns = (c.rule_id, c.code, c.disease, c.day, c.slot)
    taken: set[tuple[str, ...]] = set()
    by_day: dict[str, set[str]] = {}
    for one in found:
        by_day.setdefault(one.day, set()).add(one.code)
    for day, codes in sorted(by_day.items()):
        for part in _parts(sorted(codes)):
            asked = select(*columns).where(c.code.in_(part), c.day == day)
            taken.update(tuple(row) for row in connection.execute(asked))
    return taken


def _parts(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _row(
    connection: Connection, one: Found, number: int, at: str, data_version: str
) -> dict[str, Any]:
    return {
        "id": number,
        "number": _number(connection, one.code, one.day),
        "kind": one.kind.name,
        "code": one.code,
        "disease": one.disease,
        "day": one.day,
        "slot": one.slot,
        "rule_id": one.rule.id,
        "rule_version": one.rule.version,
        "method": one.rule.method.name,
        "observed": _plain(one.observed),
        "expected": _plain(one.expected),
        "bound": _plain(one.bound),
        "score": _plain(one.score),
        "cases": one.cases,
        "deaths": one.deaths,
        "data_version": data_version,
        "case_id": one.case_id,
        "members": _json(one.members),
        **_window(one.window),
        "state": SignalState.DETECTED.name,
        "detected_at": at,
        "absorbed_into": None,
        "repeats": 0,
        "updated_at": at,
        "version": 1,
    }


def _window(window: Window | None) -> dict[str, Any]:
    if window is None:
        names = (
            "window_days",
            "relative_risk",
            "probability",
            "recurrence_days",
            "missing_regions",
        )
        return dict.fromkeys(names)
    return {
        "window_days": window.days,
        "relative_risk": _plain(window.relative_risk),
        "probability": _plain(window.p),
        "recurrence_days": _plain(window.recurrence),
        "missing_regions": _json(window.missing),
    }


def _json(codes: tuple[str, ...]) -> str | None:
    return orjson.dumps(codes).decode() if codes else None


def _plain(value: float | None) -> float | None:
    """A number as it is kept; null where it is none."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")


def _number(connection: Connection, code: str, day: str) -> str:
    """The next number of a county and day (E6): 17 digits; from the thousandth on 18.

    The counter is a row that a second writer waits for.
    """
    name = f"signal {code} {day}"
    builder: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    begin = builder.insert(sequences).values(name=name, next=1)
    serial = connection.execute(
        begin.on_conflict_do_update(
            index_elements=["name"], set_={"next": sequences.c.next + 1}
        ).returning(sequences.c.next)
    ).scalar_one()
    return f"{code}{day.replace('-', '')}{serial:03d}"


@dataclass(slots=True)
class _Spell:
    """An open signal, the last day of its spell, and the counties it is of."""

    id: int
    last: str
    places: frozenset[str]


class _Absorbing:
    """The open signals of counties and diseases, and how far their spells reach.

    A cluster goes on in one of its kind that shares a county with it; the signal of a county alone
    in one of that county. Neither absorbs the other: they tell different things.
    """

    def __init__(self, connection: Connection, new: Sequence[Found], days: int) -> None:
        self._days = days
        self._open: dict[tuple[str, str], list[_Spell]] = {}  # by kind and disease
        self._repeats: dict[int, int] = {}
        if not days:
            return
        c = signals.c
        codes = {one.code for one in new if one.kind is SignalKind.STATISTICAL}
        for part in _parts(sorted(codes)):
            self._read(connection, c.kind == SignalKind.STATISTICAL.name, c.code.in_(part))
        diseases = {one.disease for one in new if one.kind is SignalKind.CLUSTER}
        if diseases:
            of_them = c.disease.in_(sorted(diseases))
            self._read(connection, c.kind == SignalKind.CLUSTER.name, of_them)

    def _read(self, connection: Connection, *which: ColumnElement[bool]) -> None:
        c, later = signals.c, signals.alias("later")
        last = (
            select(func.max(later.c.day))
            .where(or_(later.c.id == c.id, later.c.absorbed_into == c.id))
            .correlate(signals)
            .scalar_subquery()
        )
        open_ones = and_(c.state.not_in(_ENDED), c.absorbed_into.is_(None), *which)
        columns = (c.id, c.kind, c.code, c.disease, c.members, last.label("last"))
        asked = select(*columns).where(open_ones).order_by(c.id)
        for row in connection.execute(asked.with_for_update(of=signals)):
            places = orjson.loads(row.members) if row.members else (row.code,)
            spells = self._open.setdefault((row.kind, row.disease), [])
            spells.append(_Spell(row.id, row.last, frozenset(places)))

    def of(self, one: Found, number: int) -> int | None:
        """The open signal that absorbs it; None where it stands for itself, and is one now."""
        if not self._days or one.kind is SignalKind.SINGLE_CASE:
            return None  # each card is one of its own (E3)
        spells = self._open.setdefault((one.kind.name, one.disease), [])
        places = frozenset(one.members or (one.code,))
        for spell in reversed(spells):
            near = abs(_days_between(spell.last, one.day)) <= self._days
            if near and not places.isdisjoint(spell.places):
                spell.last = max(spell.last, one.day)
                self._repeats[spell.id] = self._repeats.get(spell.id, 0) + 1
                return spell.id
        spells.append(_Spell(number, one.day, places))
        return None

    def count(self, connection: Connection, at: str) -> None:
        """Adds what was absorbed to the open ones."""
        for number, repeats in sorted(self._repeats.items()):
            more: Mapping[str, Any] = {
                "repeats": signals.c.repeats + repeats,
                "updated_at": at,
            }
            connection.execute(update(signals).where(signals.c.id == number).values(more))


def _days_between(first: str, then: str) -> int:
    return (date.fromisoformat(then) - date.fromisoformat(first)) // timedelta(days=1)
