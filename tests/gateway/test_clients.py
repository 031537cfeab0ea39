"""A machine client from its key to its answers, by the commands and the example we ship."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.served import Demo, Gateway, serving

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "client_credentials.py"
CLIENT = "system-320100"
URL = "http://gateway.example.org"


@pytest.fixture(scope="module")
def served(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    copy = demo.copied(tmp_path_factory.mktemp("clients"))
    file = copy.folder / "config.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("[gateway]\n", f'[gateway]\nurl = "{URL}"\n', 1), "utf-8")
    made = example(copy, "--new-key", "key.json")
    assert made.returncode == 0, made.stderr
    assert (copy.folder / "key.json").stat().st_mode & 0o077 == 0
    command(
        *("clients", "add", CLIENT, "--jwks", str(copy.folder / "key.public.json")),
        *("--regions", "320100", "--actions", "READ,REGISTER"),
        demo=copy,
    )
    with serving(copy, workers=2, counted=True) as gateway:
        yield gateway


def test_a_gateway_on_another_port_is_addressed_by_that(demo: Demo, tmp_path: Path) -> None:
    copy = demo.copied(tmp_path)
    made = example(copy, "--new-key", "key.json")
    assert made.returncode == 0, made.stderr
    command(
        *("clients", "add", CLIENT, "--jwks", str(copy.folder / "key.public.json")),
        *("--regions", "320100", "--actions", "READ"),
        demo=copy,
    )
    with serving(copy) as gateway:
        asked = ("--key", "key.json", "--client", CLIENT, "--url", gateway.url)
        done = example(copy, *asked, "{ me { account } }")
    assert done.returncode == 0, done.stdout + done.stderr


def command(*words: str, demo: Demo) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(demo.folder / "config.toml")])
    assert done.exit_code == 0, done.output
    return done.output


def example(demo: Demo, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE, *words],
        cwd=demo.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def ask(gateway: Gateway, question: str, scope: str = "") -> subprocess.CompletedProcess[str]:
    return example(
        gateway.demo,
        *("--key", "key.json", "--client", CLIENT, "--url", gateway.url),
        *("--audience", URL, "--scope", scope, question),
    )


def test_the_example_gets_an_answer_of_its_region(served: Gateway) -> None:
    done = ask(served, "{ me { account code } contacts(first: 3) { regions { state } } }")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["me"] == {"account": CLIENT, "code": "320100"}
    states = [one["state"] for one in data["contacts"]["regions"]]
    assert states == ["ANSWERED"] + ["NOT_ASKED"] * 7


def test_a_scope_narrows_place_and_actions(served: Gateway) -> None:
    wide = ask(served, "{ contacts(first: 1) { totalCount } }")
    narrow = ask(served, "{ contacts(first: 1) { totalCount } }", "READ region:320102")
    totals = [json.loads(one.stdout)["data"]["contacts"]["totalCount"] for one in (wide, narrow)]
    assert 0 < totals[1] < totals[0]
    refused = ask(served, "{ c: contacts(first: 1) { totalCount } }", "REGISTER")
    assert refused.returncode == 1
    (error,) = json.loads(refused.stdout)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["message"] == "this token is not good for contacts"
    (entry, *_) = [
        one for one in served.demo.entries(account=CLIENT) if one["result"] == "FORBIDDEN"
    ]
    assert entry["operation"] == "query contacts"


def test_fragments_and_aliases_hide_nothing(served: Gateway) -> None:
    for question in (
        "{ ... on Query { x: cases(first: 1) { totalCount } } }",
        "{ me { account } ...F } fragment F on Query { units { totalCount } }",
    ):
        refused = ask(served, question, "REGISTER")
        (error,) = json.loads(refused.stdout)["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert "data" not in json.loads(refused.stdout)


def test_the_commands(served: Gateway) -> None:
    demo = served.demo
    assert CLIENT in command("clients", "list", demo=demo)
    (row,) = [
        json.loads(line) for line in command("clients", "list", "--json", demo=demo).splitlines()
    ]
    assert (row["account"], row["regions"], row["disabled"]) == (CLIENT, ["320100"], False)
    command("clients", "disable", CLIENT, demo=demo)
    assert ask(served, "{ me { account } }").returncode == 2
    command("clients", "enable", CLIENT, demo=demo)
    public = str(demo.folder / "key.public.json")
    command("clients", "keys", CLIENT, "--jwks", public, demo=demo)
    given = ("--regions", "320100", "--actions", "READ,REGISTER")
    command("clients", "scope", CLIENT, *given, demo=demo)
    assert ask(served, "{ me { account } }").returncode == 0
