"""What can be exported, as data: a list of the schema each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A list: its root field, its type of record, and the input's fields for filter and order."""

    root: str
    record: str
    filter: str
    order: str


KINDS: Mapping[str, Kind] = {
    "CASES": Kind("cases", "Case", "cases", "case_order"),
    "CONTACTS": Kind("contacts", "Contact", "contacts", "contact_order"),
}
"""Name of an ExportKind → its list."""
