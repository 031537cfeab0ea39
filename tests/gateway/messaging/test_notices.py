"""Supervisors of an emergency access are told by real channels, once, whatever fails (F11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from gateway.messaging.channels import Channel
from gateway.messaging.folder import Folder
from gateway.messaging.mail import Mail
from gateway.messaging.notices import NoticeSender
from gateway.messaging.sms import Sms
from gateway.messaging.webhook import Webhook
from regions.instants import instant, now, seconds_of
from regions.keys import Keys, create_keys, load_keys
from regions.privacy import emergencies, emergency_notices
from regions.users import accounts
from regions.zones import CHINA, zone_of
from tests.gateway.messaging.receivers import HttpReceiver, http_receiver, smtp_receiver
from tests.resolvers.privacy.office import Office, opened

BREAK = """mutation ($input: BreakGlassInput!) { breakGlass(input: $input) {
  ... on Problem { code message }
  ... on BreakGlassPayload { repeated access { id supervisors unreached
    notices { account channel occasion dueAt state outcome } } } } }"""
REVIEW = """mutation ($input: ReviewEmergencyAccessInput!) { reviewEmergencyAccess(input: $input) {
  __typename } }"""
BODY = '{"to":"{mobile}","content":"{text}"}'
NUMBERS = {"bizadmin": "15400000001", "city-admin": "15400000002"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Both supervisors have numbers, one an address; nobody looks anybody up: no regions."""
    create_keys(tmp_path / "keys")
    keys: Keys = load_keys(tmp_path / "keys")
    with opened(tmp_path, (), keys) as made:
        for name, mobile in NUMBERS.items():
            address = {"email": "admin@example.org"} if name == "bizadmin" else {}
            _reached(made, name, mobile=mobile, **address)
        yield made


def _reached(office: Office, name: str, **items: str) -> None:
    (row,) = [one for one in office.rows(accounts) if one.account == name]
    office.set(name, sealed=office.central.sealer.seal("accounts", row.id, items))


def taken(office: Office, *channels: str, key: str = "e") -> Any:
    office.central.channels = frozenset(channels)
    given = {"idempotencyKey": key, "reason": "OUTBREAK", "reasonText": "school of 王小明"}
    place = {"recordTypes": ["CASE"], "code": "320104"}
    found = office.mutate(BREAK, "officer", **given, **place)
    return found["access"]


def sms(receiver: HttpReceiver, *, drops: bool = True) -> Sms:
    return Sms(receiver.url, "json", BODY, (), "", timeout=5.0, drops_repeats=drops)


def look(office: Office, times: int = 1, **channels: Channel) -> None:
    """Looks as a worker does; the last closes the channels."""

    async def run() -> None:
        sender = NoticeSender(office.central, channels, lambda: 0, lease=60.0)
        for _ in range(times):
            sender._quiet = (-1, "")  # as if somebody had written meanwhile
            await sender.look()
        for channel in channels.values():
            await channel.close()

    office.runner.run(run())


def states(office: Office, occasion: str = "TAKEN") -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (one.channel, one.account): (one.state, one.outcome)
        for one in office.rows(emergency_notices)
        if one.occasion == occasion
    }


def due(office: Office, **values: Any) -> None:
    """What time does to notices."""
    office.do(lambda store: store.execute(update(emergency_notices).values(**values)))


def test_both_are_told_at_once_by_every_channel_that_reaches_them(
    office: Office, tmp_path: Path
) -> None:
    access = taken(office, "SMS", "EMAIL", "WEBHOOK", "FILE")
    assert access["supervisors"] == ["bizadmin", "city-admin"]
    assert access["unreached"] == []
    first = [one for one in access["notices"] if one["occasion"] == "TAKEN"]
    assert {(one["channel"], one["account"], one["state"]) for one in first} == {
        ("SMS", "bizadmin", "DUE"),
        ("SMS", "city-admin", "DUE"),
        ("EMAIL", "bizadmin", "DUE"),
        ("WEBHOOK", None, "DUE"),
        ("FILE", None, "DUE"),
    }
    with http_receiver() as short, http_receiver() as hook, smtp_receiver() as mails:
        look(
            office,
            3,
            SMS=sms(short),
            EMAIL=Mail("127.0.0.1", mails.port, "epigate@example.org", security="none"),
            WEBHOOK=Webhook(hook.url, b"s" * 32),
            FILE=Folder(tmp_path / "messages", zone_of(CHINA)),
        )
    assert {state for state, _ in states(office).values()} == {"ACCEPTED"}
    bodies = [json.loads(body) for _, body in short.seen]
    assert {one["to"] for one in bodies} == {*NUMBERS.values()}
    assert len(short.seen) == len({key for key, _ in short.taken}) == 2
    (text,) = {one["content"] for one in bodies}
    number = access["id"].partition(":")[2]
    assert text.startswith(f"紧急访问提示-编号{number}，某疾控中心 某1（officer）于")
    assert "止，请于" in text
    assert "前登录系统复核" in text
    told = orjson.loads(hook.seen[0][1])
    assert (told["type"], told["data"]["text"]) == ("emergency.message", text)
    (line,) = [
        orjson.loads(one)
        for file in (tmp_path / "messages").iterdir()
        for one in file.read_bytes().splitlines()
    ]
    assert line["data"]["text"] == text
    assert [to for to, _ in mails.taken] == [["admin@example.org"]]


