"""Signals to be told of, and units with people on duty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from regions.alerts import signals
from regions.instants import instant
from regions.keys import Keys
from regions.sealing import Sealer
from regions.signal_messages import signal_deliveries, signal_messages
from regions.users import accounts
from resolvers.central import COUNTRY
from resolvers.users import Role
from resolvers.users.rosters import put_duty, put_watches
from tests.resolvers.alerts.duty import signal
from tests.stores import in_file, migrated_central

__all__ = [
    "COUNTY_UNIT",
    "answer",
    "at",
    "deliveries",
    "in_central",
    "messages",
    "put_person",
    "raise_one",
]

T = TypeVar("T")

COUNTY_UNIT = "cdc-320102"
_NOON = 1_795_867_200  # 2026-11-28T12:00:00Z


def at(hours: float) -> str:
    """The instant so many hours after noon (UTC) of the 28th of November 2026."""
    return instant(_NOON + hours * 3_600)


def in_central(path: Path, work: Callable[[Connection], T]) -> T:
    """What `work` returns, in one transaction of a gateway's own store, made if it is not there."""
    return in_file(path if path.exists() else migrated_central(path), work)


def put_person(
    connection: Connection, keys: Keys, number: int, unit: str = COUNTY_UNIT, **more: Any
) -> str:
    """Somebody on duty in a unit; the account. `diseases` are those that the unit watches."""
    account, code = f"duty-{number}", unit.removeprefix("cdc-")
    connection.execute(
        insert(accounts).values(
            id=number,
            account=account,
            name=account,
            role=Role.DUTY_PERSON.name,
            unit_id=unit,
            unit_name=unit,
            unit_level="COUNTY",
            code=code,
            password_hash="x",
            state="ACTIVE",
            created_at="2026-01-01T00:00:00Z",
            valid_until="2099-01-01T00:00:00Z",
            renewed_at="2026-01-01T00:00:00Z",
            renew_by="2099-01-01T00:00:00Z",
        )
    )
    items = {"mobile": f"154000000{number:02d}"}
    items["email"] = more.get("email", f"duty-{number}@example.org")
    sealer = Sealer(keys.sealing, COUNTRY)
    who = {"account": account, "code": code}
    since = "2026-01-01T00:00:00Z"
    put_duty(connection, sealer, unit, who, items, "admin", since, standing=more.get("standing"))
    put_watches(connection, unit, code, more.get("diseases", ()), "admin", since)
    return account


def raise_one(connection: Connection, serial: int = 1, **given: Any) -> int:
    """A signal of Xuanwu, Nanjing; its id."""
    day = given.setdefault("day", "2026-11-27")
    code = given.get("code", "320102")
    number = f"{code}{day.replace('-', '')}{serial:03d}"
    row = signal(serial) | {"number": number} | given
    connection.execute(insert(signals).values(row))
    return int(row["id"])


def answer(connection: Connection, signal_id: int, state: str = "EXCLUDED") -> None:
    """The signal has an abnormal information card."""
    which = update(signals).where(signals.c.id == signal_id)
    connection.execute(which.values(state=state, answered_at=at(0)))


def messages(connection: Connection) -> list[tuple[str, str]]:
    """Occasion and state of every message."""
    c = signal_messages.c
    rows = connection.execute(select(c.occasion, c.state).order_by(c.id))
    return [(row.occasion, row.state) for row in rows]


def deliveries(connection: Connection, *columns: str) -> Sequence[Any]:
    """Columns of every delivery, in the order they were made."""
    c = signal_deliveries.c
    rows = connection.execute(select(*(c[name] for name in columns)).order_by(c.id))
    return [tuple(row) if len(columns) > 1 else row[0] for row in rows]
