"""What duty persons are told of letters by messages: that one arrived, that nobody acknowledged
it, that it was refused, that somebody of it became a case (C).

A notice is put in the transaction of what it tells of, and addressed when it is due: the roster of
that moment counts. Deliveries are sent as messages of signals are: under a lease, `handing` before
the point of no return, and where nobody knows whether one came, that is said. A text has the
letter's number, a county, an instant and fixed words: nothing of any person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from regions.areas import reference_areas
from regions.assist import assist_requests
from regions.assist_notices import OPEN, assist_notices
from regions.ids import take_ids
from regions.instants import instant, seconds_of
from regions.sealing import Sealer
from regions.transfers import store_fences
from resolvers import leased
from resolvers.alerts.addressing import Addressee
from resolvers.alerts.deliveries import NEVER, Settled
from resolvers.alerts.messages import PERSONAL
from resolvers.alerts.texts import county_name
from resolvers.assist.rows import Copy
from resolvers.assist.states import State
from resolvers.users.levels import NATIONAL, units_above
from resolvers.users.rosters import contact_of, on_duty

__all__ = [
    "ARRIVED",
    "CASE",
    "CITY",
    "PROVINCE",
    "REFUSED",
    "Notice",
    "Waiting",
    "address",
    "addressees",
    "begin_handing",
    "lease",
    "next_due",
    "notice_text",
    "put_notice",
    "settle",
    "waiting",
]

ARRIVED, CITY, PROVINCE, REFUSED, CASE = "ARRIVED", "CITY", "PROVINCE", "REFUSED", "CASE"
_WORDS: Mapping[str, str] = {
    ARRIVED: "收到协查函，请于{due}前登录系统签收",
    CITY: "协查函逾期未签收，请督促办理",
    PROVINCE: "协查函逾期未签收，请督促办理",
    REFUSED: "协查函已被退回，请登录系统处理",
    CASE: "协查对象检测阳性，请登录系统查看",
}
_UNTIL_ACKNOWLEDGED = (ARRIVED, CITY, PROVINCE)
_LATER_SECONDS = 60  # until it is looked again who is on duty
_LATE_SECONDS = 24 * 3_600  # from when on nobody is looked for any more
_CHINA = timedelta(hours=8)
_AT_ONCE = 100
_N, _L = assist_notices.c, assist_requests.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is due and not addressed; not `wanted`: nobody need be told any more."""

    id: int
    due_at: str
    units: tuple[str, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A delivery under a lease, and what it tells."""

    id: int
    number: str
    occasion: str
    channel: str
    unit_id: str
    record: int | None
    key: str
    attempts: int  # with the one under way
    due_at: str
    text: str
    code: str


def put_notice(copy: Copy, occasion: str, about: int, units: Sequence[str], at: str) -> None:
    """Puts a notice of a copy's letter for units, once for an occasion and what it is about."""
    row = {
        "request_id": copy.id,
        "occasion": occasion,
        "about": about,
        "units": orjson.dumps(list(units)).decode(),
        "channel": "",
        "unit_id": "",
        "account": "",
        "key": _key(copy.number, occasion, about, "", "", ""),
        "state": "WAITING",
        "due_at": at,
        "look_at": at,
    }
    connection = copy.connection
    there = select(_N.id).where(
        _N.request_id == copy.id, _N.occasion == occasion, _N.about == about, _N.channel == ""
    )
    if connection.execute(there).first() is None:
        row["id"] = take_ids(connection, copy.store.settings.code, 1)
        connection.execute(insert(assist_notices).values(row))


def _key(*said: object) -> str:
    """By which a receiver knows a notice again: by the letter's number and not by ids, of which a
    store that was put back gives others.
    """
    return f"assist-{sha256('|'.join(map(str, said)).encode()).hexdigest()[:32]}"


def notice_text(occasion: str, letter: Mapping[str, Any]) -> str:
    """What is told of a letter (columns of `assist_requests`)."""
    due = letter["acknowledge_due"]
    until = f"{datetime.fromisoformat(due) + _CHINA:%Y-%m-%d %H:%M}" if due else ""
    county = county_name(reference_areas(), letter["to_code"])
    return f"协查函提示-编号{letter['number']}，{county}，{_WORDS[occasion].format(due=until)}"


def next_due(connection: Connection, channels: Collection[str], at: str) -> str:
    """When the next notice of a store, or delivery by one of the channels, is to be looked at;
    NEVER where none waits.
    """
    first = select(func.min(_N.look_at)).where(OPEN, _is_mine(channels, at))
    return connection.scalar(first) or NEVER


def _is_mine(channels: Collection[str], at: str) -> ColumnElement[bool]:
    """What a gateway with some channels has to do. Deliveries by others it settles once they are
    too late: nobody may have the channel any more.
    """
    late = instant(seconds_of(at) - _LATE_SECONDS)
    return or_(_N.state == "WAITING", _N.channel.in_(sorted(channels)), _N.due_at < late)


def waiting(connection: Connection, at: str) -> list[Waiting]:
    """The notices that are due and not addressed, the oldest first."""
    asked = (
        select(_N.id, _N.due_at, _N.units, _N.occasion, _L.state)
        .join(assist_requests, _L.id == _N.request_id)
        .where(OPEN, _N.state == "WAITING", _N.look_at <= at)
        .order_by(_N.look_at, _N.id)
        .limit(_AT_ONCE)
    )
    return [
        Waiting(row.id, row.due_at, tuple(orjson.loads(row.units)), _is_wanted(row))
        for row in connection.execute(asked)
    ]


def _is_wanted(row: Any) -> bool:
    """Whether what is told of still waits for somebody."""
    return row.occasion not in _UNTIL_ACKNOWLEDGED or row.state == State.SENT.name


def addressees(
    central: Connection, sealer: Sealer, one: Waiting, at: str, channels: Collection[str]
) -> list[Addressee]:
    """Who is told by the channels there are: of each unit whoever is on duty and can be reached,
    where nobody is, of the nearest unit above; and each channel that is no person's. Read from the
    gateway's own store.
    """
    mine = [channel for channel in PERSONAL if channel in channels]

    def reached(unit: str) -> list[Addressee]:
        return [
            Addressee(channel, unit, person.account, person.record)
            for person in on_duty(central, unit, at)
            for items in [contact_of(central, sealer, person.record)]
            for channel in mine
            if items.get(PERSONAL[channel])
        ]

    found: dict[tuple[str, str], Addressee] = {}
    for unit in one.units if mine else ():
        for to in _nearest(unit, reached):
            found.setdefault((to.account, to.channel), to)
    programs = sorted(set(channels) - set(PERSONAL))
    return [*found.values(), *(Addressee(channel) for channel in programs)]


def _nearest(unit: str, reached: Callable[[str], list[Addressee]]) -> list[Addressee]:
    above = units_above(unit, "", unit.removeprefix("cdc-")) if unit != NATIONAL else ()
    return next((found for one in (unit, *above) if (found := reached(one))), [])


def address(
    connection: Connection,
    region: str,
    one: Waiting,
    to: Sequence[Addressee],
    at: str,
    *,
    wholly: bool,
) -> str:
    """Makes the deliveries of a notice; its state afterwards.

    Not `wholly`: somebody is still to be found, and looked for again in a minute, for a day.
    """
    mine = (_N.id == one.id, _N.state == "WAITING")
    row = connection.execute(select(assist_notices).where(*mine).with_for_update()).first()
    if row is None:
        return "ADDRESSED"
    values: dict[str, Any] = {"state": "ADDRESSED", "settled_at": at}
    if not one.wanted:
        values["state"] = "DROPPED"
    elif not wholly:
        values = {"look_at": instant(seconds_of(at) + _LATER_SECONDS)}
        if seconds_of(at) - seconds_of(one.due_at) > _LATE_SECONDS:
            values = {"state": "NOBODY", "settled_at": at}
    connection.execute(update(assist_notices).where(*mine).values(values))
    if one.wanted:
        _deliveries(connection, region, row, to)
    return str(values.get("state", "WAITING"))


def _deliveries(connection: Connection, region: str, row: Any, to: Sequence[Addressee]) -> None:
    number = connection.scalar(select(_L.number).where(_L.id == row.request_id))
    asked = select(_N.channel, _N.unit_id, _N.account).where(
        _N.request_id == row.request_id, _N.occasion == row.occasion, _N.about == row.about
    )
    made = {tuple(one) for one in connection.execute(asked)}
    new = [one for one in to if (one.channel, one.unit_id, one.account) not in made]
    if not new:
        return
    first = take_ids(connection, region, len(new))
    rows = [
        {
            "id": first + index,
            "request_id": row.request_id,
            "occasion": row.occasion,
            "about": row.about,
            "units": row.units,
            "channel": one.channel,
            "unit_id": one.unit_id,
            "account": one.account,
            "record": one.record,
            "key": _key(number, row.occasion, row.about, one.channel, one.unit_id, one.account),
            "state": "DUE",
            "due_at": row.due_at,
            "look_at": row.due_at,
        }
        for index, one in enumerate(new)
    ]
    connection.execute(insert(assist_notices), rows)


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
    """Takes deliveries that are due. One behind the point of no return, whose holder died, is
    doubtful unless its receiver drops repeats; one whom nobody need be told any more is dropped.
    """
    asked = (
        select(assist_notices, _L.number, _L.to_code, _L.acknowledge_due, _L.state.label("stands"))
        .join(assist_requests, _L.id == _N.request_id)
        .where(OPEN, _N.state != "WAITING", _N.look_at <= at, _is_mine(channels, at))
        .order_by(_N.look_at, _N.id)
        .limit(most)
        .with_for_update(of=assist_notices, skip_locked=True)
    )
    restored = connection.scalar(select(func.max(store_fences.c.found_at))) or ""
    taken = []
    for one in [dict(row) for row in connection.execute(asked).mappings()]:
        ended = _why_not(one, at, restored, one["channel"] in dropping)
        values: dict[str, Any] = {"state": "SENDING", "leased_by": by, "handing": 0}
        values |= {"attempts": one["attempts"] + 1, "look_at": instant(seconds_of(at) + seconds)}
        if ended is not None:
            values = {"state": ended[0], "outcome": ended[1], "leased_by": None, "settled_at": at}
        as_seen = (_N.id == one["id"], _N.state == one["state"], _N.look_at == one["look_at"])
        done = connection.execute(update(assist_notices).where(*as_seen).values(values))
        if ended is None and done.rowcount:
            taken.append(
                Notice(
                    one["id"],
                    one["number"],
                    one["occasion"],
                    one["channel"],
                    one["unit_id"],
                    one["record"],
                    one["key"],
                    one["attempts"] + 1,
                    one["due_at"],
                    notice_text(one["occasion"], one),
                    one["to_code"],
                )
            )
    return taken


def _why_not(
    one: Mapping[str, Any], at: str, restored: str, repeats: bool
) -> tuple[str, str] | None:
    """The state and word of a delivery that is not tried any more."""
    if not repeats and one["state"] == "SENDING" and one["handing"]:
        return "DOUBTFUL", "INTERRUPTED"
    if not repeats and one["due_at"] <= restored:
        return "DOUBTFUL", "RESTORED"
    if one["occasion"] in _UNTIL_ACKNOWLEDGED and one["stands"] != State.SENT.name:
        return "DROPPED", "ACKNOWLEDGED"
    if seconds_of(at) - seconds_of(one["due_at"]) > _LATE_SECONDS:
        return "FAILED", one["outcome"] or "LATE"
    return None


def begin_handing(connection: Connection, notice: Notice, by: str, at: str) -> bool:
    """Notes the point of no return; False where the lease has ended."""
    return leased.begin_handing(connection, assist_notices, notice, by, at)


def settle(connection: Connection, notice: Notice, by: str, settled: Settled, at: str) -> None:
    """Writes what came of an attempt. That it was accepted holds whoever has it by now."""
    leased.settle(connection, assist_notices, notice, by, settled, at)
