"""Subscriptions at the edge: the protocol, rights at every event, the entry before the event."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from regions.keys import load_keys
from resolvers.pathway.lapses import record_lapses
from resolvers.writing.stores import Stores
from tests.served import BROAD, Demo, Gateway, serving

_ALARMS = "subscription ($c: [RegionCode!]) { alarmRaised(codes: $c) { id rule account code } }"
_REFUSED = "{ cases { edges { node { id } } } }"


@contextmanager
def _gateway(demo: Demo, folder: Path, **settings: int) -> Iterator[Gateway]:
    own = demo.copied(folder, refusals=1, **settings)
    auditor = own.account_of("auditor")
    own.add_account("auditor-nanjing", auditor, code="320100", unit_id="cdc-320100")
    own.add_account("auditor-wuxi", auditor, code="320200", unit_id="cdc-320200")
    names = ("auditor-nanjing", "auditor-wuxi")
    own.tokens.update(zip(names, own.open_sessions(*names), strict=True))
    with serving(own, workers=2, counted=True) as gateway:
        yield gateway


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    with _gateway(demo, tmp_path) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def shared(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with _gateway(demo, tmp_path_factory.mktemp("shared"), each=2) as gateway:
        yield gateway


class Wire:
    """A connection, and the messages that came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, kind: str, **more: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **more}))

    def hear(self, seconds: float = 15) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.socket.recv(timeout=seconds))
        return found

    def begin(self, token: str) -> None:
        self.say("connection_init", payload={"authorization": f"Bearer {token}"})
        assert self.hear() == {"type": "connection_ack"}

    def subscribe(self, name: str, query: str = _ALARMS, **variables: Any) -> None:
        self.say("subscribe", id=name, payload={"query": query, "variables": variables})

    def closed(self) -> tuple[int, str]:
        """Code and reason, whatever came before."""
        end = time.monotonic() + 60
        received = None
        while received is None:
            try:
                self.socket.recv(timeout=max(0.0, end - time.monotonic()))
            except ConnectionClosed as error:
                received = error.rcvd
        return received.code, received.reason


@contextmanager
def wire(
    gateway: Gateway, *, protocol: str = "graphql-transport-ws", path: str = "/graphql"
) -> Iterator[Wire]:
    url = gateway.url.replace("http", "ws") + path
    offered = [Subprotocol(protocol)]
    with connect(url, subprotocols=offered, compression=None, proxy=None) as socket:
        yield Wire(socket)


def token(gateway: Gateway, name: str) -> str:
    return gateway.demo.tokens[name]


def await_entries(gateway: Gateway, count: int, **wanted: str) -> list[dict[str, Any]]:
    end = time.monotonic() + 60
    while len(found := gateway.demo.entries(**wanted)) < count and time.monotonic() < end:
        time.sleep(0.1)
    assert len(found) == count
    return found


