"""Daily counts from lists of counts: cumulative ones become daily, and the sums stay honest.

A cumulative count that falls says that cases reported before were none, or not of this place. They
are taken back from the latest days before, so that the days up to any day still add up to what was
reported last, and no day falls below zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from regions.bulk import insert_rows, rows_by_text
from regions.statistics import CountCell, daily_counts
from resolvers.loading.notices import Notices
from resolvers.loading.records import Written
from resolvers.loading.rows import FIELDS, Rejection, Row

__all__ = ["Cell", "Report", "Series", "batches", "daily", "write_counts"]

_COLUMNS = ("disease", "code", "day", "source", "cases", "deaths")
_REPORTED = "REPORTED"
_AT = FIELDS["count"]
_MEASURES = ("cases", "deaths")


class Report(NamedTuple):
    """What one row of a list says: counts of one day."""

    line: int
    day: str
    counts: tuple[int, int]


@dataclass(slots=True)
class Series:
    """The reports of one disease and place, in the order of the list."""

    disease: str
    code: str
    name: str
    reports: list[Report] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """One more report."""
        values: Any = row.values["count"]
        counts = values[_AT["cases"]], values[_AT["deaths"]]
        self.reports.append(Report(row.line, values[_AT["day"]], counts))


@dataclass(slots=True)
class Cell:
    """What several rows come to, that lead to the same disease, code and day."""

    counts: tuple[int, int] = (0, 0)
    lines: list[int] = field(default_factory=list)


def daily(
    series: Sequence[Series], *, cumulative: bool, columns: str, notices: Notices, written: Written
) -> dict[CountCell, Cell]:
    """The counts by cell. Days reported twice are unchanged or rejected, in `written`."""
    cells: dict[CountCell, Cell] = {}
    for one in series:
        reports = _each_day_once(one, columns, written)
        counts = _differences(one, reports, columns, notices) if cumulative else None
        for number, report in enumerate(reports):
            cell = cells.setdefault((one.disease, one.code, report.day), Cell())
            new = counts[number] if counts else report.counts
            cell.counts = cell.counts[0] + new[0], cell.counts[1] + new[1]
            cell.lines.append(report.line)
    return cells


def _each_day_once(series: Series, columns: str, written: Written) -> list[Report]:
    by_day: dict[str, Report] = {}
    for report in series.reports:
        before = by_day.setdefault(report.day, report)
        if before is report:
            continue
        if before.counts == report.counts:
            written.unchanged += 1
        else:
            value = f"{series.name} {report.day}: {_said(report.counts)}"
            written.rejections.append(Rejection(report.line, columns, value, "DUPLICATE_DAY"))
    return sorted(by_day.values(), key=lambda report: report.day)


def _differences(
    series: Series, reports: Sequence[Report], columns: str, notices: Notices
) -> list[tuple[int, int]]:
    """What was new on each day of a cumulative series."""
    new: list[list[int]] = []
    before = (0, 0)
    for number, report in enumerate(reports):
        if number == 0 and any(report.counts):
            said = f"{series.name} {report.day}: {_said(report.counts)}"
            notices.add("BEGINS_ABOVE_ZERO", columns, said, report.line)
        elif number and _days_between(reports[number - 1].day, report.day) > 1:
            said = f"{series.name} {reports[number - 1].day} to {report.day}"
            notices.add("DAYS_SKIPPED", columns, said, report.line)
        new.append([0, 0])
        for which, measure in enumerate(_MEASURES):
            gained = report.counts[which] - before[which]
            new[-1][which] = max(gained, 0)
            if gained < 0:
                taken = _take_back(new, which, -gained)
                detail = ", ".join(f"{reports[at].day} -{count}" for at, count in taken)
                said = f"{measure} {before[which]} to {report.counts[which]}"
                notices.add(
                    "TAKEN_BACK",
                    columns,
                    f"{series.name} {report.day}: {said}",
                    report.line,
                    detail,
                )
        before = report.counts
    return [(counts[0], counts[1]) for counts in new]


def _take_back(new: list[list[int]], which: int, count: int) -> list[tuple[int, int]]:
    """Takes from the latest days; returns what was taken from which. There is always enough."""
    taken = []
    for at in range(len(new) - 2, -1, -1):
        less = min(count, new[at][which])
        if less:
            new[at][which] -= less
            count -= less
            taken.append((at, less))
        if not count:
            break
    return taken


def _days_between(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def _said(counts: tuple[int, int]) -> str:
    return f"{counts[0]} cases, {counts[1]} deaths"


def batches(cells: dict[CountCell, Cell], size: int) -> Iterator[list[tuple[CountCell, Cell]]]:
    """The cells in their order, in batches that never part the days of one code."""
    batch: list[tuple[CountCell, Cell]] = []
    for item in sorted(cells.items(), key=lambda item: item[0]):
        if len(batch) >= size and item[0][:2] != batch[-1][0][:2]:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def write_counts(
    connection: Connection,
    batch: Sequence[tuple[CountCell, Cell]],
    *,
    columns: str,
    dry_run: bool,
) -> Written:
    """Writes the cells the store does not have, in the connection's transaction.

    A cell kept with the same counts is unchanged, one with others is rejected: what was published
    is not changed silently.
    """
    written = Written()
    kept = _kept(connection, batch)
    new = []
    for key, cell in batch:
        before = kept.get(key)
        if before is None:
            new.append((*key, _REPORTED, *cell.counts))
            written.loaded += len(cell.lines)
        elif before == cell.counts:
            written.unchanged += len(cell.lines)
        else:
            value = f"{key[1]} {key[2]}: {_said(cell.counts)}; kept are {_said(before)}"
            written.rejections += [
                Rejection(line, columns, value, "COUNT_CHANGED") for line in cell.lines
            ]
    if not dry_run:
        insert_rows(connection, daily_counts, _COLUMNS, new)
        written.records["daily_counts"] += len(new)
    return written


def _kept(
    connection: Connection, batch: Sequence[tuple[CountCell, Cell]]
) -> dict[CountCell, tuple[int, int]]:
    table = daily_counts.c
    codes = sorted({key[1] for key, _ in batch})
    days = [key[2] for key, _ in batch]
    statement = select(table.disease, table.code, table.day, table.cases, table.deaths).where(
        table.source == _REPORTED,
        table.disease.in_(sorted({key[0] for key, _ in batch})),
        table.day >= min(days),
        table.day <= max(days),
    )
    return {
        (row.disease, row.code, row.day): (row.cases, row.deaths)
        for row in rows_by_text(connection, statement, table.code, codes)
    }
