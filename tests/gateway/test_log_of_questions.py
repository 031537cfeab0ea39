"""The access log of questions: one entry an operation, true to the answer, on disk before it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments, commitments_in
from tests.served import BROAD, Demo, Gateway, serving

REGIONS = ("320100", "320200", "320400", "321100", "330500", "340500", "341800", "500100")
PRIVATE = "name sex age idNumber phone employer residence whereabouts"


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server of its own: what is logged is counted."""
    with serving(demo.copied(tmp_path_factory.mktemp("logged"))) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def known(gateway: Gateway) -> None:
    """The key by which entries are read."""
    global commitments
    commitments = Commitments(load_keys(gateway.demo.config.keys).log)


commitments: Commitments


def committed(public: str) -> str:
    """The commitment of a public id."""
    kind, _, number = public.partition(":")
    return commitments.one(kind, int(number))


def ids_in(answer: Any) -> dict[str, set[str]]:
    """The commitment of every record id in an answer, by kind."""
    found: dict[str, set[str]] = {}
    for kind, number in re.findall(rb'"id":"([a-z]+):(\d+)"', orjson.dumps(answer)):
        found.setdefault(kind.decode(), set()).add(committed(f"{kind.decode()}:{number.decode()}"))
    return found


def recorded(entry: dict[str, Any]) -> dict[str, set[str]]:
    """The records of an entry, by kind."""
    return {kind: set(commitments_in(one)) for kind, one in entry["what"]["records"].items()}


def test_an_entry_says_who_what_where_and_which_records(gateway: Gateway) -> None:
    response = gateway.ask(f"{{contacts(first:30){{edges{{node{{id code {PRIVATE}}}}}}}}}")
    entry = gateway.entry(response)
    account = gateway.demo.accounts[BROAD]
    assert entry["account"] == BROAD
    assert (entry["unit"], entry["code"]) == (account["unit"], account["code"])
    assert (entry["role"], entry["module"]) == ("UNIT_USER", "graphql")
    assert entry["address"] == "127.0.0.1"
    assert entry["operation"] == "query contacts"
    assert entry["result"] == "OK"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["at"])
    what = entry["what"]
    assert what["regions"] == dict.fromkeys(REGIONS, "ANSWERED")
    assert recorded(entry) == ids_in(response.json())
    assert what["count"] == len(response.json()["data"]["contacts"]["edges"]) == 30
    assert what["clear"] == []
    assert set(what["masked"]) == {f"Contact.{name}" for name in PRIVATE.split()}
    assert "*" not in orjson.dumps(entry).decode()


PLANNED = {
    "a list": "{cases(first:9){edges{node{id code}}}}",
    "a list with relations": """{ contacts(first: 12) { edges { node { id person { id code }
        sourceCase { id contacts { id } } visits { id } samples { id } } } } }""",
    "two lists": "{a:cases(first:3){edges{node{id}}} b:contacts(first:4){edges{node{id}}}}",
    "an empty list": '{contacts(filter:{sourceCase:["case:1"]}){edges{node{id}}}}',
}
ORDINARY = {
    "a list": "{contacts(first:7){edges{node{id}}} me{code}}",
    "a list with relations": """{ me { code } cases(first: 5) { edges { node { id
        contacts { id person { id } } exposures { id sourceCase { id } } } } } }""",
    "an empty list": '{me{code} contacts(filter:{sourceCase:["case:1"]}){edges{node{id}}}}',
}


@pytest.mark.parametrize("name", PLANNED)
@pytest.mark.parametrize("role", ["national", "city", "direct reporter"])
def test_records_in_the_log_are_those_in_the_answer(gateway: Gateway, name: str, role: str) -> None:
    who = gateway.demo.account_of(role)
    for _ in range(2):  # read, then remembered
        response = gateway.ask(PLANNED[name], who=who)
        assert "errors" not in response.json()
        entry = gateway.entry(response)
        assert entry["account"] == who
        assert recorded(entry) == ids_in(response.json())
        states = entry["what"]["regions"]
        assert set(states.values()) <= {"ANSWERED"}
        assert states.keys() >= (set(REGIONS) if role == "national" else {"320100"})


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("role", ["national", "city", "direct reporter"])
def test_of_whole_records_that_were_read_those_shown_are_in_the_log(
    gateway: Gateway, name: str, role: str
) -> None:
    response = gateway.ask(ORDINARY[name], who=gateway.demo.account_of(role))
    assert "errors" not in response.json()
    entry = gateway.entry(response)
    assert recorded(entry) == ids_in(response.json())
    assert entry["what"]["count"] == sum(map(len, recorded(entry).values()))


