"""Chains: from one record along every link, level by level, each level one batch a relation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from regions.errors import InvalidInput, NotFound
from regions.instants import now
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.nodes import parse_id
from schema.cases import Case
from schema.chain import Chain, ChainLink, ChainLinkKind

__all__ = ["DEFAULT_DEPTH", "follow"]

DEFAULT_DEPTH = 3
_DEEPEST = 10
_MOST = 2000
_LOOKED_AT = 50  # records at once


async def follow(context: Context, root: str, depth: int | None, path: str) -> Chain:
    """The chain around a case or contact. Raises InvalidInput, NotFound."""
    question = context.opens_records()
    steps = DEFAULT_DEPTH if depth is None else depth
    if not 0 <= steps <= _DEEPEST:
        raise InvalidInput(f"depth is between 0 and {_DEEPEST}", argument="depth")
    record, number = parse_id(root)
    if record is None or record.name not in ("Case", "Contact"):
        raise InvalidInput("root is the id of a case or a contact", argument="root")
    start = (await context.records.of_ids(record.name, [number], path)).get(number)
    if start is None:
        raise NotFound("no such record", argument="root")
    nodes: dict[str, Any] = {start.id: start}
    links: dict[tuple[str, str, ChainLinkKind], None] = {}
    level = [start]
    truncated = False
    for _ in range(steps):
        found = await asyncio.gather(*(_neighbours(context, node) for node in level))
        level = []
        for neighbours in found:
            for kind, earlier, later in neighbours:
                new = [one for one in (earlier, later) if one.id not in nodes]
                if len(nodes) + len(new) > _MOST:
                    truncated = True
                    continue
                for one in new:
                    nodes[one.id] = one
                    level.append(one)
                links[(earlier.id, later.id, kind)] = None
        if not level:
            break
    if not truncated:
        truncated = await _goes_on(context, level, nodes, links)
    report = Report(len(question.federation.regions))
    as_of = now()
    for region, state in question.states(path).items():
        report.at(region).state = state
    for node in nodes.values():
        outcome = report.at(node._row[2])
        if outcome.state == "NOT_ASKED":
            outcome.state, outcome.as_of = "ANSWERED", as_of
        if outcome.state == "ANSWERED":
            outcome.records = (outcome.records or 0) + 1
    return Chain(
        nodes=list(nodes.values()),
        links=[ChainLink(start=a, end=b, kind=kind) for a, b, kind in links],  # type: ignore[arg-type]  # scalars are text
        truncated=truncated,
        regions=region_answers(question, report),
    )


async def _goes_on(
    context: Context,
    level: Sequence[Any],
    nodes: Mapping[str, Any],
    links: Mapping[tuple[str, str, ChainLinkKind], None],
) -> bool:
    """Whether a link that was not followed starts at the last level: one more is looked at.

    In parts, since the first that goes on says it.
    """
    for start in range(0, len(level), _LOOKED_AT):
        part = level[start : start + _LOOKED_AT]
        for neighbours in await asyncio.gather(*(_neighbours(context, node) for node in part)):
            for kind, earlier, later in neighbours:
                if earlier.id not in nodes or later.id not in nodes:
                    return True
                if (earlier.id, later.id, kind) not in links:
                    return True
    return False


async def _neighbours(context: Context, node: Any) -> list[tuple[ChainLinkKind, Any, Any]]:
    """The links of one record: kind, earlier record, later record."""
    records = context.records
    if isinstance(node, Case):
        contacts, exposures, person = await asyncio.gather(
            records.related(node, "contacts"),
            records.related(node, "exposures"),
            records.related(node, "person"),
        )
        earlier_contacts = await records.related(person, "contacts") if person else []
        sources = await asyncio.gather(
            *(records.related(exposure, "source_case") for exposure in exposures)
        )
        return [
            *((ChainLinkKind.CONTACT_OF_CASE, node, contact) for contact in contacts),
            *((ChainLinkKind.BECAME_CASE, contact, node) for contact in earlier_contacts),
            *((ChainLinkKind.EXPOSED, source, node) for source in sources if source),
        ]
    source, parent, further, person = await asyncio.gather(
        records.related(node, "source_case"),
        records.related(node, "parent_contact"),
        records.related(node, "secondary_contacts"),
        records.related(node, "person"),
    )
    became = await records.related(person, "cases") if person else []
    return [
        *([(ChainLinkKind.CONTACT_OF_CASE, source, node)] if source else []),
        *([(ChainLinkKind.CONTACT_OF_CONTACT, parent, node)] if parent else []),
        *((ChainLinkKind.CONTACT_OF_CONTACT, node, one) for one in further),
        *((ChainLinkKind.BECAME_CASE, node, case) for case in became),
    ]
