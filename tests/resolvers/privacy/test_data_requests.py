"""Requests for data of people without an account, up to what may be exported for them (F9)."""

from __future__ import annotations

from typing import Any

import pytest

from regions.privacy import data_requests
from resolvers.privacy.data_requests import approved_request, note_prepared
from resolvers.privacy.steps import StepRefused
from resolvers.writing.refusing import Refusal
from tests.resolvers.privacy.office import MONITORING, Office, form, id_number

REQUEST = """mutation ($input: DataRequestInput!) { requestData(input: $input) { __typename
  ... on Problem { code message messageZh } ... on InvalidInputProblem { mistakes { path } }
  ... on DataRequestPayload { repeated request { id state requester } } } }"""
DECIDE = """mutation ($input: DecideDataRequestInput!) { decideDataRequest(input: $input) {
  __typename ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on DataRequestPayload { request { id state businessHead administrator reason } } } }"""
LIST = """query ($filter: DataRequestFilter) { dataRequests(filter: $filter) { totalCount
  edges { node { id state requester purposeText contact { mobile } organisation legalBasis
    items code from to filedBy exportId reason } } } }"""


def filed(office: Office, key: str = "d", account: str = "officer", **changes: Any) -> Any:
    """The result of filing a request."""
    given = {
        "idempotencyKey": key,
        "requester": "李研究",
        "organisation": "某大学公共卫生学院",
        "contact": form("x")["contact"] | {"idNumber": id_number(77)},
        "purpose": "RESEARCH",
        "purposeText": "attack rates in schools",
        "legalBasis": "协议 2026-5",
        "recordType": "CONTACT",
        "items": ["SEX", "AGE"],
        "code": "320104",
        "from": "2026-01-01",
        "to": "2026-05-31",
        "businessDepartment": MONITORING,
        "commitmentAgreed": True,
    } | changes
    return office.mutate(REQUEST, account, **given)


def decided(office: Office, request: str, account: str, decision: str = "APPROVE") -> Any:
    """The result of a decision."""
    given = {"request": request, "decision": decision, "reason": "because"}
    key = f"{request} {account} {decision}"
    return office.mutate(DECIDE, account, idempotencyKey=key, **given)


def approved(office: Office, **changes: Any) -> str:
    """A request that was approved; its id."""
    request: str = filed(office, **changes)["request"]["id"]
    assert decided(office, request, "head-2")["request"]["state"] == "AWAITING_ADMINISTRATOR"
    assert decided(office, request, "bizadmin")["request"]["state"] == "APPROVED"
    return request


def test_two_others_approve_and_the_selection_is_what_was_asked(office: Office) -> None:
    request = approved(office)
    found = office.do(lambda connection: approved_request(connection, request, "officer"))
    assert (found.record_type, found.items) == ("CONTACT", {"SEX", "AGE"})
    assert (found.code, found.start, found.end) == ("320104", "2026-01-01", "2026-05-31")
    assert found.organisation == "某大学公共卫生学院"


def test_nothing_may_be_exported_before_or_by_others_or_twice(office: Office) -> None:
    request = filed(office)["request"]["id"]

    def said(account: str) -> str:
        with pytest.raises(Refusal) as refusal:
            office.do(lambda connection: approved_request(connection, request, account))
        return getattr(refusal.value.problem, "reason", refusal.value.problem.code)

    assert said("officer") == "NOT_APPROVED"
    decided(office, request, "head-2")
    assert said("officer") == "NOT_APPROVED"
    decided(office, request, "bizadmin")
    assert said("colleague") == "NOT_FOUND"
    number = office.rows(data_requests)[0].id
    office.do(lambda connection: note_prepared(connection, number, "export-1", "2026-06-01"))
    assert said("officer") == "PREPARED_ALREADY"
    with pytest.raises(StepRefused):
        office.do(lambda connection: note_prepared(connection, number, "export-2", "2026-06-01"))
    again = office.do(
        lambda connection: approved_request(connection, request, "officer", again=True)
    )
    assert again.number == number
    (edge,) = office.ask(LIST, "officer")["data"]["dataRequests"]["edges"]
    assert edge["node"]["exportId"] == "export-1"


def test_it_goes_in_order_by_different_people(office: Office) -> None:
    request = filed(office)["request"]["id"]
    assert decided(office, request, "bizadmin")["reason"] == "NOT_YOUR_STEP"
    assert decided(office, request, "head-1")["code"] == "NOT_FOUND"
    assert decided(office, request, "officer")["reason"] == "NOT_YOUR_STEP"
    own = filed(office, "own", "head-2")["request"]["id"]
    assert decided(office, own, "head-2")["reason"] == "SAME_PERSON"
    office.set("head-2", person_index=office.indexer.id_number(id_number(1)))
    assert decided(office, request, "head-2")["reason"] == "SAME_PERSON"


