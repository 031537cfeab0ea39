"""Who may ask what, and how a question fails: every role, every root field, every code."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from regions import errors
from resolvers import rights
from resolvers.users import Role
from tests.root_fields import root_fields
from tests.served import Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests

BUSINESS = "business"  # unit users, duty persons, reviewers, regional systems
REPORTER = "reporter"
OTHERS = "others"  # administrators and auditors
OK = ""

RIGHTS: dict[str, dict[str, str]] = {
    # What each smallest question ends in: an error's code, a problem's type, or nothing.
    "me": {BUSINESS: OK, REPORTER: OK, OTHERS: OK},
    "regions": {BUSINESS: OK, REPORTER: OK, OTHERS: OK},
    "diseases": {BUSINESS: OK, REPORTER: OK, OTHERS: OK},
    "units": {BUSINESS: OK, REPORTER: OK, OTHERS: OK},
    "node": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "nodes": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "cases": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "contacts": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "people": {BUSINESS: "FORBIDDEN", REPORTER: OK, OTHERS: "FORBIDDEN"},
    "checkDuplicate": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "chain": {BUSINESS: "NOT_FOUND", REPORTER: "NOT_FOUND", OTHERS: "FORBIDDEN"},
    "counts": {BUSINESS: OK, REPORTER: OK, OTHERS: "FORBIDDEN"},
    "registerCase": {
        BUSINESS: "InvalidInputProblem",
        REPORTER: "InvalidInputProblem",
        OTHERS: "ForbiddenProblem",
    },
    "registerContacts": {BUSINESS: OK, REPORTER: OK, OTHERS: "ForbiddenProblem"},
    "recordVisit": {
        BUSINESS: "NotFoundProblem",
        REPORTER: "NotFoundProblem",
        OTHERS: "ForbiddenProblem",
    },
    "recordSample": {
        BUSINESS: "NotFoundProblem",
        REPORTER: "NotFoundProblem",
        OTHERS: "ForbiddenProblem",
    },
}
FIELDS = {  # each mutation with a key of its own
    field.name: replace(field, question=field.question.replace('Key:"x"', f'Key:"{field.name}"'))
    for field in root_fields()
}
BY_ROLE: dict[str, str] = {
    # What it ends in for the roles that may ask; all others are refused.
    "accessLog": OK,
    "accessLogCheckpoint": OK,
    "accessLogProof": OK,
    "accessLogConsistency": OK,
    "privacyRoles": OK,
    "privacyApplications": OK,
    "grants": OK,
    "emergencyAccesses": OK,
    "dataRequests": OK,
    "aggregates": OK,
    "applyForPrivacyRole": "InvalidInputProblem",
    "signPrivacyApplication": "NotFoundProblem",
    "recordPrivacyBriefing": "InvalidInputProblem",
    "revokeGrant": "NotFoundProblem",
    "withdrawPrivacyRole": "NotFoundProblem",
    "erasures": OK,
    "requestErasure": "InvalidInputProblem",
    "confirmErasure": "NotFoundProblem",
    "breakGlass": OK,
    "reviewEmergencyAccess": "NotFoundProblem",
    "requestData": "InvalidInputProblem",
    "decideDataRequest": "NotFoundProblem",
    "transfers": OK,
    "custody": "NOT_FOUND",
    "offerTransfer": "InvalidInputProblem",
    "acceptTransfer": "NotFoundProblem",
    "cancelTransfer": "NotFoundProblem",
    "recordArrival": "NotFoundProblem",
    "refuseTransfer": "NotFoundProblem",
    "assistIndicators": OK,
    "assistRequests": OK,
    "acknowledgeAssistRequest": "InvalidInputProblem",
    "amendAssistRequest": "InvalidInputProblem",
    "askMoreOfAssistRequest": "InvalidInputProblem",
    "attachToAssistRequest": "InvalidInputProblem",
    "assignAssistRequest": "InvalidInputProblem",
    "closeAssistRequest": "InvalidInputProblem",
    "createAssistRequest": "InvalidInputProblem",
    "decideAssistExclusion": "InvalidInputProblem",
    "feedBackAssistRequest": "InvalidInputProblem",
    "forwardAssistRequest": "InvalidInputProblem",
    "importAssistPeople": "InvalidInputProblem",
    "readAssistRequest": "InvalidInputProblem",
    "refuseAssistRequest": "InvalidInputProblem",
    "reportAssistPerson": "InvalidInputProblem",
    "submitAssistRequest": "InvalidInputProblem",
    "withdrawAssistRequest": "InvalidInputProblem",
    "transfersInFlight": OK,
    "resendTransfer": "NotFoundProblem",
    "pathway": OK,
    "overdue": OK,
    "signals": OK,
    "viewSignal": "InvalidInputProblem",
    "startVerification": "InvalidInputProblem",
    "fileAbnormalInformationCard": "InvalidInputProblem",
    "startInvestigation": "InvalidInputProblem",
    "endInvestigation": "InvalidInputProblem",
    "fileInvestigationForm": "InvalidInputProblem",
    "attachToSignal": "InvalidInputProblem",
    "signalMessages": OK,
    "signalReport": OK,
    "detectionRules": OK,
    "detect": OK,
    "tuneDetection": OK,
    "ruleChanges": OK,
    "applyForRuleChange": "InvalidInputProblem",
    "decideRuleChange": "NotFoundProblem",
    "followUpSheet": OK,
    "publicFigures": "FORBIDDEN",  # what is asked is a county
    "advancePathway": "NotFoundProblem",
    "alarms": OK,
    "acknowledgeAlarm": "NotFoundProblem",
    "correct": "InvalidInputProblem",
    "exports": OK,
    "requestExport": "InvalidInputProblem",
    "decideExport": "NotFoundProblem",
    "users": OK,
    "registrations": OK,
    "registration": OK,
    "administratorFilings": OK,
    "unitOffices": OK,
    "register": "InvalidInputProblem",
    "approveRegistration": "InvalidInputProblem",
    "refuseRegistrations": "InvalidInputProblem",
    "fileAdministrator": "InvalidInputProblem",
    "decideAdministratorFiling": "InvalidInputProblem",
    "withdrawAdministratorFiling": "InvalidInputProblem",
    "activateAdministrator": "InvalidInputProblem",
    "deregisterAdministrator": "InvalidInputProblem",
    "renewUser": "NotFoundProblem",
    "changeUser": "NotFoundProblem",
    "disableUser": "NotFoundProblem",
    "enableUser": "NotFoundProblem",
    "setResponsiblePerson": "InvalidInputProblem",
    "setDutyPerson": "InvalidInputProblem",
    "endDutyPerson": "InvalidInputProblem",
    "setDutyRoster": "InvalidInputProblem",
    "setDiseaseWatches": "InvalidInputProblem",
    "setUnitRole": "InvalidInputProblem",
}


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server of its own: some of these questions write."""
    with serving(demo.copied(tmp_path_factory.mktemp("roles"))) as found:
        yield found


