"""What the cards behind a signal have in common, and which grounds that speaks for (E8, E9): pure.

A private value comes in as the viewer sees it. What is `MASK` is counted as hidden and as nothing
else, so that whatever is told follows from what the viewer may see anyway.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import comb

from regions.areas import reference_rows

__all__ = [
    "AGE_GROUPS",
    "MASK",
    "Card",
    "CountyCounts",
    "Curve",
    "Grouping",
    "Incubation",
    "Numbers",
    "adjoining",
    "age_group",
    "curve",
    "grouped",
    "household",
    "incubation",
    "numbers",
    "same",
    "village",
    "years_before",
]

MASK = "*"
AGE_GROUPS = (0, 7, 12, 18, 60)
"""First years of the age groups of annex 2."""

_YEARS = 5
_LONGEST_TOGETHER = 14  # days; with a longer incubation everything of one week would be together
_RISE = 0.05


@dataclass(frozen=True, slots=True)
class Card:
    """A card as a viewer sees it: days, ids, and private values or `MASK`."""

    onset_on: str | None
    unit: str | None
    occupation: str | None
    employer: str | None
    residence: str | None
    age: int | str | None
    sex: str | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Cards by a value: groups of two and more by their places, the largest first; how many cards
    have no value, and of how many it is hidden.
    """

    groups: tuple[tuple[str, tuple[int, ...]], ...]
    unknown: int
    hidden: int

    @property
    def largest(self) -> int:
        """Cards of the largest group; 0 where no two are alike."""
        return len(self.groups[0][1]) if self.groups else 0


def grouped(
    values: Iterable[str | None], named: Callable[[str], str | None] = lambda value: value
) -> Grouping:
    """Cards by their values; `named` says by what of a value they are alike (None: unknown)."""
    places: dict[str, list[int]] = {}
    unknown = hidden = 0
    for place, value in enumerate(values):
        key = named(value) if value is not None and value != MASK else None
        if value == MASK:
            hidden += 1
        elif not key:
            unknown += 1
        else:
            places.setdefault(key, []).append(place)
    alike = [(key, tuple(those)) for key, those in places.items() if len(those) > 1]
    alike.sort(key=lambda one: (-len(one[1]), one[1]))
    return Grouping(tuple(alike), unknown, hidden)


def same(text: str) -> str:
    """A text without what is written one way here and another way there: widths, blanks, case."""
    return re.sub(r"[\s,，.。、]+", "", unicodedata.normalize("NFKC", text)).casefold()


_HOUSE = re.compile(r"\d|[号室户栋幢]")
_VILLAGE = re.compile(r"^(?:.*?(?:街道|镇|乡|苏木))?.+?(?:村|社区|居委会|嘎查)")


def household(residence: str) -> str | None:
    """What tells a household: the whole address, if it leads to a house."""
    found = same(residence)
    return found if _HOUSE.search(found) else None


def village(residence: str) -> str | None:
    """The address up to the village or community; None where it names none."""
    found = _VILLAGE.match(same(residence))
    return found[0] if found else None


def age_group(age: int) -> int:
    """The first year of the group of annex 2."""
    return max(first for first in AGE_GROUPS if first <= max(age, 0))


@dataclass(frozen=True, slots=True)
class Incubation:
    """Usual days from infection to onset."""

    shortest: int
    longest: int

    @property
    def together(self) -> int:
        """Days within which onsets lie if all were infected at once; 14 at most."""
        return min(self.longest - self.shortest + 1, _LONGEST_TOGETHER)


@cache
def _incubations() -> Mapping[str, Incubation | None]:
    return {
        row["disease"]: (
            Incubation(int(row["shortest"]), int(row["longest"])) if row["shortest"] else None
        )
        for row in reference_rows("incubations.csv")
    }


def incubation(disease: str) -> Incubation | None:
    """Of a disease, None where it tells nothing: unknown, or years."""
    return _incubations().get(disease)


@dataclass(frozen=True, slots=True)
class Curve:
    """Onsets by day, first to last; the most within `days` together; those that come so long after
    an earlier one as the incubation takes. Without an incubation the last three are None.
    """

    onsets: tuple[tuple[str, int], ...]
    unknown: int
    days: int | None
    together: int | None
    followers: int | None


def curve(onsets: Sequence[str | None], usual: Incubation | None) -> Curve:
    """The epidemic curve of some cards."""
    counted = Counter(date.fromisoformat(one) for one in onsets if one is not None)
    known = sorted(counted)
    by_day = tuple((day.isoformat(), counted[day]) for day in known)
    unknown = sum(one is None for one in onsets)
    if usual is None:
        return Curve(by_day, unknown, None, None, None)
    together = max(
        (
            sum(counted[day] for day in known if 0 <= (day - first).days < usual.together)
            for first in known
        ),
        default=0,
    )
    shortest = max(1, usual.shortest)
    followers = sum(
        counted[day]
        for day in known
        if any(shortest <= (day - earlier).days <= usual.longest for earlier in known)
    )
    return Curve(by_day, unknown, usual.together, together, followers)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The cases of one county from its daily counts: of the signal's week, the week before, the
    five years before the week; the last day with a case before it.
    """

    week: int = 0
    before: int = 0
    five_years: int = 0
    last: str | None = None

    def __add__(self, other: Numbers) -> Numbers:
        last = max(self.last or "", other.last or "") or None
        return Numbers(
            self.week + other.week,
            self.before + other.before,
            self.five_years + other.five_years,
            last,
        )

    @property
    def rises(self) -> bool:
        """Whether the week has more than chance makes of two equal weeks (p <= 0.05, exact), or
        the first cases in five years.
        """
        if self.week == 0:
            return False
        if self.five_years == 0:
            return True
        return _chance(self.week, self.before) <= _RISE


def _chance(week: int, before: int) -> float:
    """How often of equal weeks the second has so large a share of the cases of both."""
    every = week + before
    if every > 1000:  # the normal curve is near enough, and halves
        return 0.0 if week - before > 1.645 * every**0.5 else 1.0
    found: float = sum(comb(every, one) for one in range(week, every + 1)) / 2**every
    return found


@dataclass(frozen=True, slots=True)
class CountyCounts:
    """A county with its numbers; `own`: it is the signal's, else it adjoins."""

    code: str
    own: bool
    numbers: Numbers


def numbers(counties: Iterable[CountyCounts]) -> Numbers:
    """Those of some counties together."""
    return sum((one.numbers for one in counties), Numbers())


def years_before(day: str, years: int = _YEARS) -> str:
    """The same day so many years before; 28 February for the 29th."""
    found = date.fromisoformat(day)
    try:
        return found.replace(year=found.year - years).isoformat()
    except ValueError:
        return (found - timedelta(days=1)).replace(year=found.year - years).isoformat()


@cache
def _borders() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in reference_rows("county_adjacency.csv"):
        found.setdefault(row["a"], set()).add(row["b"])
        found.setdefault(row["b"], set()).add(row["a"])
    return {code: frozenset(those) for code, those in found.items()}


def adjoining(codes: Iterable[str]) -> tuple[str, ...]:
    """The counties that adjoin some counties, in order, these themselves left out."""
    inside = set(codes)
    beside: set[str] = set()
    for code in inside:
        beside |= _borders().get(code, frozenset())
    return tuple(sorted(beside - inside))
