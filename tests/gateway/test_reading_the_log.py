"""`accessLog` at the edge: found by what was done, within the auditor's scope, proven, logged."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.access_log.finding import count_in
from resolvers.access_log.merkle import leaf_hash, verify_consistency, verify_inclusion
from resolvers.access_log.notes import open_checkpoint
from resolvers.access_log.wanted import Wanted
from tests.served import Demo, Gateway, serving

_LIST = """query ($f: AccessLogFilter, $n: Int, $a: String) {
  accessLog(filter: $f, first: $n, after: $a) {
    totalCount regions { code state }
    pageInfo { hasNextPage endCursor }
    edges { node { index number at account role unitId code region operation result request trace
      purpose count clear clearItems masked leaf problems regions { code state }
      records { kind count ids } wrote { kind count ids }
      reasons { right grant records { kind count ids } } } } } }"""
_CONTACTS = "{ contacts(first: 3) { edges { node { id name person { id } } } } }"


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    own = demo.copied(tmp_path_factory.mktemp("read"))
    auditor = own.account_of("auditor")
    for name, code in (("auditor-nanjing", "320100"), ("auditor-wuxi", "320200")):
        own.add_account(name, auditor, code=code, unit_id=f"cdc-{code}")
    for code in ("320100", "320200"):
        own.add_account(f"town-{code}", "national", code=code, unit_id=f"cdc-{code}")
    names = ("auditor-nanjing", "auditor-wuxi", "town-320100", "town-320200")
    own.tokens.update(zip(names, own.open_sessions(*names), strict=True))
    with serving(own) as gateway:
        yield gateway


def auditor(gateway: Gateway) -> str:
    return gateway.demo.account_of("auditor")


def entries(gateway: Gateway, who: str | None = None, **wanted: Any) -> list[dict[str, Any]]:
    data = gateway.data(_LIST, {"f": wanted, "n": 200}, who=who or auditor(gateway))
    return [edge["node"] for edge in data["accessLog"]["edges"]]


@pytest.mark.leak(31)
def test_an_entry_says_who_saw_what_and_proves_itself(gateway: Gateway) -> None:
    asked = gateway.ask(_CONTACTS, who="town-320100")
    ids = [edge["node"]["id"] for edge in asked.json()["data"]["contacts"]["edges"]]
    request = asked.headers["x-request-id"]
    (one,) = entries(gateway, request=request)
    assert (one["account"], one["code"], one["result"]) == ("town-320100", "320100", "OK")
    assert one["operation"] == "query contacts"
    (contacts,) = [kind for kind in one["records"] if kind["kind"] == "contact"]
    assert sorted(contacts["ids"]) == sorted(ids)
    assert (one["clear"], one["masked"]) == ([], ["Contact.name"])
    assert one["regions"] == [{"code": "320100", "state": "ANSWERED"}]
    with closing(sqlite3.connect(gateway.demo.config.log_store)) as log:
        (text,) = log.execute(
            "SELECT entry FROM entries WHERE number = ?", (one["number"],)
        ).fetchone()
    leaf = leaf_hash(text.encode())
    assert base64.b64decode(one["leaf"]) == leaf
    proof = gateway.data(
        """query ($i: Int!) { accessLogProof(index: $i) {
             size hashes root leaf checkpoint { note key } } }""",
        {"i": one["index"]},
        who=auditor(gateway),
    )["accessLogProof"]
    root = base64.b64decode(proof["root"])
    path = [base64.b64decode(node) for node in proof["hashes"]]
    assert verify_inclusion(leaf, one["index"], proof["size"], path, root)
    signed = open_checkpoint(proof["checkpoint"]["note"], [proof["checkpoint"]["key"]]).checkpoint
    assert (signed.size, signed.root) == (proof["size"], root)


def test_the_log_only_grows(gateway: Gateway) -> None:
    question = "{ accessLogCheckpoint { origin size root note at cosignatures { witness } } }"
    first = gateway.data(question, who=auditor(gateway))["accessLogCheckpoint"]
    for _ in range(3):
        gateway.data("{ me { account } }")
    last = gateway.data(question, who=auditor(gateway))["accessLogCheckpoint"]
    assert last["size"] > first["size"]
    proof = gateway.data(
        "query ($a: Int!, $b: Int!) "
        "{ accessLogConsistency(from: $a, to: $b) { hashes fromRoot toRoot } }",
        {"a": first["size"], "b": last["size"]},
        who=auditor(gateway),
    )["accessLogConsistency"]
    assert (proof["fromRoot"], proof["toRoot"]) == (first["root"], last["root"])
    path = [base64.b64decode(node) for node in proof["hashes"]]
    roots = [base64.b64decode(one["root"]) for one in (first, last)]
    assert verify_consistency(first["size"], roots[0], last["size"], roots[1], path)
    for arguments in ("index: -1", "index: 0, size: 1000000", "index: 5, size: 5"):
        answer = gateway.ask(f"{{ accessLogProof({arguments}) {{ root }} }}", who=auditor(gateway))
        assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


@pytest.mark.leak(31)
def test_an_auditor_sees_the_own_level_and_below(gateway: Gateway) -> None:
    marks = {}
    for who in ("town-320100", "town-320200", "national"):
        marks[who] = gateway.ask(_CONTACTS, who=who).headers["x-request-id"]
    stranger = gateway.ask(_CONTACTS, who=None).headers["x-request-id"]

    def seen(who: str) -> set[str]:
        known = {one["request"] for one in entries(gateway, who)}
        return {name for name, mark in {**marks, "stranger": stranger}.items() if mark in known}

    assert seen(auditor(gateway)) == {"town-320100", "town-320200", "national", "stranger"}
    # National asked Nanjing's store, too: that much is seen of it.
    assert seen("auditor-nanjing") == {"town-320100", "national", "stranger"}
    assert seen("auditor-wuxi") == {"town-320200", "national", "stranger"}
    (whole,) = entries(gateway, request=marks["national"])
    (part,) = entries(gateway, "auditor-wuxi", request=marks["national"])
    every = {one for kind in whole["records"] for one in kind["ids"]}
    some = {one for kind in part["records"] for one in kind["ids"]}
    assert some < every
    wuxi = 320200 << 43
    assert all(wuxi < int(one.partition(":")[2]) < wuxi + (1 << 43) for one in some)
    for who in ("national", "town-320100"):
        answer = gateway.ask(_LIST, who=who).json()
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_filters(gateway: Gateway) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "x-purpose": "FOLLOW_UP"}
    body = b'{"query": "{ cases(first: 1) { edges { node { sex } } } }"}'
    marked = gateway.send(body, who="town-320200", **headers).headers["x-request-id"]
    reporter = gateway.demo.account_of("direct reporter")
    clear = gateway.ask("{ cases(first: 5) { edges { node { phone } } } }", who=reporter)
    clear_id = clear.headers["x-request-id"]
    refused = gateway.ask("{ alarms { totalCount } }", who="town-320100").headers["x-request-id"]

    def found(**wanted: Any) -> set[str]:
        known = {one["request"] for one in entries(gateway, **wanted)}
        return {
            name
            for name, request in (("m", marked), ("c", clear_id), ("r", refused))
            if request in known
        }

    assert found() == {"m", "c", "r"}
    assert found(account="town-320200") == {"m"}
    assert found(unit="cdc-320200") == {"m"}
    assert found(role=["DIRECT_REPORTER"]) == {"c"}
    assert found(trace=trace) == {"m"}
    assert found(region=["320200"]) >= {"m"}
    assert "r" not in found(region=["320000"])
    assert found(operation="cases") == {"m", "c"}
    assert found(operation="case") == set()
    given = {"account": "town-320200", "password": "not the one"}
    assert gateway.client.post("/sign-in", json=given).status_code == 401
    (signed, *_) = entries(gateway, operation="sign-in")
    assert (signed["operation"], signed["result"]) == ("signIn", "REFUSED")
    assert found(result=["FORBIDDEN"]) == {"r"}
    assert found(decision="REFUSED") == {"r"}
    assert found(decision="CLEAR") == {"c"}
    assert found(item=["PHONE"]) == {"c"}
    assert found(item=["SEX"], decision="MASKED") == {"m"}
    assert found(item=["PHONE"], decision="MASKED") == set()
    assert found(at={"from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"}) == set()
    assert found(at={"from": "2020-01-01T00:00:00Z"}) == {"m", "c", "r"}
    (one,) = entries(gateway, request=marked)
    assert (one["purpose"], one["trace"]) == ("FOLLOW_UP", trace)
    (seen,) = entries(gateway, request=clear_id)
    assert seen["clearItems"] == ["PHONE"]
    assert [reason["right"] for reason in seen["reasons"]] == ["own"]
    wrong = gateway.ask(_LIST, {"f": {"role": ["KING"]}}, who=auditor(gateway)).json()
    assert wrong["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


def test_who_saw_one_person_in_whatever_record(gateway: Gateway) -> None:
    data = gateway.data("{ contacts(first: 40) { edges { node { id person { id } } } } }")
    nodes = [edge["node"] for edge in data["contacts"]["edges"]]
    contact, person = nodes[0]["id"], nodes[0]["person"]["id"]
    other = next(node for node in nodes if node["person"]["id"] != person)
    ask = "query ($i: ID!) { node(id: $i) { id ... on Contact { name } } }"
    about = gateway.ask(ask, {"i": contact}).headers["x-request-id"]
    beside = gateway.ask(ask, {"i": other["id"]}).headers["x-request-id"]
    asked = gateway.ask(_LIST, {"f": {"person": person}, "n": 100}, who=auditor(gateway))
    found = {edge["node"]["request"] for edge in asked.json()["data"]["accessLog"]["edges"]}
    assert about in found
    assert beside not in found
    told = asked.json()["data"]["accessLog"]["regions"]
    assert {one["state"] for one in told} == {"ANSWERED"}
    for given in ("contact:1", "person:x", "nobody"):
        answer = gateway.ask(_LIST, {"f": {"person": given}}, who=auditor(gateway)).json()
        assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    (read,) = entries(gateway, request=asked.headers["x-request-id"])  # reading is logged, too
    assert (read["account"], read["operation"]) == (auditor(gateway), "query accessLog")
    assert read["count"] == len(found)


def test_a_log_too_long_to_count_has_no_count() -> None:
    wanted = Wanted(account="a")
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, account, entry)")
        assert count_in(store, wanted) == 0
        rows = ((number, "a" if number % 2 else "b", "{}") for number in range(1, 6_001))
        store.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        assert count_in(store, wanted, seconds=3600) == 3_000
        assert count_in(store, wanted, seconds=-1) is None


def test_pages(gateway: Gateway) -> None:
    for _ in range(5):
        gateway.data("{ regions { code } }", who="town-320200")
    wanted = {"operation": "regions", "account": "town-320200"}
    numbers: list[int] = []
    after = None
    while True:
        page = gateway.data(_LIST, {"f": wanted, "n": 2, "a": after}, who=auditor(gateway))
        numbers += [edge["node"]["number"] for edge in page["accessLog"]["edges"]]
        assert page["accessLog"]["totalCount"] == 5
        assert {one["state"] for one in page["accessLog"]["regions"]} == {"NOT_ASKED"}
        if not page["accessLog"]["pageInfo"]["hasNextPage"]:
            break
        after = page["accessLog"]["pageInfo"]["endCursor"]
    assert len(numbers) == 5
    assert numbers == sorted(set(numbers), reverse=True)
    bad = gateway.ask(_LIST, {"a": "x"}, who=auditor(gateway)).json()["errors"][0]
    assert bad["extensions"]["code"] == "INVALID_CURSOR"
