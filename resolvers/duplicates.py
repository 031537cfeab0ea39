"""The duplicate check's limits: it says whether a person is on record, so it must not be tried out
(F2, B13, leak channel 17).

An account has so many different candidates an hour, over all workers. What was tried is kept for
that hour as keyed hashes of its own, which match nothing else in any store. Before hashing, the
last digits are cut off a number, and the birth date is left out beside a name: candidates that
have the rest in common, in whatever order they came, are somebody trying numbers one by one.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, insert, select

from regions.alarms import duplicate_checks as checks
from regions.blind_index import normal_id_number, normal_name, normal_phone
from regions.errors import TooManyCandidates
from regions.instants import instant, now, seconds_of
from regions.statements import Statement, text_value
from regions.text import among_texts
from resolvers.central import Central

__all__ = ["Candidate", "DuplicateLimit", "near_parts"]

_SECONDS = 3_600
_LAST_OF_ID = 4  # digits: the sequence number within an area and a day, and the checksum
_LAST_OF_PHONE = 3
_REGISTERED = "\nregistered"  # no login name holds a line feed
_SHORTEST = 6  # characters that must be left

_MINE = (checks.c.account == text_value("account"), checks.c.at > text_value("since"))
_TRIED = Statement(select(func.count(), func.min(checks.c.at)).where(*_MINE), "sqlite")
_KNOWN = Statement(
    select(checks.c.candidate).where(
        *_MINE, among_texts(checks.c.candidate, text_value("candidates"))
    ),
    "sqlite",
)
_NEAR = Statement(
    select(checks.c.near, func.count())
    .where(*_MINE, among_texts(checks.c.near, text_value("near")))
    .group_by(checks.c.near),
    "sqlite",
)
_FORGET = Statement(delete(checks).where(checks.c.at <= text_value("since")), "sqlite")
_NOTE = Statement(
    insert(checks).values(
        {name: bindparam(name, None) for name in ("account", "at", "candidate", "near")}
    ),
    "sqlite",
)


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
        return await self._count(account, rows, self._per_hour)

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
        return await self._count(subject, rows, None)

    def told(self, tried: int) -> Mapping[str, int]:
        """What the access log tells where a candidate was refused."""
        return {"candidates": tried, "limit": self._per_hour, "near": 0}

    async def _count(
        self, account: str, rows: Sequence[tuple[str, str]], limit: int | None
    ) -> dict[str, int]:
        tally = _Tally(account, rows, self._clock(), limit)
        return await self._central.together(tally.note, tally.look)

    def _hash(self, account: str, item: str, text: str) -> str:
        message = f"{account}\n{item}\n{text}".encode()
        return hmac.digest(self._key, message, "sha256")[:16].hex()


class _Tally:
    """What one question counts: (hash of a candidate, hash of what is near to it, or "") each."""

    def __init__(
        self, account: str, rows: Sequence[tuple[str, str]], at: str, limit: int | None
    ) -> None:
        self._rows, self._limit = rows, limit
        self._since = instant(seconds_of(at) - _SECONDS)
        self._values = {
            "account": account,
            "at": at,
            "since": self._since,
            "candidates": orjson.dumps([whole for whole, _ in rows]).decode(),
            "near": orjson.dumps(list({near for _, near in rows if near})).decode(),
        }

    def look(self, store: sqlite3.Connection) -> dict[str, int] | None:
        """What is told where none is new, so that nothing has to be written."""
        if self._new(store):
            return None
        tried, _ = self._read(store, _TRIED)[0]
        return self._told(tried, [number for _, number in self._read(store, _NEAR)])

    def note(self, store: sqlite3.Connection) -> dict[str, int]:
        """Counts what is new, in a transaction begun as a writer. Raises TooManyCandidates."""
        new = self._new(store)
        tried_before, oldest = self._read(store, _TRIED)[0]
        tried = tried_before + len(new)
        if new and self._limit is not None and tried > self._limit:
            raise self._refused(self._limit, oldest)
        self._read(store, _FORGET)
        account, at = self._values["account"], self._values["at"]
        values = [
            {"account": account, "at": at, "candidate": whole, "near": near or None}
            for whole, near in new
        ]
        store.executemany(_NOTE.sql, [_NOTE.bind(one) for one in values])
        return self._told(tried, [number for _, number in self._read(store, _NEAR)])

    def _new(self, store: sqlite3.Connection) -> list[tuple[str, str]]:
        known = {candidate for (candidate,) in self._read(store, _KNOWN)}
        return [row for row in self._rows if row[0] not in known]

    def _read(self, store: sqlite3.Connection, statement: Statement) -> list[Any]:
        return store.execute(statement.sql, statement.bind(self._values)).fetchall()

    def _told(self, tried: int, near: Sequence[int]) -> dict[str, int]:
        told = {"candidates": tried, "near": max(near, default=0)}
        return told if self._limit is None else {**told, "limit": self._limit}

    def _refused(self, limit: int, oldest: str | None) -> TooManyCandidates:
        now = seconds_of(self._values["at"])
        wait = max(1, int(seconds_of(oldest) + _SECONDS - now if oldest else _SECONDS))
        return TooManyCandidates(
            f"this account has checked {limit} candidates for duplicates within an "
            "hour, which is the limit",
            hint="go on later, or ask the administrator what the work needs",
            limit=limit,
            retryAfterSeconds=wait,
        )
