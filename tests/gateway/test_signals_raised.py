"""Signals over the edge: a card of a single-case disease is told of at once, to whom it may be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_subscriptions import await_entries, token, wire
from tests.served import BROAD, Demo, Gateway, serving

_RAISED = """subscription ($c: [RegionCode!]) {
  signalRaised(codes: $c) { id number code kind disease { id } state } }"""
_REGISTER = """mutation ($i: RegisterCaseInput!) { registerCase(input: $i) {
  __typename ... on RegisterCasePayload { case { id } } ... on Problem { message } } }"""


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    own = demo.copied(tmp_path)
    own.add_account("duty-wuxi", BROAD, code="320200", unit_id="cdc-320200")
    own.tokens.update(zip(["duty-wuxi"], own.open_sessions("duty-wuxi"), strict=True))
    with serving(own) as found:
        yield found


def _plague(gateway: Gateway, code: str) -> str:
    given = {
        "idempotencyKey": f"plague-{code}",
        "person": {"name": f"测试{code}"},
        "disease": "plague",
        "classification": "CONFIRMED",
        "code": code,
    }
    found: Any = gateway.data(_REGISTER, {"i": given}, who=BROAD)["registerCase"]
    assert found["__typename"] == "RegisterCasePayload", found
    return str(found["case"]["id"])


@pytest.mark.leak(26)
def test_a_single_case_is_told_of_where_it_may_be_seen(gateway: Gateway) -> None:
    with wire(gateway) as all_of, wire(gateway) as wuxi, wire(gateway) as auditor:
        all_of.begin(token(gateway, BROAD))
        all_of.subscribe("1", _RAISED)
        wuxi.begin(token(gateway, "duty-wuxi"))
        wuxi.subscribe("w", _RAISED)
        auditor.begin(token(gateway, gateway.demo.account_of("auditor")))
        auditor.subscribe("a", _RAISED)
        assert auditor.hear()["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await_entries(gateway, 3, operation="subscription signalRaised")
        time.sleep(0.5)
        cases = {code: _plague(gateway, code) for code in ("320102", "320205")}
        heard: dict[str, Any] = {}
        while len(heard) < 2:
            message = all_of.hear()
            one = message["payload"]["data"]["signalRaised"]
            if one["disease"]["id"] == "plague":
                heard[one["code"]] = (one, message["payload"]["extensions"]["request"])
        assert set(heard) == set(cases)
        told, request = heard["320102"]
        assert (told["kind"], told["state"]) == ("SINGLE_CASE", "DETECTED")
        assert told["number"].startswith("320102")
        (entry,) = gateway.demo.entries(request=request)
        assert entry["operation"] == "subscription signalRaised"
        while (mine := wuxi.hear()["payload"]["data"]["signalRaised"])["disease"]["id"] != "plague":
            assert mine["code"].startswith("3202")
        assert mine["code"] == "320205"
