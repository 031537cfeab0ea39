"""Lockout after failed sign-ins, for an account and for an address, shared by all workers.

At the limit the subject is locked after its last failure, and each failure after that lock locks it
for twice as long, up to eight times. A failure counts until nothing failed for as long as the first
lock lasts, the locks themselves left out. Names that are no account count alike: a lock must not
tell.

An address may be a whole office's, where somebody always mistypes. So its failures count together
only within the time of the first lock, and after a lock it takes as many again to lock it anew.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from regions.errors import TooManyRequests
from regions.instants import instant, seconds_of
from regions.users import sign_in_failures as failures
from resolvers.networks import network_of

__all__ = [
    "Lockout",
    "Subject",
    "account_subject",
    "address_subject",
    "clear",
    "count",
    "locked_for",
    "refuse_locked",
]

_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted, under a hash of it, and how many failures lock it."""

    key: str
    limit: int
    many: bool = False  # people behind it


class Lockout:
    """The lock of accounts, for what a session proves of its own: `limit` failures lock for
    `seconds`. `clock` gives seconds since 1970.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit, self._seconds, self.now = limit, seconds, clock

    def refuse(self, connection: Connection, account: str) -> None:
        """Raises TooManyRequests while the account is locked."""
        refuse_locked(connection, [self._subject(account)], self.now(), self._seconds)

    def count(self, connection: Connection, account: str) -> None:
        """Counts a failure."""
        count(connection, [self._subject(account)], self.now(), self._seconds)

    def _subject(self, account: str) -> Subject:
        return account_subject(account, self._limit)


def refuse_locked(
    connection: Connection, subjects: Sequence[Subject], now: float, lock_seconds: float
) -> None:
    """Raises TooManyRequests while any of the subjects is locked."""
    seconds = math.ceil(locked_for(connection, subjects, now, lock_seconds))
    if seconds > 0:
        raise TooManyRequests(
            f"too many failed sign-ins: try again in {seconds} s", retryAfter=seconds
        )


def account_subject(account: str, limit: int) -> Subject:
    """An account, or a name that is none."""
    return Subject(_key("account", account), limit)


def address_subject(address: str, limit: int) -> Subject:
    """A network address; of IPv6 the network of 64 bits, all of which one customer holds."""
    return Subject(_key("address", network_of(address)), limit, many=True)


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
        before = connection.execute(
            select(failures.c.failures, failures.c.first_at).where(
                failures.c.subject == subject.key
            )
        ).first()
        over = subject.many and before and seconds_of(before.first_at) + lock_seconds <= now
        failed = 1 if before is None or over else before.failures + 1
        lock = _lock(failed, subject, lock_seconds)
        row = {"failures": failed, "expires_at": instant(now + lock_seconds + lock)}
        if failed == 1 or (subject.many and lock):
            row["first_at"] = instant(now + lock)  # of those that count next
        if before is None:
            connection.execute(insert(failures).values(subject=subject.key, **row))
        else:
            connection.execute(
                update(failures).where(failures.c.subject == subject.key).values(row)
            )


def clear(connection: Connection, subject: Subject) -> None:
    """Forgets the failures of a subject."""
    connection.execute(delete(failures).where(failures.c.subject == subject.key))


def _lock(failed: int, subject: Subject, lock_seconds: float) -> float:
    """Seconds a subject is locked after so many failures in a row."""
    over = failed - subject.limit
    if subject.many:
        times, more = divmod(failed, subject.limit)
        over = -1 if more else times - 1
    return 0.0 if over < 0 else lock_seconds * 2.0 ** min(over, _DOUBLINGS)


def _key(kind: str, subject: str) -> str:
    return hashlib.sha256(f"{kind}\n{subject}".encode()).hexdigest()
