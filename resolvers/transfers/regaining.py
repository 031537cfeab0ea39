"""Cards of cases that a store corrected, and has lost the correction of: their copies have it.

Whoever answers for a person has a copy of the card and every correction of it (`cards`). Only the
card's own store makes newer versions of it, so a copy that is newer says that the card is behind.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from regions.cases import cases
from regions.text import among
from regions.transfers import custody
from resolvers.transfers.dossier import Dossier, gather_card
from resolvers.transfers.ledger import ids_array
from resolvers.transfers.storing import take_back_card
from resolvers.writing.stores import Store

__all__ = ["copies", "dossiers", "newer", "take_back"]

_AT_ONCE = 2_000  # people looked through at once

Copy = tuple[int, int, int]
"""A case, its person, and the version of the card."""


def copies(connection: Connection, home: str, after: int) -> tuple[list[Copy], int | None]:
    """The copies of a region's cards here, of people behind an id whom ever a transfer was about;
    the last of these people, None where there were no more.
    """
    c = custody.c
    query = select(c.person_id).where(c.person_id > after).order_by(c.person_id).limit(_AT_ONCE)
    persons = list(connection.scalars(query))
    if not persons:
        return [], None
    rows = connection.execute(
        select(cases.c.id, cases.c.person_id, cases.c.version).where(
            among(cases.c.person_id, ids_array(persons)), cases.c.kept_in == home
        )
    )
    return [(row.id, row.person_id, row.version) for row in rows], persons[-1]


def newer(connection: Connection, found: Sequence[Copy]) -> list[Copy]:
    """Those of some copies that are newer than the cards here."""
    if not found:
        return []
    rows = connection.execute(
        select(cases.c.id, cases.c.version).where(
            among(cases.c.id, ids_array(case for case, _, _ in found)), cases.c.kept_in.is_(None)
        )
    )
    versions = {row.id: row.version for row in rows}
    return [one for one in found if one[2] > versions.get(one[0], one[2])]


def dossiers(connection: Connection, store: Store, found: Sequence[Copy]) -> list[Dossier]:
    """What this store's copies say, with their history. Raises EnvelopeError."""
    return [gather_card(connection, store, case, person) for case, person, _ in found]


def take_back(connection: Connection, store: Store, given: Sequence[Dossier]) -> int:
    """Makes cards of this store what their copies are; how many were behind."""
    return sum(take_back_card(connection, store, one) for one in given)
