"""`epigate demo`: what it makes, prints and refuses."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.commands.accounts import PASSWORD_VARIABLE
from gateway.commands.ask import gateway_url
from gateway.config import Config, load_config
from gateway.custody import check_custody
from gateway.passwords import verify_password
from regions.instants import instant
from resolvers.users import Role

Run = Callable[..., tuple[int, str, str]]

NUMBERS = (
    "--people",
    "800",
    "--years",
    "1",
    "--seed",
    "3",
    "--until",
    "2026-11-22",
    "--no-exchange",
    "--no-serve",
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `epigate demo` in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "80")

    def run_command(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["demo", *(str(argument) for argument in arguments)])
        printed = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), printed.out, printed.err

    return run_command


def in_file(path: Path | None, statement: str) -> list[Any]:
    assert path
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_demo_from_nothing_but_a_configuration(run: Run, config: Config) -> None:
    code, out, _ = run("--config", config.file, *NUMBERS)
    assert code == 0
    assert "800 people" in out
    assert sum(in_file(r.path, "SELECT count(*) FROM people")[0][0] for r in config.regions) == 800
    assert config.log_store.exists()

    path = config.data / "demo-accounts.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    accounts = json.loads(path.read_text())
    for account in accounts:
        administers = re.search("administrator|auditor", account["role"])
        more = ("totpSecret",) if administers else ()
        assert tuple(account) == ("account", "password", "role", "unit", "code", *more)
    assert [account["role"] for account in accounts] == [
        "national unit user",
        "province unit user",
        "city unit user",
        "county unit user",
        "direct reporter",
        "duty person",
        "reviewer",
        "auditor",
        "system administrator",
        "security administrator",
        "business administrator",
        "regional system",
        "business administrator",
        "business administrator",
        "business administrator",
        "head, unit user",
        "business head, unit user",
        "information head, unit user",
        "analyst, administrative counts",
        "province, reviewer",
        "national, reviewer",
    ]
    stored = {
        row[0]: row[1:]
        for row in in_file(
            config.central_store, "SELECT account, password_hash, role, unit_id, code FROM accounts"
        )
    }
    for account in accounts:
        assert account["password"] in out
        assert account["account"] in out
        _, role, unit, where = stored[account["account"]]
        assert Role[role].value in account["role"]
        assert (account["unit"], account["code"]) == (unit, where)
    assert verify_password(stored["national"][0], accounts[0]["password"])
    assert len({account["password"] for account in accounts}) == len(accounts)
    assert in_file(config.central_store, "SELECT count(*) FROM grants") == [(0,)]

    marker = json.loads((config.data / "demo.json").read_text())
    assert marker["state"] == "complete"
    assert marker["outbreaks"][0]["code"] == "320102"
    assert f"http://127.0.0.1:{config.port}/graphql" in out
    assert marker["first_case"] in out

    before = files(config.data)
    code, out, _ = run("--config", config.file, *NUMBERS)  # again: nothing is made anew
    assert code == 0
    assert accounts[0]["password"] in out
    assert "made in" not in out
    assert files(config.data) == before

    code, _, err = run("--config", config.file, *NUMBERS, "--people", "900")
    assert code == 1
    assert "holds a demo with another people (800)" in err
    assert files(config.data) == before

    (config.data / "demo-accounts.json").unlink()
    code, _, err = run("--config", config.file, *NUMBERS)
    assert code == 1
    assert "demo-accounts.json cannot be read" in err


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_two_counties_write_letters_and_hand_people_over(run: Run, config: Config) -> None:
    given = [one for one in NUMBERS if one != "--no-exchange"]
    code, out, err = run("--config", config.file, *given)
    assert code == 0, err
    assert "11 letters and " in out
    accounts = {one["account"]: one for one in json.loads(_accounts(config))}
    assert [one for one in accounts if accounts[one]["role"].startswith("neighbour")] == [
        *("county-320205", "duty-320205")
    ]
    manual = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text("utf-8")
    assert re.findall(r"│ (\S+) +│ … +│ (.+?) +│ \d{6} │", manual) == [
        (one["account"], one["role"]) for one in accounts.values()
    ]
    ours, theirs = (one.path for one in config.regions[:2])
    states = "SELECT state FROM assist_requests WHERE side = ? ORDER BY created_at, id"
    assert Counter(row[0] for row in in_file(ours, states.replace("?", "'SENT'"))) == Counter(
        _STATES
    )
    waiting = in_file(ours, states.replace("?", "'RECEIVED'"))
    assert sorted(waiting) == [("IN_PROGRESS",), ("SENT",)]
    assert len(in_file(theirs, states.replace("?", "'RECEIVED'"))) == 8  # the draft is not sent
    handed = in_file(theirs, "SELECT DISTINCT state FROM transfers WHERE side = 'RECEIVED'")
    assert ("ARRIVED",) in handed
    report = asyncio.run(check_custody(list(config.regions)))
    assert report.findings == []
    waits = "SELECT 1 FROM post_outbox WHERE answered_at IS NULL"
    assert [in_file(one, waits) for one in (ours, theirs)] == [[], []]


_STATES = (
    *("DRAFT", "SENT", "RECEIVED", "IN_PROGRESS", "CONTROLLED", "FEEDBACK_GIVEN", "CLOSED"),
    *("REFUSED", "WITHDRAWN"),
)


def _accounts(config: Config) -> str:
    return (config.data / "demo-accounts.json").read_text("utf-8")


@pytest.mark.no_cover  # the lines of the tests above, again
def test_leftovers_of_an_interrupted_demo_are_made_anew(run: Run, config: Config) -> None:
    (config.data / "regions").mkdir(parents=True)
    (config.data / "demo.json").write_text('{"state": "building"}')
    (config.data / "regions" / "320100.db").write_text("half a store")
    (config.data / "messages").mkdir()
    (config.data / "messages" / "signals-2026-11-28.jsonl").write_text("{}")
    code, out, _ = run("--config", config.file, *NUMBERS)
    assert code == 0
    assert "800 people" in out
    assert in_file(config.regions[0].path, "PRAGMA integrity_check") == [("ok",)]


def test_others_data_is_left_alone(run: Run, ready_config: Config) -> None:
    before = files(ready_config.data)
    code, _, err = run("--config", ready_config.file, *NUMBERS)
    assert code == 1
    assert "no demo has made" in err
    assert "never overwrites" in err
    assert files(ready_config.data) == before


@pytest.mark.parametrize("wrong", [("--people", "10"), ("--years", "0")])
def test_impossible_numbers_are_refused(run: Run, config: Config, wrong: tuple[str, str]) -> None:
    code, _, err = run("--config", config.file, *NUMBERS, *wrong)
    assert code == 1
    assert wrong[0] in err
    assert not config.data.exists()


def test_a_missing_configuration_is_named(run: Run, tmp_path: Path) -> None:
    code, _, err = run("--config", tmp_path / "none.toml")
    assert code == 2
    assert "none.toml" in err


@contextmanager
def running(config: Config, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; killed at the end where it still runs."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from gateway.cli import main; main()",
            *("demo", "--config", str(config.file), *arguments),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_interruption_stops_it_cleanly(config: Config) -> None:
    store = config.regions[-1].path
    assert store
    with running(config, "--people", "100000", "--no-serve") as process:
        while not store.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command starts over" in out
    assert "Traceback" not in err
    assert json.loads((config.data / "demo.json").read_text()) == {"state": "building"}


def test_a_port_in_use_is_known_before_anything_is_made(run: Run, config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("--config", config.file, *NUMBERS, "--serve", "--port", port)
    assert code == 1
    assert "in use" in err
    assert not config.data.exists()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_an_empty_folder_gets_the_shipped_configuration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(*NUMBERS)
    assert code == 0
    assert "written: config.toml" in out
    assert len(load_config(tmp_path / "config.toml").regions) == 8
    assert (tmp_path / "data" / "demo.json").exists()
    assert "\nepigate ask '{" in out
    code, out, _ = run(*NUMBERS)
    assert (code, "written" in out) == (0, False)


@contextmanager
def serving(config: Config) -> Iterator[tuple[str, list[str]]]:
    """A small demo that is served: its address and the lines it printed."""
    numbers = ("--people", "1200", "--years", "1", "--until", "2026-11-22")
    with running(config, *numbers, "--port", "0", "--workers", "1") as process:
        assert process.stdout
        printed = []
        for line in process.stdout:
            printed.append(line.strip())
            if "serves at" in line:
                break
        else:
            raise AssertionError(process.communicate()[1])
        yield next(word for word in printed[-1].split() if word.startswith("http")), printed
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.no_cover  # the lines of the tests above, again
def test_the_lines_it_prints_can_be_pasted(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)

    def ask(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(["ask", *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    with serving(config) as (url, printed):
        assert any(f"{url}/graphql" in line for line in printed)
        pasted = [shlex.split(line) for line in printed if line.startswith("epigate ask ")]
        answers = []
        for words in pasted:
            code, out, _ = ask(*words[2:])
            answer = json.loads(out)
            assert (code, "errors" in answer) == (0, False)
            answers.append(answer["data"])
        contacts, chain, counts, letters, moved = (next(iter(one.values())) for one in answers)
        assert [answer["state"] for answer in contacts["regions"]] == ["ANSWERED"] * 8
        assert sum(answer["records"] > 0 for answer in contacts["regions"]) >= 3
        assert {edge["node"]["name"] for edge in contacts["edges"]} == {"*"}
        assert len(chain["links"]) > 10
        assert {link["kind"] for link in chain["links"]} >= {"CONTACT_OF_CASE", "BECAME_CASE"}
        assert [len(series["counts"]) for series in counts] == [13, 13]
        assert all(sum(count["cases"] for count in series["counts"]) > 0 for series in counts)

        assert str(config.data / "messages") in next(line for line in printed if "预警短信" in line)
        assert [path.suffix for path in _signalled(ask, url, config)] == [".jsonl"]

        assert {edge["node"]["state"] for edge in letters["edges"]} == {*_STATES}
        assert len(letters["edges"]) == len(_STATES) + 2
        assert {edge["node"]["state"] for edge in moved["edges"]} >= {"ARRIVED", "OFFERED"}

        here = ("--config", str(config.file), "--url", url)
        given = ("--variables", '{"n": 2}', "--account", "city-320100")
        code, out, _ = ask(*here, *given, "query ($n: Int) { contacts(first: $n) { totalCount } }")
        assert (code, json.loads(out)["data"]["contacts"]["totalCount"] > 2) == (0, True)
        code, out, _ = ask(*here, "--account", "auditor", "{ contacts(first: 1) { totalCount } }")
        assert (code, "FORBIDDEN" in out) == (1, True)
        code, out, _ = ask(*here, "--account", "auditor", "{ me { role } }")  # a code of its own
        assert (code, json.loads(out)) == (0, {"data": {"me": {"role": "auditor"}}})
        with pytest.raises(SystemExit):
            main(["enrol", *here, "--account", "city-320100"])
        assert capsys.readouterr().out.count("-") >= 30  # recovery codes
        code, out, _ = ask(*here, "--account", "city-320100", "{ me { account } }")
        assert (code, json.loads(out)) == (0, {"data": {"me": {"account": "city-320100"}}})
        monkeypatch.setenv("EPIGATE_NEW_PASSWORD", "plum blossom 3201")
        with pytest.raises(SystemExit):
            main(["password", *here, "--account", "county-320102"])
        assert "is changed" in capsys.readouterr().out
        code, out, _ = ask(*here, "--account", "county-320102", "{ me { account } }")
        assert (code, json.loads(out)) == (0, {"data": {"me": {"account": "county-320102"}}})
        with pytest.raises(SystemExit):
            main(["password", *here, "--account", "county-320102"])
        assert "the new password is the old one [INVALID_INPUT]" in capsys.readouterr().err
        monkeypatch.delenv("EPIGATE_NEW_PASSWORD")
        with pytest.raises(SystemExit):
            main(["password", *here, "--account", "county-320102"])
        assert "no new password is given" in capsys.readouterr().err
        monkeypatch.setattr("sys.stdin", io.StringIO("{ me { account } }"))
        code, out, _ = ask(*here)
        assert (code, json.loads(out)) == (0, {"data": {"me": {"account": "national"}}})

        code, out, _ = ask(*here, "--no-account", "{ me { account } }")
        assert (code, "UNAUTHENTICATED" in out) == (1, True)
        variables = config.data / "variables.json"
        variables.write_text('{"r": "1-814be33b65ab6d01b24bb04a518f2dac"}', "utf-8")
        receipt = "query ($r: String!) { registration(receipt: $r) { state } }"
        code, out, _ = ask(*here, "--no-account", "--variables", f"@{variables}", receipt)
        assert (code, json.loads(out)) == (0, {"data": {"registration": None}})
        code, _, err = ask(*here, "--variables", "@not-there.json", receipt)
        assert (code, "not-there.json cannot be read" in err) == (1, True)

        code, _, err = ask(*here, "--account", "nobody", "{ me { account } }")
        assert (code, "no password of nobody is known" in err) == (1, True)
        code, _, err = ask(*here, "--variables", "[]", "{ me { account } }")
        assert (code, "no JSON object" in err) == (1, True)
        monkeypatch.setenv(PASSWORD_VARIABLE, "not the password")
        code, out, err = ask(*here, "{ me { account } }")
        assert (code, out, "the account, the password or the code is wrong" in err) == (1, "", True)
    code, out, err = ask(*here, "{ me { account } }")
    assert (code, out, "no gateway answers" in err) == (1, "", True)
    left = in_file(config.central_store, "SELECT count(*) FROM sessions WHERE revoked_at IS NULL")
    assert left == [(0,)]  # every one was signed out


def _signalled(ask: Any, url: str, config: Config) -> list[Path]:
    """Registers a case of plague; the files of messages, once it stands in one."""
    given = (
        f'{{ idempotencyKey: "plague", disease: "plague", code: "320102", person: {{ name: "吴一", '
        f'sex: "M" }}, classification: SUSPECTED, reportedAt: "{instant(time.time())}" }}'
    )
    question = f"mutation {{ registerCase(input: {given}) {{ __typename }} }}"
    code, out, _ = ask(
        "--config", str(config.file), "--url", url, "--account", "reporter-320102-1", question
    )
    assert (code, "RegisterCasePayload" in out) == (0, True), out
    end = time.monotonic() + 60
    while True:
        found = sorted((config.data / "messages").glob("*"))
        if any("玄武区，请关注1号病" in path.read_text("utf-8") for path in found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_the_address_by_which_a_gateway_is_asked() -> None:
    assert gateway_url("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert gateway_url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert gateway_url("::", 80) == "http://[::1]:80"


def test_an_address_needs_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PASSWORD_VARIABLE, "a password")
    for words, said in (
        (("--url", "http://127.0.0.1:9"), "no gateway answers at http://127.0.0.1:9/sign-in"),
        (("--url", "nonsense"), "no gateway answers at nonsense"),
        ((), "there is no configuration config.toml"),
        (("--config", "other.toml", "--url", "http://127.0.0.1:9"), "no configuration other.toml"),
    ):
        with pytest.raises(SystemExit):
            main(["ask", *words, "{ me { account } }"])
        assert said in capsys.readouterr().err
