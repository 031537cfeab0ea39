"""The duplicate check's limits: it says whether a person is on record, so it must not be tried out
(F2, B13, leak channel 17).

An account has so many different candidates an hour, over all workers. What was tried is kept for
that hour as keyed hashes of its own, which match nothing else in any store. Before hashing, the
last digits are cut off a number, and the birth date is left out beside a name: candidates that
have the rest in common, in whatever order they came, are somebody trying numbers one by one.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete, func, insert, select

from regions.alarms import duplicate_checks as checks
from regions.blind_index import normal_id_number, normal_name, normal_phone
from regions.errors import TooManyCandidates
from regions.instants import instant, now, seconds_of
from resolvers.central import Central

__all__ = ["Candidate", "DuplicateLimit", "near_parts"]

_SECONDS = 3_600
_LAST_OF_ID = 4  # digits: the sequence number within an area and a day, and the checksum
_LAST_OF_PHONE = 3
_REGISTERED = "\nregistered"  # no login name holds a line feed
_SHORTEST = 6  # characters that must be left


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was asked, in clear, for as long as it takes to hash it."""

    id_number: str | None
    phone: str | None
    name: str | None
    birth_date: str | None


def near_parts(candidate: Candidate) -> dict[str, tuple[str, str]]:
    """By item, the whole in its one form, and what it has in common with those near to it."""
    found = {}
    if candidate.id_number:
        whole = normal_id_number(candidate.id_number)
        found["id"] = (whole, whole[:-_LAST_OF_ID])
    if candidate.phone:
        whole = normal_phone(candidate.phone)
        found["phone"] = (whole, whole[:-_LAST_OF_PHONE])
    if candidate.name and candidate.birth_date:
        name = normal_name(candidate.name)
        found["name"] = (f"{name}|{candidate.birth_date}", name.rjust(_SHORTEST))
    return {
        item: (whole, near if len(near) >= _SHORTEST else "")
        for item, (whole, near) in found.items()
        if whole
    }


class DuplicateLimit:
    """Counts what accounts try. Its key is derived from the index key and serves nothing else."""

    def __init__(
        self, central: Central, key: bytes, *, per_hour: int, clock: Callable[[], str] = now
    ) -> None:
        self._central, self._per_hour, self._clock = central, per_hour, clock
        self._key = hmac.digest(key, b"epigate duplicate checks", "sha256")

    async def count(self, account: str, candidate: Candidate) -> dict[str, int]:
        """Counts a candidate; what the access log tells of it. Raises TooManyCandidates.

        `candidates` is how many different ones the account tried within the hour, `near` how many
        of them are near to this one, itself included.
        """
        rows = [
            (self._hash(account, item, whole), near and self._hash(account, f"near {item}", near))
            for item, (whole, near) in near_parts(candidate).items()
        ]
        at = self._clock()
        work = partial(self._count, account=account, rows=rows, at=at, limit=self._per_hour)
        return await self._central.do(work)

    async def note(self, account: str, id_numbers: Sequence[str]) -> dict[str, int]:
        """Counts ID numbers that were registered, which tells as much of each as a check would.

        None is refused: whole line lists are registered at once. They count by themselves, and show
        where they are near to each other.
        """
        subject = f"{account}{_REGISTERED}"
        rows = [
            (self._hash(subject, item, whole), near and self._hash(subject, f"near {item}", near))
            for number in dict.fromkeys(id_numbers)
            for item, (whole, near) in near_parts(Candidate(number, None, None, None)).items()
        ]
        at = self._clock()
        work = partial(self._count, account=subject, rows=rows, at=at, limit=None)
        return await self._central.do(work)

    def told(self, tried: int) -> Mapping[str, int]:
        """What the access log tells where a candidate was refused."""
        return {"candidates": tried, "limit": self._per_hour, "near": 0}

    def _count(
        self,
        connection: Connection,
        account: str,
        rows: Sequence[tuple[str, str]],
        at: str,
        limit: int | None,
    ) -> dict[str, int]:
        since = instant(seconds_of(at) - _SECONDS)
        connection.execute(delete(checks).where(checks.c.at <= since))
        mine = checks.c.account == account
        tried_before, oldest = connection.execute(
            select(func.count(), func.min(checks.c.at)).where(mine)
        ).one()
        asked = [whole for whole, _ in rows]
        known = set(
            connection.execute(
                select(checks.c.candidate).where(mine, checks.c.candidate.in_(asked))
            ).scalars()
        )
        new = [row for row in rows if row[0] not in known]
        tried = tried_before + len(new)
        if new and limit is not None and tried > limit:
            wait = max(1, int(seconds_of(oldest or at) - seconds_of(since)))
            raise TooManyCandidates(
                f"this account has checked {self._per_hour} candidates for duplicates within an "
                "hour, which is the limit",
                hint="go on later, or ask the administrator what the work needs",
                limit=self._per_hour,
                retryAfterSeconds=wait,
            )
        if new:
            connection.execute(
                insert(checks),
                [
                    {"account": account, "at": at, "candidate": whole, "near": near or None}
                    for whole, near in new
                ],
            )
        groups = list({near for _, near in rows if near})
        found = connection.execute(
            select(func.count()).where(mine, checks.c.near.in_(groups)).group_by(checks.c.near)
        ).scalars()
        told = {"candidates": tried, "near": max(found, default=0)}
        return told if limit is None else {**told, "limit": limit}

    def _hash(self, account: str, item: str, text: str) -> str:
        message = f"{account}\n{item}\n{text}".encode()
        return hmac.digest(self._key, message, "sha256")[:16].hex()
