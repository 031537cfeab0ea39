"""Registering tells whether a person is known, as a duplicate check does: counted, too (F2)."""

from __future__ import annotations

from collections.abc import Iterable

from resolvers.context import Context
from resolvers.writing.people import NewPerson

__all__ = ["note_registered"]


async def note_registered(context: Context, people: Iterable[object]) -> None:
    """Counts the ID numbers of new people, so that numbers tried one by one raise an alarm."""
    limit = context.answering.duplicates
    numbers = [
        str(one.items["id_number"])
        for one in people
        if isinstance(one, NewPerson) and one.items.get("id_number")
    ]
    if limit is not None and numbers:
        found = await limit.note(context.signed_in().account, numbers)
        context.question.trail.note_probe(found)
