"""New records of people who are on record already, and what they would show of them.

A record shows its person's items to its reporter, and to who holds a right to records of its
county. So whoever links a record to somebody, or moves one to another county, could give himself a
view of items that were masked for him. That is refused.
"""

from __future__ import annotations

from collections.abc import Collection

import orjson
from sqlalchemy import BindParameter, Connection, literal, select

from regions.cases import cases
from regions.contacts import contacts
from regions.people import people
from regions.person_keys import person_keys
from regions.text import among
from resolvers.catalog import RECORDS
from resolvers.privacy import rules
from resolvers.questions.question import Question
from resolvers.questions.rows import scope_condition
from resolvers.transfers.custodians import not_custodian, not_custodians
from resolvers.users import Viewer
from resolvers.writing.refusing import ERASED_PERSON, Refusal, forbidden, not_found

__all__ = ["Join", "joined_people", "shown"]

Join = tuple[int, str, str]
"""A person's id, the type of the new record (`Case`), its county."""


def shown(viewer: Viewer, name: str, code: str, reporter: str | None) -> frozenset[str]:
    """The private items that a record of this type, county and reporter shows to the viewer."""
    return frozenset().union(
        *(rule.items for rule in rules(viewer, RECORDS[name]) if rule.holds(code, reporter))
    )


def joined_people(
    connection: Connection, question: Question, region: int, joins: Collection[Join]
) -> dict[Join, Refusal]:
    """The joins that cannot be made, and why. Of a few statements, however many there are."""
    if not joins:
        return {}
    viewer = question.viewer
    ids = _array({number for number, _, _ in joins})
    found = {
        row.id: row
        for row in connection.execute(
            select(people.c.id, people.c.code, people.c.reporter).where(
                among(people.c.id, ids), *scope_condition(question, people, region)
            )
        )
    }
    refused = {join: not_found("personId") for join in joins if join[0] not in found}
    erased = select(person_keys.c.person_id).where(
        among(person_keys.c.person_id, ids), person_keys.c.erased_at.is_not(None)
    )
    gone = set(connection.execute(erased).scalars())
    refused |= {join: forbidden(*ERASED_PERSON) for join in joins if join[0] in gone & {*found}}
    here = question.federation.regions[region].code
    away = not_custodians(connection, here, [*found])
    refused |= {join: not_custodian(away[join[0]]) for join in joins if join[0] in away}
    more: dict[
        Join, frozenset[str]
    ] = {}  # what a join would show that the person's record does not
    for join in joins:
        number, name, code = join
        if number in found:
            row = found[number]
            new = shown(viewer, name, code, viewer.account)
            if beyond := new - shown(viewer, "Person", row.code, row.reporter):
                more[join] = beyond
    if more:
        seen = _seen_already(connection, question, region, {number for number, _, _ in more})
        for join, beyond in more.items():
            if not beyond <= seen[join[0]]:
                refused[join] = forbidden(
                    "this person's record is masked for you, and the new record would show it: "
                    "give the person's data instead of personId",
                    "该人员信息对您掩码，不能由 personId 关联：请改填人员信息",
                )
    return refused


def _array(numbers: Collection[int]) -> BindParameter[str]:
    return literal(orjson.dumps(sorted(numbers)).decode())


def _seen_already(
    connection: Connection, question: Question, region: int, wanted: Collection[int]
) -> dict[int, frozenset[str]]:
    """The items of people that their records show to the viewer now."""
    ids = _array(wanted)
    seen: dict[int, frozenset[str]] = dict.fromkeys(wanted, frozenset())
    for name, table in (("Case", cases), ("Contact", contacts)):
        rows = connection.execute(
            select(table.c.person_id, table.c.code, table.c.reporter).where(
                among(table.c.person_id, ids), *scope_condition(question, table, region)
            )
        )
        for row in rows:
            seen[row.person_id] |= shown(question.viewer, name, row.code, row.reporter)
    return seen
