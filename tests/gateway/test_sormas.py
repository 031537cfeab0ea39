"""What went wrong elsewhere when cases passed between districts, each as a test at the edge.

The numbers are of issues of SORMAS, the closest open system (design, "the way of a handoff").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.handing import COUNTY_A, COUNTY_B, A, B, Sides, handing, outcomes
from tests.resolvers.writing.making import (
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    person,
    sample_input,
    visit_input,
)
from tests.served import Demo

pytestmark = pytest.mark.no_cover  # the protocol's own tests run the same lines

_NODE = """query ($i: ID!) { node(id: $i) { id
  ... on Person { name phone }
  ... on Case { onsetOn disease { id } reportedBy { id } code }
  ... on Contact { code frequency name
    visits { id kind remarks } samples { id specimen result } } } }"""


@pytest.fixture(scope="module")
def sides(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    with handing(demo, tmp_path_factory.mktemp("sormas")) as made:
        yield made


def _somebody(sides: Sides) -> tuple[str, str, str]:
    """A person of A with a case and a contact; their ids."""
    case = sides.do("registerCase", "reporter-a", case_input(code=COUNTY_A))["case"]
    whose: str = case["person"]["id"]
    row = contact_row(person=None, personId=whose, code=COUNTY_A)
    rows = sides.do("registerContacts", "reporter-a", contacts_input(row))["rows"]
    return whose, case["id"], rows[0]["contact"]["id"]


def _node(sides: Sides, record: str, who: str) -> Any:
    return sides.gateway.data(_NODE, {"i": record}, who=who)["node"]


def _correct(sides: Sides, who: str, record: str, field: str, value: str) -> Any:
    return sides.do("correct", who, correction(record, (field, value)))


def _history(sides: Sides, case: str, who: str) -> Any:
    query = """query ($i: ID!) { node(id: $i) { ... on Case {
      history { id field new newValue reason correctedBy correctedAt } } } }"""
    found = sides.gateway.data(query, {"i": case}, who=who)["node"]["history"]
    return sorted(found, key=lambda one: one["field"])


def test_sormas_9967_an_exception_during_hand_back_leaves_one_side_to_edit(sides: Sides) -> None:
    whose, _, contact = _somebody(sides)
    sides.hand_over(whose)
    offered = sides.offer(whose, to=COUNTY_A, who="reporter-b")
    transfer = offered["transfer"]["id"]
    sides.change(
        A,
        """CREATE TRIGGER broken BEFORE UPDATE ON contacts
        BEGIN SELECT RAISE(ABORT, 'broken'); END;""",
    )
    try:
        done = sides.step("acceptTransfer", "reporter-a", transferId=transfer)
        assert (done["pending"], done["transfer"]["state"]) == (True, "ACCEPTED"), done
        assert sides.custodians(whose) == []  # on the way: whom the commit goes to
        told = [
            _correct(sides, who, contact, "frequency", "FREQUENT")["code"]
            for who in ("officer-a", "officer-b")
        ]
        assert set(told) <= {"NOT_CUSTODIAN", "NOT_FOUND"}
    finally:
        sides.change(A, "DROP TRIGGER broken;")
    assert sides.await_custody(whose, A)["epoch"] == 2
    assert sides.custodians(whose) == [A]
    changed = _correct(sides, "reporter-a", contact, "frequency", "FREQUENT")
    assert changed["__typename"] == "CorrectPayload", changed
    assert _correct(sides, "reporter-b", contact, "frequency", "ONCE")["code"] in (
        "NOT_CUSTODIAN",
        "NOT_FOUND",
    )


def test_sormas_8576_the_same_person_is_not_offered_twice_with_other_parameters(
    sides: Sides,
) -> None:
    whose, _, _ = _somebody(sides)
    key = new_key()
    first = sides.offer(whose, idempotencyKey=key)
    again = sides.offer(whose, idempotencyKey=key)
    assert (again["repeated"], again["transfer"]) == (True, first["transfer"])
    other = sides.offer(whose, idempotencyKey=key, reason="OTHER")
    assert other["code"] == "IDEMPOTENCY_CONFLICT"
    elsewhere = sides.offer(whose, to="341821")
    assert elsewhere["transfer"] is None
    assert elsewhere["people"][0]["problem"]["reason"] == "OFFERED"
    number = int(whose.partition(":")[2])
    for region in (A, B):
        found = sides.rows(
            region, "SELECT transfer_id FROM transfer_people WHERE person_id = ?", number
        )
        assert found == [(first["transfer"]["id"],)]


def test_sormas_6941_adding_a_contact_returns_no_ownership(sides: Sides) -> None:
    whose, case, contact = _somebody(sides)
    sides.hand_over(whose)
    before = sides.custody(whose)
    row = contact_row(person=None, personId=whose, code=COUNTY_A)
    refused = sides.do("registerContacts", "reporter-a", contacts_input(row))["rows"][0]
    assert refused["problem"]["code"] == "NOT_CUSTODIAN"
    linked = contact_row(person=person(), code=COUNTY_A, sourceCase=case, parentContact=contact)
    added = sides.do("registerContacts", "reporter-a", contacts_input(linked))["rows"][0]
    assert added["problem"] is None
    assert sides.custody(whose) == before
    assert sides.custodians(whose) == [B]


@pytest.mark.parametrize("how", ["cancelTransfer", "refuseTransfer"])
def test_sormas_6642_nobody_comes_back_without_acceptance(sides: Sides, how: str) -> None:
    whose, _, contact = _somebody(sides)
    sides.hand_over(whose)
    offered = sides.offer(whose, to=COUNTY_A, who="reporter-b")
    transfer = offered["transfer"]["id"]
    for ended in (False, True):
        told = sides.custody(whose)
        assert (told["region"], told["confirmed"]) == (B, True)
        assert sides.custodians(whose) == [B]
        given = visit_input(contact)
        assert sides.do("recordVisit", "officer-a", given)["code"] == "NOT_CUSTODIAN"
        if not ended:
            who = "reporter-b" if how == "cancelTransfer" else "reporter-a"
            more = {} if how == "cancelTransfer" else {"reason": "NO_PLACE"}
            done = sides.step(how, who, transferId=transfer, **more)
            assert done["__typename"] == "TransferPayload", done
    late = sides.step("acceptTransfer", "reporter-a", transferId=transfer)
    outcome = {"cancelTransfer": "CANCELLED", "refuseTransfer": "REFUSED"}[how]
    assert outcomes(late) == [(whose, outcome)]
    assert sides.custodians(whose) == [B]
    visit = sides.do("recordVisit", "reporter-b", visit_input(contact))
    assert visit["__typename"] == "RecordVisitPayload"


def test_sormas_9771_samples_added_between_offer_and_acceptance_arrive(sides: Sides) -> None:
    whose, _, contact = _somebody(sides)
    offered = sides.offer(whose)
    taken = sample_input(contact, result="NEGATIVE", resultAt="2026-03-05T00:00:00Z")
    sample = sides.do("recordSample", "reporter-a", taken | {"takenAt": "2026-03-04T00:00:00Z"})
    visit = sides.do("recordVisit", "reporter-a", visit_input(contact, remarks="无发热"))
    assert "sample" in sample, sample
    refused = _correct(sides, "reporter-a", contact, "frequency", "FREQUENT")
    assert refused["code"] == "NOT_CUSTODIAN"  # the rest is read-only meanwhile
    transfer = offered["transfer"]["id"]
    sides.step("acceptTransfer", "reporter-b", transferId=transfer)
    sides.await_state(transfer, "COMMITTED")
    found = _node(sides, contact, "reporter-b")
    assert found["samples"] == [
        {"id": sample["sample"]["id"], "specimen": "THROAT_SWAB", "result": "NEGATIVE"}
    ]
    assert found["visits"] == [
        {"id": visit["visit"]["id"], "kind": "HEALTH_MONITORING", "remarks": "无发热"}
    ]


@pytest.mark.leak(39)
def test_sormas_6640_a_preview_shows_no_more_than_the_data_and_the_senders_policy(
    sides: Sides,
) -> None:
    whose, _, _ = _somebody(sides)
    question = """query ($t: [ID!]) { transfers(filter: { ids: $t, side: RECEIVED }) {
      edges { node { people { escort person { name phone } } } } } }"""
    name = _node(sides, whose, "reporter-a")["name"]
    for items, shown in (([], "*"), (["NAME"], name)):
        offered = sides.offer(whose, who="reporter-a", items=items)
        assert offered["transfer"], offered
        transfer = offered["transfer"]["id"]
        for who in ("officer-b", "reporter-b"):
            asked = sides.gateway.data(question, {"t": [transfer]}, who=who)
            (edge,) = asked["transfers"]["edges"]
            (one,) = edge["node"]["people"]
            assert one["person"]["phone"] == "*", who
            assert one["person"]["name"] == shown, who
        asked = sides.gateway.data(question, {"t": [transfer]}, who="officer-b2")
        assert asked["transfers"]["edges"] == []  # another county of the same region
        sides.step("cancelTransfer", "reporter-a", transferId=transfer)
        assert _node(sides, whose, "officer-b") is None


def test_sormas_11886_later_edits_are_not_lost_silently(sides: Sides) -> None:
    whose, case, contact = _somebody(sides)
    sides.hand_over(whose)
    for record, field, value in (
        (whose, "phone", "13900000009"),
        (contact, "frequency", "FREQUENT"),
    ):
        refused = _correct(sides, "reporter-a", record, field, value)
        assert refused["code"] == "NOT_CUSTODIAN", refused
        assert B in refused["message"]
        made = _correct(sides, "reporter-b", record, field, value)
        assert made["__typename"] == "CorrectPayload", made
    assert _node(sides, contact, "officer-b")["frequency"] == "FREQUENT"
    assert _node(sides, whose, "reporter-b")["phone"] == "13900000009"
    # The card stays with who reported it, and what is corrected in it goes after the person.
    for field, value in (("onsetOn", "2026-02-20"), ("remarks", "复诊后改")):
        made = _correct(sides, "reporter-a", case, field, value)
        assert made["__typename"] == "CorrectPayload", made
    sides.await_true(lambda: len(_history(sides, case, "reporter-b")) == 2)
    assert _node(sides, case, "officer-b")["onsetOn"] == "2026-02-20"
    known = _history(sides, case, "reporter-b")
    assert [(one["field"], one["newValue"] or one["new"]) for one in known] == [
        ("onsetOn", '"2026-02-20"'),
        ("remarks", '"复诊后改"'),
    ]
    assert {one["reason"] for one in known} == {"录入错误"}
    assert known == _history(sides, case, "reporter-a")
    refused = _correct(sides, "reporter-b", case, "onsetOn", "2026-02-21")
    assert refused["code"] == "NOT_CUSTODIAN"
    assert A in refused["message"]


def test_sormas_10725_acceptance_does_not_mind_other_code_lists(sides: Sides) -> None:
    """A disease and a unit that the sender alone knows."""
    whose, case, contact = _somebody(sides)
    number = int(case.partition(":")[2])
    sides.change(
        A,
        f"""UPDATE cases SET unit_id = 'hospital-of-a' WHERE id = {number};
        INSERT INTO units (id, code, level, name_zh, name_en)
        SELECT 'hospital-of-a', code, 'HOSPITAL', '甲医院', 'Hospital A' FROM units LIMIT 1;
        """,
    )
    sides.change(B, "DELETE FROM diseases WHERE key = 'measles';")
    sides.hand_over(whose)
    found = _node(sides, case, "officer-b")
    assert (found["disease"], found["reportedBy"]) == ({"id": "measles"}, {"id": "hospital-of-a"})
    assert _node(sides, contact, "officer-b")["code"] == COUNTY_B
