"""Lockout after failed sign-ins, for an account and for an address, shared by all workers.

At the limit the subject is locked after its last failure, and each failure after that lock locks it
for twice as long, up to eight times. A failure counts until nothing failed for as long as the first
lock lasts, the locks themselves left out. Names that are no account count alike: a lock must not
tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from gateway.strangers import network_of
from regions.instants import instant, seconds_of
from regions.users import sign_in_failures as failures

__all__ = ["Subject", "account_subject", "address_subject", "clear", "count", "locked_for"]

_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted, under a hash of it, and how many failures lock it."""

    key: str
    limit: int


def account_subject(account: str, limit: int) -> Subject:
    """An account, or a name that is none."""
    return Subject(_key("account", account), limit)


def address_subject(address: str, limit: int) -> Subject:
    """A network address; of IPv6 the network of 64 bits, all of which one customer holds."""
    return Subject(_key("address", network_of(address)), limit)


def locked_for(
    connection: Connection, subjects: Sequence[Subject], now: float, lock_seconds: float
) -> float:
    """Seconds until none of the subjects is locked any more; 0 if none is."""
    limits = {subject.key: subject.limit for subject in subjects}
    rows = connection.execute(
        select(failures.c.subject, failures.c.failures, failures.c.expires_at).where(
            failures.c.subject.in_(limits)
        )
    )
    left = [
        seconds_of(expires_at) - lock_seconds - now
        for subject, count, expires_at in rows
        if count >= limits[subject]
    ]
    return max([0.0, *left])


def count(
    connection: Connection, subjects: Sequence[Subject], now: float, lock_seconds: float
) -> None:
    """Counts a failure of each subject, and forgets what expired."""
    connection.execute(delete(failures).where(failures.c.expires_at <= instant(now)))
    for subject in subjects:
        before = connection.scalar(
            select(failures.c.failures).where(failures.c.subject == subject.key)
        )
        expires_at = instant(now + lock_seconds + _lock((before or 0) + 1, subject, lock_seconds))
        if before is None:
            connection.execute(
                insert(failures).values(
                    subject=subject.key,
                    failures=1,
                    first_at=instant(now),
                    expires_at=expires_at,
                )
            )
        else:
            connection.execute(
                update(failures)
                .where(failures.c.subject == subject.key)
                .values(failures=before + 1, expires_at=expires_at)
            )


def clear(connection: Connection, subject: Subject) -> None:
    """Forgets the failures of a subject."""
    connection.execute(delete(failures).where(failures.c.subject == subject.key))


def _lock(failed: int, subject: Subject, lock_seconds: float) -> float:
    """Seconds a subject is locked after so many failures in a row."""
    over = failed - subject.limit
    return 0.0 if over < 0 else lock_seconds * 2.0 ** min(over, _DOUBLINGS)


def _key(kind: str, subject: str) -> str:
    return hashlib.sha256(f"{kind}\n{subject}".encode()).hexdigest()
