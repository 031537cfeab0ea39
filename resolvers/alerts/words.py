"""What officers write into cards and forms, field by field: words, counts, a telephone.

The mask sent back by a form never overwrites what was there (F12): it keeps the words of the
version before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvers.users.staff import phone as phone_of
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import is_mask, text

__all__ = ["LONGEST", "Filled", "Filling", "flag"]

LONGEST = 1000
"""Characters of free text."""

_MOST = 1_000_000
_LONGEST_NAME = 60

Path = Sequence[str]


@dataclass(slots=True)
class Filled:
    """A card or form as it goes into its row: public columns, and items to be sealed."""

    columns: dict[str, Any] = field(default_factory=dict)
    items: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True)
class Filling:
    """One version being read. `before` are the items of the version before, in clear."""

    before: Mapping[str, Any]
    mistakes: Mistakes
    filled: Filled = field(default_factory=Filled)

    def words(
        self, name: str, given: str | None, path: Path, *, need: tuple[str, str] | None = None
    ) -> str | None:
        """Takes words for an item; `need` says in both languages why there must be some."""
        if is_mask(given):
            value = self.before.get(name)
        else:
            value = text(given, self.mistakes, path, LONGEST)
        self.filled.items[name] = value
        if value is None and need is not None and not self.mistakes.has(path):
            self.mistakes.add(path, *need)
        return value

    def filler(self, filled_by: str | None, phone: str, viewer_name: str) -> None:
        """Takes who filled it in: whoever is signed in unless another is named."""
        known = self.before.get("filled_by") if is_mask(filled_by) else None
        name = known or text(filled_by, self.mistakes, ["filledBy"], _LONGEST_NAME) or viewer_name
        self.filled.items["filled_by"] = name
        kept = self.before.get("phone") if is_mask(phone) else None
        if kept is None and text(phone, self.mistakes, ["phone"]) is None:
            self.mistakes.add(["phone"], "give a telephone number", "请填写联系电话")
        elif kept is None:
            kept = phone_of("office_phone", phone, self.mistakes, ["phone"])
        self.filled.items["phone"] = kept

    def count(self, name: str, given: int, path: Path, *, least: int = 0) -> int:
        """Takes a count for a column."""
        if not least <= given <= _MOST:
            self.mistakes.add(
                path, f"give a number from {least} to {_MOST:,}", f"请填写 {least} 至 {_MOST} 的数"
            )
        self.filled.columns[name] = given
        return given


def flag(value: bool) -> str:
    """Yes or no as its column has it: JSON."""
    return "true" if value else "false"
