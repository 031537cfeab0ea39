"""Applications for rules as they are stored and shown: `ruleChanges`, and one after a mutation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from regions.alerts import detection_rules
from regions.alerts_changes import rule_change_events, rule_changes
from regions.sealing import Sealer
from regions.text import under
from resolvers.alerts.change_checks import Wanted
from resolvers.alerts.rules import rules_from
from resolvers.alerts.showing import parameters_of, rule_told
from resolvers.context import Context
from resolvers.filters import code_prefix
from resolvers.privacy.rows import global_id, number_of, read_slice, under_jurisdiction
from resolvers.questions.ordinary import disease_of
from resolvers.reference import Reference
from resolvers.rights import require
from resolvers.users import Viewer
from schema.alerts import DetectionMethod
from schema.alerts_changes import (
    RuleChange,
    RuleChangeConnection,
    RuleChangeEdge,
    RuleChangeEvent,
    RuleChangeFilter,
    RuleChangeKind,
    RuleChangePayload,
    RuleChangeState,
    RuleChangeStep,
)

__all__ = ["KIND", "find_change", "list_changes", "payload", "rule_id", "wanted_of"]

KIND = "ruleChange"

_CHANGE = rule_changes.c


def rule_id(number: int) -> str:
    """The id of the rule that comes of an application."""
    return f"change-{number}"


def wanted_of(row: Row[Any]) -> Wanted:
    """The rule an application is for."""
    return Wanted(
        kind=RuleChangeKind[row.kind],
        prefix=row.prefix,
        disease=row.disease,
        method=DetectionMethod[row.method],
        parameters=orjson.loads(row.parameters),
        effective_from=row.effective_from,
        effective_to=row.effective_to,
    )


def find_change(connection: Connection, viewer: Viewer, given: str | int) -> Row[Any] | None:
    """The application of an id or number, None where there is none that the viewer may know of."""
    number = number_of(KIND, given) if isinstance(given, str) else given
    if number is None:
        return None
    asked = select(rule_changes).where(_CHANGE.id == number, _visible(viewer))
    return connection.execute(asked).first()


async def list_changes(
    context: Context, wanted: RuleChangeFilter | None, first: int | None, after: str | None
) -> RuleChangeConnection:
    """Applications the viewer may know of: for the viewer's code and all below, and those of the
    own unit. Raises Forbidden, InvalidCursor, InvalidInput, TooLarge, StoreError.
    """
    viewer = context.signed_in()
    require(viewer, "ruleChanges")
    read = read_slice(context, rule_changes, KIND, first, after)
    where = and_(_visible(viewer), *_chosen(wanted))

    def work(connection: Connection) -> RuleChangeConnection:
        found = read(connection, where)
        nodes = _types(context, connection, found.rows)
        return RuleChangeConnection(
            edges=[
                RuleChangeEdge(cursor=cursor, node=node)
                for cursor, node in zip(found.cursors, nodes, strict=True)
            ],
            page_info=found.info,
            total_count=found.total,
        )

    return await context.central.do(work)


async def payload(context: Context, number: int, repeated: bool) -> RuleChangePayload:
    """An application as it stands after a mutation."""

    def read(connection: Connection) -> RuleChange:
        row = connection.execute(select(rule_changes).where(_CHANGE.id == number)).one()
        return _types(context, connection, [row])[0]

    return RuleChangePayload(change=await context.central.do(read), repeated=repeated)


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    return or_(_CHANGE.unit_id == viewer.unit_id, under_jurisdiction(_CHANGE.code, viewer))


def _chosen(wanted: RuleChangeFilter | None) -> list[ColumnElement[bool]]:
    if wanted is None:
        return []
    chosen: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        chosen.append(_CHANGE.state.in_([one.name for one in wanted.state]))
    if wanted.kind is not None:
        chosen.append(_CHANGE.kind.in_([one.name for one in wanted.kind]))
    if wanted.disease is not None:
        chosen.append(_CHANGE.disease.in_(wanted.disease))
    if wanted.code is not None and (prefix := code_prefix(wanted.code)):
        chosen.append(under(_CHANGE.code, prefix))
    return chosen


def _types(context: Context, connection: Connection, rows: Sequence[Row[Any]]) -> list[RuleChange]:
    ids = [row.id for row in rows]
    made = detection_rules.c.id.in_([rule_id(one) for one in ids])
    found = connection.execute(select(detection_rules).where(made)).mappings()
    rules = {rule.id: rule for rule in rules_from(found)}
    trails: dict[int, list[RuleChangeEvent]] = {one: [] for one in ids}
    for row in connection.execute(
        select(rule_change_events)
        .where(rule_change_events.c.change_id.in_(ids))
        .order_by(rule_change_events.c.id)
    ):
        trails[row.change_id].append(_event(row))
    reference, sealer = context.answering.reference, context.central.sealer
    return [
        _type(reference, row, _words(sealer, row), rules.get(rule_id(row.id)), trails[row.id])
        for row in rows
    ]


def _words(sealer: Sealer, row: Row[Any]) -> Mapping[str, Any]:
    return sealer.open(rule_changes.name, row.id, row.sealed)


def _event(row: Row[Any]) -> RuleChangeEvent:
    return RuleChangeEvent(
        at=row.at,
        actor=row.actor,
        unit_id=row.unit_id,
        event=RuleChangeStep[row.event],
        from_state=None if row.from_state is None else RuleChangeState[row.from_state],
        to_state=RuleChangeState[row.to_state],
    )


def _type(
    reference: Reference,
    row: Row[Any],
    words: Mapping[str, Any],
    rule: Any,
    trail: list[RuleChangeEvent],
) -> RuleChange:
    return RuleChange(
        id=global_id(KIND, row.id),  # type: ignore[arg-type]  # scalars are text
        kind=RuleChangeKind[row.kind],
        state=RuleChangeState[row.state],
        code=row.code,
        disease=disease_of(reference, row.disease),
        method=DetectionMethod[row.method],
        parameters=parameters_of(orjson.loads(row.parameters)),
        reason=words["reason"],
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        applied_by=row.applied_by,
        unit_id=row.unit_id,
        decided_by_unit=row.decided_by_unit,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        answer=words.get("answer"),
        rule=None if rule is None else rule_told(rule, reference),
        trail=trail,
        created_at=row.created_at,
    )
