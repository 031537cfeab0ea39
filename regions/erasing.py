"""Erasing a person in one store: the salt, every envelope, every blind index (F10).

What is left is structure: rows, dates, codes, relations, counts, and an envelope of one byte that
reads as null. The salt is overwritten in the same transaction, so that copies of the envelopes in
backups, replicas and files not yet vacuumed cannot be opened either.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from sqlalchemy import ColumnElement, Connection, Table, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from regions.people import INDEX_SETS, people
from regions.person_keys import ERASED, person_keys
from regions.resealing import sealed_tables
from regions.sealing import ERASED_ENVELOPE

__all__ = ["erase_person", "numbers_of", "on_record", "others_of", "same_number"]

_GONE = "erased"  # in place of the keyed hash of a loaded row: the row counts as changed then


def numbers_of(connection: Connection, person: int) -> frozenset[str] | None:
    """The blind indexes of a person's ID number; None where there is no such person."""
    columns = [people.c[names[0]] for names in INDEX_SETS]
    row = connection.execute(select(*columns).where(people.c.id == person)).first()
    return None if row is None else frozenset(index for index in row if index is not None)


def others_of(connection: Connection, person: int) -> frozenset[str]:
    """The blind indexes of a person's telephone, and of name and birth date."""
    columns = [people.c[name] for names in INDEX_SETS for name in names[1:]]
    row = connection.execute(select(*columns).where(people.c.id == person)).first()
    return frozenset(index for index in row or () if index is not None)


def same_number(connection: Connection, indexes: Iterable[str]) -> list[int]:
    """The people of a store with one of these indexes of an ID number."""
    wanted = sorted(indexes)
    either = or_(*(people.c[names[0]].in_(wanted) for names in INDEX_SETS))
    return list(connection.execute(select(people.c.id).where(either)).scalars()) if wanted else []


def on_record(connection: Connection, persons: Iterable[int]) -> list[int]:
    """Those of some people of whom the store keeps anything: a person who was handed over, or
    offered, is on record under one id in several stores.
    """
    wanted = sorted(set(persons))
    found: set[int] = set()
    for table in (person_keys, *sealed_tables(of_regions=True)):
        whose = _person_of(table)
        some = select(whose).where(whose.in_(wanted)).distinct()
        found |= set(connection.execute(some).scalars())
    return [person for person in wanted if person in found]


def erase_person(connection: Connection, person: int, at: str) -> int:
    """Erases a person; how many envelopes were there. Done again, it changes nothing more."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    gone = {"salt": ERASED, "erased_at": at}
    connection.execute(
        dialect.insert(person_keys)
        .values(person_id=person, **gone)
        .on_conflict_do_update(
            index_elements=["person_id"], set_=gone, where=person_keys.c.erased_at.is_(None)
        )
    )
    count = 0
    for table in sealed_tables(of_regions=True):
        whose = _person_of(table)
        done = connection.execute(
            update(table)
            .where(whose == person, table.c.sealed.is_not(None), table.c.sealed != ERASED_ENVELOPE)
            .values(sealed=ERASED_ENVELOPE)
        )
        count += done.rowcount
        if "source_hash" in table.c:
            hashed = table.c.source_hash.is_not(None)
            connection.execute(
                update(table).where(whose == person, hashed).values(source_hash=_GONE)
            )
    none = dict.fromkeys(chain.from_iterable(INDEX_SETS))
    connection.execute(update(people).where(people.c.id == person).values(none))
    return count


def _person_of(table: Table) -> ColumnElement[int]:
    return table.c.id if table is people else table.c.person_id
