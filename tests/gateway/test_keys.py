"""`epigate keys`: new keys beside a gateway that runs, sealing anew through kills, retiring."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gateway.access_log.system import operator
from gateway.cli import main
from gateway.config import Config
from gateway.keys import sealing
from regions.errors import KeysError
from regions.person_keys import ERASED
from regions.sealing import ERASED_ENVELOPE
from tests.served import Demo, serving

NAMES = "{ contacts(first: 60) { edges { node { id name idNumber place } } } }"
CHECK = "query ($c: PersonSearch!) { checkDuplicate(candidate: $c) { exists complete } }"


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


def proven(own: Demo, account: str, *words: str) -> int:
    """A command of `keys` by the holder of an account, who shows password and second factor."""
    first = own.account_of("security")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EPIGATE_ACCOUNT_PASSWORD", own.accounts[first]["password"])
        patch.setenv("EPIGATE_ACCOUNT_CODE", own.recovery_codes(account)[0])
        return keys(own, *words, "--by", account)


def with_second(own: Demo) -> str:
    """The first security administrator of the demo, after a second was made."""
    first = own.account_of("security")
    own.add_account("second", first, sealed=None, person_index="another")
    return first


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


@pytest.mark.no_cover  # the lines of the tests above, again and again
@pytest.mark.parametrize("seed", range(2))
def test_kills_while_sealing_anew_lose_nothing(
    own: Demo, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    """The real command, killed at random moments and run again until it is through."""
    chance = random.Random(seed)
    before = counted(own, capsys)
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "keys", "reseal"]
    command += ["--config", str(own.folder / "config.toml")]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    idle = time.monotonic() - began  # what it takes on this machine where nothing is to be done
    assert keys(own, "rotate", "sealing") == 0
    kills = 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            # The first while it starts: however busy the machine is, one is killed.
            moment = idle * (0.7 + 0.5 * chance.random() if kills else 0.3)
            _, err = process.communicate(timeout=None if kills > 6 else moment)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, err
            break
    assert kills
    after = counted(own, capsys)
    assert sum(after.values()) == sum(before.values())
    assert {key[0] for key in after} == {1}
    assert keys(own, "retire", "sealing", "0") == 0


@pytest.mark.no_cover  # `test_index_rotation.py` runs the same lines
def test_kills_while_the_index_key_changes_hide_nobody(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    """The duplicate check, asked all the time of a gateway that runs, while the real command is
    killed again and again.
    """
    reporter = own.account_of("direct", "reporter")
    command = [
        sys.executable,
        "-c",
        "from gateway.keys import sealing; sealing.SETTLE_SECONDS = 3.0\n"
        "from gateway.cli import main; main()",
        *("keys", "rotate", "index", "--config", str(own.folder / "config.toml")),
    ]
    chance = random.Random(2)
    with serving(own) as gateway:
        edges = gateway.data(NAMES, who=reporter)["contacts"]["edges"]
        seen = [edge["node"]["idNumber"] for edge in edges]
        numbers = [number for number in seen if number not in ("*", None)][:8]
        assert len(numbers) > 3
        kills, done = 0, False
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 1.5
        while not done:
            for number in numbers:
                told = gateway.data(CHECK, {"c": {"idNumber": number}}, who=reporter)
                assert told["checkDuplicate"] == {"exists": True, "complete": True}
            if process.poll() is not None:
                assert process.communicate()[1] == b""
                assert process.returncode == 0
                done = True
            elif kills < 6 and time.monotonic() > deadline:
                process.kill()
                process.communicate()
                kills += 1
                process = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
                deadline = time.monotonic() + 1 + 2 * chance.random()
        assert kills
        assert keys(own, "retire", "index", "0") == 0
        time.sleep(1.1)  # now the gateway has forgotten the old key, too
        for number in numbers:
            told = gateway.data(CHECK, {"c": {"idNumber": number}}, who=reporter)
            assert told["checkDuplicate"]["exists"] is True
    names = (own.folder / "keys" / "names.key").read_text("ascii")
    assert names == (own.folder / "keys" / "retired" / "index.key").read_text("ascii")


def test_with_a_region_away_nothing_is_emptied(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    region = own.config.regions[3]
    assert region.path is not None
    aside = region.path.with_suffix(".away")
    region.path.rename(aside)
    assert keys(own, "rotate", "index") == 1
    out = capsys.readouterr().out
    assert out.count("FILLED") == 7
    assert "REGION_UNAVAILABLE" in out
    assert keys(own, "retire", "index", "0") == 1
    assert "cannot be taken out of use" in capsys.readouterr().err
    aside.rename(region.path)
    assert keys(own, "rotate", "index") == 0
    assert capsys.readouterr().out.count("SINGLE") == 8
    assert keys(own, "retire", "index", "0") == 0
    assert not (own.folder / "keys" / "index.2.key").exists()


def test_a_person_is_erased_in_every_region_by_two(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    first = with_second(own)
    index, ids = _traveller(own)
    assert len(ids) == 2
    named = f"person:{ids[0]}"
    asking = ("erase-person", named, "--reason", "a court has ordered it: 王伟")
    with serving(own) as gateway:
        assert proven(own, own.account_of("system"), *asking) == 1
        assert "the password or the code is wrong" in capsys.readouterr().err
        assert proven(own, first, *asking) == 0
        out = capsys.readouterr().out
        assert all(f"person:{one}" in out for one in ids)
        assert _traveller(own, index)[1] == ids
        assert proven(own, first, "confirm-erasure", "1") == 1
        assert f"{first} asked for this erasure" in capsys.readouterr().err
        assert proven(own, "second", "confirm-erasure", "7") == 1
        capsys.readouterr()
        assert proven(own, "second", "confirm-erasure", "1") == 0
        assert proven(own, "second", "confirm-erasure", "1") == 0  # nothing more to do
        assert _traveller(own, index)[1] == []
        shown = gateway.data("query ($id: ID!) { node(id: $id) { id } }", {"id": named})
        assert shown == {"node": {"id": named}}
    with closing(sqlite3.connect(own.folder / "data" / "access-log.db")) as log:
        entries = log.execute(
            "SELECT operation, account, json_extract(entry, '$.what.by') FROM entries "
            "WHERE operation IN ('askErasure', 'erasePerson') AND result = 'OK' ORDER BY number"
        ).fetchall()
    asked, confirmed = (
        ("askErasure", first, operator()),
        ("erasePerson", "second", operator()),
    )
    assert entries == [asked, confirmed, confirmed]
    for path in (own.folder / "data").rglob("*.db"):
        assert "王伟".encode() not in path.read_bytes()


def test_a_person_who_was_handed_over_is_erased_in_every_store_with_a_copy(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever was handed over, or offered, is on record under one id in several stores."""
    first = with_second(own)
    home, *others = own.config.regions
    assert home.path is not None
    with closing(sqlite3.connect(home.path)) as store:
        (person,) = store.execute("SELECT person_id FROM contacts WHERE sealed NOT NULL").fetchone()
    tables = {"people": "id", "person_keys": "person_id", "contacts": "person_id"}
    for region in others[:2]:  # one it was handed to, and one that it was handed on to
        with closing(sqlite3.connect(str(region.path))) as store, store:
            store.execute("ATTACH ? AS home", (str(home.path),))
            for table, whose in tables.items():
                unloaded = "" if table == "person_keys" else ", source_key = NULL"
                store.execute(
                    f"CREATE TEMP TABLE t AS SELECT * FROM home.{table} WHERE {whose} = {person}"
                )
                store.execute(f"UPDATE t SET {whose} = {whose}{unloaded}")
                store.execute(f"INSERT INTO main.{table} SELECT * FROM t")
                store.execute("DROP TABLE t")
    with closing(sqlite3.connect(home.path)) as store, store:
        store.execute(
            "INSERT INTO custody (person_id, state, epoch, peer, since) VALUES (?, ?, ?, ?, ?)",
            (person, "HANDED", 1, others[0].code, "2026-11-01T00:00:00Z"),
        )
    named = f"person:{person}"
    assert proven(own, first, "erase-person", named, "--reason", "a court order") == 0
    away = others[1].path
    assert away is not None
    away.rename(away.with_suffix(".away"))
    capsys.readouterr()
    proven(own, "second", "confirm-erasure", "1")
    told = capsys.readouterr()
    assert others[1].code in told.out + told.err  # it may have a copy: the order stays open
    away.with_suffix(".away").rename(away)
    assert proven(own, "second", "confirm-erasure", "1") == 0
    for region in (home, *others[:2]):
        with closing(sqlite3.connect(str(region.path))) as store:
            (salt,) = store.execute(
                "SELECT salt FROM person_keys WHERE person_id = ?", (person,)
            ).fetchone()
            assert salt == ERASED, region.code
            for table, whose in (("people", "id"), ("contacts", "person_id")):
                found = store.execute(f"SELECT sealed FROM {table} WHERE {whose} = ?", (person,))
                left = {bytes(row[0]) for row in found if row[0] is not None}
                assert left <= {ERASED_ENVELOPE}, (region.code, table)
            indexes = store.execute(
                "SELECT id_number_index, phone_index, name_birth_index FROM people WHERE id = ?",
                (person,),
            ).fetchone()
            assert indexes == (None, None, None), region.code
    with closing(sqlite3.connect(home.path)) as store:  # what is on its way brings nobody back
        told_to = store.execute("SELECT topic, to_region FROM post_outbox").fetchall()
        assert told_to == [("transfer.erased", others[0].code)]
    with closing(sqlite3.connect(str(others[2].path))) as store:  # nothing of the person is there
        (count,) = store.execute(
            "SELECT count(*) FROM person_keys WHERE person_id = ?", (person,)
        ).fetchone()
        assert count == 0


