"""Rights over HTTP, as people use them: apply, five signatures, values in clear, expiry, masked
again, found in the log; and an emergency that nobody reviewed.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from regions.instants import instant
from resolvers.demo import demo_accounts
from tests.served import Demo, Gateway, serving
from tests.stores import region_settings

COUNTY = "320102"
OFFICER = f"county-{COUNTY}"
SIGNERS = (
    OFFICER,
    f"head-{COUNTY}-1",
    f"head-{COUNTY}-2",
    f"bizadmin-{COUNTY}",
    f"head-{COUNTY}-3",
)
LIST = "{ contacts(first: 5) { edges { node { id name phone idNumber } } } }"
_numbers = itertools.count(1)


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    with serving(demo.copied(tmp_path)) as found:
        yield found


def do(gateway: Gateway, name: str, kind: str, wanted: str, who: str, **given: Any) -> Any:
    """The result of a mutation."""
    text = (
        f"mutation ($i: {kind}!) {{ {name}(input: $i) {{ __typename"
        f" ... on Problem {{ code message }} {wanted} }} }}"
    )
    value = {"idempotencyKey": f"key-{next(_numbers)}", **given}
    response = gateway.ask(text, {"i": value}, who=who)
    assert "errors" not in response.json(), response.text
    return response.json()["data"][name]


def applied(gateway: Gateway) -> str:
    """An application of the officer's; its id."""
    (officer,) = [one for one in demo_accounts(region_settings("3201")) if one.account == OFFICER]
    items = officer.items
    (business,) = [
        one.department
        for one in demo_accounts(region_settings("3201"))
        if one.account == SIGNERS[2]
    ]
    found = do(
        gateway,
        "applyForPrivacyRole",
        "PrivacyApplicationInput",
        "... on InvalidInputProblem { mistakes { path message } }"
        "... on PrivacyApplicationPayload { application { id state } }",
        OFFICER,
        roles=["contact"],
        items=["NAME", "PHONE"],
        code=COUNTY,
        purpose="FOLLOW_UP",
        purposeText="calls to close contacts",
        endsAt=instant(time.time() + 30 * 86_400),
        businessDepartment=business,
        contact={
            "officePhone": items["office_phone"],
            "mobile": items["mobile"],
            "email": items["email"],
            "idNumber": items["id_number"],
        },
        commitmentAgreed=True,
    )
    assert found["__typename"] == "PrivacyApplicationPayload", found
    application: str = found["application"]["id"]
    return application


def signed(gateway: Gateway, application: str, who: str) -> Any:
    return do(
        gateway,
        "signPrivacyApplication",
        "SignPrivacyApplicationInput",
        "... on PrivacyApplicationPayload { application { state grants { id inForce } } }",
        who,
        application=application,
        decision="SIGN",
    )["application"]


def values(gateway: Gateway) -> list[dict[str, str]]:
    """What the officer sees of contacts."""
    edges = gateway.data(LIST, who=OFFICER)["contacts"]["edges"]
    assert edges
    return [edge["node"] for edge in edges]


def central(demo: Demo, statement: str, *values: Any) -> None:
    """A statement on the gateway's own store: what time or somebody else would have done."""
    with closing(sqlite3.connect(demo.config.central_store)) as store, store:
        store.execute(statement, values)


