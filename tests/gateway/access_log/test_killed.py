"""The log and processes that are killed: an entry without a response is allowed, a response
without an entry never, a write without an entry never.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.access_log.tree import StoredTree, checkpoint_in
from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments
from resolvers.access_log.notes import open_checkpoint
from tests import warm
from tests.resolvers.access_log.trees import tree_hash
from tests.served import BROAD, Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # thousands of requests through the lines of other tests

ASKED = "{ contacts(first: 3) { edges { node { id } } } }"
WRITING = """mutation($k: String!) { registerContacts(input: { idempotencyKey: $k,
  rows: [{ level: CLOSE, code: "320102", person: { name: "某人" } }] }) {
  ... on RegisterContactsPayload { rows { contact { id } } } } }"""


@pytest.fixture
def mine(demo: Demo, tmp_path: Path) -> Demo:
    """A demo of the test's own."""
    return demo.copied(tmp_path / "demo")


def checked(demo: Demo) -> list[dict[str, Any]]:
    """The log's entries, once size, root and signature were found to be theirs."""
    config = demo.config
    with closing(sqlite3.connect(config.log_store)) as connection:
        rows = connection.execute("SELECT number, entry FROM entries ORDER BY number").fetchall()
        found = checkpoint_in(connection)
        assert found is not None
        tree = StoredTree(connection, found.size)
        edge = tree.edge()
    entries = [entry.encode() for _, entry in rows]
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    signed = open_checkpoint(found.note, [config.log_vkey.read_text()]).checkpoint
    assert (signed.size, signed.root) == (len(entries), edge.root())
    assert tree_hash(entries) == signed.root
    return [orjson.loads(entry) for entry in entries]


def starts(demo: Demo) -> subprocess.CompletedProcess[str]:
    """A start of which a refusal is expected."""
    config = str(demo.folder / "config.toml")
    return warm.run("serve", "--port", "0", "--workers", "1", "--config", config)


