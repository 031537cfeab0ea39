"""Sealing the records of people in one transaction: each under the key of the person it is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.person_keys import new_salt, person_keys, salts_for, salts_of
from regions.sealing import Items, PersonSealer, Sealer

__all__ = ["SALT_COLUMNS", "PeopleSealers"]

SALT_COLUMNS = ("person_id", "salt")


class PeopleSealers:
    """What seals each person's records. The salts of new people are written by `write`."""

    def __init__(self, connection: Connection, sealer: Sealer, known: Iterable[int] = ()) -> None:
        """`known` are people on record whose salts are read at once."""
        self._connection, self._sealer = connection, sealer
        self._salts = salts_of(connection, known)
        self._new: list[tuple[Any, ...]] = []
        self._made: dict[int, PersonSealer] = {}

    def new(self, person: int) -> PersonSealer:
        """What seals the records of a person who is registered now."""
        salt = new_salt()
        self._new.append((person, salt))
        made = self._made[person] = self._sealer.person(salt)
        return made

    def of(self, person: int) -> PersonSealer:
        """What seals the records of a person. Raises PersonErased."""
        made = self._made.get(person)
        if made is None:
            salt = self._salts.get(person)
            if salt is None or not self._sealer.usable(salt):
                salt = salts_for(self._connection, [person])[person]
            made = self._made[person] = self._sealer.person(salt)
        return made

    def seal(self, person: int, table: str, record_id: int, items: Items) -> bytes:
        """The envelope of a record of a person. Raises PersonErased."""
        return self.of(person).seal(table, record_id, items)

    def write(self) -> None:
        """Writes the salts of new people."""
        insert_rows(self._connection, person_keys, SALT_COLUMNS, self._new)
        self._new = []
