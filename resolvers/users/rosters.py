"""Rosters: who is on duty for alerts in a unit at an instant, by which number (A10).

Functions on a connection to the gateway's own store, in the caller's transaction. A unit has duty
persons, each with a number that is kept current, and shifts that say who of them is on duty when.
Where no shift says so it is the standing one. Whose account may not sign in is never on duty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update

from regions.offices import disease_watches, duty_persons, duty_shifts
from regions.sealing import Sealer
from resolvers.users.accounts import USABLE, is_usable, next_id

__all__ = [
    "OnDuty",
    "Shift",
    "contact_of",
    "current_record",
    "duty_rows",
    "end_duty",
    "on_duty",
    "open_shifts",
    "put_duty",
    "put_shifts",
    "put_watches",
    "units_on_duty",
    "units_watching",
    "watched",
]

_PERSON, _SHIFT, _WATCH = duty_persons.c, duty_shifts.c, disease_watches.c
_MANNED = text(
    f"""
    SELECT DISTINCT p.unit_id FROM duty_persons p JOIN accounts a ON a.account = p.account
    WHERE p.until IS NULL AND {USABLE} AND (p.standing = 1 OR EXISTS (
      SELECT 1 FROM duty_shifts s WHERE s.unit_id = p.unit_id AND s.account = p.account
      AND s.begins <= :at AND s.ends > :at AND s.withdrawn_at IS NULL))
    """
)


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on duty from when to when (not part of it)."""

    account: str
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Whom to tell: the account, and the row of `duty_persons` that has the number."""

    account: str
    record: int


def on_duty(connection: Connection, unit_id: str, at: str) -> list[OnDuty]:
    """Who is on duty in a unit at an instant, by account; nobody is possible."""
    records = {row.account: row for row in duty_rows(connection, unit_id)}
    planned = connection.execute(
        select(_SHIFT.account)
        .where(
            _SHIFT.unit_id == unit_id,
            _SHIFT.begins <= at,
            _SHIFT.ends > at,
            _SHIFT.withdrawn_at.is_(None),
        )
        .distinct()
        .order_by(_SHIFT.account)
    ).scalars()
    able = [one for one in planned if one in records and is_usable(connection, one, at)]
    if not able:
        standing = (one for one, row in records.items() if row.standing)
        able = [one for one in standing if is_usable(connection, one, at)]
    return [OnDuty(one, records[one].id) for one in able]


def units_on_duty(connection: Connection, at: str) -> frozenset[str]:
    """The units in which somebody is on duty at an instant, as `on_duty` says."""
    return frozenset(connection.execute(_MANNED, {"at": at}).scalars())


def duty_rows(connection: Connection, unit_id: str, *, all_ever: bool = False) -> list[Row[Any]]:
    """The rows of a unit's duty persons by account; with `all_ever` the newest first."""
    asked = select(duty_persons).where(_PERSON.unit_id == unit_id)
    if all_ever:
        return list(connection.execute(asked.order_by(_PERSON.id.desc())))
    return list(connection.execute(asked.where(_PERSON.until.is_(None)).order_by(_PERSON.account)))


def contact_of(connection: Connection, sealer: Sealer, record: int) -> Mapping[str, Any]:
    """The items (`mobile`, `email`) of a row of `duty_persons`: private. Raises EnvelopeError."""
    envelope = connection.scalar(select(_PERSON.sealed).where(_PERSON.id == record))
    return sealer.open(duty_persons.name, record, envelope) if envelope else {}


def current_record(connection: Connection, record: int) -> int:
    """The row with the number that a duty person has by now, by one with an earlier number of the
    same unit; that one itself where the person is a duty person no more.
    """
    now = duty_persons.alias()
    same = (now.c.unit_id == _PERSON.unit_id) & (now.c.account == _PERSON.account)
    asked = select(now.c.id).where(_PERSON.id == record, same, now.c.until.is_(None))
    return connection.scalar(asked) or record


def put_duty(
    connection: Connection,
    sealer: Sealer,
    unit_id: str,
    who: Mapping[str, str],
    items: Mapping[str, str | None],
    by: str,
    at: str,
    *,
    standing: bool | None = None,
) -> None:
    """Puts a duty person (`account`, `code` of the unit) on record with `mobile` and `email`.

    What was on record of the account is history. An item that is not named stays as it was, and so
    does `standing` unless it is given; a new duty person is standing. Whoever was standing until
    then goes off the record, but stays a duty person beside while shifts are planned for them.
    """
    account = who["account"]
    rows = duty_rows(connection, unit_id)
    before = next((row for row in rows if row.account == account), None)
    if standing is None:
        standing = before is None or bool(before.standing)
    if before is not None:
        items = dict(contact_of(connection, sealer, before.id)) | dict(items)
        _close(connection, before.id, at)
    for row in rows:
        if standing and row.standing and row.account != account:
            _close(connection, row.id, at)
            if _has_shifts(connection, unit_id, row.account, at):
                other = {"account": row.account, "code": row.code}
                kept = contact_of(connection, sealer, row.id)
                _put_row(connection, sealer, unit_id, other, kept, by, at, standing=False)
    _put_row(connection, sealer, unit_id, who, items, by, at, standing=standing)


