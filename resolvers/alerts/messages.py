"""Messages of signals: put in the transaction of the signal, put again when nobody answers
(E2, E3, E10), and put to the level above where no receiver takes one.

A message says of which signal somebody is to be told, on what occasion and when. Whom, and by which
number, is looked up when it is due (`addressing`): the roster of that moment counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, or_, select

from regions.alerts import signals
from regions.ids import take_ids
from regions.instants import instant, now, seconds_of
from regions.signal_messages import signal_deliveries, signal_messages
from resolvers.alerts.states import ANSWERED, State

__all__ = [
    "AGAIN",
    "FIRST",
    "NOT_ACCEPTED",
    "OLDEST_DAYS",
    "PERSONAL",
    "MessageLimits",
    "is_overdue",
    "is_told",
    "level_of",
    "occasion_of_level",
    "put_messages",
    "put_overdue",
    "untold_messages",
]

FIRST = "FIRST"
AGAIN = "AGAIN"
NOT_ACCEPTED = "NOT_ACCEPTED"
"""The outcome of an attempt where a receiver answers, and does not say that it has the message."""
PERSONAL: Mapping[str, str] = {"SMS": "mobile", "EMAIL": "email"}
"""Channels to a person, each with the item of a duty person that it needs; the others are told once
of each message.
"""
OLDEST_DAYS = 30
"""Signals of days longer ago are not told of."""

_AT_ONCE = 500
_UNTOLD_DAYS = 7
_PATIENCE = 6  # attempts, some three minutes, until a receiver that says no each time is believed
_LEVELS = 3  # above a county: city, province, country
_OPEN = [state.name for state in State if state not in ANSWERED]
_D, _M, _S = signal_deliveries.c, signal_messages.c, signals.c


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """When what happens, in hours: of signals that have no abnormal information card.

    `escalate` and `escalate_statistical`: when the next level above is told, and the next.
    """

    resend: float = 2
    escalate: tuple[float, ...] = ()
    escalate_statistical: tuple[float, ...] = ()
    late: float = 24
    county: str = "own"  # of resolvers.alerts.texts.COUNTY_WORDS


def put_messages(
    connection: Connection,
    region: str,
    signal_ids: Sequence[int],
    due_at: str,
    occasion: str = FIRST,
) -> None:
    """Puts a message of each signal, due at an instant, in the transaction of whoever raises them.

    `region` is the code of the store. Whoever puts the same occasion again changes nothing. Signals
    of long ago (OLDEST_DAYS before it is due) have no first message: they come of history that is
    loaded, and nobody is called out of bed for it.
    """
    new = [
        one
        for start in range(0, len(signal_ids), _AT_ONCE)
        for one in _lacking(connection, signal_ids[start : start + _AT_ONCE], due_at, occasion)
    ]
    if not new:
        return
    first, at = take_ids(connection, region, len(new)), now()
    rows = [
        {
            "id": first + index,
            "signal_id": signal_id,
            "occasion": occasion,
            "due_at": due_at,
            "state": "WAITING",
            "look_at": due_at,
            "created_at": at,
        }
        for index, signal_id in enumerate(new)
    ]
    connection.execute(insert(signal_messages), rows)


def _lacking(
    connection: Connection, signal_ids: Sequence[int], due_at: str, occasion: str
) -> list[int]:
    """Those of some signals, in their order, that want a message of an occasion and have none."""
    asked = select(_S.id).where(
        _S.id.in_(signal_ids),
        ~select(_M.id).where(_M.signal_id == _S.id, _M.occasion == occasion).exists(),
    )
    if occasion == FIRST:
        oldest = instant(seconds_of(due_at) - OLDEST_DAYS * 86_400)[:10]
        asked = asked.where(_S.day >= oldest)
    found = set(connection.execute(asked).scalars())
    return [one for one in signal_ids if one in found]


def put_overdue(connection: Connection, region: str, at: str, limits: MessageLimits) -> int:
    """Puts the messages that are due since nobody answered: again, and to the levels above (E10);
    and to the level above at once where no receiver takes the one before.

    How many were put.
    """
    put = 0
    for occasion, where in _further(at, limits):
        asked = select(_S.id).where(*where).limit(_AT_ONCE)
        found = list(connection.execute(asked).scalars())
        put_messages(connection, region, found, at, occasion)
        put += len(found)
    return put


def is_overdue(connection: Connection, at: str, limits: MessageLimits) -> bool:
    """Whether `put_overdue` would put anything."""
    either = [and_(*where) for _, where in _further(at, limits)]
    return connection.execute(select(_S.id).where(or_(*either)).limit(1)).first() is not None


def untold_messages(at: str) -> Select[int, str]:
    """How many messages of the last week are due and reached nobody, and since when the oldest is:
    nobody is on duty, no receiver accepts it, or nobody knows. Where a level above was told by a
    later one, somebody knows.
    """
    return select(func.count(), func.min(_M.due_at)).where(
        _M.due_at <= at,
        _M.due_at > instant(seconds_of(at) - _UNTOLD_DAYS * 86_400),
        _M.state != "DROPPED",
        ~_told(),
        ~_told_above(),
    )


def is_told(connection: Connection, message_id: int) -> bool:
    """Whether somebody was told by a message: a person, or a program where none are (`_told`)."""
    asked = select(_M.id).where(_M.id == message_id, _told())
    return connection.execute(asked).first() is not None


def occasion_of_level(level: int) -> str:
    """The occasion of telling so many levels above the county."""
    return f"LEVEL-{level}"


def level_of(occasion: str) -> int | None:
    """How many levels above the county are told; None where it is the county itself."""
    name, _, level = occasion.partition("-")
    return int(level) if name == "LEVEL" else None


def _told() -> ColumnElement[bool]:
    """Messages that somebody was told by: a receiver of a person's channel accepted it. That of a
    file or a webhook counts where a message goes to no person at all: it is addressed, and that to
    programs alone, since the gateway has no other channels.
    """
    mine = select(_D.id).where(_D.message_id == _M.id).correlate(signal_messages)
    accepted, personal = _D.state == "ACCEPTED", _D.channel.in_(tuple(PERSONAL))
    return or_(
        mine.where(accepted, personal).exists(),
        and_(
            _M.state == "ADDRESSED",
            mine.where(accepted).exists(),
            ~mine.where(personal).exists(),
        ),
    )


def _told_above() -> ColumnElement[bool]:
    """Messages behind which somebody of a level above was told of the same signal."""
    above = signal_messages.alias()
    mine = (
        select(above.c.id)
        .join(signal_deliveries, _D.message_id == above.c.id)
        .where(
            above.c.signal_id == _M.signal_id,
            above.c.id > _M.id,
            above.c.occasion.like("LEVEL-%"),
            _D.state == "ACCEPTED",
            _D.channel.in_(tuple(PERSONAL)),
        )
    )
    return mine.correlate(signal_messages).exists()


def _further(at: str, limits: MessageLimits) -> Iterator[tuple[str, list[ColumnElement[bool]]]]:
    """Each further occasion, and of which signals a message of it is due."""
    for occasion, kinds, hours in _rules(limits):
        yield occasion, _unanswered(at, occasion, kinds, hours)
    before = FIRST
    for level in range(1, _LEVELS + 1):
        occasion = occasion_of_level(level)
        yield occasion, _not_taken(at, occasion, before, limits)
        before = occasion


def _rules(limits: MessageLimits) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Each occasion with the kinds of signal it is for, and after how many hours."""
    yield AGAIN, ("SINGLE_CASE",), limits.resend
    single, counted = ("SINGLE_CASE",), ("STATISTICAL", "CLUSTER")
    for kinds, times in ((single, limits.escalate), (counted, limits.escalate_statistical)):
        for level, hours in enumerate(times, 1):
            yield occasion_of_level(level), kinds, hours


