"""Detection held against reference results: bounds, alarms, and the time a point takes."""

from __future__ import annotations

import csv
import gzip
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bench.detect_settings import Asked, Run, method_of
from bench.report import Sheet
from resolvers.alerts.methods.blocks import Calendar
from resolvers.alerts.methods.detection import Floats

__all__ = ["Compared", "compare", "read_rows", "read_sets", "sheet"]

_CLOSE = 1e-6  # up to which nothing is said of an error
_BLANK = ("", "NA", "NaN")
_BOUNDS = ("upperbound", "ucl")
_ITSELF = ("series", "t", "observed", "alarm")
_GROUPED = ("lambda", "L")  # a file may hold several settings of these
_NEEDED = ("series", "t", "observed", "alarm")
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
    nothing.
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
    error, blanks, alarms, seconds, worst = 0.0, 0, 0, 0.0, ""
    missing = ", ".join(dict.fromkeys(key[0] for key in groups if key[0] not in sets))
    groups = {key: part for key, part in groups.items() if key[0] in sets}
    if not groups:
        raise ValueError(f"no series {missing} in data/")
    compared = sum(map(len, groups.values()))
    for (series, *_), part in groups.items():
        of = sets[series]
        times = np.array([int(row["t"]) - 1 for row in part])
        if times.min() < 0 or times.max() >= of.counts.size:
            raise ValueError(f"{series} has no such t: it has {of.counts.size} rows")
        asked = Asked(
            of.counts[None, :],
            times,
            of.frequency,
            of.calendar,
            _given(part),
        )
        started = time.process_time()
        found = run(asked)
        seconds += time.process_time() - started
        bounds = found.bound[0]
        wanted = _column(part, bound)
        if "farrington_" in name or "cusum" in name or "glr" in name:
            bounds = np.nan_to_num(bounds)  # these files write 0 where there is none
        neither = np.isnan(wanted) | np.isnan(bounds)
        blanks += int((np.isnan(wanted) != np.isnan(bounds)).sum())
        off = np.where(neither, 0, np.abs(wanted - bounds) / np.maximum(1, np.abs(wanted)))
        if (at := int(off.argmax())) >= 0 and off[at] > error:
            error = float(off[at])
            worst = f"{series} t={part[at]['t']}: {wanted[at]:.9g}, here {bounds[at]:.9g}"
        alarm = _column(part, "alarm")
        alarms += int((~np.isnan(alarm) & ((alarm > 0) != found.alarm[0])).sum())
    took = seconds / compared * 1e6
    return Compared(name, compared, True, error, blanks, alarms, took, worst, missing=missing)


def _given(rows: list[dict[str, str]]) -> dict[str, Floats]:
    return {key: _column(rows, key) for key in rows[0] if key not in (*_ITSELF, *_BOUNDS)}


def _column(rows: list[dict[str, str]], key: str) -> Floats:
    return np.array([np.nan if row[key] in _BLANK else float(row[key]) for row in rows])


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
    frequency = 12 if max(int(row["period"]) for row in rows) <= 12 else 52
    calendar = None
    if rows[0].get("date"):
        days = [date.fromisoformat(row["date"]).toordinal() for row in rows]
        calendar = Calendar(np.array(days))
    counts = {unit: _column(rows, unit) for unit in units}
    found = {f"{name}/{unit}": _Series(one, frequency, calendar) for unit, one in counts.items()}
    if len(units) == 1:
        found[name] = found[f"{name}/{units[0]}"]
    whole = np.sum(list(counts.values()), axis=0)
    return found | {f"{name}/TOTAL": _Series(whole, frequency, calendar)}
