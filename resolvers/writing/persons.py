"""Who a new record is about: a person to register, or one on record in the region already."""

from __future__ import annotations

from collections.abc import Sequence

from regions.ids import region_of
from resolvers.nodes import parse_id
from resolvers.writing.people import NewPerson, new_person
from resolvers.writing.refusing import Mistakes
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing
from schema.writing.cases import RegisterCaseInput
from schema.writing.contacts import ContactInput

__all__ = ["note_stranger", "person_of"]


def person_of(
    given: RegisterCaseInput | ContactInput,
    writing: Writing,
    mistakes: Mistakes,
    path: Sequence[str],
) -> NewPerson | int | None:
    """The person to register, or the number of one on record; None with a mistake."""
    if (given.person is None) == (given.person_id is None):
        mistakes.add(
            [*path, "person"],
            "give either person or personId",
            "person 与 personId 须填写且只填写其一",
        )
        return None
    if given.person is not None:
        below = [*path, "person"]
        return new_person(given.person, writing.stores.indexer, mistakes, below, writing.moment)
    record, number = parse_id(given.person_id or "")
    if record is None or record.kind != "person":
        mistakes.add([*path, "personId"], "this is not the id of a person", "这不是人员的编号")
        return None
    return number


def note_stranger(person: int, store: Store, mistakes: Mistakes, path: Sequence[str]) -> None:
    """Adds a mistake for a person of another region's id whom the region has not on record.

    Persons are handed over under their ids: the id alone does not tell.
    """
    if region_of(person) != store.settings.code:
        mistakes.add(
            [*path, "personId"],
            "this person is on record in another region: give the person's data",
            "该人员登记在其他地区：请填写人员信息",
        )
