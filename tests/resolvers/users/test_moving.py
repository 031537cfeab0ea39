"""`changeUser`: role, department and headship change, by whom, and what ends with it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from regions.keys import Keys
from regions.offices import unit_roles
from regions.settings import RegionSettings
from regions.users import account_events, accounts, sessions
from resolvers.users import Role
from tests.resolvers.privacy.office import DISEASES, INFORMATION, MONITORING, Office, opened

CHANGE = """mutation ($input: ChangeUserInput!) { changeUser(input: $input) { __typename
  ... on Problem { code message messageZh } ... on InvalidInputProblem { mistakes { path } }
  ... on UserPayload { repeated user { account role purpose department head standing } } } }"""
_keys = itertools.count()


@pytest.fixture
def office(
    tmp_path: Path, filled: tuple[RegionSettings, ...], shared_keys: Keys
) -> Iterator[Office]:
    with opened(tmp_path, filled, shared_keys) as made:
        made.do(
            lambda store: store.execute(
                update(accounts).where(accounts.c.role == "UNIT_USER").values(purpose="MONITOR")
            )
        )
        yield made


def changed(office: Office, account: str, by: str = "bizadmin", **given: Any) -> Any:
    """The result of a change."""
    whole = {"idempotencyKey": f"k{next(_keys)}", "account": account, "reason": "岗位调整"} | given
    body = office.ask(CHANGE, by, {"input": whole})
    assert "errors" not in body, body
    return body["data"]["changeUser"]


def row(office: Office, account: str) -> Any:
    (found,) = [one for one in office.rows(accounts) if one.account == account]
    return found


def ended(office: Office, account: str) -> bool:
    return all(one.revoked_at for one in office.rows(sessions) if one.account == account)


def test_a_new_head_is_appointed_and_signs(office: Office) -> None:
    """Three of the five signatures hang on it: without it a new head had to register anew."""
    application = office.apply()
    office.brief(application)
    office.sign(application, "officer")
    assert office.sign(application, "colleague")["__typename"] == "NotFoundProblem"
    assert changed(office, "head-1", head=False)["user"]["head"] is False
    assert office.sign(application, "head-1")["__typename"] == "NotFoundProblem"
    told = changed(office, "colleague", head=True)
    assert (told["repeated"], told["user"]["head"]) == (False, True)
    assert office.sign(application, "colleague", key="as head")["application"]["state"]
    for signer in ("head-2", "bizadmin", "head-3"):
        last = office.sign(application, signer)
    assert last["application"]["state"] == "GRANTED"


def test_role_purpose_and_department_change_and_sessions_end(office: Office) -> None:
    told = changed(
        office, "officer", role="REVIEWER", purpose="REVIEW", department=MONITORING, reason="调岗"
    )["user"]
    assert told == {
        "account": "officer",
        "role": "REVIEWER",
        "purpose": "REVIEW",
        "department": MONITORING,
        "head": False,
        "standing": "ACTIVE",
    }
    assert ended(office, "officer")
    assert not ended(office, "colleague")
    (event,) = office.rows(account_events)
    assert (event.account, event.event, event.by_account) == ("officer", "CHANGE", "bizadmin")
    assert event.reason == "调岗"
    assert json.loads(event.changes) == {
        "role": ["UNIT_USER", "REVIEWER"],
        "purpose": ["MONITOR", "REVIEW"],
        "department": [DISEASES, MONITORING],
    }
    # Only what differs is kept, and a purpose that suits both roles stays.
    assert changed(office, "officer", role="UNIT_USER", purpose="DATA_QUALITY")["user"]
    assert changed(office, "officer", role="REVIEWER")["user"]["purpose"] == "DATA_QUALITY"
    last = json.loads(office.rows(account_events)[-1].changes)
    assert last == {"role": ["UNIT_USER", "REVIEWER"]}


def test_the_same_key_changes_once(office: Office) -> None:
    assert changed(office, "officer", head=True, idempotencyKey="once")["repeated"] is False
    assert changed(office, "officer", head=True, idempotencyKey="once")["repeated"] is True
    assert len(office.rows(account_events)) == 1
    other = changed(office, "officer", head=False, idempotencyKey="once")
    assert other["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize("by", ["standby", "city-admin", "elsewhere", "secadmin", "sysadmin"])
def test_only_the_active_administrator_of_the_unit_may(office: Office, by: str) -> None:
    if by == "sysadmin":
        office.set("auditor", role=Role.SYSTEM_ADMINISTRATOR.name)
        by = "auditor"
    code = changed(office, "officer", by, head=True)["code"]
    assert code == ("NOT_FOUND" if by == "elsewhere" else "FORBIDDEN")
    assert not row(office, "officer").head
    assert office.rows(account_events) == []


@pytest.mark.parametrize("by", ["officer", "head-1", "auditor", "machine"])
def test_no_other_role_may_at_all(office: Office, by: str) -> None:
    assert changed(office, "colleague", by, head=True)["code"] == "FORBIDDEN"


def test_nobody_changes_themselves_by_whatever_account(office: Office) -> None:
    assert changed(office, "bizadmin", department=DISEASES)["code"] == "FORBIDDEN"
    own = row(office, "bizadmin").person_index
    office.set("officer", person_index=own)
    assert changed(office, "officer", head=True)["code"] == "FORBIDDEN"
    assert changed(office, "officer", "city-admin", head=True)["user"]["head"] is True
    office.set("colleague", person_index=None, name=row(office, "bizadmin").name)
    assert changed(office, "colleague", head=True)["code"] == "FORBIDDEN"


def test_an_administrators_department_is_changed_by_the_level_above(office: Office) -> None:
    """The fifth signature is that of the head of the administrator's department."""
    told = changed(office, "standby", "city-admin", department=DISEASES)["user"]
    assert (told["department"], told["role"]) == (DISEASES, "BUSINESS_ADMINISTRATOR")
    assert changed(office, "standby", department=INFORMATION)["code"] == "FORBIDDEN"
    for account, by in (("standby", "city-admin"), ("auditor", "secadmin")):
        told = changed(office, account, by, role="UNIT_USER", purpose="MONITOR")
        assert told["code"] == "INVALID_INPUT"
    assert changed(office, "auditor", "secadmin", department="稽查处")["user"]["department"]


