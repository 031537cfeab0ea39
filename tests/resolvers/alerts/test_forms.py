"""The way of a signal at the edge: looked at, answered by a card, investigated, concluded."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from regions.alerts_forms import (
    investigation_forms,
    signal_attachments,
    signal_cards,
    signal_contents,
)
from regions.instants import now
from regions.person_keys import ERASED, person_keys
from regions.sealing import needs
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from tests.resolvers.alerts.duty import (
    CITY,
    CITY_HOSPITAL,
    ELSEWHERE,
    HOSPITAL,
    NATIONAL,
    OFFICER,
    ON_DUTY,
    SENT_AT,
    SUCCESSOR,
    Duty,
    card,
    form,
    picture,
)
from tests.resolvers.writing.making import DOCTOR, case_input
from tests.resolvers.writing.test_sniffing import pdf

CARD, FORM = "fileAbnormalInformationCard", "fileInvestigationForm"


def events(signal: Any) -> list[str]:
    return [one["event"] for one in signal["trail"]]


def test_from_the_message_to_the_conclusion(either: Duty) -> None:
    duty = either
    raised = duty.raised()
    viewed = duty.done("viewSignal", ON_DUTY, raised)
    assert (viewed["state"], viewed["sentAt"]) == ("VIEWED", SENT_AT)
    assert viewed["viewedAt"] is not None
    verifying = duty.done("startVerification", ON_DUTY, viewed)
    assert verifying["state"] == "VERIFYING"
    given = card("place", "time")
    suspected = duty.done(CARD, ON_DUTY, verifying, **given)
    assert suspected["state"] == "SUSPECTED"
    assert suspected["answeredAt"] is not None
    (filed,) = suspected["cards"]
    assert {
        name: filed[name]
        for name in ("version", "province", "city", "county", "signalNumber", "sentAt", "cases")
    } == {
        "version": 1,
        "province": "江苏省",
        "city": "南京市",
        "county": "玄武区",
        "signalNumber": suspected["number"],
        "sentAt": SENT_AT,
        "cases": 7,
    }
    assert (filed["deaths"], filed["disease"]) == (1, {"id": "measles"})
    assert filed["verifiedBy"] == ["DATA_ANALYSIS", "PHONE"]
    assert (filed["place"], filed["time"], filed["people"]) == (True, True, False)
    assert filed["placeReason"] == given["place"]["reason"]
    assert filed["peopleReason"] is None
    assert (filed["filledBy"], filed["phone"]) == (ON_DUTY.name, "025-83132265")
    event = suspected["event"]
    assert event["number"] == filed["eventNumber"]
    assert event["number"].startswith("E320102")
    assert (event["state"], event["unitId"]) == ("SUSPECTED", "cdc-320102")

    started = duty.done("startInvestigation", ON_DUTY, suspected)
    assert (started["state"], started["event"]["state"]) == ("INVESTIGATING", "INVESTIGATING")
    assert duty.refused(FORM, ON_DUTY, started, **form()) == "REPORT"
    duty.attach(started)
    ended = duty.done("endInvestigation", ON_DUTY, started, endedAt="2026-03-03T02:00:00Z")
    assert ended["event"]["formDue"] == "2026-03-04T02:00:00Z"
    wanted = form()
    concluded = duty.done(FORM, ON_DUTY, ended, **wanted)
    assert concluded["state"] == "CONCLUDED"
    event = concluded["event"]
    assert (event["state"], event["conclusion"]) == ("CONCLUDED", "OUTBREAK")
    (found,) = event["forms"]
    assert found["signalNumbers"] == [concluded["number"]]
    assert (found["sentAt"], found["disease"]) == (SENT_AT, {"id": "measles"})
    assert found["ages"] == {"from0": 1, "from7": 4, "from12": 2, "from18": 1, "from60": 1}
    assert {one["occupation"]: one["cases"] for one in found["occupations"]} == {
        "PUPIL_OR_STUDENT": 5,
        "FARMER": 2,
    }
    assert found["firstTownship"] == wanted["topTownships"][0]["name"]
    assert (found["firstTownshipCases"], found["thirdTownshipCases"]) == (4, 2)
    assert found["units"] == ["CITY", "COUNTY"]
    assert (found["grounds"], found["groundsText"]) == (["PLACE", "OTHER"], wanted["groundsText"])
    assert events(concluded) == [
        *("SEND", "VIEW", "VERIFY", "SUSPECT", "INVESTIGATE", "ATTACH", "END", "CONCLUDE")
    ]
    detail = orjson.loads(concluded["trail"][-1]["detail"])
    assert detail == {"event": event["number"], "form": 1, "conclusion": "OUTBREAK"}
    (clock,) = event["clocks"]
    assert (clock["kind"], clock["dueAt"]) == ("INVESTIGATION_FORM", event["formDue"])
    assert clock["metAt"] is not None
    assert clock["missedAt"] == clock["dueAt"]  # March is long over: it was late
    assert duty.of(concluded, ON_DUTY) == concluded


def test_a_card_says_that_it_was_looked_at_and_verified(duty: Duty) -> None:
    found = duty.done(CARD, ON_DUTY, duty.raised(), **card())
    assert found["state"] == "EXCLUDED"
    assert events(found) == ["SEND", "VIEW", "VERIFY", "EXCLUDE"]
    assert found["event"] is None
    assert duty.refused("startInvestigation", ON_DUTY, found) == "EXCLUDED"


def test_a_signal_may_be_answered_before_it_is_sent(duty: Duty) -> None:
    found = duty.done(CARD, ON_DUTY, duty.raised(sent=False), **card())
    assert events(found) == ["VIEW", "VERIFY", "EXCLUDE"]
    assert found["sentAt"] is found["cards"][0]["sentAt"] is None


def test_the_instant_of_sending_is_filled_in_though_it_comes_last(duty: Duty) -> None:
    """At eight, on what was filed before; what was sent before keeps its own."""
    early = duty.raised(sent=False)
    found = duty.done(
        CARD, ON_DUTY, duty.done(CARD, ON_DUTY, early, **card("place")), **card("time")
    )
    found = duty.attach(duty.done("startInvestigation", ON_DUTY, found))
    found = duty.done(FORM, ON_DUTY, found, **form())
    assert found["event"]["forms"][0]["sentAt"] is None
    number = int(early.removeprefix("signal:"))

    def send(connection: Connection) -> None:
        apply(connection, "320100", number, Event.SEND, Who.system("2026-03-04T00:00:00Z"))

    other = duty.suspected()
    duty.within(send)
    found = duty.of(early, ON_DUTY)
    told = [found, *found["cards"], *found["event"]["forms"]]
    assert {one["sentAt"] for one in told} == {"2026-03-04T00:00:00Z"}
    assert duty.of(other)["cards"][0]["sentAt"] == SENT_AT


@pytest.mark.leak(23)
def test_every_version_of_a_card_is_kept_and_the_mask_overwrites_nothing(duty: Duty) -> None:
    first = duty.done(CARD, ON_DUTY, duty.raised(), **card("rare", remarks="first"))
    again = card("rare", "spreading", remarks="*", phone="*", filledBy="*")
    again["rare"] = {"holds": True, "reason": "＊"}
    second = duty.done(CARD, SUCCESSOR, first, **again)
    before, after = second["cards"]
    assert before == first["cards"][0]
    assert (before["version"], after["version"]) == (1, 2)
    assert (after["remarks"], after["phone"]) == ("first", "025-83132265")
    assert after["rareReason"] == before["rareReason"]
    assert after["filledBy"] == before["filledBy"]
    assert after["account"] == "xuanwu-2"
    assert second["event"]["number"] == first["event"]["number"]
    assert second["answeredAt"] == first["answeredAt"]
    assert duty.refused(CARD, ON_DUTY, second, **card()) == "EVENT_ISSUED"


def test_an_excluded_signal_becomes_an_event_once_more_is_known(duty: Duty) -> None:
    excluded = duty.done(CARD, ON_DUTY, duty.raised(), **card())
    found = duty.done(CARD, ON_DUTY, excluded, **card("people"))
    assert found["state"] == "SUSPECTED"
    assert [one["suspected"] for one in found["cards"]] == [False, True]


def test_continued_watch_and_its_further_versions(duty: Duty) -> None:
    signal = duty.investigated()
    watched = form(conclusion="CONTINUED_WATCH", grounds=[], groundsText="not over yet")
    first = duty.done(FORM, ON_DUTY, signal, **watched)
    assert first["event"]["conclusion"] == "CONTINUED_WATCH"
    excluded = form(conclusion="EXCLUDED", grounds=None, groundsText="*", cases=8, deaths=0)
    excluded["topTownships"] = [{"name": "*", "cases": cases} for cases in (3, 2, 2)]
    excluded["ages"] = {"from7": 8}
    second = duty.done(FORM, ON_DUTY, first, **excluded)
    event = second["event"]
    assert (event["conclusion"], second["state"]) == ("EXCLUDED", "CONCLUDED")
    before, after = event["forms"]
    assert before == first["event"]["forms"][0]
    assert (after["version"], after["cases"], after["groundsText"]) == (2, 8, "not over yet")
    assert after["firstTownship"] == before["firstTownship"]
    assert event["concludedAt"] == first["event"]["concludedAt"]
    assert len(event["clocks"]) == 1


def test_one_event_joins_several_signals(duty: Duty) -> None:
    first = duty.investigated()
    number = first["event"]["number"]
    second = duty.done(CARD, ON_DUTY, duty.raised(), **card("time", event=number))
    assert (second["state"], second["event"]["number"]) == ("INVESTIGATING", number)
    assert second["cards"][0]["eventNumber"] == number
    third = duty.suspected("spreading")
    own = third["event"]["number"]
    assert own != number
    found = duty.done(FORM, ON_DUTY, first, **form(signals=[third["id"]]))
    numbers = [one["number"] for one in (first, second, third)]
    assert sorted(one["number"] for one in found["event"]["signals"]) == numbers
    assert {one["state"] for one in found["event"]["signals"]} == {"CONCLUDED"}
    assert found["event"]["forms"][0]["signalNumbers"] == numbers
    (joined,) = [one for one in duty.rows("investigations") if one["number"] == own]
    assert joined["state"] == "JOINED"
    assert events(duty.of(third))[-2:] == ["INVESTIGATE", "CONCLUDE"]
    assert duty.refused(CARD, ON_DUTY, duty.raised(), **card("time", event=own)) == "NO_EVENT"
    assert duty.refused(CARD, ON_DUTY, duty.raised(), **card("time", event=number)) == "NO_EVENT"
    busy = duty.investigated()
    assert duty.refused(FORM, ON_DUTY, busy, **form(signals=[found["id"]])) == "OTHER_EVENT"


def test_a_form_is_no_place_for_signals_that_nobody_answered_or_of_elsewhere(duty: Duty) -> None:
    signal = duty.investigated()
    silent = duty.raised()
    assert duty.refused(FORM, ON_DUTY, signal, **form(signals=[silent])) == "NOT_VIEWED"
    for other in (duty.raised(code="320104"), duty.raised(region="320200"), "signal:7"):
        found = duty.act(FORM, ON_DUTY, signal, **form(signals=[other]))
        assert (found["__typename"], found["path"]) == ("NotFoundProblem", ["signals", "0"])
    assert duty.mistakes(FORM, ON_DUTY, signal, **form(signals=["case:7"])) == {"signals.0"}
    assert duty.of(signal)["event"]["forms"] == []
    assert duty.of(silent)["event"] is None


def test_single_case_signals_have_a_clock_of_two_hours(either: Duty) -> None:
    duty = either
    single = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-1")
    (clock,) = duty.of(single)["clocks"]
    assert (clock["kind"], clock["openedAt"]) == ("ABNORMAL_CARD", SENT_AT)
    assert (clock["dueAt"], clock["metAt"]) == ("2026-03-02T02:00:00Z", None)
    assert clock["unitId"] == "cdc-320102"
    found = duty.done(CARD, ON_DUTY, single, **card("singleCase"))
    (clock,) = found["clocks"]
    assert clock["metAt"] == found["answeredAt"]
    assert clock["missedAt"] == clock["dueAt"]
    assert duty.of(duty.raised())["clocks"] == []


def test_whose_signals_they_are(duty: Duty) -> None:
    signal = duty.raised()
    assert duty.refused(CARD, OFFICER, signal, **card()) == "DUTY"
    assert duty.refused(CARD, CITY, signal, **card()) == "NOT_YOUR_SIDE"
    assert duty.act(CARD, HOSPITAL, signal, **card())["__typename"] == "ForbiddenProblem"
    other = duty.act("viewSignal", ELSEWHERE, signal)
    assert (other["__typename"], other["path"]) == ("NotFoundProblem", ["signal"])
    seen = duty.done("viewSignal", CITY, signal)
    assert (seen["state"], seen["viewedAt"]) == ("SENT", None)
    assert (events(seen), seen["trail"][-1]["actor"]) == (["SEND", "OVERSEE"], "nanjing")
    assert duty.done("viewSignal", OFFICER, signal)["state"] == "VIEWED"
    assert duty.act("viewSignal", ON_DUTY, "case:7")["__typename"] == "InvalidInputProblem"


def test_only_cdcs_oversee(duty: Duty) -> None:
    signal = duty.raised()
    for hospital in (HOSPITAL, CITY_HOSPITAL):
        assert duty.of(signal, hospital)["state"] == "SENT"  # it may be seen
        for action in ("viewSignal", "startVerification"):
            assert duty.act(action, hospital, signal)["__typename"] == "ForbiddenProblem"
    assert events(duty.of(signal)) == ["SEND"]
    assert events(duty.done("viewSignal", NATIONAL, signal)) == ["SEND", "OVERSEE"]


def test_nobody_decides_on_old_news(duty: Duty) -> None:
    signal = duty.raised()
    version = duty.of(signal)["version"]
    duty.done(CARD, ON_DUTY, signal, **card())
    given = card("place", version=version)
    assert duty.refused(CARD, SUCCESSOR, signal, **given) == "VERSION"
    assert duty.refused("viewSignal", SUCCESSOR, signal, version=version) == "VERSION"
    assert len(duty.of(signal)["cards"]) == 1


def test_nobody_files_a_further_version_over_one_that_was_not_seen(duty: Duty) -> None:
    """Two officers read the same version: the second must look again, though no state changed."""
    excluded = duty.done(CARD, ON_DUTY, duty.raised(), **card())
    read = excluded["version"]
    duty.done(CARD, ON_DUTY, excluded, **card(remarks="theirs", version=read))
    assert duty.refused(CARD, SUCCESSOR, excluded, **card(version=read)) == "VERSION"
    signal = duty.investigated()
    watched = form(conclusion="CONTINUED_WATCH", grounds=[], groundsText="not over yet")
    read = duty.done(FORM, ON_DUTY, signal, **watched)["version"]
    duty.done(FORM, ON_DUTY, signal, **watched, version=read)
    assert duty.refused(FORM, SUCCESSOR, signal, **watched, version=read) == "VERSION"


def test_an_event_joins_with_all_its_signals_and_files(duty: Duty) -> None:
    taking = duty.investigated()
    number = taking["event"]["number"]
    one = duty.attach(duty.suspected("spreading"))
    own = one["event"]["number"]
    other = duty.done(CARD, ON_DUTY, duty.raised(), **card("time", event=own))
    joined = duty.done(CARD, ON_DUTY, one, **card("spreading", event=number))
    assert {found["state"] for found in joined["event"]["signals"]} == {"INVESTIGATING"}
    assert len(joined["event"]["signals"]) == 3
    assert len(joined["event"]["attachments"]) == 2
    assert events(duty.of(other))[-1] == "INVESTIGATE"
    ended = duty.done("endInvestigation", ON_DUTY, other)
    assert ended["event"]["number"] == number


def test_the_same_key_files_once(duty: Duty) -> None:
    signal = duty.raised()
    given = card("place", idempotencyKey="once", version=duty.of(signal)["version"])
    first = duty.act(CARD, ON_DUTY, signal, **given)
    again = duty.act(CARD, ON_DUTY, signal, **given)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["signal"] == first["signal"]
    other = duty.act(CARD, ON_DUTY, signal, **given | {"townships": 3})
    assert other["__typename"] == "IdempotencyConflict"
    assert (duty.count("signal_cards"), duty.count("investigations")) == (1, 1)


def test_nothing_is_done_with_a_signal_that_another_absorbed(duty: Duty) -> None:
    first = duty.raised()
    absorbed = duty.raised(sent=False, absorbed_into=int(first.partition(":")[2]))
    for name in ("viewSignal", "startVerification", "startInvestigation"):
        reason = duty.refused(name, ON_DUTY, absorbed)
        assert reason in ("ON_ITS_OWN", "NOT_VIEWED")
    assert duty.refused(CARD, ON_DUTY, absorbed, **card()) == "ON_ITS_OWN"


_NO_CARD: list[tuple[dict[str, Any], set[str]]] = [
    ({"verifiedBy": []}, {"verifiedBy"}),
    ({"verifiedBy": ["OTHER"]}, {"verificationText"}),
    ({"townships": -1}, {"townships"}),
    ({"suspected": True}, {"suspected"}),
    ({"place": {"holds": True, "reason": "near"}}, {"suspected"}),
    ({"suspected": True, "rare": {"holds": True}}, {"rare.reason"}),
    ({"suspected": True, "rare": {"holds": True, "reason": "*"}}, {"rare.reason"}),
    (
        {"suspected": True, "townships": 0, "rare": {"holds": True, "reason": "new"}},
        {"townships"},
    ),
    ({"suspected": True, "singleCase": {"holds": True, "reason": "one"}}, {"singleCase.holds"}),
    ({"event": "E32010220260001"}, {"event"}),
    ({"remarks": "x" * 1001}, {"remarks"}),
    ({"remarks": "bell\a"}, {"remarks"}),
    ({"phone": ""}, {"phone"}),
    ({"phone": "call me"}, {"phone"}),
    ({"filledBy": "x" * 61}, {"filledBy"}),
]


def test_what_no_card_may_say(duty: Duty) -> None:
    signal = duty.raised()
    version = duty.of(signal)["version"]
    for wrong, paths in _NO_CARD:
        given = card(version=version) | wrong
        assert duty.mistakes(CARD, ON_DUTY, signal, **given) == paths, wrong
    assert duty.of(signal)["state"] == "SENT"


_NO_FORM: list[tuple[dict[str, Any], set[str]]] = [
    ({"verifiedDisease": "no such"}, {"verifiedDisease"}),
    ({"verifiedDisease": None}, {"verifiedDisease"}),
    ({"verifiedDiseaseText": "measles, too"}, {"verifiedDiseaseText"}),
    (
        {"cases": 0},
        {
            "cases",
            "deaths",
            "schoolCases",
            "topTownships",
            "ages",
            "occupations",
            "occupations.0.cases",
            "occupations.1.cases",
        },
    ),
    ({"deaths": 10}, {"deaths"}),
    ({"schoolCases": 0}, {"schools"}),
    ({"schoolCases": 10}, {"schoolCases"}),
    ({"townships": 2}, {"topTownships"}),
    ({"townships": 3}, {"topTownships"}),
    ({"topTownships": []}, {"topTownships"}),
    ({"topTownships": [{"name": n, "cases": 2} for n in "aab"]}, {"topTownships"}),
    ({"topTownships": [{"name": n, "cases": int(n)} for n in "123"]}, {"topTownships"}),
    (
        {"topTownships": [{"name": "", "cases": 3}, {"name": "b", "cases": 0}]},
        {"topTownships", "topTownships.0.name", "topTownships.1.cases"},
    ),
    ({"ages": {"from0": 10}}, {"ages"}),
    ({"ages": {"from60": -1}}, {"ages.from60"}),
    ({"occupations": [{"occupation": "FARMER", "cases": 2}] * 2}, {"occupations"}),
    ({"occupations": [{"occupation": "FARMER", "cases": 0}]}, {"occupations.0.cases"}),
    ({"grounds": []}, {"grounds"}),
    ({"grounds": ["SINGLE_CASE"]}, {"grounds"}),
    ({"groundsText": None}, {"groundsText"}),
    ({"conclusion": "EXCLUDED"}, {"grounds"}),
    ({"units": []}, {"units"}),
    ({"units": ["HOSPITAL"]}, {"units"}),
    ({"investigatedFrom": "2026-03-04T02:00:00Z"}, {"investigatedTo"}),
    ({"investigatedTo": "2999-03-04T02:00:00Z"}, {"investigatedTo"}),
    ({"firstOnsetOn": None}, {"firstOnsetOn"}),
    ({"firstOnsetOn": "2999-01-01"}, {"firstOnsetOn"}),
]


def test_what_no_form_may_say(duty: Duty) -> None:
    signal = duty.investigated()
    for wrong, paths in _NO_FORM:
        given = form(version=signal["version"]) | wrong
        assert duty.mistakes(FORM, ON_DUTY, signal, **given) == paths, wrong
    assert duty.of(signal)["event"]["forms"] == []


def test_the_end_of_an_investigation_is_told_once(duty: Duty) -> None:
    signal = duty.investigated()
    late = duty.mistakes("endInvestigation", ON_DUTY, signal, endedAt="2999-01-01T00:00:00Z")
    assert late == {"endedAt"}
    early = duty.mistakes("endInvestigation", ON_DUTY, signal, endedAt="2016-03-03T00:00:00Z")
    assert early == {"endedAt"}
    duty.done("endInvestigation", ON_DUTY, signal)
    assert duty.refused("endInvestigation", ON_DUTY, signal) == "RUNNING"
    other = duty.suspected()
    assert duty.refused("endInvestigation", ON_DUTY, other) == "NOT_INVESTIGATED"


def test_leak_29_words_and_names_of_files_are_for_the_unit_that_wrote_them(duty: Duty) -> None:
    signal = duty.done(FORM, ON_DUTY, duty.investigated(), **form())
    for who in (ON_DUTY, SUCCESSOR, OFFICER):
        assert "*" not in orjson.dumps(duty.of(signal, who)).decode()
    for who in (CITY, NATIONAL, HOSPITAL):
        text = orjson.dumps(duty.of(signal, who)).decode()
        assert "Qz7Canary" not in text
        found = duty.of(signal, who)
        (filed,) = found["cards"]
        assert {filed["placeReason"], filed["timeReason"], filed["filledBy"]} == {"*"}
        (made,) = found["event"]["forms"]
        assert {made["firstTownship"], made["groundsText"], made["phone"]} == {"*"}
        assert [one["fileName"] for one in found["event"]["attachments"]] == ["*"]


def test_a_file_that_is_none_is_refused_and_so_are_too_many(
    duty: Duty, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"fileName": "report.png", "content": picture()}
    fresh = duty.raised()
    assert duty.refused("attachToSignal", ON_DUTY, fresh, **given) == "NOT_VIEWED"
    signal = duty.suspected()
    assert duty.mistakes("attachToSignal", ON_DUTY, signal, **given | {"content": "TVqQAA=="}) == {
        "content"
    }
    monkeypatch.setattr("resolvers.alerts.attaching.MOST", 1)
    (attached,) = duty.attach(signal)["event"]["attachments"]
    assert (attached["mediaType"], attached["account"]) == ("image/png", "xuanwu")
    assert duty.refused("attachToSignal", ON_DUTY, signal, **given) == "FILES"


def test_a_picture_is_no_report_unless_it_is_said_to_be(duty: Duty) -> None:
    """E11: the form comes with the report; a scan of it may be a picture."""
    content = base64.b64encode(pdf()).decode()
    for given, taken in (
        ({"report": None}, False),
        ({"report": True}, True),
        ({"report": None, "content": content}, True),
        ({"report": False, "content": content}, False),
    ):
        started = duty.done("startInvestigation", ON_DUTY, duty.suspected())
        found = duty.attach(started, **given)
        assert [one["report"] for one in found["event"]["attachments"]] == [taken]
        if taken:
            duty.done(FORM, ON_DUTY, found, **form())
        else:
            assert duty.refused(FORM, ON_DUTY, found, **form()) == "REPORT"


def test_words_about_one_case_lie_under_the_key_of_its_person(duty: Duty) -> None:
    registered = duty.do("registerCase", DOCTOR, case_input(disease="plague"))["case"]
    number, person = (
        int(one["id"].partition(":")[2]) for one in (registered, registered["person"])
    )
    single = duty.raised(kind="SINGLE_CASE", disease="plague", slot="card-1", case_id=number)
    signal = duty.done(CARD, ON_DUTY, single, **card("singleCase"))
    duty.attach(duty.done("startInvestigation", ON_DUTY, signal))
    duty.done(FORM, ON_DUTY, signal, **form(grounds=["SINGLE_CASE"], groundsText=None))

    def written(connection: Connection) -> list[Any]:
        tables = (signal_cards, investigation_forms, signal_attachments, signal_contents)
        return [connection.execute(table.select()).one() for table in tables]

    for row in duty.within(written):
        assert row.person_id == person
        assert (needs(bytes(row.sealed)) or ())[1:] == (True,)

    def erase(connection: Connection) -> None:
        gone = person_keys.update().where(person_keys.c.person_id == person)
        connection.execute(gone.values(salt=ERASED, erased_at=now()))

    duty.within(erase)
    found = duty.of(signal, ON_DUTY)
    assert found["cards"][0]["singleCaseReason"] is None
    assert found["event"]["forms"][0]["firstTownship"] is None
    assert found["event"]["attachments"][0]["fileName"] is None
    again = duty.done(FORM, ON_DUTY, signal, **form(conclusion="EXCLUDED", grounds=None))
    assert again["event"]["forms"][1]["groundsText"].startswith("Qz7Canary")
