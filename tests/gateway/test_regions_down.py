"""A region on PostgreSQL that is killed, held and started again while questions are asked."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, delete, insert, select

from gateway.config import load_config
from regions.engines import make_engine
from regions.ids import region_of
from regions.migrating import migrate
from regions.settings import RegionSettings
from regions.tables import regional
from tests.postgres import Postgres
from tests.served import BROAD, Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests

REGION = "500100"
DEADLINE = 2.0  # seconds; other regions answer within it on a busy machine, too
LIST = """query($n: Int, $f: ContactFilter) { contacts(first: $n, filter: $f) {
  totalCount regions { code state records }
  edges { node { id code level name person { id code } sourceCase { id disease { id } } } } } }"""


@dataclass
class World:
    """A gateway with one region on PostgreSQL, seven on files."""

    gateway: Gateway
    postgres: Postgres
    store: RegionSettings  # the region's

    def run(self, *statements: str) -> None:
        """Runs statements in the region's database."""

        async def run() -> None:
            engine = make_engine(self.store)
            async with engine.begin() as connection:
                for statement in statements:
                    await connection.exec_driver_sql(statement)
            await engine.dispose()

        asyncio.run(run())

    def states(self) -> dict[str, str]:
        """The regions' states in the answer to a list."""
        answer = self.gateway.ask(LIST, {"n": 5}).json()
        return {one["code"]: one["state"] for one in answer["data"]["contacts"]["regions"]}

    def wait_for(self, *states: str) -> None:
        """Until the region is in one of the states."""
        deadline = time.monotonic() + 60
        while self.states()[REGION] not in states:
            assert time.monotonic() < deadline, self.states()
            time.sleep(0.05)


def copy_rows(source: RegionSettings, target: RegionSettings) -> None:
    """Everything of one store into another, migrated one."""
    file = create_engine(f"sqlite:///{source.path}")
    with file.connect() as connection:
        rows = {
            table: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in regional.sorted_tables
        }
    file.dispose()

    async def write() -> None:
        engine = make_engine(target)
        async with engine.begin() as connection:
            for table in reversed(regional.sorted_tables):
                await connection.execute(delete(table))
            for table in regional.sorted_tables:
                if rows[table]:
                    await connection.execute(insert(table), rows[table])
        await engine.dispose()

    asyncio.run(write())


