"""Erasing a person by mutations: two security administrators, each with a fresh proof."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_keys import _traveller
from tests.served import Demo, Gateway, never_idle, serving
from tests.stores import noticed

REQUEST = """mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { __typename
  ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on InvalidInputProblem { path }
  ... on RequestErasurePayload { repeated erasure { id state people reason askedBy } } } }"""
CONFIRM = """mutation ($input: ConfirmErasureInput!) { confirmErasure(input: $input) { __typename
  ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on ConfirmErasurePayload { repeated away erased { region envelopes }
    erasure { id state confirmedBy doneAt } } } }"""
LIST = "query ($u: Boolean!) { erasures(unconfirmed: $u) { id state people reason askedBy } }"
FIRST, SECOND = "secadmin", "security-2"
_keys = count(1)


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with two security administrators, whose sessions were opened just now."""
    own = demo.copied(tmp_path)
    own.add_account(SECOND, FIRST, person_index="another")
    own.tokens.update(zip((FIRST, SECOND), own.open_sessions(FIRST, SECOND), strict=True))
    own.central(lambda connection, _: never_idle(connection))
    with serving(own, counted=True) as gateway:
        yield gateway


def ask(gateway: Gateway, people: list[int], who: str = FIRST, /, **more: Any) -> Any:
    given = {
        "idempotencyKey": f"ask-{next(_keys)}",
        "people": [f"person:{one}" for one in people],
        "reason": "a court has ordered it: 王伟",
    } | more
    return gateway.data(REQUEST, {"input": given}, who=who)["requestErasure"]


def confirm(gateway: Gateway, erasure: str, who: str = SECOND, **more: Any) -> Any:
    given = {"idempotencyKey": f"confirm-{next(_keys)}", "erasure": erasure} | more
    return gateway.data(CONFIRM, {"input": given}, who=who)["confirmErasure"]


def test_two_people_erase_one_in_every_region(gateway: Gateway) -> None:
    own = gateway.demo
    index, ids = _traveller(own)
    asked = ask(gateway, ids[:1], idempotencyKey="once")
    order = asked["erasure"]
    assert set(order["people"]) == {f"person:{one}" for one in ids}  # the other region's, too
    assert (order["state"], order["askedBy"]) == ("ASKED", FIRST)
    assert "王伟" in order["reason"]
    again = ask(gateway, ids[:1], idempotencyKey="once")
    assert (again["repeated"], again["erasure"]) == (True, order)
    assert len(gateway.data(LIST, {"u": True}, who=SECOND)["erasures"]) == 1
    assert _traveller(own, index)[1] == ids  # nothing is erased yet
    refused = confirm(gateway, order["id"], FIRST)
    assert refused["code"] == "FORBIDDEN"
    assert _traveller(own, index)[1] == ids

    done = confirm(gateway, order["id"], idempotencyKey="confirmed")
    assert done["away"] == []
    assert len(done["erased"]) == 2
    assert all(one["envelopes"] > 0 for one in done["erased"])
    assert (done["erasure"]["state"], done["erasure"]["confirmedBy"]) == ("DONE", SECOND)
    assert _traveller(own, index)[1] == []
    repeated = confirm(gateway, order["id"], idempotencyKey="confirmed")
    assert repeated == done | {"repeated": True}
    assert gateway.data(LIST, {"u": True}, who=FIRST)["erasures"] == []
    (listed,) = gateway.data(LIST, {"u": False}, who="auditor")["erasures"]
    assert listed["id"] == order["id"]
    for operation in ("askErasure", "erasePerson"):
        (entry,) = own.entries(operation=operation)
        assert entry["module"] == "graphql"
        assert len(entry["what"]["wrote"]["person"]) == 2 * 32
    for name in ("requestErasure", "confirmErasure"):
        assert own.entries(operation=f"mutation {name}", result="OK")
    for path in (own.folder / "data").rglob("*.db*"):
        assert "王伟".encode() not in path.read_bytes()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("step", ["ask", "confirm"])
def test_each_of_them_proves_a_second_factor(gateway: Gateway, step: str) -> None:
    own = gateway.demo
    index, ids = _traveller(own)
    order = ask(gateway, ids)["erasure"]["id"] if step == "confirm" else ""
    own.end_session(own.tokens[FIRST], proved_at="2026-11-01T00:00:00Z")
    own.end_session(own.tokens[SECOND], proved_at="2026-11-01T00:00:00Z")
    refused = ask(gateway, ids) if step == "ask" else confirm(gateway, order)
    assert (refused["code"], refused["reason"]) == ("STEP_REFUSED", "PROOF_MISSING")
    assert _traveller(own, index)[1] == ids


def test_who_does_not_have_every_region_erases_nobody(gateway: Gateway) -> None:
    own = gateway.demo
    own.add_account("jiangsu", FIRST, person_index="third", code="320000", unit_id="cdc-320000")
    own.tokens.update(zip(("jiangsu",), own.open_sessions("jiangsu"), strict=True))
    own.central(lambda connection, _: never_idle(connection))
    index, ids = _traveller(own)
    assert ask(gateway, ids, "jiangsu")["code"] == "FORBIDDEN"
    order = ask(gateway, ids)["erasure"]["id"]
    assert confirm(gateway, order, "jiangsu")["code"] == "FORBIDDEN"
    assert gateway.data(LIST, {"u": False}, who="jiangsu")["erasures"] == []
    for who in ("sysadmin", "national"):
        assert ask(gateway, ids, who)["code"] == "FORBIDDEN"
    assert _traveller(own, index)[1] == ids


def test_what_is_none_is_named(gateway: Gateway) -> None:
    _, ids = _traveller(gateway.demo)
    assert ask(gateway, ids, reason=" ")["path"] == ["reason"]
    assert ask(gateway, [])["path"] == ["people"]
    assert ask(gateway, ids, people=["case:1"])["path"] == ["people", "0"]
    assert ask(gateway, [1])["code"] == "NOT_FOUND"
    assert confirm(gateway, "erasure:77")["code"] == "NOT_FOUND"
    assert confirm(gateway, "person:1")["code"] == "NOT_FOUND"


def test_with_a_region_away_no_order_is_kept(gateway: Gateway) -> None:
    own = gateway.demo
    index, ids = _traveller(own)
    order = ask(gateway, ids)["erasure"]["id"]
    away = next(one for one in own.config.regions if _holds(own, one.code, ids))
    assert away.path is not None
    hidden = away.path.with_suffix(".away")
    away.path.rename(hidden)
    noticed()
    asked = gateway.ask(REQUEST, {"input": _wanted(ids)}, who=FIRST).json()
    assert asked["errors"][0]["extensions"]["code"] == "REGION_UNAVAILABLE"
    hidden.rename(away.path)
    assert len(gateway.data(LIST, {"u": False}, who=FIRST)["erasures"]) == 1
    done = confirm(gateway, order)
    assert done["erasure"]["state"] == "DONE"
    assert _traveller(own, index)[1] == []


def _wanted(ids: list[int]) -> dict[str, Any]:
    people = [f"person:{one}" for one in ids]
    return {"idempotencyKey": f"away-{next(_keys)}", "people": people, "reason": "an order"}


def _holds(own: Demo, code: str, ids: list[int]) -> bool:
    with closing(sqlite3.connect(own.region(code))) as store:
        query = "SELECT count(*) FROM people WHERE id IN (?, ?)"
        (found,) = store.execute(query, ids).fetchone()
    return bool(found)