def test_where_no_region_is_asked_none_is_told(gateway: Gateway) -> None:
    response = gateway.ask('{cases(filter:{code:["110000"]}){edges{node{id}}}}')
    what = gateway.entry(response)["what"]
    assert (what["regions"], what["records"], what["count"]) == ({}, {}, 0)


def test_one_record_by_its_id(gateway: Gateway) -> None:
    answer = gateway.data("{contacts(first:1){edges{node{id}}}}")
    known = answer["contacts"]["edges"][0]["node"]["id"]
    for text in (
        "query($i:ID!){node(id:$i){id ... on Contact{name}}}",
        "query($i:ID!){nodes(ids:[$i]){id ... on Contact{name}}}",
    ):
        response = gateway.ask(text, {"i": known})
        entry = gateway.entry(response)
        assert recorded(entry) == {"contact": {committed(known)}}
        assert entry["what"]["masked"] == ["Contact.name"]
    text = "query($i:ID!){chain(root:$i){nodes{... on Contact{id} ... on Case{id}}}}"
    chain = gateway.ask(text, {"i": known})
    assert recorded(gateway.entry(chain)) == ids_in(chain.json())
    assert committed(known) in recorded(gateway.entry(chain))["contact"]
    links = gateway.ask("query($i:ID!){chain(root:$i){links{from to}}}", {"i": known})
    assert recorded(gateway.entry(links)) == recorded(gateway.entry(chain))
    truncated = gateway.ask("query($i:ID!){chain(root:$i){truncated}}", {"i": known})
    assert recorded(gateway.entry(truncated)) == {}
    assert known.partition(":")[2] not in str(gateway.entry(chain))


def test_who_sees_what_in_clear_and_why(gateway: Gateway) -> None:
    reporter = gateway.demo.account_of("direct", "reporter")
    response = gateway.ask("{contacts(first:50){edges{node{id name phone}}}}", who=reporter)
    nodes = [edge["node"] for edge in response.json()["data"]["contacts"]["edges"]]
    own = [committed(n["id"]) for n in nodes if n["name"] != "*"]
    assert own, "the demo's reporter reported somebody"
    entry = gateway.entry(response)
    assert entry["what"]["clear"] == ["Contact.name", "Contact.phone"]
    reasons = entry["what"]["reasons"]
    assert set(reasons) == {"own"}
    assert set(commitments_in(reasons["own"]["contact"])) == set(own)
    for node in nodes:
        if node["name"] != "*":
            assert node["name"] not in orjson.dumps(entry).decode()


