"""`aggregates`: the question checked, asked of the groups, and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from regions.errors import Forbidden, InvalidInput, TooLarge
from resolvers.aggregates.counting import Cell, Counts, Interval, Wanted, count
from resolvers.aggregates.subjects import DIMENSIONS, SUBJECTS, Dimension, Subject
from resolvers.aggregates.tables import RegionTable
from resolvers.context import Context, region_answers
from resolvers.diseases import require_diseases
from resolvers.filters import code_prefix
from resolvers.questions.rows import reaches_beyond
from resolvers.rights import require
from schema.aggregates import AggregateCell, AggregateInput, Aggregates

__all__ = ["aggregate"]

_MOST_AXES = 3
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
    name = given.subject.name
    subject = SUBJECTS[name]
    by = _dimensions(subject, given)
    within, prefixes = _within(subject, given, viewer.prefix)
    _require_few(by, within, given)
    if given.diseases is not None:
        reference = context.answering.reference
        await require_diseases(question.federation, reference, given.diseases, "input.diseases")
    concerned = question.federation.concerned(prefixes)
    groups = context.answering.groups
    assert groups is not None
    tables, report, as_of = await groups.of(question, name, concerned)
    question.note_regions(report, path)
    counts = Counts()
    withheld = []
    for region, table in tables.items():
        here = dict(within)
        if given.diseases is not None:
            here["disease"] = _diseases(table, given.diseases)
        if given.codes is None and not reaches_beyond(question, region):
            here.pop("place", None)  # all of the region lies within the jurisdiction
        used = {one.line for one in by}.union(here)
        lines = [line for line in subject.lines if line.name in used]
        grouping = await groups.grouped(table, lines)
        if grouping.withheld:
            withheld.append(question.federation.regions[region].code)
        names = {line.name: line.names for line in lines} | {"disease": table.diseases}
        count(counts, lines, grouping.groups, Wanted(here, by), names)
    cells = counts.cells if by else {}
    hidden = counts.whole.partly or bool(withheld)
    suppressed = counts.whole.count == 0 and hidden
    return Aggregates(
        cells=[_cell(values, cells[values]) for values in sorted(cells)],
        total=None if suppressed else counts.whole.count,
        suppressed=suppressed,
        complete=not hidden,
        unplaced=counts.unplaced,
        as_of=as_of,  # type: ignore[arg-type]  # scalars are text
        withheld=withheld,  # type: ignore[arg-type]  # scalars are text
        regions=region_answers(question, report),
    )


def _cell(values: Sequence[str], cell: Cell) -> AggregateCell:
    suppressed = cell.count == 0
    return AggregateCell(
        values=list(values),
        count=None if suppressed else cell.count,
        suppressed=suppressed,
        complete=not cell.partly,
    )


def _dimensions(subject: Subject, given: AggregateInput) -> list[Dimension]:
    lines = {line.name for line in subject.lines}
    found: dict[str, Dimension] = {}
    for one in given.by:
        dimension = next((d for d in DIMENSIONS[one.name] if d.line in lines), None)
        if dimension is None:
            raise InvalidInput(
                f"{given.subject.name} have no {one.name}",
                argument="by",
                hint="the schema says of each dimension what it is of",
            )
        if dimension.line in found:
            raise InvalidInput(
                f"{one.name} is of the same kind as another dimension",
                argument="by",
                hint="give one of place and one of time",
            )
        found[dimension.line] = dimension
    return list(found.values())


def _require_few(
    by: Sequence[Dimension], within: Mapping[str, Sequence[Interval]], given: AggregateInput
) -> None:
    used = {one.line for one in by}.union(within)
    if given.codes is None:  # the jurisdiction was not asked for
        used.discard("place")
        used |= {one.line for one in by}
    if given.diseases is not None:
        used.add("disease")
    if len(used) > _MOST_AXES:
        raise InvalidInput(
            f"a question uses {_MOST_AXES} of disease, place, time and the like at most, to tell "
            "counts apart and to narrow them",
            argument="by",
            hint="the more are used, the fewer counts can be told: leave some out",
        )


def _within(
    subject: Subject, given: AggregateInput, scope: str
) -> tuple[dict[str, Sequence[Interval]], list[str]]:
    """Intervals by axis, and the prefixes outside of which nothing can lie."""
    prefixes = [scope]
    if given.codes is not None:
        prefixes = list(dict.fromkeys(map(code_prefix, given.codes)))
        if outside := [code for code in given.codes if not code_prefix(code).startswith(scope)]:
            raise Forbidden(
                f"the code {outside[0]} is outside of your jurisdiction", argument="codes"
            )
    found: dict[str, Sequence[Interval]] = {}
    if "" not in prefixes:
        found["place"] = [_place(prefix) for prefix in prefixes]
    if given.start is not None or given.end is not None:
        found["day"] = [_days(given.start, given.end)]
    lines: Mapping[str, tuple[str, ...]] = {line.name: line.names for line in subject.lines}
    for name in _ENUMS:
        if (values := getattr(given, name)) is None:
            continue
        if name not in lines:
            raise _of_others(given, _GRAPHQL.get(name, name))
        places = [lines[name].index(value.name) for value in values]
        found[name] = [(place, place + 1) for place in places]
    if given.diseases is not None and "disease" not in lines:
        raise _of_others(given, "diseases")
    if sum(map(len, found.values())) + len(given.diseases or ()) > _MOST_VALUES:
        raise TooLarge(f"a question has at most {_MOST_VALUES} values", hint="ask in parts")
    return found, prefixes


def _of_others(given: AggregateInput, name: str) -> InvalidInput:
    return InvalidInput(f"{given.subject.name} have no {name}", argument=name)


def _place(prefix: str) -> Interval:
    size = 10 ** (6 - len(prefix))
    return int(prefix) * size, (int(prefix) + 1) * size


def _days(start: str | None, end: str | None) -> Interval:
    first = date.fromisoformat(start) if start is not None else date.min
    last = date.fromisoformat(end) if end is not None else date.max - timedelta(1)
    if first > last:
        raise InvalidInput("from is after to", argument="from")
    return first.toordinal(), last.toordinal() + 1


def _diseases(table: RegionTable, keys: Sequence[str]) -> list[Interval]:
    places = {key: place for place, key in enumerate(table.diseases)}
    return [(places[key], places[key] + 1) for key in keys if key in places]