def test_leak_30_nothing_of_who_is_looked_at_or_why_in_words_is_told(
    office: Office, tmp_path: Path
) -> None:
    taken(office, "SMS", "FILE")
    with http_receiver() as short:
        look(office, SMS=sms(short), FILE=Folder(tmp_path / "messages", zone_of(CHINA)))
    sent = b"".join(body for _, body in short.seen)
    sent += b"".join(one.read_bytes() for one in (tmp_path / "messages").iterdir())
    for word in ("王小明", "school", "CASE", "OUTBREAK"):
        assert word.encode() not in sent
    for mobile in NUMBERS.values():  # nor in the store, but sealed
        assert mobile.encode() not in office.path.read_bytes()


def test_whom_no_message_reaches_is_said(office: Office) -> None:
    assert taken(office)["unreached"] == ["bizadmin", "city-admin"]  # no channel at all
    assert taken(office, "FILE", key="f")["unreached"] == ["bizadmin", "city-admin"]
    assert taken(office, "EMAIL", key="m")["unreached"] == ["city-admin"]  # no address
    again = taken(office, "EMAIL", key="m")
    assert again["unreached"] == ["city-admin"]
    assert len([one for one in again["notices"] if one["occasion"] == "TAKEN"]) == 1


def test_a_receiver_that_is_away_is_asked_again_and_none_comes_twice(office: Office) -> None:
    taken(office, "SMS")
    with http_receiver(503, 503, "lose", "lose") as short:
        for _ in range(4):
            look(office, SMS=sms(short))
            due(office, look_at="2020-01-01T00:00:00Z")
            due_again(office)
    assert len(short.seen) > 4
    assert len(short.taken) == 2  # one each, by its key
    assert {state for state, _ in states(office).values()} == {"ACCEPTED"}


def due_again(office: Office) -> None:
    """Reminders stay in the future."""
    ahead = instant(seconds_of(now()) + 9_000)
    later = emergency_notices.c.occasion == "REMINDER"
    change = update(emergency_notices).where(later).values(look_at=ahead)
    office.do(lambda store: store.execute(change))


def test_where_a_repeat_would_come_twice_a_lost_answer_is_in_doubt(office: Office) -> None:
    taken(office, "SMS")
    with http_receiver("lose", "lose") as short:
        look(office, 3, SMS=sms(short, drops=False))
    assert len(short.seen) == 2
    assert {state for state, _ in states(office).values()} == {"DOUBTFUL"}


def test_a_worker_that_died_is_followed_and_a_doubt_is_said(office: Office) -> None:
    taken(office, "SMS")
    dead = {"state": "SENDING", "leased_by": "dead", "look_at": "2020-01-01T00:00:00Z"}
    for handing, sent, expected in ((0, 2, "ACCEPTED"), (1, 0, "DOUBTFUL")):
        due(office, **dead, handing=handing)
        due_again(office)
        with http_receiver() as short:
            look(office, SMS=sms(short, drops=False))
        assert len(short.seen) == sent
        assert {state for state, _ in states(office).values()} == {expected}


@pytest.mark.parametrize("reviewed", [False, True])
def test_before_the_account_is_suspended_a_review_is_asked_for(
    office: Office, reviewed: bool
) -> None:
    access = taken(office, "SMS")
    (row,) = office.rows(emergencies)
    for one in access["notices"]:
        if one["occasion"] == "REMINDER":
            left = seconds_of(row.review_due_at) - seconds_of(one["dueAt"])
            assert left == 4 * 3_600
    with http_receiver() as short:
        look(office, 2, SMS=sms(short))
        assert len(short.seen) == 2  # the reminder is not due
    if reviewed:
        given = {"idempotencyKey": "r", "access": access["id"], "finding": "JUSTIFIED"}
        office.mutate(REVIEW, "bizadmin", **given)
    due(office, look_at="2020-01-01T00:00:00Z")
    with http_receiver() as short:
        look(office, 2, SMS=sms(short))
    found = {state for state, _ in states(office, "REMINDER").values()}
    assert found == ({"DROPPED"} if reviewed else {"ACCEPTED"})
    texts = {json.loads(body)["content"] for _, body in short.seen}
    assert all(text.startswith("紧急访问复核提醒-编号") for text in texts)
    assert len(short.seen) == (0 if reviewed else 2)


def test_what_is_too_late_is_given_up(office: Office) -> None:
    taken(office, "SMS")
    late = update(emergencies).values(review_due_at="2020-01-01T00:00:00Z")
    office.do(lambda store: store.execute(late))
    with http_receiver() as short:
        look(office, SMS=sms(short))
    assert short.seen == []
    assert set(states(office).values()) == {("FAILED", "LATE")}


def test_an_idle_store_is_asked_nothing(office: Office) -> None:
    taken(office, "SMS")
    asked = []

    async def run() -> None:
        with http_receiver() as short:
            sender = NoticeSender(office.central, {"SMS": sms(short)}, lambda: 7)
            await sender.look()
            await sender.look()  # it may have written itself: looked at once more
            do = office.central.do

            async def counted(work: Any) -> Any:
                asked.append(work)
                return await do(work)

            office.central.do = counted  # type: ignore[method-assign]  # counts alone
            await sender.look()

    office.runner.run(run())
    assert asked == []
