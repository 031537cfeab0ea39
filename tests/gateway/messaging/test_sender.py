"""Messages sent to real receivers, by senders that are killed at every step: none is lost, none
comes twice (issue: signals, requirements E2).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, update

from regions.alerts import signals
from regions.instants import instant
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.signal_messages import signal_deliveries, signal_messages
from resolvers.alerts.messages import put_messages, untold_messages
from resolvers.central import COUNTRY
from resolvers.users.rosters import on_duty, put_duty
from tests.gateway.messaging.dying import (
    MOMENTS,
    Killing,
    Post,
    Way,
    send_all,
    sending,
    started,
)
from tests.gateway.messaging.receivers import (
    closed_port,
    http_receiver,
    smtp_receiver,
)
from tests.keys import same_keys
from tests.resolvers.alerts.telling import (
    COUNTY_UNIT,
    deliveries,
    in_central,
    put_person,
    raise_one,
)
from tests.stores import Stores, in_store

NOW = instant(time.time())
TODAY = NOW[:10]

_SECONDS = 240.0  # a busy machine is no failure


def prepared(region: RegionSettings, folder: Path, *signals: int) -> Path:
    """A signal (or more) that is due, and somebody on duty; the gateway's own store."""
    path = folder / "gateway.db"
    in_central(path, lambda connection: put_person(connection, same_keys(), 1))

    def work(connection: Connection) -> None:
        ids = [raise_one(connection, one, kind="SINGLE_CASE", day=TODAY) for one in signals or (1,)]
        put_messages(connection, region.code, ids, instant(time.time()))

    in_store(region, work)
    return path


def settled(post: Post) -> list[str]:
    """Sends until nothing is open; the state of each delivery. Whoever had a lease is dead by now,
    so that it is ended instead of waited for.
    """

    def look(connection: Connection) -> list[str]:
        return list(deliveries(connection, "state"))

    def end_leases(connection: Connection) -> None:
        of_dead = update(signal_deliveries).where(signal_deliveries.c.state == "SENDING")
        connection.execute(of_dead.values(look_at=instant(time.time())))

    end = time.monotonic() + _SECONDS
    while True:
        in_store(post.region, end_leases)
        asyncio.run(send_all(post))
        found = in_store(post.region, look)
        if found and not {"DUE", "SENDING"} & set(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.3)


@contextmanager
def receiving(kind: str, folder: Path, drops: bool) -> Iterator[tuple[Way, Any]]:
    """A receiver of a kind; the second is what counts how often a message was passed on."""
    if kind == "EMAIL":
        with smtp_receiver() as mails:
            yield Way(kind, str(mails.port), drops), mails
    elif kind == "FILE":
        yield Way(kind, str(folder / "messages")), None
    else:
        with http_receiver(honours=drops) as receiver:
            yield Way(kind, receiver.url, drops), receiver


