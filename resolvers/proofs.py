"""Whether a session showed its account's second factor just now (A12, F11)."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from regions.instants import instant, seconds_of
from regions.users import sessions
from resolvers.users import Viewer

__all__ = ["FRESH_SECONDS", "PROOF_MISSING", "has_fresh_proof"]

FRESH_SECONDS = 600
"""For so long a proof is fresh."""

PROOF_MISSING = (
    "this needs your second factor, shown within the last ten minutes: POST /sign-in/step-up with "
    "its code or passkey; whoever has none enrols one first",
    "须在十分钟内验证第二因素：POST /sign-in/step-up；尚未绑定的请先绑定",
)
"""Why a step is refused without one: what is said, in English and Chinese."""


def has_fresh_proof(connection: Connection, viewer: Viewer, at: str) -> bool:
    """Whether the viewer's session proved a second factor within the last ten minutes."""
    since = instant(seconds_of(at) - FRESH_SECONDS)
    found = connection.scalar(
        select(func.count())
        .select_from(sessions)
        .where(
            sessions.c.account == viewer.account,
            sessions.c.token_hash.startswith(viewer.session, autoescape=True),
            sessions.c.revoked_at.is_(None),
            sessions.c.second_factor != "",
            sessions.c.proved_at >= since,
        )
    )
    return bool(viewer.session) and bool(found)
