"""Two gateways over the same regions, a log each: one question finds both, or names one."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regions.ids import region_of
from resolvers.access_log.merkle import leaf_hash, verify_inclusion
from resolvers.access_log.sides import regions_of
from tests.gateway.test_audit import epigate
from tests.served import Demo, Gateway, serving

_LIST = """query ($f: AccessLogFilter, $n: Int, $a: String) {
  accessLog(filter: $f, first: $n, after: $a) {
    totalCount regionsSilent logs { origin state first last newest }
    pageInfo { hasNextPage endCursor }
    edges { cursor node { origin number index at leaf request account } } } }"""
_PROOF = """query ($i: Int!, $o: String) { accessLogProof(index: $i, origin: $o) {
  size hashes root leaf checkpoint { origin } } }"""
_CASE = "{ cases(first: 1) { edges { node { id person { id } } } } }"
_OPEN = "query ($i: ID!) { node(id: $i) { ... on Case { phone name } } }"
_SECONDS = 60.0


@dataclass
class Two:
    """Two gateways, and a person whose record each of them opened once, in this order."""

    one: Gateway
    other: Gateway
    person: str
    requests: list[str]

    @property
    def auditor(self) -> str:
        return self.one.demo.account_of("auditor")

    def page(self, **variables: Any) -> dict[str, Any]:
        """The answer with its errors."""
        found: dict[str, Any] = self.one.ask(_LIST, variables, who=self.auditor).json()
        assert "data" in found, (found, self.one.said)
        return found

    def of_person(self) -> list[dict[str, Any]]:
        answer = self.page(f={"person": self.person, "operation": "node"}, n=50)
        return [edge["node"] for edge in answer["data"]["accessLog"]["edges"]]


def second(own: Demo, folder: Path) -> Demo:
    """A gateway over the regions' stores of another, with accounts and a log of its own."""
    other = own.copied(folder)
    shutil.rmtree(folder / "data" / "regions")
    for name in ("access-log.db", "access-log.vkey"):
        (folder / "data" / name).unlink(missing_ok=True)
    (folder / "data" / "regions").symlink_to(own.folder / "data" / "regions")
    return other


def reads_also(own: Demo, *others: Path) -> None:
    file = own.folder / "config.toml"
    text = file.read_text("utf-8")
    named = ", ".join(f'"{one}"' for one in others)
    line = "sides_seconds = 1"
    file.write_text(text.replace(line, f"{line}\nothers = [{named}]", 1), "utf-8")


