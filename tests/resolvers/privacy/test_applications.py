"""Applications with their five signatures: what they give, who may sign, who may read (F5–F8)."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import pytest
from sqlalchemy import update

from regions.engines import sqlite_engine
from regions.instants import instant, seconds_of
from regions.privacy import grants, privacy_applications, privacy_roles, privacy_signatures
from resolvers.central import Central
from resolvers.privacy.roles import NATIONAL_ROLES
from tests.resolvers.privacy.office import (
    APPLY,
    DISEASES,
    INFORMATION,
    SIGN,
    SIGNERS,
    STAFF,
    Office,
    form,
    id_number,
)

_LIST = """query ($filter: PrivacyApplicationFilter, $first: Int, $after: String) {
  privacyApplications(filter: $filter, first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor } edges { node { id state account department purposeText
      contact { mobile idNumber qq } roles { id items national } renews nextStep
      signatures { step account decision reason } } } } }"""
_GRANTS = """query ($filter: GrantFilter) { grants(filter: $filter) { totalCount regions { state }
  edges { node {
  id account unitId recordTypes items code person purpose how application inForce
  startsAt endsAt revokedAt revokedBy revokedReason } } } }"""
_REVOKE = """mutation ($input: RevokeGrantInput!) { revokeGrant(input: $input) { __typename
  ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on RevokeGrantPayload { repeated grant { id inForce revokedBy revokedReason } } } }"""


def test_five_signatures_give_the_right_and_not_one_before(office: Office) -> None:
    application = office.apply()
    office.brief(application)
    for number, account in enumerate(SIGNERS):
        assert office.viewer("officer").grants == ()
        found = office.sign(application, account)
        assert found["__typename"] == "PrivacyApplicationPayload", found
        assert (found["application"]["state"] == "GRANTED") is (number == 4)
    (given,) = found["application"]["grants"]
    assert given["recordTypes"] == ["CONTACT"]
    assert set(given["items"]) == set(NATIONAL_ROLES["contact"].items)
    assert given["inForce"] is True
    assert given["how"] == "APPLICATION"
    (held,) = office.viewer("officer").grants
    assert held.id == given["id"]
    assert held.code == "320104"


def test_roles_together_give_each_its_own_items(office: Office) -> None:
    given = office.sign_all(office.apply(roles=["contact", "case"]))["application"]["grants"]
    parts = {(tuple(one["recordTypes"]), frozenset(one["items"])) for one in given}
    case, contact = (frozenset(NATIONAL_ROLES[name].items) for name in ("case", "contact"))
    assert parts == {(("CASE", "CONTACT"), case & contact), (("CONTACT",), contact - case)}


def test_an_application_may_ask_for_less_than_its_roles(office: Office) -> None:
    given = office.sign_all(office.apply(items=["NAME", "PHONE"]))["application"]["grants"]
    assert [one["items"] for one in given] == [["NAME", "PHONE"]]
    refused = office.mutate(APPLY, "officer", **form("b", items=["COORDINATES"]))
    assert refused["mistakes"][0]["path"] == ["items"]


def test_a_dedicated_role_is_the_units_once_it_is_signed(office: Office) -> None:
    role = {
        "name": "Vehicles of contacts",
        "nameZh": "密接车次专用隐私角色",
        "recordType": "CONTACT",
        "items": ["SEAT"],
        "regulation": "本中心隐私管理规定（2026）第三条",
    }
    roles = "{ privacyRoles { id nameZh items national regulation } }"
    application = office.apply(roles=[], dedicatedRole=role)
    assert len(office.ask(roles, "colleague")["data"]["privacyRoles"]) == len(NATIONAL_ROLES)
    office.sign_all(application)
    *_, own = office.ask(roles, "colleague")["data"]["privacyRoles"]
    assert own["nameZh"] == role["nameZh"]
    assert own["regulation"] == role["regulation"]
    assert own["national"] is False
    assert len(office.ask(roles, "city-user")["data"]["privacyRoles"]) == len(NATIONAL_ROLES)
    assert office.apply("later", "colleague", roles=[own["id"]])
    refused = office.mutate(APPLY, "city-user", **form("x", "city-user", roles=[own["id"]]))
    assert refused["mistakes"][0]["path"] == ["roles", "0"]
    assert len(office.rows(privacy_roles)) == 1


_WITHDRAW = """mutation ($input: WithdrawPrivacyRoleInput!) { withdrawPrivacyRole(input: $input) {
  __typename ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on WithdrawPrivacyRolePayload { role { id withdrawnAt } ended closed repeated } } }"""
_DEDICATED = {
    "name": "Vehicles of contacts",
    "nameZh": "密接车次专用隐私角色",
    "recordType": "CONTACT",
    "items": ["SEAT"],
    "regulation": "本中心隐私管理规定（2026）第三条",
}


def _role_in_use(office: Office) -> tuple[str, str, str]:
    """A dedicated role, the application that defined it, and another for it that waits."""
    made = office.apply(roles=["visit"], dedicatedRole=_DEDICATED)
    office.sign_all(made)
    (role,) = [one.id for one in office.rows(privacy_roles)]
    return role, made, office.apply("later", "colleague", roles=[role])


@pytest.mark.parametrize("by", ["bizadmin", "city-admin", "secadmin"])
def test_a_dedicated_role_is_withdrawn_with_what_rests_on_it(office: Office, by: str) -> None:
    role, made, waiting = _role_in_use(office)
    other = office.apply("other", roles=["contact"])
    office.sign_all(other)
    given = {"idempotencyKey": "w", "role": role, "reason": "the regulation was repealed"}
    done = office.mutate(_WITHDRAW, by, **given)
    assert done["role"]["id"] == role
    assert done["role"]["withdrawnAt"]
    assert set(done["closed"]) == {made, waiting}
    held = {one.id: one for one in office.rows(grants)}
    assert {held[one].revoked_reason for one in done["ended"]} == {"ROLE_WITHDRAWN"}
    (kept,) = [one for one in held.values() if not one.revoked]
    assert kept.application_id == int(other.partition(":")[2])
    states = {one["id"]: one["state"] for one in _nodes(office, "secadmin")}
    assert (states[made], states[waiting], states[other]) == ("REVOKED", "REFUSED", "GRANTED")
    refused = office.mutate(APPLY, "officer", **form("again", roles=[role]))
    assert refused["mistakes"][0]["path"] == ["roles", "0"]
    roles = "query ($all: Boolean!) { privacyRoles(withdrawn: $all) { id withdrawnAt } }"
    for all_of_them in (False, True):
        listed = office.ask(roles, "officer", {"all": all_of_them})["data"]["privacyRoles"]
        assert (role in {one["id"] for one in listed}) is all_of_them
    assert office.mutate(_WITHDRAW, by, **given) == done | {"repeated": True}
    again = office.mutate(_WITHDRAW, by, **given | {"idempotencyKey": "v"})
    assert again["reason"] == "ROLE_WITHDRAWN_ALREADY"


def test_rights_of_a_withdrawn_role_may_run_out(office: Office) -> None:
    role, made, waiting = _role_in_use(office)
    given = {"idempotencyKey": "w", "role": role, "reason": "a national role does now"}
    done = office.mutate(_WITHDRAW, "bizadmin", endRights=False, **given)
    assert (done["ended"], done["closed"]) == ([], [waiting])
    assert not [one for one in office.rows(grants) if one.revoked]
    renewal = form("r", roles=["visit", role], renews=made)
    refused = office.mutate(APPLY, "officer", **renewal)
    assert refused["mistakes"][0]["path"] == ["roles", "1"]


@pytest.mark.parametrize("by", ["officer", "elsewhere", "auditor", "head-1"])
def test_nobody_else_withdraws_a_role(office: Office, by: str) -> None:
    role, *_ = _role_in_use(office)
    given = {"idempotencyKey": "w", "role": role, "reason": "because"}
    refused = office.mutate(_WITHDRAW, by, **given)
    assert refused["code"] in ("NOT_FOUND", "FORBIDDEN")
    assert [one.withdrawn_at for one in office.rows(privacy_roles)] == [None]


def test_national_roles_stay_and_a_withdrawal_says_why(office: Office) -> None:
    role, *_ = _role_in_use(office)
    given = {"idempotencyKey": "w", "role": "contact", "reason": "because"}
    assert office.mutate(_WITHDRAW, "secadmin", **given)["code"] == "NOT_FOUND"
    refused = office.mutate(_WITHDRAW, "secadmin", **given | {"role": role, "reason": " "})
    assert refused["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"roles": []}, ["roles"]),
        ({"roles": ["nobody"]}, ["roles", "0"]),
        ({"code": "320100"}, ["code"]),
        ({"code": "999999"}, ["code"]),
        ({"endsAt": "2026-01-01T00:00:00Z"}, ["endsAt"]),
        ({"endsAt": "2099-01-01T00:00:00Z"}, ["endsAt"]),
        (  # yearly renewal is not signed for years ahead
            {
                "startsAt": instant(time.time() + 370 * 86_400),
                "endsAt": instant(time.time() + 700 * 86_400),
            },
            ["startsAt"],
        ),
        ({"purposeText": " "}, ["purposeText"]),
        ({"businessDepartment": ""}, ["businessDepartment"]),
        ({"contact": form("x")["contact"] | {"idNumber": id_number(2)}}, ["contact", "idNumber"]),
        ({"contact": form("x")["contact"] | {"mobile": "12"}}, ["contact", "mobile"]),
        ({"renews": "privacyApplication:1"}, ["renews"]),
    ],
)
def test_a_form_that_cannot_be_taken_says_where(
    office: Office, changes: dict[str, Any], path: list[str]
) -> None:
    refused = office.mutate(APPLY, "officer", **form("a", **changes))
    assert refused["__typename"] == "InvalidInputProblem", refused
    assert refused["mistakes"][0]["path"] == path
    assert office.rows(privacy_applications) == []


def test_whoever_has_no_department_on_file_cannot_apply(office: Office) -> None:
    office.set("officer", department=None)
    refused = office.mutate(APPLY, "officer", **form("a"))
    assert "no department on file" in refused["message"]


def test_a_refusal_ends_it_with_its_reason(office: Office) -> None:
    application = office.apply()
    office.sign(application, "officer")
    assert office.sign(application, "head-1", "REFUSE")["application"]["state"] == "REFUSED"
    again = office.sign(application, "head-1")
    assert again["reason"] == "REFUSED_ALREADY"
    (node,) = _nodes(office, "officer")
    assert node["signatures"][1]["decision"] == "REFUSE"
    assert node["signatures"][1]["reason"] == "because"
    assert office.rows(grants) == []


def test_a_refusal_needs_a_reason(office: Office) -> None:
    application = office.apply()
    office.sign(application, "officer")
    given = {"idempotencyKey": "r", "application": application, "decision": "REFUSE"}
    assert office.mutate(SIGN, "head-1", **given)["code"] == "INVALID_INPUT"


def test_the_applicant_may_withdraw_and_nobody_else(office: Office) -> None:
    application = office.apply()
    office.sign(application, "officer")
    assert office.sign(application, "head-1", "WITHDRAW")["reason"] == "NOT_YOUR_STEP"
    assert office.sign(application, "officer", "WITHDRAW")["application"]["state"] == "WITHDRAWN"
    assert office.sign(application, "head-1")["reason"] == "WITHDRAWN_ALREADY"


@pytest.mark.parametrize("account", ["standby", "colleague", "city-admin", "elsewhere", "machine"])
def test_nobody_else_signs(office: Office, account: str) -> None:
    application = office.apply()
    office.brief(application)
    for signer in SIGNERS[:3]:
        office.sign(application, signer)
    refused = office.sign(application, account)
    assert refused["__typename"] in ("StepProblem", "NotFoundProblem", "ForbiddenProblem")
    assert office.sign(application, "bizadmin")["application"]["state"] == (
        "AWAITING_ADMINISTRATOR_HEAD"
    )


def test_two_accounts_of_one_person_do_not_sign_twice(office: Office) -> None:
    office.set("head-1", person_index=office.indexer.id_number(id_number(1)))
    application = office.apply()
    office.sign(application, "officer")
    assert office.sign(application, "head-1")["reason"] == "SAME_PERSON"


def test_the_administrator_briefs_first(office: Office) -> None:
    application = office.apply()
    for signer in SIGNERS[:3]:
        office.sign(application, signer)
    assert office.sign(application, "bizadmin")["reason"] == "NOT_BRIEFED"
    assert office.brief(application, "head-1")["code"] == "FORBIDDEN"
    assert office.brief(application, "standby")["reason"] == "NOT_YOUR_STEP"
    briefed = office.brief(application)["application"]["briefing"]
    assert briefed["by"] == "bizadmin"
    key = "again after the briefing"
    assert office.sign(application, "bizadmin", key=key)["application"]["nextStep"]


def test_whoever_left_the_unit_gets_nothing(office: Office) -> None:
    application = office.apply()
    office.brief(application)
    for signer in SIGNERS[:4]:
        office.sign(application, signer)
    office.set("officer", unit_id="cdc-320105")
    assert office.sign(application, "head-3")["reason"] == "APPLICANT_CHANGED"
    assert office.rows(grants) == []
    assert len(office.rows(privacy_signatures)) == 4


def test_the_same_key_signs_once(office: Office) -> None:
    application = office.apply()
    first = office.sign(application, "officer", key="k")
    assert office.sign(application, "officer", key="k")["application"] == first["application"]
    assert len(office.rows(privacy_signatures)) == 1
    assert office.sign(application, "officer", "WITHDRAW", key="k")["code"] == (
        "IDEMPOTENCY_CONFLICT"
    )


def test_a_renewal_begins_as_the_old_right_ends_and_asks_for_no_more(office: Office) -> None:
    old = office.apply(roles=["contact", "visit"])
    office.sign_all(old)
    ends = office.rows(grants)[0].ends_at
    more = office.mutate(APPLY, "officer", **form("m", roles=["case"], renews=old))
    assert more["mistakes"][0]["path"] == ["renews"]
    later = instant(seconds_of(ends) + 300 * 86_400)
    renewal = office.apply("b", roles=["contact"], renews=old, startsAt=ends, endsAt=later)
    given = office.sign_all(renewal)["application"]["grants"]
    assert [one["startsAt"] for one in given] == [ends]
    assert {one["renews"] for one in _nodes(office, "officer")} == {None, old}


def _nodes(office: Office, who: str, /, **wanted: Any) -> list[dict[str, Any]]:
    found = office.ask(_LIST, who, {"filter": wanted or None})["data"]["privacyApplications"]
    return [edge["node"] for edge in found["edges"]]


def test_the_form_is_read_by_those_who_take_part(office: Office) -> None:
    office.apply()
    for account in STAFF:
        if account == "machine":
            assert "errors" in office.ask(_LIST, account)
            continue
        found = _nodes(office, account)
        if account in ("officer", "head-1", "head-2", "bizadmin", "standby"):
            assert found[0]["contact"]["mobile"] == "13900000001", account
            assert found[0]["purposeText"] == "calls to close contacts in May"
        elif account in ("secadmin", "auditor"):
            assert found[0]["contact"] == {"mobile": "*", "idNumber": "*", "qq": "*"}
            assert found[0]["purposeText"] is None
        else:
            assert found == [], account


def test_the_list_has_pages_and_filters(office: Office) -> None:
    made = [office.apply(f"k{n}") for n in range(5)]
    seen, after = [], None
    while True:
        page = office.ask(_LIST, "officer", {"first": 2, "after": after})
        found = page["data"]["privacyApplications"]
        assert found["totalCount"] == 5
        seen += [edge["node"]["id"] for edge in found["edges"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
    assert sorted(seen) == sorted(made)
    office.sign(made[0], "officer", "WITHDRAW")
    assert [one["id"] for one in _nodes(office, "bizadmin", state=["WITHDRAWN"])] == [made[0]]
    assert _nodes(office, "bizadmin", account="colleague") == []
    assert "errors" in office.ask(_LIST, "officer", {"after": "x"})


def test_no_private_item_stands_in_a_plain_column(office: Office) -> None:
    application = office.apply()
    office.sign(application, "officer")
    office.sign(application, "head-1", "REFUSE")
    text = office.path.read_bytes() + (office.path.parent / "gateway.db-wal").read_bytes()
    assert privacy_applications.name.encode() in text
    for secret in (id_number(1), "13900000001", "a@example.org", "1234567", "calls to close"):
        assert secret.encode() not in text


def _granted(office: Office, who: str, /, **wanted: Any) -> list[dict[str, Any]]:
    found = office.ask(_GRANTS, who, {"filter": wanted or None})["data"]["grants"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"] for edge in found["edges"]]


def test_grants_are_listed_to_holder_administrators_and_auditor(office: Office) -> None:
    office.sign_all(office.apply())
    for account in ("officer", "bizadmin", "city-admin", "secadmin", "auditor"):
        (one,) = _granted(office, account, inForce=True, how=["APPLICATION"], account="officer")
        assert one["unitId"] == "cdc-320104"
    for account in ("colleague", "head-1", "elsewhere", "city-user"):
        assert _granted(office, account) == []
    assert _granted(office, "officer", inForce=False) == []
    assert _granted(office, "officer", how=["EMERGENCY"]) == []


@pytest.mark.parametrize("by", ["officer", "bizadmin", "city-admin", "secadmin"])
def test_a_right_is_revoked_at_once(office: Office, by: str) -> None:
    application = office.apply()
    (given,) = office.sign_all(application)["application"]["grants"]
    for account in ("colleague", "elsewhere", "head-1"):
        refused = office.mutate(
            _REVOKE, account, idempotencyKey="x", grant=given["id"], reason="LEFT"
        )
        assert refused["code"] == "NOT_FOUND"
    revoke = {"idempotencyKey": "y", "grant": given["id"], "reason": "PURPOSE_ENDED"}
    done = office.mutate(_REVOKE, by, **revoke)
    assert done["grant"] == {
        "id": given["id"],
        "inForce": False,
        "revokedBy": by,
        "revokedReason": "PURPOSE_ENDED",
    }
    assert office.viewer("officer").grants == ()
    assert office.mutate(_REVOKE, by, **revoke)["repeated"] is True
    again = office.mutate(_REVOKE, by, **(revoke | {"idempotencyKey": "z"}))
    assert again["reason"] == "REVOKED_ALREADY"
    assert _nodes(office, "officer")[0]["state"] == "REVOKED"


def _line(office: Office) -> tuple[str, str, str]:
    """A right, its signed renewal, and another renewal that nobody has signed."""
    old = office.apply(roles=["contact"])
    office.sign_all(old)
    ends = office.rows(grants)[0].ends_at
    later = instant(seconds_of(ends) + 300 * 86_400)
    renewal = office.apply("b", roles=["contact"], renews=old, startsAt=ends, endsAt=later)
    office.sign_all(renewal)
    waiting = office.apply("c", roles=["contact"], renews=old, startsAt=ends, endsAt=later)
    return old, renewal, waiting


@pytest.mark.parametrize("which", [0, 1])
def test_misuse_ends_the_whole_line_of_renewals(office: Office, which: int) -> None:
    line = _line(office)
    other = office.apply("d", roles=["visit"])
    office.sign_all(other)
    states = {one["id"]: one["state"] for one in _nodes(office, "officer")}
    assert [states[one] for one in line] == ["GRANTED", "GRANTED", "AWAITING_APPLICANT"]
    held = {one.application_id: one.id for one in office.rows(grants)}
    misused = held[int(line[which].partition(":")[2])]
    done = office.mutate(_REVOKE, "secadmin", idempotencyKey="m", grant=misused, reason="MISUSE")
    assert done["grant"]["revokedReason"] == "MISUSE"
    assert {one.id for one in office.rows(grants) if not one.revoked} == {
        held[int(other.partition(":")[2])]
    }
    states = {one["id"]: one["state"] for one in _nodes(office, "officer")}
    assert [states[one] for one in line] == ["REVOKED", "REVOKED", "REFUSED"]
    assert states[other] == "GRANTED"


def test_misuse_that_shows_later_ends_the_line_of_a_right_that_ended_before(
    office: Office,
) -> None:
    old, renewal, waiting = _line(office)
    held = {one.application_id: one.id for one in office.rows(grants)}
    misused = held[int(old.partition(":")[2])]
    revoke = {"grant": misused, "reason": "PURPOSE_ENDED"}
    office.mutate(_REVOKE, "officer", idempotencyKey="first", **revoke)
    revoke["reason"] = "MISUSE"
    done = office.mutate(_REVOKE, "secadmin", idempotencyKey="later", **revoke)
    assert done["__typename"] == "RevokeGrantPayload"
    assert done["grant"]["revokedReason"] == "PURPOSE_ENDED"  # how this one ended stays
    assert not [one for one in office.rows(grants) if not one.revoked]
    states = {one["id"]: one["state"] for one in _nodes(office, "officer")}
    assert [states[one] for one in (old, renewal, waiting)] == ["REVOKED", "REVOKED", "REFUSED"]
    again = office.mutate(_REVOKE, "secadmin", idempotencyKey="again", **revoke)
    assert again["reason"] == "REVOKED_ALREADY"


def test_any_other_reason_leaves_the_renewal(office: Office) -> None:
    old, renewal, waiting = _line(office)
    first = min(office.rows(grants), key=lambda one: str(one.starts_at))
    office.mutate(_REVOKE, "secadmin", idempotencyKey="m", grant=first.id, reason="PURPOSE_ENDED")
    states = {one["id"]: one["state"] for one in _nodes(office, "officer")}
    assert [states[one] for one in (old, renewal)] == ["REVOKED", "GRANTED"]
    assert states[waiting] == "AWAITING_APPLICANT"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("seed", range(6))
def test_many_who_sign_at_once_leave_five_different_people_in_order(
    office: Office, seed: int
) -> None:
    """Workers of their own over one file; everybody again and again, in any order."""
    chance = random.Random(seed)
    application = office.apply()
    office.brief(application)
    engines = [sqlite_engine(str(office.path), busy_seconds=30) for _ in range(3)]
    workers = [office.worker(Central(engine, office.keys)) for engine in engines]
    viewers = {name: office.viewer(name) for name in (*SIGNERS, "standby", "colleague")}

    async def one(number: int) -> Any:
        name = chance.choice(list(viewers))
        given = {
            "idempotencyKey": f"{seed} {number} {name}",
            "application": application,
            "decision": "SIGN" if chance.random() < 0.97 else "WITHDRAW",
        }
        await asyncio.sleep(chance.random() / 50)
        return await office.asking(chance.choice(workers), SIGN, viewers[name], {"input": given})

    async def everybody() -> list[Any]:
        return await asyncio.gather(*(one(number) for number in range(60)))

    try:
        for body in office.runner.run(everybody()):
            assert "errors" not in body, body
    finally:
        for engine in engines:
            office.runner.run(engine.dispose())
    (row,) = office.rows(privacy_applications)
    signed = office.rows(privacy_signatures)
    order = ["APPLICANT", "DEPARTMENT_HEAD", "BUSINESS_HEAD", "ADMINISTRATOR", "ADMINISTRATOR_HEAD"]
    assert sorted((one.step for one in signed), key=order.index) == order[: len(signed)]
    assert {one.step: one.account for one in signed}.items() <= dict(
        zip(order, SIGNERS, strict=True)
    ).items()
    assert len(office.rows(grants)) == (1 if row.state == "GRANTED" else 0)
    assert (row.state == "GRANTED") is (len(signed) == 5)


def test_a_revocation_while_the_last_signs_leaves_nothing_in_force(office: Office) -> None:
    """Whichever is first: the grant is either not there to be revoked, or revoked."""
    application = office.apply()
    office.brief(application)
    for signer in SIGNERS[:4]:
        office.sign(application, signer)
    engines = [sqlite_engine(str(office.path), busy_seconds=30) for _ in range(2)]
    workers = [office.worker(Central(engine, office.keys)) for engine in engines]
    last, admin = office.viewer("head-3"), office.viewer("bizadmin")

    async def revoke() -> bool:
        for number in range(200):
            body = await office.asking(workers[1], _GRANTS, admin)
            for edge in body["data"]["grants"]["edges"]:
                given = {
                    "idempotencyKey": str(number),
                    "grant": edge["node"]["id"],
                    "reason": "MISTAKE",
                }
                done = await office.asking(workers[1], _REVOKE, admin, {"input": given})
                return bool(done["data"]["revokeGrant"]["__typename"] == "RevokeGrantPayload")
        return False

    async def both() -> tuple[Any, bool]:
        given = {"idempotencyKey": "last", "application": application, "decision": "SIGN"}
        signing = office.asking(workers[0], SIGN, last, {"input": given})
        return await asyncio.gather(signing, revoke())

    try:
        _, revoked = office.runner.run(both())
    finally:
        for engine in engines:
            office.runner.run(engine.dispose())
    assert revoked
    assert office.viewer("officer").grants == ()
    (row,) = office.rows(privacy_applications)
    assert row.state == "REVOKED"


def test_the_unique_indexes_hold_whatever_goes_wrong(office: Office) -> None:
    application = office.apply()
    office.sign(application, "officer")
    (row,) = office.rows(privacy_signatures)
    with pytest.raises(Exception, match="does not answer"):
        office.do(
            lambda connection: connection.execute(
                privacy_signatures.insert().values(dict(row._mapping) | {"id": 1, "step": "OTHER"})
            )
        )


def test_an_expired_right_is_none(office: Office) -> None:
    office.sign_all(office.apply())
    ended = update(grants).values(starts_at="2020-01-01T00:00:00Z", ends_at="2020-02-01T00:00:00Z")
    office.do(lambda connection: connection.execute(ended))
    (one,) = _granted(office, "officer")
    assert one["inForce"] is False
    assert json.dumps(one)


def test_departments_of_the_fixture_are_three() -> None:
    assert len({DISEASES, INFORMATION, form("x")["businessDepartment"]}) == 3
