"""Accounts and filings over HTTP, as people use them: register, approve, sign in; file, accept."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from regions.blind_index import check_digit
from tests.served import Demo, Gateway, serving

COUNTY, CITY, PROVINCE, NATIONAL = "320102", "320100", "320000", "000000"
ADMINS = {
    COUNTY: f"bizadmin-{COUNTY}",
    CITY: f"bizadmin-{CITY}",
    PROVINCE: f"bizadmin-{PROVINCE}",
    NATIONAL: "bizadmin",
}
PASSWORD = "plum blossom 3201"
PROBLEM = "__typename ... on Problem { code message messageZh } "
MISTAKES = "... on InvalidInputProblem { mistakes { path message messageZh } } "
_numbers = itertools.count(1)


@pytest.fixture
def gateway(demo: Demo, tmp_path: Any) -> Iterator[Gateway]:
    with serving(demo.copied(tmp_path)) as found:
        yield found


@pytest.fixture(scope="module")
def shared(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """For tests that leave nothing behind that another would find."""
    with serving(demo.copied(tmp_path_factory.mktemp("users"))) as found:
        yield found


def person(number: int | None = None) -> str:
    """The ID number of somebody who cannot exist, another each time."""
    given = next(_numbers) if number is None else number
    first17 = f"97{given:04d}19850505{given % 1000:03d}"
    return first17 + check_digit(first17)


def contact(id_number: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "officePhone": "025-83132265",
        "mobile": "15412345678",
        "email": "wang@example.org",
        "qq": "12345678",
        "idNumber": id_number or person(),
    } | changes


def do(gateway: Gateway, name: str, wanted: str, given: Mapping[str, Any], who: str | None) -> Any:
    """The result of a mutation; a key of its own unless one is given."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    text = f"mutation($i:{kind}!){{{name}(input:$i){{{PROBLEM}{MISTAKES}{wanted}}}}}"
    value = {"idempotencyKey": f"key-{next(_numbers)}", **given}
    response = gateway.ask(text, {"i": value}, who=who)
    assert response.status_code == 200, response.text
    assert "errors" not in response.json(), response.text
    return response.json()["data"][name]


def registration(**changes: Any) -> dict[str, Any]:
    return {
        "unit": f"cdc-{COUNTY}",
        "name": "王小芳",
        "department": "传染病防制科",
        "contact": contact(),
        "account": f"wang-{next(_numbers)}",
        "password": PASSWORD,
        "role": "UNIT_USER",
        "purpose": "MONITOR",
    } | changes


RECEIPT = "... on RegisterPayload { receipt state repeated }"
DECIDED = (
    "... on ApproveRegistrationPayload { repeated registration { id state reason contact "
    "{ mobile idNumber } } user { account standing contact { idNumber } } }"
)


def sign_in(gateway: Gateway, account: str, password: str = PASSWORD) -> Any:
    return gateway.client.post("/sign-in", json={"account": account, "password": password})


def pending(gateway: Gateway, who: str) -> list[Any]:
    text = "{registrations{edges{node{id wanted state contact{mobile idNumber}}}}}"
    return [edge["node"] for edge in gateway.data(text, who=who)["registrations"]["edges"]]


def status(gateway: Gateway, receipt: str) -> Any:
    text = "query($r:String!){registration(receipt:$r){state account reason decidedAt}}"
    return gateway.ask(text, {"r": receipt}, who=None).json()["data"]["registration"]


def test_register_approve_sign_in(gateway: Gateway) -> None:
    given = registration(idempotencyKey="first")
    taken = do(gateway, "register", RECEIPT, given, None)
    assert (taken["state"], taken["repeated"]) == ("PENDING", False)
    again = do(gateway, "register", RECEIPT, given, None)
    assert (again["receipt"], again["repeated"]) == (taken["receipt"], True)
    assert sign_in(gateway, given["account"]).status_code == 401
    assert status(gateway, taken["receipt"])["state"] == "PENDING"
    assert status(gateway, taken["receipt"][:-1] + "0") in (None, status(gateway, taken["receipt"]))
    assert status(gateway, "1-" + "0" * 32) is None

    for who in (ADMINS[CITY], ADMINS[NATIONAL]):
        assert pending(gateway, who) == []
    (one,) = pending(gateway, ADMINS[COUNTY])
    assert one["contact"] == {"mobile": "15412345678", "idNumber": given["contact"]["idNumber"]}
    decision = {"registration": one["id"]}
    refused = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[CITY])
    assert refused["__typename"] == "ForbiddenProblem"
    refused = do(gateway, "approveRegistration", DECIDED, decision, f"county-{COUNTY}")
    assert refused["__typename"] == "ForbiddenProblem"
    approved = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert approved["user"]["account"] == given["account"]
    assert approved["user"]["standing"] == "ACTIVE"
    twice = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert (twice["code"], "approved already" in twice["message"]) == ("INVALID_INPUT", True)

    assert status(gateway, taken["receipt"])["account"] == given["account"]
    session = sign_in(gateway, given["account"])
    assert session.status_code == 200
    assert session.json()["role"] == "unit user"
    token = session.json()["token"]
    assert "errors" not in gateway.ask("{contacts(first:1){totalCount}}", who=token).json()

    rows = gateway.demo.entries(operation="mutation register")
    assert [(row["account"], row["result"]) for row in rows] == [(None, "OK")] * 2
    assert set(rows[0]["what"]["wrote"]) == {"registration"}
    with closing(sqlite3.connect(gateway.demo.config.central_store)) as store:
        dump = "\n".join(store.iterdump())
    for value in ("15412345678", given["contact"]["idNumber"], PASSWORD, "wang@example.org"):
        assert value not in dump
        assert value not in str(gateway.demo.entries())