def kind_of(account: dict[str, str]) -> str:
    role = account["role"]
    if "admin" in role or "audit" in role:
        return OTHERS
    return REPORTER if role == "direct reporter" else BUSINESS


def known_codes() -> set[str]:
    """The codes of the tree, and the two that stand for no class of it."""
    found = {"GRAPHQL_INVALID", "INTERNAL"}
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.EpigateError):
            found.add(value.code)
    return found


def outcome(answer: dict[str, Any], name: str) -> str:
    if "errors" in answer:
        (error,) = answer["errors"]
        code: str = error["extensions"]["code"]
        return code
    found = answer["data"][name]
    kind = found["__typename"] if isinstance(found, dict) else ""
    return kind if kind.endswith("Problem") else OK


def test_every_root_field_has_a_row_in_the_table() -> None:
    assert set(RIGHTS) | set(BY_ROLE) == set(FIELDS)
    assert not set(RIGHTS) & set(BY_ROLE)


@pytest.mark.parametrize("name", RIGHTS)
def test_every_role_gets_what_the_table_says(gateway: Gateway, name: str) -> None:
    found = {}
    for account, known in gateway.demo.accounts.items():
        response = gateway.ask(FIELDS[name].question, who=account)
        assert response.status_code == 200
        found[account] = (kind_of(dict(known)), outcome(response.json(), name))
    assert {kind for kind, _ in found.values()} == {BUSINESS, REPORTER, OTHERS}
    assert found == {account: (kind, RIGHTS[name][kind]) for account, (kind, _) in found.items()}


@pytest.mark.parametrize("name", BY_ROLE)
def test_the_roles_that_may_ask_get_an_answer_and_no_other_does(
    gateway: Gateway, name: str
) -> None:
    refused = "FORBIDDEN" if FIELDS[name].operation == "query" else "ForbiddenProblem"
    for account, role in roles_of(gateway.demo).items():
        answer = gateway.ask(FIELDS[name].question, who=account).json()
        expected = BY_ROLE[name] if role in rights.RIGHTS[name].roles else refused
        assert outcome(answer, name) == expected, (account, answer)


