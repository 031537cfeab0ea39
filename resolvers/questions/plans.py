"""Plans: an operation compiled for a viewer's rights, from lists of records straight to JSON text.

What a plan cannot answer it leaves to the ordinary executor (`NotPlannable`); a property test holds
the two to the same answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
)
from graphql.execution.values import VariableValues, get_argument_values

from regions.errors import EpigateError, InvalidInput, TooLarge
from resolvers.catalog import RECORDS, Record
from resolvers.filters import orders, plain
from resolvers.privacy import require_records
from resolvers.questions.links import complete
from resolvers.questions.listing import ListPlan, Page
from resolvers.questions.question import Answering, Question, error_of, rules_in
from resolvers.questions.selection import Selected, Selector
from resolvers.questions.shapes import NotPlannable
from resolvers.questions.shaping import Shaper
from resolvers.rights import require
from resolvers.users import Viewer
from schema.fields import Gathered, Many, One

__all__ = ["LISTS", "OperationPlan", "page_size", "plan_operation", "shaper_for"]

LISTS = {"contacts": "Contact", "cases": "Case", "signals": "Signal"}
"""Root fields a plan answers, and their type of record."""


@dataclass(slots=True)
class _Root:
    """One list of the operation: its key in the response and how its connection is written."""

    key: str
    plan: ListPlan
    fields: list[Selected]
    page_info: list[Selected]
    regions: list[Selected]
    arguments: FieldNode


@dataclass(slots=True, eq=False, weakref_slot=True)
class OperationPlan:
    """An operation compiled. `run` answers it as the text of `data`, in pieces."""

    roots: list[_Root | str]  # a list, or the key of a `__typename`

    def lasting(self) -> bool:
        """Whether an answer stays true while no store changes, for all with the same rights."""
        return not any(
            isinstance(root, _Root)
            and (
                any(one.name in ("milliseconds", "asOf") for one in root.regions)
                or root.plan.shapes.of_one_unit()
            )
            for root in self.roots
        )

    async def run(
        self, question: Question, pages: Sequence[tuple[int | None, str | None]]
    ) -> list[str] | None:
        """The pieces of the text of `data`, or None where a root field failed; errors are noted in
        the question. A page of a thousand records is not copied for each brace around it.

        `pages` holds `first` and `after` of each root field, in order.
        """
        lists = [(root, pages[i]) for i, root in enumerate(self.roots) if isinstance(root, _Root)]
        if len(lists) == 1:
            texts = [await _list(question, *lists[0])]
        else:
            texts = list(await asyncio.gather(*(_list(question, *one) for one in lists)))
        found = iter(texts)
        pieces, before = ["{"], ""
        for root in self.roots:
            if isinstance(root, _Root):
                text = next(found)
                if text is None:
                    return None
                pieces.append(f'{before}"{root.key}":')
                pieces += text
            else:
                pieces.append(f'{before}"{root}":"Query"')
            before = ","
        pieces.append("}")
        return pieces


async def _list(
    question: Question, root: _Root, page: tuple[int | None, str | None]
) -> list[str] | None:
    try:
        return await _answer(question, root, *page)
    except EpigateError as error:
        question.errors.append(error_of(error, root.key))
        return None


async def _answer(
    question: Question, root: _Root, first: int | None, after: str | None
) -> list[str]:
    plan, answering = root.plan, question.answering
    size = page_size(answering, first)
    cursors, bound_to, width = answering.cursors, plan.bound_to, len(plan.order) + 1
    place = cursors.open(after, bound_to, width) if after is not None else None
    page = await plan.page(question, size, place)

    def cursor(keys: list[Any]) -> str:
        return cursors.seal(keys[:width], bound_to)

    question.note_regions(page.report, root.key)
    rows, texts, sizes = await complete(
        question, plan.shapes, page.rows, root.key, cursor, shown=plan.shown
    )
    question.hold(sum(sizes))
    if failures := question.failures(root.key):  # of relations too
        page.amend(rows, failures)
    if root.regions:
        page.report.add_times(question.times(root.key))
    question.trail.named(*plan.shapes.named())
    pieces, before = ["{"], ""
    for one in root.fields:
        name = one.name
        pieces.append(f'{before}"{one.key}":')
        before = ","
        if name == "edges":
            pieces += ("[", ",".join(texts))
            value = "]"
        elif name == "pageInfo":
            ends = (cursor(rows[0][0]), cursor(rows[-1][0])) if rows else (None, None)
            value = _page_info(root.page_info, page, ends, place is not None)
        elif name == "regions":
            value = regions_text(question, root.regions, page)
        elif name == "totalCount":
            value = str(page.total)
        else:
            value = f'"{plan.record.name}Connection"'
        pieces.append(value)
    pieces.append("}")
    return pieces


def page_size(answering: Answering, first: int | None) -> int:
    """The size of a page. Raises InvalidInput and TooLarge."""
    if first is None:
        return answering.page_default
    if first < 0:
        raise InvalidInput("first is negative", argument="first")
    if first > answering.page_max:
        raise TooLarge(
            f"first is {first}, a page has at most {answering.page_max} records",
            hint="ask for pages by pageInfo.endCursor",
            argument="first",
        )
    return first


def _page_info(
    selected: Sequence[Selected], page: Page, ends: tuple[str | None, str | None], later: bool
) -> str:
    values: dict[str, Any] = {
        "hasNextPage": page.more,
        "hasPreviousPage": later,
        "startCursor": ends[0],
        "endCursor": ends[1],
        "__typename": "PageInfo",
    }
    return orjson.dumps({one.key: values[one.name] for one in selected}).decode()


_OUTCOME: Mapping[str, Callable[[Any], Any]] = {
    "state": lambda outcome: outcome.state,
    "milliseconds": lambda outcome: outcome.milliseconds,
    "records": lambda outcome: outcome.records,
    "asOf": lambda outcome: outcome.as_of,
    "__typename": lambda outcome: "RegionAnswer",
}


def regions_text(question: Question, selected: Sequence[Selected], page: Page) -> str:
    """The `regions` of a connection."""
    found = []
    for settings, outcome in zip(question.federation.regions, page.report.outcomes, strict=True):
        found.append(
            {
                one.key: settings.code if one.name == "code" else _OUTCOME[one.name](outcome)
                for one in selected
            }
        )
    return orjson.dumps(found).decode()


def shaper_for(answering: Answering, viewer: Viewer, selector: Selector) -> Shaper:
    """What makes shapes for an operation of this viewer."""
    return Shaper(
        selector,
        RECORDS,
        lambda record, region, shared: rules_in(
            viewer, answering.federation, record, region, shared
        ),
        answering.reference,
    )


def plan_operation(
    answering: Answering,
    schema: GraphQLSchema,
    fragments: Mapping[str, Any],
    operation: OperationDefinitionNode,
    variables: VariableValues,
    viewer: Viewer,
) -> OperationPlan:
    """The plan of an operation. Raises NotPlannable, or an EpigateError of the first root field."""
    if operation.operation is not OperationType.QUERY or operation.directives:
        raise NotPlannable("not a query")
    if any(_is_unset(one, variables) for one in operation.variable_definitions or ()):
        raise NotPlannable("a condition that is null")
    require_records(viewer)
    question = Question(answering, viewer)
    selector = Selector(schema, fragments, variables.coerced)
    shaper = shaper_for(answering, viewer, selector)
    assert schema.query_type is not None
    roots: list[_Root | str] = []
    for selected in selector.collect("Query", [operation.selection_set]):
        if selected.name == "__typename":
            roots.append(selected.key)
            continue
        record = RECORDS.get(LISTS.get(selected.name, ""))
        if record is None:
            raise NotPlannable(selected.name)
        require(viewer, selected.name)
        definition = schema.query_type.fields[selected.name]
        arguments = plain(get_argument_values(definition, selected.nodes[0], variables))
        fields = selector.below(selected, f"{record.name}Connection")
        edges = [one for one in fields if one.name == "edges"]
        if len(edges) > 1 or sum(one.name in ("pageInfo", "regions") for one in fields) > 2:
            raise NotPlannable("the same part of a page twice")
        for edge in selector.below(edges[0], f"{record.name}Edge") if edges else ():
            if edge.name == "node":
                _require_plannable(selector, record, selector.below(edge, record.name))
        plan = ListPlan(
            question,
            shaper,
            record,
            selector.below(edges[0], f"{record.name}Edge") if edges else [],
            arguments.get("filter"),
            orders(arguments.get("orderBy"), record),
            count=any(one.name == "totalCount" for one in fields),
            reports=any(one.name == "regions" for one in fields),
        )
        roots.append(
            _Root(
                selected.key,
                plan,
                fields,
                _below(selector, fields, "pageInfo", "PageInfo"),
                _below(selector, fields, "regions", "RegionAnswer"),
                selected.nodes[0],
            )
        )
    if not any(isinstance(root, _Root) for root in roots):
        raise NotPlannable("no list")
    return OperationPlan(roots)


def _require_plannable(selector: Selector, record: Record, selected: Sequence[Selected]) -> None:
    """Raises NotPlannable where a field asked for, at any depth, is found by an area."""
    for one in selected:
        source = record.fields[one.name].source if one.name in record.fields else None
        if isinstance(source, Gathered):
            raise NotPlannable(one.name)
        if isinstance(source, (One, Many)):
            target = RECORDS[source.to]
            _require_plannable(selector, target, selector.below(one, target.name))


def _is_unset(definition: VariableDefinitionNode, variables: VariableValues) -> bool:
    """Whether it is a condition (`@skip`, `@include`) that was given as null."""
    kind = definition.type
    return (
        isinstance(kind, NamedTypeNode)
        and kind.name.value == "Boolean"
        and variables.coerced.get(definition.variable.name.value) is None
    )


def _below(
    selector: Selector, fields: Sequence[Selected], name: str, type_name: str
) -> list[Selected]:
    found = [one for one in fields if one.name == name]
    if len(found) > 1:
        raise NotPlannable("the same part of a page twice")
    return selector.below(found[0], type_name) if found else []
