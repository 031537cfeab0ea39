"""The zone whose days counts and nights are of: midnight is where people are, not at UTC.

Instants are text in UTC (`regions.instants`). In SQL the zone's changes of offset are written out,
so that both kinds of store say the same day without a table of zones of their own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

__all__ = ["CHINA", "Zone", "local_day", "zone_of"]

_FIRST, _LAST = 1950, 2100  # years whose changes of offset are known to the stores
_MINUTE = len("2026-11-22T00:12")


class Zone:
    """A zone of the tz database, by its name. Raises ValueError where there is none."""

    def __init__(self, name: str) -> None:
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no zone of the tz database") from None
        self.name = name
        self._day = lru_cache(maxsize=65_536)(self._day_of_minute)

    def day(self, instant: str) -> str:
        """The day an instant (or a day, as its first second at UTC) lies in. Raises ValueError."""
        return self._day(instant[:_MINUTE])

    def _day_of_minute(self, minute: str) -> str:
        moment = datetime.fromisoformat(minute).replace(tzinfo=UTC)
        try:
            return moment.astimezone(self._zone).date().isoformat()
        except OverflowError:  # at either end of the calendar
            return moment.date().isoformat()

    def begins(self, day: str) -> str:
        """The instant at which a day begins."""
        local = datetime.combine(date.fromisoformat(day), datetime.min.time(), self._zone)
        try:
            return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
        except OverflowError:
            return f"{day}T00:00:00Z"

    def at(self, day: str, minutes: int) -> str:
        """The instant at which clocks show so many minutes after midnight on a day; where they
        leave that time out, the one that they show for it.
        """
        local = datetime.combine(date.fromisoformat(day), time(minutes // 60, minutes % 60))
        moment = local.replace(tzinfo=self._zone).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")

    def offsets(self) -> tuple[tuple[str, int], ...]:
        """(before this instant, seconds east of UTC), in order; the last has no end (`""`)."""
        return _offsets(self.name)


@cache
def zone_of(name: str) -> Zone:
    """The zone of a name, made once. Raises ValueError."""
    return Zone(name)


CHINA = "Asia/Shanghai"
"""The zone unless the configuration says another: China has one."""


@cache
def _offsets(name: str) -> tuple[tuple[str, int], ...]:
    zone = ZoneInfo(name)

    def offset(moment: datetime) -> int:
        found = moment.astimezone(zone).utcoffset()
        assert found is not None
        return int(found.total_seconds())

    found: list[tuple[str, int]] = []
    moment = datetime(_FIRST, 1, 1, tzinfo=UTC)
    end = datetime(_LAST, 1, 1, tzinfo=UTC)
    step = timedelta(days=7)
    while moment < end:
        later = moment + step
        if (before := offset(moment)) != offset(later):
            low, high = moment, later  # the change lies in between
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds() // 2))
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append((high.strftime("%Y-%m-%dT%H:%M:%SZ"), before))
        moment = later
    return (*found, ("", offset(end)))


class local_day(GenericFunction[str]):  # written small, as functions of SQL are
    """The day in a zone of a column of instants: `local_day(column, zone)`."""

    type = String()
    inherit_cache = False

    def __init__(self, column: ColumnElement[str], zone: Zone) -> None:
        super().__init__(column)
        self.zone = zone


def _shift(column: str, zone: Zone) -> str:
    parts = zone.offsets()
    if len(parts) == 1:
        return str(parts[0][1])
    cases = " ".join(f"WHEN {column} < '{until}' THEN {east}" for until, east in parts[:-1])
    return f"CASE {cases} ELSE {parts[-1][1]} END"


@compiles(local_day, "sqlite")
def _(element: local_day, compiler: SQLCompiler, **more: Any) -> str:
    column = compiler.process(element.clauses, **more).strip("()")
    return f"strftime('%Y-%m-%d', {column}, ({_shift(column, element.zone)}) || ' seconds')"


@compiles(local_day, "postgresql")
def _(element: local_day, compiler: SQLCompiler, **more: Any) -> str:
    column = compiler.process(element.clauses, **more).strip("()")
    shift = f"({_shift(column, element.zone)}) * interval '1 second'"
    at = f"(({column})::timestamptz AT TIME ZONE 'UTC')"
    return f"to_char({at} + {shift}, 'YYYY-MM-DD')"
