"""Deliveries of messages: whose turn it is, and what came of an attempt (E2).

One sender has a delivery at a time, by a lease that ends. Whoever takes one whose lease ended finds
by `handing` how far the other had come: before the point of no return nothing was sent, and it is
tried again; behind it only a receiver that drops repeats may be asked again. Otherwise it is
DOUBTFUL for good: said, not guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, or_, select, update

from regions.alerts import signals
from regions.instants import instant, seconds_of
from regions.signal_messages import OPEN, WAITING, signal_deliveries, signal_messages
from regions.transfers import store_fences
from resolvers.alerts.clocks import SignalLimits
from resolvers.alerts.messages import AGAIN, MessageLimits, is_told
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from resolvers.lifecycles import StateRefused

__all__ = [
    "NEVER",
    "Delivery",
    "Next",
    "Settled",
    "begin_handing",
    "delivery_key",
    "lease",
    "next_due",
    "next_look",
    "readdress",
    "settle",
]

NEVER = "9"
"""Behind every instant."""

_FIRST_WAIT, _LONGEST_WAIT = 5, 600  # seconds between attempts
_D, _M, _S = signal_deliveries.c, signal_messages.c, signals.c


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery under a lease, and what it tells."""

    id: int
    message_id: int
    signal_id: int
    channel: str
    unit_id: str
    account: str
    record: int | None
    key: str
    attempts: int  # with the one under way
    due_at: str
    text: str
    occasion: str
    number: str
    code: str
    disease: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt: ACCEPTED, DOUBTFUL, FAILED, or DUE to be tried again.

    `wait` seconds the receiver asked for; `reference` is its name for the message.
    """

    state: str
    outcome: str
    reference: str | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """When the next message of a store is to be addressed, and the next delivery tried; NEVER where
    none waits.
    """

    message: str
    delivery: str

    @property
    def first(self) -> str:
        """The earlier of the two."""
        return min(self.message, self.delivery)


def next_due(
    connection: Connection, at: str, channels: Collection[str], limits: MessageLimits
) -> Next:
    """What of a store a gateway with some channels is to do next: one statement, whatever is kept
    there. What is due by now is among it.
    """
    asked = select(
        _first(_M.look_at, WAITING), _first(_D.look_at, OPEN, _is_mine(at, channels, limits))
    )
    return Next(*(one or NEVER for one in connection.execute(asked).one()))


def lease(
    connection: Connection,
    by: str,
    at: str,
    *,
    seconds: float,
    most: int,
    dropping: Collection[str],
    channels: Collection[str],
    limits: MessageLimits,
) -> list[Delivery]:
    """Takes deliveries that may be tried now, for some seconds.

    `dropping` are the channels whose receivers drop repeats. What is too late, or in doubt, is
    settled on the way; what is for a channel that this gateway does not have is not touched.
    """
    asked = (
        select(
            _D.id,
            _D.message_id,
            _D.signal_id,
            _D.channel,
            _D.unit_id,
            _D.account,
            _D.record,
            _D.key,
            _D.attempts,
            _D.due_at,
            _D.state,
            _D.look_at,
            _D.handing,
            _D.outcome,
            _M.text,
            _M.occasion,
            _S.number,
            _S.code,
            _S.disease,
        )
        .join(signal_messages, _M.id == _D.message_id)
        .join(signals, _S.id == _D.signal_id)
        .where(OPEN, _D.look_at <= at, _is_mine(at, channels, limits))
        .order_by(_D.look_at, _D.id)
        .limit(most)
        .with_for_update(of=signal_deliveries, skip_locked=True)
    )
    ends = instant(seconds_of(at) + seconds)
    restored = connection.scalar(select(func.max(store_fences.c.found_at))) or ""
    taken = []
    for row in connection.execute(asked).all():
        doubt = _doubt(row, restored) if row.channel not in dropping else None
        values = {"state": "DOUBTFUL", "outcome": doubt, "handing": 0, "settled_at": at}
        if doubt is None:
            values = _taken(row, by, at, ends, limits)
        mine = update(signal_deliveries).where(
            _D.id == row.id, _D.state == row.state, _D.look_at == row.look_at
        )
        if connection.execute(mine.values(values)).rowcount and values["state"] == "SENDING":
            taken.append(
                Delivery(
                    *row[:8],
                    attempts=row.attempts + 1,
                    due_at=row.due_at,
                    text=row.text,
                    occasion=row.occasion,
                    number=row.number,
                    code=row.code,
                    disease=row.disease,
                )
            )
    return taken


def begin_handing(connection: Connection, delivery: Delivery, by: str, at: str) -> bool:
    """Notes that the point of no return is reached; False where the lease ended meanwhile."""
    return _while_mine(connection, delivery, by, at, handing=1)


def readdress(
    connection: Connection, delivery: Delivery, record: int, by: str, at: str
) -> Delivery | None:
    """The delivery to the number or address that a duty person has by now, in a row of
    `duty_persons`; None where the lease ended meanwhile.

    It has another key: to a receiver it is another message, not the same with another content.
    """
    of = (delivery.number, delivery.disease, delivery.occasion)
    key = delivery_key(of, (delivery.channel, delivery.unit_id, delivery.account), record)
    if not _while_mine(connection, delivery, by, at, record=record, key=key):
        return None
    return replace(delivery, record=record, key=key)


def delivery_key(
    of: tuple[str, str, str], to: tuple[str, str, str], record: int | None = None
) -> str:
    """The key of a delivery, by which a receiver knows a repeat: 32 hexadecimal digits. It is `of`
    a number, disease and occasion, `to` a channel, unit and account; `record` where the number
    changed since it was addressed.

    By the number of the signal and not by ids, of which a store that was put back from a backup
    gives others to the same night when it computes it again.
    """
    again = () if record is None else (str(record),)
    return sha256("|".join((*of, *to, *again)).encode()).hexdigest()[:32]


def settle(
    connection: Connection,
    region: str,
    delivery: Delivery,
    by: str,
    settled: Settled,
    at: str,
    card_hours: float = 2,  # of the plan (E10)
) -> None:
    """Writes what came of an attempt, and moves the signal on by the first that told somebody
    (`is_told`): the card of a single case is due so many hours later.

    What was accepted is written whoever has the lease by now: it is a fact. Anything else only by
    whoever has it.
    """
    accepted = settled.state == "ACCEPTED"
    mine = (_D.state == "SENDING") & (_D.leased_by == by)
    where = _D.state != "ACCEPTED" if accepted else mine
    before = accepted and is_told(connection, delivery.message_id)
    values: dict[str, Any] = {
        "state": settled.state,
        "outcome": settled.outcome,
        "reference": settled.reference,
        "leased_by": None,
        "handing": 0,
        "settled_at": None if settled.state == "DUE" else at,
    }
    if settled.state == "DUE":
        values["look_at"] = next_look(delivery.attempts, at, settled.wait)
    written = update(signal_deliveries).where(_D.id == delivery.id, where).values(values)
    if not connection.execute(written).rowcount or not accepted or before:
        return
    if is_told(connection, delivery.message_id):
        _advance(connection, region, delivery, at, SignalLimits(card_hours=card_hours))


def next_look(attempts: int, at: str, wait: float | None = None) -> str:
    """When a delivery is tried next, after so many attempts: twice as late each time, ten minutes
    at most, or when the receiver asked for.
    """
    own = min(_FIRST_WAIT * 2 ** min(attempts - 1, 20), _LONGEST_WAIT)
    return instant(seconds_of(at) + max(own, wait or 0))


def _first(column: ColumnElement[str], *where: ColumnElement[bool]) -> ScalarSelect[str]:
    """The least of a column, by its index."""
    return select(column).where(*where).order_by(column).limit(1).scalar_subquery()


def _is_mine(at: str, channels: Collection[str], limits: MessageLimits) -> ColumnElement[bool]:
    """Deliveries by channels that this gateway has. Those of others it settles once they are too
    late: nobody may have the channel any more.
    """
    late = instant(seconds_of(at) - limits.late * 3_600)
    return or_(_D.channel.in_(sorted(channels)), _D.due_at < late)


def _doubt(row: Any, restored: str) -> str | None:
    """Why nobody knows whether a delivery was made before: whoever made it died behind the point of
    no return, or the store was put back from a backup that does not know.
    """
    if row.state == "SENDING" and row.handing:
        return "INTERRUPTED"
    return "RESTORED" if row.due_at <= restored else None


def _taken(row: Any, by: str, at: str, ends: str, limits: MessageLimits) -> dict[str, Any]:
    """What a delivery becomes when it is taken up."""
    if seconds_of(at) - seconds_of(row.due_at) > limits.late * 3_600:
        return {"state": "FAILED", "outcome": row.outcome or "LATE", "settled_at": at}
    return {
        "state": "SENDING",
        "leased_by": by,
        "look_at": ends,
        "attempts": row.attempts + 1,
        "handing": 0,
    }


def _while_mine(
    connection: Connection, delivery: Delivery, by: str, at: str, **values: Any
) -> bool:
    """Writes something of a delivery under the lease of somebody; False where it ended."""
    mine = update(signal_deliveries).where(
        _D.id == delivery.id, _D.state == "SENDING", _D.leased_by == by, _D.look_at > at
    )
    return connection.execute(mine.values(values)).rowcount == 1


def _advance(
    connection: Connection, region: str, delivery: Delivery, at: str, limits: SignalLimits
) -> None:
    """Moves the signal: sent by the first that is accepted, whoever it went to; sent again by the
    second message.
    """
    sent = connection.scalar(select(_S.sent_at).where(_S.id == delivery.signal_id))
    event = Event.SEND if sent is None else Event.RESEND
    if event is Event.RESEND and delivery.occasion != AGAIN:
        return  # another was accepted before the first, or a level above is told, too
    with suppress(StateRefused):  # somebody answered while the message was under way
        apply(connection, region, delivery.signal_id, event, Who.system(at), limits=limits)
