"""What the tests need to open envelopes: the salts of a store's people."""

from __future__ import annotations

from sqlalchemy import Connection, select

from regions.person_keys import person_keys
from regions.settings import RegionSettings
from tests.stores import in_store

__all__ = ["all_salts"]


def all_salts(settings: RegionSettings) -> dict[int, bytes]:
    """The salts of everybody in a store, by id of the person."""

    def read(connection: Connection) -> dict[int, bytes]:
        rows = connection.execute(select(person_keys.c.person_id, person_keys.c.salt))
        return {person: bytes(salt) for person, salt in rows}

    return in_store(settings, read)
