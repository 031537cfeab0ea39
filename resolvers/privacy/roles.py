"""The national privacy roles: fixed sets of items, one for each type of record (F4, L503 3.3).

The letter's own roles reveal what their report card needs and no more; so do these. What a person's
record shows (`person { name }`) needs the roles of cases and of contacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["NATIONAL_ROLES", "NationalRole", "grant_parts", "roles_that_show"]

_PERSON = ("NAME", "SEX", "AGE", "BIRTH_DATE", "ID_NUMBER", "PHONE")
_WORK = ("EMPLOYER", "EMPLOYER_LOCATION")
_PLACE = ("RESIDENCE", "WHEREABOUTS")


@dataclass(frozen=True, slots=True)
class NationalRole:
    """A privacy role: of one type of record, the items it reveals."""

    id: str
    name: str
    name_zh: str
    record_type: str  # a RecordType
    items: tuple[str, ...]  # PrivateItems


NATIONAL_ROLES: Mapping[str, NationalRole] = {
    role.id: role
    for role in (
        NationalRole(
            "case",
            "Privacy role for cases",
            "病例隐私角色",
            "CASE",
            (*_PERSON, *_WORK, *_PLACE, "GUARDIAN", "REMARKS"),
        ),
        NationalRole(
            "contact",
            "Privacy role for contacts",
            "密切接触者隐私角色",
            "CONTACT",
            (*_PERSON, *_WORK, *_PLACE, "GUARDIAN", "SEAT", "REMARKS"),
        ),
        NationalRole(
            "assist-letter",
            "Privacy role for assist letters",
            "协查函隐私角色",
            "ASSIST_REQUEST",
            ("NAME", "SEX", "AGE", "ID_NUMBER", "PHONE", *_PLACE, "SEAT", "REMARKS"),
        ),
        NationalRole(
            "visit",
            "Privacy role for health visits",
            "随访隐私角色",
            "VISIT",
            ("NAME", "SEX", "AGE", "PHONE", *_PLACE, "REMARKS"),
        ),
        NationalRole(
            "laboratory-result",
            "Privacy role for laboratory results",
            "检测结果隐私角色",
            "SAMPLE",
            ("NAME", "SEX", "AGE", "ID_NUMBER", "REMARKS"),
        ),
        NationalRole(
            "transfer",
            "Privacy role for transfers",
            "转运隐私角色",
            "TRANSFER",
            ("NAME", "SEX", "AGE", "ID_NUMBER", "PHONE", *_PLACE, "GUARDIAN", "SEAT", "REMARKS"),
        ),
    )
}
"""By id."""


def roles_that_show(record_types: frozenset[str], item: str) -> tuple[NationalRole, ...]:
    """The national roles that are needed, all of them, to see an item of a record of these types;
    none where no set of national roles shows it.
    """
    found = [role for role in NATIONAL_ROLES.values() if role.record_type in record_types]
    return tuple(found) if all(item in role.items for role in found) else ()


def grant_parts(
    asked: Iterable[tuple[str, Iterable[str]]],
) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """(types, items) of the grants that together show just what was asked, (type, items) each.

    A record under several types opens to one grant that names them all. So items asked of the same
    types stand in one grant: no item is shown of a type it was not asked of, and what was asked of
    both cases and contacts is shown of their persons.
    """
    types_of: dict[str, set[str]] = {}
    for record_type, items in asked:
        for item in items:
            types_of.setdefault(item, set()).add(record_type)
    items_of: dict[frozenset[str], set[str]] = {}
    for item, types in types_of.items():
        items_of.setdefault(frozenset(types), set()).add(item)
    return tuple(
        (types, frozenset(items))
        for types, items in sorted(items_of.items(), key=lambda part: sorted(part[0]))
    )
