"""Signals over the edge: a card of a single-case disease is told of at once, to whom it may be."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from regions.instants import now
from tests.gateway.test_subscriptions import Wire, await_entries, token, wire
from tests.resolvers.alerts.duty import signal
from tests.served import BROAD, Demo, Gateway, serving

_RAISED = """subscription ($c: [RegionCode!]) {
  signalRaised(codes: $c) { id number code kind disease { id } state } }"""
_REGISTER = """mutation ($i: RegisterCaseInput!) { registerCase(input: $i) {
  __typename ... on RegisterCasePayload { case { id } } ... on Problem { message } } }"""


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    own = demo.copied(tmp_path)
    names = [f"duty-{code}" for code in ("wuxi", "320205", "320206")]
    for name, code in zip(names, ("320200", "320205", "320206"), strict=True):
        own.add_account(name, BROAD, code=code, unit_id=f"cdc-{code}")
    own.tokens.update(zip(names, own.open_sessions(*names), strict=True))
    with serving(own, counted=True) as found:
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


def _cluster(gateway: Gateway, number: int, *members: str) -> str:
    """A cluster of the county 320102, as a night puts it into its region's store."""
    row = signal(number, kind="CLUSTER", members=json.dumps(members), detected_at=now())
    with closing(sqlite3.connect(gateway.demo.region("320100"), timeout=60)) as store, store:
        names = ", ".join(row)
        store.execute(f"INSERT INTO signals ({names}) VALUES (:{', :'.join(row)})", row)
        places = [(code, row["id"]) for code in members]
        store.executemany("INSERT INTO signal_counties (code, signal_id) VALUES (?, ?)", places)
    return f"signal:{row['id']}"


@pytest.mark.leak(26)
def test_a_cluster_is_told_of_in_all_its_counties(gateway: Gateway) -> None:
    with wire(gateway) as first, wire(gateway) as second, wire(gateway) as narrow:
        for one, name in ((first, "320205"), (second, "320206"), (narrow, "wuxi")):
            one.begin(token(gateway, f"duty-{name}"))
            codes = ["320205"] if name == "wuxi" else None
            one.subscribe(name, _RAISED, c=codes)
        await_entries(gateway, 3, operation="subscription signalRaised")
        time.sleep(0.5)
        mine = _cluster(gateway, 1, "320102", "320205")
        other = _cluster(gateway, 2, "320102", "320206")

        def heard(wire: Wire) -> str:
            while (found := wire.hear()["payload"]["data"]["signalRaised"])["kind"] != "CLUSTER":
                assert found["code"].startswith("3202")
            assert found["code"] == "320102"
            return str(found["id"])

        assert heard(first) == heard(narrow) == mine
        assert heard(second) == other  # the first one was not told there
