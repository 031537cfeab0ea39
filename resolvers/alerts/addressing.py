"""Who is told of a signal when its message is due: looked up in the roster of that moment.

The duty persons of the county's own CDC; where nobody there is on duty and can be reached by a
channel there is, those of the nearest CDC above. Of a single case also those of the CDCs above that
set the disease (E3). Of a cluster those of every county in it. Numbers do not leave the gateway's
own store: a delivery names the row that has them.

A file and a webhook are told at once and count for nobody: where there is a channel to people,
people are looked for until one is found, or it is too late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache

import orjson
from sqlalchemy import Connection, insert, select, update

from regions.alerts import signals
from regions.areas import Areas, reference_areas
from regions.ids import take_ids
from regions.instants import instant, seconds_of
from regions.reference import diseases
from regions.sealing import Sealer
from regions.signal_messages import WAITING, signal_deliveries, signal_messages
from resolvers.alerts.deliveries import delivery_key
from resolvers.alerts.messages import FIRST, PERSONAL, MessageLimits, level_of
from resolvers.alerts.states import ANSWERED, State
from resolvers.alerts.texts import county_name, message_text
from resolvers.users.levels import NATIONAL, cdc_of, units_above
from resolvers.users.rosters import contact_of, on_duty, units_watching

__all__ = [
    "Addressee",
    "Due",
    "address",
    "addressees",
    "due_messages",
    "lacks_people",
    "put_off",
]

_AT_ONCE = 100
_LATER_SECONDS = 60  # until it is looked again who is on duty
_MOST_MEMBERS = 200  # counties of a cluster that are told
_D, _M, _S = signal_deliveries.c, signal_messages.c, signals.c


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
    """Who is told, by which of the channels there are: none where nobody on duty can be reached and
    no channel is nobody's. Read from the gateway's own store.
    """
    mine = [channel for channel in PERSONAL if channel in channels]

    @cache  # the counties of a cluster share the units above them
    def reached(unit: str) -> list[Addressee]:
        return [
            Addressee(channel, unit, person.account, person.record)
            for person in on_duty(central, unit, at)
            for items in [contact_of(central, sealer, person.record)]
            for channel in mine
            if items.get(PERSONAL[channel])
        ]

    found = _people(central, due, areas or reference_areas(), reached) if mine else []
    return [*found, *(Addressee(one) for one in sorted(set(channels) - set(PERSONAL)))]


def lacks_people(to: Sequence[Addressee], channels: Collection[str]) -> bool:
    """Whether somebody is still to be found: there are channels to people, and nobody is reached by
    them.
    """
    return any(one in PERSONAL for one in channels) and not any(one.account for one in to)


def address(
    connection: Connection,
    region: str,
    due: Due,
    to: Sequence[Addressee],
    at: str,
    limits: MessageLimits,
    *,
    wholly: bool = True,
) -> bool:
    """Makes the deliveries of a message, in one transaction; whether it still waited for them.

    Not `wholly`: those that can be made, while somebody is still to be found; it goes on waiting.
    What was made before is not made again. Raises ValueError where there is no text of it.
    """
    county = county_name(reference_areas(), due.code, limits.county)
    name = connection.scalar(select(diseases.c.name_zh).where(diseases.c.key == due.disease))
    text = message_text(due.number, county, due.disease, name or "", code=due.code, day=due.day)
    values = {"state": "ADDRESSED", "addressed_at": at} if wholly else {}
    mine = update(signal_messages).where(_M.id == due.id, _M.state == "WAITING")
    if connection.execute(mine.values({"text": text} | values)).rowcount == 0:
        return False
    whom = select(_D.channel, _D.unit_id, _D.account).where(_D.message_id == due.id)
    made = {tuple(row) for row in connection.execute(whom)}
    to = [one for one in to if (one.channel, one.unit_id, one.account) not in made]
    if not to:
        return True
    first, of = take_ids(connection, region, len(to)), (due.number, due.disease, due.occasion)
    rows = [
        {
            "id": first + index,
            "message_id": due.id,
            "signal_id": due.signal_id,
            "channel": one.channel,
            "unit_id": one.unit_id,
            "account": one.account,
            "record": one.record,
            "key": delivery_key(of, (one.channel, one.unit_id, one.account)),
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


def _people(
    central: Connection, due: Due, areas: Areas, reached: Callable[[str], list[Addressee]]
) -> list[Addressee]:
    """Whoever is to be told, each person once; `reached` gives those on duty in a unit who can be
    told.
    """
    found: dict[tuple[str, str], Addressee] = {}
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
            nearest = next((people for unit in units if (people := reached(unit))), [])
            for one in nearest:
                found.setdefault((one.account, one.channel), one)
    return list(found.values())
