"""Ending the sessions of an account, in the transaction of what ends them (A12).

Whoever changes a role, a password or a second factor, or disables an account, calls this in the
same transaction: every worker refuses the tokens at its next request.
"""

from __future__ import annotations

from sqlalchemy import Connection, update

from regions.instants import now
from regions.users import sessions

__all__ = ["revoke_sessions"]


def revoke_sessions(connection: Connection, account: str, *, but: str = "") -> int:
    """Ends every open session of an account; how many there were.

    `but` is the hash of a token whose session goes on: that of whoever asks for the change.
    """
    ended = connection.execute(
        update(sessions)
        .where(
            sessions.c.account == account,
            sessions.c.revoked_at.is_(None),
            sessions.c.token_hash != but,
        )
        .values(revoked_at=now())
    )
    return ended.rowcount