def test_start_heartbeat_and_stop_are_in_the_log(demo: Demo, tmp_path: Path) -> None:
    mine = demo.copied(tmp_path / "demo", heartbeat_seconds=1, sides_seconds=1)
    began = time.monotonic()
    with serving(mine, workers=2) as gateway:
        deadline = time.monotonic() + 60
        while len(mine.entries(operation="heartbeat")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        response = gateway.ask(ASKED)
        while not sides(mine, response.headers["x-request-id"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert gateway.stop() == 0
    lasted = time.monotonic() - began
    entries = checked(mine)
    of_gateway = [one["operation"] for one in entries if one["module"] == "gateway"]
    assert of_gateway[:2] == ["command demo", "start"]
    assert entries[-1]["operation"] == "stop"
    beats = len(mine.entries(operation="heartbeat"))
    assert beats <= lasted + 1  # one a second, by one of the workers only


def sides(demo: Demo, request: str) -> bool:
    """Whether every region has its side of a request."""
    for region in demo.config.regions:
        with closing(sqlite3.connect(str(region.path))) as store:
            found = store.execute(
                "SELECT count(*) FROM log_sides WHERE instr(entries, CAST(? AS BLOB)) > 0",
                (request,),
            ).fetchone()
        if not found[0]:
            return False
    return True


DIE = """
import os
from gateway.endpoint import GraphQLEndpoint
enter = GraphQLEndpoint._enter
async def die(self, scope, viewer, answer, *rest):
    if answer.operation.startswith("mutation"):
        os.kill(os.getpid(), 9)
    await enter(self, scope, viewer, answer, *rest)
GraphQLEndpoint._enter = die
"""


def test_a_write_whose_entry_a_kill_prevented_is_told_at_the_next_start(mine: Demo) -> None:
    county = mine.account_of("county")
    before = mine.count("contacts")
    with serving(mine, before=DIE) as gateway, pytest.raises(httpx.HTTPError):
        gateway.ask(WRITING, {"k": "killed-1"}, who=county)
    assert mine.count("contacts") == before + 1
    assert not mine.entries(operation="mutation registerContacts")
    with serving(mine) as gateway:
        (entry,) = mine.entries(operation="mutation registerContacts")
        again = gateway.ask(WRITING, {"k": "killed-1"}, who=county).json()
    (row,) = again["data"]["registerContacts"]["rows"]
    number = int(row["contact"]["id"].partition(":")[2])
    one = Commitments(load_keys(mine.config.keys).log).one("contact", number)
    assert entry["what"]["wrote"]["contact"] == one
    assert (entry["account"], entry["what"]["regions"]) == (county, {"320100": "ANSWERED"})
    assert entry["recovered"] <= entry["at"]
    assert mine.count("log_outbox") == 0
    checked(mine)


def test_the_outbox_is_emptied_of_what_the_log_tells(mine: Demo) -> None:
    county = mine.account_of("county")
    with serving(mine) as gateway:
        response = gateway.ask(WRITING, {"k": "told-1"}, who=county)
        assert mine.count("log_outbox") == 1
        entry = gateway.entry(response)
        with closing(sqlite3.connect(mine.region("320100"))) as store:
            (row,) = store.execute("SELECT request, trace, wrote FROM log_outbox").fetchall()
    assert row[:2] == (entry["request"], entry["trace"])
    assert orjson.loads(row[2]) == entry["what"]["wrote"]
    with serving(mine):
        assert mine.count("log_outbox") == 0
    assert len(mine.entries(operation="mutation registerContacts")) == 1


DISABLING = """mutation($k: String!, $a: String!) { disableUser(input: { idempotencyKey: $k,
  account: $a, reason: "left" }) { __typename ... on UserPayload { user { standing } } } }"""


def test_so_it_is_with_what_is_written_in_the_gateways_own_store(mine: Demo) -> None:
    """Its entry names what was written, whoever makes it."""
    one = Commitments(load_keys(mine.config.keys).log).one("account", "duty-320102")
    given = {"k": "killed-2", "a": "duty-320102"}
    with serving(mine, before=DIE) as gateway, pytest.raises(httpx.HTTPError):
        gateway.ask(DISABLING, given, who="secadmin")
    with closing(sqlite3.connect(mine.config.central_store)) as store:
        (row,) = store.execute("SELECT wrote FROM log_outbox").fetchall()
    assert orjson.loads(row[0]) == {"account": one}
    with serving(mine):
        (entry,) = mine.entries(operation="mutation disableUser")
    assert (entry["what"]["wrote"], entry["account"]) == ({"account": one}, "secadmin")
    assert entry["recovered"] <= entry["at"]


class Client(threading.Thread):
    """Asks and writes without pause; remembers every response it got."""

    def __init__(self, gateway: Gateway, number: int, who: str) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.written: list[str] = []
        self._url, self._number, self._who = gateway.url, number, who
        self._headers = gateway.headers(who)
        self.stopping = False

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            for turn in range(100_000):
                if self.stopping:
                    return
                body: dict[str, Any] = {"query": ASKED}
                if turn % 4 == 0:
                    key = f"kill-{self._number}-{turn}-{time.time_ns()}"
                    body = {"query": WRITING, "variables": {"k": key}}
                try:
                    response = client.post(
                        "/graphql", content=orjson.dumps(body), headers=self._headers
                    )
                except httpx.HTTPError:
                    time.sleep(0.05)
                    continue
                if response.status_code != 200:
                    continue
                self.requests.append(response.headers["x-request-id"])
                if turn % 4 == 0:
                    rows = response.json()["data"]["registerContacts"]["rows"]
                    self.written += [row["contact"]["id"] for row in rows]


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    found: list[Client] = []
    yield found
    for client in found:
        client.stopping = True
    for client in found:
        client.join()


def test_kills_at_random_lose_no_entry_of_a_response(mine: Demo, clients: list[Client]) -> None:
    chance = random.Random(20261127)
    county = mine.account_of("county")
    before = mine.count("contacts")
    for _ in range(2):  # the whole gateway, too
        with serving(mine, workers=2) as gateway:
            mine_clients = [Client(gateway, n, who) for n, who in enumerate([BROAD, county] * 2)]
            for client in mine_clients:
                client.start()
            clients += mine_clients
            for _ in range(4):
                time.sleep(chance.uniform(0.2, 0.8))
                pid = gateway.process.pid
                workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                if workers:
                    os.kill(int(chance.choice(workers)), signal.SIGKILL)
            time.sleep(0.5)
            gateway.stop(signal.SIGKILL)
            for client in mine_clients:
                client.stopping = True
                client.join()
    with serving(mine):
        pass
    entries = checked(mine)
    told = {entry.get("request") for entry in entries}
    responses = [request for client in clients for request in client.requests]
    assert len(responses) > 20  # a busy machine is no failure
    assert set(responses) <= told
    made = mine.count("contacts") - before
    commit = Commitments(load_keys(mine.config.keys).log)
    wrote = "".join(
        (entry["what"] or {}).get("wrote", {}).get("contact", "")
        for entry in entries
        if entry["operation"].startswith("mutation")
    )
    assert len(wrote) // 32 >= made > 0
    with closing(sqlite3.connect(mine.region("320100"))) as store:
        ids = [number for (number,) in store.execute("SELECT id FROM contacts ORDER BY id")][-made:]
    for number in ids:
        assert commit.one("contact", number) in wrote
    assert mine.count("log_outbox") == 0


def forget_the_last(file: sqlite3.Connection) -> None:
    (last,) = file.execute("SELECT max(number) FROM entries").fetchone()
    file.execute("DROP TRIGGER entries_kept")
    file.execute("DELETE FROM entries WHERE number = ?", (last,))


def change_one(file: sqlite3.Connection) -> None:
    file.execute("DROP TRIGGER entries_unchanged")
    (last,) = file.execute("SELECT max(number) FROM entries").fetchone()
    file.execute("UPDATE entries SET entry = '{}' WHERE number = ?", (last,))


def forget_all(file: sqlite3.Connection) -> None:
    file.execute("DROP TRIGGER entries_kept")
    for table in ("entries", "tiles", "checkpoints", "facts"):
        file.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("tamper", [forget_the_last, change_one, forget_all])
def test_a_log_that_was_changed_is_not_served(mine: Demo, tamper: Any) -> None:
    with serving(mine) as gateway:
        gateway.ask(ASKED)
    with closing(sqlite3.connect(mine.config.log_store)) as file:
        tamper(file)
        file.commit()
    for _ in range(2):
        refused = starts(mine)
        assert refused.returncode == 1
        assert "ACCESS_LOG_TAMPERED" in refused.stderr
        assert "When the log does not verify" in refused.stderr


def test_a_log_that_is_gone_or_older_than_the_regions_know_is_not_served(
    demo: Demo, tmp_path: Path
) -> None:
    mine = demo.copied(tmp_path / "demo", sides_seconds=1)
    log = mine.config.log_store
    older = tmp_path / "older.db"
    with serving(mine) as gateway:
        with closing(sqlite3.connect(log)) as one, closing(sqlite3.connect(older)) as two:
            one.backup(two)
        request = gateway.ask(ASKED).headers["x-request-id"]
        deadline = time.monotonic() + 60
        while not sides(mine, request):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    log.unlink()
    refused = starts(mine)
    assert "ACCESS_LOG_TAMPERED" in refused.stderr
    assert "is gone" in refused.stderr
    older.rename(log)
    refused = starts(mine)
    assert "ACCESS_LOG_CONTRADICTED" in refused.stderr
    assert "has seen" in refused.stderr
    for file in (log, mine.config.log_vkey):
        file.unlink()
    with serving(mine) as gateway:  # a new log, on purpose
        assert gateway.ask(ASKED).status_code == 200
