"""Telling the two supervisors of an emergency access by messages, and reminding them (F11).

Notices are put in the transaction of the emergency, one for each supervisor and channel for which
the account has a number or address, and one for each channel that is no person's. They are sent as
messages of signals are: under a lease, `handing` before the point of no return, and where nobody
knows whether one came, that is said. A text has nothing of the person who is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from regions.instants import instant, seconds_of
from regions.privacy import emergencies, emergency_notices, grants
from regions.sealing import Sealer
from regions.users import accounts
from resolvers import leased
from resolvers.alerts.deliveries import NEVER, Settled
from resolvers.alerts.messages import PERSONAL
from resolvers.users.accounts import next_id

__all__ = [
    "Notice",
    "begin_handing",
    "contact_of",
    "lease",
    "next_due",
    "notice_text",
    "put_notices",
    "settle",
]

TAKEN, REMINDER = "TAKEN", "REMINDER"
_REMIND_HOURS = 4.0  # before the review is due, or at half of the time where that is less
_CHINA = timedelta(hours=8)
_N = emergency_notices.c


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice under a lease, and what it tells."""

    id: int
    emergency_id: int
    occasion: str
    channel: str
    account: str
    key: str
    attempts: int  # with the one under way
    due_at: str
    text: str
    code: str
    unit_id: str


def put_notices(
    connection: Connection,
    sealer: Sealer,
    emergency: int,
    supervisors: Sequence[str],
    channels: Collection[str],
    at: str,
    review_due_at: str,
) -> None:
    """Puts what is to be told now, and the reminder, which is dropped once there is a review."""
    whom = [(name, "") for name in sorted(set(channels) - PERSONAL.keys())]
    for account in supervisors:
        contact = contact_of(connection, sealer, account)
        whom += [
            (name, account)
            for name, item in PERSONAL.items()
            if name in channels and contact.get(item)
        ]
    ends = seconds_of(review_due_at)
    before = min(_REMIND_HOURS * 3_600, (ends - seconds_of(at)) / 2)
    number = next_id(connection, emergency_notices)
    for occasion, due in ((TAKEN, at), (REMINDER, instant(ends - before))):
        for channel, account in whom:
            said = f"{emergency} {occasion} {channel} {account}"
            connection.execute(
                insert(emergency_notices).values(
                    id=number,
                    emergency_id=emergency,
                    occasion=occasion,
                    channel=channel,
                    account=account,
                    key=f"emergency-{sha256(said.encode()).hexdigest()[:32]}",
                    state="DUE",
                    due_at=due,
                    look_at=due,
                )
            )
            number += 1


def contact_of(connection: Connection, sealer: Sealer, account: str) -> Mapping[str, Any]:
    """The holder's items as the account has them now."""
    row = connection.execute(
        select(accounts.c.id, accounts.c.sealed).where(accounts.c.account == account)
    ).first()
    if row is None or row.sealed is None:
        return {}
    return sealer.open("accounts", row.id, row.sealed)


def notice_text(occasion: str, emergency: Any, unit: str, ends_at: str) -> str:
    """What is told: who asked, of which unit, when, until when, and where it is reviewed."""
    who = f"{unit} {emergency.name}（{emergency.account}）"
    due = _local(emergency.review_due_at)
    if occasion == REMINDER:
        return (
            f"紧急访问复核提醒-编号{emergency.id}，{who}的紧急访问尚未复核，"
            f"{due}前未复核的账号将被暂停，请登录系统复核"
        )
    return (
        f"紧急访问提示-编号{emergency.id}，{who}于{_local(emergency.created_at)}启用紧急访问，"
        f"至{_local(ends_at)}止，请于{due}前登录系统复核"
    )


def _local(at: str) -> str:
    return f"{datetime.fromisoformat(at) + _CHINA:%Y-%m-%d %H:%M}"


def next_due(connection: Connection, channels: Collection[str]) -> str:
    """When the next notice by one of the channels is to be looked at; NEVER where none waits."""
    found = connection.scalar(select(func.min(_N.look_at)).where(*_open(channels)))
    return found or NEVER


def lease(
    connection: Connection,
    by: str,
    at: str,
    *,
    seconds: float,
    most: int,
    dropping: Collection[str],
    channels: Collection[str],
) -> list[Notice]:
    """Takes notices that are due. One behind the point of no return, whose holder died, is doubtful
    unless its receiver drops repeats; one whose emergency was reviewed or ended is dropped.
    """
    asked = (
        select(emergency_notices)
        .where(*_open(channels), _N.look_at <= at)
        .order_by(_N.look_at, _N.id)
        .limit(most)
    )
    found = []
    for one in [dict(row) for row in connection.execute(asked).mappings()]:
        emergency, unit, ends_at = _emergency(connection, one["emergency_id"])
        ended = _why_not(one, emergency, at, dropping)
        values: dict[str, Any] = {"state": "SENDING", "leased_by": by, "handing": 0}
        values |= {"attempts": one["attempts"] + 1, "look_at": instant(seconds_of(at) + seconds)}
        if ended is not None:
            values = {"state": ended[0], "outcome": ended[1], "leased_by": None, "settled_at": at}
        connection.execute(update(emergency_notices).where(_N.id == one["id"]).values(values))
        if ended is None:
            text = notice_text(one["occasion"], emergency, unit, ends_at)
            found.append(
                Notice(
                    one["id"],
                    emergency.id,
                    one["occasion"],
                    one["channel"],
                    one["account"],
                    one["key"],
                    one["attempts"] + 1,
                    one["due_at"],
                    text,
                    emergency.unit_code,
                    emergency.unit_id,
                )
            )
    return found


def begin_handing(connection: Connection, notice: Notice, by: str, at: str) -> bool:
    """Notes the point of no return; False where the lease has ended."""
    return leased.begin_handing(connection, emergency_notices, notice, by, at)


def settle(connection: Connection, notice: Notice, by: str, settled: Settled, at: str) -> None:
    """Writes what came of an attempt. That it was accepted holds whoever has it by now."""
    leased.settle(connection, emergency_notices, notice, by, settled, at)


def _emergency(connection: Connection, number: int) -> tuple[Any, str, str]:
    """The emergency, the name of the unit, and when its right ends."""
    row = connection.execute(select(emergencies).where(emergencies.c.id == number)).one()
    unit = connection.scalar(select(accounts.c.unit_name).where(accounts.c.account == row.account))
    ends = connection.scalar(select(grants.c.ends_at).where(grants.c.id == row.grant_id))
    return row, str(unit), str(ends)


def _open(channels: Collection[str]) -> tuple[Any, ...]:
    return or_(_N.state == "DUE", _N.state == "SENDING"), _N.channel.in_(sorted(channels))


def _why_not(
    one: Mapping[str, Any], emergency: Any, at: str, dropping: Collection[str]
) -> tuple[str, str] | None:
    """The state and word of a notice that is not sent any more."""
    if one["state"] == "SENDING" and one["handing"] and one["channel"] not in dropping:
        return "DOUBTFUL", "INTERRUPTED"
    if one["occasion"] == REMINDER and (emergency.reviewed_at or emergency.suspended_at):
        return "DROPPED", "REVIEWED"
    if at >= emergency.review_due_at:
        return "FAILED", one["outcome"] or "LATE"
    return None