@pytest.mark.leak(26)
def test_an_alarm_arrives_with_its_entry_at_whoever_may_see_it(gateway: Gateway) -> None:
    auditor = gateway.demo.account_of("auditor")
    with wire(gateway) as all_of, wire(gateway) as nanjing, wire(gateway) as narrow:
        all_of.begin(token(gateway, auditor))
        all_of.subscribe("1")
        nanjing.begin(token(gateway, "auditor-nanjing"))
        nanjing.subscribe("n")
        narrow.begin(token(gateway, auditor))
        narrow.subscribe("w", c=["320200"])
        title = "subscription alarmRaised"
        await_entries(gateway, 3, operation=title)
        time.sleep(0.5)
        gateway.ask(_REFUSED, who="auditor-nanjing")
        first = all_of.hear()
        assert (first["id"], first["type"]) == ("1", "next")
        told = first["payload"]["data"]["alarmRaised"]
        assert (told["rule"], told["account"]) == ("MANY_REFUSALS", "auditor-nanjing")
        # Durable before it was sent: the entry that names the event is there by now.
        (entry,) = gateway.demo.entries(request=first["payload"]["extensions"]["request"])
        assert (entry["account"], entry["operation"]) == (auditor, title)
        assert nanjing.hear()["payload"]["data"]["alarmRaised"]["id"] == told["id"]
        gateway.ask(_REFUSED, who="auditor-wuxi")
        second = all_of.hear()["payload"]["data"]["alarmRaised"]
        assert second["account"] == "auditor-wuxi"
        # The first was neither Wuxi's nor the second Nanjing's.
        assert narrow.hear()["payload"]["data"]["alarmRaised"]["id"] == second["id"]
        with pytest.raises(TimeoutError):
            nanjing.hear(1.5)
        all_of.say("complete", id="1")
        gateway.ask(_REFUSED, who="auditor-wuxi")
        with pytest.raises(TimeoutError):
            all_of.hear(1.5)
    sent = [e for e in gateway.demo.entries(operation=title) if e["what"]]
    assert len(sent) == 4


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.leak(26)
@pytest.mark.parametrize("way", ["revoked", "signed out", "disabled", "expired"])
@pytest.mark.leak(26)
def test_the_connection_is_closed_when_its_session_ends(gateway: Gateway, way: str) -> None:
    (fresh,) = gateway.demo.open_sessions("auditor-wuxi")
    with wire(gateway) as one:
        one.begin(fresh)
        one.subscribe("1")
        await_entries(gateway, 1, operation="subscription alarmRaised")
        if way == "revoked":
            gateway.demo.end_session(fresh, revoked_at="2026-11-22T00:00:00Z")
        elif way == "expired":
            gateway.demo.end_session(fresh, expires_at="2026-11-22T00:00:00Z")
        elif way == "disabled":
            gateway.demo.disable("auditor-wuxi")
        else:
            answer = gateway.client.post("/sign-out", headers={"authorization": f"Bearer {fresh}"})
            assert answer.status_code < 300
        assert one.closed() == (4403, "the session has ended")


@pytest.mark.leak(26)
@pytest.mark.leak(26)
def test_a_right_that_ended_ends_the_subscription(gateway: Gateway) -> None:
    with wire(gateway) as one:
        one.begin(token(gateway, "auditor-wuxi"))
        one.subscribe("1")
        await_entries(gateway, 1, operation="subscription alarmRaised")
        time.sleep(0.5)
        gateway.demo.central(
            lambda connection, _: connection.exec_driver_sql(
                "UPDATE accounts SET role = 'UNIT_USER' WHERE account = 'auditor-wuxi'"
            )
        )
        gateway.ask("{ alarms { totalCount } }", who="auditor-wuxi")  # refused: raises an alarm
        message = one.hear()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.leak(26)
def test_who_may_not_and_what_is_none(shared: Gateway) -> None:
    with wire(shared) as one:
        one.begin(token(shared, "national"))
        one.subscribe("1")
        message = one.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == (
            "error",
            "FORBIDDEN",
        )
        (entry,) = shared.demo.entries(operation="subscription alarmRaised")
        assert (entry["result"], entry["account"]) == ("FORBIDDEN", "national")
        for query in ("{ me { account } }", "subscription { nothing }", "subscription {"):
            one.subscribe("2", query)
            message = one.hear()
            assert (message["type"], message["id"]) == ("error", "2")
        one.say("ping")
        assert one.hear() == {"type": "pong"}
    answer = shared.ask("subscription { alarmRaised { id } }")
    assert answer.status_code == 400
    assert "WebSocket" in answer.json()["errors"][0]["message"]


def _subscribe(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": name, "payload": {"query": _ALARMS, **more}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([_subscribe("1")], 4401),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer nobody"}}], 4403),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Basic x"}}], 4403),
        (["begin", {"type": "connection_init"}], 4429),
        (["begin", {"type": "subscribe", "payload": {"query": _ALARMS}}], 4400),
        (["begin", _subscribe("")], 4400),
        (["begin", {"type": "subscribe", "id": "1", "payload": {}}], 4400),
        (["begin", _subscribe("1", variables=1)], 4400),
        (["begin", {"type": "start"}], 4400),
        (["begin", []], 4400),
        (["begin", _subscribe("1"), _subscribe("1")], 4409),
        (["begin", _subscribe("1"), _subscribe("2"), _subscribe("3")], 4429),
    ],
)
def test_whoever_breaks_the_protocol_is_told_so(
    shared: Gateway, messages: list[Any], code: int
) -> None:
    with wire(shared) as one:
        for message in messages:
            if message == "begin":
                one.begin(token(shared, "auditor-wuxi"))
            else:
                one.socket.send(json.dumps(message))
        assert one.closed()[0] == code


