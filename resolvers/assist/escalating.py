"""The duty that tells the levels above of letters nobody acknowledged in time, once each (C)."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from regions.assist import assist_requests
from regions.instants import now
from resolvers.assist.clocks import AssistLimits, after_hours, escalation
from resolvers.assist.news import put_news
from resolvers.assist.notices import CITY, PROVINCE, put_notice
from resolvers.assist.routing import levels_above
from resolvers.assist.rows import RECEIVED, Copy, Who
from resolvers.assist.states import State
from resolvers.post.pump import Pump
from resolvers.writing.failures import WriteFailed
from resolvers.writing.stores import Store, Stores

__all__ = ["ESCALATE_SECONDS", "escalate", "told_units"]

ESCALATE_SECONDS = 30.0

_AT_ONCE = 200
_C = assist_requests.c
_log = logging.getLogger(__name__)


async def escalate(stores: Stores, post: Pump, limits: AssistLimits) -> None:
    """Escalates the letters of all regions. Those of a region that does not answer are escalated
    when it is back. Raises StoreError where a store refuses a row.
    """
    for store in stores.regions:
        try:
            while await _some(store, limits) == _AT_ONCE:
                pass
        except WriteFailed as failed:
            _log.debug("what is escalated in %s waits: %s", store.settings.code, failed.reason)
    post.wake()


async def _some(store: Store, limits: AssistLimits) -> int:
    def work(connection: Connection, _: int) -> int:
        return sweep(connection, store, now(), limits)

    def look(connection: Connection) -> bool:
        found = select(_C.id).where(*_waiting(now(), limits)).limit(1)
        return connection.execute(found).first() is not None

    return await store.write(0, work) if await store.read(look) else 0


def sweep(connection: Connection, store: Store, at: str, limits: AssistLimits) -> int:
    """Escalates some letters of a store; how many."""
    asked = select(_C.id).where(*_waiting(at, limits)).order_by(_C.acknowledge_due, _C.id)
    numbers = list(connection.execute(asked.limit(_AT_ONCE)).scalars())
    for number in numbers:
        copy = Copy.of_id(connection, store, number)
        level = escalation(copy.row, at, limits)
        if level is None or level == copy.row["escalated_to"]:
            continue
        who = Who(None, None, at, "")
        copy.row["escalated_to"] = level
        copy.row["revision"] += 1
        units = told_units(copy.row["to_code"], level)
        copy.note("ESCALATE", "NOTED", who, detail={"to": level, "units": units})
        copy.save(at)
        occasion = PROVINCE if level == "PROVINCE" else CITY
        put_notice(copy, occasion, copy.row["version"], units[-1:], at)
        put_news(copy, who)
    return len(numbers)


def told_units(code: str, level: str) -> list[str]:
    """The units whose duty persons are told at a level: the city's, later the province's, too."""
    above = [f"cdc-{one}" for one in levels_above(code)]
    return above[:1] if level == "CITY" else above


def _waiting(at: str, limits: AssistLimits) -> list[ColumnElement[bool]]:
    """The letters that nobody acknowledged in time and of which the next level has not heard."""
    late = _C.acknowledge_due <= at
    very_late = _C.acknowledge_due <= after_hours(at, -limits.escalate_hours)
    next_level: Any = or_(
        and_(_C.escalated_to.is_(None), late),
        and_(_C.escalated_to == "CITY", very_late),
    )
    return [_C.side == RECEIVED, _C.state == State.SENT.name, next_level]
