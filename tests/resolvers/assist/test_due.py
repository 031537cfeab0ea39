"""The clocks of letters in `overdue`, beside those of pathways and signals."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import update

from regions.assist import assist_people, assist_requests
from regions.instants import instant, now, seconds_of
from resolvers.assist.clocks import running
from resolvers.assist.due import LETTER_CLOCKS
from resolvers.assist.states import State
from resolvers.users import Viewer
from tests.resolvers.assist.corresponding import (
    ISSUER,
    NATIONAL,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    THIRD,
    Correspondence,
)
from tests.resolvers.writing.making import case_input, contact_row, contacts_input, sample_input
from tests.stores import in_store

_OVERDUE = """query ($f: OverdueFilter, $n: Int, $a: String) {
  overdue(filter: $f, first: $n, after: $a) {
    edges { node { id record kind unitId code openedAt dueAt missedAt metAt lateMinutes missing
      predictedBreach } }
    pageInfo { hasNextPage endCursor } totalCount regions { code state records } } }"""


def _overdue(office: Correspondence, who: Viewer = NATIONAL, **given: Any) -> Any:
    asked = office.ask(_OVERDUE, who, {"n": 50} | given)
    assert asked.errors == []
    return asked.data["overdue"]


def _listed(office: Correspondence, who: Viewer = NATIONAL, **chosen: Any) -> list[tuple[str, str]]:
    edges = _overdue(office, who, f=chosen)["edges"]
    return [(edge["node"]["record"], edge["node"]["kind"]) for edge in edges]


def _ago(hours: float) -> str:
    return instant(seconds_of(now()) - hours * 3600)


def _set(office: Correspondence, letter: Any, **values: str) -> None:
    """What time does to a letter, on both sides."""
    where = update(assist_requests).where(assist_requests.c.number == letter["number"])
    for region in office.regions:
        in_store(region, lambda store: store.execute(where.values(values)))


def test_a_letter_is_due_by_its_state_at_the_receiver(either: Correspondence) -> None:
    office = either
    sent = office.sent()
    got = office.received(RECEIVER, sent)
    assert _listed(office) == []
    ahead = instant(seconds_of(now()) + 3 * 3600)
    assert _listed(office, dueUntil=ahead) == [(got["id"], "ASSIST_ACKNOWLEDGE")]
    _set(office, sent, sent_at=_ago(5), acknowledge_due=_ago(3))
    (found,) = (edge["node"] for edge in _overdue(office, RECEIVER)["edges"])
    assert (found["unitId"], found["code"], found["missing"]) == ("cdc-320205", "320205", [])
    assert found["lateMinutes"] in (180, 181)
    assert (found["missedAt"], found["predictedBreach"]) == (found["dueAt"], True)
    assert _listed(office, ISSUER) == _listed(office, THIRD) == []  # it is the receiver's
    office.done("acknowledgeAssistRequest", RECEIVER, got)
    assert _listed(office) == []
    assert _listed(office, lapses=True) == [(got["id"], "ASSIST_ACKNOWLEDGE")]
    _set(office, sent, control_due=_ago(1))
    assert _listed(office, kind=["ASSIST_CONTROL"]) == [(got["id"], "ASSIST_CONTROL")]
    assert _listed(office, kind=["DIRECT_REPORT"]) == []
    assert _listed(office, unit=["cdc-320205"]) == [(got["id"], "ASSIST_CONTROL")]
    assert _listed(office, unit=["cdc-320204"]) == _listed(office, code=["320204"]) == []
    office.done("assignAssistRequest", OFFICER, got)
    office.control(got, 1, 2)
    assert _listed(office) == []
    _set(office, sent, feedback_due=_ago(1))
    assert _listed(office) == [(got["id"], "ASSIST_FEEDBACK")]
    office.done("feedBackAssistRequest", OFFICER, got)
    assert _listed(office) == []
    assert {kind for _, kind in _listed(office, lapses=True)} >= {"ASSIST_FEEDBACK"}


def test_pages_of_letters_follow_each_other(either: Correspondence) -> None:
    letters = [either.sent() for _ in range(3)]
    due = _ago(2)
    for one in letters:
        _set(either, one, sent_at=_ago(4), acknowledge_due=due)  # told apart by the id alone
    wanted = sorted(either.received(RECEIVER, one)["id"] for one in letters)
    seen, after = [], None
    while True:
        page = _overdue(either, n=1, a=after)
        assert page["totalCount"] == 3
        seen += [edge["node"]["record"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert sorted(seen) == wanted
    assert len(seen) == 3
    critical = instant(seconds_of(now()) + 600)
    _set(either, letters[0], acknowledge_due=critical)
    assert [kind for _, kind in _listed(either, predicted=True)] == ["ASSIST_ACKNOWLEDGE"]


def test_what_was_withdrawn_in_time_is_no_lapse(office: Correspondence) -> None:
    sent = office.sent()
    office.done("withdrawAssistRequest", ISSUER, sent, reasonCode="FOUND_HERE")
    _set(office, sent, acknowledge_due=instant(seconds_of(now()) + 60))
    assert _listed(office, lapses=True) == []
    _set(office, sent, acknowledge_due=_ago(1))
    assert [kind for _, kind in _listed(office, lapses=True)][:1] == ["ASSIST_ACKNOWLEDGE"]


def test_a_case_is_registered_in_two_hours_and_linked_by_itself(either: Correspondence) -> None:
    office = either
    sent, got, contact = _positive(office)
    (person,) = office.received(RECEIVER, sent)["people"]
    assert (person["state"], person["raisedCase"]) == ("CASE_RAISED", None)
    assert person["caseDue"] == instant(seconds_of(person["positiveAt"]) + 2 * 3600)
    assert _listed(office) == []
    for region in office.regions:
        late = update(assist_people).values(positive_at=_ago(3), case_due=_ago(1))
        in_store(region, lambda store, late=late: store.execute(late))  # type: ignore[misc]  # a default binds the loop's variable
    assert _listed(office, RECEIVER) == [(got["id"], "ASSIST_CASE")]
    made = office.do("registerCase", REGISTRAR, _case(office, contact))["case"]
    assert _listed(office) == []
    assert (got["id"], "ASSIST_CASE") in _listed(office, lapses=True)
    office.deliver()
    for letter in (office.received(RECEIVER, sent), office.issued(ISSUER, sent)):
        (person,) = letter["people"]
        assert person["caseAt"] is not None
        told = [json.loads(e["detail"]) for e in letter["events"] if e["event"] == "CARE"]
        assert {"record": made["id"]} in told
    assert office.received(RECEIVER, sent)["people"][0]["raisedCase"] == {"id": made["id"]}


def test_a_case_of_another_disease_is_not_linked_but_may_be_by_hand(
    office: Correspondence,
) -> None:
    sent, got, contact = _positive(office)
    given = _case(office, contact) | {"disease": "measles"}
    made = office.do("registerCase", REGISTRAR, given)["case"]["id"]
    assert office.received(RECEIVER, sent)["people"][0]["raisedCase"] is None
    report = {"people": [1], "finding": "POSITIVE"}
    assert office.refused("reportAssistPerson", REGISTRAR, got, **report) == "NEW_CASE"
    office.done("reportAssistPerson", REGISTRAR, got, **report, case=made)
    assert office.received(RECEIVER, sent)["people"][0]["raisedCase"] == {"id": made}
    assert office.refused("reportAssistPerson", REGISTRAR, got, **report, case=made) == "NEW_CASE"


def _positive(office: Correspondence) -> tuple[Any, Any, str]:
    """A letter whose one person tested positive: both copies, and the receiver's contact."""
    sent, got = office.worked_on(people=1)
    row = contact_row(code="320205")
    made = office.do("registerContacts", REGISTRAR, contacts_input(row))["rows"][0]["contact"]["id"]
    office.control(got, 1, contact=made)
    positive = {"takenAt": now(), "result": "POSITIVE", "resultAt": now()}
    office.do("recordSample", REGISTRAR, sample_input(made, **positive))
    office.done("reportAssistPerson", OFFICER, got, people=[1], finding="POSITIVE")
    return sent, got, str(made)


def _case(office: Correspondence, contact: str) -> dict[str, Any]:
    """A case to register of a contact's person."""
    number = int(contact.partition(":")[2])
    (row,) = [one for one in office.rows("contacts", "320200") if one["id"] == number]
    given = case_input(code="320205", disease="covid19", personId=f"person:{row['person_id']}")
    del given["person"]
    return given


def test_every_clock_of_a_letter_is_listed() -> None:
    columns = {clock.due_at.name for clock in LETTER_CLOCKS.values()}
    assert columns - {"case_due"} == {due for state in State if (due := running(state)) is not None}
