"""No write touches a person whom the store does not answer for: each mutation of records in each
state of custody (D). While a person is offered, visits and samples are still added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update
from strawberry.types import get_object_definition

from regions.access_log import log_outbox
from regions.cases import cases
from regions.contacts import contacts
from regions.idempotency import idempotency
from regions.people import people
from regions.tables import regional
from regions.transfers import custody, transfers
from resolvers.pathway.root import PathwayMutations
from resolvers.writing.refusing import retold, told
from resolvers.writing.root import RecordMutations
from schema.transfers import CustodyState
from schema.writing.problems import NotCustodianProblem
from tests.answering import viewer
from tests.resolvers.writing.making import (
    DOCTOR,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    sample_input,
    visit_input,
)
from tests.stores import in_store

PEER = "320200"
SINCE = "2026-11-28T00:00:00Z"

Rows = Mapping[str, list[tuple[Any, ...]]]

_CUSTODY = """... on NotCustodianProblem { personId custodian unit state since }"""
_ADVANCE = """mutation ($input: AdvancePathwayInput!) { advancePathway(input: $input) {
  __typename ... on AdvancePathwayPayload { pathway { state } } ... on Problem { code } } }"""


@dataclass(frozen=True, slots=True)
class Known:
    """A person of 南京 with a record of each type; ids as clients know them."""

    person: str
    case: str
    contact: str
    visit: str
    sample: str

    @property
    def number(self) -> int:
        return int(self.person.partition(":")[2])


def _known(writer: Writer) -> Known:
    case = writer.do("registerCase", DOCTOR, case_input())["case"]
    whose = case["person"]["id"]
    row = contact_row(person=None, personId=whose)
    contact = writer.do("registerContacts", DOCTOR, contacts_input(row))["rows"][0]["contact"]
    visit = writer.do("recordVisit", DOCTOR, visit_input(contact["id"]))["visit"]
    sample = writer.do("recordSample", DOCTOR, sample_input(contact["id"]))["sample"]
    return Known(whose, case["id"], contact["id"], visit["id"], sample["id"])


def _advance(writer: Writer, record: str, **more: Any) -> Any:
    given = {"idempotencyKey": new_key(), "record": record, **more}
    asked = writer.ask(_ADVANCE, DOCTOR, {"input": given})
    assert asked.errors == []
    return asked.data["advancePathway"]


def _contacts(writer: Writer, known: Known) -> Any:
    row = contact_row(person=None, personId=known.person)
    done = writer.do("registerContacts", DOCTOR, contacts_input(row))["rows"][0]
    return done["problem"] or {"__typename": "RegisterContactsPayload"}


def _correct(writer: Writer, record: str, field: str, value: str) -> Any:
    return writer.do("correct", DOCTOR, correction(record, (field, value)))


_ADDING, _CARD, _ELSE = "adding", "card", "else"
WRITES: Mapping[str, tuple[str, Callable[[Writer, Known], Any]]] = {
    "registerCase": (
        _ELSE,
        lambda w, k: w.do("registerCase", DOCTOR, case_input(person=None, personId=k.person)),
    ),
    "registerContacts": (_ELSE, _contacts),
    "recordVisit of a contact": (
        _ADDING,
        lambda w, k: w.do("recordVisit", DOCTOR, visit_input(k.contact)),
    ),
    "recordVisit of a case": (
        _ADDING,
        lambda w, k: w.do("recordVisit", DOCTOR, visit_input(k.case)),
    ),
    "recordSample of a contact": (
        _ADDING,
        lambda w, k: w.do("recordSample", DOCTOR, sample_input(k.contact)),
    ),
    "recordSample of a case": (
        _ADDING,
        lambda w, k: w.do("recordSample", DOCTOR, sample_input(k.case)),
    ),
    "correct a person": (_ELSE, lambda w, k: _correct(w, k.person, "phone", "13900000009")),
    "correct a contact": (_ELSE, lambda w, k: _correct(w, k.contact, "frequency", "FREQUENT")),
    "correct a visit": (_ELSE, lambda w, k: _correct(w, k.visit, "kind", "REVISIT")),
    "correct a sample": (_ELSE, lambda w, k: _correct(w, k.sample, "specimen", "ANAL_SWAB")),
    "correct a case": (_CARD, lambda w, k: _correct(w, k.case, "onsetOn", "2026-02-27")),
    "advancePathway": (_ELSE, lambda w, k: _advance(w, k.contact)),
}
"""Each write of a person on record, and whether it is of those that may come while the person is
offered, or of the card, which stays where it was reported."""

MAY: Mapping[str | None, frozenset[str]] = {
    None: frozenset({_ADDING, _CARD, _ELSE}),
    "OWNED": frozenset({_ADDING, _CARD, _ELSE}),
    "RELEASING": frozenset({_ADDING, _CARD}),
    "HANDED": frozenset({_CARD}),
    "PENDING": frozenset(),
    "CLOSED": frozenset(),
    "FENCED": frozenset({_CARD}),
}


def _set(writer: Writer, known: Known, state: str | None) -> Rows:
    """Sets the person's custody, and what the rows say of where they are kept; all rows then."""
    here = writer.regions[0]
    kept = None if state in (None, "OWNED", "RELEASING") else PEER
    copied = PEER if state in ("PENDING", "CLOSED") else None

    def work(connection: Connection) -> Rows:
        row = {
            "person_id": known.number,
            "state": state,
            "epoch": 1,
            "peer": PEER,
            "transfer_id": "t-1",
            "unit_id": "cdc-320102",
            "since": SINCE,
        }
        if state is not None:
            connection.execute(insert(custody).values(row))
            connection.execute(insert(transfers).values(_transfer(state)))
        one = people.c.id == known.number
        connection.execute(update(people).where(one).values(kept_in=kept))
        mine = contacts.c.person_id == known.number
        connection.execute(update(contacts).where(mine).values(kept_in=kept))
        card = cases.c.person_id == known.number
        connection.execute(update(cases).where(card).values(kept_in=copied))
        return _everything(connection)

    return in_store(here, work)


