"""Daily counts per county and disease, kept in the transaction of the case they count (E1).

A case counts on the day it was reported, as days are in the zone of its store (`regions.zones`),
where its classification is one of `COUNTED`. Whoever writes a case calls `apply_counts(connection,
change_of(before, after, zone))` in the same transaction. A
cell that comes to no case and no death has no row, so the table is always what `rebuild` makes of
the cases.

Counts loaded as counts have the source `REPORTED`. There a row of zero cases is kept: a day with
nothing to report is not a day without a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    PrimaryKeyConstraint,
    Select,
    Table,
    bindparam,
    case,
    delete,
    func,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from regions.bulk import driver_text
from regions.cases import cases
from regions.metadata import public, regional
from regions.zones import CHINA, Zone, local_day, zone_of

__all__ = [
    "COUNTED",
    "CellDifference",
    "CountCell",
    "Rebuilt",
    "apply_counts",
    "case_cell",
    "change_of",
    "daily_counts",
    "has_died",
    "rebuild",
]

COUNTED = ("SUSPECTED", "PROBABLE", "CONFIRMED")
"""Classifications that count as a case of the disease on the day of report."""

CountCell = tuple[str, str, str]
"""Disease, code, day."""

_FROM_CASES = "CASES"
_CHINA = zone_of(CHINA)

daily_counts = Table(
    "daily_counts",
    regional,
    public("disease"),
    public("code"),  # county; a city or province where the source knows no county
    public("day"),  # day of report
    public("source"),  # CASES: derived from `cases`; REPORTED: loaded as counts
    public("cases", Integer()),
    public("deaths", Integer()),  # CASES: of those reported that day, who died; REPORTED: that day
    PrimaryKeyConstraint("disease", "code", "day", "source"),
    sqlite_with_rowid=False,
)


def case_cell(row: Mapping[str, Any], zone: Zone = _CHINA) -> CountCell | None:
    """Where a case counts; None where its classification does not.

    `row` has `disease`, `code`, `classification` and `reported_at`, as in `cases`.
    """
    if row["classification"] not in COUNTED:
        return None
    return row["disease"], row["code"], zone.day(row["reported_at"])


def has_died(row: Mapping[str, Any]) -> bool:
    """Whether a case counts as a death: its outcome says so, or it has a day of death."""
    return row.get("outcome") == "DIED" or row.get("died_on") is not None


def change_of(
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    zone: Zone = _CHINA,
) -> dict[CountCell, tuple[int, int]]:
    """What a write changes in the counts: cell → (cases, deaths) to add, for `apply_counts`.

    `before` is the case as it was (None: it is new), `after` as it is now (None: it is gone); both
    have the columns that `case_cell` and `has_died` read. Cells that stay the same are left out.
    """
    deltas: dict[CountCell, tuple[int, int]] = {}
    for row, sign in ((before, -1), (after, 1)):
        cell = case_cell(row, zone) if row is not None else None
        if row is not None and cell is not None:
            counted, died = deltas.get(cell, (0, 0))
            deltas[cell] = counted + sign, died + sign * has_died(row)
    return {cell: delta for cell, delta in deltas.items() if delta != (0, 0)}


def apply_counts(
    connection: Connection,
    deltas: Mapping[CountCell, tuple[int, int]],
    source: str = _FROM_CASES,
) -> None:
    """Adds (cases, deaths) to each cell, in the connection's transaction.

    Cells are written in their order, so that two transactions never wait for each other in a ring.
    """
    if not deltas:
        return
    connection.exec_driver_sql(
        _addition(connection.dialect.name),
        [(*cell, source, counted, died) for cell, (counted, died) in sorted(deltas.items())],
    )
    if source == _FROM_CASES:
        _drop_empty(connection, (cell for cell, delta in deltas.items() if min(delta) < 0))


@dataclass(frozen=True, slots=True)
class CellDifference:
    """A cell that is not what the cases say; (cases, deaths) as kept and as counted anew."""

    disease: str
    code: str
    day: str
    kept: tuple[int, int]
    true: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a recount found: cells and their sums by the cases, and every cell that was wrong."""

    cells: int
    cases: int
    deaths: int
    wrong: tuple[CellDifference, ...]
    mended: bool

    @property
    def agrees(self) -> bool:
        """Whether the counts were what the cases say."""
        return not self.wrong