@pytest.fixture(scope="module")
def two(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    own = demo.copied(tmp_path_factory.mktemp("one"), sides_seconds=1)
    other = second(own, tmp_path_factory.mktemp("other"))
    reads_also(own, other.config.log_store)
    with serving(own, counted=True) as first, serving(other) as last:
        node = first.data(_CASE)["cases"]["edges"][0]["node"]
        requests = []
        for gateway in (first, last, first):
            answer = gateway.ask(_OPEN, {"i": node["id"]})
            requests.append(answer.headers["x-request-id"])
            time.sleep(1.1)  # the log's instants are of seconds
        found = Two(first, last, node["person"]["id"], requests)
        deadline = time.monotonic() + _SECONDS
        while origin(other) not in seen(own):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield found


def origin(demo: Demo) -> str:
    with closing(sqlite3.connect(demo.config.log_store)) as log:
        (found,) = log.execute("SELECT value FROM facts WHERE name = 'origin'").fetchone()
    return str(found)


def seen(demo: Demo) -> set[str]:
    with closing(sqlite3.connect(demo.region("320100"))) as store:
        return {row[0] for row in store.execute("SELECT origin FROM witness")}


def test_one_question_finds_both_sides(two: Two) -> None:
    answer = two.page(f={"person": two.person, "operation": "node"}, n=50)
    assert "errors" not in answer
    found = answer["data"]["accessLog"]
    nodes = [edge["node"] for edge in found["edges"]]
    assert [one["request"] for one in nodes] == two.requests[::-1]
    names = [origin(two.one.demo), origin(two.other.demo)]
    assert [one["origin"] for one in nodes] == [names[0], names[1], names[0]]
    assert [(one["origin"], one["state"]) for one in found["logs"]] == [
        (name, "READ") for name in names
    ]
    assert found["regionsSilent"] == []
    assert found["totalCount"] == 3


def test_pages_over_both_logs_are_stable_while_both_are_written(two: Two) -> None:
    whole = two.page(n=1000)["data"]["accessLog"]["edges"]
    named = [(edge["node"]["origin"], edge["node"]["number"]) for edge in whole]
    assert len({one[0] for one in named}) == 2
    times = [edge["node"]["at"] for edge in whole]
    assert times == sorted(times, reverse=True)
    after, read = whole[0]["cursor"], named[:1]
    while len(read) < len(named):
        two.other.data("{ me { account } }")  # either log has more by now
        found = two.page(n=7, a=after)["data"]["accessLog"]
        read += [(edge["node"]["origin"], edge["node"]["number"]) for edge in found["edges"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
    assert read == named


def test_an_entry_of_the_other_log_is_proven_by_that(two: Two) -> None:
    (node,) = [one for one in two.of_person() if one["origin"] == origin(two.other.demo)]
    given = {"i": node["index"], "o": node["origin"]}
    proof = two.one.data(_PROOF, given, who=two.auditor)["accessLogProof"]
    with closing(sqlite3.connect(two.other.demo.config.log_store)) as log:
        (text,) = log.execute(
            "SELECT entry FROM entries WHERE number = ?", (node["number"],)
        ).fetchone()
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    root, leaf = base64.b64decode(proof["root"]), leaf_hash(text.encode())
    assert verify_inclusion(leaf, node["index"], proof["size"], hashes, root)
    refused = two.one.ask(_PROOF, {"i": 0, "o": "no such log"}, who=two.auditor).json()
    assert refused["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


def test_reading_another_log_is_in_the_own(two: Two) -> None:
    asked = two.one.ask(_LIST, {"n": 5}, who=two.auditor)
    entry = two.one.entry(asked)
    assert len(entry["what"]["records"]["entry"]) == 5 * 32


def test_the_person_is_told_of_both(two: Two, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = epigate("audit", "person", two.person, "--output", page, "--config", config(two))
    assert (done.returncode, done.stderr) == (0, "")
    text = html.unescape(page.read_text("utf-8"))
    assert len(re.findall(rf"<td>{origin(two.other.demo)} \d+</td>", text)) >= 1
    assert "Logs that were not read whole" not in text


def config(two: Two) -> Path:
    return two.one.demo.folder / "config.toml"


def test_a_region_reads_both_sides_from_its_own_store(two: Two) -> None:
    """Which entries concern it, in either log; proven by what it witnessed itself."""
    code = region_of(int(two.person.removeprefix("person:")))
    command = ("access-log", "side", code, "--config", config(two))
    deadline = time.monotonic() + _SECONDS
    while True:
        done = epigate(*command, "--json")
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        requests = [one["request"] for one in found if one.get("request") in two.requests]
        if len(requests) == len(two.requests):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert requests == two.requests
    assert {one["origin"] for one in found} == {origin(two.one.demo), origin(two.other.demo)}
    assert all(code in regions_of(json.dumps(one)) for one in found)
    assert done.stderr.count(", held against the log") == 2
    told = epigate(*command, "--origin", origin(two.other.demo))
    assert origin(two.other.demo) in told.stdout
    assert origin(two.one.demo) not in told.stdout
    (entry, *_) = two.one.demo.entries(operation="access-log side")
    assert entry["what"]["region"] == code


def test_a_log_that_is_missing_is_named(two: Two, tmp_path: Path) -> None:
    """By its name, which regions know; by an error; on the person's page."""
    file = two.other.demo.config.log_store
    aside = file.with_suffix(".away")
    shutil.copy(file, tmp_path / "copy.db")
    page = tmp_path / "page.html"
    file.rename(aside)
    try:
        answer = two.page(f={"person": two.person, "operation": "node"}, n=50)
        done = epigate("audit", "person", two.person, "--output", page, "--config", config(two))
    finally:
        aside.rename(file)
    name = origin(two.other.demo)
    found = answer["data"]["accessLog"]
    assert [edge["node"]["request"] for edge in found["edges"]] == two.requests[::-2]
    assert found["logs"][1] == dict.fromkeys(("first", "last", "newest")) | {
        "origin": name,
        "state": "UNREADABLE",
    }
    (error,) = answer["errors"]
    assert error["path"] == ["accessLog"]
    said = error["extensions"]
    assert (said["code"], said["origin"]) == ("LOG_UNAVAILABLE", name)
    assert done.returncode == 0
    assert name in done.stderr
    assert f"Logs that were not read whole: {name}" in html.unescape(page.read_text("utf-8"))


def test_a_bundle_does_in_place_of_the_file_and_is_said_to_end_too_early(
    two: Two, tmp_path: Path
) -> None:
    bundle = tmp_path / "other.tar"
    theirs = two.other.demo.folder / "config.toml"
    assert epigate("audit", "export", bundle, "--config", theirs).returncode == 0
    two.other.data(_CASE)  # which regions see, and the bundle does not have
    deadline = time.monotonic() + _SECONDS
    while True:
        with closing(sqlite3.connect(two.one.demo.region("320100"))) as store:
            (size,) = store.execute(
                "SELECT size FROM witness WHERE origin = ?", (origin(two.other.demo),)
            ).fetchone()
        if size >= len(two.other.demo.entries()):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page = tmp_path / "page.html"
    text = config(two).read_text("utf-8")
    config(two).write_text(text.replace(str(two.other.demo.config.log_store), str(bundle)), "utf-8")
    try:
        done = epigate("audit", "person", two.person, "--output", page, "--config", config(two))
    finally:
        config(two).write_text(text, "utf-8")
    assert done.returncode == 0, done.stderr
    text = html.unescape(page.read_text("utf-8"))
    assert len(re.findall(rf"<td>{origin(two.other.demo)} \d+</td>", text)) >= 1
    assert f"Logs that were not read whole: {origin(two.other.demo)}" in text


def test_a_log_that_names_records_by_another_key_is_said_to(two: Two, tmp_path: Path) -> None:
    """Else a search for a person would find nothing in it, and say nothing."""
    page = tmp_path / "page.html"
    key = two.one.demo.config.keys / "log.key"
    kept = key.read_bytes()
    try:
        key.write_text("A" * 43 + "=\n", "ascii")
        done = epigate("audit", "person", two.person, "--output", page, "--config", config(two))
    finally:
        key.write_bytes(kept)
    assert f"Logs that were not read whole: {origin(two.other.demo)}" in html.unescape(
        page.read_text("utf-8")
    ), done.stderr
