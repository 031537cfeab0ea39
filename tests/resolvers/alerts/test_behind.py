"""The report cards behind a signal: which they are, who sees what of them, and as a file (E8)."""

from __future__ import annotations

from typing import Any

import pytest

from resolvers.users import Role
from tests.answering import grant, viewer
from tests.resolvers.alerts.duty import CITY, NATIONAL, ON_DUTY, Duty
from tests.resolvers.writing.making import case_input

BEHIND = """query ($n: Int) { signals(first: $n) { edges { node { id
  casesBehind { id code disease { id } reportedAt name person { id } } } } } }"""
SEER = viewer("320102", Role.DUTY_PERSON, account="seer", grants=[grant("320102")])


def registered(duty: Duty, **given: Any) -> str:
    """The id of a new case of measles of the signal's week, unless told otherwise."""
    values = {"disease": "measles", "code": "320102", "reportedAt": "2026-02-27T10:00:00+08:00"}
    values["onsetOn"] = "2026-02-20"
    found = duty.do("registerCase", NATIONAL, case_input(**values | given))
    assert found["__typename"] == "RegisterCasePayload", found
    return str(found["case"]["id"])


def behind(duty: Duty, who: Any, signal: str) -> list[dict[str, Any]]:
    """The cards behind a signal as a viewer sees them."""
    found = duty.ask(BEHIND, who, {"n": 50})
    assert not found.errors, found.errors
    edges = found.data["signals"]["edges"]
    (cards,) = [one["node"]["casesBehind"] for one in edges if one["node"]["id"] == signal]
    return list(cards)


def ids(duty: Duty, who: Any, signal: str) -> list[str]:
    return [one["id"] for one in behind(duty, who, signal)]


def test_those_of_county_disease_and_seven_days(either: Duty) -> None:
    first = registered(either, reportedAt="2026-02-23T00:00:00+08:00")
    last = registered(either, reportedAt="2026-03-01T23:59:59+08:00")
    registered(either, reportedAt="2026-02-22T23:59:59+08:00")
    registered(either, reportedAt="2026-03-02T00:00:00+08:00")
    registered(either, code="320104")
    registered(either, disease="mumps")
    registered(either, classification="ASYMPTOMATIC")
    signal = either.raised()
    assert ids(either, ON_DUTY, signal) == [last, first]


def test_a_cluster_has_those_of_all_its_counties_in_every_region(either: Duty) -> None:
    here = registered(either, reportedAt="2026-02-26T10:00:00+08:00")
    there = registered(either, code="320205")
    registered(either, code="320104")
    cluster = either.raised(kind="CLUSTER", members='["320102","320205"]')
    alone = either.raised(disease="mumps")
    assert ids(either, NATIONAL, cluster) == [there, here]
    assert ids(either, ON_DUTY, cluster) == [here]  # the other county is not the viewer's
    assert ids(either, NATIONAL, alone) == []


def test_a_single_case_has_its_card_alone(duty: Duty) -> None:
    card = registered(duty)
    registered(duty)
    signal = duty.raised(kind="SINGLE_CASE", case_id=int(card.partition(":")[2]), slot="x")
    assert ids(duty, ON_DUTY, signal) == [card]


def test_many_signals_each_have_their_own(duty: Duty) -> None:
    cases = {code: registered(duty, code=code) for code in ("320102", "320104", "320105")}
    raised = {code: duty.raised(code=code, rule_id=f"r{code}") for code in cases}
    raised |= {str(n): duty.raised(disease="mumps") for n in range(20)}
    for code, card in cases.items():
        assert ids(duty, CITY, raised[code]) == [card]


@pytest.mark.leak(1)
def test_they_are_masked_as_the_list_masks_them_and_logged(duty: Duty) -> None:
    card = registered(duty)
    signal = duty.raised()
    assert [one["name"] for one in behind(duty, ON_DUTY, signal)] == ["*"]
    (seen,) = behind(duty, SEER, signal)
    assert seen["name"] not in ("*", None)
    told = duty.ask(BEHIND, SEER, {"n": 50}).told
    assert told["records"]["case"] == [int(card.partition(":")[2])]
    assert "Case.name" in told["clear"]
    told = duty.ask(BEHIND, ON_DUTY, {"n": 50}).told
    assert told["clear"] == []
    assert "Case.name" in told["masked"]


_EXPORT = """mutation ($input: RequestExportInput!) { requestExport(input: $input) { __typename
  ... on RequestExportPayload { export { id rows } } ... on Problem { code }
  ... on InvalidInputProblem { path } } }"""


def exported(duty: Duty, who: Any, key: str, **given: Any) -> Any:
    wanted = {"idempotencyKey": key, "kind": "CASES", "columns": ["id"], "purpose": "signal"}
    found = duty.ask(_EXPORT, who, {"input": wanted | given})
    return found.data["requestExport"]


def test_an_export_of_a_signal_has_them(duty: Duty) -> None:
    card = registered(duty)
    registered(duty)
    registered(duty, disease="mumps")
    signal = duty.raised()
    number = int(card.partition(":")[2])
    single = duty.raised(kind="SINGLE_CASE", case_id=number, slot="x")
    assert exported(duty, ON_DUTY, "a", signal=signal)["export"]["rows"] == 2
    assert exported(duty, ON_DUTY, "b", signal=single)["export"]["rows"] == 1
    narrowed = {"classification": ["SUSPECTED"]}
    assert exported(duty, ON_DUTY, "c", signal=signal, cases=narrowed)["export"]["rows"] == 0
    elsewhere = viewer("320104", Role.DUTY_PERSON, account="qinhuai")
    for who, of in ((elsewhere, signal), (ON_DUTY, card), (ON_DUTY, "signal:77")):
        found = exported(duty, who, f"{who.account}-{of}", signal=of)
        assert (found["code"], found["path"]) == ("INVALID_INPUT", ["signal"])
    found = exported(duty, ON_DUTY, "d", kind="CONTACTS", signal=signal)
    assert found["path"] == ["signal"]
