"""What a load did, in numbers that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Summary"]


@dataclass(slots=True)
class Summary:
    """The outcome of one load. `read` is the sum of the four that follow it.

    `outside` are rows of places that no configured region covers. `records` counts the rows written
    by table, `by_region` the rows of the list loaded by region, `reasons` and `notices` those
    rejected and those remarked on by code, `empty` unknown values by column.
    """

    mapping: str
    source: str
    dry_run: bool
    read: int = 0
    loaded: int = 0
    rejected: int = 0
    unchanged: int = 0
    outside: int = 0
    records: Counter[str] = field(default_factory=Counter)
    by_region: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    columns_unused: tuple[str, ...] = ()
    rejects_file: Path | None = None
    seconds: float = 0.0
    stopped: bool = False

    @property
    def adds_up(self) -> bool:
        """Whether every row read has exactly one outcome."""
        return self.read == self.loaded + self.rejected + self.unchanged + self.outside

    def sum_line(self) -> str:
        """`read 162 = loaded 161 + rejected 0 + unchanged 0 + outside 1`."""
        return (
            f"read {self.read:,} = loaded {self.loaded:,} + rejected {self.rejected:,} "
            f"+ unchanged {self.unchanged:,} + outside {self.outside:,}"
        )
