"""An erased person: read as null, registered to no more, and not known to the duplicate check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from regions.erasing import erase_person
from regions.keys import Keys
from tests.answering import grant, viewer
from tests.resolvers.writing.making import (
    DOCTOR,
    NATIONAL,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    id_number,
    person,
    visit_input,
)
from tests.stores import Stores, in_store

SEEING = viewer(grants=[grant("000000")], account="seeing")
CHECK = "query ($c: PersonSearch!) { checkDuplicate(candidate: $c) { exists } }"
SHOWN = """query ($id: ID!) { node(id: $id) { ... on Case { name idNumber remarks code
  person { id name phone history { old reason field } } } } }"""


@pytest.fixture(params=["sqlite", "postgresql"])
def writer(request: pytest.FixtureRequest, stores: Stores, keys: Keys) -> Iterator[Writer]:
    made = Writer([stores.make(request.param, "3201")], keys)
    yield made
    made.close()


def test_nothing_of_an_erased_person_is_shown_or_taken(writer: Writer) -> None:
    number = id_number()
    given = case_input(person=person(idNumber=number), remarks="fever since Monday")
    case = writer.do("registerCase", DOCTOR, given)["case"]
    whose = case["person"]["id"]
    told = writer.do("correct", DOCTOR, correction(whose, ("phone", "13900000009")))
    assert told["__typename"] == "CorrectPayload"
    before = writer.ask(SHOWN, SEEING, {"id": case["id"]}).data["node"]
    assert (before["idNumber"], before["person"]["phone"]) == (number, "13900000009")

    in_store(writer.regions[0], lambda store: erase_person(store, _id(whose), "2026-11-27"))

    shown = writer.ask(SHOWN, SEEING, {"id": case["id"]})
    assert shown.errors == []
    node = shown.data["node"]
    assert (node["name"], node["idNumber"], node["remarks"], node["code"]) == (
        *(None, None, None),
        "320102",
    )
    assert node["person"] == {
        "id": whose,
        "name": None,
        "phone": None,
        "history": [{"old": None, "reason": None, "field": "phone"}],
    }
    masked = writer.ask(SHOWN, NATIONAL, {"id": case["id"]}).data["node"]
    assert (masked["name"], masked["person"]["phone"]) == ("*", "*")
    known = writer.ask(CHECK, NATIONAL, {"c": {"idNumber": number}}).data
    assert known == {"checkDuplicate": {"exists": False}}

    counts = writer.counts("cases", "contacts", "visits", "corrections")
    refused: list[Any] = [
        writer.do("registerCase", DOCTOR, case_input(person=None, personId=whose)),
        writer.do("correct", DOCTOR, correction(whose, ("phone", "13900000010"))),
        writer.do("correct", DOCTOR, correction(case["id"], ("remarks", "again"))),
        writer.do("recordVisit", DOCTOR, visit_input(case["id"], remarks="at home")),
    ]
    rows = contacts_input(contact_row(person=None, personId=whose), contact_row())
    answered = writer.do("registerContacts", DOCTOR, rows)
    refused.append(answered["rows"][0]["problem"])
    assert {one["code"] for one in refused} == {"FORBIDDEN"}
    assert all("erased" in one["message"] for one in refused)
    assert (answered["registered"], answered["rejected"]) == (1, 1)
    assert writer.counts("cases", "contacts", "visits", "corrections") == counts | {
        "contacts": counts["contacts"] + 1
    }
    again = writer.do("registerCase", DOCTOR, case_input(person=person(idNumber=number)))
    assert again["duplicate"] is False


def _id(whose: str) -> int:
    return int(whose.partition(":")[2])
