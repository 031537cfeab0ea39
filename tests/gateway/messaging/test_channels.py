"""What each channel makes of what a receiver does, against real servers."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from gateway.messaging.channels import Channel, Outcome, Parcel, Verdict, word
from gateway.messaging.folder import Folder
from gateway.messaging.mail import SUBJECT, Mail
from gateway.messaging.sms import Sms
from gateway.messaging.webhook import Webhook
from regions.zones import CHINA, zone_of
from tests.gateway.messaging.receivers import closed_port, http_receiver, smtp_receiver

TEXT = "预警系统提示-编号34182120261128001,郎溪县，请关注麻疹"
JSON = '{"to":"{mobile}","content":"{text}"}'
PARCEL = Parcel(
    key="0b9d4c6e",
    text=TEXT,
    occasion="FIRST",
    number="34182120261128001",
    code="341821",
    disease="measles",
    due_at="2026-11-28T23:30:00Z",
    unit_id="cdc-341821",
    mobile="15400000001",
    email="duty@example.org",
)


class Taken(Exception):
    """Somebody else has the message by now."""


def send(
    channel: Channel,
    times: int = 1,
    before: Callable[[], None] = lambda: None,
    parcel: Parcel = PARCEL,
) -> list[Outcome]:
    async def handing() -> None:
        before()

    async def run() -> list[Outcome]:
        try:
            return [await channel.send(parcel, handing) for _ in range(times)]
        finally:
            await channel.close()

    return asyncio.run(run())


def sms(url: str, format: str = "json", body: str = JSON, **more: object) -> Sms:
    headers = ("Authorization: Bearer {token}", "X-Key: {key}")
    return Sms(url, format, body, headers, "sesame", timeout=5.0, **more)  # type: ignore[arg-type]  # keywords of any kind


def test_a_short_message_by_the_template() -> None:
    with http_receiver() as receiver:
        (outcome,) = send(sms(receiver.url))
    assert outcome == Outcome(Verdict.ACCEPTED, "HTTP_200")
    ((headers, body),) = receiver.seen
    assert json.loads(body) == {"to": "15400000001", "content": TEXT}
    assert headers["idempotency-key"] == headers["x-key"] == PARCEL.key
    assert headers["authorization"] == "Bearer sesame"
    assert headers["content-type"] == "application/json"
    with http_receiver() as receiver:
        send(sms(receiver.url, "form", "mobile={mobile}&content={text}&secret={token}"))
    ((_, body),) = receiver.seen
    assert dict(parse_qsl(body.decode())) == {
        "mobile": "15400000001",
        "content": TEXT,
        "secret": "sesame",
    }


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (202, Verdict.ACCEPTED, "HTTP_202"),
        (302, Verdict.NOT_NOW, "HTTP_302"),
        (400, Verdict.REFUSED, "HTTP_400"),
        (401, Verdict.NOT_NOW, "HTTP_401"),
        (409, Verdict.NOT_NOW, "HTTP_409"),
        (422, Verdict.REFUSED, "HTTP_422"),
        (429, Verdict.NOT_NOW, "HTTP_429"),
        (500, Verdict.DOUBT, "HTTP_500"),
        (502, Verdict.DOUBT, "HTTP_502"),
        (503, Verdict.NOT_NOW, "HTTP_503"),
        ("lose", Verdict.DOUBT, "ANSWER_LOST"),
    ],
)
def test_what_an_answer_means(answer: int | str, verdict: Verdict, said: str) -> None:
    with http_receiver(answer) as receiver:
        (outcome,) = send(sms(receiver.url))
    assert (outcome.verdict, outcome.word) == (verdict, said)
    assert len(receiver.seen) == 1  # an attempt is one request, whatever came of it


def test_a_receiver_that_says_no_within_its_answer() -> None:
    with http_receiver() as receiver:
        receiver.body = b'{"code":17,"mobile":"15400000001"}'
        (outcome,) = send(sms(receiver.url, accepted='"code":0'))
        assert outcome == Outcome(Verdict.NOT_NOW, "NOT_ACCEPTED")
        receiver.body = b'{"code":0}'
        receiver.headers = {"x-message-id": "m-77", "retry-after": "30"}
        (outcome,) = send(sms(receiver.url, accepted='"code":0'))
        assert outcome == Outcome(Verdict.ACCEPTED, "HTTP_200", "m-77")
        receiver.answers = [503]
        (outcome,) = send(sms(receiver.url))
        assert outcome.wait == 30


def test_nobody_there_is_no_doubt() -> None:
    port, reached = closed_port(), []
    http = f"http://127.0.0.1:{port}/"
    for channel in (
        sms(http),
        Webhook(http, b"x" * 32, timeout=5),
        Mail("127.0.0.1", port, "epigate@example.org", security="none", timeout=5),
    ):
        (outcome,) = send(channel, before=lambda: reached.append(1))
        assert outcome == Outcome(Verdict.NOT_NOW, "UNREACHABLE"), channel
    assert reached == []  # the point of no return was not


def test_whoever_lost_the_message_hands_nothing_over(tmp_path: Path) -> None:
    def lost() -> None:
        raise Taken

    with http_receiver() as receiver, smtp_receiver() as mails:
        for channel in (
            sms(receiver.url),
            Webhook(receiver.url, b"x" * 32),
            Mail("127.0.0.1", mails.port, "epigate@example.org", security="none"),
            Folder(tmp_path, zone_of(CHINA)),
        ):
            with pytest.raises(Taken):
                send(channel, before=lost)
    assert [*receiver.seen, *mails.taken, *tmp_path.iterdir()] == []


def test_a_webhook_is_signed_and_its_repeats_are_known() -> None:
    secret, clock = b"k" * 32, iter([1_795_000_000.4, 1_795_000_060.0])
    with http_receiver("lose") as receiver:
        channel = Webhook(receiver.url, secret, clock=lambda: next(clock))
        verdicts = [one.verdict for one in send(channel, times=2)]
    assert verdicts == [Verdict.DOUBT, Verdict.ACCEPTED]
    assert len(receiver.taken) == 1
    (first, body), (second, again) = receiver.seen
    assert body == again
    assert first["webhook-id"] == second["webhook-id"] == PARCEL.key
    assert [one["webhook-timestamp"] for one in (first, second)] == ["1795000000", "1795000060"]
    for headers in (first, second):
        signed = f"{PARCEL.key}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["data"]["text"] == TEXT
    assert b"154" not in body
    assert b"duty@" not in body


def mail(port: int, **more: object) -> Mail:
    return Mail("127.0.0.1", port, "epigate@example.org", security="none", **more)  # type: ignore[arg-type]  # keywords of any kind


def test_a_mail() -> None:
    with smtp_receiver() as receiver:
        outcomes = send(mail(receiver.port), times=2)
    assert outcomes == [Outcome(Verdict.ACCEPTED, "SMTP_250", "queued-7")] * 2
    (recipients, content), (_, again) = receiver.taken
    assert content == again  # to the byte, the date and the boundary too
    assert recipients == ["duty@example.org"]
    told = email.message_from_bytes(content, policy=email.policy.default)
    assert told["Message-ID"] == f"<{PARCEL.key}@example.org>"
    assert (told["Subject"], told["To"]) == (SUBJECT, "duty@example.org")
    assert told.get_content().strip() == TEXT


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        ("451 try later", Verdict.NOT_NOW, "SMTP_451"),
        ("554 no", Verdict.REFUSED, "SMTP_554"),
        ("lose", Verdict.DOUBT, "ANSWER_LOST"),
    ],
)
def test_what_a_mail_server_says(answer: str, verdict: Verdict, said: str) -> None:
    handed: list[int] = []
    with smtp_receiver(answer) as receiver:
        (outcome,) = send(mail(receiver.port), before=lambda: handed.append(1))
    assert (outcome.verdict, outcome.word) == (verdict, said)
    assert handed == [1]


def test_an_address_nobody_has() -> None:
    with smtp_receiver() as receiver:
        receiver.recipients = {"duty@example.org": "550 no such user"}
        handed: list[int] = []
        (outcome,) = send(mail(receiver.port), before=lambda: handed.append(1))
        assert outcome == Outcome(Verdict.REFUSED, "SMTP_550")
        receiver.recipients = {"duty@example.org": "450 later"}
        assert send(mail(receiver.port))[0] == Outcome(Verdict.NOT_NOW, "SMTP_450")
        assert send(mail(receiver.port, user="u", password="p"))[0].verdict is Verdict.NOT_NOW
    assert handed == []
    assert receiver.taken == []


def test_an_address_of_other_letters() -> None:
    """RFC 6531: said to a server that knows them; a domain of them in ASCII to every server."""
    handed: list[int] = []
    named = replace(PARCEL, email="张三@example.org")
    with smtp_receiver(letters=False) as receiver:
        (outcome,) = send(mail(receiver.port), before=lambda: handed.append(1), parcel=named)
        assert outcome == Outcome(Verdict.REFUSED, "NEEDS_SMTPUTF8")
        assert (handed, receiver.taken) == ([], [])
        (outcome,) = send(mail(receiver.port), parcel=replace(PARCEL, email="duty@例子.cn"))
        assert outcome.verdict is Verdict.ACCEPTED
    ((recipients, content),) = receiver.taken
    assert recipients == ["duty@xn--fsqu00a.cn"]
    with smtp_receiver() as receiver:
        outcomes = send(mail(receiver.port), times=2, parcel=named)
        assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED] * 2
    (recipients, content), (_, again) = receiver.taken
    assert recipients == ["张三@example.org"]
    assert content == again
    told = email.message_from_bytes(content, policy=email.policy.default)
    assert (told["Subject"], told["To"]) == (SUBJECT, "张三@example.org")
    assert told.get_content().strip() == TEXT


def test_a_sender_of_other_letters() -> None:
    with smtp_receiver(letters=False) as receiver:
        sender = Mail("127.0.0.1", receiver.port, "预警 <epigate@例子.cn>", security="none")
        assert send(sender)[0].verdict is Verdict.ACCEPTED
    ((_, content),) = receiver.taken
    told = email.message_from_bytes(content, policy=email.policy.default)
    assert told["From"] == "预警 <epigate@xn--fsqu00a.cn>"
    assert told["Message-ID"] == f"<{PARCEL.key}@xn--fsqu00a.cn>"


@pytest.mark.parametrize("address", ["a@" + "例" * 70 + ".cn", "a\nb@example.org"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with smtp_receiver() as receiver:
        (outcome,) = send(mail(receiver.port), parcel=replace(PARCEL, email=address))
        assert outcome == Outcome(Verdict.REFUSED, "BAD_ADDRESS")
    assert receiver.taken == []


@pytest.mark.parametrize("password", ["sesame", "密码"])
def test_who_cannot_sign_in_tries_again(password: str) -> None:
    """A password of other letters than ASCII, too, which cannot be said."""
    with smtp_receiver() as receiver:
        (outcome,) = send(mail(receiver.port, user="u", password=password))
    assert outcome == Outcome(Verdict.NOT_NOW, "SIGN_IN_FAILED")
    assert receiver.taken == []


def test_a_line_of_a_file_stands_there_once(tmp_path: Path) -> None:
    (path,) = (tmp_path / "signals-2026-11-29.jsonl",)
    folder = Folder(tmp_path, zone_of(CHINA))
    assert send(folder, times=3) == [Outcome(Verdict.ACCEPTED, "WRITTEN")] * 3
    whole = path.read_bytes()
    (line,) = whole.splitlines()
    assert json.loads(line)["data"]["text"] == TEXT
    for length in range(len(line)):  # a writer died in the middle of it
        path.write_bytes(b'{"id":"another"}\n' + line[:length])
        send(folder)
        assert path.read_bytes() == b'{"id":"another"}\n' + whole
    (tmp_path / "file").write_text("")
    nowhere = Folder(tmp_path / "file", zone_of(CHINA))
    assert send(nowhere)[0] == Outcome(Verdict.NOT_NOW, "NOT_WRITTEN")


def _write(folder: Path, times: int) -> None:
    send(Folder(folder, zone_of(CHINA)), times=times)


def test_many_writers_of_a_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, 20)) for _ in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
        assert one.exitcode == 0
    (path,) = tmp_path.iterdir()
    assert len(path.read_bytes().splitlines()) == 1


def test_nothing_but_a_word_is_kept_of_what_a_receiver_calls_it() -> None:
    assert word("<a.b-1@c>", PARCEL) == "<a.b-1@c>"
    assert word(17, PARCEL) == "17"
    for unlike in ("to 1", "", None, "x" * 101, "王", "m-15400000001", "<duty@example.org>"):
        assert word(unlike, PARCEL) is None
    assert "154" not in repr(PARCEL)