def test_text_that_is_no_message(shared: Gateway) -> None:
    for text in ("{", b"\x00\x01", '"x"'):
        with wire(shared) as one:
            one.socket.send(text)
            assert one.closed()[0] == 4400
    with wire(shared) as one:
        one.socket.send(json.dumps({"type": "ping", "payload": {"x": "y" * 300_000}}))
        assert one.closed()[0] == 1009


def test_other_protocols_and_places(shared: Gateway) -> None:
    with wire(shared, protocol="graphql-transport-ws") as one:
        assert one.socket.subprotocol == "graphql-transport-ws"
    with pytest.raises(InvalidStatus), wire(shared, path="/elsewhere"):
        pass
    url = shared.url.replace("http", "ws") + "/graphql"
    with connect(url, compression=None, proxy=None) as socket:
        assert Wire(socket).closed()[0] == 4406


def test_an_account_has_so_many_connections(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path, sockets=2)
    auditor = own.account_of("auditor")
    with serving(own) as gateway:
        with wire(gateway) as one, wire(gateway) as two, wire(gateway) as three:
            one.begin(token(gateway, auditor))
            two.begin(token(gateway, auditor))
            three.say(
                "connection_init", payload={"authorization": f"Bearer {token(gateway, auditor)}"}
            )
            assert three.closed()[0] == 4429
        end = time.monotonic() + 60
        while True:  # the places of those who left are free
            with wire(gateway) as again:
                try:
                    again.begin(token(gateway, auditor))
                    break
                except ConnectionClosed:
                    assert time.monotonic() < end
                    time.sleep(0.1)


def test_so_many_connections_may_wait_for_their_session(demo: Demo, tmp_path: Path) -> None:
    """Of one address; whoever has said whose the connection is has left its place."""
    own = demo.copied(tmp_path, waiting=2)
    auditor = own.account_of("auditor")
    with serving(own) as gateway, wire(gateway) as one, wire(gateway) as two:
        with wire(gateway) as three:
            code, reason = three.closed()
        assert code == 4429
        assert "connection_init" in reason
        one.begin(token(gateway, auditor))
        with wire(gateway) as three, wire(gateway) as four:
            assert four.closed()[0] == 4429
            three.begin(token(gateway, auditor))
        two.say("ping")
        assert two.hear() == {"type": "pong"}
        assert two.closed()[0] == 4408  # a ping buys no time
        one.say("ping")
        assert one.hear() == {"type": "pong"}


def test_no_event_is_sent_that_cannot_be_logged(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path, refusals=1)
    auditor = own.account_of("auditor")
    with serving(own) as gateway, wire(gateway) as one:
        one.begin(token(gateway, auditor))
        one.subscribe("1")
        await_entries(gateway, 1, operation="subscription alarmRaised")
        time.sleep(0.5)
        log = own.config.log_store
        log.rename(tmp_path / "taken-away.db")
        own.central(
            lambda connection, _: connection.exec_driver_sql(
                "INSERT INTO alarms (rule, subject, window, raised_at, first_entry, last_entry,"
                " found, threshold) VALUES ('MANY_REFUSALS', 'address:x', 'w',"
                " '2026-11-22T00:00:00Z', 1, 1, 1, 1)"
            )
        )
        assert one.closed() == (1011, "the access log cannot be written")


def test_the_gateway_ends_with_connections_open(gateway: Gateway) -> None:
    with wire(gateway) as one:
        one.begin(token(gateway, gateway.demo.account_of("auditor")))
        one.subscribe("1")
        gateway.process.send_signal(signal.SIGTERM)
        assert one.closed()[0] == 1012
        gateway.process.wait(60)