def _unanswered(
    at: str, occasion: str, kinds: Iterable[str], hours: float
) -> list[ColumnElement[bool]]:
    """Signals whose first message is so old, which nobody answered, and not told of so far.

    It counts from when the first was accepted; while none is, from when it was addressed, so that a
    message of which nobody knows whether it came is followed by another.
    """
    first = signal_messages.alias()
    before = instant(seconds_of(at) - hours * 3_600)
    told = (
        select(first.c.id)
        .where(
            first.c.signal_id == _S.id,
            first.c.occasion == FIRST,
            first.c.state == "ADDRESSED",
            func.coalesce(_S.sent_at, first.c.addressed_at) <= before,
        )
        .exists()
    )
    return [
        _S.state.in_(_OPEN),
        _S.kind.in_(tuple(kinds)),
        _S.answered_at.is_(None),
        _S.absorbed_into.is_(None),
        told,
        ~_is_put(occasion),
    ]


def _is_put(occasion: str) -> ColumnElement[bool]:
    """Whether a signal has a message of an occasion."""
    put = signal_messages.alias()
    mine = select(put.c.id).where(put.c.signal_id == _S.id, put.c.occasion == occasion)
    return mine.correlate(signals).exists()


def _not_taken(
    at: str, occasion: str, before: str, limits: MessageLimits
) -> list[ColumnElement[bool]]:
    """Signals of which nobody knows, since the receivers take the message before from nobody: a
    number is not in use, or the gateway of short messages says no to it each time.

    A receiver that is away, or lost its answer, is none: another number would help as little, and
    somebody may have it.
    """
    sent, one = signal_messages.alias(), signal_deliveries.alias()
    personal = (one.c.message_id == sent.c.id, one.c.channel.in_(tuple(PERSONAL)))
    mine = select(one.c.id).where(*personal).correlate(sent)
    tried = one.c.attempts >= _PATIENCE
    refused = or_(one.c.state == "FAILED", and_(one.c.outcome == NOT_ACCEPTED, tried))
    may_come = or_(
        one.c.state.in_(("ACCEPTED", "DOUBTFUL", "SENDING")),
        and_(one.c.state == "DUE", ~tried),
    )
    ago = seconds_of(at) - limits.late * 3_600
    recent = ago - (_LEVELS + 1) * limits.late * 3_600  # a level is told that long at most
    lost = (
        select(sent.c.id)
        .where(
            sent.c.signal_id == _S.id,
            sent.c.occasion == before,
            sent.c.state == "ADDRESSED",
            sent.c.due_at > instant(ago),
            mine.where(refused).exists(),
            ~mine.where(may_come).exists(),
        )
        .correlate(signals)
        .exists()
    )
    return [
        _S.detected_at > instant(recent),
        _S.state == State.DETECTED.name,  # else it was sent, or somebody looked by himself
        _S.absorbed_into.is_(None),
        lost,
        ~_is_put(occasion),
    ]
