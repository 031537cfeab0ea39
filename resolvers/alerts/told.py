"""`signalMessages`: who was told of a signal, when, and what came of it; numbers are masked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from regions.errors import RegionUnavailable
from regions.ids import region_of
from regions.sealing import Sealer
from regions.signal_messages import signal_deliveries, signal_messages
from resolvers.alerts.messages import PERSONAL, level_of
from resolvers.context import Context
from resolvers.nodes import parse_id
from resolvers.rights import require
from resolvers.users import Viewer
from resolvers.users.levels import cdc_of
from resolvers.users.listing import sees_contact
from resolvers.users.rosters import contact_of
from resolvers.writing.failures import WriteFailed
from schema.alerts_messages import (
    DeliveryState,
    MessageChannel,
    MessageOccasion,
    MessageState,
    SignalDelivery,
    SignalMessage,
)
from schema.privacy import MASK

__all__ = ["messages_of"]


async def messages_of(context: Context, signal: str, path: str) -> list[SignalMessage] | None:
    """The messages of a signal, the first put first; None where there is no such signal that the
    viewer may see. Raises Forbidden, RegionUnavailable, StoreError.
    """
    viewer = context.signed_in()
    require(viewer, "signalMessages")
    record, number = parse_id(signal)
    if record is None or record.name != "Signal":
        return None
    found = (await context.records.of_ids("Signal", [number], path)).get(number)
    if found is None:
        return None
    context.question.trail.saw(record.kind, [number])
    store = context.stores.of_region(region_of(number))
    if store is None:
        return None
    try:
        messages, deliveries = await store.look(lambda connection: _rows(connection, number))
    except WriteFailed as failed:
        raise RegionUnavailable(
            f"region {store.settings.code} gave no answer",
            region=store.settings.code,
            state=failed.state,
        ) from None
    if not found.code.startswith(viewer.prefix):  # of a cluster elsewhere: those of its own units
        mine = cdc_of(viewer.prefix)
        deliveries = [row for row in deliveries if row.unit_id.startswith(mine)]
    sealer = context.central.sealer

    def shown(central: Connection) -> list[SignalDelivery]:
        return [_delivery(central, sealer, viewer, row) for row in deliveries]

    told = await context.central.do(shown)
    of_message: dict[int, list[SignalDelivery]] = {}
    for row, one in zip(deliveries, told, strict=True):
        of_message.setdefault(row.message_id, []).append(one)
    return [_message(row, of_message.get(row.id, [])) for row in messages]


def _rows(connection: Connection, number: int) -> tuple[list[Row[Any]], list[Row[Any]]]:
    found = []
    for table in (signal_messages, signal_deliveries):
        query = select(table).where(table.c.signal_id == number).order_by(table.c.id)
        found.append(list(connection.execute(query)))
    return found[0], found[1]


def _message(row: Row[Any], deliveries: list[SignalDelivery]) -> SignalMessage:
    level = level_of(row.occasion)
    return SignalMessage(
        occasion=MessageOccasion[row.occasion if level is None else "LEVEL"],
        level=level,
        due_at=row.due_at,
        state=MessageState[row.state],
        text=row.text,
        addressed_at=row.addressed_at,
        deliveries=deliveries,
    )


def _delivery(central: Connection, sealer: Sealer, viewer: Viewer, row: Row[Any]) -> SignalDelivery:
    to = None
    if row.record is not None:
        to = MASK
        if sees_contact(viewer, row.account, row.unit_id):
            to = contact_of(central, sealer, row.record).get(PERSONAL[row.channel])
    return SignalDelivery(
        channel=MessageChannel[row.channel],
        unit_id=row.unit_id or None,
        account=row.account or None,
        to=to,  # type: ignore[arg-type]  # scalars are text
        state=DeliveryState[row.state],
        attempts=row.attempts,
        outcome=row.outcome,
        reference=row.reference,
        next_at=row.look_at if row.state == "DUE" else None,
        settled_at=row.settled_at,
    )
