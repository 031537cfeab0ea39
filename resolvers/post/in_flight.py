"""`transfersInFlight`: what is on its way for too long, why, and what may safely be done (D)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, exists, func, literal_column, or_, select

from regions.errors import InvalidInput
from regions.instants import instant, now
from regions.post import post_outbox
from regions.reading import Read
from regions.statements import Statement, number, text_value
from regions.transfers import transfer_people, transfers
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.questions.plans import page_size
from resolvers.transfers.reading import VIEWER_UNIT, visible
from schema.post import InFlightAction, InFlightReason, TransferInFlight, TransfersInFlight
from schema.transfers import TransferSide, TransferState

__all__ = ["list_in_flight"]

_LONGEST = 10_080  # minutes


async def list_in_flight(
    context: Context, older_than: int | None, first: int | None, path: str
) -> TransfersInFlight:
    """Transfers the viewer may see of which something has waited for that many minutes, the oldest
    first; the configuration says how many unless given. Raises InvalidInput, TooLarge.
    """
    question, answering = context.opens_records(), context.answering
    federation = question.federation
    size = page_size(answering, first)
    minutes = answering.late_minutes if older_than is None else older_than
    if not 0 <= minutes <= _LONGEST:
        raise InvalidInput(f"from 0 to {_LONGEST:,} minutes", argument="olderThanMinutes")
    values = {
        VIEWER_UNIT: question.viewer.unit_id,
        "before": instant(time.time() - 60 * minutes),
        "row_limit": size + 1,
    }
    reads = []
    for region in federation.concerned([question.scope.prefix]):
        statement = Statement(
            _late().where(*visible(question, region)), federation.dialects[region]
        )
        reads.append(Read(region, statement.sql, statement.bind(values)))
    report, as_of = Report(len(federation.regions)), now()
    found: list[tuple[Sequence[Any], int]] = []
    for read, answer in zip(reads, await question.ask(reads), strict=True):
        report.add(read.region, answer, as_of)
        if answer.failure is None:
            found += [(row, read.region) for row in answer.rows]
    question.note_regions(report, path)
    found.sort(key=lambda one: (one[0][_SINCE], one[0][0], one[0][1]))
    page = found[:size]
    question.spend(len(page))
    question.hold(len(page))
    for _, region in page:
        outcome = report.at(region)
        outcome.records = (outcome.records or 0) + 1
    question.trail.saw("transfer", list(dict.fromkeys(row[0] for row, _ in page)))
    return TransfersInFlight(
        transfers=[_in_flight(row) for row, _ in page],
        more=len(found) > size,
        regions=region_answers(question, report),
    )


_SINCE, _TOPIC = 7, 8


def _late() -> Any:
    """Transfers of which a message waits, or somebody is neither with the one nor the other."""
    o = post_outbox.c
    waits = and_(o.subject == transfers.c.id, o.answered_at.is_(None))
    since = func.coalesce(o.created_at, transfers.c.updated_at)
    return (
        select(
            transfers.c.id,
            transfers.c.side,
            transfers.c.state,
            transfers.c.from_region,
            transfers.c.to_region,
            transfers.c.from_unit,
            transfers.c.to_unit,
            since.label("since"),
            o.topic,
            o.attempts,
            o.last_error,
            case((_with("OFFERED"), 1), else_=0).label("offered"),
        )
        .outerjoin(post_outbox, waits)
        .where(since <= text_value("before"), or_(o.id.is_not(None), _with("OFFERED", "ACCEPTED")))
        .order_by(since, transfers.c.id, transfers.c.side)
        .limit(number("row_limit"))
    )


def _with(*outcomes: str) -> Any:
    """Whether anybody of the transfer has one of these outcomes."""
    part = and_(
        transfer_people.c.transfer_id == transfers.c.id,
        transfer_people.c.side == transfers.c.side,
        or_(*(transfer_people.c.outcome == one for one in outcomes)),
    )
    return exists(select(literal_column("1")).where(part).correlate(transfers))


def _in_flight(row: Sequence[Any]) -> TransferInFlight:
    error = row[10].partition(" ")[0] if row[10] else None
    side, offered = TransferSide[row[1]], bool(row[11])
    reason = _reason(row[_TOPIC], error, offered)
    return TransferInFlight(
        transfer_id=row[0],
        side=side,
        state=TransferState[row[2]],
        from_region=row[3],
        to_region=row[4],
        from_unit=row[5],
        to_unit=row[6],
        since=row[_SINCE],
        reason=reason,
        topic=row[_TOPIC],
        attempts=row[9] or 0,
        error=error,
        actions=_actions(reason, side, offered),
    )


def _reason(topic: str | None, error: str | None, offered: bool) -> InFlightReason:
    if topic is None:
        return InFlightReason.UNDECIDED if offered else InFlightReason.PEER_SILENT
    if error is None:
        return InFlightReason.NOT_YET_SENT
    known = {
        "REGION_UNAVAILABLE": InFlightReason.REGION_UNAVAILABLE,
        "POST_CONFLICT": InFlightReason.MESSAGE_CONFLICT,
    }
    return known.get(error, InFlightReason.MESSAGE_FAILED)


def _actions(reason: InFlightReason, side: TransferSide, offered: bool) -> list[InFlightAction]:
    """What can do no harm: delivering again never does, taking back only before acceptance."""
    found = [InFlightAction.WAIT]
    if reason not in (InFlightReason.UNDECIDED, InFlightReason.PEER_SILENT):
        found.append(InFlightAction.RESEND)
    elif offered and side is TransferSide.RECEIVED:
        found.append(InFlightAction.DECIDE)
    if offered and side is TransferSide.SENT:
        found.append(InFlightAction.CANCEL)
    return found