def rebuild(connection: Connection, *, mend: bool, zone: Zone = _CHINA) -> Rebuilt:
    """Counts all cases of the store anew and compares; with `mend`, puts right what is wrong.

    Wrong cells are mended by their difference, in the connection's transaction, so that cases
    written at the same time by others keep their count.
    """
    true = _true_counts(zone).subquery()
    cells, counted, died = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(true.c.cases), 0),
            func.coalesce(func.sum(true.c.deaths), 0),
        ).select_from(true)
    ).one()
    wrong = tuple(
        CellDifference(
            row.disease,
            row.code,
            row.day,
            (int(row.kept_cases), int(row.kept_deaths)),
            (int(row.true_cases), int(row.true_deaths)),
        )
        for row in connection.execute(_differences(zone))
    )
    if mend and wrong:
        deltas = {
            (cell.disease, cell.code, cell.day): (
                cell.true[0] - cell.kept[0],
                cell.true[1] - cell.kept[1],
            )
            for cell in wrong
        }
        apply_counts(connection, deltas)
        _drop_empty(connection, deltas)
    return Rebuilt(int(cells), int(counted), int(died), wrong, mended=mend and bool(wrong))


def _true_counts(zone: Zone) -> Select[Any]:
    died = case((cases.c.outcome == "DIED", 1), (cases.c.died_on.is_not(None), 1), else_=0)
    day = local_day(cases.c.reported_at, zone).label("day")
    return (
        select(
            cases.c.disease,
            cases.c.code,
            day,
            func.count().label("cases"),
            func.sum(died).label("deaths"),
        )
        .where(
            cases.c.classification.in_(COUNTED), cases.c.kept_in.is_(None)
        )  # copies count at home
        .group_by(cases.c.disease, cases.c.code, text("3"))
    )


def _differences(zone: Zone) -> Select[Any]:
    true = _true_counts(zone).subquery()
    kept = daily_counts.c
    one, none = literal(1), literal(0)
    both = union_all(
        select(
            kept.disease,
            kept.code,
            kept.day,
            kept.cases.label("kept_cases"),
            kept.deaths.label("kept_deaths"),
            one.label("kept_rows"),
            none.label("true_cases"),
            none.label("true_deaths"),
            none.label("true_rows"),
        ).where(kept.source == _FROM_CASES),
        select(
            true.c.disease,
            true.c.code,
            true.c.day,
            none,
            none,
            none,
            true.c.cases,
            true.c.deaths,
            one,
        ),
    ).subquery()
    sums = {name: func.sum(both.c[name]) for name in list(both.c.keys())[3:]}
    return (
        select(
            both.c.disease,
            both.c.code,
            both.c.day,
            *(total.label(name) for name, total in sums.items()),
        )
        .group_by(both.c.disease, both.c.code, both.c.day)
        .having(
            (sums["kept_cases"] != sums["true_cases"])
            | (sums["kept_deaths"] != sums["true_deaths"])
            | (sums["kept_rows"] != sums["true_rows"])
        )
        .order_by(both.c.disease, both.c.code, both.c.day)
    )


@cache
def _addition(dialect: str) -> str:
    """The statement that adds to a cell, for the driver itself: a batch may have thousands of
    cells.
    """
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(daily_counts)
    kept, added = daily_counts.c, statement.excluded
    addition = statement.on_conflict_do_update(
        index_elements=["disease", "code", "day", "source"],
        set_={"cases": kept.cases + added.cases, "deaths": kept.deaths + added.deaths},
    )
    columns = ("disease", "code", "day", "source", "cases", "deaths")
    return driver_text(addition, columns, dialect)


_EMPTY_CELL = delete(daily_counts).where(
    daily_counts.c.disease == bindparam("disease"),
    daily_counts.c.code == bindparam("code"),
    daily_counts.c.day == bindparam("day"),
    daily_counts.c.source == bindparam("source"),
    daily_counts.c.cases == 0,
    daily_counts.c.deaths == 0,
)


def _drop_empty(connection: Connection, cells: Iterable[CountCell]) -> None:
    keys = [_key(cell, _FROM_CASES) for cell in sorted(cells)]
    if keys:
        connection.execute(_EMPTY_CELL, keys)


def _key(cell: CountCell, source: str) -> dict[str, Any]:
    disease, code, day = cell
    return {"disease": disease, "code": code, "day": day, "source": source}
