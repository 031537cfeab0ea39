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
from regions.people import people
from regions.reading import Read
from regions.statements import Statement, text_value
from regions.text import among
from resolvers.context import Context
from resolvers.federation import state_of
from resolvers.nodes import parse_id
from resolvers.pathway.caveats import caveats_of, rule_pack_type
from resolvers.pathway.engine import expired, started, under
from resolvers.pathway.packs import packs
from resolvers.pathway.projecting import ends_on, release_on
from resolvers.pathway.states import Event, Standing
from resolvers.pathway.storing import pack_of, standing_of
from resolvers.questions.question import Question
from resolvers.questions.rows import living, scope_condition
from resolvers.transfers.reading import rows_in
from schema.pathway import Pathway, PathwayClock, PathwayEvent, PathwayState, PathwayStep

__all__ = ["Written", "pathways_of", "read_pathway", "written_pathways"]

_KEYS = "keys"
_MOST_HOPS = 16
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
        found = await written_pathways(question, wanted, path, opens)
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
    question, path = context.question, of[0]._path
    table = of[0]._shapes.record.table
    moved = await _moved(question, table, wanted, path)
    found = await written_pathways(question, _regrouped(wanted, moved), path)
    at = [(moved.get(place, place[0]), place[1]) for place in places]
    return [_pathway(found[place], None) if place in found else None for place in at]


async def _moved(
    question: Question, table: Any, wanted: Mapping[int, list[int]], path: str
) -> dict[tuple[int, int], int]:
    """Of records whose persons were handed over, by region and number: the region where they are
    now, and their pathways with them.
    """
    index_of = question.federation.index_of
    found: dict[tuple[int, int], int] = {}
    asking = {region: dict.fromkeys(ids, region) for region, ids in wanted.items()}
    for _ in range(_MOST_HOPS):
        reads = []
        for region, numbers in asking.items():
            asked = (
                select(table.c.id, people.c.kept_in)
                .join(people, people.c.id == table.c.person_id)
                .where(among(table.c.id, text_value(_KEYS)), people.c.kept_in.is_not(None))
            )
            statement = Statement(asked, question.federation.dialects[region])
            keys = {_KEYS: orjson.dumps(list(numbers)).decode()}
            reads.append(Read(region, statement.sql, statement.bind(keys)))
        further: dict[int, dict[int, int]] = {}
        for region, (number, kept_in) in await rows_in(question, reads, path):
            peer = index_of.get(kept_in)
            if peer is not None and peer != region:
                home = asking[region][number]
                found[(home, number)] = peer
                further.setdefault(peer, {})[number] = home
        asking = further
        if not asking:
            break
    return found


def _regrouped(
    wanted: Mapping[int, list[int]], moved: Mapping[tuple[int, int], int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for region, numbers in wanted.items():
        for number in numbers:
            found.setdefault(moved.get((region, number), region), []).append(number)
    return found


@dataclass(slots=True)
class Written:
    """The rows of a pathway."""

    row: Mapping[str, Any]
    clocks: list[Mapping[str, Any]]
    events: list[Mapping[str, Any]]


async def written_pathways(
    question: Question,
    wanted: Mapping[int, list[int]],
    path: str,
    opens: Callable[[int], list[ColumnElement[bool]]] | None = None,
) -> dict[tuple[int, int], Written]:
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
    found: dict[tuple[int, int], Written] = {}
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
                found[number] = Written(row, [], [])
            elif number in found:
                known = found[number]
                (known.clocks if table is pathway_clocks else known.events).append(row)
    return found


def _pathway(known: Written, pack: str | None) -> Pathway:
    row, events, at = known.row, known.events, now()
    standing, rules = standing_of(row, known.clocks), pack_of(row["pack"])
    if pack is not None and pack != row["pack"]:
        rules = packs()[pack]
        history = [Event(PathwayEvent[one["kind"]], one["at"]) for one in events]
        first = started(row["started_as"], row["started_at"], rules)
        if isinstance(first, Standing):
            standing = under(first, history, rules)
    standing = expired(standing, at)
    release, end = release_on(standing, rules, at), ends_on(standing, rules, at)
    return Pathway(
        record=f"{row['record']}:{row['id']}",  # type: ignore[arg-type]  # an ID is text
        pack=rule_pack_type(rules),
        caveats=caveats_of(rules, standing.level),
        state=standing.state,
        entered_at=standing.entered_at,  # type: ignore[arg-type]  # scalars are text
        day=standing.day(at),
        day_one=standing.day_one,  # type: ignore[arg-type]  # scalars are text
        released_at=standing.released_at,  # type: ignore[arg-type]  # scalars are text
        release_on=release.isoformat() if release else None,  # type: ignore[arg-type]  # scalars are text
        ends_on=end.isoformat() if end else None,  # type: ignore[arg-type]  # scalars are text
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
