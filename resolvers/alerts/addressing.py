"""Who is told of a signal when its message is due: looked up in the roster of that moment.

The duty persons of the county's own CDC; where nobody there is on duty, those of the nearest CDC
above. Of a single case also those of the CDCs above that set the disease (E3). Of a cluster those
of every county in it. Numbers do not leave the gateway's own store: a delivery names the row that
has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson
from sqlalchemy import Connection, insert, select, update

from regions.alerts import signals
from regions.areas import Areas, reference_areas
from regions.ids import take_ids
from regions.instants import instant, seconds_of
from regions.reference import diseases
from regions.sealing import Sealer
from regions.signal_messages import WAITING, signal_deliveries, signal_messages
from resolvers.alerts.messages import FIRST, MessageLimits, level_of
from resolvers.alerts.states import ANSWERED, State
from resolvers.alerts.texts import county_name, message_text
from resolvers.users.levels import NATIONAL, cdc_of, units_above
from resolvers.users.rosters import OnDuty, contact_of, on_duty, units_watching

__all__ = ["PERSONAL", "Addressee", "Due", "address", "addressees", "due_messages", "put_off"]

PERSONAL = ("SMS", "EMAIL")
"""Channels to a person; the others are told once of each message."""

_AT_ONCE = 100
_LATER_SECONDS = 60  # until it is looked again who is on duty
_MOST_MEMBERS = 200  # counties of a cluster that are told
_M, _S = signal_messages.c, signals.c


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is due, and what it is about."""

    id: int
    signal_id: int
    occasion: str
    due_at: str
    number: str
    kind: str
    code: str
    disease: str
    day: str
    members: tuple[str, ...]
    concerned: bool  # whether the signal still wants it told


@dataclass(frozen=True, slots=True)
class Addressee:
    """By which channel, and who: unit, account and the row with the number, or nobody's."""

    channel: str
    unit_id: str = ""
    account: str = ""
    record: int | None = None


def due_messages(connection: Connection, at: str) -> list[Due]:
    """The messages of a store that are due and not addressed, the oldest first."""
    rows = connection.execute(
        select(
            _M.id,
            _M.signal_id,
            _M.occasion,
            _M.due_at,
            _S.number,
            _S.kind,
            _S.code,
            _S.disease,
            _S.day,
            _S.members,
            _S.state,
            _S.absorbed_into,
        )
        .join(signals, _S.id == _M.signal_id)
        .where(WAITING, _M.look_at <= at)
        .order_by(_M.look_at, _M.id)
        .limit(_AT_ONCE)
    )
    return [
        Due(
            *row[:9],
            members=tuple(orjson.loads(row.members)) if row.members else (),
            # The first is sent though somebody looked before it was due, or answered even.
            concerned=row.absorbed_into is None
            and (row.occasion == FIRST or State[row.state] not in ANSWERED),
        )
        for row in rows
    ]


def addressees(
    central: Connection,
    sealer: Sealer,
    due: Due,
    at: str,
    channels: Collection[str],
    areas: Areas | None = None,
) -> list[Addressee]:
    """Who is told, by which of the channels there are: none where nobody is on duty and no channel
    is nobody's. Read from the gateway's own store.
    """
    found = [
        Addressee(channel, unit, person.account, person.record)
        for unit, person in _people(central, due, at, areas or reference_areas())
        for channel in PERSONAL
        if channel in channels
        and (channel != "EMAIL" or contact_of(central, sealer, person.record).get("email"))
    ]
    return found + [Addressee(one) for one in sorted(set(channels) - set(PERSONAL))]


def address(
    connection: Connection,
    region: str,
    due: Due,
    to: Sequence[Addressee],
    at: str,
    limits: MessageLimits,
) -> bool:
    """Makes the deliveries of a message, in one transaction; whether they were not made before.

    Raises ValueError where there is no text of it.
    """
    county = county_name(reference_areas(), due.code, limits.county)
    name = connection.scalar(select(diseases.c.name_zh).where(diseases.c.key == due.disease))
    text = message_text(due.number, county, due.disease, name or "", code=due.code, day=due.day)
    taken = connection.execute(
        update(signal_messages)
        .where(_M.id == due.id, _M.state == "WAITING")
        .values(state="ADDRESSED", text=text, addressed_at=at)
    )
    if taken.rowcount == 0:
        return False
    first = take_ids(connection, region, len(to))
    rows = [
        {
            "id": first + index,
            "message_id": due.id,
            "signal_id": due.signal_id,
            "channel": one.channel,
            "unit_id": one.unit_id,
            "account": one.account,
            "record": one.record,
            "key": _key(due, one),
            "state": "DUE",
            "due_at": due.due_at,
            "look_at": due.due_at,
        }
        for index, one in enumerate(to)
    ]
    connection.execute(insert(signal_deliveries), rows)
    return True


def put_off(connection: Connection, due: Due, at: str, limits: MessageLimits) -> str:
    """What becomes of a message that is not addressed now; its state.

    DROPPED where the signal wants nobody told any more; NOBODY where it found nobody for so long
    that it is too late; else it is looked again in a minute.
    """
    state = "WAITING"
    if not due.concerned:
        state = "DROPPED"
    elif seconds_of(at) - seconds_of(due.due_at) > limits.late * 3_600:
        state = "NOBODY"
    later = instant(seconds_of(at) + _LATER_SECONDS)
    where = update(signal_messages).where(_M.id == due.id, _M.state == "WAITING")
    connection.execute(where.values(state=state, look_at=later))
    return state


def _people(central: Connection, due: Due, at: str, areas: Areas) -> Iterable[tuple[str, OnDuty]]:
    """Units and whoever is on duty there, each person once."""
    found: dict[str, tuple[str, OnDuty]] = {}
    level = level_of(due.occasion)
    codes = (due.code, *due.members[:_MOST_MEMBERS]) if level is None else (due.code,)
    for code in codes:
        own = cdc_of(areas.successor(code) or code)
        above = list(units_above(own, "COUNTY", code)) or [NATIONAL]
        chain = [own, *above] if level is None else above[level - 1 :]
        groups = [chain]
        if level is None and due.kind == "SINGLE_CASE":
            groups += [[one] for one in units_watching(central, due.disease, above)]
        for units in groups:
            for unit, person in _nearest(central, units, at):
                found.setdefault(person.account, (unit, person))
    return found.values()


def _nearest(central: Connection, units: Sequence[str], at: str) -> list[tuple[str, OnDuty]]:
    """Who is on duty in the first of the units where anybody is."""
    for unit in units:
        people = on_duty(central, unit, at)
        if people:
            return [(unit, one) for one in people]
    return []


def _key(due: Due, to: Addressee) -> str:
    """The key of a delivery, by which a receiver knows a repeat: 32 hexadecimal digits.

    By the number of the signal and not by ids, of which a store that was put back from a backup
    gives others to the same night when it computes it again.
    """
    named = f"{due.number}|{due.disease}|{due.occasion}|{to.channel}|{to.unit_id}|{to.account}"
    return sha256(named.encode()).hexdigest()[:32]
