"""The post of a gateway that serves: delivered, told of in the access log, listed, sent again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Connection, insert, select, update

from gateway.access_log import read_entries
from gateway.config import Config
from regions.alarms import alarms
from regions.engines import sqlite_engine
from regions.instants import instant
from regions.keys import load_keys
from regions.post import post_outbox
from regions.transfers import transfer_people, transfers
from resolvers.access_log import Commitments
from resolvers.access_log.sides import regions_of
from resolvers.post.messages import put
from resolvers.writing.stores import Store
from tests.gateway.test_writing import DOCTOR, serving
from tests.resolvers.post.ledger import Ledger, effects, waiting
from tests.stores import in_store

HERE, THERE = "320100", "320200"
_LIST = """{ transfersInFlight(olderThanMinutes: 0) { more transfers {
  transferId side state toRegion reason topic attempts error actions since } } }"""
_RESEND = """mutation ($i: ResendTransferInput!) { resendTransfer(input: $i) { __typename
  ... on ResendTransferPayload { transferId delivered repeated } ... on Problem { code } } }"""
_AGO = instant(time.time() - 3 * 3_600)
_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The handler of the gateway's messages."""
    made = Ledger()
    monkeypatch.setattr("gateway.post.HANDLERS", [made])
    return made


def _put(config: Config, subject: str, person: int = 7) -> None:
    settings = config.regions[0]
    assert settings.code == HERE
    store = Store(settings, load_keys(config.keys))

    def work(connection: Connection) -> None:
        put(
            connection,
            store,
            topic="test.entry",
            subject=subject,
            to_region=THERE,
            body={"person": person},
            trace=_TRACE,
            at=_AGO,
        )

    in_store(settings, work)


def _transfer(config: Config, name: str, outcome: str) -> None:
    def work(connection: Connection) -> None:
        connection.execute(
            insert(transfers).values(
                id=name,
                side="SENT",
                from_region=HERE,
                to_region=THERE,
                from_unit=DOCTOR.unit_id,
                to_unit="cdc-320200",
                reason="OTHER",
                state="OFFERED",
                offer_hash="0",
                created_at=_AGO,
                updated_at=_AGO,
                reporter=DOCTOR.account,
                reporter_unit=DOCTOR.unit_id,
                code="320102",
            )
        )
        connection.execute(
            insert(transfer_people).values(
                id=len(name),
                transfer_id=name,
                side="SENT",
                person_id=7,
                epoch=1,
                outcome=outcome,
            )
        )

    in_store(config.regions[0], work)


async def _until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110  # no event says what a store holds
            await asyncio.sleep(0.05)


async def _ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    body = orjson.dumps({"query": query, "variables": variables})
    answer = orjson.loads((await client.post("/graphql", content=body)).content)
    assert "errors" not in answer, answer
    return answer["data"]


def test_a_delivery_is_in_the_log_of_both_regions(ready_config: Config, ledger: Ledger) -> None:
    _put(ready_config, "t1")

    async def run() -> None:
        async with serving(ready_config):
            await _until(lambda: not in_store(ready_config.regions[0], waiting))

    asyncio.run(run())
    told = [one for one in read_entries(ready_config.log_store) if one["module"] == "post"]
    assert [one["operation"] for one in told] == ["post test.entry"]
    (entry,) = told
    assert entry["trace"] == _TRACE
    assert entry["what"]["regions"] == {HERE: "ANSWERED", THERE: "ANSWERED"}
    assert regions_of(orjson.dumps(entry)) == {HERE, THERE}
    commitments = Commitments(load_keys(ready_config.keys).log)
    assert entry["what"]["wrote"] == {"person": commitments.one("person", 7)}
    (message,) = entry["what"]["messages"]
    assert (message["topic"], message["trace"]) == ("test.entry", _TRACE)
    assert "t1" not in message["message"]
    assert in_store(ready_config.regions[1], effects) == ["got test.entry:t1"]


def test_what_waits_is_listed_with_its_reason_and_sent_again(
    ready_config: Config, ledger: Ledger
) -> None:
    ledger.poison = {"t1"}
    _transfer(ready_config, "t1", "OFFERED")
    _transfer(ready_config, "t22", "OFFERED")
    _transfer(ready_config, "t333", "ACCEPTED")
    _transfer(ready_config, "t4444", "HANDED")
    _put(ready_config, "t1")

    async def run() -> None:
        async with serving(ready_config) as client:
            await _until(lambda: in_store(ready_config.regions[0], waiting)[0][1])
            found = (await _ask(client, _LIST))["transfersInFlight"]["transfers"]
            by_id = {one["transferId"]: one for one in found}
            assert set(by_id) == {"t1", "t22", "t333"}  # that of t4444 is done
            failed = by_id["t1"]
            assert failed["reason"] == "MESSAGE_FAILED"
            assert (failed["topic"], failed["error"]) == ("test.entry", "KeyError")
            assert failed["attempts"] >= 1
            assert failed["actions"] == ["WAIT", "RESEND", "CANCEL"]
            assert by_id["t22"]["reason"] == "UNDECIDED"
            assert by_id["t22"]["actions"] == ["WAIT", "CANCEL"]
            assert by_id["t333"]["reason"] == "PEER_SILENT"
            assert by_id["t333"]["actions"] == ["WAIT"]

            async def resend(transfer: str, key: str) -> Any:
                given = {"idempotencyKey": key, "transferId": transfer}
                return (await _ask(client, _RESEND, i=given))["resendTransfer"]

            assert (await resend("t1", "k1"))["delivered"] is False
            ledger.poison = set()
            again = await resend("t1", "k1")
            assert (again["delivered"], again["repeated"]) == (True, True)
            assert (await resend("t22", "k1"))["code"] == "IDEMPOTENCY_CONFLICT"
            assert (await resend("t0", "k2"))["code"] == "NOT_FOUND"
            found = (await _ask(client, _LIST))["transfersInFlight"]["transfers"]
            assert {one["transferId"]: one["reason"] for one in found}["t1"] == "UNDECIDED"
            late = await _ask(client, "{ transfersInFlight { transfers { transferId } } }")
            assert len(late["transfersInFlight"]["transfers"]) == 3  # of some hours ago

    asyncio.run(run())


def test_a_conflict_is_an_alarm(ready_config: Config, ledger: Ledger) -> None:
    _put(ready_config, "t1")

    def reopen(connection: Connection) -> None:
        connection.execute(
            update(post_outbox).values(answered_at=None, reply=None, body='{"person":8}')
        )

    async def run() -> None:
        async with serving(ready_config):
            await _until(lambda: not in_store(ready_config.regions[0], waiting))
            await asyncio.to_thread(in_store, ready_config.regions[0], reopen)
            await _until(lambda: in_store(ready_config.regions[0], waiting)[0][1])

    asyncio.run(run())
    assert in_store(ready_config.regions[0], waiting) == [("test.entry:t1", 1, "POST_CONFLICT")]

    async def raised() -> list[Any]:
        engine = sqlite_engine(str(ready_config.central_store))
        try:
            async with engine.begin() as connection:
                return list(await connection.execute(select(alarms)))
        finally:
            await engine.dispose()

    (alarm,) = asyncio.run(raised())
    assert (alarm.rule, alarm.subject) == ("POST_CONFLICT", f"region:{THERE}")
    assert alarm.window == f"{HERE} test.entry:t1"
