"""Challenges that a client answers later: each is kept under its hash, and good once."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert

from regions.instants import instant
from regions.sign_in import challenges

__all__ = ["Challenge", "issue", "take"]

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was kept with a challenge: whose it was ("" for nobody's yet), and what it is about."""

    account: str
    payload: dict[str, Any]


def issue(
    connection: Connection,
    kind: str,
    account: str,
    payload: dict[str, Any],
    *,
    now: float,
    seconds: float,
) -> bytes:
    """A new challenge; those that have expired are forgotten."""
    connection.execute(delete(challenges).where(challenges.c.expires_at <= instant(now)))
    made = secrets.token_bytes(_BYTES)
    connection.execute(
        insert(challenges).values(
            hash=_hash(made),
            kind=kind,
            account=account,
            payload=json.dumps(payload),
            expires_at=instant(now + seconds),
        )
    )
    return made


def take(connection: Connection, kind: str, challenge: bytes, now: float) -> Challenge | None:
    """What was kept with a challenge, once; None for one that is none, was used or has expired."""
    row = connection.execute(
        delete(challenges)
        .where(challenges.c.hash == _hash(challenge), challenges.c.kind == kind)
        .returning(challenges.c.account, challenges.c.payload, challenges.c.expires_at)
    ).first()
    if row is None or row.expires_at <= instant(now):
        return None
    return Challenge(row.account, json.loads(row.payload))


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
