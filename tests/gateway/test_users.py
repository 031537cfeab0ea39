"""Accounts and filings over HTTP, as people use them: register, approve, sign in; file, accept."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from regions.blind_index import check_digit
from regions.instants import instant
from resolvers.demo import demo_accounts
from tests.served import Demo, Gateway, serving
from tests.stores import region_settings

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
    with serving(demo.copied(tmp_path), counted=True) as found:
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
REFUSED = "... on RefuseRegistrationsPayload { repeated registrations { id state reason } }"
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


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
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


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
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


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
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

    def refuse(ids: list[str], who: str = ADMINS[COUNTY], **more: Any) -> Any:
        many = {"registrations": ids, "reason": "非本单位人员"} | more
        return do(gateway, "refuseRegistrations", REFUSED, many, who)

    ids = [one["id"] for one in ones[1:]]
    for wrong in (ADMINS[CITY], "sysadmin", f"county-{COUNTY}"):
        assert refuse(ids, wrong)["code"] == "FORBIDDEN"
    some = refuse([*ids, ones[0]["id"]])  # one was approved: none is refused
    assert some["mistakes"][0]["path"] == ["registrations", str(len(ids))]
    assert refuse([])["code"] == refuse(ids, reason=" ")["code"] == "INVALID_INPUT"
    assert refuse([*ids, "registration:999999"])["code"] == "NOT_FOUND"
    assert len(pending(gateway, ADMINS[COUNTY])) == 19
    told = refuse(ids, idempotencyKey="all of them")
    assert {(one["state"], one["reason"]) for one in told["registrations"]} == {
        ("REFUSED", "非本单位人员")
    }
    assert (told["repeated"], len(told["registrations"])) == (False, 19)
    assert refuse(ids, idempotencyKey="all of them")["repeated"] is True
    assert pending(gateway, ADMINS[COUNTY]) == []


def wait(gateway: Gateway, days: int, seconds: int = 0, state: str = "PENDING") -> None:
    """Makes every registration of the state as old as this."""
    made = instant(time.time() - days * 86_400 - seconds)
    with closing(sqlite3.connect(gateway.demo.config.central_store)) as store, store:
        store.execute("UPDATE registrations SET created_at = ? WHERE state = ?", (made, state))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_registration_that_nobody_decides_expires(gateway: Gateway) -> None:
    given = registration(idempotencyKey="patient")
    receipt = do(gateway, "register", RECEIPT, given, None)["receipt"]
    wait(gateway, 29, 86_400 - 600)
    (one,) = pending(gateway, ADMINS[COUNTY])
    assert status(gateway, receipt)["state"] == one["state"] == "PENDING"
    wait(gateway, 30)
    assert pending(gateway, ADMINS[COUNTY]) == []
    text = "{registrations(states:[EXPIRED]){edges{node{id state reason decidedAt}}}}"
    (edge,) = gateway.data(text, who=ADMINS[COUNTY])["registrations"]["edges"]
    gone = {"state": "EXPIRED", "reason": None, "decidedAt": None}
    assert edge["node"] == {"id": one["id"], **gone}
    assert status(gateway, receipt) == {"account": None, **gone}
    for changes in ({}, {"approve": False, "reason": "查无此人"}):
        decision = {"registration": one["id"], **changes}
        refused = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
        assert refused["__typename"] == "InvalidInputProblem"
        (mistake,) = refused["mistakes"]
        assert "expired" in mistake["message"]
        assert "registers anew" in mistake["message"]
        assert "重新注册" in mistake["messageZh"]
    again = do(gateway, "register", RECEIPT, given, None)
    assert (again["receipt"], again["state"], again["repeated"]) == (receipt, "PENDING", True)
    anew = given | {"idempotencyKey": "anew"}
    assert do(gateway, "register", RECEIPT, anew, None)["receipt"] != receipt
    (second,) = pending(gateway, ADMINS[COUNTY])
    decision = {"registration": second["id"], "idempotencyKey": "decided"}
    told = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert told["user"]["account"] == given["account"]
    wait(gateway, 40, state="APPROVED")
    same = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert same["repeated"]
    assert same["registration"]["state"] == "APPROVED"
    (edge,) = gateway.data(text, who=ADMINS[COUNTY])["registrations"]["edges"]
    assert edge["node"]["id"] == one["id"]


def test_a_full_unit_has_room_again_once_registrations_expire(demo: Demo, tmp_path: Any) -> None:
    copied = demo.copied(tmp_path)
    file = copied.folder / "config.toml"
    with file.open("a", encoding="utf-8") as written:
        written.write("\n[registrations]\ndays = 7\n")
    text = f"mutation($i:RegisterInput!){{register(input:$i){{{RECEIPT}}}}}"
    with serving(copied) as gateway:
        one = registration(idempotencyKey="kept")
        first = do(gateway, "register", RECEIPT, one, None)
        with closing(sqlite3.connect(gateway.demo.config.central_store)) as store, store:
            store.row_factory = sqlite3.Row
            row = dict(store.execute("SELECT * FROM registrations").fetchone())
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            for number in range(row["id"] + 1, row["id"] + 100):
                another = {"id": number, "address_hash": f"of {number}"}
                values = tuple((row | another).values())
                store.execute(f"INSERT INTO registrations ({names}) VALUES ({marks})", values)
        wait(gateway, 6, 86_400 - 600)
        value = {"i": registration(idempotencyKey="full")}
        full = gateway.ask(text, value, who=None).json()["errors"]
        assert [one["extensions"]["code"] for one in full] == ["TOO_MANY_REQUESTS"]
        again = gateway.ask(text, {"i": one}, who=None).json()
        assert again["data"]["register"]["receipt"] == first["receipt"]  # it has its place already
        wait(gateway, 7)
        assert "receipt" in gateway.ask(text, value, who=None).json()["data"]["register"]


def test_one_customer_of_ipv6_registers_as_one_address(demo: Demo, tmp_path: Any) -> None:
    copied = demo.copied(tmp_path)
    file = copied.folder / "config.toml"
    more = '[gateway]\ntrusted_proxies = ["127.0.0.1/32"]\n'
    file.write_text(file.read_text("utf-8").replace("[gateway]\n", more, 1), "utf-8")
    text = f"mutation($i:RegisterInput!){{register(input:$i){{{RECEIPT}}}}}"
    with serving(copied) as gateway:
        codes = []
        for number in range(21):
            value = {"i": registration(idempotencyKey=f"of-ipv6-{number}")}
            body = json.dumps({"query": text, "variables": value}).encode()
            told = {"x-forwarded-for": f"2001:db8:1:2::{number:x}"}
            answer = gateway.send(body, who=None, **told).json()
            codes += [one["extensions"]["code"] for one in answer.get("errors", ())]
    assert codes == ["TOO_MANY_REQUESTS"]


FILING = (
    "... on FilingPayload { repeated filing { id state unitId account province department "
    "signedOn headName headSignedOn secondReason securityCommitment privacyCommitment filedBy "
    "decidedBy reason contact { idNumber mobile } } }"
)


def form(code: str = COUNTY, **changes: Any) -> dict[str, Any]:
    """Annex 1."""
    return {
        "unit": f"cdc-{code}",
        "department": "信息管理科",
        "name": "李管理",
        "account": f"admin-{next(_numbers)}",
        "password": PASSWORD,
        "contact": contact(),
        "securityCommitment": True,
        "privacyCommitment": True,
        "signedOn": "2026-11-01",
        "headName": "赵科长",
        "headSignedOn": "2026-11-02",
    } | changes


def filed(gateway: Gateway, who: str, **changes: Any) -> Any:
    return do(gateway, "fileAdministrator", FILING, form(**changes), who)


def decide(gateway: Gateway, filing: str, who: str, **more: Any) -> Any:
    given = {"filing": filing, "accept": True, **more}
    return do(gateway, "decideAdministratorFiling", FILING, given, who)


def step(gateway: Gateway, name: str, filing: str, who: str, reason: str = "人员变动") -> Any:
    return do(gateway, name, FILING, {"filing": filing, "reason": reason}, who)


def filings(gateway: Gateway, who: str, **wanted: Any) -> list[Any]:
    text = (
        "query($f:AdministratorFilingFilter){administratorFilings(filter:$f){edges{node"
        "{id state account unitId contact{mobile}}}}}"
    )
    found = gateway.data(text, {"f": wanted}, who=who)["administratorFilings"]["edges"]
    return [edge["node"] for edge in found]


def test_file_accept_activate_deregister_file_anew(gateway: Gateway) -> None:
    second = form()
    alone = do(gateway, "fileAdministrator", FILING, second, ADMINS[COUNTY])
    assert "a second one needs a reason" in alone["message"]
    second["secondReason"] = "工作量大，需两人轮换"
    told = do(gateway, "fileAdministrator", FILING, second, ADMINS[COUNTY])["filing"]
    assert told["state"] == "FILED"
    assert told["province"] == "江苏省"
    assert told["contact"]["idNumber"] == second["contact"]["idNumber"]
    third = filed(gateway, ADMINS[COUNTY], secondReason="x")
    assert "2 administrators" in third["message"]
    assert sign_in(gateway, second["account"]).status_code == 401

    for wrong in (ADMINS[COUNTY], ADMINS[PROVINCE], ADMINS[NATIONAL], "sysadmin"):
        assert decide(gateway, told["id"], wrong)["__typename"] == "ForbiddenProblem"
    (seen,) = filings(gateway, ADMINS[CITY], state=["FILED"])
    assert seen["contact"]["mobile"] == "15412345678"  # it decides on what stands there
    (seen,) = filings(gateway, ADMINS[PROVINCE], state=["FILED"])
    assert seen["contact"]["mobile"] == "*"
    accepted = decide(gateway, told["id"], ADMINS[CITY])["filing"]
    assert (accepted["state"], accepted["decidedBy"]) == ("ON_FILE", ADMINS[CITY])
    assert sign_in(gateway, second["account"]).status_code == 401  # the other one is active

    active = step(gateway, "activateAdministrator", told["id"], ADMINS[COUNTY])["filing"]
    assert active["state"] == "ACTIVE"
    assert gateway.ask("{me{account}}", who=ADMINS[COUNTY]).status_code == 401
    session = sign_in(gateway, second["account"])
    assert session.json()["role"] == "business administrator"
    assert session.json()["mustChangePassword"] is True
    (token,) = gateway.demo.open_sessions(second["account"])  # with a second factor
    waits = gateway.ask("{me{account}}", who=token)
    assert waits.status_code == 403
    assert waits.json()["errors"][0]["extensions"]["code"] == "PASSWORD_GIVEN"
    changed = gateway.client.post(
        "/sign-in/password",
        json={"password": PASSWORD, "newPassword": "another blossom 3201"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert changed.status_code == 204, changed.text
    refused = gateway.ask("{contacts(first:1){totalCount}}", who=token).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    first = next(one for one in filings(gateway, token) if one["account"] == ADMINS[COUNTY])
    assert step(gateway, "deregisterAdministrator", first["id"], token)["code"] == "FORBIDDEN"
    gone = step(gateway, "deregisterAdministrator", first["id"], ADMINS[CITY], "已调离")["filing"]
    assert (gone["state"], gone["reason"]) == ("DEREGISTERED", "已调离")
    again = filed(gateway, token, secondReason="轮换")["filing"]
    assert again["state"] == "FILED"
    back = step(gateway, "withdrawAdministratorFiling", again["id"], token)["filing"]
    assert back["state"] == "WITHDRAWN"
    refusal = filed(gateway, token, secondReason="轮换")["filing"]["id"]
    assert decide(gateway, refusal, ADMINS[CITY], accept=False)["mistakes"][0]["path"] == ["reason"]
    ended = decide(gateway, refusal, ADMINS[CITY], accept=False, reason="缺公章")["filing"]
    assert (ended["state"], ended["reason"]) == ("REFUSED", "缺公章")
    done = decide(gateway, refusal, ADMINS[CITY])
    assert done["code"] == "INVALID_INPUT"
    assert not done["messageZh"].isascii()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_officer_files_for_nobody_else_and_the_national_one_is_the_systems(
    gateway: Gateway,
) -> None:
    for who in (f"county-{COUNTY}", f"head-{COUNTY}-1"):
        assert filed(gateway, who, secondReason="x")["code"] == "FORBIDDEN"
    for who in (ADMINS[PROVINCE], ADMINS[NATIONAL], f"city-{CITY}", "secadmin"):
        assert filed(gateway, who, secondReason="x")["code"] == "FORBIDDEN"
    assert filed(gateway, "auditor")["code"] == "FORBIDDEN"
    told = filed(gateway, ADMINS[NATIONAL], code=NATIONAL, secondReason="x")["filing"]
    assert decide(gateway, told["id"], ADMINS[NATIONAL])["code"] == "FORBIDDEN"
    assert decide(gateway, told["id"], "sysadmin")["filing"]["state"] == "ON_FILE"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"securityCommitment": False}, ["securityCommitment"]),
        ({"privacyCommitment": False}, ["privacyCommitment"]),
        ({"headName": "李管理"}, ["headName"]),
        ({"headSignedOn": "2026-10-31"}, ["headSignedOn"]),
        ({"signedOn": "2099-01-01", "headSignedOn": "2099-01-01"}, ["signedOn"]),
        ({"department": ""}, ["department"]),
        ({"account": "bizadmin"}, ["unit"]),
        ({"password": "qwerty123"}, ["password"]),
        ({"contact": contact("110101199003071939")}, ["contact", "idNumber"]),
    ],
    ids=str,
)
def test_a_form_that_cannot_be_filed(
    shared: Gateway, changes: dict[str, Any], path: list[str]
) -> None:
    refused = filed(shared, ADMINS[COUNTY], secondReason="x", **changes)
    assert refused["mistakes"][0]["path"] == path


USER = "... on UserPayload { repeated user { account standing renewBy validUntil } }"


def lapse(gateway: Gateway, account: str, **columns: str) -> None:
    """What time does."""
    sets = ", ".join(f"{name} = ?" for name in columns)
    with closing(sqlite3.connect(gateway.demo.config.central_store)) as store, store:
        store.execute(f"UPDATE accounts SET {sets} WHERE account = ?", (*columns.values(), account))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_account_that_was_not_renewed_lapses_at_once(gateway: Gateway) -> None:
    who, password = f"county-{COUNTY}", gateway.demo.accounts[f"county-{COUNTY}"]["password"]
    assert gateway.ask("{me{account}}", who=who).status_code == 200
    lapse(gateway, who, renew_by="2026-11-01T00:00:00Z")
    assert gateway.ask("{me{account}}", who=who).status_code == 401
    assert sign_in(gateway, who, password).status_code == 401
    text = (
        "{users(filter:{standing:[LAPSED]}){totalCount edges{node{account standing}} "
        "regions{state}}}"
    )
    found = gateway.data(text, who=ADMINS[COUNTY])["users"]
    assert {one["state"] for one in found.pop("regions")} == {"NOT_ASKED"}
    assert found == {
        "totalCount": 1,
        "edges": [{"node": {"account": who, "standing": "LAPSED"}}],
    }
    given = {"account": who}
    for wrong in (ADMINS[CITY], "sysadmin", "secadmin"):
        assert do(gateway, "renewUser", USER, given, wrong)["code"] == "FORBIDDEN"
    renewed = do(gateway, "renewUser", USER, given, ADMINS[COUNTY])["user"]
    assert renewed["standing"] == "ACTIVE"
    assert renewed["renewBy"] > "2027-11"
    assert gateway.ask("{me{account}}", who=who).status_code == 401  # that session is over
    assert sign_in(gateway, who, password).status_code == 200
    lapse(gateway, who, valid_until="2026-11-01T00:00:00Z")
    assert sign_in(gateway, who, password).status_code == 401
    assert "term is over" in do(gateway, "renewUser", USER, given, ADMINS[COUNTY])["message"]
    given["validUntil"] = "2099-01-01T00:00:00Z"
    refused = do(gateway, "renewUser", USER, given, ADMINS[COUNTY])
    assert refused["mistakes"][0]["path"] == ["validUntil"]
    given["validUntil"] = "2027-06-01T00:00:00Z"
    assert do(gateway, "renewUser", USER, given, ADMINS[COUNTY])["user"]["validUntil"] == (
        "2027-06-01T00:00:00Z"
    )


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_emergency_that_nobody_reviewed_shows_in_the_standing(gateway: Gateway) -> None:
    who = f"county-{COUNTY}"
    with closing(sqlite3.connect(gateway.demo.config.central_store)) as store, store:
        store.execute(
            "INSERT INTO emergencies (id, grant_id, account, name, unit_id, unit_code, reason, "
            "sealed, review_due_at, created_at) VALUES (7, 'g', ?, '', ?, ?, 'OUTBREAK', x'00', "
            "'2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')",
            (who, f"cdc-{COUNTY}", COUNTY),
        )
    assert gateway.ask("{me{account}}", who=who).status_code == 401
    text = "query($a:[String!]){users(filter:{account:$a}){edges{node{standing}}}}"
    found = gateway.ask(text, {"a": [who]}, who=ADMINS[COUNTY]).json()["data"]["users"]["edges"]
    assert found == [{"node": {"standing": "SUSPENDED"}}]


def test_administrators_are_renewed_by_the_level_above_and_those_of_the_country_by_each_other(
    shared: Gateway,
) -> None:
    for account, right, wrong in (
        (ADMINS[COUNTY], ADMINS[CITY], ADMINS[COUNTY]),
        (ADMINS[NATIONAL], "sysadmin", ADMINS[NATIONAL]),
        ("sysadmin", "secadmin", "sysadmin"),
        ("secadmin", "sysadmin", "secadmin"),
        ("auditor", "secadmin", "sysadmin"),
    ):
        given = {"account": account}
        assert do(shared, "renewUser", USER, given, wrong)["code"] == "FORBIDDEN"
        assert do(shared, "renewUser", USER, given, right)["user"]["standing"] == "ACTIVE"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_administrator_whom_nobody_knows_is_renewed_with_the_id_number(
    demo: Demo, tmp_path: Path
) -> None:
    """Of an account made before ID numbers were asked for."""
    own, admin = demo.copied(tmp_path), ADMINS[COUNTY]
    with closing(sqlite3.connect(own.config.central_store)) as store, store:
        store.execute("UPDATE accounts SET person_index = NULL WHERE account = ?", (admin,))
    with serving(own) as gateway:
        end = time.monotonic() + 60
        while not any(admin in line for line in gateway.said):  # it is said at the start
            assert time.monotonic() < end
            time.sleep(0.05)
        given: dict[str, Any] = {"account": admin}
        refused = do(gateway, "renewUser", USER, given, ADMINS[CITY])
        assert refused["mistakes"][0]["path"] == ["idNumber"]
        given["idNumber"] = "110101190001010010"
        assert do(gateway, "renewUser", USER, given, ADMINS[CITY])["code"] == "INVALID_INPUT"
        given["idNumber"] = number = person()
        assert do(gateway, "renewUser", USER, given, ADMINS[CITY])["user"]["standing"] == "ACTIVE"
        del given["idNumber"]
        assert do(gateway, "renewUser", USER, given, ADMINS[CITY])["user"]["standing"] == "ACTIVE"
        given["idNumber"] = person()
        refused = do(gateway, "renewUser", USER, given, ADMINS[CITY])
        assert refused["mistakes"][0]["path"] == ["idNumber"]
    with closing(sqlite3.connect(own.config.central_store)) as store:
        query = "SELECT event, by_account FROM account_events WHERE account = ? ORDER BY id"
        events = store.execute(query, (admin,)).fetchall()
        (envelope,) = store.execute(
            "SELECT sealed FROM accounts WHERE account = ?", (admin,)
        ).fetchone()
    assert ("SET_PERSON", ADMINS[CITY]) in events
    assert number.encode() not in bytes(envelope)


def test_ordinary_accounts_are_renewed_without_an_id_number(demo: Demo, tmp_path: Path) -> None:
    own, who = demo.copied(tmp_path), f"duty-{COUNTY}"
    with closing(sqlite3.connect(own.config.central_store)) as store, store:
        store.execute("UPDATE accounts SET person_index = NULL WHERE account = ?", (who,))
    with serving(own) as gateway:
        renewed = do(gateway, "renewUser", USER, {"account": who}, ADMINS[COUNTY])
        assert renewed["user"]["standing"] == "ACTIVE"
    assert not any("nobody knows" in line for line in gateway.said)


def test_nobody_activates_themselves_from_the_level_above(demo: Demo, tmp_path: Path) -> None:
    own, admin = demo.copied(tmp_path), ADMINS[COUNTY]
    with closing(sqlite3.connect(own.config.central_store)) as store, store:
        store.execute(
            "UPDATE administrator_filings SET state = 'ON_FILE' WHERE account = ?", (admin,)
        )
        of_city = "(SELECT person_index FROM accounts WHERE account = ?)"
        for table in ("administrator_filings", "accounts"):
            change = f"UPDATE {table} SET person_index = {of_city} WHERE account = ?"
            store.execute(change, (ADMINS[CITY], admin))
    with serving(own) as gateway:
        (one,) = filings(gateway, ADMINS[CITY], unit=[f"cdc-{COUNTY}"])
        refused = step(gateway, "activateAdministrator", one["id"], ADMINS[CITY])
        assert refused["code"] == "FORBIDDEN"
        assert filings(gateway, ADMINS[CITY], unit=[f"cdc-{COUNTY}"])[0]["state"] == "ON_FILE"
        ended = step(gateway, "deregisterAdministrator", one["id"], ADMINS[CITY])
        assert ended["filing"]["state"] == "DEREGISTERED"  # whoever gives power up may


def test_disabling_ends_everything_at_once(gateway: Gateway) -> None:
    who, password = f"duty-{COUNTY}", gateway.demo.accounts[f"duty-{COUNTY}"]["password"]
    given = {"account": who, "reason": "密码泄露"}
    for wrong in ("sysadmin", who, f"county-{COUNTY}"):
        assert do(gateway, "disableUser", USER, given, wrong)["code"] == "FORBIDDEN"
    assert gateway.ask("{me{account}}", who=who).status_code == 200
    told = do(gateway, "disableUser", USER, given, ADMINS[PROVINCE])
    assert told["user"]["standing"] == "DISABLED"
    assert gateway.ask("{me{account}}", who=who).status_code == 401
    assert sign_in(gateway, who, password).status_code == 401
    assert do(gateway, "renewUser", USER, {"account": who}, ADMINS[COUNTY])["code"]
    told = do(gateway, "enableUser", USER, given, "secadmin")
    assert told["user"]["standing"] == "ACTIVE"
    assert sign_in(gateway, who, password).status_code == 200
    assert gateway.ask("{me{account}}", who=who).status_code == 401

    given["account"] = ADMINS[COUNTY]
    assert do(gateway, "disableUser", USER, given, ADMINS[COUNTY])["code"] == "FORBIDDEN"
    assert do(gateway, "disableUser", USER, given, "secadmin")["user"]["standing"] == "DISABLED"
    assert do(gateway, "enableUser", USER, given, ADMINS[CITY])["user"]["standing"] == "STANDBY"
    (one,) = filings(gateway, ADMINS[CITY], unit=[f"cdc-{COUNTY}"])
    assert step(gateway, "activateAdministrator", one["id"], ADMINS[CITY])["filing"]
    given["account"] = "sysadmin"
    assert do(gateway, "disableUser", USER, given, ADMINS[NATIONAL])["code"] == "FORBIDDEN"


USERS = (
    "query($f:UserFilter,$n:Int,$a:String){users(filter:$f,first:$n,after:$a){totalCount pageInfo"
    "{hasNextPage endCursor} edges{node{account role unitId head contact{mobile idNumber}}}}}"
)


def test_administrators_see_the_accounts_of_their_code_and_contacts_of_their_unit(
    shared: Gateway,
) -> None:
    def seen(who: str, **variables: Any) -> list[Any]:
        edges = shared.data(USERS, {"n": 100, **variables}, who=who)["users"]["edges"]
        return [edge["node"] for edge in edges]

    county = seen(ADMINS[COUNTY])
    assert {one["unitId"] for one in county} >= {f"cdc-{COUNTY}", f"hospital-{COUNTY}-1"}
    for one in county:
        own = one["unitId"] == f"cdc-{COUNTY}"
        assert (one["contact"]["mobile"] != "*") == own, one
        assert (one["contact"]["idNumber"] != "*") == own
    assert sum(one["head"] for one in county) == 3
    assert {one["account"] for one in seen("sysadmin")} >= set(shared.demo.accounts)
    assert all(
        one["contact"]["mobile"] == "*" or one["account"] == "sysadmin" for one in seen("sysadmin")
    )
    roles = {"role": ["AUDITOR", "SYSTEM_ADMINISTRATOR"]}
    assert [one["account"] for one in seen("secadmin", f=roles)] == ["auditor", "sysadmin"]
    assert seen(ADMINS[COUNTY], f=roles) == []
    assert seen(ADMINS[CITY], f={"unit": ["cdc-320000"]}) == []
    pages: list[str] = []
    after = None
    while True:
        page = shared.data(USERS, {"n": 3, "a": after}, who="sysadmin")["users"]
        pages += [edge["node"]["account"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == sorted(one["account"] for one in seen("sysadmin"))
    assert page["totalCount"] == len(pages)


OFFICES = (
    "unitId unitAbove administrator answering responsiblePerson { name post officePhone since } "
    "responsibleHistory { name until } dutyPerson { account name mobile } "
    "dutyHistory { account until } roles { role enabled reason setBy }"
)
SET = f"... on UnitOfficesPayload {{ repeated offices {{ {OFFICES} }} }}"


def offices(gateway: Gateway, unit: str, who: str) -> Any:
    text = f"query($u:ID!){{unitOffices(unit:$u){{{OFFICES}}}}}"
    return gateway.data(text, {"u": unit}, who=who)["unitOffices"]


def test_the_offices_of_a_unit(gateway: Gateway) -> None:
    unit = f"cdc-{COUNTY}"
    head = {"unit": unit, "name": "孙主任", "post": "主任", "officePhone": "025-83132265"}
    refused = do(gateway, "setResponsiblePerson", SET, head, ADMINS[CITY])
    assert refused["code"] == "FORBIDDEN"
    told = do(gateway, "setResponsiblePerson", SET, head, ADMINS[COUNTY])["offices"]
    assert told["responsiblePerson"]["officePhone"] == "025-83132265"
    assert told["unitAbove"] == f"cdc-{CITY}"
    head["name"] = "周主任"
    told = do(gateway, "setResponsiblePerson", SET, head, ADMINS[COUNTY])["offices"]
    assert [one["name"] for one in told["responsibleHistory"]][:2] == ["周主任", "孙主任"]
    assert [one["until"] is None for one in told["responsibleHistory"]][:2] == [True, False]

    duty = {"unit": unit, "account": f"duty-{COUNTY}", "mobile": "15400000001"}
    told = do(gateway, "setDutyPerson", SET, duty, ADMINS[COUNTY])["offices"]
    assert told["dutyPerson"]["mobile"] == "15400000001"
    duty["mobile"] = "15400000002"  # the person on duty keeps the number current
    told = do(gateway, "setDutyPerson", SET, duty, f"duty-{COUNTY}")["offices"]
    assert told["dutyPerson"]["mobile"] == "15400000002"
    duty["account"] = f"county-{COUNTY}"
    assert do(gateway, "setDutyPerson", SET, duty, f"duty-{COUNTY}")["code"] == "FORBIDDEN"
    assert do(gateway, "setDutyPerson", SET, duty, f"county-{COUNTY}")["code"] == "FORBIDDEN"
    duty["account"] = f"city-{CITY}"
    assert do(gateway, "setDutyPerson", SET, duty, ADMINS[COUNTY])["code"] == "INVALID_INPUT"
    duty |= {"unit": f"hospital-{COUNTY}-1", "account": f"reporter-{COUNTY}-1"}
    assert do(gateway, "setDutyPerson", SET, duty, ADMINS[COUNTY])["code"] == "INVALID_INPUT"

    seen = offices(gateway, unit, f"city-{CITY}")
    assert seen["responsiblePerson"]["officePhone"] == seen["dutyPerson"]["mobile"] == "*"
    assert seen["dutyPerson"]["account"] == f"duty-{COUNTY}"
    assert offices(gateway, "nowhere", "national") is None
    ward = offices(gateway, f"hospital-{COUNTY}-1", "national")
    assert (ward["administrator"], ward["answering"]) == (None, ADMINS[COUNTY])


DUTY = (
    "onDuty watchedDiseases dutyPersons { account mobile email standing } "
    "dutyShifts { account begins ends setBy }"
)
ROSTER = f"... on UnitOfficesPayload {{ repeated offices {{ {DUTY} }} }}"


def test_the_roster_of_a_unit(gateway: Gateway) -> None:
    unit, admin = f"cdc-{COUNTY}", ADMINS[COUNTY]
    duty, other = f"duty-{COUNTY}", f"county-{COUNTY}"
    given = {"unit": unit, "account": duty, "mobile": "15400000001", "email": "duty@example.org"}
    do(gateway, "setDutyPerson", ROSTER, given, admin)
    more = {"unit": unit, "account": other, "mobile": "15400000002", "standing": False}
    told = do(gateway, "setDutyPerson", ROSTER, more, admin)["offices"]
    assert told["onDuty"] == [duty]
    assert told["dutyPersons"] == [
        {"account": other, "mobile": "15400000002", "email": None, "standing": False},
        {"account": duty, "mobile": "15400000001", "email": "duty@example.org", "standing": True},
    ]
    more = {"unit": unit, "account": other, "mobile": "15400000003"}
    told = do(gateway, "setDutyPerson", ROSTER, more, other)["offices"]  # the own number
    assert [one["mobile"] for one in told["dutyPersons"]] == ["15400000003", "*"]
    promoted = more | {"standing": True}
    assert do(gateway, "setDutyPerson", ROSTER, promoted, other)["code"] == "FORBIDDEN"

    def at(days: float) -> str:
        return instant(time.time() + days * 86_400)

    shifts = [{"account": other, "begins": at(-0.01), "ends": at(1)}]
    roster = {"unit": unit, "begins": at(-0.01), "ends": at(30), "shifts": shifts}
    assert do(gateway, "setDutyRoster", ROSTER, roster, other)["code"] == "FORBIDDEN"
    assert do(gateway, "setDutyRoster", ROSTER, roster, ADMINS[CITY])["code"] == "FORBIDDEN"
    keyed = roster | {"idempotencyKey": "roster"}
    for repeated in (False, True):
        told = do(gateway, "setDutyRoster", ROSTER, keyed, admin)
        assert told["repeated"] == repeated
        (one,) = told["offices"]["dutyShifts"]
        assert one == shifts[0] | {"setBy": admin}
        assert told["offices"]["onDuty"] == [other]
    for wrong, path in (
        ({"begins": at(2), "ends": at(1)}, ["ends"]),
        ({"begins": at(-9), "ends": at(-8), "shifts": []}, ["ends"]),
        ({"ends": at(400)}, ["ends"]),
        ({"shifts": [shifts[0] | {"account": "nobody"}]}, ["shifts", "0", "account"]),
        ({"shifts": [shifts[0] | {"ends": at(9)}]}, ["shifts", "0", "ends"]),
        ({"shifts": [shifts[0] | {"begins": at(-0.5)}]}, ["shifts", "0"]),
        ({"shifts": shifts * 1001}, ["shifts"]),
    ):
        refused = do(gateway, "setDutyRoster", ROSTER, roster | wrong, admin)
        assert refused["mistakes"][0]["path"] == path, wrong

    gone = {"unit": unit, "account": other}
    assert do(gateway, "endDutyPerson", ROSTER, gone, other)["code"] == "FORBIDDEN"
    told = do(gateway, "endDutyPerson", ROSTER, gone, admin)["offices"]
    assert (told["onDuty"], told["dutyShifts"]) == ([duty], [])
    assert do(gateway, "endDutyPerson", ROSTER, gone, admin)["code"] == "INVALID_INPUT"

    watched = {"unit": f"cdc-{CITY}", "diseases": ["plague", "sars"]}
    assert do(gateway, "setDiseaseWatches", ROSTER, watched, admin)["code"] == "FORBIDDEN"
    told = do(gateway, "setDiseaseWatches", ROSTER, watched, ADMINS[CITY])["offices"]
    assert told["watchedDiseases"] == ["plague", "sars"]
    watched["diseases"] = ["nonsense"]
    refused = do(gateway, "setDiseaseWatches", ROSTER, watched, ADMINS[CITY])
    assert refused["mistakes"][0]["path"] == ["diseases"]
    watched |= {"unit": f"hospital-{COUNTY}-1", "diseases": ["plague"]}
    assert do(gateway, "setDiseaseWatches", ROSTER, watched, admin)["code"] == "INVALID_INPUT"

    with closing(sqlite3.connect(gateway.demo.config.log_store)) as log:
        entries = b"".join(
            bytes(str(row[0]), "utf-8") for row in log.execute("SELECT entry FROM entries")
        )
    assert b"1540000000" not in entries
    assert b"duty@example.org" not in entries


def test_a_system_administrator_takes_a_role_from_a_unit(gateway: Gateway) -> None:
    who, password = f"county-{COUNTY}", gateway.demo.accounts[f"county-{COUNTY}"]["password"]
    given = {"unit": f"cdc-{COUNTY}", "role": "UNIT_USER", "enabled": False, "reason": "整改"}
    assert do(gateway, "setUnitRole", SET, given, "secadmin")["code"] == "FORBIDDEN"
    (one,) = do(gateway, "setUnitRole", SET, given, "sysadmin")["offices"]["roles"]
    assert one == {"role": "UNIT_USER", "enabled": False, "reason": "整改", "setBy": "sysadmin"}
    assert gateway.ask("{me{account}}", who=who).status_code == 401
    assert sign_in(gateway, who, password).status_code == 401
    do(gateway, "register", RECEIPT, registration(), None)
    (waiting,) = pending(gateway, ADMINS[COUNTY])
    decision = {"registration": waiting["id"]}
    told = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert "may not have accounts" in told["message"]
    given["enabled"] = True
    do(gateway, "setUnitRole", SET, given, "sysadmin")
    assert sign_in(gateway, who, password).status_code == 200
    given |= {"role": "AUDITOR"}
    assert do(gateway, "setUnitRole", SET, given, "sysadmin")["code"] == "INVALID_INPUT"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_one_person_by_whatever_way_the_account_came(gateway: Gateway) -> None:
    """An ordinary account may file its own holder, and nobody registers twice."""
    known = {one.account: one for one in demo_accounts(region_settings("3201"))}
    own = contact(known[f"county-{COUNTY}"].items["id_number"])
    do(gateway, "register", RECEIPT, registration(contact=own), None)
    (waiting,) = pending(gateway, ADMINS[COUNTY])
    decision = {"registration": waiting["id"]}
    told = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert f"the same person has the account county-{COUNTY}" in told["message"]
    changes = {"contact": own, "secondReason": "轮换"}
    assert filed(gateway, f"county-{COUNTY}", **changes)["filing"]["state"] == "FILED"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_nobody_decides_about_themselves_by_another_account(gateway: Gateway) -> None:
    """An administrator owns an ordinary account beside it (A7); the level above answers for it."""
    known = {one.account: one for one in demo_accounts(region_settings("3201"))}

    def own(account: str) -> dict[str, Any]:
        return contact(known[account].items["id_number"])

    wanted = registration(contact=own(ADMINS[COUNTY]))
    do(gateway, "register", RECEIPT, wanted, None)
    assert pending(gateway, ADMINS[COUNTY]) == []
    (waiting,) = pending(gateway, ADMINS[CITY])
    decision = {"registration": waiting["id"]}
    refused = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])
    assert refused["code"] == "FORBIDDEN"
    told = do(gateway, "approveRegistration", DECIDED, decision, ADMINS[CITY])
    assert told["user"]["account"] == wanted["account"]

    given = {"account": wanted["account"], "reason": "泄露"}
    assert do(gateway, "disableUser", USER, given, ADMINS[COUNTY])["user"]
    lapse(gateway, wanted["account"], state="SUSPENDED")
    for name in ("enableUser", "renewUser"):
        mine = given if name == "enableUser" else {"account": wanted["account"]}
        assert do(gateway, name, USER, mine, ADMINS[COUNTY])["code"] == "FORBIDDEN", name
        assert do(gateway, name, USER, mine, ADMINS[CITY])["user"]["standing"] == "ACTIVE", name

    for above, code in ((ADMINS[CITY], COUNTY), ("sysadmin", NATIONAL)):
        changes = {"contact": own(above), "secondReason": "轮换"}
        filing = filed(gateway, above, code=code, **changes)["filing"]
        assert decide(gateway, filing["id"], above)["code"] == "FORBIDDEN"


def test_me_is_whole(shared: Gateway) -> None:
    text = (
        "{me{account user{standing renewBy department purpose contact{mobile idNumber}} "
        "unitOffices{unitAbove administrator responsiblePerson{name} dutyPerson{account}}}}"
    )
    me = shared.data(text, who=f"county-{COUNTY}")["me"]
    assert me["user"]["contact"]["idNumber"].startswith("98")
    assert (me["user"]["standing"], me["user"]["purpose"]) == ("ACTIVE", "MONITOR")
    assert me["unitOffices"] == {
        "unitAbove": f"cdc-{CITY}",
        "administrator": ADMINS[COUNTY],
        "responsiblePerson": {"name": "演示 主任"},
        "dutyPerson": {"account": f"duty-{COUNTY}"},
    }


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_system_administrator_corrects_tracing_data_unseen(gateway: Gateway) -> None:
    """And nothing else (A3): the old value is kept, no record is opened."""
    page = gateway.data("{contacts(first:1){edges{node{id person{id} firstContactOn}}}}")
    contact_id = page["contacts"]["edges"][0]["node"]["id"]
    person_id = page["contacts"]["edges"][0]["node"]["person"]["id"]
    wanted = "... on CorrectPayload { record { id } corrections { old } ignored { code } }"

    def correct(who: str, record: str, field: str, value: str) -> Any:
        changes = [{"field": field, "value": value}]
        given = {"id": record, "changes": changes, "reason": "录入错误"}
        return do(gateway, "correct", wanted, given, who)

    done = correct("sysadmin", contact_id, "level", "GENERAL")
    assert done == {
        "__typename": "CorrectPayload",
        "record": None,
        "corrections": [],
        "ignored": [],
    }
    assert correct("sysadmin", contact_id, "level", "GENERAL") == done  # not told: the same
    text = "query($i:ID!){node(id:$i){... on Contact{level history{old new correctedBy}}}}"
    node = gateway.data(text, {"i": contact_id})["node"]
    assert node["level"] == "GENERAL"
    assert node["history"][-1]["correctedBy"] == "sysadmin"
    assert correct("sysadmin", contact_id, "remarks", "x")["code"] == "FORBIDDEN"
    assert correct("sysadmin", person_id, "nationality", "x")["code"] == "FORBIDDEN"
    for who in ("secadmin", ADMINS[CITY], "auditor"):
        assert correct(who, contact_id, "level", "CLOSE")["code"] == "FORBIDDEN"
    entry = gateway.demo.entries(account="sysadmin", operation="mutation correct")[0]
    assert set(entry["what"]["wrote"]) == {"contact", "correction"}
    assert not entry["what"].get("records")


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_of_many_who_approve_at_once_one_does(gateway: Gateway) -> None:
    """Requests over connections of their own, each with a key of its own."""
    do(gateway, "register", RECEIPT, registration(account="once"), None)
    do(gateway, "register", RECEIPT, registration(account="once"), None)
    waiting = [one["id"] for one in pending(gateway, ADMINS[COUNTY])]

    def approve(number: int) -> Any:
        decision = {"registration": waiting[number % 2]}
        return do(gateway, "approveRegistration", DECIDED, decision, ADMINS[COUNTY])

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(approve, range(16)))
    made = [one["user"]["account"] for one in told if "user" in one]
    assert sorted(made) == ["once", "once-2"]
    refused = [one["message"] for one in told if "user" not in one]
    assert len(refused) == 14
    assert all("approved already" in message for message in refused)
    text = '{users(filter:{account:["once","once-2","once-3"]}){totalCount}}'
    assert gateway.data(text, who=ADMINS[COUNTY])["users"]["totalCount"] == 2
