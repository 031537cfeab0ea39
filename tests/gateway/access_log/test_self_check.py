"""The look at the log's own file while it is served: what was changed is found, and ends it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.access_log import log_file
from gateway.access_log import self_check as module
from gateway.access_log.contradictions import ITSELF, contradictions_in
from gateway.access_log.log_file import LogFile
from gateway.access_log.reading import read_entries
from gateway.access_log.self_check import SelfCheck, settle_itself
from regions.errors import AccessLogContradicted, InvalidInput
from resolvers.access_log.notes import Checkpoint, sign_checkpoint
from tests.gateway.access_log.logs import at_minute, filled, forging, opened, row
from tests.gateway.access_log.test_contradictions import alarms, until
from tests.gateway.test_audit import epigate
from tests.served import Demo, serving

_DAMAGE = (
    "UPDATE tiles SET hashes = CAST(? || substr(hashes, 2) AS BLOB) WHERE level = 0 AND tile = ?",
    "UPDATE tiles SET hashes = ? || substr(hashes, 2) WHERE level = 0 AND tile = ?",  # a text
    "DELETE FROM tiles WHERE ? <> '' AND tile = ?",
)


def rounds(log: LogFile, most: int = 100) -> int:
    """Looks at everything at least once; how many entries were looked at."""
    check = SelfCheck(log.path, log.signer.verifier)
    return sum(asyncio.run(check.round()) for _ in range(most))


def told(log: LogFile) -> list[str]:
    with closing(sqlite3.connect(log.path)) as store:
        return [one.region for one in contradictions_in(store)]


def test_a_log_that_is_as_signed_is_left_alone(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.db", 0)
    assert rounds(log, 2) == 0
    log.write([row(number) for number in range(700)])
    assert rounds(log, 3) >= 700
    log.write([row(700)])
    assert told(log) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_entry_is_found_wherever_it_is(tmp_path: Path, place: int) -> None:
    log = filled(tmp_path / "log.db", 700)
    with forging(log.path) as store:
        changed = ('{"at":"","n":-1}', place * 256 + 7)
        store.execute("UPDATE entries SET entry = ? WHERE number = ?", changed)
    with pytest.raises(AccessLogContradicted, match="the access log contradicts itself"):
        rounds(log)
    assert told(log) == [ITSELF]
    for one in (log, opened(log.path)):
        with pytest.raises(AccessLogContradicted, match="contradicts itself"):
            one.write([row(701)])
    with pytest.raises(AccessLogContradicted):
        settle_itself(log)
    assert told(log) == [ITSELF]


def test_a_missing_entry_is_found(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.db", 700)
    with forging(log.path) as store:
        store.execute("DELETE FROM entries WHERE number = 300")
    with pytest.raises(AccessLogContradicted, match="ENTRY_MISSING"):
        rounds(log)


@pytest.mark.parametrize("damage", _DAMAGE, ids=["flipped", "text", "gone"])
def test_a_damaged_tile_is_found_and_made_anew_of_its_entries(tmp_path: Path, damage: str) -> None:
    log = filled(tmp_path / "log.db", 700)
    with forging(log.path) as store:
        store.execute(damage, (b"\x00", 1))
    with pytest.raises(AccessLogContradicted):
        rounds(log)
    with pytest.raises(AccessLogContradicted):
        log.write([row(701)])
    (stood,) = settle_itself(log)
    assert stood.region == ITSELF
    assert told(log) == []
    log.write([row(702, at_minute(1))])
    *_, settled, last = read_entries(log.path, limit=1_000)
    assert (settled["operation"], settled["what"]["tiles"]) == ("settle", [1])
    assert last["n"] == 702
    assert rounds(log, 3) >= 702
    with pytest.raises(InvalidInput):
        settle_itself(log)


def _of_minutes(path: Path, minutes: int) -> LogFile:
    """A log of so many minutes."""
    log = opened(path)
    for minute in range(minutes):
        log.write([row(20 * minute + number, at_minute(minute)) for number in range(20)])
    return log


def _another_root(log: LogFile, size: int) -> str:
    return sign_checkpoint(Checkpoint(log.signer.verifier.name, size, bytes(32)), log.signer)


@pytest.mark.parametrize("place", [1, 17, 38])
@pytest.mark.parametrize("what", ["another tree", "its row", "its signature", "a text"])
def test_an_altered_older_checkpoint_is_found_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, place: int
) -> None:
    monkeypatch.setattr(log_file, "KEEP_SECONDS", 0)  # else one is kept a minute
    log = _of_minutes(tmp_path / "log.db", 40)
    assert rounds(log, 6) > 0
    assert told(log) == []
    with forging(log.path) as store:
        kept = store.execute("SELECT size, note FROM checkpoints ORDER BY size").fetchall()
        assert len(kept) >= 40
        size, note = kept[place]
        root: object = store.execute(_ROOT_OF, (size,)).fetchone()[0]
        if what == "another tree":  # by whoever has the key: the log was another one then
            note, root = _another_root(log, size), bytes(32)
        elif what == "its row":
            note = kept[place - 1][1]
        elif what == "its signature":
            text, signed = note.split("\n\n")
            note = f"{text}\n\n{signed[:-12]}{signed[-12:-4].swapcase()}{signed[-4:]}"
        else:
            root = "x"
        store.execute(
            "UPDATE checkpoints SET note = ?, root = ? WHERE size = ?", (note, root, size)
        )
    with pytest.raises(AccessLogContradicted, match="the access log contradicts itself"):
        rounds(log)
    assert told(log) == [ITSELF]


_ROOT_OF = "SELECT root FROM checkpoints WHERE size = ?"


def test_what_was_pruned_is_not_missed(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.db", 700)
    with forging(log.path) as store:
        store.execute("DELETE FROM entries WHERE number <= 512")
        store.execute("INSERT INTO facts VALUES ('pruned_to', '512')")
    assert rounds(log, 5) >= 188
    assert told(log) == []


def test_a_round_is_of_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(tmp_path / "log.db", 256 * 20)
    check = SelfCheck(log.path, log.signer.verifier)
    monkeypatch.setattr(module, "_LITTLE", 0)
    monkeypatch.setattr(module, "_MUCH", 1)
    for _ in range(4):
        asyncio.run(check.round())
    assert check._tiles == 1
    assert asyncio.run(check.round()) <= 256
    monkeypatch.setattr(module, "_LITTLE", 1 << 30)
    for _ in range(8):
        asyncio.run(check.round())
    assert check._tiles == module._MOST


def test_a_gateway_whose_log_was_changed_stops_answering(demo: Demo, tmp_path: Path) -> None:
    mine = demo.copied(tmp_path / "demo", check_seconds=1)
    config = mine.config
    command = ("--config", mine.folder / "config.toml")
    with serving(mine, workers=2) as gateway:
        assert gateway.ask("{ me { code } }").status_code == 200
        with closing(sqlite3.connect(config.log_store, timeout=10)) as store, store:
            store.execute("DROP TRIGGER entries_unchanged")
            store.execute("UPDATE entries SET entry = replace(entry, '}', ' }') WHERE number = 1")
        until(lambda: gateway.ask("{ me { code } }").status_code == 503)
        answer = gateway.ask("{ me { code } }").json()
        assert answer["errors"][0]["extensions"]["code"] == "ACCESS_LOG_CONTRADICTED"
        until(lambda: alarms(config) == [("LOG_CONTRADICTED", "log:")])
    said = epigate("audit", "verify", *command)
    assert said.returncode == 1
    assert "the log contradicts itself" in said.stdout
    refused = epigate("access-log", "settle", "itself", *command)
    assert (refused.returncode, "ACCESS_LOG_CONTRADICTED" in refused.stderr) == (1, True)
