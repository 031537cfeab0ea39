"""What was done to rows that were taken, counted by kind and gathered by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Notice", "Notices"]

_DISTINCT_MAX = 20_000  # distinct notices kept with their value; more are only counted


@dataclass(slots=True)
class Notice:
    """One thing done, to `rows` rows of which the first stands at `line`.

    `code` is one of `reasons.NOTICES`, `detail` what became of the value.
    """

    code: str
    column: str
    value: str
    detail: str
    line: int
    rows: int = 1


class Notices:
    """Notices as they come. `counts` has the number of rows by code."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._empty: Counter[tuple[str, str]] = Counter()
        self._kept: dict[tuple[str, str, str, str], Notice] = {}

    def add(self, code: str, column: str, value: str, line: int, detail: str = "") -> None:
        """One more row."""
        self.counts[code] += 1
        key = (code, column, value, detail)
        notice = self._kept.get(key)
        if notice is not None:
            notice.rows += 1
        elif len(self._kept) < _DISTINCT_MAX:
            self._kept[key] = Notice(code, column, value, detail, line)

    def empty_of(self, field: str, column: str) -> Callable[[], None]:
        """What to call for each row in which a column read for a field is unknown."""
        counts, key = self._empty, (column, field)

        def one_more() -> None:
            counts[key] += 1

        return one_more

    @property
    def empty(self) -> Counter[str]:
        """Rows in which a column is unknown, by column."""
        most: Counter[str] = Counter()
        for (column, _), rows in self._empty.items():  # a column may be read for several fields
            most[column] = max(most[column], rows)
        return most

    def listed(self) -> list[Notice]:
        """Every distinct notice, by the line of its first row."""
        return sorted(self._kept.values(), key=lambda notice: notice.line)
