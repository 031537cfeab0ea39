"""The counts of a store as arrays: counties x diseases x days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select

from regions.areas import reference_areas
from regions.statistics import daily_counts
from regions.text import under

__all__ = ["Counted", "Row", "counts_of", "first_counted", "select_counts"]

Row = Sequence[Any]
"""Disease, code, day, source, cases, deaths."""

_C = daily_counts.c


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
    diseases: Collection[str], first: str, last: str, prefix: str = ""
) -> Select[Any]:
    """The one statement that reads a store's counts of some diseases and days (`Row`)."""
    columns = (_C.disease, _C.code, _C.day, _C.source, _C.cases, _C.deaths)
    where = [_C.disease.in_(sorted(diseases)), _C.day >= first, _C.day <= last]
    if prefix:
        where.append(under(_C.code, prefix))
    return select(*columns).where(*where)


def first_counted() -> Select[Any]:
    """The first day that a store has any count of."""
    return select(func.min(_C.day))


def counts_of(
    rows: Sequence[Row], first: str, last: str, since: str | None, codes: Collection[str] = ()
) -> Counted:
    """Rows of one store or several as arrays. A code that died counts as its successor.

    `codes` are there though nothing was counted; days before `since` (None: none) are missing.
    """
    begin = date.fromisoformat(first).toordinal()
    days = date.fromisoformat(last).toordinal() - begin + 1
    now_called = _Successors()
    places = {
        code: place
        for place, code in enumerate(
            sorted({*codes, *(now_called(code) for code in {row[1] for row in rows})})
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
        at = np.array([places[now_called(row[1])] for row in those], dtype=np.intp)
        on = np.array([ordinal[row[2]] for row in those], dtype=np.intp)
        cases, deaths = np.zeros(shape), np.zeros(shape)
        np.add.at(cases, (at, on), np.array([float(row[4]) for row in those]))
        np.add.at(deaths, (at, on), np.array([float(row[5]) for row in those]))
        told = np.array([row[3] != "CASES" for row in those], dtype=bool)
        if told.any():
            _leave_out(cases, at, on, told)
        if absent > 0:
            cases[:, : min(absent, days)] = np.nan
        found[disease], died[disease] = cases, deaths
    return Counted(tuple(places), begin, days, found, died)


class _Successors:
    """Codes as they are called now."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, code: str) -> str:
        """The living code."""
        found = self._known.get(code)
        if found is None:
            found = self._known[code] = reference_areas().successor(code) or code
        return found


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
