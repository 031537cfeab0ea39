"""Assist requests at the HTTP edge: two regions, two officers, the log, who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_subscriptions import token, wire
from tests.served import Demo, Gateway, serving

_ACT = """mutation ($input: %sInput!) { %s(input: $input) { __typename
  ... on AssistRequestPayload { pending assistRequest { id number state people { name } } }
  ... on Problem { code message } ... on StepProblem { reason } } }"""
_CHANGED = """subscription ($c: [RegionCode!]) { assistRequestChanged(codes: $c) {
  number side state people { name } events { event } } }"""
_LIST = """query ($n: [String!]) { assistRequests(filter: {number: $n, side: RECEIVED}) {
  edges { node { id state people { name } events { event region } } } } }"""


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    own = demo.copied(tmp_path)
    like = own.account_of("duty")
    own.add_account("here", like, code="320102", unit_id="cdc-320102")
    own.add_account("there", like, code="320205", unit_id="cdc-320205")
    own.add_account("elsewhere", like, code="330502", unit_id="cdc-330502")
    names = ("here", "there", "elsewhere")
    own.tokens.update(zip(names, own.open_sessions(*names), strict=True))
    with serving(own, workers=2) as found:
        yield found


def _act(
    gateway: Gateway, name: str, who: str, kind: str = "AssistRequestAction", **given: Any
) -> Any:
    given.setdefault("idempotencyKey", f"{name}-{who}")
    found = gateway.data(_ACT % (kind, name), {"input": given}, who=who)[name]
    assert found["__typename"] == "AssistRequestPayload", found
    assert found["pending"] is False
    return found["assistRequest"]


def test_a_letter_over_http_from_region_to_region(gateway: Gateway) -> None:
    draft = _act(
        gateway,
        "createAssistRequest",
        "here",
        "CreateAssistRequest",
        toCode="320205",
        case={"disease": "covid19", "classification": "CONFIRMED"},
        asked=["FIND"],
        people=[{"person": {"name": "某人"}}],
    )
    with wire(gateway) as there, wire(gateway) as elsewhere:
        for one, who in ((there, "there"), (elsewhere, "elsewhere")):
            one.begin(token(gateway, who))
            one.subscribe(who, _CHANGED)
        sent = _act(gateway, "submitAssistRequest", "here", request=draft["id"])
        heard = there.hear()["payload"]["data"]["assistRequestChanged"]
        assert (heard["number"], heard["side"]) == (sent["number"], "RECEIVED")
        assert heard["people"] == [{"name": "某人"}]
        listed = gateway.data(_LIST, {"n": [sent["number"]]}, who="there")
        (got,) = [edge["node"] for edge in listed["assistRequests"]["edges"]]
        _act(gateway, "acknowledgeAssistRequest", "there", request=got["id"])
        while heard["state"] != "RECEIVED":
            heard = there.hear()["payload"]["data"]["assistRequestChanged"]
        assert "ACKNOWLEDGE" in [one["event"] for one in heard["events"]]
        # Nothing has come to whoever may open neither copy.
        other = _act(
            gateway,
            "createAssistRequest",
            "elsewhere",
            "CreateAssistRequest",
            toCode="320205",
            case={"disease": "covid19"},
            asked=["FIND"],
            people=[{"person": {"name": "某甲"}}],
        )
        first = elsewhere.hear()["payload"]["data"]["assistRequestChanged"]
        assert first["number"] == other["number"]
    entries = gateway.demo.entries(operation="mutation submitAssistRequest")
    assert [entry["what"]["wrote"].keys() for entry in entries] == [{"assistrequest"}]
    assert "某人" not in str(gateway.demo.entries())
