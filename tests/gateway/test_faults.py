"""What breaks under a running gateway: its access log, its own store, a region's file."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.served import BROAD, Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # thousands of requests through the lines of other tests

ASKED = "{ contacts(first: 3) { edges { node { id } } } }"
REGION = "320100"


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json().get("errors", ())]


def until(condition: Callable[[], bool], seconds: float = 60.0) -> float:
    """Waits for something; how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


# The access log ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server whose log is taken away and given back."""
    with serving(demo.copied(tmp_path_factory.mktemp("faults"))) as found:
        yield found


@contextmanager
def a_folder_in_its_place(log: Path, gateway: Gateway) -> Iterator[None]:
    aside = log.with_name("aside")
    log.rename(aside)
    log.mkdir()
    yield
    log.rmdir()
    aside.rename(log)


@contextmanager
def moved_away(log: Path, gateway: Gateway) -> Iterator[None]:
    aside = log.with_name("aside")
    log.rename(aside)
    yield
    assert not log.exists()  # an empty log in its place would hide the loss
    aside.rename(log)


@contextmanager
def another_file_in_its_place(log: Path, gateway: Gateway) -> Iterator[None]:
    aside = log.with_name("aside")
    log.rename(aside)
    log.write_bytes(b"nonsense" * 1_000)
    yield
    aside.replace(log)