@pytest.fixture(scope="module")
def world(
    demo: Demo, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    own = demo.copied(
        tmp_path_factory.mktemp("down"), deadline_ms=int(DEADLINE * 1000), breaker_seconds=1
    )
    database = postgres.create()
    # What was written must outlive a kill; the tests' server does not care otherwise.
    postgres.run(f"ALTER DATABASE {database} SET synchronous_commit = on")
    url = postgres.url(database)
    file = next(region for region in own.config.regions if region.code == REGION)
    config = own.folder / "config.toml"
    text = config.read_text("utf-8")
    before, code, after = text.partition('code = "5001"\n')
    config.write_text(f'{before}{code}url = "{url}"\n{after}', "utf-8")
    store = next(region for region in load_config(config).regions if region.code == REGION)
    asyncio.run(migrate(store))
    copy_rows(file, store)
    postgres.run("CHECKPOINT")  # and so must the databases of other tests
    with serving(own) as gateway:
        yield World(gateway, postgres, store)
    postgres.drop(database)


@pytest.fixture(autouse=True)
def well(world: World) -> Iterator[None]:
    """Each test begins and ends with all regions well."""
    world.wait_for("ANSWERED")
    yield
    world.wait_for("ANSWERED")
    assert not [line for line in world.gateway.said if "Traceback" in line], world.gateway.said


def comparable(answer: Any) -> Any:
    page = answer["data"]["contacts"]
    return page["totalCount"], page["regions"], page["edges"], answer.get("errors")


def test_both_kinds_of_store_give_the_same_answer(world: World, edge: Gateway) -> None:
    asked: list[tuple[int, Any]] = [(200, None), (7, {"code": ["500000"]}), (3, {"not": {}})]
    for first, wanted in asked:
        variables = {"n": first, "f": wanted}
        one, other = (gateway.ask(LIST, variables).json() for gateway in (world.gateway, edge))
        assert comparable(one) == comparable(other)


HOSTILE = [
    {"rulePack": ["\0", "a\0b", "\x1e", "\x1f", "'", '"', "\\", "%", "$1", "{}", "NULL"]},
    {"rulePack": ["\0"] + [str(number) for number in range(100)]},
    {"rulePack": ["a\0", *"abcdefghijklmnopqrstuvwxyz"]},
    {"sourceCase": [f"case:{2**63 - 1}", f"case:{2**63}", "case:0"]},
    {"sourceCase": [f"case:{2**63 - number}" for number in range(200)]},
    {"code": [str(number) for number in range(500000, 500900)]},
    {"not": {"or": [{"rulePack": ["\udbff\udfff"]}, {"and": []}]}},
    {"createdAt": {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}},
    {"lastContactOn": {"from": "0001-01-01", "to": "9999-12-31"}},
]


@pytest.mark.parametrize("wanted", HOSTILE)
def test_no_value_a_client_sends_looks_like_a_failure_of_the_store(
    world: World, edge: Gateway, wanted: dict[str, Any]
) -> None:
    one, other = (g.ask(LIST, {"n": 9, "f": wanted}).json() for g in (world.gateway, edge))
    assert comparable(one) == comparable(other)
    assert "errors" not in one


@pytest.mark.parametrize(
    "question",
    [
        "query($t:ID!){node(id:$t){id}}",
        "query($t:ID!){nodes(ids:[$t]){id}}",
        "query($t:ID!){units(filter:{ids:[$t]}){totalCount}}",
        "query($t:String!){checkDuplicate(candidate:{phone:$t}){exists complete}}",
        "query($t:String!){checkDuplicate(candidate:{idNumber:$t}){exists complete}}",
        'query($t:String!){people(search:{name:$t,birthDate:"2000-01-01"}){matches{id}}}',
        'query($t:ID!){counts(diseases:[$t],codes:["500100"],from:"2026-01-01",to:"2026-01-02"){code}}',
    ],
)
def test_no_text_a_client_sends_does_either(world: World, question: str) -> None:
    for text in ("\0", "a\0b", f"case:{2**63 - 1}", "\x1e\x1f", "😷", "x" * 10_000):
        answer = world.gateway.ask(question, {"t": text}).json()
        found = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert not found & {"REGION_UNAVAILABLE", "STORE_FAILED", "INTERNAL"}, answer
    assert world.states()[REGION] == "ANSWERED"


REGISTER = """mutation($k: String!, $v: String!, $code: RegionCode!) {
  registerContacts(input: { idempotencyKey: $k, rows: [{ level: CLOSE, code: $code,
    place: $v, seat: $v, destination: $v, remarks: $v,
    person: { name: $v, employer: $v, guardian: $v, occupation: $v, nationality: $v } }] }) {
    ... on RegisterContactsPayload { rows { contact { id } problem { code } } }
    ... on Problem { code } } }"""
READ = """query($i: ID!) { node(id: $i) { ... on Contact { place remarks
  person { name occupation nationality guardian } } } }"""
TEXTS = ["a\0b", "\x1e", "\x1f", "a\x1eb\x1fc", "\\\"'%s", "😷", "\u2028", "\x7f", "a\r\n\tb", "*"]


@pytest.mark.parametrize("code", ["500103", "320102"], ids=["postgresql", "sqlite"])
def test_no_text_that_is_written_breaks_a_store(world: World, code: str) -> None:
    """What a client writes is refused by name, or read back as it was."""
    gateway = world.gateway
    reporter = gateway.demo.account_of("direct", "reporter")
    written = 0
    for number, value in enumerate(TEXTS):
        variables = {"k": f"text-{code}-{number}", "v": value, "code": code}
        who = reporter if code == "320102" else BROAD
        found = gateway.data(REGISTER, variables, who=who)["registerContacts"]
        (row,) = found.get("rows") or [{"contact": None, "problem": found}]
        assert (row["contact"] is None) == (row["problem"] is not None)
        if row["problem"]:
            assert row["problem"]["code"] == "INVALID_INPUT"
            continue
        written += 1
        contact = gateway.data(READ, {"i": row["contact"]["id"]}, who=who)["node"]
        assert contact["person"]["occupation"] == value
        if who == reporter:
            assert contact["remarks"] == contact["person"]["name"] == value
    assert written >= 2
    page = gateway.data(LIST, {"n": 1_000})["contacts"]
    assert len(page["edges"]) == page["totalCount"]
    assert {one["state"] for one in page["regions"]} == {"ANSWERED"}


# Down ----------------------------------------------------------------------------------------


class Clients:
    """Three clients that ask without pause, and what went wrong."""

    def __init__(self, gateway: Gateway) -> None:
        self.states: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._gateway = gateway
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, condition: Callable[[Counter[str]], bool], seconds: float = 60.0) -> None:
        """Waits until the states the region was told to be in are so."""
        began = time.monotonic()
        while not condition(self.states):
            assert time.monotonic() - began < seconds, self.states
            time.sleep(0.02)

    def _ask(self) -> None:
        number = 0
        with httpx.Client(base_url=self._gateway.url, timeout=60) as client:
            while not self._stop.is_set():
                number += 1
                body = {"query": LIST, "variables": {"n": number % 40 + 1}}
                response = client.post("/graphql", json=body, headers=self._gateway.headers())
                answer = response.json()
                states = {o["code"]: o["state"] for o in answer["data"]["contacts"]["regions"]}
                self.states[states.pop(REGION)] += 1
                if set(states.values()) != {"ANSWERED"}:
                    self.wrong.append(response.text)


