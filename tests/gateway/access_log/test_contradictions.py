"""A witness against the log: proven, nothing is written any more; unsigned, the gateway serves."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.access_log.contradictions import contradictions_in, keep_contradiction
from gateway.access_log.log_file import LogFile
from gateway.access_log.opening import open_log_file
from gateway.access_log.reading import read_entries
from gateway.access_log.sides import Sides
from gateway.access_log.starting import check_access_log
from gateway.access_log.tree import checkpoint_in
from gateway.config import Config
from regions.errors import AccessLogContradicted
from regions.instants import instant
from regions.keys import load_keys
from resolvers.access_log.witnessing import consider, regional_witness
from tests.gateway.access_log.logs import at_minute, filled, opened, row
from tests.gateway.test_audit import epigate
from tests.served import Demo, serving

NANJING = "320100"


def another_log(config: Config, tmp_path: Path, size: int = 3) -> tuple[Any, ...]:
    """What a region would hold that saw another log of this name, signed by the same key."""
    keys = load_keys(config.keys)
    log = open_log_file(config, keys)
    origin = log.signer.verifier
    log.close()
    other = LogFile(
        tmp_path / "other.db", keys.log_signing, origin=origin.name, name="x", busy_seconds=2
    )
    other.write([row(-number) for number in range(size)])
    other.close()
    with closing(sqlite3.connect(other.path)) as store:
        found = checkpoint_in(store)
    assert found is not None
    signer = regional_witness(keys.log_signing, NANJING)
    held = consider(None, found.note, origin, [], signer, int(time.time()))
    at = instant(held.at)
    return held.origin, held.size, held.root.hex(), held.note, held.cosignature, at


def put(config: Config, values: tuple[Any, ...]) -> None:
    """Makes it what the region of Nanjing holds."""
    path = next(one.path for one in config.regions if one.code == NANJING)
    with closing(sqlite3.connect(str(path), timeout=10)) as store, store:
        store.execute("DELETE FROM witness WHERE origin = ?", values[:1])
        columns = "origin, size, root, note, cosignature, at"
        store.execute(f"INSERT INTO witness ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)


def until(found: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)


def alarms(config: Config) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(config.central_store)) as store:
        return store.execute("SELECT rule, subject FROM alarms ORDER BY id").fetchall()


def test_every_process_refuses_to_write_once_the_file_is_marked(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "log.db", 3), opened(tmp_path / "log.db")
    one.write([row(3)])
    other.write([row(4)])
    keep_contradiction(one.path, NANJING, "has seen more", proven=False)
    one.write([row(5)])  # a region's broken row ends nothing
    mark = keep_contradiction(one.path, NANJING, "has seen 9", proven=True, note="n")
    assert keep_contradiction(one.path, NANJING, "again", proven=True) == mark  # the first stays
    for log in (one, other, opened(one.path)):
        for rows in ([row(6)], [row(number) for number in range(600)]):
            with pytest.raises(AccessLogContradicted, match="has seen 9"):
                log.write(rows)
        with pytest.raises(AccessLogContradicted):
            log.try_out()
        with pytest.raises(AccessLogContradicted):
            log.verify()
    with closing(sqlite3.connect(one.path)) as store:
        assert store.execute("SELECT count(*) FROM entries").fetchone() == (6,)
        assert [found.proven for found in contradictions_in(store)] == [True, False]
        store.execute("UPDATE facts SET value = '?' WHERE name LIKE 'contradicted:%'")
        store.commit()  # a mark that was damaged stands all the same
    with pytest.raises(AccessLogContradicted):
        one.write([row(7)])
    one.settle(NANJING, row(8, at_minute(1)))
    other.write([row(9)])
    assert opened(one.path).verify() == 8


@pytest.mark.parametrize("rows", [1, 600])
def test_a_process_that_is_alone_at_the_file_meets_the_mark(tmp_path: Path, rows: int) -> None:
    """It does not look at the file before it writes: the transaction itself refuses."""
    log = filled(tmp_path / "log.db", 3)
    log.write([row(3)])
    keep_contradiction(log.path, NANJING, "has seen 9", proven=True)
    with pytest.raises(AccessLogContradicted, match="has seen 9"):
        log.write([row(number) for number in range(rows)])
    with closing(sqlite3.connect(log.path)) as store:
        assert store.execute("SELECT count(*) FROM entries").fetchone() == (4,)
        assert store.execute("SELECT max(size) FROM checkpoints").fetchone() == (4,)


def test_one_stays_until_all_are_settled(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.db", 3)
    for region in (NANJING, "320200"):
        keep_contradiction(log.path, region, f"{region} has seen more", proven=True)
    with pytest.raises(AccessLogContradicted, match="320200 has seen more"):
        log.settle(NANJING, row(3))
    with closing(sqlite3.connect(log.path)) as store:
        assert len(contradictions_in(store)) == 2
        assert store.execute("SELECT count(*) FROM entries").fetchone() == (3,)


def test_a_gateway_of_two_workers_stops_answering_and_does_not_start(
    demo: Demo, tmp_path: Path
) -> None:
    mine = demo.copied(tmp_path / "demo", sides_seconds=1)
    config = mine.config
    other = another_log(config, tmp_path)
    with serving(mine, workers=2) as gateway:
        assert gateway.ask("{ me { code } }").status_code == 200
        put(config, other)
        until(lambda: gateway.ask("{ me { code } }").status_code == 503)
        until(lambda: bool(alarms(config)))
        last = len(list(read_entries(config.log_store, limit=10_000)))
        for _ in range(40):  # connections of their own reach either worker
            gateway.client.close()
            gateway.client = type(gateway.client)(base_url=gateway.url, timeout=20)
            answer = gateway.ask("{ me { code } }")
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["extensions"]["code"] == "ACCESS_LOG_CONTRADICTED"
            assert "data" not in answer.json() or answer.json()["data"] is None
        assert alarms(config) == [("LOG_CONTRADICTED", f"region:{NANJING}")]
        assert gateway.client.get("/access-log/checkpoint").status_code == 200  # for witnesses
    assert len(list(read_entries(config.log_store, limit=10_000))) == last  # not even a stop
    keys = load_keys(config.keys)
    with pytest.raises(AccessLogContradicted):
        asyncio.run(check_access_log(config, keys))
    command = ("--config", mine.folder / "config.toml")
    told = epigate("audit", "verify", *command)
    assert told.returncode == 1
    assert "CONTRADICTED: since" in told.stdout
    assert f"the witness of the region {NANJING} contradicts the log" in told.stdout
    kept = epigate("access-log", "backup", tmp_path / "evidence.db", *command)
    assert kept.returncode == 0, kept.stderr
    taken = epigate("audit", "export", tmp_path / "evidence", *command)
    assert (taken.returncode, "is not in it" in taken.stderr) == (0, True)
    refused = epigate("access-log", "settle", NANJING, "--forget", *command)
    assert (refused.returncode, "ACCESS_LOG_CONTRADICTED" in refused.stderr) == (1, True)


def test_a_start_finds_it_and_raises_the_alarm(demo: Demo, tmp_path: Path) -> None:
    mine = demo.copied(tmp_path / "demo")
    config, keys = mine.config, load_keys(mine.config.keys)
    put(config, another_log(config, tmp_path, size=5_000))
    for _ in range(2):
        with pytest.raises(AccessLogContradicted, match="has seen 5000 entries"):
            asyncio.run(check_access_log(config, keys))
    assert alarms(config) == [("LOG_CONTRADICTED", f"region:{NANJING}")]
    path = config.log_store
    for file in (path, path.with_name(f"{path.name}-wal"), config.log_vkey):
        file.unlink(missing_ok=True)  # moved away: a new log begins, and says what was seen
    asyncio.run(check_access_log(config, keys))
    (begun, *_) = read_entries(path)
    assert (begun["operation"], begun["what"]["before"][0]["size"]) == ("begin", 5_000)


def test_what_nobody_signed_ends_nothing_and_is_named(demo: Demo, tmp_path: Path) -> None:
    mine = demo.copied(tmp_path / "demo", sides_seconds=1)
    config = mine.config
    origin, _, *others = another_log(config, tmp_path)
    put(config, (origin, 900_000, *others))
    command = ("--config", mine.folder / "config.toml")
    with serving(mine, workers=2) as gateway:
        until(lambda: alarms(config) == [("WITNESS_UNREADABLE", f"region:{NANJING}")])
        assert gateway.ask("{ me { code } }").status_code == 200
        query = "{ alarms { edges { node { rule region address account } } } }"
        who = mine.account_of("auditor")
        (edge,) = gateway.data(query, who=who)["alarms"]["edges"]
        assert edge["node"] == {
            "rule": "WITNESS_UNREADABLE",
            "region": NANJING,
            "address": None,
            "account": None,
        }
        told = epigate("audit", "verify", *command)
        assert told.returncode == 0, told.stdout
        assert f"the witness of the region {NANJING} cannot be read" in told.stdout
        refused = epigate("access-log", "settle", NANJING, *command)
        assert (refused.returncode, "still cannot be read" in refused.stderr) == (1, True)
        done = epigate("access-log", "settle", NANJING, "--forget", *command)
        assert done.returncode == 0, done.stderr
        assert "settled: since" in done.stdout

        def nothing_stands() -> bool:  # a round under way may mark it once more
            again = epigate("access-log", "settle", NANJING, *command)
            return "nothing stands against" in again.stderr

        until(nothing_stands)
    told_of = [one for one in read_entries(config.log_store) if one["operation"] == "settle"]
    assert told_of[0]["what"]["forgotten"]["size"] == "900000"
    assert told_of[0]["what"]["region"] == NANJING
    assert "cannot be read" not in epigate("audit", "verify", *command).stdout


@pytest.mark.parametrize("damage", [{"root": "xyz"}, {"at": ""}, {"note": ""}, {"size": -1}])
def test_whatever_a_region_says_is_no_traceback(
    demo: Demo, tmp_path: Path, damage: dict[str, Any]
) -> None:
    mine = demo.copied(tmp_path / "demo")
    config, keys = mine.config, load_keys(mine.config.keys)
    names = ("origin", "size", "root", "note", "cosignature", "at")
    held = dict(zip(names, another_log(config, tmp_path), strict=True))
    put(config, tuple({**held, **damage}.values()))
    asyncio.run(check_access_log(config, keys))
    log = open_log_file(config, keys)
    sides = Sides(log.path, config.regions, keys.log_signing, log.signer.verifier)
    asyncio.run(sides.round())
    with closing(sqlite3.connect(log.path)) as store:
        assert [(one.region, one.proven) for one in contradictions_in(store)] == [(NANJING, False)]
    log.write([row(1)])
    log.close()
