"""What an officer writes of a letter: its index case and its people, from an input or on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, select

from regions.assist import assist_people
from regions.cases import cases
from regions.contacts import contacts
from regions.people import people
from resolvers.assist.routing import county_of, route
from resolvers.assist.rows import Copy, Ids, Who, write_people
from resolvers.assist.states import OPEN, State
from resolvers.privacy.roles import NATIONAL_ROLES
from resolvers.questions.rows import scope_condition
from resolvers.reference import diseases
from resolvers.writing.envelopes import opened
from resolvers.writing.linking import read_link
from resolvers.writing.people import PERSON_READERS, new_person
from resolvers.writing.refusing import Mistakes, not_found
from resolvers.writing.stores import Store
from resolvers.writing.values import NO_DISEASE, is_given, item
from resolvers.writing.writing import Writing
from schema.people import PersonInput
from schema.writing.assist import AssistCaseInput, AssistPersonInput

__all__ = [
    "Drafted",
    "add_people",
    "case_columns",
    "case_items",
    "changed_items",
    "names_of",
    "own_items",
    "read_person",
    "shared_names",
    "take_case",
    "take_contacts",
    "whereabouts",
]

_LONGEST = {"place": 500, "seat": 100, "remarks": 2000}
_MOST_ITEMS = NATIONAL_ROLES["assist-letter"].items


@dataclass(slots=True)
class Drafted:
    """A person of a letter before it is written: columns, sealed items, the issuer's contact."""

    columns: dict[str, Any]
    items: dict[str, Any]
    contact: int | None = None
    person_id: int | None = None
    reporter: str | None = None  # of the record the data come from: whoever wrote it sees it
    given: frozenset[str] = field(default_factory=frozenset)  # columns that were given


def names_of(values: Iterable[Any]) -> str:
    """Enums as a JSON array of their names, each once."""
    return orjson.dumps([one.name for one in dict.fromkeys(values)]).decode()


def shared_names(values: Iterable[Any] | None) -> str:
    """What the letter lets be seen: what was given, else what the national role shows."""
    if values is None:
        return orjson.dumps(sorted(_MOST_ITEMS)).decode()
    return orjson.dumps(sorted({one.name for one in values})).decode()


def read_person(
    given: AssistPersonInput, writing: Writing, mistakes: Mistakes, path: Sequence[str]
) -> Drafted:
    """A person of an input. What is wrong is added to the mistakes."""
    if (given.person is None) == (given.contact is None):
        text, text_zh = "give either person or contact", "person 与 contact 须填写且只填写其一"
        mistakes.add([*path, "person"], text, text_zh)
    items: dict[str, Any] = {}
    if given.person is not None:
        indexer, below = writing.stores.indexer, [*path, "person"]
        items |= new_person(given.person, indexer, mistakes, below, writing.moment).items
    items |= own_items(given, mistakes, path)
    columns = {
        "level": given.level.name if given.level else None,
        "manner": names_of(given.manner) if given.manner is not None else None,
        "last_contact_on": given.last_contact_on,
        "whereabouts_code": whereabouts(given.whereabouts_code, writing),
    }
    if given.last_contact_on is not None and given.last_contact_on > writing.moment.today:
        text, text_zh = "this day lies in the future", "该日期在将来"
        mistakes.add([*path, "lastContactOn"], text, text_zh)
    contact = read_link(given.contact, "contact", mistakes, [*path, "contact"])
    there = frozenset(name for name, value in columns.items() if value is not None)
    reporter = writing.viewer.account if given.person is not None else None
    return Drafted(columns, items, contact, None, reporter, there)


def whereabouts(code: str | None, writing: Writing) -> str | None:
    """The county that a code of 6 to 12 digits leads to; where that is not certain, the county it
    says: whoever sends the letter is asked then.
    """
    if code is None:
        return None
    way = route(code, writing.question.federation.regions, sender=writing.viewer.code)
    return county_of(way) or code[:6]


def own_items(given: Any, mistakes: Mistakes, path: Sequence[str]) -> dict[str, str]:
    """The items of a person of a letter that are not the person's own, as far as given."""
    found = {}
    for name, longest in _LONGEST.items():
        value = item(getattr(given, name), mistakes, [*path, name], longest)
        if value is not None:
            found[name] = value
    return found


def changed_items(
    given: PersonInput, writing: Writing, mistakes: Mistakes, path: Sequence[str]
) -> dict[str, Any]:
    """The items of a person that a change gives anew; the mask says nothing (F12)."""
    found: dict[str, Any] = {}
    for name, read in PERSON_READERS.items():
        value = getattr(given, name)
        if is_given(value):
            head, *rest = name.split("_")
            camel = head + "".join(part.capitalize() for part in rest)
            found[name] = read(value, mistakes, [*path, camel], writing.moment)
    return {name: value for name, value in found.items() if value is not None}