def roles_of(demo: Demo) -> dict[str, Role]:
    with closing(sqlite3.connect(demo.config.central_store)) as store:
        rows = store.execute("SELECT account, role FROM accounts").fetchall()
    return {account: Role[role] for account, role in rows if account in demo.accounts}


def test_every_error_has_a_code_of_the_tree(gateway: Gateway) -> None:
    known = known_codes()
    questions = [field.question for field in FIELDS.values()]
    questions += [
        "{",
        "{x}",
        "subscription{x}",
        "{contacts(first:1001){totalCount}}",
        "query A{me}",
    ]
    seen = set()
    for question in questions:
        for who in (None, "nonsense", "auditor", "national"):
            for error in gateway.ask(question, who=who).json().get("errors", ()):
                assert error["message"]
                assert "Traceback" not in error["message"]
                seen.add(error["extensions"]["code"])
    assert seen <= known
    assert seen >= {"UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "GRAPHQL_INVALID", "TOO_LARGE"}


SEVERAL = "query A { a: __typename } query B($n: Int = 1) { contacts(first: $n) { totalCount } }"


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [("A", 200, {"a": "Query"}), ("C", 400, None), (None, 400, None), ("", 400, None)],
)
def test_one_of_several_operations(
    gateway: Gateway, name: str | None, status: int, expected: object
) -> None:
    response = gateway.ask(SEVERAL, operationName=name)
    assert (response.status_code, response.json().get("data")) == (status, expected)
    assert "C" not in [word for e in response.json().get("errors", ()) for word in e["message"]]


ASKED = "query($n:Int,$a:String,$s:Boolean=false){contacts(first:$n,after:$a){%s}}"


@pytest.mark.parametrize(
    ("variables", "records"),
    [
        ({}, 20),
        (None, 20),
        ({"n": None, "a": None}, 20),
        ({"n": 3}, 3),
        ({"n": 3.0}, 3),
        ({"n": 0}, 0),
        ({"n": 1000}, -1),
        ({"n": 3, "unknown": {"a": [1]}}, 3),
        ({"n": 3, "s": True}, None),
    ],
)
def test_variables(gateway: Gateway, variables: dict[str, Any] | None, records: int | None) -> None:
    text = ASKED % "edges@skip(if:$s){node{id}} pageInfo{hasNextPage}"
    page = gateway.data(text, variables)["contacts"]
    if records == -1:  # all there are
        records = gateway.data("{contacts(first:1){totalCount}}")["contacts"]["totalCount"]
        assert records > 200
    assert len(page["edges"]) == records if records is not None else "edges" not in page


@pytest.mark.parametrize("n", ["3", 3.5, True, [3], {"a": 3}, 2**31, -(2**63), 1e300])
def test_variables_that_do_not_fit(gateway: Gateway, n: object) -> None:
    response = gateway.ask(ASKED % "edges{node{id}} pageInfo@skip(if:$s){hasNextPage}", {"n": n})
    (error,) = response.json()["errors"]
    assert response.status_code == 400 or error["extensions"]["code"] == "INVALID_INPUT"
    assert "data" not in response.json() or response.json()["data"] is None


def test_aliases_fragments_and_merged_fields(gateway: Gateway) -> None:
    text = """
    query($n: Int!) {
      a: contacts(first: $n) { ...C ... on ContactConnection { edges { node { code } } } }
      b: cases(first: 2) { edges { node { key: id ... @include(if: true) { __typename } } } }
      me { code }
      me { role }
    }
    fragment C on ContactConnection { edges { node { id } } }
    """
    found = gateway.data(text, {"n": 2})
    assert [set(one["node"]) for one in found["a"]["edges"]] == [{"id", "code"}] * 2
    assert [one["node"]["__typename"] for one in found["b"]["edges"]] == ["Case"] * 2
    assert found["me"] == {"code": "000000", "role": "unit user"}


def test_a_field_that_fails_leaves_the_others(gateway: Gateway) -> None:
    text = '{ node(id: "case:1") { id } other: node(id: "nonsense") { id } me { code } }'
    assert gateway.data(text) == {"node": None, "other": None, "me": {"code": "000000"}}
    response = gateway.ask(text, who="auditor").json()
    assert response["data"] == {"node": None, "other": None, "me": {"code": "000000"}}
    assert [error["path"] for error in response["errors"]] == [["node"], ["other"]]
