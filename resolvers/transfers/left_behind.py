"""What is left in a store of people who are not there, or not any more."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from sqlalchemy import Connection, Table, bindparam, delete, select, update

from regions.ids import region_of
from regions.people import people
from regions.statements import Prepared
from regions.text import among
from regions.transfers import transfer_people
from regions.writes import Writer, Writes
from resolvers.transfers.dossier import KEPT, PREVIEW, whose_is
from resolvers.transfers.ledger import array, ids_array

__all__ = ["come_back", "drop_preview", "known_before", "leave_behind"]


def known_before(connection: Connection, region: str, persons: Collection[int]) -> set[int]:
    """Those of some people who were this region's before: made here, or handed over to or by it."""
    handed = _HANDED.run(connection, ids=array(persons)).scalars()
    return {person for person in persons if region_of(person) == region} | set(handed)


# A store that was put back may know that it had somebody, and have nothing of it.
_HANDED = Prepared(
    select(transfer_people.c.person_id)
    .join(people, people.c.id == transfer_people.c.person_id)
    .where(
        among(transfer_people.c.person_id, bindparam("ids")),
        transfer_people.c.outcome == "HANDED",
        people.c.reporter.is_not(None),  # of a preview it is null
    )
)


def drop_preview(connection: Connection, region: str, persons: Collection[int]) -> None:
    """Deletes what came along with an offer that was refused or taken back. The rows of people who
    were here before are evidence, and stay.
    """
    gone = set(persons) - known_before(connection, region, persons) if persons else None
    if not gone:
        return
    ids = ids_array(gone)
    for table in reversed(PREVIEW):
        where = [among(whose_is(table), ids)]
        if "kept_in" in table.c:
            where.append(table.c.kept_in.is_not(None))
        connection.execute(delete(table).where(*where))


def leave_behind(connection: Writer, persons: Collection[int], receiver: str) -> None:
    """Says of the rows left here where the living ones are now."""
    ids = array(persons)
    for table in KEPT:
        _keep(table).write(connection, ids=ids, region=receiver)


@cache
def _keep(table: Table) -> Prepared:
    whose = among(whose_is(table), bindparam("ids"))
    # A row is written anew, indexes and all, even where nothing of it changes.
    changes = table.c.kept_in.is_distinct_from(bindparam("region"))
    return Prepared(update(table).where(whose, changes).values(kept_in=bindparam("region")))


def come_back(connection: Connection, persons: Collection[int]) -> None:
    """Says that the living rows are here after all: the receiver has lost what it was given."""
    if persons:
        with Writes(connection) as writes:
            for table in KEPT:
                _keep(table).write(writes, ids=array(persons), region=None)
