"""What is due on signals: listed by `overdue` beside the pathways', written down once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from regions.alerts_forms import signal_clocks
from regions.instants import now
from resolvers.alerts.clocks import SignalLimits, clock_due, sweep
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from resolvers.pathway.becoming import Lapses
from resolvers.users import Viewer
from tests.resolvers.alerts.duty import (
    CITY,
    ELSEWHERE,
    NATIONAL,
    ON_DUTY,
    SENT_AT,
    Duty,
    card,
    form,
)
from tests.resolvers.writing.making import DOCTOR

_OVERDUE = """query ($f: OverdueFilter, $n: Int, $a: String) {
  overdue(filter: $f, first: $n, after: $a) {
    edges { cursor node { id record kind unitId code openedAt dueAt missedAt metAt lateMinutes
      missing predictedBreach } }
    pageInfo { hasNextPage endCursor } totalCount regions { code state records } } }"""


def overdue(duty: Duty, who: Viewer = NATIONAL, **given: Any) -> Any:
    found = duty.ask(_OVERDUE, who, {"n": 100} | given)
    assert found.errors == []
    return found.data["overdue"]


def records(found: Any) -> list[str]:
    return [edge["node"]["record"] for edge in found["edges"]]


def test_hours_are_counted_from_when_a_clock_is_opened() -> None:
    limits = SignalLimits()
    assert clock_due("ABNORMAL_CARD", SENT_AT, limits) == "2026-03-02T02:00:00Z"
    assert clock_due("INVESTIGATION_FORM", SENT_AT, limits) == "2026-03-03T00:00:00Z"
    assert clock_due("INVESTIGATION_FORM", SENT_AT, SignalLimits(form_hours=1)) == (
        "2026-03-02T01:00:00Z"
    )


def test_signals_without_a_card_or_form_are_overdue(either: Duty) -> None:
    duty = either
    single = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-1")
    far = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-2", region="320200")
    ended = duty.done(
        "endInvestigation", ON_DUTY, duty.investigated(), endedAt="2026-03-03T02:00:00Z"
    )
    found = overdue(duty)
    assert records(found) == [*sorted([single, far]), ended["id"]]
    first, _, last = (edge["node"] for edge in found["edges"])
    assert (first["kind"], first["unitId"]) == ("ABNORMAL_CARD", "cdc-320102")
    assert (first["dueAt"], first["missedAt"]) == ("2026-03-02T02:00:00Z",) * 2
    assert first["lateMinutes"] > 60
    assert (first["missing"], first["predictedBreach"]) == ([], True)
    assert (last["kind"], last["dueAt"]) == ("INVESTIGATION_FORM", "2026-03-04T02:00:00Z")
    assert [one["records"] for one in found["regions"]] == [2, 1]
    seen, after = [], None
    while True:
        page = overdue(duty, n=1, a=after)
        assert page["totalCount"] == 3
        assert sum(one["records"] for one in page["regions"]) == len(page["edges"]) == 1
        seen += records(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == records(found)
    assert records(overdue(duty, f={"kind": ["INVESTIGATION_FORM"]})) == [ended["id"]]
    assert records(overdue(duty, f={"code": ["320205"]})) == []
    assert records(overdue(duty, f={"unit": ["cdc-320202"]})) == [far]
    assert records(overdue(duty, CITY)) == [single, ended["id"]]
    assert overdue(duty, CITY)["totalCount"] == 2
    assert records(overdue(duty, ELSEWHERE)) == records(overdue(duty, DOCTOR)) == []
    duty.done("fileAbnormalInformationCard", ON_DUTY, single, **card("singleCase"))
    duty.done("fileInvestigationForm", ON_DUTY, ended, **form())
    assert records(overdue(duty)) == [far]
    assert records(overdue(duty, f={"lapses": True})) == [single, ended["id"]]


def test_a_region_of_which_one_statement_fails_is_not_half_there(either: Duty) -> None:
    duty = either
    here = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-1")
    duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-2", region="320200")
    assert overdue(duty)["totalCount"] == 2
    duty.within(  # its clocks of signals can be read, those of pathways cannot
        lambda connection: connection.execute(text("ALTER TABLE pathway_clocks RENAME TO gone")),
        "320200",
    )
    found = duty.ask(_OVERDUE, NATIONAL, {"n": 100})
    assert [error["extensions"]["code"] for error in found.errors] == ["REGION_UNAVAILABLE"]
    page = found.data["overdue"]
    assert (records(page), page["totalCount"]) == ([here], 1)
    first, other = page["regions"]
    assert (first["state"], first["records"]) == ("ANSWERED", 1)
    assert other["state"] != "ANSWERED"
    assert other["records"] is None


def test_what_ran_out_is_written_down_once_and_told(duty: Duty) -> None:
    lapses = Lapses(duty.federation)
    duty.run(lapses.poll(None))
    single = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-1")
    assert duty.within(lambda connection: sweep(connection, SENT_AT)) == 0
    assert duty.within(lambda connection: sweep(connection, now())) == 1
    assert duty.within(lambda connection: sweep(connection, now())) == 0
    _, told = duty.run(lapses.poll(1))
    (row,) = told
    assert (row[2], f"{row[4]}:{row[1]}") == ("ABNORMAL_CARD", single)
    assert duty.run(lapses.poll(1))[1] == []
    (kept,) = duty.within(lambda connection: connection.execute(signal_clocks.select()).all())
    assert kept.missed_at == kept.due_at
    assert kept.noted_at is not None


def test_the_card_is_due_by_the_hours_that_are_set(duty: Duty) -> None:
    single = duty.raised(sent=False, kind="SINGLE_CASE", disease="plague", slot="card-1")
    number, limits = int(single.partition(":")[2]), SignalLimits(card_hours=5)

    def send(connection: Connection) -> None:
        apply(connection, "320100", number, Event.SEND, Who.system(SENT_AT), limits=limits)

    duty.within(send)
    assert duty.of(single)["clocks"][0]["dueAt"] == "2026-03-02T05:00:00Z"
