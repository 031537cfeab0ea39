"""Detection held against reference results: bounds, alarms, and the time a point takes."""

from __future__ import annotations

import csv
import gzip
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.detect_settings import Asked, Run, method_of
from bench.report import Sheet
from resolvers.alerts.methods.blocks import Calendar
from resolvers.alerts.methods.detection import Floats

__all__ = ["Compared", "compare", "read_rows", "read_sets", "sheet"]

_CLOSE = 1e-6  # up to which nothing is said of an error
_BLANK = ("", "NA", "NaN")
_TRUTH = {"TRUE": 1.0, "FALSE": 0.0}  # as R writes it
_BOUNDS = ("upperbound", "ucl")
_ITSELF = ("series", "t", "observed", "alarm")
_GROUPED = ("lambda", "L")  # a file may hold several settings of these
_NEEDED = ("series", "t", "observed", "alarm")
_WEEK, _YEAR = 7, 365.25  # days
_STEPS = (4, 12, 52, 365)  # a year
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    OSError,
    EOFError,
    csv.Error,
    zlib.error,
)
"""What reading somebody else's files, and computing with what stands there, may end with."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A reference file: how many rows, the largest relative error of the bound (of |bound| or 1),
    places where only one has a bound, alarms that differ, microseconds of processor time a row.

    `known` is False where the name says nothing known: nothing was run. `failed` says why a file
    could not be read or run, `missing` names series that are not in data/: their rows count for
    nothing; `broken` says of a series that could not be run why: all of its bounds only R has.
    """

    name: str
    rows: int
    known: bool = True
    error: float = 0.0
    blanks: int = 0
    alarms: int = 0
    microseconds: float = 0.0
    worst: str = ""
    failed: str = ""
    missing: str = ""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class _Series:
    counts: Floats
    frequency: int
    calendar: Calendar | None


def compare(folder: Path) -> Iterator[Compared]:
    """Runs every file of `folder/ref` over the series of `folder/data`, one result a file.

    A file that cannot be read or run, a set of series among them, is a result of its own; the
    others go on. Raises FileNotFoundError where there are no such folders.
    """
    for needed in ("data", "ref"):
        if not (folder / needed).is_dir():
            raise FileNotFoundError(f"{folder / needed} is no folder")
    sets: dict[str, _Series] = {}
    for path in sorted((folder / "data").glob("*.csv*")):
        try:
            sets |= _series_of(path)
        except _UNREADABLE as error:
            yield Compared(f"data/{path.name}", 0, failed=_said(error))
    for path in sorted((folder / "ref").glob("*.csv*")):
        name, rows = _name_of(path), []
        try:
            rows = read_rows(path)
            if not rows or "series" not in rows[0]:
                continue  # a table that methods use, no results
            run = method_of(name)
            if run is None:
                yield Compared(name, len(rows), known=False)
            else:
                yield _file(name, run, rows, sets)
        except _UNREADABLE as error:
            yield Compared(name, len(rows), failed=_said(error))


def _said(error: Exception) -> str:
    said = error.args[0] if isinstance(error, KeyError) else error
    return f"{type(error).__name__}: {said}".splitlines()[0][:120]


def _name_of(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".csv")


def sheet(results: list[Compared]) -> Sheet:
    """The results as a table."""
    table = Sheet(
        "detect",
        "Detection against reference results",
        (
            "file",
            "rows",
            "largest error of the bound",
            "alarms that differ",
            "bounds only one has",
            "µs a row",
            "where",
        ),
    )
    for one in results:
        if one.failed or not one.known:
            said = "failed" if one.failed else "not known"
            table.rows.append((one.name, f"{one.rows:,}", said, "", "", "", one.failed))
            continue
        where = [one.worst] if one.error > _CLOSE else []
        where += [f"no series {one.missing} in data/"] if one.missing else []
        where += [one.broken] if one.broken else []
        table.rows.append(
            (
                one.name,
                f"{one.rows:,}",
                f"{one.error:.1e}",
                str(one.alarms),
                str(one.blanks),
                f"{one.microseconds:.0f}",
                "; ".join(where),
            )
        )
    table.notes.append("the error is relative to the bound, or to 1 where that is smaller")
    table.notes.append("known by name: the settings in bench/detect_settings.py")
    return table


def _file(name: str, run: Run, rows: list[dict[str, str]], sets: dict[str, _Series]) -> Compared:
    if lacking := [key for key in _NEEDED if key not in rows[0]]:
        raise ValueError(f"no column {', '.join(lacking)}")
    bound = next((key for key in _BOUNDS if key in rows[0]), None)
    if bound is None:
        raise ValueError(f"no column of the bound: {' or '.join(_BOUNDS)}")
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["series"], *(row.get(k, "") for k in _GROUPED)), []).append(row)
    missing = ", ".join(dict.fromkeys(key[0] for key in groups if key[0] not in sets))
    groups = {key: part for key, part in groups.items() if key[0] in sets}
    if not groups:
        raise ValueError(f"no series {missing} in data/")
    total = Compared(name, sum(map(len, groups.values())), missing=missing)
    ran = False
    for (series, *_), part in groups.items():
        try:
            total = _with(total, _series(name, run, series, part, sets[series], bound))
            ran = True
        except _UNREADABLE as problem:
            broken = total.broken or f"{series}: {_said(problem)}"
            total = replace(total, broken=broken, blanks=total.blanks + len(part))
    if not ran:
        raise ValueError(total.broken)
    return replace(total, microseconds=total.microseconds / total.rows)


