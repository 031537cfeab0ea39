"""`aggregates`: the question checked, asked of the published tables, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from regions.errors import Forbidden, InvalidInput, TooLarge
from resolvers.aggregates.counting import Cell, Counts, Wanted, count
from resolvers.aggregates.periods import FIRST, LAST, Span, coarsest
from resolvers.aggregates.publishing import CITY, Published
from resolvers.aggregates.subjects import DIMENSIONS, SUBJECTS, Dimension, Subject
from resolvers.context import Context, region_answers
from resolvers.diseases import require_diseases
from resolvers.filters import code_prefix
from resolvers.questions.rows import reaches_beyond
from resolvers.rights import require
from schema.aggregates import AggregateCell, AggregateInput, Aggregates

__all__ = ["aggregate"]

_MOST_DIMENSIONS = 3
_MOST_VALUES = 1_000
_ENUMS = (
    "classification",
    "origin",
    "case_outcome",
    "level",
    "route",
    "traced",
    "contact_outcome",
)
_GRAPHQL = {"case_outcome": "caseOutcome", "contact_outcome": "contactOutcome"}


async def aggregate(context: Context, given: AggregateInput, path: str) -> Aggregates:
    """The table. Raises Forbidden, InvalidInput, TooLarge."""
    viewer = context.signed_in()
    require(viewer, "aggregates")
    question = context.question
    prefixes = _prefixes(given, viewer.prefix)
    wanted = _wanted(SUBJECTS[given.subject.name], given)
    if given.diseases is not None:
        await require_diseases(question, given.diseases, "input.diseases")
    regions = question.federation.regions
    concerned = question.federation.concerned(prefixes)
    within = {}
    for region in concerned:
        narrowed = given.codes is not None or reaches_beyond(question, region)
        within[region] = replace(wanted, prefixes=prefixes if narrowed else None)
        _require_places(within[region])
    published = context.answering.published
    assert published is not None
    tables, report, as_of = await published.of(question, given.subject.name, concerned)
    question.note_regions(report, path)
    counts = Counts()
    withheld = [region for region, table in tables.items() if table.withheld]
    for region in withheld:
        del tables[region]
    asked = [(regions[region].code, table, within[region]) for region, table in tables.items()]
    await asyncio.to_thread(_count, counts, asked)
    missing = [prefix for i in concerned if i not in tables for prefix in regions[i].prefixes]
    whole = counts.whole
    cells = [_cell(wanted, at, cell, missing) for at, cell in sorted(counts.cells.items())]
    placed = sum(cell.count or 0 for cell in cells)
    return Aggregates(
        cells=cells,
        total=None if whole.suppressed else whole.count,
        suppressed=whole.suppressed,
        margin=None if whole.suppressed else whole.margin,
        complete=not missing,
        unplaced=0 if whole.suppressed or not wanted.by else whole.count - placed,
        as_of=as_of,  # type: ignore[arg-type]  # scalars are text
        withheld=[regions[region].code for region in withheld],  # type: ignore[misc]  # as above
        regions=region_answers(question, report),
    )


def _count(counts: Counts, asked: Iterable[tuple[str, Published, Wanted]]) -> None:
    for region, table, wanted in asked:
        count(counts, region, table, wanted)


def _cell(wanted: Wanted, at: Sequence[str], cell: Cell, missing: Sequence[str]) -> AggregateCell:
    """A cell, `at` its values; it is complete if no place of it is in a region that is missing."""
    place = next(
        (at[i][: one.digits] for i, one in enumerate(wanted.by) if one.axis == "place"), ""
    )
    return AggregateCell(
        values=list(at),
        count=None if cell.suppressed else cell.count,
        suppressed=cell.suppressed,
        margin=None if cell.suppressed else cell.margin,
        complete=not any(one.startswith(place) or place.startswith(one) for one in missing),
    )


def _wanted(subject: Subject, given: AggregateInput) -> Wanted:
    """What is asked, but for the places. Raises InvalidInput, TooLarge."""
    by = _dimensions(subject, given)
    values = _values(subject, given)
    attributes = {one.name for one in subject.attributes}
    used = [one for one in dict.fromkeys((*(d.axis for d in by), *values)) if one in attributes]
    if len(used) > 1:
        names = " and ".join(_GRAPHQL.get(one, one) for one in used)
        raise InvalidInput(
            f"no count is told of {names} together",
            argument="by",
            hint="ask for each of them on its own, with disease or level, place and time",
        )
    attribute = used[0] if used else None
    narrowed = None if attribute is None else values.get(attribute)
    first, last = _days(given.start, given.end)
    if attribute is not None:
        _require_coarse(attribute, by, first, last)
    kinds = given.diseases if given.diseases is not None else values.get(subject.kind)
    return Wanted(
        by,
        first,
        last,
        None,
        None if kinds is None else frozenset(kinds),
        attribute,
        None if narrowed is None else frozenset(narrowed),
    )


def _require_coarse(attribute: str, by: Sequence[Dimension], first: str, last: str) -> None:
    """An attribute is told by city and by week (`publishing`)."""
    name = _GRAPHQL.get(attribute, attribute)
    for one in by:
        if one.digits > CITY or one.span is Span.DAYS:
            raise InvalidInput(
                f"{name} is told by city and by week at the finest",
                argument="by",
                hint="ask for CITY instead of COUNTY, and for WEEK instead of DAY",
            )
    for argument, cut in (("from", coarsest(first, LAST)), ("to", coarsest(FIRST, last))):
        if cut is Span.DAYS:
            raise InvalidInput(
                f"{name} is told by whole weeks and months",
                argument=argument,
                hint="from a Monday or the first of a month, to a Sunday or the last of one",
            )


def _require_places(wanted: Wanted) -> None:
    if wanted.attribute is not None and any(len(one) > CITY for one in wanted.prefixes or ()):
        raise InvalidInput(
            f"{_GRAPHQL.get(wanted.attribute, wanted.attribute)} is told by city at the finest",
            argument="codes",
            hint="ask for counties without it, or for whole cities",
        )


def _dimensions(subject: Subject, given: AggregateInput) -> list[Dimension]:
    axes = {"place", "day", subject.kind, *(one.name for one in subject.attributes)}
    found: dict[str, Dimension] = {}
    for one in given.by:
        dimension = next((d for d in DIMENSIONS[one.name] if d.axis in axes), None)
        if dimension is None:
            raise InvalidInput(
                f"{given.subject.name} have no {one.name}",
                argument="by",
                hint="the schema says of each dimension what it is of",
            )
        if dimension.axis in found:
            raise InvalidInput(
                f"{one.name} is of the same kind as another dimension",
                argument="by",
                hint="give one of place and one of time",
            )
        found[dimension.axis] = dimension
    if len(found) > _MOST_DIMENSIONS:
        raise InvalidInput(
            f"counts are told apart by {_MOST_DIMENSIONS} dimensions at most",
            argument="by",
            hint="the more there are, the fewer counts can be told: leave some out",
        )
    return list(found.values())


def _values(subject: Subject, given: AggregateInput) -> Mapping[str, Sequence[str]]:
    """Values of enums that are wanted, by field of the input."""
    known = {subject.kind, *(one.name for one in subject.attributes)}
    found: dict[str, Sequence[str]] = {}
    for name in _ENUMS:
        if (values := getattr(given, name)) is None:
            continue
        if name not in known:
            raise _of_others(given, _GRAPHQL.get(name, name))
        found[name] = [value.name for value in values]
    if given.diseases is not None and subject.kind != "disease":
        raise _of_others(given, "diseases")
    if sum(map(len, (*found.values(), given.codes or (), given.diseases or ()))) > _MOST_VALUES:
        raise TooLarge(f"a question has at most {_MOST_VALUES} values", hint="ask in parts")
    return found


def _of_others(given: AggregateInput, name: str) -> InvalidInput:
    return InvalidInput(f"{given.subject.name} have no {name}", argument=name)


def _prefixes(given: AggregateInput, scope: str) -> list[str]:
    """The prefixes of what is asked for. Raises Forbidden outside of the jurisdiction."""
    if given.codes is None:
        return [scope]
    prefixes = list(dict.fromkeys(map(code_prefix, given.codes)))
    for code, prefix in zip(given.codes, map(code_prefix, given.codes), strict=True):
        if not prefix.startswith(scope):
            raise Forbidden(f"the code {code} is outside of your jurisdiction", argument="codes")
    return prefixes


def _days(start: str | None, end: str | None) -> tuple[str, str]:
    first, last = start or FIRST, end or LAST
    if first > last:
        raise InvalidInput("from is after to", argument="from")
    return first, last
