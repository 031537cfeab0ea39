"""Entries, tree and signature in one file: together or not at all, for several writers."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from gateway.access_log import log_file
from gateway.access_log.tree import checkpoint_in
from regions.access_log import entries
from regions.errors import AccessLogError, AccessLogTampered
from regions.instants import instant
from resolvers.access_log.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from resolvers.access_log.notes import open_checkpoint
from tests.gateway.access_log.logs import (
    AT,
    SEED,
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


def root_of(path: Path) -> tuple[int, bytes]:
    """Size and root that the newest checkpoint of a file signs."""
    with closing(sqlite3.connect(path)) as connection:
        found = checkpoint_in(connection)
    assert found is not None
    signed = open_checkpoint(found.note, [opened(path).vkey]).checkpoint
    assert (signed.origin, signed.size, signed.root) == ("log", found.size, found.root)
    return found.size, found.root


def test_a_new_log_is_a_signed_tree_of_nothing(path: Path) -> None:
    opened(path)
    assert root_of(path) == (0, EMPTY_ROOT)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 600), min_size=1, max_size=6), st.integers(0, 3))
def test_every_commit_signs_the_tree_over_all_entries(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], reopened: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "access-log.db"
    log, count = opened(path), 0
    for place, batch in enumerate(batches):
        if place == reopened:
            log.close()
            log = opened(path)
        log.write([row(count + number) for number in range(batch)])
        count += batch
        found = entries_of(path)
        assert [orjson.loads(entry)["n"] for entry in found] == list(range(count))
        assert root_of(path) == (count, tree_hash(found))
    with stored(path) as tree:
        known = entries_of(path)
        root = tree.edge().root()
        for index in {0, count // 2, count - 1}:
            proof = inclusion_proof(index, count, tree.hash_at)
            assert verify_inclusion(leaf_hash(known[index]), index, count, proof, root)
        grown = consistency_proof(batches[0], count, tree.hash_at)
        old_root = tree_hash(known[: batches[0]])
        assert verify_consistency(batches[0], old_root, count, root, grown)


def test_more_than_a_tile_of_tiles(path: Path) -> None:
    """65,536 entries fill a tile of level 1: the rare commit of several statements."""
    log = filled(path, 65_530, batch=5_000)
    log.write([row(number) for number in range(65_530, 65_540)])
    assert root_of(path)[0] == 65_540
    log.close()
    log = opened(path)
    log.write([row(65_540)])
    size, root = root_of(path)
    assert (size, root) == (65_541, tree_hash(entries_of(path)))
    with closing(sqlite3.connect(path)) as connection:
        found = dict(connection.execute("SELECT level, count(*) FROM tiles GROUP BY level"))
    assert found == {0: 256, 1: 1}


def test_several_writers_go_on_where_the_others_stopped(path: Path) -> None:
    logs = [opened(path) for _ in range(3)]
    for number in range(90):
        logs[number * number % 3].write([row(number)])
    assert [orjson.loads(entry)["n"] for entry in entries_of(path)] == list(range(90))
    assert root_of(path) == (90, tree_hash(entries_of(path)))


def test_a_writer_that_was_away_for_long_takes_the_tiles(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "_FEW", 300)
    first, second = opened(path), opened(path)
    first.write([row(0)])
    second.write([row(number) for number in range(1, 1_000)])
    first.write([row(1_000)])
    assert root_of(path) == (1_001, tree_hash(entries_of(path)))


def test_long_entries_of_others_are_not_in_memory_together(path: Path) -> None:
    first, second = opened(path), opened(path)
    first.write([row(0)])
    long = orjson.dumps({"n": "x" * 100_000}).decode()
    for _ in range(4):
        second.write([(AT, "", "", "OK", long)] * 100)
    tracemalloc.start()
    try:
        first.write([row(1)])
        assert opened(path).verify() == 402  # 145 of them behind the last full tile
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000  # 400 have 40 MB
    assert root_of(path) == (402, tree_hash(entries_of(path)))


def test_a_log_of_version_0_1_is_taken_up(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(str(CreateTable(entries).compile(dialect=sqlite.dialect())))
        old = [(number + 1, *row(number)) for number in range(700)]
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", old)
        connection.commit()
    log = opened(path)
    assert root_of(path) == (700, tree_hash(entries_of(path)))
    log.write([row(700)])
    assert root_of(path) == (701, tree_hash(entries_of(path)))


def test_a_log_of_version_0_1_with_a_gap_is_not(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(str(CreateTable(entries).compile(dialect=sqlite.dialect())))
        connection.execute("INSERT INTO entries VALUES (2, '', '', '', '', '{}')")
        connection.commit()
    with pytest.raises(AccessLogTampered, match="entry 1 is missing"):
        opened(path)


def test_the_origin_is_made_once(path: Path) -> None:
    made = opened(path, origin="")
    assert made.signer.verifier.name.startswith("epigate-")
    assert opened(path, origin="").vkey == made.vkey
    with pytest.raises(AccessLogError, match="origin is epigate-"):
        opened(path, origin="another")


def test_one_checkpoint_a_minute_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1_795_312_800.0
    monkeypatch.setattr("time.time", lambda: seconds)
    monkeypatch.setattr(log_file, "now", lambda: instant(seconds))
    log = opened(path)
    for number in range(30):
        log.write([row(number)])
        seconds += 10
    with closing(sqlite3.connect(path)) as connection:
        sizes = [size for (size,) in connection.execute("SELECT size FROM checkpoints")]
    assert sizes == [0, 6, 12, 18, 24, 30]


def test_a_clock_that_goes_back_is_told_and_breaks_nothing(path: Path) -> None:
    log = opened(path)
    log.write([row(0, at_minute(70)), row(1, at_minute(10)), row(2, at_minute(11))])
    log.write([row(3, "2026-11-22T09:09:57Z"), row(4, at_minute(71)), row(5, at_minute(71))])
    log.close()
    log = opened(path)
    log.write([row(6, at_minute(12))])
    found = [orjson.loads(entry) for entry in entries_of(path)]
    clocks = [entry.get("clock") for entry in found]
    late = at_minute(70)
    assert clocks == [None, late, late, None, None, None, at_minute(71)]
    assert [entry["n"] for entry in found] == list(range(7))
    assert root_of(path) == (7, tree_hash(entries_of(path)))


def test_our_own_mistakes_change_and_delete_nothing(path: Path) -> None:
    filled(path, 3)
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            connection.execute("UPDATE entries SET entry = '{}' WHERE number = 2")
        with pytest.raises(sqlite3.IntegrityError, match="only removed by pruning"):
            connection.execute("DELETE FROM entries WHERE number = 3")


def test_a_row_that_cannot_be_written_leaves_the_tree(path: Path) -> None:
    log = filled(path, 3)
    with pytest.raises(UnicodeError):
        log.write([row(3), (AT, "\ud800", "", "", "{}")])
    log.write([row(3)])
    assert root_of(path) == (4, tree_hash(entries_of(path)))


def forget_entry(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM entries WHERE number = 297")


def forget_the_last(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM entries WHERE number > 295")


def change_entry(file: sqlite3.Connection) -> None:
    file.execute("UPDATE entries SET entry = replace(entry, 'n', 'm') WHERE number = 260")


def swap_entries(file: sqlite3.Connection) -> None:
    file.execute("UPDATE entries SET number = 1000 WHERE number = 290")
    file.execute("UPDATE entries SET number = 290 WHERE number = 291")
    file.execute("UPDATE entries SET number = 291 WHERE number = 1000")


def add_entry(file: sqlite3.Connection) -> None:
    file.execute("INSERT INTO entries SELECT 301, at, account, operation, result, entry "
                 "FROM entries WHERE number = 300")  # fmt: skip


def change_tile(file: sqlite3.Connection) -> None:
    file.execute("UPDATE tiles SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)")


def cut_tile(file: sqlite3.Connection) -> None:
    file.execute("UPDATE tiles SET hashes = substr(hashes, 33)")


def forget_tile(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM tiles")


def change_root(file: sqlite3.Connection) -> None:
    file.execute("UPDATE checkpoints SET root = zeroblob(32)")


def change_note(file: sqlite3.Connection) -> None:
    file.execute("UPDATE checkpoints SET note = replace(note, '300', '299')")


def an_older_checkpoint(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM checkpoints WHERE size = 300")


def no_checkpoint(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM checkpoints")


TAMPERED = [
    forget_entry,
    forget_the_last,
    change_entry,
    swap_entries,
    add_entry,
    change_tile,
    cut_tile,
    forget_tile,
    change_root,
    change_note,
    an_older_checkpoint,
    no_checkpoint,
]


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda one: one.__name__)
def test_nothing_is_appended_to_a_log_that_was_changed(
    path: Path, tamper: Callable[[sqlite3.Connection], None]
) -> None:
    filled(path, 300).close()
    with forging(path) as file:
        tamper(file)
    with pytest.raises(AccessLogTampered, match="does not verify"):
        opened(path).write([row(300)])


def test_an_older_file_under_a_running_writer_is_noticed(path: Path) -> None:
    log = filled(path, 5)
    with forging(path) as file:
        file.execute("DELETE FROM entries WHERE number > 3")
        file.execute("DELETE FROM checkpoints")
        older = opened(path.with_name("other.db"))
        older.write([row(0), row(1), row(2)])
        with closing(sqlite3.connect(older.path)) as other:
            found = checkpoint_in(other)
        assert found is not None
        file.execute(
            "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
            (found.size, found.at, found.root, found.note),
        )
    second = opened(path)
    second.write([row(number) for number in range(9)])
    for _ in range(3):  # nor is it forgotten
        with pytest.raises(AccessLogTampered):
            log.write([row(5)])


def test_a_log_signed_by_another_key_is_not_gone_on_with(path: Path) -> None:
    filled(path, 5).close()
    with pytest.raises(AccessLogTampered, match="no signature by a known key"):
        opened(path, bytes(32)).write([row(5)])
    assert bytes(32) != SEED