def passed_on(receiver: Any, folder: Path) -> int:
    if receiver is None:
        return sum(len(one.read_bytes().splitlines()) for one in folder.glob("messages/*"))
    return len(receiver.taken)


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.parametrize("kind", ["SMS", "WEBHOOK", "FILE"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_every_transaction_none_is_lost_and_none_comes_twice(
    stores: Stores, tmp_path: Path, kind: str, moment: str
) -> None:
    """Where the receiver drops repeats."""
    for write in (1, 2, 3):  # address, lease, settle
        folder = tmp_path / str(write)
        folder.mkdir()
        region = stores.sqlite("3201", folder / "320100.db")
        central = prepared(region, folder)
        with receiving(kind, folder, drops=True) as (way, receiver):
            post = Post(region, central, (way,))
            process = started(post, Killing(write, moment))
            process.join(_SECONDS)
            assert process.exitcode == -signal.SIGKILL, (write, moment)
            assert settled(post) == ["ACCEPTED"], (write, moment)
            assert passed_on(receiver, folder) == 1, (write, moment)


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.parametrize("kind", ["SMS", "EMAIL"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_where_a_repeat_would_come_twice_it_does_not_and_says_so(
    stores: Stores, tmp_path: Path, kind: str, moment: str
) -> None:
    """Where the receiver drops nothing: it comes at most once. Before the point of no return it
    comes; behind it, where nobody can know, that is what is said.
    """
    for write in (1, 2, 3, 4):  # address, lease, the point of no return, settle
        folder = tmp_path / str(write)
        folder.mkdir()
        region = stores.sqlite("3201", folder / "320100.db")
        central = prepared(region, folder)
        with receiving(kind, folder, drops=False) as (way, receiver):
            post = Post(region, central, (way,))
            process = started(post, Killing(write, moment))
            process.join(_SECONDS)
            assert process.exitcode == -signal.SIGKILL
            (state,) = settled(post)
            came = passed_on(receiver, folder)
        where = (write, moment)
        unknown = where in ((3, "after"), (4, "before"), (4, "within"))
        assert state == ("DOUBTFUL" if unknown else "ACCEPTED"), where
        assert came == (0 if where == (3, "after") else 1), where


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("taken", [True, False])
def test_killed_while_the_receiver_has_the_request(
    stores: Stores, tmp_path: Path, drops: bool, taken: bool
) -> None:
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    with http_receiver(honours=drops) as receiver:
        post = Post(region, central, (Way("SMS", receiver.url, drops),))
        receiver.answers = ["take and kill" if taken else "kill"]
        process = started(post)
        receiver.victim = lambda: os.kill(process.pid or 0, signal.SIGKILL)
        process.join(_SECONDS)
        assert process.exitcode == -signal.SIGKILL
        assert settled(post) == ["ACCEPTED" if drops else "DOUBTFUL"]
    assert len(receiver.taken) == (1 if drops or taken else 0)


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_many_senders_and_a_receiver_that_misbehaves(
    stores: Stores, tmp_path: Path, dialect: str
) -> None:
    """Three processes over one store, answers that are lost, errors: each message once."""
    region = stores.make(dialect, "3201")
    central = prepared(region, tmp_path, *range(1, 13))
    with http_receiver("lose", 503, "lose", 500, 429) as receiver:
        post = Post(region, central, (Way("SMS", receiver.url),))
        processes = [started(post) for _ in range(3)]
        for one in processes:
            one.join(_SECONDS)
            assert one.exitcode == 0
        assert settled(post) == ["ACCEPTED"] * 12
        assert len(receiver.taken) == 12
        keys = [key for key, _ in receiver.taken]
        assert len(set(keys)) == 12
        # Nobody asked twice but for what had no answer, or a no.
        assert len(receiver.seen) == 12 + 5


def test_a_receiver_that_is_away_is_asked_again(stores: Stores, tmp_path: Path) -> None:
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    nowhere = Post(region, central, (Way("SMS", f"http://127.0.0.1:{closed_port()}/", False),))
    asyncio.run(send_all(nowhere))

    def look(connection: Connection) -> Any:
        return deliveries(connection, "state", "outcome", "attempts")

    assert in_store(region, look) == [("DUE", "UNREACHABLE", 1)]
    with http_receiver() as receiver:
        post = Post(region, central, (Way("SMS", receiver.url, False),))
        assert settled(post) == ["ACCEPTED"]
    ((_, body),) = receiver.seen
    assert json.loads(body)["to"] == "15400000001"


def test_all_channels_and_nothing_private_in_the_region(
    stores: Stores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    with http_receiver() as sms, http_receiver() as hook, smtp_receiver() as mails:
        ways = (
            Way("SMS", sms.url),
            Way("EMAIL", str(mails.port)),
            Way("WEBHOOK", hook.url),
            Way("FILE", str(tmp_path / "messages")),
        )
        assert settled(Post(region, central, ways)) == ["ACCEPTED"] * 4
    text = f"预警系统提示-编号320102{TODAY.replace('-', '')}001,玄武区，请关注麻疹"
    assert json.loads(sms.taken[0][1]) == {"to": "15400000001", "content": text}
    assert json.loads(hook.taken[0][1])["data"]["text"] == text
    ((recipients, _),) = mails.taken
    assert recipients == ["duty-1@example.org"]
    (file,) = (tmp_path / "messages").iterdir()
    # The receivers' own log has what they got.
    said = [one.getMessage() for one in caplog.records if not one.name.startswith("mail")]
    assert any("delivery" in line for line in said)
    written = ["\n".join(said).encode(), file.read_bytes(), hook.taken[0][1]]
    assert region.path is not None
    written += [one.read_bytes() for one in tmp_path.glob("*.db*")]
    for content in written:
        assert b"15400000001" not in content
        assert b"duty-1@" not in content


def test_a_store_that_is_away_holds_up_no_other(stores: Stores, tmp_path: Path) -> None:
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    assert region.path is not None
    hidden = region.path.with_suffix(".away")
    region.path.rename(hidden)
    with http_receiver() as receiver:
        post = Post(region, central, (Way("SMS", receiver.url),))
        asyncio.run(send_all(post))  # nothing is raised
        hidden.rename(region.path)
        assert settled(post) == ["ACCEPTED"]
    assert len(receiver.taken) == 1


def test_nobody_on_duty_and_then_somebody(
    stores: Stores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    region = stores.sqlite("3201")
    path = tmp_path / "gateway.db"
    in_central(path, lambda connection: None)
    in_store(
        region,
        lambda connection: put_messages(
            connection, region.code, [raise_one(connection, day=TODAY)], instant(time.time())
        ),
    )
    with http_receiver() as receiver:
        post = Post(region, path, (Way("SMS", receiver.url),))
        asyncio.run(send_all(post))
        assert receiver.seen == []
        in_central(path, lambda connection: put_person(connection, same_keys(), 1))
        sooner = update(signal_messages).values(look_at=instant(time.time()))
        in_store(region, lambda connection: connection.execute(sooner).close())
        assert settled(post) == ["ACCEPTED"]


def test_a_file_tells_nobody_while_people_can_be_told(
    stores: Stores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    region = stores.sqlite("3201")
    central, signal_id = tmp_path / "gateway.db", 0
    in_central(central, lambda connection: None)

    def raise_it(connection: Connection) -> int:
        signal_id = raise_one(connection, day=TODAY)
        put_messages(connection, region.code, [signal_id], instant(time.time()))
        return signal_id

    def look(connection: Connection) -> tuple[Any, ...]:
        c = signals.c
        state = connection.scalar(select(c.state).where(c.id == signal_id))
        untold = connection.execute(untold_messages(instant(time.time()))).one()[0]
        return state, untold, deliveries(connection, "channel", "state")

    signal_id = in_store(region, raise_it)
    with http_receiver() as receiver:
        ways = (Way("SMS", receiver.url), Way("FILE", str(tmp_path / "messages")))
        post = Post(region, central, ways)
        asyncio.run(send_all(post))
        assert in_store(region, look) == ("DETECTED", 1, [("FILE", "ACCEPTED")])
        assert receiver.seen == []
        in_central(central, lambda connection: put_person(connection, same_keys(), 1))
        sooner = update(signal_messages).values(look_at=instant(time.time()))
        in_store(region, lambda connection: connection.execute(sooner).close())
        assert settled(post) == ["ACCEPTED"] * 2
    assert in_store(region, look) == ("SENT", 0, [("FILE", "ACCEPTED"), ("SMS", "ACCEPTED")])
    assert passed_on(None, tmp_path) == 1
    assert len(receiver.taken) == 1


def test_what_is_tried_again_goes_to_the_number_of_then(stores: Stores, tmp_path: Path) -> None:
    """The roster's number changes between two attempts."""
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    keys = same_keys()

    def renumber(connection: Connection) -> None:
        who, at = {"account": "duty-1", "code": "320102"}, instant(time.time())
        sealer, items = Sealer(keys.sealing, COUNTRY), {"mobile": "15400000099"}
        put_duty(connection, sealer, COUNTY_UNIT, who, items, "admin", at)

    def look(connection: Connection) -> Any:
        return deliveries(connection, "key", "record")

    with http_receiver(503) as receiver:
        post = Post(region, central, (Way("SMS", receiver.url),))
        asyncio.run(send_all(post))
        ((key, _),) = in_store(region, look)
        in_central(central, renumber)
        assert settled(post) == ["ACCEPTED"]
    (first, before), (second, after) = receiver.seen
    assert [json.loads(one)["to"] for one in (before, after)] == ["15400000001", "15400000099"]
    # To a receiver that knows repeats by their key it is none: it has another content.
    assert first["idempotency-key"] == key != second["idempotency-key"]
    record = in_central(central, lambda connection: on_duty(connection, COUNTY_UNIT, NOW))[0].record
    assert in_store(region, look) == [(second["idempotency-key"], record)]


@pytest.mark.parametrize(("dialect", "most"), [("sqlite", 0), ("postgresql", 1)])
def test_nothing_is_read_where_nothing_can_be_due(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: str, most: int
) -> None:
    """A look each second must cost nothing to speak of; what is written meanwhile is found."""
    monkeypatch.setattr("gateway.messaging.sender._OVERDUE_SECONDS", 1e6)
    region = stores.make(dialect, "3201")
    central = prepared(region, tmp_path)
    said: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "signal_" in statement:
            said.append(statement)

    def further(connection: Connection) -> None:
        new = raise_one(connection, 2, day=TODAY)
        put_messages(connection, region.code, [new], instant(time.time() - 1))

    async def run(post: Post) -> None:
        async with sending(post) as sender:
            await sender.look()
            await sender.drained()
            await sender.look()  # of what it has written itself
            for _ in range(3):
                said.clear()
                await sender.look()
                assert len(said) <= most, said
            await asyncio.to_thread(in_store, region, further)
            await sender.look()
            await sender.drained()

    with http_receiver() as receiver:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            asyncio.run(run(Post(region, central, (Way("SMS", receiver.url),))))
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        assert len(receiver.taken) == 2


def test_what_becomes_due_is_found_though_nobody_writes(stores: Stores, tmp_path: Path) -> None:
    region = stores.sqlite("3201")
    path = tmp_path / "gateway.db"
    in_central(path, lambda connection: put_person(connection, same_keys(), 1))
    due = time.time() + 2

    def work(connection: Connection) -> None:
        new = raise_one(connection, day=TODAY)
        put_messages(connection, region.code, [new], instant(due))

    in_store(region, work)

    async def run(post: Post) -> None:
        async with sending(post) as sender:
            while not receiver.taken:
                await sender.look()
                await sender.drained()
                await asyncio.sleep(0.1)

    with http_receiver() as receiver:
        asyncio.run(
            asyncio.wait_for(run(Post(region, path, (Way("SMS", receiver.url),))), _SECONDS)
        )
    assert time.time() >= int(due)


def test_without_a_channel_messages_are_left_to_others(stores: Stores, tmp_path: Path) -> None:
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)
    asyncio.run(send_all(Post(region, central, ()), times=2))

    def look(connection: Connection) -> tuple[Any, ...]:
        c = signal_messages.c
        return tuple(connection.execute(select(c.state, c.look_at == c.due_at)).one())

    assert in_store(region, look) == ("WAITING", True)
    with http_receiver() as receiver:
        assert settled(Post(region, central, (Way("SMS", receiver.url),))) == ["ACCEPTED"]
    assert len(receiver.taken) == 1


def test_a_signal_without_a_text_holds_up_no_other(
    stores: Stores, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    region = stores.sqlite("3201")
    central = prepared(region, tmp_path)

    def work(connection: Connection) -> None:
        ids = [raise_one(connection, 2, day=TODAY, number="7"), raise_one(connection, 3, day=TODAY)]
        put_messages(connection, region.code, ids, instant(time.time()))

    in_store(region, work)
    with http_receiver() as receiver:
        assert settled(Post(region, central, (Way("SMS", receiver.url),))) == ["ACCEPTED"] * 2
    assert len(receiver.taken) == 2
    assert "there is no text of it" in caplog.text