def test_whoever_is_at_the_machine_names_nobody_who_did_not_show_who_they_are(
    own: Demo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One shell, two login names: neither an order nor an erasure, and the log says who tried."""
    first = with_second(own)
    index, ids = _traveller(own)
    asking = ("erase-person", f"person:{ids[0]}", "--reason", "a court order", "--by")
    confirming = ("confirm-erasure", "1", "--by", "second")
    password = own.accounts[first]["password"]
    code = own.recovery_codes(first)[0]
    monkeypatch.setenv("EPIGATE_ACCOUNT_PASSWORD", password)
    monkeypatch.delenv("EPIGATE_ACCOUNT_CODE", raising=False)
    assert keys(own, *asking, "second") == 1  # who has no second factor asks for nothing
    assert "[SECOND_FACTOR_REQUIRED]" in capsys.readouterr().err
    monkeypatch.setenv("EPIGATE_ACCOUNT_CODE", "000000")
    assert keys(own, *asking, first) == 1
    assert "[SIGN_IN_FAILED]" in capsys.readouterr().err
    monkeypatch.setenv("EPIGATE_ACCOUNT_CODE", code)
    assert keys(own, *asking, first) == 0
    monkeypatch.setenv("EPIGATE_ACCOUNT_CODE", own.recovery_codes("second")[0])
    monkeypatch.setenv("EPIGATE_ACCOUNT_PASSWORD", "not the second's")
    for _ in range(own.config.sign_in_attempts):
        assert keys(own, *confirming) == 1
    assert keys(own, *confirming) == 1
    assert "[TOO_MANY_REQUESTS]" in capsys.readouterr().err
    assert _traveller(own, index)[1] == ids
    refused = [one for one in own.entries() if one["operation"] in ("askErasure", "erasePerson")]
    results = [(one["operation"], one["account"], one["result"]) for one in refused]
    wrong = [("erasePerson", None, "SIGN_IN_FAILED")] * own.config.sign_in_attempts
    assert results == [
        ("askErasure", None, "SECOND_FACTOR_REQUIRED"),
        ("askErasure", None, "SIGN_IN_FAILED"),
        ("askErasure", first, "OK"),
        *wrong,
        ("erasePerson", None, "TOO_MANY_REQUESTS"),
    ]
    assert all(one["what"]["by"] == operator() for one in refused)
    assert [one["what"].get("account") for one in refused[-2:]] == ["second"] * 2


@pytest.mark.parametrize("step", ["ask", "confirm"])
def test_an_erasure_that_the_log_does_not_hold_is_neither_asked_for_nor_confirmed(
    own: Demo, step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = with_second(own)
    index, ids = _traveller(own)
    asking = ("erase-person", f"person:{ids[0]}", "--reason", "a court order")
    if step == "confirm":
        assert proven(own, first, *asking) == 0
    monkeypatch.setattr("gateway.access_log.opening._BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(own.config.log_store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        words = asking if step == "ask" else ("confirm-erasure", "1")
        assert proven(own, first if step == "ask" else "second", *words) == 1
    assert "[ACCESS_LOG_FAILED]" in capsys.readouterr().err
    with closing(sqlite3.connect(own.config.central_store)) as store:
        orders = store.execute("SELECT id, confirmed_at FROM erasures").fetchall()
    assert orders == ([] if step == "ask" else [(1, None)])
    assert _traveller(own, index)[1] == ids


def test_two_accounts_of_one_person_are_not_two_people(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    first = own.account_of("security")
    own.add_account("second", first, sealed=None)
    index, ids = _traveller(own)
    asking = ("erase-person", f"person:{ids[0]}", "--reason", "a court order")
    assert proven(own, first, *asking) == 0
    assert proven(own, "second", "confirm-erasure", "1") == 1
    assert "who is another person" in capsys.readouterr().err
    assert _traveller(own, index)[1] == ids


def test_records_that_came_since_an_erasure_was_asked_for(
    own: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    first = with_second(own)
    index, ids = _traveller(own)
    asking = ("erase-person", f"person:{ids[0]}", "--reason", "a court order")
    assert proven(own, first, *asking) == 0
    with closing(sqlite3.connect(str(own.config.regions[0].path))) as store, store:
        (other,) = store.execute(
            "SELECT max(id) FROM people WHERE id NOT IN (?, ?)", ids
        ).fetchone()
        store.execute("UPDATE people SET id_number_index = ? WHERE id = ?", (index, other))
    capsys.readouterr()
    assert proven(own, "second", "confirm-erasure", "1") == 1
    assert f"came since this erasure was asked for: person:{other}" in capsys.readouterr().err
    assert len(_traveller(own, index)[1]) == 3  # nothing was erased
    assert proven(own, first, *asking) == 0
    assert proven(own, "second", "confirm-erasure", "2") == 0
    assert _traveller(own, index)[1] == []


def _traveller(own: Demo, index: str | None = None) -> tuple[str, list[int]]:
    """The index of somebody's ID number who is on record in two regions, and the records."""
    found: dict[str, list[int]] = {}
    for region in own.config.regions:
        with closing(sqlite3.connect(str(region.path))) as store:
            rows = store.execute(
                "SELECT id_number_index, id FROM people WHERE id_number_index IS NOT NULL"
            )
            for one, person in rows:
                found.setdefault(one, []).append(person)
    if index is None:
        index = next(one for one, ids in found.items() if len(ids) == 2)
    return index, found.get(index, [])


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_of_many_who_make_a_key_at_once_each_makes_another_or_is_told(ready_config: Config) -> None:
    together = threading.Barrier(6)

    def make(_: int) -> int | str:
        together.wait()
        try:
            return sealing.new_key(ready_config, "sealing")
        except KeysError as error:
            return error.message

    for _ in range(5):
        with ThreadPoolExecutor(6) as threads:
            found = list(threads.map(make, range(6)))
        made = [one for one in found if isinstance(one, int)]
        assert made
        assert len(made) == len(set(made))
        assert all("made just now" in one for one in found if isinstance(one, str))


def test_keys_of_the_environment_are_left_to_the_environment(
    ready_config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Demo(ready_config.file.parent, {})
    key = (ready_config.keys / "sealing.key").read_text("ascii").strip()
    monkeypatch.setenv("EPIGATE_KEY_SEALING", key)
    (ready_config.keys / "sealing.key").unlink()
    assert keys(own, "rotate", "sealing") == 1
    err = capsys.readouterr().err
    assert "the sealing keys come from the environment" in err
    assert "EPIGATE_KEY_SEALING_1" in err
    assert key not in err
    monkeypatch.setenv("EPIGATE_KEY_SEALING_1", "A" * 43 + "=")
    assert keys(own, "reseal") == 0
    assert keys(own, "retire", "sealing", "0") == 1
    assert "unset it and restart" in capsys.readouterr().err
