"""Reading pathways: one with its clocks and events, also as it would be under another pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, select

from regions.errors import InvalidInput
from regions.ids import region_of
from regions.instants import now
from regions.pathways import pathway_clocks, pathway_events, pathways
from regions.reading import Read
from regions.statements import Statement
from resolvers.context import Context
from resolvers.federation import state_of
from resolvers.nodes import parse_id
from resolvers.pathway.engine import begin, begin_contact, expired, under
from resolvers.pathway.packs import packs
from resolvers.pathway.states import Event, Standing
from resolvers.pathway.storing import pack_of, standing_of
from resolvers.questions.links import scope_condition
from schema.contacts import RulePack
from schema.pathway import Pathway, PathwayClock, PathwayEvent, PathwayState, PathwayStep

__all__ = ["read_pathway"]


async def read_pathway(
    context: Context, record_id: str, pack: str | None, path: str
) -> Pathway | None:
    """The pathway of a case or contact; None where there is none that the viewer may open.

    Under another `pack` the same events are followed anew by its rules. Raises InvalidInput.
    """
    question = context.opens_records()
    if pack is not None and pack not in packs():
        raise InvalidInput(f"there is no such rule pack: {', '.join(packs())}", argument="pack")
    record, number = parse_id(record_id)
    federation = question.federation
    region = federation.index_of.get(region_of(number))
    within = federation.concerned([question.scope.prefix])
    if record is None or region is None or region not in within:
        return None
    dialect = federation.dialects[region]
    opens = select(pathways.c.id).where(
        pathways.c.id == number,
        pathways.c.record == record.kind,
        *scope_condition(question, pathways, region),
    )
    reads = []
    for table, key in (
        (pathways, pathways.c.id),
        (pathway_clocks, pathway_clocks.c.pathway_id),
        (pathway_events, pathway_events.c.pathway_id),
    ):
        asked = select(table).where(key.in_(opens)).order_by(*table.primary_key)
        statement = Statement(asked, dialect)
        reads.append(Read(region, statement.sql, statement.bind({})))
    answers = await question.ask(reads)
    for answer in answers:
        if answer.failure is not None:
            question.region_failed(region, state_of(answer.failure), str(answer.failure), path)
            return None
    question.region_answered(region, path)
    rows, clocks, events = (
        [_named(table, row) for row in answer.rows]
        for table, answer in zip((pathways, pathway_clocks, pathway_events), answers, strict=True)
    )
    if not rows:
        return None
    question.trail.saw(record.kind, [number])
    row, at = rows[0], now()
    standing, rules = standing_of(row, clocks), pack_of(row["pack"])
    if pack is not None and pack != row["pack"]:
        rules = packs()[pack]
        history = [Event(PathwayEvent[one["kind"]], one["at"]) for one in events]
        level = row["started_as"]
        first = (
            begin(row["started_at"])
            if level == "CASE"
            else begin_contact(level, row["started_at"], rules)
        )
        if isinstance(first, Standing):
            standing = under(first, history, rules)
    standing = expired(standing, at)
    return Pathway(
        record=f"{record.kind}:{number}",  # type: ignore[arg-type]  # an ID is text
        pack=RulePack(id=rules.id, name_zh=rules.name_zh, name_en=rules.name_en),  # type: ignore[arg-type]  # an ID is text
        state=standing.state,
        entered_at=standing.entered_at,  # type: ignore[arg-type]  # scalars are text
        day=standing.day(at),
        day_one=standing.day_one,  # type: ignore[arg-type]  # scalars are text
        released_at=standing.released_at,  # type: ignore[arg-type]  # scalars are text
        unit_id=row["unit_id"],
        code=row["code"],
        clocks=[
            PathwayClock(
                kind=one.kind,
                number=one.number,
                opened_at=one.opened_at,  # type: ignore[arg-type]  # scalars are text
                due_at=one.due_at,  # type: ignore[arg-type]  # scalars are text
                met_at=one.met_at,  # type: ignore[arg-type]  # scalars are text
                missed_at=one.missed_at,  # type: ignore[arg-type]  # scalars are text
                dropped_at=one.dropped_at,  # type: ignore[arg-type]  # scalars are text
            )
            for one in standing.clocks
        ],
        events=[
            PathwayStep(
                kind=PathwayEvent[one["kind"]],
                at=one["at"],
                state=PathwayState[one["state"]],
                unit_id=one["unit_id"],
                recorded_at=one["recorded_at"],
            )
            for one in events
        ],
    )


def _named(table: Table, row: Any) -> Mapping[str, Any]:
    return dict(zip(table.columns.keys(), row, strict=True))
