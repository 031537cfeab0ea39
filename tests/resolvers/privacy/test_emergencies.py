"""Emergency access: at once, short, told to two, reviewed or the account is suspended (F11)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from regions.instants import instant, now, seconds_of
from regions.offices import administrator_filings
from regions.people import people
from regions.privacy import emergencies, grants
from regions.users import account_events, accounts, sessions
from resolvers.privacy.supervising import suspend_unreviewed
from resolvers.users.accounts import find_account, is_usable, reinstate, standing_of
from resolvers.users.states import Standing
from tests.records import Population
from tests.resolvers.privacy.office import Office

BREAK = """mutation ($input: BreakGlassInput!) { breakGlass(input: $input) { __typename
  ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on InvalidInputProblem { mistakes { path } }
  ... on BreakGlassPayload { repeated access { id supervisors reviewDueAt reasonText
    grant { id items recordTypes code person how startsAt endsAt inForce application } } } } }"""
REVIEW = """mutation ($input: ReviewEmergencyAccessInput!) { reviewEmergencyAccess(input: $input) {
  __typename ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on ReviewEmergencyAccessPayload { access { finding reviewedBy remarks suspendedAt
    grant { inForce revokedReason } } } } }"""
LIST = """query ($unreviewed: Boolean) { emergencyAccesses(unreviewed: $unreviewed) { totalCount
  edges { node { id account name reason reasonText supervisors finding remarks } } } }"""
_CASES = "{ cases(first: 1000) { edges { node { code name phone } } } }"
_CONTACTS = "{ contacts(first: 1000) { edges { node { person { id } name } } } }"


def taken(office: Office, key: str = "e", account: str = "officer", **changes: Any) -> Any:
    """The result of breaking the glass."""
    given = {
        "idempotencyKey": key,
        "reason": "OUTBREAK",
        "reasonText": "school, forty ill children",
        "recordTypes": ["CASE"],
        "code": "320104",
    } | changes
    return office.mutate(BREAK, account, **given)


def reviewed(office: Office, access: str, account: str, finding: str, **more: Any) -> Any:
    """The result of a review."""
    given = {"idempotencyKey": f"{access} {account}", "access": access, "finding": finding}
    return office.mutate(REVIEW, account, **(given | more))


def test_it_opens_the_records_at_once_and_for_four_hours_at_most(office: Office) -> None:
    access = taken(office)["access"]
    right = access["grant"]
    assert right["how"] == "EMERGENCY"
    assert right["application"] == access["id"]
    assert seconds_of(right["endsAt"]) - seconds_of(right["startsAt"]) == 4 * 3600
    assert seconds_of(access["reviewDueAt"]) - seconds_of(right["startsAt"]) == 24 * 3600
    assert len(right["items"]) == 14
    (held,) = office.viewer("officer").grants
    assert held.emergency
    nodes = office.ask(_CASES, "officer")["data"]["cases"]["edges"]
    assert nodes
    assert all(one["node"]["name"] != "*" for one in nodes)
    contacts = office.ask(_CONTACTS, "officer")["data"]["contacts"]["edges"]
    assert {one["node"]["name"] for one in contacts} == {"*"}


@pytest.mark.parametrize(
    "session",
    [
        {"proved_at": instant(seconds_of(now()) - 660)},
        {"proved_at": None},
        {"second_factor": ""},
        {"revoked_at": now()},
    ],
    ids=["old", "never", "none", "ended"],
)
def test_it_needs_a_second_factor_shown_just_now(office: Office, session: dict[str, Any]) -> None:
    own = sessions.c.account == "officer"
    office.do(lambda one: one.execute(update(sessions).where(own).values(**session)))
    refused = taken(office)
    assert refused["reason"] == "PROOF_MISSING"
    assert "step-up" in refused["message"]
    assert "第二因素" in refused["messageZh"]
    assert office.rows(emergencies) == office.rows(grants) == []
    fresh = {"proved_at": now(), "second_factor": "PASSKEY", "revoked_at": None}
    office.do(lambda one: one.execute(update(sessions).where(own).values(**fresh)))
    given = taken(office)
    assert given["__typename"] == "BreakGlassPayload"
    office.do(lambda one: one.execute(update(sessions).where(own).values(**session)))
    assert taken(office)["repeated"] is True  # the same key only says what it gave


def test_one_persons_records_open_and_nobody_elses(office: Office, population: Population) -> None:
    (one, *others) = [row for row in population.of(people) if row["code"] == "320104"]
    assert others
    person = f"person:{one['id']}"
    types = ["CONTACT"]
    access = taken(office, person=person, recordTypes=types)["access"]
    assert access["grant"]["person"] == person
    for edge in office.ask(_CONTACTS, "officer")["data"]["contacts"]["edges"]:
        clear = edge["node"]["name"] != "*"
        assert clear is (edge["node"]["person"]["id"] == person)
    elsewhere = next(row for row in population.of(people) if row["code"][:4] == "5001")
    for nobody in (f"person:{elsewhere['id']}", "person:1", "case:1"):
        assert taken(office, "x", person=nobody)["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"minutes": 241}, ["minutes"]),
        ({"minutes": 0}, ["minutes"]),
        ({"reasonText": ""}, ["reasonText"]),
        ({"recordTypes": []}, ["recordTypes"]),
        ({"code": "320100"}, ["code"]),
    ],
)
def test_what_makes_no_sense_is_refused(
    office: Office, changes: dict[str, Any], path: list[str]
) -> None:
    assert taken(office, **changes)["mistakes"][0]["path"] == path
    assert office.rows(grants) == []


@pytest.mark.parametrize("account", ["bizadmin", "secadmin", "auditor", "machine"])
def test_only_people_whose_role_opens_records_may(office: Office, account: str) -> None:
    assert taken(office, account=account, code="320104")["code"] == "FORBIDDEN"
    assert office.rows(emergencies) == []


def test_the_administrators_of_the_unit_and_of_the_level_above_are_told(office: Office) -> None:
    access = taken(office)["access"]
    assert access["supervisors"] == ["bizadmin", "city-admin"]
    for account in ("bizadmin", "city-admin", "officer"):
        (edge,) = office.ask(LIST, account)["data"]["emergencyAccesses"]["edges"]
        assert edge["node"]["reasonText"] == "school, forty ill children"
    for account in ("secadmin", "auditor"):
        (edge,) = office.ask(LIST, account)["data"]["emergencyAccesses"]["edges"]
        assert edge["node"]["reasonText"] is None
    for account in ("colleague", "standby", "elsewhere", "head-1"):
        assert office.ask(LIST, account)["data"]["emergencyAccesses"]["totalCount"] == 0
    text = (office.path.parent / "gateway.db-wal").read_bytes() + office.path.read_bytes()
    assert b"forty ill" not in text


def test_others_are_told_where_an_administrator_is_missing(office: Office) -> None:
    gone = update(administrator_filings).values(state="DEREGISTERED", slot=None)
    office.do(lambda connection: connection.execute(gone))
    assert taken(office)["access"]["supervisors"] == ["head-1", "head-2"]
    nobody = update(accounts).where(accounts.c.account != "officer").values(state="DISABLED")
    office.do(lambda connection: connection.execute(nobody))
    refused = taken(office, "later")
    assert refused["reason"] == "NO_SUPERVISORS"
    assert len(office.rows(emergencies)) == 1


def test_two_accounts_of_one_person_are_one_supervisor(office: Office) -> None:
    same = office.indexer.id_number("110101199001010014")
    office.set("bizadmin", person_index=same)
    office.set("city-admin", person_index=same)
    assert taken(office)["access"]["supervisors"] == ["bizadmin", "head-1"]


def test_a_justified_one_is_reviewed_by_a_supervisor_and_that_is_all(office: Office) -> None:
    access = taken(office)["access"]
    for stranger in ("officer", "colleague", "secadmin"):
        assert reviewed(office, access["id"], stranger, "JUSTIFIED")["code"] == "NOT_FOUND"
    found = reviewed(office, access["id"], "city-admin", "JUSTIFIED")["access"]
    assert found["finding"] == "JUSTIFIED"
    assert found["reviewedBy"] == "city-admin"
    assert found["grant"]["inForce"] is True
    again = reviewed(office, access["id"], "bizadmin", "JUSTIFIED")
    assert again["reason"] == "REVIEWED_ALREADY"
    assert office.ask(LIST, "bizadmin", {"unreviewed": True})["data"]["emergencyAccesses"] == {
        "totalCount": 0,
        "edges": [],
    }
    _pass(office, 25)
    assert office.do(lambda connection: is_usable(connection, "officer"))


def test_nobody_reviews_their_own_by_another_account(office: Office) -> None:
    """Found out only after it was told: whose account an older one is, say."""
    access = taken(office)["access"]
    officer = office.do(lambda connection: find_account(connection, "officer"))
    office.set("bizadmin", person_index=officer.person_index)
    assert reviewed(office, access["id"], "bizadmin", "JUSTIFIED")["code"] == "FORBIDDEN"
    assert office.rows(emergencies)[0].reviewed_at is None
    assert reviewed(office, access["id"], "city-admin", "JUSTIFIED")["access"]


def test_whose_account_nobody_knows_is_known_by_name_and_unit(office: Office) -> None:
    officer = office.do(lambda connection: find_account(connection, "officer"))
    office.set("bizadmin", person_index=None, name=officer.name)
    assert taken(office)["access"]["supervisors"] == ["city-admin", "head-1"]


def test_one_without_reason_suspends_the_account_at_once(office: Office) -> None:
    access = taken(office)["access"]
    assert reviewed(office, access["id"], "bizadmin", "UNJUSTIFIED")["code"] == "INVALID_INPUT"
    found = reviewed(
        office, access["id"], "bizadmin", "UNJUSTIFIED", remarks="curiosity", idempotencyKey="2"
    )["access"]
    assert found["grant"] == {"inForce": False, "revokedReason": "MISUSE"}
    assert found["suspendedAt"]
    assert found["remarks"] == "curiosity"
    assert not office.do(lambda connection: is_usable(connection, "officer"))
    assert [one.event for one in office.rows(account_events)] == ["SUSPEND"]


def _pass(office: Office, hours: int) -> None:
    """Lets hours pass for the emergencies."""
    due = update(emergencies).values(
        review_due_at="2020-01-01T00:00:00Z" if hours >= 24 else emergencies.c.review_due_at
    )
    office.do(lambda connection: connection.execute(due))


def test_without_a_review_the_account_is_suspended_without_any_clock(office: Office) -> None:
    access = taken(office)["access"]
    assert office.do(lambda connection: is_usable(connection, "officer"))
    _pass(office, 24)
    # Nothing was written yet, and the account is out already.
    assert {one.state for one in office.rows(accounts)} == {"ACTIVE"}
    assert not office.do(lambda connection: is_usable(connection, "officer"))
    standing = office.do(
        lambda connection: standing_of(connection, find_account(connection, "officer"))  # type: ignore[arg-type]  # wrong or wider on purpose
    )
    assert standing is Standing.SUSPENDED
    assert office.do(lambda connection: suspend_unreviewed(connection, now())) == ["officer"]
    assert office.do(lambda connection: suspend_unreviewed(connection, now())) == []
    assert office.rows(emergencies)[0].suspended_at
    (state,) = [one.state for one in office.rows(accounts) if one.account == "officer"]
    assert state == "SUSPENDED"
    # A late review is kept and lets nobody in; whoever reinstates the account does.
    late = reviewed(office, access["id"], "bizadmin", "JUSTIFIED")["access"]
    assert late["suspendedAt"]
    assert not office.do(lambda connection: is_usable(connection, "officer"))
    office.do(lambda connection: reinstate(connection, "officer", "reviewed late", "bizadmin"))
    assert office.do(lambda connection: is_usable(connection, "officer"))


def test_reinstated_without_a_review_it_is_not_suspended_for_it_again(office: Office) -> None:
    taken(office)
    _pass(office, 24)
    office.do(lambda connection: suspend_unreviewed(connection, now()))
    office.do(lambda connection: reinstate(connection, "officer", "a clear case", "bizadmin"))
    assert office.do(lambda connection: is_usable(connection, "officer"))


def test_whoever_notices_writes_it_down(office: Office) -> None:
    taken(office)
    _pass(office, 24)
    office.ask(LIST, "bizadmin")
    assert office.rows(emergencies)[0].suspended_at
    assert all(one.revoked_at for one in office.rows(sessions) if one.account == "officer")


def test_many_emergencies_without_a_review_are_no_way_of_life(office: Office) -> None:
    for number in range(5):
        assert taken(office, f"e{number}")["access"]
    assert taken(office, "e6")["reason"] == "REVIEW_MISSING"


def test_the_same_key_breaks_one_glass(office: Office) -> None:
    first, again = taken(office), taken(office)
    assert again["repeated"] is True
    assert again["access"]["id"] == first["access"]["id"]
    assert len(office.rows(grants)) == 1
