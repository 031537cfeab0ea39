"""The session that changes its account's factors: it stands, it is fresh, and it may."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from regions.errors import Forbidden, SecondFactorRequired, Unauthenticated
from regions.instants import seconds_of
from regions.users import sessions
from resolvers.users import Viewer

__all__ = ["FRESH_SECONDS", "Standing", "require_person", "require_proof", "standing"]

FRESH_SECONDS = 600.0  # after signing in; a token found later changes nobody's factors


@dataclass(frozen=True, slots=True)
class Standing:
    """A session in the transaction that changes something of its account."""

    token_hash: str
    account: str
    second_factor: str


def standing(connection: Connection, token_hash: str, now: float) -> Standing:
    """The session, if it was opened just now. Raises Unauthenticated."""
    row = connection.execute(
        select(sessions).where(sessions.c.token_hash == token_hash, sessions.c.revoked_at.is_(None))
    ).first()
    if row is None:
        raise Unauthenticated("there is no such session", hint="sign in again: POST /sign-in")
    if now - seconds_of(row.created_at) > FRESH_SECONDS:
        raise Unauthenticated(
            f"second factors are changed within {FRESH_SECONDS / 60:.0f} minutes of signing in",
            hint="sign in again: POST /sign-in",
        )
    return Standing(token_hash, row.account, row.second_factor)


def require_proof(session: Standing, *, enrolled: bool) -> None:
    """Who has a second factor must have used it. Raises SecondFactorRequired."""
    if enrolled and not session.second_factor:
        raise SecondFactorRequired(
            "this session was opened without the account's second factor",
            hint="sign in again with `code`",
        )


def require_person(viewer: Viewer) -> None:
    """A machine client's token is good for its actions alone: with another way in, such as a
    passkey, it would be good for everything the account may. Raises Forbidden.
    """
    if viewer.actions is not None:
        raise Forbidden(
            "a machine client's token is not good for this",
            hint="`epigate clients` changes its keys and scope",
        )
