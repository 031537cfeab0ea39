"""Small worlds of cases for the tests of aggregates, and all that there is to ask of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations

from hypothesis import strategies as st

from resolvers.aggregates.counting import Counts, Wanted, count
from resolvers.aggregates.periods import Span
from resolvers.aggregates.publishing import CITY, Counted, Leaf, Published, publish
from resolvers.aggregates.subjects import DIMENSIONS, SUBJECTS, Dimension

__all__ = [
    "ATTRIBUTES",
    "CASES",
    "DAYS",
    "KEYS",
    "Part",
    "asked",
    "counted",
    "dimensions",
    "offered",
    "parts_of",
    "told_parts",
    "true_cells",
    "true_parts",
    "world",
]

CASES = SUBJECTS["CASES"]
ATTRIBUTES = [one.name for one in CASES.attributes]
DAYS = [  # two weeks, of which the first lies in two months
    (date(2026, 4, 27) + timedelta(number)).isoformat() for number in (0, 1, 3, 4, 6, 7, 12)
]

Part = tuple[str, ...]
"""Where a part of the tree stands: the kind of part, and its names."""

_RECORD = st.builds(
    Counted,
    st.sampled_from(["measles", "mumps"]),
    st.sampled_from(["320102", "320104", "320205", "320206"]),
    st.sampled_from(DAYS),
    st.tuples(
        st.sampled_from(["LOCAL", "IMPORTED"]),
        st.sampled_from(["CONFIRMED", "SUSPECTED"]),
        st.sampled_from(["RECOVERED", "DIED"]),
    ),
    st.integers(1, 7),
)
KEYS = st.binary(min_size=16, max_size=16)


def counted() -> st.SearchStrategy[list[Counted]]:
    """A few dozen cases of two diseases in four counties of two cities."""
    return st.lists(_RECORD, max_size=16)


def world(records: Sequence[Counted], key: bytes, digits: int = 2) -> Published:
    """What is published of cases."""
    return publish(records, ATTRIBUTES, digits, key)


def dimensions() -> list[Dimension]:
    """What cases can be told apart by."""
    axes = {"place", "day", CASES.kind, *ATTRIBUTES}
    return [one for some in DIMENSIONS.values() for one in some if one.axis in axes]


def offered() -> Iterator[Wanted]:
    """Every set of dimensions that is answered, and by each attribute that can be asked for."""
    for some in (chosen for n in range(4) for chosen in combinations(dimensions(), n)):
        axes = [one.axis for one in some]
        used = [one for one in axes if one in ATTRIBUTES]
        if len(set(axes)) < len(axes) or len(used) > 1:
            continue
        coarse = all(one.digits <= CITY and one.span is not Span.DAYS for one in some)
        if not used:
            yield Wanted(some)
        if coarse:
            yield from (Wanted(some, attribute=one) for one in used or ATTRIBUTES)


def asked(published: Published, wanted: Wanted) -> Counts:
    """The answer to a question."""
    counts = Counts()
    count(counts, "3200", published, wanted)
    return counts


# The tree anew, written apart from what is tested ------------------------------------------------


def _stretch(day: str) -> str:
    at = date.fromisoformat(day)
    monday = at - timedelta(at.weekday())
    return f"{at:%Y-%m}/{monday.isoformat()}"


def _above(kind: str, code: str, day: str, digits: int) -> list[Part]:
    found: list[Part] = [
        ("month", kind, code[:digits], day[:7]),
        ("stretch", kind, code[:digits], _stretch(day)),
    ]
    if digits < 4:
        found.append(("city", kind, code[:4], _stretch(day)))
    return found


def _places(kind: str, code: str, day: str, digits: int) -> list[Part]:
    county: list[Part] = [("county", kind, code, _stretch(day))] if digits < 6 else []
    return [*_above(kind, code, day, digits), *county, ("day", kind, code, day)]


def parts_of(one: Counted | Leaf, digits: int, attribute: str = "") -> list[Part]:
    """Every part of the tree that a record or a leaf is in, from the top down."""
    if isinstance(one, Leaf) and attribute:
        place, stretch = one.code[: max(digits, 4)], _stretch(one.day)
        above = _above(one.kind, one.code, one.day, digits)
        return [*above, ("value", attribute, one.kind, place, stretch, one.value)]
    found = _places(one.kind, one.code, one.day, digits)
    if isinstance(one, Counted):
        place = one.code[: max(digits, 4)]
        for name, value in zip(ATTRIBUTES, one.values, strict=True):
            found.append(("value", name, one.kind, place, _stretch(one.day), value))
    return found


def true_parts(records: Sequence[Counted], digits: int) -> Counter[Part]:
    """How many records are in each part."""
    found: Counter[Part] = Counter()
    for one in records:
        for part in parts_of(one, digits):
            found[part] += one.number
    return found


def told_parts(published: Published) -> Counter[Part]:
    """What is told of each part; those by a value from the leaves of its attribute."""
    found: Counter[Part] = Counter()
    for leaf in published.leaves:
        for part in parts_of(leaf, published.digits):
            found[part] += leaf.told
    for name, leaves in published.attributes.items():
        for leaf in leaves:
            found[parts_of(leaf, published.digits, name)[-1]] += leaf.told
    return found


def true_cells(records: Sequence[Counted], wanted: Wanted) -> Counter[tuple[str, ...]]:
    """The true counts of a question's cells."""
    place = ATTRIBUTES.index(wanted.attribute) if wanted.attribute else None
    found: Counter[tuple[str, ...]] = Counter()
    for one in records:
        value = one.values[place] if place is not None else ""
        leaf = Leaf(one.kind, one.code, one.day, value, one.number)
        found[tuple(each.label(leaf) for each in wanted.by)] += one.number
    return found