@pytest.mark.parametrize("role", sorted({one.name for one in Role} - {"UNIT_USER", "REVIEWER"}))
def test_roles_that_are_not_registered_are_not_given(office: Office, role: str) -> None:
    told = changed(office, "officer", role=role)
    if role in ("DIRECT_REPORTER", "DUTY_PERSON"):
        # MONITOR is what a duty person is for, and no reporter.
        assert ("user" in told) is (role == "DUTY_PERSON")
    else:
        assert "filed and deregistered" in told["message"]
        assert row(office, "officer").role == "UNIT_USER"


@pytest.mark.parametrize(
    ("account", "given", "why"),
    [
        ("officer", {}, "is so already"),
        ("officer", {"head": False, "department": DISEASES, "role": "UNIT_USER"}, "is so already"),
        ("officer", {"role": "REVIEWER"}, "is for another purpose"),
        ("officer", {"purpose": "DATA_QUALITY"}, "a purpose goes with a role"),
        ("officer", {"head": True, "reason": " "}, "reason is missing"),
        ("head-1", {"department": MONITORING}, "heads the department of before"),
        ("machine", {"department": MONITORING}, "a machine has no department"),
        ("nobody", {"head": True}, "there is no such account"),
    ],
)
def test_what_makes_no_sense(office: Office, account: str, given: Any, why: str) -> None:
    by = "city-admin" if account == "machine" else "bizadmin"
    told = changed(office, account, by, **given)
    assert told["code"] in ("INVALID_INPUT", "NOT_FOUND")
    assert why in told["message"] or told["code"] == "NOT_FOUND"
    assert told["messageZh"]
    assert office.rows(account_events) == []


def test_heads_need_a_department_and_accounts_must_be_in_use(office: Office) -> None:
    office.set("officer", department=None)
    assert "of which department" in changed(office, "officer", head=True)["message"]
    assert changed(office, "officer", head=True, department=MONITORING)["user"]["head"]
    moved = changed(office, "officer", head=True, department=DISEASES)["user"]
    assert (moved["department"], moved["head"]) == (DISEASES, True)
    office.set("officer", state="DISABLED")
    assert "is disabled" in changed(office, "officer", head=False)["message"]


def test_a_role_must_be_the_units_and_not_doubled(office: Office) -> None:
    office.set("colleague", role="REVIEWER", person_index=row(office, "officer").person_index)
    doubled = changed(office, "officer", role="REVIEWER", purpose="REVIEW")
    assert "has the account colleague of this role" in doubled["message"]
    office.do(
        lambda store: store.execute(
            insert(unit_roles).values(
                unit_id="cdc-320104",
                role="DUTY_PERSON",
                enabled=0,
                reason="x",
                set_by="x",
                set_at="2026-01-01T00:00:00Z",
            )
        )
    )
    assert "may not have accounts" in changed(office, "head-2", role="DUTY_PERSON")["message"]
