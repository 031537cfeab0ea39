"""People of letters who are erased: on record, typed in, in the copies of both sides."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from regions.sealing import ERASED_ENVELOPE
from tests.gateway.test_erasures import FIRST, SECOND, ask, confirm
from tests.resolvers.writing.making import (
    DOCUMENTS,
    case_input,
    contact_row,
    contacts_input,
    id_number,
    new_key,
)
from tests.served import Demo, Gateway, never_idle, serving

A, B = "320100", "320200"
COUNTY_A, COUNTY_B = "320102", "320205"
_SECONDS = 60.0
_NUMBER = id_number("1971-05-06")

_CREATE = """mutation ($input: CreateAssistRequestInput!) { createAssistRequest(input: $input) {
  __typename ... on Problem { code message }
  ... on AssistRequestPayload { assistRequest { id number } } } }"""
_SUBMIT = """mutation ($input: AssistRequestActionInput!) { submitAssistRequest(input: $input) {
  __typename ... on Problem { code message } } }"""


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    own = demo.copied(tmp_path / "letters", deadline_ms=20_000)
    own.add_account(SECOND, FIRST, person_index="another")
    county = own.account_of("county", "unit", "user")
    own.add_account("reporter-a", county, role="DIRECT_REPORTER")
    names = (FIRST, SECOND, "reporter-a")
    own.tokens.update(zip(names, own.open_sessions(*names), strict=True))
    own.central(lambda connection, _: never_idle(connection))
    with serving(own) as made:
        yield made


def _rows(gateway: Gateway, region: str, query: str) -> list[Any]:
    with closing(sqlite3.connect(gateway.demo.region(region))) as store:
        return store.execute(query).fetchall()


def _erased(gateway: Gateway, region: str) -> list[bool]:
    """Of everybody in the letters of a store, by position, whether they are erased."""
    query = "SELECT sealed FROM assist_people ORDER BY number, position"
    return [sealed == ERASED_ENVELOPE for (sealed,) in _rows(gateway, region, query)]


def _write(gateway: Gateway, case: str, last: Any = None) -> str:
    """A letter to the other county: somebody on record, one typed in with that ID number, one with
    another, one without; its number.
    """
    row = contact_row(code=COUNTY_A, person={"name": "钱一", "idNumber": id_number("1990-01-01")})
    given: Any = {"input": contacts_input(row)}
    told = gateway.data(DOCUMENTS["registerContacts"], given, who="reporter-a")
    contact = told["registerContacts"]["rows"][0]["contact"]["id"]
    people = [
        {"contact": contact},
        {"person": {"name": "孙二", "idNumber": _NUMBER}, "level": "CLOSE"},
        {"person": {"name": "李三", "idNumber": id_number("1988-08-08")}, "level": "CLOSE"},
        {"person": last or {"name": "孙二"}, "level": "CLOSE"},
    ]
    given = {
        "idempotencyKey": new_key(),
        "toCode": COUNTY_B,
        "case": {"caseId": case, "name": "孙二", "phone": "15412345678"},
        "asked": ["FIND"],
        "people": people,
    }
    made = gateway.data(_CREATE, {"input": given}, who="reporter-a")["createAssistRequest"]
    assert made["__typename"] == "AssistRequestPayload", made
    letter = made["assistRequest"]
    sent = {"idempotencyKey": new_key(), "request": letter["id"]}
    gateway.data(_SUBMIT, {"input": sent}, who="reporter-a")
    end = time.monotonic() + _SECONDS
    while not _erased(gateway, B):
        assert time.monotonic() < end
        time.sleep(0.1)
    return str(letter["number"])


def test_whoever_is_erased_is_erased_in_letters_too(gateway: Gateway) -> None:
    given: Any = {"input": case_input(code=COUNTY_A, person={"name": "孙二", "idNumber": _NUMBER})}
    told = gateway.data(DOCUMENTS["registerCase"], given, who="reporter-a")["registerCase"]["case"]
    person = int(told["person"]["id"].partition(":")[2])
    _write(gateway, told["id"])
    assert [_erased(gateway, one) for one in (A, B)] == [[False] * 4] * 2

    order = ask(gateway, [person])["erasure"]
    assert [_erased(gateway, one) for one in (A, B)] == [[False] * 4] * 2
    done = confirm(gateway, order["id"])
    assert {one["region"] for one in done["erased"]} == {A, B}
    # The second by the ID number; of the others nobody knows that they are the same person.
    assert [_erased(gateway, one) for one in (A, B)] == [[False, True, False, False]] * 2
    stub = "SELECT sealed FROM assist_requests"
    for region in (A, B):  # the index case is the person
        assert [row[0] for row in _rows(gateway, region, stub)] == [ERASED_ENVELOPE]
    listed = gateway.data("{ erasures { id reason } }", who=FIRST)["erasures"]
    assert listed[0]["reason"].startswith("a court has ordered it")


_ASK = """mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { __typename
  ... on Problem { code message } ... on InvalidInputProblem { path mistakes { path message } }
  ... on NotFoundProblem { path }
  ... on RequestErasurePayload { alike { number position }
    erasure { id people letters { number position } } } } }"""


def _ask(gateway: Gateway, **given: Any) -> Any:
    given = {"idempotencyKey": new_key(), "reason": "asked by the person"} | given
    return gateway.data(_ASK, {"input": given}, who=FIRST)["requestErasure"]


def test_whoever_was_typed_in_without_an_id_number_is_erased_by_letter_and_place(
    gateway: Gateway,
) -> None:
    person = {"name": "孙二", "birthDate": "1971-05-06", "phone": "15498765432"}
    given: Any = {"input": case_input(code=COUNTY_A, person=person)}
    told = gateway.data(DOCUMENTS["registerCase"], given, who="reporter-a")["registerCase"]["case"]
    mine = told["person"]["id"]
    number = _write(gateway, told["id"], {"name": "孙二", "phone": "154 9876 5432"})
    found = _ask(gateway, people=[mine])
    assert found["alike"] == [{"number": number, "position": 4}]  # perhaps: it stays
    assert found["erasure"]["letters"] == [{"number": number, "position": 0}]  # the index case
    confirm(gateway, found["erasure"]["id"])
    assert [_erased(gateway, one) for one in (A, B)] == [[False] * 4] * 2

    for place, code in (((number, 9), "NOT_FOUND"), ((number, 1), "INVALID_INPUT")):
        refused = _ask(gateway, letters=[dict(zip(("number", "position"), place, strict=True))])
        assert refused["code"] == code, refused
    assert _ask(gateway)["code"] == "INVALID_INPUT"  # of nobody
    found = _ask(gateway, letters=[{"number": number, "position": 4}])
    assert found["erasure"]["people"] == []
    assert found["erasure"]["letters"] == [{"number": number, "position": 4}]
    done = confirm(gateway, found["erasure"]["id"])
    assert {one["region"]: one["envelopes"] for one in done["erased"]} == {A: 1, B: 1}
    assert [_erased(gateway, one) for one in (A, B)] == [[False, False, False, True]] * 2
    for operation in ("askErasure", "erasePerson"):
        last = gateway.demo.entries(operation=operation)[-1]
        assert last["what"]["letters"] == [f"{number}:4"]


def test_the_copy_of_the_other_side_goes_with_the_record(gateway: Gateway) -> None:
    """The issuer's contact is on record at the issuer alone: the receiver has the person typed."""
    given: Any = {"input": case_input(code=COUNTY_A)}
    told = gateway.data(DOCUMENTS["registerCase"], given, who="reporter-a")["registerCase"]["case"]
    _write(gateway, told["id"])
    (person,) = _rows(gateway, A, "SELECT person_id FROM assist_people WHERE position = 1")[0]
    assert _rows(gateway, B, "SELECT person_id FROM assist_people WHERE position = 1") == [(None,)]
    order = ask(gateway, [person])["erasure"]
    confirm(gateway, order["id"])
    assert [_erased(gateway, one) for one in (A, B)] == [[True, False, False, False]] * 2