def _with(total: Compared, one: Compared) -> Compared:
    further = one.error > total.error
    return replace(
        total,
        error=max(total.error, one.error),
        worst=one.worst if further else total.worst,
        blanks=total.blanks + one.blanks,
        alarms=total.alarms + one.alarms,
        microseconds=total.microseconds + one.microseconds,
    )


def _series(
    name: str, run: Run, series: str, part: list[dict[str, str]], of: _Series, bound: str
) -> Compared:
    """The rows of one series; its microseconds are those of all of them."""
    times = np.array([int(row["t"]) - 1 for row in part])
    if times.min() < 0 or times.max() >= of.counts.size:
        raise ValueError(f"{series} has no such t: it has {of.counts.size} rows")
    wanted = _column(part, bound)
    asked = Asked(of.counts[None, :], times, of.frequency, of.calendar, _given(part), wanted)
    started = time.process_time()
    found = run(asked)
    seconds = time.process_time() - started
    bounds = found.bound[0]
    if "farrington_" in name or "cusum" in name or "glr" in name:
        bounds = np.nan_to_num(bounds)  # these files write 0 where there is none
    seen = ~np.isnan(_column(part, "observed"))  # of a missing count R tells a bound, we do not
    blanks = int((seen & (np.isnan(wanted) != np.isnan(bounds))).sum())
    off = _off(wanted, bounds)
    at = int(off.argmax())
    worst = f"{series} t={part[at]['t']}: {wanted[at]:.9g}, here {bounds[at]:.9g}"
    alarm = _column(part, "alarm")
    alarms = int((~np.isnan(alarm) & ((alarm > 0) != found.alarm[0])).sum())
    return Compared(
        name,
        len(part),
        True,
        float(off[at]),
        blanks,
        alarms,
        seconds * 1e6,
        worst if off[at] else "",
    )


def _off(wanted: Floats, found: Floats) -> Floats:
    """The relative error of each bound, of |bound| or 1; 0 where one of the two has none, infinite
    where only one is."""
    with np.errstate(invalid="ignore"):
        off = np.abs(wanted - found) / np.maximum(1, np.abs(wanted))
    off = np.where(np.isinf(wanted) & (wanted != found), np.inf, off)
    without: Floats = np.where(np.isnan(wanted) | np.isnan(found) | (wanted == found), 0, off)
    return without


def _given(rows: list[dict[str, str]]) -> dict[str, Floats]:
    return {key: _column(rows, key) for key in rows[0] if key not in (*_ITSELF, *_BOUNDS)}


def _column(rows: list[dict[str, str]], key: str) -> Floats:
    return np.array([_number(row[key]) for row in rows])


def _number(text: str) -> float:
    if text in _BLANK:
        return np.nan
    return _TRUTH[text] if text in _TRUTH else float(text)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    if path.name.endswith(".gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as packed:
            return list(csv.DictReader(packed))
    with path.open(encoding="utf-8", newline="") as plain:
        return list(csv.DictReader(plain))


def read_sets(folder: Path) -> Iterator[tuple[str, _Series]]:
    """Each unit of each set, and the sum of a set's units as TOTAL; a set of one unit by its name
    alone."""
    for path in sorted(folder.glob("*.csv*")):
        yield from _series_of(path).items()


def _series_of(path: Path) -> dict[str, _Series]:
    name, rows = _name_of(path), read_rows(path)
    if not rows or "period" not in rows[0]:
        return {}  # populations, outbreak states
    units = [key for key in rows[0] if key not in ("t", "date", "year", "period")]
    calendar, days = None, []
    if rows[0].get("date"):
        days = [date.fromisoformat(row["date"]).toordinal() for row in rows]
        calendar = Calendar(np.array(days))
    frequency = _frequency([int(row["period"]) for row in rows], days)
    counts = {unit: _column(rows, unit) for unit in units}
    found = {f"{name}/{unit}": _Series(one, frequency, calendar) for unit, one in counts.items()}
    if len(units) == 1:
        found[name] = found[f"{name}/{units[0]}"]
    whole = np.sum(list(counts.values()), axis=0)
    return found | {f"{name}/TOTAL": _Series(whole, frequency, calendar)}


def _frequency(periods: list[int], days: list[int]) -> int:
    """Steps a year: the last period before one begins anew. A longer year (53 weeks, 366 days) is
    no other frequency. Where no year ends, by the days between steps, else weeks."""
    ends = [before for before, after in pairwise(periods) if after < before]
    if ends:
        return {53: 52, 366: 365}.get(max(ends), max(ends))
    apart = (days[-1] - days[0]) / (len(days) - 1) if len(days) > 1 else _WEEK
    return min(_STEPS, key=lambda steps: abs(_YEAR / steps - apart))
