"""What answers must hold, worked out from the rows of a population in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any

from regions.areas import reference_areas
from regions.cases import cases
from regions.contacts import contacts
from resolvers.users import Role, Viewer, prefix_of
from tests.records import Population, Row

__all__ = ["TABLES", "holds", "in_order", "public_id", "visible"]

TABLES = {"Contact": contacts, "Case": cases}
_COLUMNS = {
    "ids": "id",
    "sourceCase": "source_case_id",
    "parentContact": "parent_contact_id",
    "reportedBy": "unit_id",
}


def snake(name: str) -> str:
    """`firstContactOn` → `first_contact_on`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def public_id(record: str, row: Row) -> str:
    """The global id of a row."""
    return f"{record.lower()}:{row['id']}"


def visible(population: Population, viewer: Viewer, record: str) -> list[Row]:
    """The rows that lie in the viewer's scope."""
    found = []
    for row in population.of(TABLES[record]):
        of_unit = viewer.role is not Role.DIRECT_REPORTER or row["reporter_unit"] == viewer.unit_id
        if of_unit and row["code"].startswith(viewer.prefix):
            found.append(row)
    return found


def holds(wanted: Mapping[str, Any] | None, row: Row) -> bool | None:
    """Whether a filter holds for a row; None where it depends on what is unknown (SQL's NULL)."""
    return _all(_part(name, value, row) for name, value in (wanted or {}).items())


def _part(name: str, value: Any, row: Row) -> bool | None:
    if value is None:
        return True
    if name == "and":
        return _all(holds(one, row) for one in value)
    if name == "or":
        found = [holds(one, row) for one in value]
        return True if True in found else (None if None in found else False)
    if name == "not":
        return not holds(value, row)  # unknown counts as not holding
    known = row[_COLUMNS.get(name, snake(name))]
    if name == "code":
        return any(known.startswith(_prefix(code)) for code in value)
    if isinstance(value, Mapping):
        return _in_range(known, value)
    if not value:
        return False
    if known is None:
        return None
    return known in [_number(one) for one in value] if name in _IDS else known in value


_IDS = ("ids", "sourceCase", "parentContact")


def _number(text: str) -> int:
    return int(text.partition(":")[2])


def _prefix(code: str) -> str:
    return prefix_of(reference_areas().successor(code) or code)


def _in_range(known: str | None, wanted: Mapping[str, Any]) -> bool:
    if known is None:
        return False  # a range means: known, and within
    start, end = wanted.get("from"), wanted.get("to")
    if "T" in known:
        at = datetime.fromisoformat(known)
        return (not start or at >= _instant(start)) and (not end or at < _instant(end))
    return (not start or known >= start) and (not end or known <= end)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _all(parts: Iterable[bool | None]) -> bool | None:
    found = list(parts)
    return False if False in found else (None if None in found else True)


def in_order(rows: Iterable[Row], orders: Sequence[Mapping[str, str]] | None) -> list[Row]:
    """Rows in an order; ties by id in the direction of the last key. Unknown is the smallest."""
    keys = [(one["field"].lower(), one.get("direction", "DESC") == "DESC") for one in orders or ()]
    keys = keys or [("created_at", True)]
    keys.append(("id", _last(keys)))

    def compare(one: Row, other: Row) -> int:
        for name, descending in keys:
            a, b = one[name] or "", other[name] or ""
            if a != b:
                return -1 if (a < b) != descending else 1
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def _last(keys: Sequence[tuple[str, bool]]) -> bool:
    """The direction of the last key that is not a repetition of an earlier one."""
    first: dict[str, bool] = {}
    for name, descending in keys:
        first.setdefault(name, descending)
    return list(first.values())[-1]
