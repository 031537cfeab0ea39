"""GB/T 2260 in memory: what a code is called, what it lies in, and what became of it (A2).

Codes change over the years. A code that died leads to its successor by the table of changes, where
need be over several steps; a change of a county moves its records, rights and handoffs with it.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Area", "AreaChange", "Areas", "reference_areas", "reference_rows"]


@dataclass(frozen=True, slots=True)
class Area:
    """One living code. `level` is PROVINCE, PREFECTURE or COUNTY; `parent` the code above or None.

    A few prefectures have no counties (东莞), and a few counties lie in their province directly.
    """

    code: str
    name: str
    name_en: str
    level: str
    parent: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class AreaChange:
    """One code that gave way to another. `kind` is the ministry's word for it (撤县设区)."""

    number: int
    year: int
    kind: str
    old_code: str
    old_name: str
    new_code: str
    new_name: str


class Areas:
    """All living codes and the changes that led to them. Codes have six digits throughout."""

    def __init__(self, areas: Iterable[Area], changes: Iterable[AreaChange] = ()) -> None:
        self._areas = {area.code: area for area in sorted(areas, key=lambda area: area.code)}
        self._codes = list(self._areas)
        self._children: dict[str, list[str]] = {}
        for area in self._areas.values():
            if area.parent:
                self._children.setdefault(area.parent, []).append(area.code)
        self.changes = tuple(changes)
        self._steps: dict[str, list[AreaChange]] = {}
        for change in self.changes:
            self._steps.setdefault(change.old_code, []).append(change)

    def __iter__(self) -> Iterator[Area]:
        """Every area in the order of its code."""
        return iter(self._areas.values())

    def __len__(self) -> int:
        return len(self._areas)

    def get(self, code: str) -> Area | None:
        """The area of a living code, else None."""
        return self._areas.get(code)

    def is_known(self, code: str) -> bool:
        """Whether the code is alive."""
        return code in self._areas

    def is_prefix(self, prefix: str) -> bool:
        """Whether some living code begins so: `5001` does, though 500100 itself is no code."""
        at = bisect_left(self._codes, prefix)
        return at < len(self._codes) and self._codes[at].startswith(prefix)

    def name(self, code: str) -> str:
        """The Chinese name; the code itself where it is not alive."""
        area = self._areas.get(code)
        return area.name if area else code

    def name_en(self, code: str) -> str:
        """The English name; the code itself where it is not alive."""
        area = self._areas.get(code)
        return area.name_en if area else code

    def level(self, code: str) -> str | None:
        """PROVINCE, PREFECTURE or COUNTY; None where the code is not alive."""
        area = self._areas.get(code)
        return area.level if area else None

    def parent(self, code: str) -> str | None:
        """The code above, None for a province and for what is not alive."""
        area = self._areas.get(code)
        return area.parent if area else None

    def children(self, code: str) -> tuple[str, ...]:
        """The codes directly below, in order."""
        return tuple(self._children.get(code, ()))

    def ancestors(self, code: str) -> tuple[str, ...]:
        """The codes above, the nearest first."""
        found: list[str] = []
        above = self.parent(code)
        while above is not None and above not in found:
            found.append(above)
            above = self.parent(above)
        return tuple(found)

    def under(self, prefixes: str | tuple[str, ...]) -> tuple[Area, ...]:
        """The areas whose code begins with one of the prefixes, in order."""
        wanted = (prefixes,) if isinstance(prefixes, str) else prefixes
        return tuple(area for area in self if area.code.startswith(wanted))

    def successor(self, code: str) -> str | None:
        """The one living code that a code has become: itself while alive. None if nothing is known
        or its area was split: which part is meant has to be asked.
        """
        if code in self._areas:
            return code
        heirs, _ = self.followed(code)
        return heirs[0] if len(heirs) == 1 else None

    def followed(self, code: str) -> tuple[tuple[str, ...], tuple[AreaChange, ...]]:
        """All living codes that a dead one has become, in order, and the changes on the way."""
        heirs: set[str] = set()
        taken: dict[int, AreaChange] = {}
        waiting, seen = [code], {code}
        while waiting:
            for change in self._steps.get(waiting.pop(), ()):
                taken[change.number] = change
                if change.new_code in self._areas:
                    heirs.add(change.new_code)
                elif change.new_code not in seen:
                    seen.add(change.new_code)
                    waiting.append(change.new_code)
        return tuple(sorted(heirs)), tuple(taken[number] for number in sorted(taken))


@cache
def reference_areas() -> Areas:
    """The codes and changes shipped with epigate, read once."""
    return Areas(
        (
            Area(
                row["code"],
                row["name"],
                row["name_en"],
                row["level"],
                row["parent"] or None,
                row["kind"] or None,
            )
            for row in reference_rows("gbt2260.csv")
        ),
        (
            AreaChange(
                int(row["number"]),
                int(row["year"]),
                row["kind"],
                row["old_code"],
                row["old_name"],
                row["new_code"],
                row["new_name"],
            )
            for row in reference_rows("gbt2260_changes.csv")
        ),
    )


def reference_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file of `regions/reference_data`, by column name."""
    with files("regions").joinpath("reference_data", name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)
