"""A transfer within one store: from county to county, nothing is copied."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, update

from regions.contacts import contacts, samples, visits
from regions.people import people
from regions.text import among
from resolvers.pathway.storing import Who as PathwayWho
from resolvers.pathway.storing import accept_transfer, store_pathway
from resolvers.transfers.ledger import ids_array
from resolvers.transfers.pathways import gather_pathways
from resolvers.transfers.terms import Who

__all__ = ["move_here", "take_pathways"]


def move_here(connection: Connection, persons: Collection[int], who: Who, at: str) -> None:
    """Makes the accepting account and unit the direct reporters of people and of their records; the
    cards of cases stay with the institutions that reported them (B8).
    """
    if not persons:
        return
    ids = ids_array(persons)
    theirs = {"code": who.code, "reporter": who.account, "reporter_unit": who.unit_id}
    for table in (people, contacts, visits, samples):
        whose = table.c.id if table is people else table.c.person_id
        connection.execute(update(table).where(among(whose, ids)).values(theirs))
    take_pathways(connection, gather_pathways(connection, persons), who, at)


def take_pathways(
    connection: Connection, rows: dict[str, list[dict[str, object]]], who: Who, at: str
) -> None:
    """Takes pathways over: what is due from now on is the accepting unit's."""
    if not rows["pathways"]:
        return
    store_pathway(connection, rows, code=who.code, unit_id=who.unit_id)
    moved = PathwayWho(who.account, who.unit_id, at)
    for person in sorted({int(str(row["person_id"])) for row in rows["pathways"]}):
        accept_transfer(connection, person, at, moved)
