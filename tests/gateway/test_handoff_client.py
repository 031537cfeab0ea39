"""Two regional systems hand a person over by the example we ship, each with its own key, blindly
asking again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.gateway.handing import COUNTY_A, COUNTY_B, A, B, Sides, handing
from tests.resolvers.writing.making import contact_row, contacts_input
from tests.served import Demo

pytestmark = pytest.mark.no_cover  # `test_handing_over.py` runs the same lines

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
URL = "http://gateway.example.org"


@pytest.fixture(scope="module")
def sides(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    own = demo.copied(tmp_path_factory.mktemp("machines"))
    file = own.folder / "config.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("[gateway]\n", f'[gateway]\nurl = "{URL}"\n', 1), "utf-8")
    own.add_account(f"system-{B}", f"system-{A}", code=B, unit_id=f"cdc-{B}")
    for region in (A, B):
        key = own.folder / f"{region}.json"
        made = subprocess.run(
            [sys.executable, EXAMPLES / "client_credentials.py", "--new-key", key],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        words = (
            *("clients", "add", f"system-{region}"),
            *("--jwks", str(key.with_suffix(".public.json"))),
            *("--regions", region, "--actions", "TRANSFER", "--config", str(file)),
        )
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    with handing(own, tmp_path_factory.mktemp("machines-served")) as made_sides:
        yield made_sides


def _machine(sides: Sides, region: str, *words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [
            *(sys.executable, str(EXAMPLES / "handoff.py"), *words),
            *("--key", str(sides.gateway.demo.folder / f"{region}.json")),
            *("--client", f"system-{region}", "--url", sides.gateway.url, "--audience", URL),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout or done.stderr)


def _people(sides: Sides, count: int) -> list[str]:
    rows = contacts_input(*(contact_row(code=COUNTY_A) for _ in range(count)))
    made = sides.do("registerContacts", "reporter-a", rows)["rows"]
    return [one["contact"]["person"]["id"] for one in made]


def test_machines_hand_over_and_may_ask_again_blindly(sides: Sides) -> None:
    going, staying = _people(sides, 2)
    offer = ("offer", "--to", COUNTY_B, "--name", "move-1", going, staying)
    code, offered = _machine(sides, A, *offer)
    assert (code, offered["repeated"]) == (0, False), offered
    code, again = _machine(sides, A, *offer)
    assert (code, again["repeated"]) == (0, True)
    transfer = offered["transfer"]["id"]
    assert again["transfer"] == offered["transfer"]
    _, waiting = _machine(sides, B, "queue")
    assert [one["id"] for one in waiting] == [transfer]
    code, accepted = _machine(sides, B, "accept", transfer, going)
    assert code == 0, accepted
    code, refused = _machine(sides, B, "refuse", transfer, "--reason", "NO_PLACE", staying)
    assert code == 0, refused
    told = sides.await_custody(going, B)
    assert (told["unitId"], told["epoch"]) == (f"cdc-{COUNTY_B}", 1)
    assert sides.await_custody(staying, A)["region"] == A
    code, arrived = _machine(sides, B, "arrive", transfer, "--at", "2026-11-20T08:00:00Z")
    assert (code, arrived["transfer"]["state"]) == (0, "ARRIVED"), arrived
    assert _machine(sides, B, "queue") == (0, [])


def test_a_machine_takes_back_what_it_offered_and_does_nothing_else(sides: Sides) -> None:
    (whose,) = _people(sides, 1)
    _, offered = _machine(sides, A, "offer", "--to", COUNTY_B, "--name", "move-2", whose)
    transfer = offered["transfer"]["id"]
    code, refused = _machine(sides, A, "accept", transfer)
    assert (code, refused["code"], refused["reason"]) == (1, "STEP_REFUSED", "NOT_RECEIVER")
    code, done = _machine(sides, A, "cancel", transfer)
    assert (code, done["people"][0]["outcome"]) == (0, "CANCELLED"), done
    assert sides.custody(whose)["region"] == A


def test_the_token_is_good_for_transfers_alone(sides: Sides) -> None:
    question = "{ contacts(first: 1) { totalCount } }"
    done = subprocess.run(
        [
            *(sys.executable, EXAMPLES / "client_credentials.py", question),
            *("--key", sides.gateway.demo.folder / f"{A}.json", "--client", f"system-{A}"),
            *("--url", sides.gateway.url, "--audience", URL),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    (error,) = json.loads(done.stdout)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