def case_columns(given: AssistCaseInput, writing: Writing, mistakes: Mistakes) -> dict[str, Any]:
    """The public columns of the index case, as far as given."""
    found: dict[str, Any] = {}
    if given.disease is not None:
        if given.disease not in diseases():
            mistakes.add(["case", "disease"], *NO_DISEASE)
        found["disease"] = str(given.disease)
    number = read_link(given.case_id, "case", mistakes, ["case", "caseId"])
    if number is not None:
        found["case_id"] = number
    if given.classification is not None:
        found["case_classification"] = given.classification.name
    if given.onset_on is not None:
        found["case_onset_on"] = given.onset_on
        if given.onset_on > writing.moment.today:
            text, text_zh = "this day lies in the future", "该日期在将来"
            mistakes.add(["case", "onsetOn"], text, text_zh)
    return found


def case_items(given: AssistCaseInput, writing: Writing, mistakes: Mistakes) -> dict[str, Any]:
    """The private items of the index case's stub, as far as given."""
    found = {}
    for name in ("name", "sex", "age", "phone"):
        value = getattr(given, name)
        if is_given(value):
            read = PERSON_READERS[name]
            told = read(value, mistakes, ["case", name], writing.moment)
            if told is not None:
                found[f"case_{name}"] = told
    return found


def take_case(
    connection: Connection, writing: Writing, store: Store, columns: dict[str, Any]
) -> None:
    """Adds what is public of the case on record, where none was given. Raises Refusal."""
    number = columns.get("case_id")
    if number is None:
        return
    scoped = scope_condition(writing.question, cases, writing.region(store))
    found = connection.execute(select(cases).where(cases.c.id == number, *scoped)).first()
    if found is None:
        raise not_found("case", "caseId")
    columns.setdefault("disease", found.disease)
    columns.setdefault("case_classification", found.classification)
    columns.setdefault("case_onset_on", found.onset_on)
    columns["person_id"] = found.person_id


def take_contacts(
    connection: Connection, writing: Writing, store: Store, drafted: Sequence[Drafted]
) -> None:
    """Adds the data of contacts on record, read in this store. Raises Refusal where the viewer may
    not open one.

    The row then has the reporter of that record: whoever may not see it does not see it here.
    """
    wanted = {one.contact for one in drafted if one.contact is not None}
    if not wanted:
        return
    scoped = scope_condition(writing.question, contacts, writing.region(store))
    rows: dict[int, dict[str, Any]] = {
        row.id: dict(row._mapping)
        for row in connection.execute(
            select(contacts).where(contacts.c.id.in_(sorted(wanted)), *scoped)
        )
    }
    if len(rows) < len(wanted):
        raise not_found("people")
    persons = {row["person_id"] for row in rows.values()}
    found = [
        dict(row._mapping) | {"person_id": row.id}
        for row in connection.execute(select(people).where(people.c.id.in_(sorted(persons))))
    ]
    of_person = dict(
        zip((row["id"] for row in found), opened(connection, store, people, found), strict=True)
    )
    own = list(rows.values())
    of_contact = dict(
        zip((row["id"] for row in own), opened(connection, store, contacts, own), strict=True)
    )
    for one in drafted:
        if one.contact is None:
            continue
        row = rows[one.contact]
        kept = of_contact[one.contact]
        known = {name: kept.get(name) for name in ("place", "seat")}
        one.items = dict(of_person[row["person_id"]]) | known | one.items
        one.person_id, one.reporter = row["person_id"], row["reporter"]
        for name in ("level", "manner", "last_contact_on"):
            if one.columns[name] is None:
                one.columns[name] = row[name]


def add_people(copy: Copy, drafted: Sequence[Drafted], first_position: int, who: Who) -> list[int]:
    """Writes people of the issuer's copy; their positions."""
    first = Ids(copy.connection, copy.store).take(len(drafted))
    state = copy.state if copy.state not in OPEN or copy.state is State.SENT else State.SENT
    rows = []
    for i, one in enumerate(drafted):
        row = dict.fromkeys(column.name for column in assist_people.columns)
        row |= one.columns | {
            "id": first + i,
            "request_id": copy.id,
            "number": copy.number,
            "position": first_position + i,
            "person_id": one.person_id,
            "issuer_contact_id": one.contact,
            "level": one.columns["level"] or "CLOSE",
            "manner": one.columns["manner"] or "[]",
            "state": state.name,
            "open": 0,
            "code": copy.row["code"],
            "reporter": one.reporter,
            "reporter_unit": copy.row["from_unit"],
            "created_at": who.at,
            "updated_at": who.at,
        }
        rows.append(row)
    write_people(copy.connection, copy.store, rows, [one.items for one in drafted])
    return list(range(first_position, first_position + len(drafted)))