def test_http_goes_on_beside_it(shared: Gateway) -> None:
    with wire(shared) as one:
        one.begin(token(shared, shared.demo.account_of("auditor")))
        for _ in range(20):
            assert shared.ask("{ me { account } }").status_code == 200
        other = httpx.get(f"{shared.url}/health", headers={"upgrade": "h2c"})
        assert other.status_code == 200


_OVERDUE = """subscription ($c: [RegionCode!]) {
  becameOverdue(codes: $c) { id record kind unitId code dueAt missedAt } }"""


def _runs_out(demo: Demo, region: str) -> tuple[str, str]:
    """A clock of a region that ran out long ago and that nobody has noted; its id and county."""
    with closing(sqlite3.connect(demo.region(region))) as store:
        asked = "SELECT id, person_id, code FROM cases ORDER BY id DESC"
        number, person, code = store.execute(asked).fetchone()
        store.execute(
            "INSERT OR IGNORE INTO pathways (id, record, person_id, code, unit_id, level, "
            "started_as, started_at, pack, state, entered_at, revisits, reporter_unit, updated_at) "
            "VALUES (?, 'case', ?, ?, 'x', 'CASE', 'CASE', '2020-01-01T00:00:00Z', 'N113', "
            "'CONFIRMED_CASE', '2020-01-01T00:00:00Z', 0, 'x', '2020-01-01T00:00:00Z')",
            (number, person, code),
        )
        store.execute(
            "INSERT INTO pathway_clocks (pathway_id, kind, number, place, code, unit_id, "
            "reporter_unit, opened_at, due_at) VALUES (?, 'CARD_CORRECTION', 77, 77, ?, ?, 'x', "
            "'2020-01-01T00:00:00Z', '2020-01-01T02:00:00Z')",
            (number, code, f"cdc-{code}"),
        )
        store.commit()
    return f"clock:{number}:CARD_CORRECTION:77", code


@pytest.mark.leak(26)
def test_what_became_overdue_is_told_where_it_may_be_seen(gateway: Gateway) -> None:
    demo = gateway.demo
    stores = Stores(demo.config.regions, load_keys(demo.config.keys))

    async def note() -> None:
        await record_lapses(stores)
        await stores.close()

    demo.add_account("duty-wuxi", BROAD, code="320200", unit_id="cdc-320200")
    demo.tokens.update(zip(["duty-wuxi"], demo.open_sessions("duty-wuxi"), strict=True))
    asyncio.run(note())  # whatever has run out since the demo was made
    with wire(gateway) as all_of, wire(gateway) as wuxi, wire(gateway) as auditor:
        all_of.begin(token(gateway, BROAD))
        all_of.subscribe("1", _OVERDUE)
        wuxi.begin(token(gateway, "duty-wuxi"))
        wuxi.subscribe("w", _OVERDUE)
        auditor.begin(token(gateway, "auditor-nanjing"))
        auditor.subscribe("a", _OVERDUE)
        assert auditor.hear()["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await_entries(gateway, 3, operation="subscription becameOverdue")
        time.sleep(0.5)
        first, code = _runs_out(demo, "320100")
        second, _ = _runs_out(demo, "320200")
        asyncio.run(note())
        heard: dict[str, Any] = {}
        while len(heard) < 2:
            message = all_of.hear()
            found = message["payload"]["data"]["becameOverdue"]
            if found["kind"] == "CARD_CORRECTION":
                heard[found["id"]] = (found, message["payload"]["extensions"]["request"])
        assert set(heard) == {first, second}
        told, request = heard[first]
        assert (told["code"], told["unitId"]) == (code, f"cdc-{code}")
        assert told["missedAt"] == told["dueAt"] == "2020-01-01T02:00:00Z"
        (entry,) = demo.entries(request=request)
        assert entry["operation"] == "subscription becameOverdue"
        mine = wuxi.hear()["payload"]["data"]["becameOverdue"]
        assert (mine["id"], mine["code"][:4]) == (second, "3202")