def test_a_refusal_ends_it_with_its_reason(office: Office) -> None:
    request = filed(office)["request"]["id"]
    refused = decided(office, request, "head-2", "REFUSE")["request"]
    assert (refused["state"], refused["reason"]) == ("REFUSED", "because")
    assert decided(office, request, "bizadmin")["reason"] == "REFUSED_ALREADY"
    other = approved(office, key="other")
    assert decided(office, other, "officer", "WITHDRAW")["request"]["state"] == "WITHDRAWN"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"recordType": "VISIT"}, ["recordType"]),
        ({"to": "2025-01-01"}, ["to"]),
        ({"code": "330000"}, ["code"]),
        ({"requester": ""}, ["requester"]),
        ({"legalBasis": " "}, ["legalBasis"]),
        ({"commitmentAgreed": False}, ["commitmentAgreed"]),
        ({"contact": form("x")["contact"] | {"idNumber": "1"}}, ["contact", "idNumber"]),
    ],
)
def test_a_form_that_cannot_be_taken_says_where(
    office: Office, changes: dict[str, Any], path: list[str]
) -> None:
    assert filed(office, **changes)["mistakes"][0]["path"] == path
    assert office.rows(data_requests) == []


def test_it_is_read_by_those_who_take_part(office: Office) -> None:
    filed(office)
    for account in ("officer", "head-2", "bizadmin"):
        (edge,) = office.ask(LIST, account)["data"]["dataRequests"]["edges"]
        assert edge["node"]["requester"] == "李研究"
    for account in ("secadmin", "auditor"):
        (edge,) = office.ask(LIST, account)["data"]["dataRequests"]["edges"]
        assert edge["node"]["requester"] is None
        assert edge["node"]["contact"]["mobile"] == "*"
    for account in ("colleague", "head-1", "city-admin", "elsewhere"):
        assert office.ask(LIST, account)["data"]["dataRequests"]["totalCount"] == 0
    wanted = {"filter": {"state": ["APPROVED"]}}
    assert office.ask(LIST, "officer", wanted)["data"]["dataRequests"]["totalCount"] == 0
    text = (office.path.parent / "gateway.db-wal").read_bytes() + office.path.read_bytes()
    for secret in ("李研究", id_number(77), "attack rates"):
        assert secret.encode() not in text


def test_the_same_key_files_once(office: Office) -> None:
    first, again = filed(office), filed(office)
    assert again["repeated"] is True
    assert again["request"] == first["request"]
    assert len(office.rows(data_requests)) == 1


EXPORT = """mutation ($input: RequestExportInput!) { requestExport(input: $input) { __typename
  ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on InvalidInputProblem { mistakes { path } }
  ... on RequestExportPayload { repeated export { id state rows recipient } } } }"""


def _exported(office: Office, request: str, key: str = "x", **changes: Any) -> Any:
    given = {
        "idempotencyKey": key,
        "kind": "CONTACTS",
        "format": "CSV",
        "columns": ["id", "code", "sex"],
        "purpose": "for the university",
        "dataRequest": request,
    } | changes
    return office.mutate(EXPORT, "officer", **given)


def test_the_export_holds_what_was_approved_and_no_more(office: Office) -> None:
    days = {"from": "1990-01-01", "to": "2099-12-31"}
    request = approved(office, **days)
    assert _exported(office, request, kind="CASES")["mistakes"][0]["path"] == ["kind"]
    named = _exported(office, request, columns=["id", "name"])
    assert named["mistakes"][0]["path"] == ["columns", "1"]
    deeper = _exported(office, request, columns=["person.phone"])
    assert deeper["mistakes"][0]["path"] == ["columns", "0"]
    for other in ("sourceCase.sex", "sourceCase.code", "parentContact.sex"):  # were not approved
        beyond = _exported(office, request, columns=["person.sex", other])
        assert beyond["mistakes"][0]["path"] == ["columns", "1"], other
    found = _exported(office, request)["export"]
    assert found["recipient"] == "某大学公共卫生学院"
    assert found["state"] == "READY"
    here = "{ contacts { totalCount } }"
    assert found["rows"] == office.ask(here, "officer")["data"]["contacts"]["totalCount"] > 0
    assert _exported(office, request)["repeated"] is True
    assert _exported(office, request, "again")["reason"] == "PREPARED_ALREADY"
    nothing = approved(office, key="later", **{"from": "2099-01-01", "to": "2099-01-02"})
    assert _exported(office, nothing, "n")["export"]["rows"] == 0
    assert _exported(office, "dataRequest:1", "o")["code"] == "NOT_FOUND"
