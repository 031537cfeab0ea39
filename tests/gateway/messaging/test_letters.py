"""Duty persons are told of letters by real channels, once, whatever fails (C, clocks)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from gateway.messaging.channels import Channel
from gateway.messaging.folder import Folder
from gateway.messaging.letters import LetterSender
from gateway.messaging.sms import Sms
from regions.assist_notices import assist_notices
from regions.instants import instant, now, seconds_of
from regions.offices import duty_persons
from regions.settings import RegionSettings
from regions.zones import CHINA, zone_of
from resolvers.assist.clocks import AssistLimits, after_hours
from resolvers.assist.escalating import sweep
from resolvers.assist.notices import notice_text
from tests.gateway.messaging.receivers import HttpReceiver, closed_port, http_receiver
from tests.keys import same_keys
from tests.resolvers.alerts.telling import in_central, put_person
from tests.resolvers.assist.corresponding import (
    ISSUER,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    Correspondence,
)
from tests.resolvers.writing.making import contact_row, contacts_input, sample_input
from tests.stores import Stores, in_store

BODY = '{"to":"{mobile}","content":"{text}"}'
NOTICES = """query ($n: [String!], $s: AssistSide) {
  assistRequests(filter: {number: $n, side: $s}) { edges { node {
    notices { occasion about units channel unitId account state outcome } } } } }"""
UNITS = {1: "cdc-320102", 2: "cdc-320205", 3: "cdc-320200", 4: "cdc-320000"}


@pytest.fixture
def office(stores: Stores, tmp_path: Path) -> Iterator[Correspondence]:
    """The units of a letter, of the city and the province, each with somebody on duty."""
    path = tmp_path / "gateway.db"
    for number, unit in UNITS.items():
        in_central(path, lambda one, n=number, u=unit: put_person(one, same_keys(), n, u))  # type: ignore[misc]  # defaults bind the loop's variables
    regions = tuple(stores.sqlite(code) for code in ("3201", "3202"))
    made = Correspondence(regions, same_keys(), path)
    yield made
    made.close()


def look(office: Correspondence, times: int = 2, **channels: Channel) -> None:
    """Looks as a worker does; the last closes the channels."""

    async def run() -> None:
        sender = LetterSender(office.stores, office.central, channels, lease=60.0)
        for _ in range(times):
            sender._quiet.clear()  # as if somebody had written meanwhile
            await sender.look()
        for channel in channels.values():
            await channel.close()

    office.run(run())


def sms(receiver: HttpReceiver, *, drops: bool = True) -> Sms:
    return Sms(receiver.url, "json", BODY, (), "", timeout=5.0, drops_repeats=drops)


def told(receiver: HttpReceiver) -> list[tuple[str, str]]:
    """Number and text of each short message that was taken."""
    bodies = [json.loads(body) for _, body in receiver.taken]
    return [(one["to"], one["content"]) for one in bodies]


def notices(office: Correspondence, letter: Any, side: str = "RECEIVED") -> list[Any]:
    who = RECEIVER if side == "RECEIVED" else ISSUER
    asked = office.ask(NOTICES, who, {"n": [letter["number"]], "s": side})
    assert asked.errors == []
    (edge,) = asked.data["assistRequests"]["edges"]
    return list(edge["node"]["notices"])


def moved(region: RegionSettings, **values: Any) -> None:
    """What time does to notices."""
    in_store(region, lambda store: store.execute(update(assist_notices).values(**values)))


def test_who_is_on_duty_is_told_that_a_letter_arrived_and_nothing_of_anybody(
    office: Correspondence, tmp_path: Path
) -> None:
    sent = office.sent()
    with http_receiver() as short:
        look(office, 3, SMS=sms(short), FILE=Folder(tmp_path / "told", zone_of(CHINA)))
        ((mobile, text),) = told(short)
    assert mobile == "15400000002"
    until = sent["acknowledgeDue"]
    local = instant(seconds_of(until) + 8 * 3600)[:16].replace("T", " ")
    assert text == f"协查函提示-编号{sent['number']}，锡山区，收到协查函，请于{local}前登录系统签收"
    (line,) = next((tmp_path / "told").iterdir()).read_text("utf-8").splitlines()
    line = json.loads(line)
    assert (line["type"], line["data"]["text"]) == ("assist.message", text)
    assert (line["data"]["number"], line["data"]["disease"]) == (sent["number"], "")
    found = notices(office, sent)
    assert [(one["channel"], one["unitId"], one["state"]) for one in found] == [
        (None, None, "ADDRESSED"),
        ("SMS", "cdc-320205", "ACCEPTED"),
        ("FILE", None, "ACCEPTED"),
    ]


def test_the_city_then_the_province_are_told_while_nobody_acknowledges(
    office: Correspondence,
) -> None:
    sent = office.sent()
    store = office.stores.of_region("320200")
    assert store is not None
    due = sent["acknowledgeDue"]
    with http_receiver() as short:
        look(office, SMS=sms(short))
        for at in (due, after_hours(due, 2), after_hours(due, 3)):

            def escalate(connection: Connection, _: int, at: str = at) -> int:
                return sweep(connection, store, at, AssistLimits())

            office.run(store.write(0, escalate))
            moved(store.settings, due_at=now(), look_at=now())
            look(office, SMS=sms(short))
        texts = told(short)
    assert [mobile for mobile, _ in texts] == ["15400000002", "15400000003", "15400000004"]
    assert all("逾期未签收" in text for _, text in texts[1:])


def test_who_acknowledged_in_time_is_told_no_more(office: Correspondence) -> None:
    sent = office.sent()
    office.done("acknowledgeAssistRequest", RECEIVER, office.received(RECEIVER, sent))
    with http_receiver() as short:
        look(office, SMS=sms(short))
        assert told(short) == []
    assert [one["state"] for one in notices(office, sent)] == ["DROPPED"]


def test_the_issuer_is_told_of_a_refusal_and_of_a_case(office: Correspondence) -> None:
    sent, got = office.taken()
    office.done("refuseAssistRequest", RECEIVER, got, reason="WRONG_REGION")
    again = office.done("submitAssistRequest", ISSUER, sent)
    got = office.received(RECEIVER, again)
    office.done("acknowledgeAssistRequest", RECEIVER, got)
    office.done("assignAssistRequest", RECEIVER, got, officer=RECEIVER.account)
    row = contact_row(code="320205")
    made = office.do("registerContacts", REGISTRAR, contacts_input(row))["rows"][0]["contact"]["id"]
    controlled = {"controlledAt": now(), "mode": "CENTRAL", "place": "某隔离点"}
    report = {"people": [1], "finding": "CONTROLLED", "contact": made, **controlled}
    office.done("reportAssistPerson", OFFICER, got, **report)
    positive = {"takenAt": now(), "result": "POSITIVE", "resultAt": now()}
    office.do("recordSample", REGISTRAR, sample_input(made, **positive))
    office.done("reportAssistPerson", OFFICER, got, people=[1], finding="POSITIVE")
    with http_receiver() as short:
        look(office, 3, SMS=sms(short))
        texts = told(short)
    mine = [text for mobile, text in texts if mobile == "15400000001"]
    assert [text.rpartition("，")[2] for text in sorted(mine)] == [
        "请登录系统处理",
        "请登录系统查看",
    ]
    told_of = {(one["occasion"], one["about"]) for one in notices(office, sent, "SENT")}
    assert told_of == {("REFUSED", 1), ("CASE", 1)}


def test_where_nobody_is_on_duty_the_nearest_above_is_told_and_looked_for_again(
    stores: Stores, tmp_path: Path
) -> None:
    path = tmp_path / "gateway.db"
    in_central(path, lambda one: None)
    regions = tuple(stores.sqlite(code) for code in ("3201", "3202"))
    office = Correspondence(regions, same_keys(), path)
    sent = office.sent()
    with http_receiver() as short:
        look(office, SMS=sms(short))
        assert [one["state"] for one in notices(office, sent)] == ["WAITING"]
        in_central(path, lambda one: put_person(one, same_keys(), 3, "cdc-320200"))
        look(office, SMS=sms(short))  # in a minute
        assert told(short) == []
        moved(regions[1], look_at=now())
        look(office, SMS=sms(short))
        assert [mobile for mobile, _ in told(short)] == ["15400000003"]
        second = office.sent()
        in_central(path, lambda one: one.execute(update(duty_persons).values(until=now())))
        a_day = instant(seconds_of(now()) - 25 * 3600)
        moved(regions[1], due_at=a_day, look_at=a_day)
        look(office, SMS=sms(short))
    assert [one["state"] for one in notices(office, second)] == ["NOBODY"]
    office.close()


@pytest.mark.parametrize("drops", [False, True])
def test_a_lost_answer_is_said_and_not_guessed(office: Correspondence, drops: bool) -> None:
    sent = office.sent()
    look(office, SMS=Sms(f"http://127.0.0.1:{closed_port()}/", "json", BODY, (), ""))
    assert [one["state"] for one in notices(office, sent)][1:] == ["DUE"]
    dead = {"state": "SENDING", "leased_by": "dead", "handing": 1, "look_at": now()}
    region = office.stores.of_region("320200")
    assert region is not None

    def died(connection: Connection) -> None:
        which = update(assist_notices).where(assist_notices.c.channel == "SMS")
        connection.execute(which.values(dead))

    in_store(region.settings, died)
    with http_receiver() as short:
        look(office, SMS=sms(short, drops=drops))
        assert len(told(short)) == (1 if drops else 0)
    state = "ACCEPTED" if drops else "DOUBTFUL"
    assert [one["state"] for one in notices(office, sent)][1:] == [state]


def test_leak_30_a_text_has_a_number_a_county_an_instant_and_fixed_words() -> None:
    letter = {"number": "320102-2026-000017", "to_code": "320205", "acknowledge_due": None}
    for occasion in ("ARRIVED", "CITY", "PROVINCE", "REFUSED", "CASE"):
        text = notice_text(occasion, letter)
        assert text.startswith("协查函提示-编号320102-2026-000017，锡山区，")
