"""Whether somebody else has changed a store, asked by the thread that answers questions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway._changes import Changes
from regions.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "store.db"
    with closing(sqlite3.connect(made)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("CREATE TABLE said (word TEXT)")
    return made


@pytest.fixture
def changes(path: Path) -> Iterator[Changes]:
    made = Changes(path)
    yield made
    made.close()


def test_a_commit_changes_the_version_and_nothing_else_does(path: Path, changes: Changes) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        before = changes.version()
        store.execute("SELECT * FROM said").fetchall()
        assert changes.version() == before
        store.execute("INSERT INTO said VALUES ('a')")
        assert changes.version() != before


def test_another_file_in_its_place_is_another_version(path: Path, changes: Changes) -> None:
    before = changes.version()
    other = path.with_name("other.db")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    assert changes.version() != before


def test_a_locked_store_does_not_answer_and_is_not_waited_for(path: Path, changes: Changes) -> None:
    lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    lock.execute("PRAGMA locking_mode=EXCLUSIVE")
    lock.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(1.5, lock.close)  # whoever waits is answered after all
    release.start()
    try:
        with pytest.raises(StoreError, match="does not answer"):
            changes.version()
    finally:
        release.join()
    assert changes.version()


def test_a_store_that_is_away_does_not_answer(path: Path, changes: Changes) -> None:
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(StoreError, match="does not answer"):
        changes.version()
    away.rename(path)
    assert changes.version()
