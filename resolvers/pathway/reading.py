"""Reading pathways: one with its clocks and events, also as it would be under another pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, select

from regions.errors import InvalidInput
from regions.ids import region_of
from regions.instants import now
from regions.pathways import pathway_clocks, pathway_events, pathways
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among
from resolvers.context import Context
from resolvers.federation import state_of
from resolvers.nodes import parse_id
from resolvers.pathway.engine import begin, begin_contact, expired, under
from resolvers.pathway.packs import packs
from resolvers.pathway.states import Event, Standing
from resolvers.pathway.storing import pack_of, standing_of
from resolvers.questions.question import Question
from resolvers.questions.rows import living, scope_condition
from schema.contacts import RulePack
from schema.pathway import Pathway, PathwayClock, PathwayEvent, PathwayState, PathwayStep

__all__ = ["pathways_of", "read_pathway"]

_KEYS = "keys"
_TABLES = (
    (pathways, pathways.c.id),
    (pathway_clocks, pathway_clocks.c.pathway_id),
    (pathway_events, pathway_events.c.pathway_id),
)


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
    home = federation.index_of.get(region_of(number))
    within = federation.concerned([question.scope.prefix])
    if record is None:
        return None

    def opens(region: int) -> list[ColumnElement[bool]]:
        own = pathways.c.record == record.kind
        return [own, *living(pathways), *scope_condition(question, pathways, region)]

    # Else where its person was handed over to.
    others = [region for region in within if region != home]
    for regions in ([home] if home in within else [], others):
        wanted = {region: [number] for region in regions}
        found = await _rows(question, wanted, path, opens)
        for known in found.values():
            question.trail.saw(record.kind, [number])
            return _pathway(known, pack)
    return None


async def pathways_of(context: Context, of: Sequence[Any]) -> Sequence[Pathway | None]:
    """The pathways of some cases or contacts, in the records' own stores."""
    places = [(one._row[2], int(one.id.partition(":")[2])) for one in of]
    wanted: dict[int, list[int]] = {}
    for region, number in places:
        wanted.setdefault(region, []).append(number)
    found = await _rows(context.question, wanted, of[0]._path, None)
    return [_pathway(found[place], None) if place in found else None for place in places]


@dataclass(slots=True)
class _Known:
    row: Mapping[str, Any]
    clocks: list[Mapping[str, Any]]
    events: list[Mapping[str, Any]]


async def _rows(
    question: Question,
    wanted: Mapping[int, list[int]],
    path: str,
    opens: Callable[[int], list[ColumnElement[bool]]] | None,
) -> dict[tuple[int, int], _Known]:
    """The rows of pathways by region and number; regions that fail are noted."""
    reads = []
    for region, numbers in wanted.items():
        keys = {_KEYS: orjson.dumps(numbers).decode()}
        where = opens(region) if opens is not None else []
        for table, key in _TABLES:
            asked = select(table).where(among(key, text_value(_KEYS))).order_by(*table.primary_key)
            if where:
                chosen = among(pathways.c.id, text_value(_KEYS))
                own = select(pathways.c.id).where(chosen, *where)
                asked = select(table).where(key.in_(own)).order_by(*table.primary_key)
            statement = Statement(asked, question.federation.dialects[region])
            reads.append(Read(region, statement.sql, statement.bind(keys)))
    found: dict[tuple[int, int], _Known] = {}
    answers = await question.ask(reads) if reads else []
    for place, (read, answer) in enumerate(zip(reads, answers, strict=True)):
        if answer.failure is not None:
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
            continue
        question.region_answered(read.region, path)
        table, key = _TABLES[place % len(_TABLES)]
        for values in answer.rows:
            row = dict(zip(table.columns.keys(), values, strict=True))
            number = (read.region, row[key.name])
            if table is pathways:
                found[number] = _Known(row, [], [])
            elif number in found:
                known = found[number]
                (known.clocks if table is pathway_clocks else known.events).append(row)
    return found


def _pathway(known: _Known, pack: str | None) -> Pathway:
    row, events, at = known.row, known.events, now()
    standing, rules = standing_of(row, known.clocks), pack_of(row["pack"])
    if pack is not None and pack != row["pack"]:
        rules = packs()[pack]
        history = [Event(PathwayEvent[one["kind"]], one["at"]) for one in events]
        level, began = row["started_as"], row["started_at"]
        first = begin(began) if level == "CASE" else begin_contact(level, began, rules)
        if isinstance(first, Standing):
            standing = under(first, history, rules)
    standing = expired(standing, at)
    return Pathway(
        record=f"{row['record']}:{row['id']}",  # type: ignore[arg-type]  # an ID is text
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
