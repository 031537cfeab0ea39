"""The fence of a store that was put back from an older backup (D).

It stands in the store itself, as a row: every process that works with the store sees it in the
transaction of its step, and it outlasts whoever put it up. A backup that was taken behind a fence
comes back behind it.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from regions.errors import StoreRestored
from regions.ids import leap
from regions.statements import Prepared
from regions.transfers import store_fences

__all__ = [
    "Fence",
    "fence",
    "fences",
    "fences_of_file",
    "is_fenced",
    "lift",
    "require_whole",
    "standing",
]

_OPEN = select(store_fences.c.token).where(store_fences.c.mended_at.is_(None))
_ANY = Prepared(_OPEN.limit(1))


@dataclass(frozen=True, slots=True)
class Fence:
    """A restore that was found, at which instant, and whether it is mended."""

    token: str
    found_at: str
    mended: bool


def fence(connection: Connection, region: str, at: str, file: str | None = None) -> list[str]:
    """Puts up a fence unless there is one; the tokens of those that stand. `file` is the one that
    the store is in by now, so that whoever else finds another one there than before knows.

    No id that the store has given since its backup is given again.
    """
    tokens = standing(connection)
    if not tokens:
        tokens = [os.urandom(8).hex()]
        made = insert(store_fences).values(token=tokens[0], found_at=at, file=file)
        connection.execute(made)
        leap(connection, region)
    elif file is not None:
        known = store_fences.c.token.in_(tokens)
        connection.execute(update(store_fences).where(known).values(file=file))
    return tokens


def standing(connection: Connection) -> list[str]:
    """The tokens of the fences that stand."""
    return list(connection.execute(_OPEN).scalars())


def fences_of_file(connection: Connection, file: str) -> bool:
    """Whether a fence was ever put up in the store since it is in this file."""
    row = connection.execute(
        select(store_fences.c.token).where(store_fences.c.file == file).limit(1)
    )
    return row.first() is not None


def fences(connection: Connection) -> list[Fence]:
    """All that ever stood, oldest first."""
    rows = connection.execute(select(store_fences).order_by(store_fences.c.found_at))
    return [Fence(row.token, row.found_at, row.mended_at is not None) for row in rows]


def is_fenced(connection: Connection) -> bool:
    """Whether the store takes no step of custody now."""
    return _ANY.run(connection).first() is not None


def lift(connection: Connection, tokens: Collection[str], at: str) -> None:
    """Takes fences away: the store is mended. One put up meanwhile stays."""
    connection.execute(
        update(store_fences).where(store_fences.c.token.in_(tokens)).values(mended_at=at)
    )


def require_whole(connection: Connection, region: str) -> None:
    """Raises StoreRestored where the store is fenced."""
    if is_fenced(connection):
        raise StoreRestored(
            f"the store {region} was put back from an older backup and is not yet mended; nothing "
            "was changed",
            hint="try again: it is mended as soon as all regions answer (`epigate custody mend`)",
            store=region,
        )
