"""Keys of people: a random salt for each person, from which the person's key is derived (F10).

The table is the only place of the salts. To erase a person the salt is overwritten: with it goes
what the person's envelopes can be opened with, in this store and in every copy of the envelopes. A
backup of this table brings salts back; the manual says how to handle it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

import orjson
from sqlalchemy import Connection, LargeBinary, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from regions.errors import PersonErased
from regions.metadata import ID, internal, regional
from regions.statements import Prepared
from regions.suites import SALT_BYTES
from regions.text import among

__all__ = [
    "ERASED",
    "MISSING",
    "ensure_salts",
    "new_salt",
    "person_keys",
    "salts_for",
    "salts_of",
]

ERASED = b"\xff" * SALT_BYTES
"""In place of the salt of an erased person."""

MISSING = b"\x00" * SALT_BYTES
"""What is read where a person has no salt: registered by an epigate that made none."""

person_keys = Table(
    "person_keys",
    regional,
    internal("person_id", ID, primary_key=True, autoincrement=False),
    internal("salt", LargeBinary()),
    internal("erased_at", nullable=True),
)

_AT_ONCE = 5_000
_SALTS = Prepared(
    select(person_keys.c.person_id, person_keys.c.salt).where(
        among(person_keys.c.person_id, bindparam("ids"))
    )
)
_MAKE = Prepared(
    # Another transaction may make them at the same time: then those count.
    lambda dialect: (
        (sqlite if dialect == "sqlite" else postgresql)
        .insert(person_keys)
        .values(person_id=bindparam("person_id"), salt=bindparam("salt"))
        .on_conflict_do_nothing()
    )
)


def new_salt() -> bytes:
    """A salt for a new person."""
    return os.urandom(SALT_BYTES)


def salts_of(connection: Connection, people: Iterable[int]) -> dict[int, bytes]:
    """The salts of people by id; those without one are left out."""
    wanted = sorted(set(people))
    found: dict[int, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        ids = orjson.dumps(wanted[start : start + _AT_ONCE]).decode()
        for person, salt in _SALTS.run(connection, ids=ids).all():
            found[person] = bytes(salt)
    return found


def salts_for(connection: Connection, people: Collection[int]) -> dict[int, bytes]:
    """The salts of people who are to get something sealed, made for those who have none.

    Raises PersonErased.
    """
    found = ensure_salts(connection, people)
    if ERASED in found.values():
        raise PersonErased(
            "this person was erased: nothing private can be kept of the person any more",
            hint="register the person anew",
        )
    return found


def ensure_salts(connection: Connection, people: Collection[int]) -> dict[int, bytes]:
    """The salts of people, made for those who have none; of erased ones it is ERASED."""
    found = salts_of(connection, people)
    missing = sorted(set(people) - {*found})
    if missing:
        rows = [{"person_id": person, "salt": new_salt()} for person in missing]
        _MAKE.run_all(connection, rows)
        found |= salts_of(connection, missing)
    return found
