"""Transfers at the edge: who may do what, batches, retries, a peer that is down, events, log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.handing import COUNTY_A, COUNTY_B, A, B, Sides, handing, outcomes
from tests.gateway.test_subscriptions import token, wire
from tests.resolvers.writing.making import (
    contact_row,
    contacts_input,
    new_key,
    visit_input,
)
from tests.served import Demo

_LIST = """query ($f: TransferFilter) { transfers(filter: $f) {
  edges { node { id side state arrivedAt people { outcome } events { event } } } } }"""


@pytest.fixture(scope="module")
def sides(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    with handing(demo, tmp_path_factory.mktemp("handing")) as made:
        yield made


def _people(sides: Sides, count: int, code: str = COUNTY_A) -> list[str]:
    rows = contacts_input(*(contact_row(code=code) for _ in range(count)))
    who = "reporter-a" if code == COUNTY_A else "reporter-b"
    made = sides.do("registerContacts", who, rows)["rows"]
    return [one["contact"]["person"]["id"] for one in made]


def _transfers(sides: Sides, who: str, **wanted: Any) -> list[Any]:
    asked = sides.gateway.data(_LIST, {"f": wanted}, who=who)
    return [edge["node"] for edge in asked["transfers"]["edges"]]


def test_an_offer_is_accepted_and_arrives_and_both_sides_tell_it(sides: Sides) -> None:
    whose, other = _people(sides, 2)
    offered = sides.offer(whose, other)
    assert offered["__typename"] == "TransferPayload", offered
    assert (offered["pending"], offered["repeated"]) == (False, False)
    transfer = offered["transfer"]
    assert (transfer["side"], transfer["state"]) == ("SENT", "OFFERED")
    assert (transfer["fromUnit"], transfer["toUnit"]) == (f"cdc-{COUNTY_A}", f"cdc-{COUNTY_B}")
    (waiting,) = _transfers(sides, "officer-b", side="RECEIVED", ids=[transfer["id"]])
    assert waiting["state"] == "OFFERED"
    accepted = sides.step("acceptTransfer", "reporter-b", transferId=transfer["id"])
    sides.await_state(transfer["id"], "COMMITTED")
    assert outcomes(accepted) == [(whose, "ACCEPTED"), (other, "ACCEPTED")]
    told = sides.custody(whose, "officer-a")
    assert (told["region"], told["unitId"], told["epoch"]) == (B, f"cdc-{COUNTY_B}", 1)
    at = "2026-11-20T08:00:00Z"
    arrived = sides.step("recordArrival", "reporter-b", transferId=transfer["id"], arrivedAt=at)
    assert (arrived["pending"], arrived["transfer"]["state"]) == (False, "ARRIVED")
    for who, side in (("officer-a", "SENT"), ("officer-b", "RECEIVED")):
        (one,) = _transfers(sides, who, ids=[transfer["id"]])
        assert (one["side"], one["state"], one["arrivedAt"]) == (side, "ARRIVED", at)
        assert {p["outcome"] for p in one["people"]} == {"HANDED"}
        assert {"OFFERED", "ARRIVED"} <= {e["event"] for e in one["events"]} | {"OFFERED"}


def test_each_person_of_a_batch_has_an_outcome(sides: Sides) -> None:
    taken, going, staying, back = _people(sides, 4)
    (not_ours,) = _people(sides, 1, COUNTY_B)
    first = sides.offer(taken)["transfer"]["id"]
    offered = sides.offer(going, taken, staying, "person:17", not_ours, back)
    assert outcomes(offered) == [
        (going, "OFFERED"),
        (taken, "OFFERED"),
        (staying, "OFFERED"),
        ("person:17", "NOT_FOUND"),
        (not_ours, "NOT_FOUND"),
        (back, "OFFERED"),
    ]
    assert offered["people"][1]["problem"]["reason"] == "OFFERED"
    transfer = offered["transfer"]["id"]
    some = sides.step("acceptTransfer", "officer-b", transferId=transfer, people=[going, taken])
    assert outcomes(some) == [(going, "ACCEPTED"), (taken, "NOT_IN_TRANSFER")]
    sides.await_custody(going, B)
    done = sides.step("cancelTransfer", "officer-a", transferId=transfer, people=[back])
    assert outcomes(done) == [(back, "CANCELLED")]
    done = sides.step("refuseTransfer", "officer-b", transferId=transfer, reason="NO_PLACE")
    assert (staying, "REFUSED") in outcomes(done)
    sides.await_custody(staying, A)
    assert [sides.custody(one)["region"] for one in (going, staying, back)] == [B, A, A]
    assert sides.custody(taken)["transferId"] == first


_WHO = """query ($i: ID!) { transfers(filter: {ids: [$i], side: RECEIVED}) {
  edges { node { people { outcome person { id } } } } } }"""


def test_whoever_is_refused_is_not_kept_and_hides_nobody_else(sides: Sides) -> None:
    taken, refused = _people(sides, 2)
    transfer = sides.offer(taken, refused)["transfer"]["id"]
    given = {"transferId": transfer, "people": [refused], "reason": "NO_PLACE"}
    told = [sides.step("refuseTransfer", "officer-b", **given)]
    told.append(sides.step("acceptTransfer", "officer-b", transferId=transfer))
    found = sides.gateway.data(_WHO, {"i": transfer}, who="officer-b")["transfers"]["edges"]
    for one in (*(step["transfer"] for step in told), found[0]["node"]):
        assert [each["person"] for each in one["people"]] == [{"id": taken}, None]
        assert one["people"][1]["outcome"] == "REFUSED"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_thousand_people_are_handed_over_at_once(sides: Sides) -> None:
    people = _people(sides, 1000)
    transfer = sides.hand_over(*people)
    (one,) = _transfers(sides, "officer-b", ids=[transfer])
    assert len(one["people"]) == 1000
    numbers = [int(person.partition(":")[2]) for person in people]
    query = "SELECT count(*) FROM custody WHERE state = ? AND person_id BETWEEN ? AND ?"
    for region, state in ((A, "HANDED"), (B, "OWNED")):
        (count,) = sides.rows(region, query, state, min(numbers), max(numbers))
        assert count == (1000,)
    too_many = sides.offer(*(f"person:{number}" for number in range(1, 1002)))
    assert (too_many["code"], too_many["path"]) == ("INVALID_INPUT", ["people"])


def test_a_step_asked_for_again_is_taken_once(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    key = new_key()
    first, again = (sides.offer(whose, idempotencyKey=key) for _ in range(2))
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["transfer"] == again["transfer"]
    given = {"transferId": first["transfer"]["id"], "idempotencyKey": new_key()}
    first, again = (sides.step("acceptTransfer", "reporter-b", **given) for _ in range(2))
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert outcomes(first) == outcomes(again)
    # With another key, it is told that it was done already.
    given["idempotencyKey"] = new_key()
    late = sides.step("acceptTransfer", "reporter-b", **given)
    assert late["__typename"] in ("TransferPayload", "StepProblem")
    assert sides.await_custody(whose, B)["epoch"] == 1


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("officer-b2", "NOT_FOUND"),
        ("officer-a", "STEP_REFUSED"),
        ("auditor", "FORBIDDEN"),
        ("officer-b", None),
        ("national", None),
    ],
)
def test_who_may_accept(sides: Sides, who: str, code: str | None) -> None:
    (whose,) = _people(sides, 1)
    transfer = sides.offer(whose)["transfer"]["id"]
    query = """mutation ($i: TransferActionInput!) { acceptTransfer(input: $i) {
      __typename ... on Problem { code } ... on StepProblem { reason } } }"""
    given = {"idempotencyKey": new_key(), "transferId": transfer}
    body = sides.gateway.ask(query, {"i": given}, who=who).json()
    found = (body["data"] or {}).get("acceptTransfer") or {}
    told = found.get("code") or body.get("errors", [{"extensions": {}}])[0]["extensions"].get(
        "code"
    )
    assert told == code
    if who == "officer-a":
        assert found["reason"] == "NOT_RECEIVER"
    told = sides.await_custody(whose, A if code else B)
    if code is None:  # the unit above acts for the one it was offered to
        assert told["unitId"] == f"cdc-{COUNTY_B}"


@pytest.mark.parametrize("who", ["officer-b", "officer-b2"])
def test_who_may_offer(sides: Sides, who: str) -> None:
    (whose,) = _people(sides, 1)
    refused = sides.offer(whose, who=who)
    assert refused["transfer"] is None
    assert outcomes(refused) == [(whose, "NOT_FOUND")]


def test_nobody_shows_another_unit_what_is_masked_for_himself(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    refused = sides.offer(whose, items=["NAME"])
    assert outcomes(refused) == [(whose, "FORBIDDEN")]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"to": "999999"}, ["toCode"]),
        ({"to": "340000"}, ["toCode"]),
        ({"toUnit": "cdc-341821"}, ["toUnit"]),
        ({"departedAt": "2199-01-01T00:00:00Z"}, ["departedAt"]),
    ],
)
def test_what_leads_to_no_one_unit_is_asked_back(
    sides: Sides, given: dict[str, str], path: list[str]
) -> None:
    (whose,) = _people(sides, 1)
    refused = sides.offer(whose, **given)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", path)


def test_while_the_receiver_is_down_an_offer_waits_and_is_delivered_after(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    with sides.away(B):
        offered = sides.offer(whose)
        assert (offered["pending"], offered["transfer"]["state"]) == (True, "OFFERED")
    transfer = offered["transfer"]["id"]
    end = time.monotonic() + 60
    while not _transfers(sides, "officer-b", ids=[transfer]):
        assert time.monotonic() < end
        time.sleep(0.2)
    sides.step("acceptTransfer", "reporter-b", transferId=transfer)
    sides.await_state(transfer, "COMMITTED")


def test_changes_are_told_to_both_sides_as_they_happen(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    query = "subscription { transferChanged { id side state people { outcome } } }"
    with wire(sides.gateway) as a, wire(sides.gateway) as b, wire(sides.gateway) as other:
        for one, who in ((a, "officer-a"), (b, "officer-b"), (other, "officer-b2")):
            one.begin(token(sides.gateway, who))
            one.subscribe("1", query)
        time.sleep(1)
        transfer = sides.hand_over(whose)
        for one, side in ((a, "SENT"), (b, "RECEIVED")):
            while True:
                told = one.hear(30)["payload"]["data"]["transferChanged"]
                if told["id"] == transfer and told["state"] == "COMMITTED":
                    break
            assert told["side"] == side
            assert told["people"] == [{"outcome": "HANDED"}]
        with pytest.raises(TimeoutError):
            other.hear(1.0)


def test_a_handoff_is_in_the_log_of_both_regions_under_one_trace(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    query = """mutation ($i: OfferTransferInput!) { offerTransfer(input: $i) { __typename } }"""
    given = {
        "idempotencyKey": new_key(),
        "people": [{"personId": whose}],
        "toCode": COUNTY_B,
        "reason": "JURISDICTION",
    }
    response = sides.gateway.ask(query, {"i": given}, who="officer-a")
    assert response.json()["data"]["offerTransfer"]["__typename"] == "TransferPayload"
    entry = sides.gateway.entry(response)
    assert {"person", "transfer"} <= set(entry["what"]["wrote"])
    end = time.monotonic() + 60
    while True:
        delivered = [
            one for one in sides.gateway.demo.entries(trace=entry["trace"]) if one != entry
        ]
        if delivered:
            break
        assert time.monotonic() < end
        time.sleep(0.2)
    (one,) = delivered
    assert (one["module"], one["operation"]) == ("post", "post transfer.offer")
    assert set(one["what"]["regions"]) == {A, B}


def test_care_goes_on_at_the_receiver_under_the_ids_of_the_sender(sides: Sides) -> None:
    made = sides.do("registerContacts", "reporter-a", contacts_input(contact_row(code=COUNTY_A)))
    contact = made["rows"][0]["contact"]
    sides.hand_over(contact["person"]["id"])
    visit = sides.do("recordVisit", "officer-b", visit_input(contact["id"]))["visit"]
    assert (visit["code"], visit["contact"]) == (COUNTY_B, {"id": contact["id"]})


def test_many_who_offer_and_accept_at_once_have_each_an_outcome(sides: Sides) -> None:
    people = _people(sides, 12)
    with ThreadPoolExecutor(24) as at_once:
        keys = [new_key() for _ in people]
        named = [(person, key) for person, key in zip(people, keys, strict=True)] * 2
        offered = list(at_once.map(lambda one: sides.offer(one[0], idempotencyKey=one[1]), named))
        assert {one["__typename"] for one in offered} == {"TransferPayload"}
        first, again = offered[: len(people)], offered[len(people) :]
        for one, other, person in zip(first, again, people, strict=True):
            assert outcomes(one) == outcomes(other) == [(person, "OFFERED")]
            assert one["transfer"]["id"] == other["transfer"]["id"]
            assert sorted((one["repeated"], other["repeated"])) == [False, True]
        transfers = [one["transfer"]["id"] for one in first]
        done = list(
            at_once.map(
                lambda one: sides.step("acceptTransfer", "reporter-b", transferId=one), transfers
            )
        )
    assert [outcomes(one) for one in done] == [[(person, "ACCEPTED")] for person in people]
    for person in people:
        assert sides.await_custody(person, B)["epoch"] == 1
