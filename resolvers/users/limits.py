"""How many registrations come in before strangers are told to wait: they need no session."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from regions.errors import TooManyRequests
from regions.instants import instant, seconds_of
from regions.users import registrations

__all__ = ["OF_ADDRESS", "OF_ADDRESS_IN_UNIT", "OF_ALL", "OF_UNIT", "require_room"]

OF_ADDRESS = 20
"""Registrations from one network address within an hour: an office may have one address."""
OF_ALL = 500
"""Registrations within an hour."""
OF_UNIT = 100
"""Registrations of one unit that wait for its administrator."""

OF_ADDRESS_IN_UNIT = 20
"""Of these from one network address, however slowly they come: one alone fills no unit."""

_HOUR = 3_600


def require_room(
    connection: Connection, unit_id: str, address_hash: str, at: str, pending_since: str
) -> None:
    """Raises TooManyRequests where there are too many already.

    Registrations made at `pending_since` or before it expired, and wait for nobody.
    """
    table = registrations.c
    since = instant(seconds_of(at) - _HOUR)
    within_hour = table.created_at > since
    of_address = table.address_hash == address_hash
    waiting = (
        (table.unit_id == unit_id) & (table.state == "PENDING") & (table.created_at > pending_since)
    )
    for most, what, condition in (
        (OF_ADDRESS, "from this address", within_hour & of_address),
        (OF_ALL, "at once", within_hour),
        (
            OF_ADDRESS_IN_UNIT,
            "from this address wait for this unit's administrator",
            waiting & of_address,
        ),
        (OF_UNIT, "wait for this unit's administrator", waiting),
    ):
        count = connection.scalar(select(func.count()).select_from(registrations).where(condition))
        if (count or 0) >= most:
            raise TooManyRequests(
                f"too many registrations {what}", hint="try again later", retryAfter=_HOUR
            )
