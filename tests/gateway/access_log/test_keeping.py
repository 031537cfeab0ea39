"""Copies of the log, and removing what is old: the tree verifies all the same."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from gateway.access_log import keeping
from gateway.access_log.keeping import Pruning, backup, check_times, prune, pruning
from gateway.access_log.live import live_log
from gateway.access_log.log_file import LogFile
from regions.errors import AccessLogError, AccessLogTampered
from regions.instants import instant, seconds_of
from resolvers.access_log.merkle import inclusion_proof, leaf_hash, verify_inclusion
from resolvers.access_log.notes import open_checkpoint
from resolvers.access_log.tiles import hashes_in
from resolvers.access_log.verifying import verify
from tests.gateway.access_log.logs import (
    at_minute,
    entries_of,
    filled,
    forging,
    opened,
    row,
    stored,
)
from tests.resolvers.access_log.trees import tree_hash


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access-log.db"


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [n for (n,) in connection.execute("SELECT number FROM entries ORDER BY number")]


def aged(path: Path, old: int, young: int) -> list[bytes]:
    """A log of old entries and young ones; all of them."""
    log = opened(path)
    log.write([row(number, at_minute(0)) for number in range(old)])
    log.write([row(number, at_minute(60)) for number in range(old, old + young)])
    log.close()
    return entries_of(path)


def test_whole_tiles_of_old_entries_are_removed_and_the_tree_verifies(path: Path) -> None:
    known = aged(path, 700, 100)
    found = pruning(path, at_minute(30))
    assert found == Pruning(1, 512)
    log = opened(path)
    prune(log, found, at_minute(30))
    assert numbers(path) == list(range(513, 802))
    last = entries_of(path)[-1]
    told = orjson.loads(last)
    assert (told["operation"], told["what"]["last"]) == ("prune", 512)
    known.append(last)
    with stored(path) as tree:
        assert tree.edge().root() == tree_hash(known)
        hash_at = hashes_in(tree.tile_at)
        for index in (0, 511, 512, 800):  # what was removed is still proven by its hash
            proof = inclusion_proof(index, 801, hash_at)
            assert verify_inclusion(leaf_hash(known[index]), index, 801, proof, tree_hash(known))
    log.close()
    again = opened(path)
    assert again.verify() == 801
    again.write([row(801, at_minute(61))])
    assert pruning(path, at_minute(30)) == Pruning(513, 512)
    assert pruning(path, at_minute(30)).count == 0


def test_a_young_entry_keeps_all_behind_it(path: Path) -> None:
    log = opened(path)
    log.write([row(0, at_minute(0))] * 300)
    log.write([row(1, at_minute(60))])
    log.write([row(2, at_minute(1))] * 700)  # the clock went back
    assert pruning(path, at_minute(30)) == Pruning(1, 256)


def test_nothing_old_is_nothing_removed(path: Path) -> None:
    aged(path, 0, 300)
    found = pruning(path, at_minute(30))
    assert found.count == 0
    log = opened(path)
    prune(log, found, at_minute(30))
    assert len(numbers(path)) == 300


def test_when_all_is_old_the_last_tile_stays(path: Path) -> None:
    aged(path, 600, 0)
    assert pruning(path, at_minute(30)) == Pruning(1, 512)


DAY = 86_400.0


def days(path: Path, *steps: float) -> float:
    """A log of tiles of entries, so many days after each other; the last instant."""
    log, moment = opened(path), seconds_of("2026-01-01T00:00:00Z")
    for step in (0.0, *steps):
        moment += step * DAY
        log.write([row(number, instant(moment)) for number in range(256)])
    log.close()
    return moment


def test_a_clock_that_is_ahead_removes_nothing(path: Path) -> None:
    moment = days(path, 6, 6, 6)
    found = pruning(path, instant(moment - 10 * DAY))
    assert found == Pruning(1, 512)
    check_times(path, found, moment)
    check_times(path, found, moment + 6 * DAY)  # the gateway rests
    with pytest.raises(AccessLogError, match="behind entry the last one") as caught:
        check_times(path, found, moment + 8 * DAY)
    assert "--despite-gaps" in str(caught.value.hint)
    check_times(path, found, moment + 8 * DAY, gaps=True)
    with pytest.raises(AccessLogError, match="which is after now"):
        check_times(path, found, moment - 400, gaps=True)  # the clock was ahead, and is right now
    check_times(path, Pruning(1, 0), moment - 400)  # nothing would be removed


def test_a_jump_behind_what_would_be_removed_is_named(path: Path) -> None:
    moment = days(path, 1, 100, 1)  # put ahead while the gateway ran: all looks 100 days older
    found = pruning(path, instant(moment - 50 * DAY))
    assert found == Pruning(1, 512)
    with pytest.raises(AccessLogError, match="more than 7 days behind entry 512, from 2026-01-02"):
        check_times(path, found, moment)
    check_times(path, found, moment, gaps=True)


def test_a_jump_before_it_makes_nothing_older(path: Path) -> None:
    moment = days(path, 100, 6, 6, 6)
    check_times(path, Pruning(1, 512), moment)


def problems_of(path: Path, log: LogFile) -> list[str]:
    with live_log(path) as live:
        report = verify(live, [log.signer.verifier])
        found = [one.code for one in [*report.problems, *live.columns()]]
    return [one for one in found if one != "COLUMNS_CHANGED"]  # rows of tests say little


def test_a_pruned_log_is_verified_down_to_the_hashes_of_what_is_gone(path: Path) -> None:
    log = filled(path, 65_540, 8_000)  # a full tile above those of the entries
    prune(log, Pruning(1, 512), at_minute(30))
    assert problems_of(path, log) == []
    with forging(path) as file:
        (hashes,) = file.execute("SELECT hashes FROM tiles WHERE level = 0 AND tile = 0").fetchone()
        changed = bytes(32) + hashes[32:]
        file.execute("UPDATE tiles SET hashes = ? WHERE level = 0 AND tile = 0", (changed,))
    assert problems_of(path, log) == ["TILE_CHANGED"]
    with forging(path) as file:
        file.execute("DELETE FROM tiles WHERE level = 0 AND tile = 0")
    assert problems_of(path, log) == ["TILE_MISSING"]


@pytest.mark.parametrize("claimed", ["512", "1024", "9999999"])
def test_entries_that_were_removed_by_hand_are_not_pruned(path: Path, claimed: str) -> None:
    aged(path, 700, 100)
    with forging(path) as file:
        file.execute("INSERT INTO facts VALUES ('pruned_to', ?)", (claimed,))
        file.execute("DELETE FROM entries WHERE number <= 512")
    log = opened(path)
    assert "ENTRY_MISSING" in problems_of(path, log)


def test_more_removed_than_the_log_says(path: Path) -> None:
    aged(path, 700, 100)
    log = opened(path)
    prune(log, Pruning(1, 256), at_minute(30))
    assert problems_of(path, log) == []
    with forging(path) as file:
        file.execute("UPDATE facts SET value = '512' WHERE name = 'pruned_to'")
        file.execute("DELETE FROM entries WHERE number <= 512")
    assert problems_of(path, log) == ["ENTRY_MISSING"]
    with forging(path) as file:
        file.execute("UPDATE facts SET value = 'all' WHERE name = 'pruned_to'")
    with pytest.raises(AccessLogTampered, match="is no number"):
        problems_of(path, log)


def test_a_copy_is_one_moment_of_a_log_that_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_PAGES", 1)
    log = filled(path, 20_000, 5_000)
    ended = threading.Event()

    def write() -> None:
        other = opened(path)
        for number in range(3_000):
            if ended.is_set():
                break
            other.write([row(number)])
        other.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        signed = backup(log, path.with_name("copy.db"))
    finally:
        ended.set()
        writer.join()
    assert signed.size < 21_000  # and not behind all that came meanwhile


def test_a_copy_is_a_log_with_its_checkpoint_beside(path: Path) -> None:
    log = filled(path, 300)
    copy = path.with_name("copy.db")
    signed = backup(log, copy)
    assert signed.size == 301
    assert entries_of(copy) == entries_of(path)
    note = copy.with_name("copy.db.checkpoint").read_text("utf-8")
    assert open_checkpoint(note, [log.vkey]).checkpoint == signed
    assert opened(copy).verify() == 301
    with pytest.raises(AccessLogError, match="is there already"):
        backup(log, copy)
