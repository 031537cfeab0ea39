"""The counts of a store as arrays: counties x diseases x days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, or_, select

from regions.areas import reference_areas
from regions.statistics import daily_counts
from regions.text import under

__all__ = [
    "Counted",
    "Row",
    "called_now",
    "counts_of",
    "first_counted",
    "once_called",
    "select_counts",
]

Row = Sequence[Any]
"""Disease, code, day, source, cases, deaths."""

_C = daily_counts.c
_COUNTY = 6  # digits of the code of a county


@dataclass(frozen=True, slots=True)
class Counted:
    """Cases and deaths of shape (codes, days) for each disease that has any; `first` is the ordinal
    of the first day (`date.toordinal`). A day without a report is NaN: those before `since`, and
    those that a series loaded as counts leaves out.
    """

    codes: tuple[str, ...]
    first: int
    days: int
    cases: dict[str, NDArray[np.float64]]
    deaths: dict[str, NDArray[np.float64]]

    def position(self, day: str) -> int:
        """Where a day stands among the days."""
        return date.fromisoformat(day).toordinal() - self.first

    def day(self, position: int) -> str:
        """The day that stands there."""
        return date.fromordinal(self.first + position).isoformat()


def select_counts(
    diseases: Collection[str], first: str, last: str, prefixes: Collection[str] = ("",)
) -> Select[Any]:
    """The one statement that reads a store's counts of some diseases and days (`Row`), of all that
    is called by some prefixes now.
    """
    columns = (_C.disease, _C.code, _C.day, _C.source, _C.cases, _C.deaths)
    where = [_C.disease.in_(sorted(diseases)), _C.day >= first, _C.day <= last]
    if "" not in prefixes:
        where.append(_called(tuple(prefixes)))
    return select(*columns).where(*where)


def _called(prefixes: tuple[str, ...]) -> ColumnElement[bool]:
    counties = {one for one in prefixes if len(one) == _COUNTY} | {*once_called(prefixes)}
    wider = [under(_C.code, one) for one in sorted(prefixes) if len(one) < _COUNTY]
    return or_(_C.code.in_(sorted(counties)), *wider)


def called_now(code: str) -> str:
    """The code that counts of a code belong to: what a dead one has become, else itself."""
    return _heirs().get(code, code)


def once_called(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """The dead codes whose counts belong to some prefixes by now."""
    return tuple(dead for dead, heir in _heirs().items() if heir.startswith(prefixes))


@cache
def _heirs() -> Mapping[str, str]:
    """Dead codes, each with the one living code that it has become."""
    areas = reference_areas()
    found = {change.old_code: areas.successor(change.old_code) for change in areas.changes}
    return {dead: heir for dead, heir in sorted(found.items()) if heir not in (None, dead)}


def first_counted() -> Select[Any]:
    """The first day that a store has any count of."""
    return select(func.min(_C.day))


def counts_of(
    rows: Sequence[Row], first: str, last: str, since: str | None, codes: Collection[str] = ()
) -> Counted:
    """Rows of one store or several as arrays. A code that died counts as its successor. Of a day
    that was counted from cases and loaded as counts, too, the larger number holds.

    `codes` are there though nothing was counted; days before `since` (None: none) are missing.
    """
    begin = date.fromisoformat(first).toordinal()
    days = date.fromisoformat(last).toordinal() - begin + 1
    places = {
        code: place
        for place, code in enumerate(
            sorted({*codes, *(called_now(code) for code in {row[1] for row in rows})})
        )
    }
    shape = (len(places), days)
    ordinal = {day: date.fromisoformat(day).toordinal() - begin for day in {r[2] for r in rows}}
    by_disease: dict[str, list[Row]] = {}
    for row in rows:
        by_disease.setdefault(row[0], []).append(row)
    absent = days if since is None else date.fromisoformat(since).toordinal() - begin
    found, died = {}, {}
    for disease, those in by_disease.items():
        at = np.array([places[called_now(row[1])] for row in those], dtype=np.intp)
        on = np.array([ordinal[row[2]] for row in those], dtype=np.intp)
        told = np.array([row[3] != "CASES" for row in those], dtype=bool)
        cases = _larger(shape, at, on, told, np.array([float(row[4]) for row in those]))
        deaths = _larger(shape, at, on, told, np.array([float(row[5]) for row in those]))
        if told.any():
            _leave_out(cases, at, on, told)
        if absent > 0:
            cases[:, : min(absent, days)] = np.nan
        found[disease], died[disease] = cases, deaths
    return Counted(tuple(places), begin, days, found, died)


def _larger(
    shape: tuple[int, int],
    at: NDArray[np.intp],
    on: NDArray[np.intp],
    told: NDArray[np.bool_],
    numbers: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The sums of each day by source, and of two sources the larger: they count the same people,
    and neither may hide what the other saw.
    """
    found = np.zeros(shape)
    if not told.any():
        np.add.at(found, (at, on), numbers)
        return found
    other = np.zeros(shape)
    for sums, some in ((found, ~told), (other, told)):
        np.add.at(sums, (at[some], on[some]), numbers[some])
    return np.maximum(found, other)


def _leave_out(
    cases: NDArray[np.float64],
    at: NDArray[np.intp],
    on: NDArray[np.intp],
    told: NDArray[np.bool_],
) -> None:
    """Makes days missing on which a series that is loaded as counts has none, between its first
    and its last: a day with nothing to report has a row of zero.
    """
    there = np.zeros(cases.shape, dtype=bool)
    there[at, on] = True
    for place in np.unique(at[told]):
        mine = on[told & (at == place)]
        begin, end = int(mine.min()), int(mine.max()) + 1
        gaps = ~there[place, begin:end]
        cases[place, begin:end][gaps] = np.nan