@contextmanager
def a_full_disk(log: Path, gateway: Gateway) -> Iterator[None]:
    pid = gateway.process.pid
    size = log.with_name(f"{log.name}-wal").stat().st_size
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(size, 4_096), before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def held_by_another(log: Path, gateway: Gateway) -> Iterator[None]:
    with closing(sqlite3.connect(log, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


FAULTS = [
    a_folder_in_its_place,
    moved_away,
    another_file_in_its_place,
    a_full_disk,
    held_by_another,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_without_its_log_the_gateway_answers_nothing(gateway: Gateway, fault: Any) -> None:
    before = gateway.ask(ASKED)
    assert before.status_code == 200
    log = gateway.demo.config.log_store
    county = gateway.demo.account_of("county")
    writing = """mutation { registerContacts(input: { idempotencyKey: "f-1",
      rows: [{ level: CLOSE, code: "320102", person: { name: "某人" } }] }) { __typename } }"""
    with fault(log, gateway):
        questions: list[tuple[str, str | None]] = [(ASKED, BROAD)]
        if fault is not held_by_another:  # each waits for its turn
            questions += [("{me{code}}", BROAD), (ASKED, "auditor"), (ASKED, None)]
            questions += [(ASKED, "nonsense"), (writing, county), ("{diseases{id}}", BROAD)]
        for question, who in questions:
            response = gateway.ask(question, who=who)
            assert (response.status_code, codes(response)) == (503, ["ACCESS_LOG_FAILED"])
            assert "data" not in response.json()
            assert "contact:" not in response.text
            assert log.name not in response.text
        assert gateway.ask("{__typename}", who=None).status_code == 200
        assert gateway.client.get("/health").status_code == 200
        if fault is not held_by_another:
            account = gateway.demo.accounts["auditor"]
            body = {"account": "auditor", "password": account["password"]}
            response = gateway.client.post("/sign-in", json=body)
            assert response.status_code == 503
            assert "token" not in response.text
            assert log.name not in response.text
    until(lambda: gateway.ask(ASKED).status_code == 200)
    response = gateway.ask(ASKED)
    assert response.content == before.content  # nothing was written either
    assert gateway.entry(response)["result"] == "OK"


def test_the_operator_is_told_once(gateway: Gateway) -> None:
    until(lambda: len([line for line in gateway.said if "is written again" in line]) >= 5)
    told = [line for line in gateway.said if "cannot be written" in line]
    assert 5 <= len(told) < 12  # not once for each of the questions above
    assert not [line for line in gateway.said if "Traceback" in line]


# The gateway's own store ---------------------------------------------------------------------


def test_without_its_own_store_nobody_is_let_in(gateway: Gateway) -> None:
    store = gateway.demo.config.central_store
    kept = store.read_bytes()
    aside = store.with_name("aside.db")
    store.rename(aside)
    store.write_bytes(b"nonsense" * 1_000)
    new = "nonsense"
    until(lambda: gateway.ask(ASKED, who=new).status_code == 503)
    response = gateway.ask(ASKED)
    assert (response.status_code, codes(response)) == (503, ["STORE_FAILED"])
    assert gateway.ask("{__typename}", who=None).status_code == 200
    body = {"account": "auditor", "password": "x"}
    assert gateway.client.post("/sign-in", json=body).status_code == 503
    other = store.with_name("again.db")
    other.write_bytes(kept)
    other.replace(store)
    until(lambda: gateway.ask(ASKED).status_code == 200)
    assert gateway.ask(ASKED, who=new).status_code == 401


# A region's file -----------------------------------------------------------------------------

LIST = """query($n: Int) { contacts(first: $n) { totalCount regions { code state records }
  edges { node { id code sourceCase { id } } } } }"""


class Load:
    """Clients that ask without pause; what they were told of one region."""

    def __init__(self, gateway: Gateway, clients: int = 3) -> None:
        self.states: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0
        self._gateway, self._stop = gateway, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self.wrong, self.wrong[:3]

    def sees(self, *states: str) -> None:
        """Waits until the region is told to be so, and only so for some answers in a row."""
        self.states.clear()
        until(lambda: any(self.states[state] >= 5 for state in states))

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._gateway.url, timeout=60) as client:
            while not self._stop.is_set():
                number += 1
                response = client.post(
                    "/graphql",
                    json={"query": LIST, "variables": {"n": number % 50 + 1}},
                    headers=self._gateway.headers(),
                )
                self.slowest = max(self.slowest, response.elapsed.total_seconds())
                problem = self._problem(response.status_code, response.json())
                if problem:
                    self.wrong.append(f"{problem}: {response.text[:500]}")
                    return

    def _problem(self, status: int, answer: dict[str, Any]) -> str:
        if status != 200:
            return "status"
        page = answer["data"]["contacts"]
        states = {one["code"]: one["state"] for one in page["regions"]}
        self.states[states[REGION]] += 1
        if any(state != "ANSWERED" for code, state in states.items() if code != REGION):
            return "another region failed"
        named = [error["extensions"].get("region") for error in answer.get("errors", ())]
        if states[REGION] == "ANSWERED":
            # What hangs on the region's cases may have been lost between two statements.
            return "" if set(named) <= {REGION} else "an error of another region"
        if REGION not in named:
            return "a region that failed without an error"
        if [one["records"] for one in page["regions"] if one["code"] == REGION] != [None]:
            return ""  # it failed after its own rows were read whole
        return (
            "" if all(e["node"]["code"][:4] != "3201" for e in page["edges"]) else "half a region"
        )


@pytest.fixture(scope="module")
def loaded(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Load]]:
    """A gateway under load; the region it loses is left alone for a second at a time."""
    own = demo.copied(
        tmp_path_factory.mktemp("regions"), breaker_seconds=1, deadline_ms=3_000, remember_mb=0
    )
    with serving(own) as found, Load(found) as load:
        load.sees("ANSWERED")
        yield found, load


def test_a_region_whose_file_is_moved_away(loaded: tuple[Gateway, Load]) -> None:
    gateway, load = loaded
    file = gateway.demo.region(REGION)
    aside = file.with_name("aside.db")
    file.rename(aside)
    load.sees("UNREACHABLE", "REFUSED")
    (found,) = [r for r in gateway.data("{regions{code state}}")["regions"] if r["code"] == REGION]
    assert found["state"] in ("UNREACHABLE", "REFUSED")
    aside.rename(file)
    load.sees("ANSWERED")


def _backed_up(file: Path) -> Path:
    good = file.with_name("good.db")
    with closing(sqlite3.connect(file)) as store, closing(sqlite3.connect(good)) as copy:
        store.backup(copy)
    return good


def _restore(good: Path, file: Path) -> None:
    """Puts a copy in the place of a store, as the manual says."""
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    good.replace(file)


def test_a_region_whose_file_is_broken_and_restored(loaded: tuple[Gateway, Load]) -> None:
    gateway, load = loaded
    file = gateway.demo.region(REGION)
    good = _backed_up(file)
    bad = file.with_name("bad.db")
    bad.write_bytes(b"nonsense" * 10_000)
    bad.replace(file)
    load.sees("UNREACHABLE", "REFUSED")
    _restore(good, file)
    load.sees("ANSWERED")


def test_a_region_whose_file_is_cut_off_in_place(loaded: tuple[Gateway, Load]) -> None:
    gateway, load = loaded
    file = gateway.demo.region(REGION)
    good = _backed_up(file)
    os.truncate(file, 0)  # as `cp` onto it does
    load.sees("UNREACHABLE", "REFUSED")
    _restore(good, file)
    load.sees("ANSWERED")
    assert gateway.process.poll() is None


def test_a_region_that_is_locked_answers_in_time_or_is_named(loaded: tuple[Gateway, Load]) -> None:
    gateway, load = loaded
    file = gateway.demo.region(REGION)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # writers wait, readers do not
        load.sees("ANSWERED")
        county = gateway.demo.account_of("county")
        writing = """mutation { registerContacts(input: { idempotencyKey: "f-2",
          rows: [{ level: CLOSE, code: "320102", person: { name: "某人" } }] }) {
          ... on RegisterContactsPayload { registered rows { problem { code } } }
          ... on Problem { code } } }"""
        found = gateway.data(writing, who=county)["registerContacts"]
        assert found["rows"][0]["problem"] == {"code": "REGION_UNAVAILABLE"}
        assert found["registered"] == 0
        other.execute("ROLLBACK")
    assert gateway.data(writing, who=county)["registerContacts"]["registered"] == 1
    load.sees("ANSWERED")


def test_nobody_waited_longer_than_the_deadline(loaded: tuple[Gateway, Load]) -> None:
    assert loaded[1].slowest < 2 * 3  # a deadline of 3 s, and as much for a machine that is busy


def test_a_gateway_starts_without_a_region(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path)
    own.region(REGION).write_bytes(b"nonsense" * 1_000)
    with serving(own) as gateway:
        page = gateway.ask(LIST).json()["data"]["contacts"]
        states = {one["code"]: one["state"] for one in page["regions"]}
        assert states.pop(REGION) == "UNREACHABLE"
        assert set(states.values()) == {"ANSWERED"}
    assert any(REGION in line for line in gateway.said)