def test_killed_in_the_middle_of_questions(world: World) -> None:
    with Clients(world.gateway) as clients:
        time.sleep(0.3)
        world.postgres.kill()
        time.sleep(0.8)
        world.postgres.start()
        world.wait_for("ANSWERED")
        time.sleep(0.2)
    assert not clients.wrong
    assert clients.states["ANSWERED"]
    assert clients.states["UNREACHABLE"] + clients.states["REFUSED"]


def test_held_in_the_middle_of_questions(world: World) -> None:
    with Clients(world.gateway) as clients:
        time.sleep(0.2)
        world.postgres.pause()
        try:
            clients.wait(lambda seen: seen["REFUSED"] > seen["TIMED_OUT"] > 0)  # asked seldom
        finally:
            world.postgres.resume()
        world.wait_for("ANSWERED")
    assert not clients.wrong


def held(world: World) -> Callable[[], None]:
    world.postgres.pause()
    return world.postgres.resume


def killed(world: World) -> Callable[[], None]:
    world.postgres.kill()
    return world.postgres.start


@pytest.fixture(params=[held, killed])
def down(world: World, request: pytest.FixtureRequest) -> Iterator[None]:
    """The region is down meanwhile."""
    restore = request.param(world)
    yield
    restore()


def test_every_question_names_a_region_that_is_down(world: World, down: None) -> None:
    ask = world.gateway.ask
    for question, complete in (
        ("{contacts(first:3){regions{code state}}}", None),
        ("{cases(first:3){regions{code state}}}", None),
        ("{units(first:3){regions{code state}}}", None),
        (
            '{counts(diseases:["hfmd"],codes:["500000"],from:"2026-01-01",to:"2026-01-01")'
            "{regions{code state}}}",
            None,
        ),
        (
            '{checkDuplicate(candidate:{phone:"13900000000"}){exists complete}}',
            {"exists": None, "complete": False},
        ),
    ):
        answer = ask(question).json()
        (found,) = answer["data"].values()
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "REGION_UNAVAILABLE"
        assert error["extensions"]["region"] == REGION
        if complete is not None:
            assert found == complete
            continue
        regions = found[0]["regions"] if isinstance(found, list) else found["regions"]
        states = {one["code"]: one["state"] for one in regions}
        assert states.pop(REGION) in ("TIMED_OUT", "UNREACHABLE", "REFUSED")
        assert set(states.values()) <= {"ANSWERED", "NOT_ASKED"}
    (found,) = [
        one
        for one in ask("{regions{code state}}").json()["data"]["regions"]
        if one["code"] == REGION
    ]
    assert found["state"] in ("TIMED_OUT", "UNREACHABLE", "REFUSED")
    entry = world.gateway.entry(ask("{contacts(first:1){edges{node{id}}}}"))
    assert entry["result"] == "PARTIAL"
    assert entry["what"]["regions"][REGION] in ("TIMED_OUT", "UNREACHABLE", "REFUSED")
    # Where the region cannot matter, it is not even asked.
    county = world.gateway.demo.account_of("county")
    assert "errors" not in ask("{contacts(first:3){edges{node{id code}}}}", who=county).json()


