"""Reading alarms: of the viewer's own level and below, the newest first (G4, G6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from regions.alarms import alarms
from regions.sealing import Sealer
from regions.text import under
from resolvers.context import Context
from resolvers.filters import code_prefix, in_texts, plain
from resolvers.questions.plans import page_size
from resolvers.rights import require
from resolvers.users import Viewer
from schema.alarms import Alarm, AlarmConnection, AlarmEdge, AlarmFilter, AlarmFinding, AlarmRule
from schema.nodes import PageInfo

__all__ = ["alarm_of", "list_alarms", "visible", "within"]

_BOUND_TO = b"Alarm|id"


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """The alarms of accounts of the viewer's code and all below, and those of no account."""
    if not viewer.prefix:
        return true()
    return or_(alarms.c.code.is_(None), under(alarms.c.code, viewer.prefix))


def within(viewer: Viewer, code: str | None, prefixes: Sequence[str] = ("",)) -> bool:
    """The same of one alarm, by the code of its account; `prefixes`: what was asked for."""
    if code is None:
        return "" in prefixes
    return code.startswith(viewer.prefix) and any(code.startswith(one) for one in prefixes)


async def list_alarms(
    context: Context, wanted: AlarmFilter | None, first: int | None, after: str | None
) -> AlarmConnection:
    """A page of alarms. Raises Forbidden, InvalidCursor, TooLarge."""
    viewer = context.signed_in()
    require(viewer, "alarms")
    answering, central = context.answering, context.central
    size = page_size(answering, first)
    matches = and_(visible(viewer), _condition(plain(wanted) if wanted else {}))
    place = matches
    if after is not None:
        place &= alarms.c.id < answering.cursors.open(after, _BOUND_TO, 1)[0]

    def read(connection: Connection) -> tuple[list[Any], int]:
        page = select(alarms).where(place).order_by(alarms.c.id.desc()).limit(size + 1)
        total = select(func.count()).select_from(alarms).where(matches)
        return list(connection.execute(page)), connection.execute(total).scalar_one()

    rows, total = await central.do(read)
    context.question.trail.saw("alarm", [row.id for row in rows[:size]])
    edges = [
        AlarmEdge(
            cursor=answering.cursors.seal([row.id], _BOUND_TO), node=alarm_of(row, central.sealer)
        )
        for row in rows[:size]
    ]
    return AlarmConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > size,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=total,
    )


def alarm_of(row: Any, sealer: Sealer) -> Alarm:
    """A row as its type. Raises EnvelopeError."""
    about, _, whom = row.subject.partition(":")
    opened = sealer.open("alarms", row.id, row.sealed) if row.sealed is not None else {}
    note = opened.get("note")
    return Alarm(
        id=f"alarm:{row.id}",  # type: ignore[arg-type]  # scalars are text
        rule=AlarmRule[row.rule],
        account=row.account,
        address=whom if about == "address" else None,
        region=whom if about == "region" else None,
        unit_id=row.unit_id,
        code=row.code,
        window=row.window,
        raised_at=row.raised_at,
        first_entry=row.first_entry,
        last_entry=row.last_entry,
        found=row.found,
        threshold=row.threshold,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        finding=AlarmFinding[row.finding] if row.finding else None,
        note=None if note is None else str(note),
    )


def _condition(wanted: dict[str, Any]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = true()
    if "rule" in wanted:
        found &= in_texts(alarms.c.rule, wanted["rule"])
    if "account" in wanted:
        found &= alarms.c.account == wanted["account"]
    if "code" in wanted:
        prefixes = [code_prefix(code) for code in wanted["code"]]
        found &= or_(*(_below(prefix) for prefix in prefixes)) if prefixes else ~true()
    if "acknowledged" in wanted:
        known = alarms.c.acknowledged_at.is_not(None)
        found &= known if wanted["acknowledged"] else ~known
    return found


def _below(prefix: str) -> ColumnElement[bool]:
    return under(alarms.c.code, prefix) if prefix else alarms.c.code.is_not(None)