def test_from_the_application_to_the_log(gateway: Gateway) -> None:
    application = applied(gateway)
    do(
        gateway,
        "recordPrivacyBriefing",
        "RecordPrivacyBriefingInput",
        "",
        SIGNERS[3],
        application=application,
        topics=["PURPOSE_ONLY", "NO_DISCLOSURE", "LIABILITY"],
    )
    for number, who in enumerate(SIGNERS):
        assert {node["name"] for node in values(gateway)} == {"*"}, number
        found = signed(gateway, application, who)
    assert found["state"] == "GRANTED"
    (grant,) = found["grants"]

    clear = gateway.ask(LIST, who=OFFICER)
    shown = [edge["node"] for edge in clear.json()["data"]["contacts"]["edges"]]
    assert all(node["name"] != "*" and node["phone"] != "*" for node in shown)
    assert {node["idNumber"] for node in shown} == {"*"}
    told = gateway.entry(clear)["what"]
    assert told["clear"] == ["Contact.name", "Contact.phone"]
    assert set(told["reasons"]) == {f"grant:{grant['id']}"}
    for node in shown:
        assert node["name"] not in str(gateway.demo.entries())

    form = gateway.ask(
        "{ privacyApplications { edges { node { id contact { idNumber } } } } }", who=SIGNERS[1]
    )
    (edge,) = form.json()["data"]["privacyApplications"]["edges"]
    assert edge["node"]["contact"]["idNumber"] != "*"
    assert edge["node"]["id"] == application
    what = gateway.entry(form)["what"]
    assert (list(what["records"]), what["count"]) == (["privacyApplication"], 1)

    ended = "UPDATE grants SET starts_at = ?, ends_at = ? WHERE id = ?"
    central(gateway.demo, ended, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", grant["id"])
    masked = gateway.ask(LIST, who=OFFICER)
    nodes = [edge["node"] for edge in masked.json()["data"]["contacts"]["edges"]]
    assert [node["id"] for node in nodes] == [node["id"] for node in shown]
    assert {node["name"] for node in nodes} == {"*"}
    assert gateway.entry(masked)["what"]["clear"] == []
    listed = gateway.data(
        "{ grants { edges { node { id inForce how account } } } }", who=SIGNERS[3]
    )
    assert listed["grants"]["edges"] == [
        {
            "node": {
                "id": grant["id"],
                "inForce": False,
                "how": "APPLICATION",
                "account": OFFICER,
            }
        }
    ]


def test_a_revocation_is_felt_by_the_next_request(gateway: Gateway) -> None:
    application = applied(gateway)
    do(
        gateway,
        "recordPrivacyBriefing",
        "RecordPrivacyBriefingInput",
        "",
        SIGNERS[3],
        application=application,
        topics=["PURPOSE_ONLY", "NO_DISCLOSURE", "LIABILITY"],
    )
    for who in SIGNERS:
        found = signed(gateway, application, who)
    assert {node["name"] for node in values(gateway)} != {"*"}
    do(
        gateway,
        "revokeGrant",
        "RevokeGrantInput",
        "",
        SIGNERS[3],
        grant=found["grants"][0]["id"],
        reason="PURPOSE_ENDED",
    )
    assert {node["name"] for node in values(gateway)} == {"*"}


_GLASS = {
    "reason": "OUTBREAK",
    "reasonText": "forty ill children",
    "recordTypes": ["CONTACT"],
    "code": COUNTY,
}


def broken(gateway: Gateway) -> Any:
    return do(
        gateway,
        "breakGlass",
        "BreakGlassInput",
        "... on BreakGlassPayload { access { id supervisors grant { id } } }",
        OFFICER,
        **_GLASS,
    )["access"]


def test_an_emergency_opens_at_once_and_every_use_is_under_its_id(gateway: Gateway) -> None:
    access = broken(gateway)
    assert set(access["supervisors"]) == {SIGNERS[3], "bizadmin-320100"}
    clear = gateway.ask(LIST, who=OFFICER)
    assert "*" not in {edge["node"]["name"] for edge in clear.json()["data"]["contacts"]["edges"]}
    assert set(gateway.entry(clear)["what"]["reasons"]) == {f"emergency:{access['grant']['id']}"}
    (edge,) = gateway.data(
        "{ emergencyAccesses { edges { node { id reasonText } } } }", who="bizadmin-320100"
    )["emergencyAccesses"]["edges"]
    assert edge["node"]["reasonText"] == "forty ill children"


def test_an_emergency_nobody_reviewed_ends_the_account_at_its_next_request(
    gateway: Gateway,
) -> None:
    access = broken(gateway)
    assert values(gateway)
    due = instant(time.time() + 1)
    central(gateway.demo, "UPDATE emergencies SET review_due_at = ?", due)
    assert gateway.ask(LIST, who=OFFICER).status_code == 200  # it is not due yet
    time.sleep(2.1)
    assert gateway.ask(LIST, who=OFFICER).status_code == 401  # nothing ran meanwhile
    refused = gateway.client.post(
        "/sign-in",
        json={"account": OFFICER, "password": gateway.demo.accounts[OFFICER]["password"]},
    )
    assert refused.status_code == 401
    reviewed = do(
        gateway,
        "reviewEmergencyAccess",
        "ReviewEmergencyAccessInput",
        "... on ReviewEmergencyAccessPayload { access { suspendedAt finding } }",
        SIGNERS[3],
        access=access["id"],
        finding="JUSTIFIED",
    )["access"]
    assert reviewed["suspendedAt"]
    assert gateway.ask(LIST, who=OFFICER).status_code == 401
    with closing(sqlite3.connect(gateway.demo.config.central_store)) as store:
        found = store.execute("SELECT state FROM accounts WHERE account = ?", (OFFICER,))
        assert found.fetchone() == ("SUSPENDED",)


def test_a_suspension_is_written_by_whoever_uses_the_gateway(gateway: Gateway) -> None:
    broken(gateway)
    central(gateway.demo, "UPDATE emergencies SET review_due_at = '2026-01-01T00:00:00Z'")
    # The last use of a session is written every five seconds, with it what is overdue.
    central(gateway.demo, "UPDATE sessions SET last_seen_at = ?", instant(time.time() - 600))
    for _ in range(100):
        gateway.ask("{ __typename }", who=SIGNERS[3])
        with closing(sqlite3.connect(gateway.demo.config.central_store)) as store:
            if store.execute("SELECT suspended_at FROM emergencies").fetchone()[0]:
                return
        time.sleep(0.2)
    pytest.fail("nobody noticed")
