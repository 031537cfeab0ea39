"""Whether an account has a right to see private items, now or later: it then needs two factors."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from regions.instants import instant
from regions.privacy import grants

__all__ = ["has_grants"]


def has_grants(connection: Connection, account: str, now: float) -> bool:
    """Whether any grant of the account has not ended and was not revoked."""
    found = connection.scalar(
        select(func.count())
        .select_from(grants)
        .where(
            grants.c.account == account,
            grants.c.revoked == 0,
            grants.c.ends_at > instant(now),
        )
    )
    return bool(found)
