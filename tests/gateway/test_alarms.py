"""Alarms at the edge: raised by a served gateway, found in the list, acknowledged once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regions.blind_index import check_digit
from tests.served import Demo, Gateway, serving

_LIST = """query ($f: AlarmFilter, $n: Int, $a: String) {
  alarms(filter: $f, first: $n, after: $a) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id rule account address code unitId window found threshold firstEntry lastEntry
                   acknowledgedBy finding note } } } }"""
_ACKNOWLEDGE = """mutation ($i: AcknowledgeAlarmInput!) { acknowledgeAlarm(input: $i) {
  ... on AcknowledgeAlarmPayload { repeated alarm { id finding note acknowledgedBy } }
  ... on Problem { code message messageZh } } }"""
_CHECK = "query ($s: PersonSearch!) { checkDuplicate(candidate: $s) { exists } }"


@pytest.fixture
def watched(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    own = demo.copied(
        tmp_path,
        reveal_records=40,
        off_hours_from=0,
        off_hours_to=0,
        refusals=3,
        near_candidates=5,
        duplicate_candidates=8,
    )
    _more_auditors(own)
    with serving(own, workers=2, counted=True) as gateway:
        yield gateway


def _more_auditors(demo: Demo) -> None:
    auditor = demo.account_of("auditor")
    nanjing = {"code": "320100", "unit_id": "cdc-320100", "person_index": "of nanjing"}
    wuxi = {"code": "320200", "unit_id": "cdc-320200", "person_index": "of wuxi"}
    demo.add_account("auditor-nanjing", auditor, **nanjing)
    demo.add_account("auditor-wuxi", auditor, **wuxi)
    demo.add_account("wuxi-again", auditor, **wuxi)  # another account of the same person
    security = {"role": "SECURITY_ADMINISTRATOR", "person_index": "of security"}
    demo.add_account("security", auditor, **security)
    names = ("auditor-nanjing", "auditor-wuxi", "wuxi-again", "security")
    demo.tokens.update(zip(names, demo.open_sessions(*names), strict=True))


def alarms(gateway: Gateway, who: str, **wanted: Any) -> list[dict[str, Any]]:
    data = gateway.data(_LIST, {"f": wanted or None}, who=who)
    assert data["alarms"]["totalCount"] == len(data["alarms"]["edges"])
    return [edge["node"] for edge in data["alarms"]["edges"]]


def await_alarm(gateway: Gateway, who: str, rule: str) -> dict[str, Any]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = alarms(gateway, who, rule=[rule])
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"no alarm {rule}: {gateway.said}")


def test_an_alarm_is_raised_scoped_and_acknowledged_once(watched: Gateway) -> None:
    auditor = watched.demo.account_of("auditor")
    nobody = "query { cases { edges { node { id } } } }"
    for _ in range(3):
        assert watched.ask(nobody, who="auditor-wuxi").json()["errors"]
    one = await_alarm(watched, auditor, "MANY_REFUSALS")
    assert (one["account"], one["code"], one["found"]) == ("auditor-wuxi", "320200", 3)
    entries = watched.demo.entries()
    assert entries[one["lastEntry"] - 1]["account"] == "auditor-wuxi"
    assert entries[one["lastEntry"] - 1]["result"] == "FORBIDDEN"
    assert [n["id"] for n in alarms(watched, "security")] == [one["id"]]
    assert alarms(watched, "auditor-nanjing") == []
    assert watched.ask(_LIST, who="national").json()["errors"][0]["extensions"]["code"] == (
        "FORBIDDEN"
    )

    def say(who: str, key: str, **more: Any) -> Any:
        given = {"idempotencyKey": key, "alarm": one["id"], "finding": "ATTACK", "note": "问过本人"}
        return watched.data(_ACKNOWLEDGE, {"i": given | more}, who=who)["acknowledgeAlarm"]

    assert say("auditor-nanjing", "k0")["code"] == "NOT_FOUND"
    for own in ("auditor-wuxi", "wuxi-again"):  # about oneself, by whatever account
        assert say(own, "k0")["code"] == "FORBIDDEN"
        assert alarms(watched, own)[0]["acknowledgedBy"] is None
    assert say("national", "k0")["code"] == "FORBIDDEN"
    assert say("security", "k1", note=" ")["code"] == "INVALID_INPUT"
    done = say("security", "k1")
    assert done == {
        "repeated": False,
        "alarm": {
            "id": one["id"],
            "finding": "ATTACK",
            "note": "问过本人",
            "acknowledgedBy": "security",
        },
    }
    assert say("security", "k1")["repeated"] is True
    assert say("security", "k1", finding="UNCLEAR")["code"] == "IDEMPOTENCY_CONFLICT"
    assert say(auditor, "k1")["code"] == "FORBIDDEN"  # it is said once
    assert alarms(watched, auditor, acknowledged=False) == []
    (known,) = alarms(watched, auditor, acknowledged=True, account="auditor-wuxi", code=["320200"])
    assert known["note"] == "问过本人"
    assert "问过本人".encode() not in watched.demo.config.central_store.read_bytes()
    assert any("alarm MANY_REFUSALS about account:auditor-wuxi" in line for line in watched.said)
    (listed, *_) = watched.demo.entries(operation="query alarms", account="security")
    assert listed["what"]["count"] == 1  # reading alarms is in the log, too


@pytest.mark.leak(17)
def test_numbers_tried_out_are_an_alarm_and_then_refused(watched: Gateway) -> None:
    auditor = watched.demo.account_of("auditor")
    answers = [
        watched.ask(_CHECK, {"s": {"idNumber": f"11010119900101{n:03}X"}}) for n in range(10)
    ]
    codes = [
        answer.json().get("errors", [{"extensions": {"code": "OK"}}])[0]["extensions"]["code"]
        for answer in answers
    ]
    assert codes == ["OK"] * 8 + ["TOO_MANY_CANDIDATES"] * 2
    refused = answers[-1].json()["errors"][0]
    assert refused["extensions"]["limit"] == 8
    assert refused["extensions"]["retryAfterSeconds"] > 3_000
    assert watched.entry(answers[-1])["result"] == "TOO_MANY_CANDIDATES"
    one = await_alarm(watched, auditor, "DUPLICATE_PROBES")
    assert (one["account"], one["found"], one["threshold"]) == ("national", 5, 5)
    told = watched.entry(answers[4])["what"]["probes"]
    assert told == {"candidates": 5, "limit": 8, "near": 5}


def test_what_a_kill_interrupted_is_gone_on_with(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path, refusals=1)
    _more_auditors(own)
    for _ in range(3):
        with serving(own) as gateway:
            assert gateway.ask("{ cases { edges { node { id } } } }", who="security").json()
            gateway.process.kill()
    with serving(own) as gateway:
        one = await_alarm(gateway, own.account_of("auditor"), "MANY_REFUSALS")
        time.sleep(1)
        same = alarms(gateway, own.account_of("auditor"), account="security")
    windows = {alarm["window"] for alarm in same}
    assert one["account"] == "security"
    assert len(same) == len(windows) <= 2  # the three may lie about a stroke of the clock


def test_pages_of_alarms(watched: Gateway) -> None:
    auditor = watched.demo.account_of("auditor")
    for who in ("auditor-wuxi", "auditor-nanjing", "security"):
        for _ in range(3):
            watched.ask("{ cases { edges { node { id } } } }", who=who)
    end = time.monotonic() + 60
    while len(alarms(watched, auditor)) < 3 and time.monotonic() < end:
        time.sleep(0.2)
    found, after = [], None
    for _ in range(3):
        page = watched.data(_LIST, {"n": 1, "a": after}, who=auditor)["alarms"]
        (edge,) = page["edges"]
        found.append(edge["node"]["id"])
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert found == sorted(found, key=lambda one: -int(one.partition(":")[2]))
    assert len(set(found)) == 3
    wrong = watched.ask(_LIST, {"a": "AAAA"}, who=auditor).json()["errors"][0]
    assert wrong["extensions"]["code"] == "INVALID_CURSOR"


def test_numbers_registered_one_by_one_are_an_alarm(watched: Gateway) -> None:
    register = """mutation ($i: RegisterContactsInput!) { registerContacts(input: $i) {
      ... on RegisterContactsPayload { rows { duplicate } } ... on Problem { code message } } }"""
    who = "county-320102"
    rows = []
    for n in range(6):
        first = f"11010119900101{n:03}"
        number = first + check_digit(first)
        rows.append({"code": "320102", "level": "CLOSE", "person": {"idNumber": number}})
    answer = watched.ask(register, {"i": {"idempotencyKey": "k", "rows": rows}}, who=who)
    assert watched.entry(answer)["what"]["probes"] == {"candidates": 6, "near": 6}
    one = await_alarm(watched, watched.demo.account_of("auditor"), "DUPLICATE_PROBES")
    assert (one["account"], one["found"]) == (who, 6)