NESTED = """{ contacts(first: 1000) { regions { code state } edges { node { id code sourceCase {
  id contacts { id sourceCase { id contacts { id sourceCase { id } } } } } } } } }"""


def nothing(_: World) -> Callable[[], None]:
    return lambda: None


@pytest.mark.parametrize("fault", [nothing, held, killed])
def test_the_rest_answers_in_time_whatever_becomes_of_a_region_in_the_middle(
    world: World, fault: Callable[[World], Callable[[], None]]
) -> None:
    """Each statement about the region's cases takes three quarters of the deadline; the question
    has three, one below the other, and the fault comes during the second.
    """

    def timed() -> tuple[Any, float]:
        begun = time.monotonic()
        return world.gateway.ask(NESTED).json(), time.monotonic() - begun

    answer, own = timed()
    assert "errors" not in answer
    before = {edge["node"]["id"]: edge["node"] for edge in answer["data"]["contacts"]["edges"]}
    world.run(
        "ALTER TABLE cases RENAME TO kept_cases",
        f"""CREATE VIEW cases AS SELECT * FROM kept_cases
            WHERE (SELECT count(*) FROM pg_sleep({0.75 * DEADLINE})) = 1""",
    )
    try:
        restore: Callable[[], None] = nothing(world)
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(timed)
            time.sleep(0.85 * DEADLINE)
            restore = fault(world)
            try:
                answer, took = asking.result()
            finally:
                restore()
    finally:
        world.run("DROP VIEW cases", "ALTER TABLE kept_cases RENAME TO cases")
    # Half a deadline and what it takes at best, for a busy machine: no second deadline.
    assert took < 1.5 * DEADLINE + own
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "REGION_UNAVAILABLE"
    assert error["extensions"]["region"] == REGION
    states = {one["code"]: one["state"] for one in answer["data"]["contacts"]["regions"]}
    assert states.pop(REGION) == ("UNREACHABLE" if fault is killed else "TIMED_OUT")
    assert set(states.values()) == {"ANSWERED"}
    nodes = [edge["node"] for edge in answer["data"]["contacts"]["edges"]]
    assert {node["id"] for node in nodes} == set(before)
    others = [node for node in nodes if not node["code"].startswith("50")]
    assert len(others) > 100
    for node in others:
        whole = before[node["id"]]
        ids = re.findall(r"(?:case|contact):(\d+)", str(whole))
        assert node == whole or REGION in {region_of(int(one)) for one in ids}


WRITE = """mutation($k: String!, $code: RegionCode!) { registerContacts(input: {
  idempotencyKey: $k, rows: [{ level: CLOSE, code: $code, person: { name: "某人" } }] }) {
  ... on RegisterContactsPayload { registered rows { contact { id } problem { code
    ... on RegionUnavailableProblem { region written } } } }
  ... on Problem { code } } }"""


def test_a_write_to_a_region_that_is_down_fails_by_name_and_changes_nothing(
    world: World, request: pytest.FixtureRequest
) -> None:
    def total() -> int:
        found = world.gateway.data('{contacts(filter:{code:["500000"]}){totalCount}}')
        count: int = found["contacts"]["totalCount"]
        return count

    before = total()
    for number, fault in enumerate((held, killed)):
        restore = fault(world)
        try:
            variables = {"k": f"down-{number}", "code": "500103"}
            found = world.gateway.data(WRITE, variables, who=BROAD)["registerContacts"]
            assert found["registered"] == 0
            problem = found["rows"][0]["problem"]
            assert problem["code"] == "REGION_UNAVAILABLE"
            assert (problem["region"], problem["written"]) == (REGION, False)
            # Other regions take theirs meanwhile.
            here = world.gateway.data(WRITE, {"k": f"here-{number}", "code": "320102"})
            assert here["registerContacts"]["registered"] == 1
        finally:
            restore()
        world.wait_for("ANSWERED")
        assert total() == before
        again = world.gateway.data(WRITE, variables)["registerContacts"]
        assert again["registered"] == 1  # the same key, now that it can be written
        before += 1
        assert total() == before