def test_a_taken_login_name_is_told_to_the_administrator_and_not_to_strangers(
    gateway: Gateway,
) -> None:
    taken, free = registration(account="national"), registration(account="not-national")
    answers = [do(gateway, "register", RECEIPT, given, None) for given in (taken, free)]
    receipts = [answer.pop("receipt") for answer in answers]
    assert answers[0] == answers[1]
    first, second = pending(gateway, ADMINS[COUNTY])
    told = do(
        gateway,
        "approveRegistration",
        DECIDED,
        {"registration": first["id"], "account": "Auditor"},
        ADMINS[COUNTY],
    )
    assert "there is an account Auditor already" in told["message"]
    for one in (first, second):
        given = {"registration": one["id"]}
        do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])
    assert status(gateway, receipts[0])["account"] == "national-2"
    assert status(gateway, receipts[1])["account"] == "not-national"
    assert sign_in(gateway, "national-2").status_code == 200


def test_a_refused_registration(gateway: Gateway) -> None:
    receipt = do(gateway, "register", RECEIPT, registration(), None)["receipt"]
    (one,) = pending(gateway, ADMINS[COUNTY])
    given = {"registration": one["id"], "approve": False}
    silent = do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])
    assert silent["mistakes"][0]["path"] == ["reason"]
    given["reason"] = "不是本单位人员"
    decided = do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])
    assert decided["registration"]["state"] == "REFUSED"
    assert decided["user"] is None
    assert status(gateway, receipt)["reason"] == "不是本单位人员"


def test_where_a_unit_has_no_administrator_the_level_above_answers(gateway: Gateway) -> None:
    hospital = registration(
        unit=f"hospital-{COUNTY}-1", role="DIRECT_REPORTER", purpose="REPORT", account="ward-7"
    )
    do(gateway, "register", RECEIPT, hospital, None)
    (one,) = pending(gateway, ADMINS[COUNTY])
    assert one["contact"]["mobile"] == "*"  # another unit's staff
    given = {"registration": one["id"]}
    assert do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])["user"]
    assert sign_in(gateway, "ward-7").json()["unit"] == f"hospital-{COUNTY}-1"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"role": "AUDITOR"}, ["role"]),
        ({"role": "BUSINESS_ADMINISTRATOR"}, ["role"]),
        ({"role": "REGIONAL_SYSTEM"}, ["role"]),
        ({"role": "DIRECT_REPORTER"}, ["purpose"]),
        ({"purpose": "REPORT"}, ["purpose"]),
        ({"unit": "cdc-999999"}, ["unit"]),
        ({"unit": "hospital-320102-99"}, ["unit"]),
        ({"unit": "320102"}, ["unit"]),
        ({"name": " "}, ["name"]),
        ({"account": "-"}, ["account"]),
        ({"password": "short"}, ["password"]),
        ({"password": "12345678901"}, ["password"]),
        ({"head": True, "department": None}, ["department"]),
        ({"contact": contact("110101199003071939")}, ["contact", "idNumber"]),
        ({"contact": contact(mobile="1234")}, ["contact", "mobile"]),
        ({"contact": contact(officePhone="x")}, ["contact", "officePhone"]),
        ({"contact": contact(email="nobody")}, ["contact", "email"]),
        ({"contact": contact(qq="x")}, ["contact", "qq"]),
        ({"idempotencyKey": ""}, ["idempotencyKey"]),
    ],
    ids=str,
)
def test_a_registration_that_cannot_be_taken(
    shared: Gateway, changes: dict[str, Any], path: list[str]
) -> None:
    refused = do(shared, "register", RECEIPT, registration(**changes), None)
    assert refused["__typename"] == "InvalidInputProblem"
    assert [mistake["path"] for mistake in refused["mistakes"]] == [path]
    assert all(mistake["messageZh"] for mistake in refused["mistakes"])


def test_registrations_do_not_flood(gateway: Gateway) -> None:
    for _ in range(20):
        given = registration(contact=contact("110101199003071938"))
        assert "receipt" in do(gateway, "register", RECEIPT, given, None)
    text = f"mutation($i:RegisterInput!){{register(input:$i){{{RECEIPT}}}}}"
    value = registration(idempotencyKey="one more")
    response = gateway.ask(text, {"i": value}, who=None).json()
    assert response["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    ones = pending(gateway, ADMINS[COUNTY])
    assert len(ones) == 20
    given = {"registration": ones[0]["id"]}
    assert do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])["user"]
    given = {"registration": ones[1]["id"]}
    doubled = do(gateway, "approveRegistration", DECIDED, given, ADMINS[COUNTY])
    assert "the same person has the account" in doubled["message"]