def test_a_trace_goes_through_and_a_purpose_is_a_code(gateway: Gateway) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = b'{"query":"{me{code}}"}'
    response = gateway.send(
        body, **{"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "x-purpose": "CONTACT_TRACING"}
    )
    entry = gateway.entry(response)
    assert (entry["trace"], entry["purpose"]) == (trace, "CONTACT_TRACING")
    assert response.headers["x-trace-id"] == trace
    made = [gateway.send(body) for _ in range(2)]
    traces = [response.headers["x-trace-id"] for response in made]
    assert [gateway.entry(one)["trace"] for one in made] == traces
    assert len({trace, *traces}) == 3
    refused = gateway.send(body, **{"x-purpose": "looking for Ouyang"})
    assert refused.status_code == 400
    assert "none of the purposes" in refused.text


def test_an_entry_says_where_the_unit_is(gateway: Gateway) -> None:
    county = gateway.entry(gateway.ask("{me{code}}", who=gateway.demo.account_of("county")))
    assert county["region"] == "320100"
    assert county["regionName"] == gateway.demo.config.regions[0].name_zh
    country = gateway.entry(gateway.ask("{me{code}}"))
    assert (country["region"], country["regionName"]) == (None, None)


def test_refused_and_unknown_questions_are_told(gateway: Gateway) -> None:
    entry = gateway.entry(gateway.ask("{contacts{totalCount}}", who="auditor"))
    assert (entry["account"], entry["result"]) == ("auditor", "FORBIDDEN")
    assert entry["operation"] == "query contacts"
    entry = gateway.entry(gateway.ask("{cases{totalCount}}", who=None))
    assert (entry["account"], entry["result"]) == (None, "UNAUTHENTICATED")
    assert entry["operation"] == "query cases"
    entry = gateway.entry(gateway.ask("{cases{totalCount}}", who="nonsense"))
    assert (entry["account"], entry["result"]) == (None, "UNAUTHENTICATED")
    entry = gateway.entry(gateway.ask('{chain(root:"case:1"){truncated}}'))
    assert (entry["account"], entry["result"]) == (BROAD, "NOT_FOUND")
    entry = gateway.entry(gateway.ask("{contacts(first:5000){totalCount}}"))
    assert (entry["account"], entry["result"]) == (BROAD, "TOO_LARGE")
    text = '{node(id:"case:1"){id} me{code} people(search:{phone:"13900000000"}){matches{id}}}'
    entry = gateway.entry(gateway.ask(text))
    assert (entry["result"], entry["operation"]) == ("FORBIDDEN", "query me node people")
    assert "13900000000" not in orjson.dumps(entry).decode()


def test_every_operation_of_a_viewer_has_one_entry_and_what_is_none_has_none(
    gateway: Gateway,
) -> None:
    def number() -> int:
        return len(gateway.demo.entries())

    before = number()
    asked = ["{__typename}", "{me{code}}", "{__schema{queryType{name}}}", "{diseases{id}}"]
    for question in asked:
        gateway.ask(question)
    assert number() == before + len(asked)
    for question in ("{", "{nonsense}", "query($n:Int!){contacts(first:$n){totalCount}}"):
        assert gateway.ask(question).status_code == 400
    gateway.ask("{__typename}", who=None)
    assert number() == before + len(asked)


def test_what_was_written_is_told(gateway: Gateway) -> None:
    county = gateway.demo.account_of("county")
    text = """mutation($k: String!, $name: String) { registerContacts(input: {
      idempotencyKey: $k, rows: [
        { level: CLOSE, code: "320102", person: { name: $name } }
        { level: CLOSE, code: "110101", person: { name: $name } } ] }) {
      ... on RegisterContactsPayload { registered rows { contact { id } problem { code } } }
      ... on Problem { code } } }"""
    response = gateway.ask(text, {"k": "log-1", "name": "诸葛试验"}, who=county)
    assert response.json()["data"]["registerContacts"]["registered"] == 1, response.text
    entry = gateway.entry(response)
    assert entry["operation"] == "mutation registerContacts"
    assert entry["account"] == county
    wrote = entry["what"]["wrote"]["contact"]
    first, second = response.json()["data"]["registerContacts"]["rows"]
    assert wrote == committed(first["contact"]["id"])
    assert entry["what"]["problems"] == [second["problem"]["code"]]
    assert "诸葛试验" not in orjson.dumps(entry).decode()
    refused = gateway.ask(text, {"k": "log-2", "name": "诸葛试验"}, who="auditor")
    entry = gateway.entry(refused)
    assert entry["account"] == "auditor"
    assert "FORBIDDEN" in orjson.dumps([entry["result"], entry["what"]]).decode()


class _Asking(threading.Thread):
    """Asks over one connection as quickly as it is answered, until the server is gone."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self.told: list[str] = []  # ids of requests of which a first byte came back
        body = b'{"query":"{contacts(first:1){edges{node{id}}}}"}'
        head = [f"{name}: {value}" for name, value in gateway.headers().items()]
        head += ["host: gateway", f"content-length: {len(body)}"]
        self._data = "\r\n".join(["POST /graphql HTTP/1.1", *head, "", ""]).encode() + body
        self._port = gateway.port

    def run(self) -> None:
        with (
            suppress(OSError),
            closing(socket.create_connection(("127.0.0.1", self._port))) as wire,
        ):
            while True:
                wire.sendall(self._data)
                part = wire.recv(65_536)
                if not part:
                    return
                head, _, rest = part.partition(b"\r\n\r\n")
                request = re.search(rb"x-request-id: (\S+)", head)
                length = re.search(rb"content-length: (\d+)", head)
                assert request
                assert length
                self.told.append(request[1].decode())
                while len(rest) < int(length[1]):
                    part = wire.recv(65_536)
                    if not part:
                        return
                    rest += part


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_whatever_was_answered_before_a_kill_has_its_entry(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path)
    told: list[str] = []
    for _ in range(3):
        with serving(own) as gateway:
            asking = [_Asking(gateway) for _ in range(8)]
            for one in asking:
                one.start()
            time.sleep(0.15)
            gateway.process.kill()
            for one in asking:
                one.join()
                told += one.told
    entries = {entry["request"] for entry in own.entries() if "request" in entry}
    assert len(told) > 20
    assert set(told) <= entries