def end_duty(connection: Connection, unit_id: str, account: str, by: str, at: str) -> bool:
    """Takes a duty person off the record, and the shifts that have not ended; whether there was."""
    row = next((row for row in duty_rows(connection, unit_id) if row.account == account), None)
    if row is None:
        return False
    _close(connection, row.id, at)
    ahead = (_SHIFT.unit_id == unit_id) & (_SHIFT.account == account) & (_SHIFT.ends > at)
    _withdraw(connection, ahead, by, at)
    return True


def open_shifts(connection: Connection, unit_id: str, at: str) -> list[Any]:
    """The shifts of a unit that have not ended, the next first: `account`, `begins`, `ends` and
    `set_by`.
    """
    rows = connection.execute(
        select(_SHIFT.account, _SHIFT.begins, _SHIFT.ends, _SHIFT.set_by)
        .where(_SHIFT.unit_id == unit_id, _SHIFT.ends > at, _SHIFT.withdrawn_at.is_(None))
        .order_by(_SHIFT.begins, _SHIFT.ends, _SHIFT.account)
    )
    return list(rows)


def put_shifts(
    connection: Connection,
    unit_id: str,
    span: tuple[str, str],
    shifts: Sequence[Shift],
    by: str,
    at: str,
) -> None:
    """Plans a span anew: shifts that begin in it and have not ended are withdrawn."""
    begins, ends = span
    within = (_SHIFT.begins >= begins) & (_SHIFT.begins < ends) & (_SHIFT.ends > at)
    _withdraw(connection, (_SHIFT.unit_id == unit_id) & within, by, at)
    first = next_id(connection, duty_shifts)
    rows = [
        {
            "id": first + index,
            "unit_id": unit_id,
            "account": one.account,
            "begins": one.begins,
            "ends": one.ends,
            "set_by": by,
            "set_at": at,
        }
        for index, one in enumerate(shifts)
    ]
    if rows:
        connection.execute(insert(duty_shifts), rows)


def watched(connection: Connection, unit_id: str) -> list[str]:
    """The diseases a unit watches, by key."""
    asked = select(_WATCH.disease).where(_WATCH.unit_id == unit_id, _WATCH.until.is_(None))
    return list(connection.execute(asked.order_by(_WATCH.disease)).scalars())


def put_watches(
    connection: Connection, unit_id: str, code: str, diseases: Iterable[str], by: str, at: str
) -> None:
    """Sets which diseases a unit watches; what it watched before stays in the history."""
    wanted, known = set(diseases), set(watched(connection, unit_id))
    now = (_WATCH.unit_id == unit_id) & _WATCH.until.is_(None)
    for gone in sorted(known - wanted):
        ending = update(disease_watches).where(now, _WATCH.disease == gone)
        connection.execute(ending.values(until=at))
    first = next_id(connection, disease_watches)
    rows = [
        {
            "id": first + index,
            "unit_id": unit_id,
            "code": code,
            "disease": disease,
            "since": at,
            "set_by": by,
        }
        for index, disease in enumerate(sorted(wanted - known))
    ]
    if rows:
        connection.execute(insert(disease_watches), rows)


def units_watching(connection: Connection, disease: str, units: Sequence[str]) -> list[str]:
    """Which of some units watch a disease, in their order."""
    asked = select(_WATCH.unit_id).where(
        _WATCH.disease == disease, _WATCH.until.is_(None), _WATCH.unit_id.in_(units)
    )
    found = set(connection.execute(asked).scalars())
    return [one for one in units if one in found]


def _put_row(
    connection: Connection,
    sealer: Sealer,
    unit_id: str,
    who: Mapping[str, str],
    items: Mapping[str, Any],
    by: str,
    at: str,
    *,
    standing: bool,
) -> None:
    number = next_id(connection, duty_persons)
    values = {
        "id": number,
        "unit_id": unit_id,
        "standing": int(standing),
        "sealed": sealer.seal(duty_persons.name, number, items),
        "since": at,
        "set_by": by,
    }
    connection.execute(insert(duty_persons).values(values | dict(who)))


def _has_shifts(connection: Connection, unit_id: str, account: str, at: str) -> bool:
    """Whether shifts of somebody have not ended."""
    return any(row.account == account for row in open_shifts(connection, unit_id, at))


def _close(connection: Connection, record: int, at: str) -> None:
    connection.execute(update(duty_persons).where(_PERSON.id == record).values(until=at))


def _withdraw(connection: Connection, which: Any, by: str, at: str) -> None:
    connection.execute(
        update(duty_shifts)
        .where(which, _SHIFT.withdrawn_at.is_(None))
        .values(withdrawn_by=by, withdrawn_at=at)
    )
