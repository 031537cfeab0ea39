"""Every mutation, the same way: its key, its repetition, its conflict, its refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from resolvers.root import make_schema
from resolvers.users import Role
from resolvers.writing.fingerprints import Fingerprints
from tests.answering import viewer
from tests.resolvers.writing.making import (
    AUDITOR,
    CITY,
    DOCUMENTS,
    NATIONAL,
    Row,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    person,
    sample_input,
    visit_input,
)


@dataclass(frozen=True)
class Kind:
    """A mutation: an input for it, another one, and the tables it writes, with their rows."""

    name: str
    wrote: Mapping[str, int]
    needs_case: bool = False

    def given(self, case: str) -> Row:
        match self.name:
            case "registerCase":
                return case_input(remarks="私密备注")
            case "registerContacts":
                return contacts_input(contact_row(), contact_row(code="320205"))
            case "recordVisit":
                return visit_input(case, remarks="私密备注")
            case "recordSample":
                return sample_input(case, remarks="私密备注")
            case _:
                return correction(case, ("onsetOn", "2026-02-28"), ("remarks", "私密备注"))

    def other(self, given: Row) -> Row:
        """The same key with another payload."""
        match self.name:
            case "registerCase":
                return {**given, "person": {**given["person"], "name": "另一人"}}
            case "registerContacts":
                return {**given, "rows": given["rows"][:1]}
            case "recordVisit":
                return {**given, "temperatureTenths": 381}
            case "recordSample":
                return {**given, "specimen": "ANAL_SWAB"}
            case _:
                return {**given, "reason": "另一理由"}


KINDS = [
    Kind("registerCase", {"people": 1, "cases": 1}),
    Kind("registerContacts", {"people": 2, "contacts": 2}),
    Kind("recordVisit", {"visits": 1}),
    Kind("recordSample", {"samples": 1}),
    Kind("correct", {"corrections": 2}),
]
TABLES = ("people", "cases", "contacts", "visits", "samples", "corrections", "exposures")

every_mutation = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def test_every_mutation_takes_an_idempotency_key() -> None:
    schema = make_schema()._schema
    assert schema.mutation_type is not None
    fields = schema.mutation_type.fields
    assert set(fields) >= {kind.name for kind in KINDS} == set(DOCUMENTS)
    for field in fields.values():
        (argument,) = field.args.values()
        key = argument.type.of_type.fields["idempotencyKey"]
        assert str(key.type) == "String!"


def registered(writer: Writer) -> str:
    """A case that the others are about."""
    found: str = writer.do("registerCase", NATIONAL, case_input())["case"]["id"]
    return found


def counts(writer: Writer) -> dict[str, int]:
    return writer.counts(*TABLES)


def less_repeated(result: Any) -> Any:
    """A result without what says that it was given before."""
    if isinstance(result, dict):
        return {k: less_repeated(v) for k, v in result.items() if k != "repeated"}
    return [less_repeated(one) for one in result] if isinstance(result, list) else result


@every_mutation
def test_the_same_key_gives_the_first_result_and_writes_once(kind: Kind, kept: Writer) -> None:
    given = kind.given(registered(kept))
    before = counts(kept)
    first = kept.do(kind.name, NATIONAL, given)
    assert first["repeated"] is False
    after = counts(kept)
    assert {t: after[t] - before[t] for t in TABLES if after[t] != before[t]} == dict(kind.wrote)
    again = kept.do(kind.name, NATIONAL, given)
    assert again["repeated"] is True
    assert less_repeated(again) == less_repeated(first)
    assert counts(kept) == after


@every_mutation
def test_eight_at_once_write_once(kind: Kind, kept: Writer) -> None:
    given = kind.given(registered(kept))
    before = counts(kept)

    async def eight() -> list[Any]:
        return await asyncio.gather(*(kept.doing(kind.name, NATIONAL, given) for _ in range(8)))

    results = kept.run(eight())
    if kind.name == "registerContacts":  # one request may be the first in one region alone
        for index in range(2):
            assert sum(not one["rows"][index]["repeated"] for one in results) == 1
    else:
        assert sum(not one["repeated"] for one in results) == 1
    first = less_repeated(results[0])
    assert all(less_repeated(one) == first for one in results)
    after = counts(kept)
    assert {t: after[t] - before[t] for t in TABLES if after[t] != before[t]} == dict(kind.wrote)


@every_mutation
def test_the_same_key_with_another_input_is_a_conflict(kind: Kind, kept: Writer) -> None:
    given = kind.given(registered(kept))
    kept.do(kind.name, NATIONAL, given)
    before = counts(kept)
    found = kept.do(kind.name, NATIONAL, kind.other(given))
    assert found["__typename"] == "IdempotencyConflict"
    assert found["code"] == "IDEMPOTENCY_CONFLICT"
    assert found["messageZh"]
    assert counts(kept) == before


@every_mutation
def test_two_inputs_at_once_with_one_key_write_one_of_them(kind: Kind, shared: Writer) -> None:
    given = kind.given(registered(shared))

    async def both() -> list[Any]:
        inputs = (given, kind.other(given))
        return await asyncio.gather(*(shared.doing(kind.name, NATIONAL, one) for one in inputs))

    types = {one["__typename"] for one in shared.run(both())}
    assert "IdempotencyConflict" in types
    assert any(one.endswith("Payload") for one in types)


def test_a_key_in_another_region_is_a_conflict_too(either: Writer) -> None:
    given = case_input()
    either.do("registerCase", NATIONAL, given)
    found = either.do("registerCase", NATIONAL, {**given, "code": "320205"})
    assert found["__typename"] == "IdempotencyConflict"
    assert either.count("cases") == 1


@pytest.mark.leak(15)
def test_fingerprints_tell_neither_key_nor_payload_nor_that_two_are_the_same() -> None:
    made = Fingerprints(b"2" * 32)
    first = made.of_payload("a", "k", "correct", {"x": 1, "y": [None, "*"]})
    assert first == made.of_payload("a", "k", "correct", {"y": [None, "*"], "x": 1})
    others = [
        made.of_payload("b", "k", "correct", {"x": 1, "y": [None, "*"]}),
        made.of_payload("a", "l", "correct", {"x": 1, "y": [None, "*"]}),
        made.of_payload("a", "k", "recordVisit", {"x": 1, "y": [None, "*"]}),
        made.of_payload("a", "k", "correct", {"x": 2, "y": [None, "*"]}),
        Fingerprints(b"3" * 32).of_payload("a", "k", "correct", {"x": 1, "y": [None, "*"]}),
        made.of_key("a", "k"),
        made.of_key("b", "k"),
    ]
    assert len({first, *others}) == 8


def test_a_key_serves_one_operation(shared: Writer) -> None:
    case = registered(shared)
    given = visit_input(case)
    shared.do("recordVisit", NATIONAL, given)
    key = given["idempotencyKey"]
    found = shared.do("recordSample", NATIONAL, sample_input(case, idempotencyKey=key))
    assert found["__typename"] == "IdempotencyConflict"


def test_two_accounts_have_keys_of_their_own(writer: Writer) -> None:
    given = case_input()
    for who in (NATIONAL, CITY):
        assert writer.do("registerCase", who, given)["repeated"] is False
    assert writer.count("cases") == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak", "bell\a"])
@every_mutation
def test_a_key_is_short_and_printable(kind: Kind, key: str, shared: Writer) -> None:
    given = {**kind.given("case:1"), "idempotencyKey": key}
    found = shared.do(kind.name, NATIONAL, given)
    assert found["__typename"] == "InvalidInputProblem"
    assert found["path"] == ["idempotencyKey"]


@pytest.mark.leak(39)
def test_what_is_kept_with_a_key_tells_nothing(writer: Writer) -> None:
    secret = person()
    key = secret["idNumber"]  # a client may be so careless
    writer.do("registerCase", NATIONAL, case_input(person=secret, idempotencyKey=key))
    rows = [secret] * 2
    bad = contact_row(person={**secret, "sex": secret["name"]})
    contacts = contacts_input(*(contact_row(person=one) for one in rows), bad)
    assert writer.do("registerContacts", NATIONAL, contacts)["registered"] == 2
    kept = str(writer.rows("idempotency"))
    for value in secret.values():
        assert value not in kept


@every_mutation
def test_an_administrator_or_auditor_writes_nothing(kind: Kind, shared: Writer) -> None:
    found = shared.do(kind.name, AUDITOR, kind.given("case:1"))
    assert found["__typename"] == "ForbiddenProblem"
    assert "auditor" in found["message"]


@every_mutation
def test_nobody_writes_without_a_session(kind: Kind, shared: Writer) -> None:
    asked = shared.ask(DOCUMENTS[kind.name], None, {"input": kind.given("case:1")})
    assert asked.data is None
    assert asked.codes == ["UNAUTHENTICATED"]


def test_every_business_role_writes(shared: Writer) -> None:
    for role in Role:
        who = viewer("320102", role, account=role.name)
        found = shared.do("registerCase", who, case_input())
        expected = "RegisterCasePayload" if who.opens_records else "ForbiddenProblem"
        assert found["__typename"] == expected


@every_mutation
def test_the_access_log_is_told_what_was_written(kind: Kind, shared: Writer) -> None:
    given = kind.given(registered(shared))
    asked = shared.ask(DOCUMENTS[kind.name], NATIONAL, {"input": given})
    wrote = asked.told["wrote"]
    kinds = {"people": "person"}
    expected = {kinds.get(table, table.removesuffix("s")): n for table, n in kind.wrote.items()}
    if kind.name == "correct":
        expected["case"] = 1
    assert {name: len(ids) for name, ids in wrote.items()} == expected
    again = shared.ask(DOCUMENTS[kind.name], NATIONAL, {"input": given})
    assert "wrote" not in again.told
    conflict = shared.ask(DOCUMENTS[kind.name], NATIONAL, {"input": kind.other(given)})
    assert conflict.told["problems"] == ["IDEMPOTENCY_CONFLICT"]


def test_several_mutations_of_one_document(shared: Writer) -> None:
    document = """mutation ($a: RegisterCaseInput!, $b: RegisterCaseInput!) {
      a: registerCase(input: $a) { ... on RegisterCasePayload { repeated case { id } } }
      b: registerCase(input: $b) { ... on RegisterCasePayload { repeated case { id } } }
      again: registerCase(input: $a) { ... on RegisterCasePayload { repeated case { id } } }
    }"""
    asked = shared.ask(document, NATIONAL, {"a": case_input(), "b": case_input()})
    data = asked.data
    assert data["a"]["case"] == data["again"]["case"] != data["b"]["case"]
    assert [data[name]["repeated"] for name in data] == [False, False, True]
    assert len(asked.told["wrote"]["case"]) == 2
    assert new_key() != new_key()