def _transfer(state: str) -> dict[str, Any]:
    received = state in ("PENDING", "CLOSED")
    return {
        "id": "t-1",
        "side": "RECEIVED" if received else "SENT",
        "from_region": PEER if received else "320100",
        "to_region": "320100" if received else PEER,
        "from_unit": "cdc-320205" if received else "cdc-320102",
        "to_unit": "cdc-320102" if received else "cdc-320205",
        "reason": "JURISDICTION",
        "state": "OFFERED",
        "offer_hash": "0",
        "created_at": SINCE,
        "updated_at": SINCE,
        "reporter": "doctor",
        "reporter_unit": "cdc-320102",
        "code": "320102",
    }


_KEPT = (idempotency.name, log_outbox.name, "id_blocks", "sequences")
_ROWS = {
    table.name: f"SELECT * FROM {table.name} ORDER BY "
    + ", ".join(column.name for column in table.primary_key.columns)
    for table in regional.sorted_tables
    if table.name not in _KEPT
}
"""Statements as text: the store's engine is new each time, and compiling them takes longest."""


def _everything(connection: Connection) -> Rows:
    return {
        name: [tuple(row) for row in connection.exec_driver_sql(statement)]
        for name, statement in _ROWS.items()
    }


def _ended(connection: Connection) -> Rows:
    """All rows; then the transfer is gone, for the next person's."""
    found = _everything(connection)
    connection.execute(transfers.delete())
    return found


@pytest.mark.no_cover  # each mutation has tests of its own
@pytest.mark.parametrize("state", MAY)
def test_each_write_in_each_state_of_custody(either: Writer, state: str | None) -> None:
    for name, (kind, write) in WRITES.items():
        known = _known(either)
        before = _set(either, known, state)
        done = write(either, known)
        after = in_store(either.regions[0], _ended)
        if kind in MAY[state]:
            assert done["__typename"].endswith("Payload"), (name, done)
            assert after != before, name
        else:
            assert done["code"] == "NOT_CUSTODIAN", (name, done)
            assert after == before, name


def test_every_mutation_of_records_is_held_to_it() -> None:
    roots = (RecordMutations, PathwayMutations)
    names = {
        "".join([head, *(part.capitalize() for part in tail)])
        for root in roots
        for head, *tail in (
            field.python_name.split("_")
            for field in get_object_definition(root, strict=True).fields
        )
    }
    assert names == {one.split()[0] for one in WRITES}


@pytest.mark.parametrize(
    ("state", "custodian", "unit"),
    [
        ("RELEASING", "320100", "cdc-320102"),
        ("HANDED", PEER, "cdc-320205"),
        ("PENDING", PEER, "cdc-320205"),
        ("CLOSED", PEER, "cdc-320205"),
    ],
)
def test_the_problem_says_who_answers_for_the_person(
    writer: Writer, state: str, custodian: str, unit: str
) -> None:
    known = _known(writer)
    _set(writer, known, state)
    question = f"""mutation ($input: CorrectInput!) {{ correct(input: $input) {{
      ... on Problem {{ message messageZh }} {_CUSTODY} }} }}"""
    given = correction(known.person, ("phone", "13900000009"))
    found = writer.ask(question, DOCTOR, {"input": given}).data["correct"]
    message, message_zh = found.pop("message"), found.pop("messageZh")
    assert found == {
        "personId": known.person,
        "custodian": custodian,
        "unit": unit,
        "state": state,
        "since": SINCE,
    }
    assert message.isascii()
    assert not message_zh.isascii()
    assert PEER in message or state == "RELEASING"


def test_a_refused_row_is_told_again_as_it_was(writer: Writer) -> None:
    known = _known(writer)
    _set(writer, known, "HANDED")
    rows = contacts_input(contact_row(person=None, personId=known.person), contact_row())
    first, again = (writer.do("registerContacts", DOCTOR, rows) for _ in range(2))
    assert (first["registered"], again["registered"]) == (1, 1)
    assert first["rows"][0]["problem"] == again["rows"][0]["problem"]
    assert first["rows"][0]["problem"]["code"] == "NOT_CUSTODIAN"
    problem = NotCustodianProblem(
        code="NOT_CUSTODIAN",
        message="m",
        message_zh="信",
        person_id="person:1",  # type: ignore[arg-type]  # scalars are text
        custodian=PEER,  # type: ignore[arg-type]  # scalars are text
        unit=None,
        state=CustodyState.HANDED,
        since=None,
    )
    assert retold(told(problem)) == problem


def test_the_copy_of_a_card_is_not_corrected(writer: Writer) -> None:
    known = _known(writer)
    _set(writer, known, None)

    def copied(connection: Connection) -> None:
        connection.execute(update(cases).values(kept_in=PEER))

    in_store(writer.regions[0], copied)
    done = _correct(writer, known.case, "onsetOn", "2026-02-27")
    assert done["code"] == "NOT_CUSTODIAN"
    assert PEER in done["message"]
    assert "card" in done["message"]


def test_somebody_else_is_told_nothing(writer: Writer) -> None:
    """Who may not open the record learns of no custody."""
    known = _known(writer)
    _set(writer, known, "HANDED")
    given = correction(known.person, ("phone", "13900000009"))
    assert writer.do("correct", viewer(PEER), given)["code"] == "NOT_FOUND"
