"""`epigate keys`: new keys beside a gateway that runs, sealing anew through kills, retiring."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.keys import sealing
from tests.served import Demo, serving

NAMES = "{ contacts(first: 60) { edges { node { id name idNumber place } } } }"


@pytest.fixture
def own(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    monkeypatch.setattr(sealing, "SETTLE_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "200")
    yield demo.copied(tmp_path / "demo")
    shutil.rmtree(tmp_path / "demo")


def keys(own: Demo, *words: str) -> int:
    try:
        main(["keys", *words, "--config", str(own.folder / "config.toml")])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def counted(own: Demo, capsys: pytest.CaptureFixture[str]) -> dict[tuple[int, str, bool], int]:
    """The envelopes of all stores by key, suite and whether under the person's key."""
    capsys.readouterr()
    assert keys(own, "status", "--json") == 0
    found: dict[tuple[int, str, bool], int] = {}
    for line in capsys.readouterr().out.splitlines():
        row = json.loads(line)
        if "key" in row:
            one = row["key"], row["suite"], row["personal"]
            found[one] = found.get(one, 0) + row["envelopes"]
    return found


def test_a_key_is_rotated_sealed_under_and_retired(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counted(own, capsys)
    of_people = before[(0, "AES-256-GCM", True)]
    assert of_people > 1_000
    assert keys(own, "retire", "sealing", "0") == 1
    assert "sealing key 0 is the one in use" in capsys.readouterr().err
    assert keys(own, "rotate", "sealing") == 0
    assert keys(own, "retire", "sealing", "0") == 1
    err = capsys.readouterr().err
    assert f"{sum(before.values()):,} envelopes need sealing key 0" in err
    assert "epigate keys reseal" in err
    assert keys(own, "reseal") == 0
    after = counted(own, capsys)
    assert {key[0] for key in after} == {1}
    assert sum(after.values()) == sum(before.values())
    assert keys(own, "retire", "sealing", "0") == 0
    assert (own.folder / "keys" / "retired" / "sealing.key").exists()
    assert not (own.folder / "keys" / "sealing.key").exists()
    assert keys(own, "retire", "sealing", "0") == 1
    assert "there is no sealing key 0" in capsys.readouterr().err
    assert keys(own, "rotate", "sealing") == 0  # and a number never comes again
    assert (own.folder / "keys" / "sealing.2.key").exists()


def test_a_gateway_that_runs_sees_a_new_key_and_loses_nothing(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(own) as gateway:
        reporter = own.account_of("direct", "reporter")
        before = gateway.data(NAMES, who=reporter)
        assert any(edge["node"]["name"] != "*" for edge in before["contacts"]["edges"])
        assert keys(own, "rotate", "sealing") == 0
        assert keys(own, "reseal") == 0
        assert keys(own, "retire", "sealing", "0") == 0
        assert gateway.data(NAMES, who=reporter) == before


def test_the_suite_of_the_configuration_is_what_is_sealed_with(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    config = own.folder / "config.toml"
    config.write_text(config.read_text("utf-8") + '\n[sealing]\nsuite = "SM4-GCM"\n', "utf-8")
    assert keys(own, "reseal") == 0
    assert {key[:2] for key in counted(own, capsys)} == {(0, "SM4-GCM")}
    with serving(own) as gateway:
        shown = gateway.data(NAMES, who=own.account_of("direct", "reporter"))["contacts"]["edges"]
    assert any(edge["node"]["name"] != "*" for edge in shown)


@pytest.mark.parametrize("seed", range(2))
def test_kills_while_sealing_anew_lose_nothing(
    own: Demo, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    """The real command, killed at random moments and run again until it is through."""
    chance = random.Random(seed)
    before = counted(own, capsys)
    assert keys(own, "rotate", "sealing") == 0
    began = time.monotonic()
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "keys", "reseal"]
    command += ["--config", str(own.folder / "config.toml")]
    whole: Any = None
    kills = 0
    while whole != 0:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, err = process.communicate(timeout=None if kills > 6 else 1 + chance.random() * 2)
            whole = process.returncode
            assert whole == 0, err
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
    assert kills or time.monotonic() - began < 3
    after = counted(own, capsys)
    assert sum(after.values()) == sum(before.values())
    assert {key[0] for key in after} == {1}
    assert keys(own, "retire", "sealing", "0") == 0
