"""Assist requests at the HTTP edge: two regions, two officers, the log, who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_subscriptions import Wire, token, wire
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
    with serving(own, workers=2, counted=True) as found:
        yield found


def _act(
    gateway: Gateway, name: str, who: str, kind: str = "AssistRequestAction", **given: Any
) -> Any:
    given.setdefault("idempotencyKey", f"{name}-{who}")
    found = gateway.data(_ACT % (kind, name), {"input": given}, who=who)[name]
    assert found["__typename"] == "AssistRequestPayload", found
    assert found["pending"] is False
    return found["assistRequest"]


def _sent(gateway: Gateway, who: str, name: str) -> Any:
    """A letter to Xishan, Wuxi, that was sent."""
    draft = _act(
        gateway,
        "createAssistRequest",
        who,
        "CreateAssistRequest",
        idempotencyKey=f"write {name}",
        toCode="320205",
        case={"disease": "covid19", "classification": "CONFIRMED"},
        asked=["FIND"],
        people=[{"person": {"name": name}}],
    )
    key = f"send {name}"
    return _act(gateway, "submitAssistRequest", who, request=draft["id"], idempotencyKey=key)


def _heard(one: Wire, act: Callable[[int], Any]) -> Any:
    """What a subscription tells of things done until it hears of one: it may begin to listen after
    the first were done.
    """
    for number in range(30):
        act(number)
        try:
            return one.hear(2)["payload"]["data"]["assistRequestChanged"]
        except TimeoutError:
            continue
    raise AssertionError("nothing was heard")


@pytest.mark.leak(26)
def test_a_letter_over_http_is_heard_of_by_whoever_may_open_it(gateway: Gateway) -> None:
    with wire(gateway) as there, wire(gateway) as elsewhere:
        for one, who in ((there, "there"), (elsewhere, "elsewhere")):
            one.begin(token(gateway, who))
            one.subscribe(who, _CHANGED)
        heard = _heard(there, lambda number: _sent(gateway, "here", f"某人{number}"))
        assert heard["side"] == "RECEIVED"
        assert heard["people"][0]["name"].startswith("某人")
        listed = gateway.data(_LIST, {"n": [heard["number"]]}, who="there")
        (got,) = [edge["node"] for edge in listed["assistRequests"]["edges"]]
        _act(gateway, "acknowledgeAssistRequest", "there", request=got["id"])
        while heard["state"] != "RECEIVED":
            heard = there.hear()["payload"]["data"]["assistRequestChanged"]
        assert "ACKNOWLEDGE" in [one["event"] for one in heard["events"]]
        # Nothing of these has come to whoever may open neither copy.
        own = _heard(elsewhere, lambda number: _sent(gateway, "elsewhere", f"某甲{number}"))
        assert (own["side"], own["number"][:6]) == ("SENT", "330502")
    entries = gateway.demo.entries(operation="mutation submitAssistRequest")
    assert {kind for entry in entries for kind in entry["what"]["wrote"]} == {"assistrequest"}
    assert "某人" not in str(gateway.demo.entries())
