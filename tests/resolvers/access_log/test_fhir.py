"""Entries as FHIR AuditEvents: valid R4, and as the published BALP profiles demand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from hypothesis import given
from hypothesis import strategies as st

from resolvers.access_log.commitments import Commitments
from resolvers.access_log.fhir import PROFILES as BASE
from resolvers.access_log.fhir import audit_events
from tests.resolvers.access_log.balp import PROFILES, violations

_MADE = Commitments(b"k" * 32)


def entry(operation: str = "query contacts", **more: Any) -> dict[str, Any]:
    return {
        "account": "county-320102",
        "address": "192.0.2.7",
        "at": "2026-11-22T01:51:11Z",
        "code": "320102",
        "module": "graphql",
        "operation": operation,
        "purpose": "FOLLOW_UP",
        "region": "320100",
        "request": "4e53ed9f1bee-4",
        "result": "OK",
        "role": "UNIT_USER",
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "unit": "cdc-320102",
        "what": {"clear": [], "count": 0, "masked": ["Contact.name"], "reasons": {}},
    } | more


def what(**more: Any) -> dict[str, Any]:
    told = {"clear": ["Contact.phone"], "count": 2, "masked": [], "reasons": {"own": {}}} | more
    return _MADE.told(told)


CASES: list[tuple[dict[str, Any], list[str]]] = [
    (entry(), ["Query"]),
    (entry(what=what(records={"contact": [5, 6]})), ["Query"]),
    (entry(what=what(records={"person": [5, 6], "contact": [9]})), ["PatientQuery"] * 2),
    (entry("query node", what=what(records={"case": [5]})), ["Read"]),
    (entry("query nodes", what=what(records={"person": [5, 8]})), ["PatientRead"] * 2),
    (entry("query node"), ["Query"]),
    (
        entry("mutation registerCase", what=what(wrote={"case": [5], "person": [6]})),
        ["Create", "PatientCreate"],
    ),
    (
        entry("mutation correct", what=what(wrote={"person": [6], "correction": [1]})),
        ["PatientUpdate", "Update"],
    ),
    (entry("mutation recordVisit", account=None, role=None), ["Create"]),
    (entry("query contacts", what=None, purpose=None, region=None, request=None), ["Query"]),
]


@pytest.mark.parametrize(("said", "names"), CASES, ids=lambda one: str(one)[:40])
def test_events_keep_their_profiles(said: dict[str, Any], names: list[str]) -> None:
    events = list(audit_events(17, said, "epigate-test"))
    assert [one["meta"]["profile"] for one in events] == [[BASE + name] for name in names]
    for event, name in zip(events, names, strict=True):
        assert violations(event, name) == []
        AuditEvent.model_validate(copy.deepcopy(event))
    assert len({one["id"] for one in events}) == len(events)


@pytest.mark.parametrize(
    "said",
    [
        entry(result="FORBIDDEN"),
        entry("mutation correct", result="NOT_FOUND"),
        entry("sign-in", module="sign-in"),
        entry("sign-in", module="sign-in", account=None, result="REFUSED", role=None),
        entry("sign-out", module="sign-in"),
        {"at": "2026-11-22T01:51:11Z", "module": "gateway", "operation": "start", "result": "OK",
         "account": None, "what": None},
        {"at": "2026-11-22T01:51:11Z", "module": "gateway", "operation": "prune", "result": "OK",
         "account": None, "what": {"first": 1, "last": 512}},
        entry("question", account=None, result="UNAUTHENTICATED", what=None),
    ],
    ids=["refused", "not found", "sign-in", "wrong", "sign-out", "start", "prune", "no session"],
)  # fmt: skip
def test_what_is_no_success_of_a_question_claims_no_profile(said: dict[str, Any]) -> None:
    (event,) = audit_events(3, said, "epigate-test")
    assert "meta" not in event
    assert (event["outcome"] == "0") == (said["result"] == "OK")
    AuditEvent.model_validate(copy.deepcopy(event))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("type"),
        lambda event: event["subtype"].clear(),
        lambda event: event.update(action="R"),
        lambda event: event.update(outcome="8"),
        lambda event: event["agent"].pop(0),
        lambda event: event["agent"][0].pop("network"),
        lambda event: event["agent"][2].update(requestor=False),
        lambda event: event["source"].pop("observer"),
        lambda event: event["entity"].pop(0),
        lambda event: event["entity"][0].update(detail=[]),
        lambda event: event["entity"].pop(1),
        lambda event: event["entity"][2]["what"]["identifier"].pop("value"),
    ],
)
def test_the_rules_find_what_breaks_them(spoil: Callable[[Any], Any]) -> None:
    (event,) = audit_events(1, entry(what=what(records={"person": [5]})), "epigate-test")
    assert violations(event, "PatientQuery") == []
    spoil(event)
    assert violations(event, "PatientQuery") != []


def test_every_profile_is_used() -> None:
    assert {name for _, names in CASES for name in names} == set(PROFILES)


def test_no_id_leaves() -> None:
    said = entry(what=what(records={"person": [2814749767106561]}))
    assert "2814749767106561" not in json.dumps(list(audit_events(1, said, "epigate-test")))


@given(
    st.sampled_from(["query contacts", "query node", "mutation correct", "mutation registerCase"]),
    st.dictionaries(
        st.sampled_from(["person", "case", "contact"]),
        st.lists(st.integers(0, 2**62), min_size=1, max_size=3),
    ),
    st.sampled_from(["OK", "PARTIAL", "FORBIDDEN"]),
)
def test_whatever_was_read_or_written(
    operation: str, records: dict[str, list[int]], result: str
) -> None:
    said = entry(operation, result=result, what=what(records=records, wrote=records))
    for event in audit_events(9, said, "epigate-test"):
        AuditEvent.model_validate(copy.deepcopy(event))
        for url in event.get("meta", {}).get("profile", []):
            assert violations(event, url.removeprefix(BASE)) == []
