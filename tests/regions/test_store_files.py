"""A region's file that is replaced, as by a restore, while it is read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from regions import store_files
from regions.reading import Failure, Read, Readers
from regions.settings import RegionSettings
from regions.store_files import StoreFile

_WORD = "SELECT word FROM said"
_SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000)"
    " SELECT word, (SELECT count(*) FROM n) FROM said"
)


def say(path: Path, word: str) -> None:
    """Puts a store that says a word in the place of whatever is there."""
    new = path.with_suffix(".new")
    with closing(sqlite3.connect(new)) as connection:
        connection.execute("CREATE TABLE said (word TEXT)")
        connection.execute("INSERT INTO said VALUES (?)", (word,))
        connection.commit()
    os.replace(new, path)


@pytest.fixture
def region(tmp_path: Path) -> RegionSettings:
    path = tmp_path / "320100.db"
    say(path, "old")
    return RegionSettings("320100", "南京", "Nanjing", ("3201",), path, None, 5.0)


@pytest.fixture
def file(region: RegionSettings) -> Iterator[StoreFile]:
    made = StoreFile(region)
    yield made
    made.close()


def word(file: StoreFile) -> str:
    """What a reader reads now."""
    connection = file.connection()
    found: str = connection.execute(_WORD).fetchone()[0]
    file.release(connection)
    return found


def test_a_connection_that_was_in_use_is_not_used_again_for_a_file_replaced_meanwhile(
    region: RegionSettings,
) -> None:
    async def read() -> list[str]:
        readers = Readers([region])
        assert region.path is not None

        async def ask(sql: str) -> str:
            (answer,) = await readers.ask([Read(0, sql, ())], 5.0)
            return str(answer.rows[0][0])

        await ask(_WORD)
        slow = asyncio.create_task(ask(_SLOW))
        await asyncio.sleep(2 * store_files._RECHECK)
        say(region.path, "new")
        await asyncio.sleep(2 * store_files._RECHECK)
        assert await ask(_WORD) == "new"
        assert await slow == "old"
        found = [await ask(_WORD) for _ in range(4)]
        await readers.close()
        return found

    assert set(asyncio.run(read())) == {"new"}


def test_a_version_is_never_newer_than_what_is_read_after_it(
    file: StoreFile, region: RegionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is remembered under the version from before it was read."""
    assert region.path is not None
    seen: dict[int, str] = {}
    for recheck in (0.0, 60.0, 60.0, 0.0, 60.0, 0.0, 0.0):
        monkeypatch.setattr(store_files, "_RECHECK", recheck)
        version = file.version()
        assert seen.setdefault(version, word(file)) == word(file)
        say(region.path, f"word {len(seen)} {recheck}")


def test_a_commit_by_anybody_else_changes_the_version(
    file: StoreFile, region: RegionSettings
) -> None:
    before = file.version()
    assert file.version() == before
    assert region.path is not None
    with closing(sqlite3.connect(region.path)) as connection:
        connection.execute("UPDATE said SET word = 'changed'")
        connection.commit()
    assert file.version() != before


def test_a_file_that_was_away_is_looked_at_anew(
    file: StoreFile, region: RegionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert region.path is not None
    monkeypatch.setattr(store_files, "_RECHECK", 0.0)
    before, _ = file.version(), word(file)
    away = region.path.rename(region.path.with_suffix(".away"))
    for ask in (file.version, file.connection):
        with pytest.raises(Failure, match="cannot be reached"):
            ask()
    assert not file.idle
    away.rename(region.path)
    assert (file.version() != before, word(file)) == (True, "old")


def test_a_file_cut_off_is_not_answered_from_what_was_read_before(
    file: StoreFile, region: RegionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert region.path is not None
    monkeypatch.setattr(store_files, "_RECHECK", 0.0)
    with closing(sqlite3.connect(region.path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # as every store of ours
    before, _ = file.version(), word(file)
    content = region.path.read_bytes()
    os.truncate(region.path, 0)
    with pytest.raises(sqlite3.Error):
        word(file)
    assert file.version() != before
    region.path.write_bytes(content)
    assert word(file) == "old"


_CUT_OFF_WHILE_READ = """
import os, sqlite3, sys
from pathlib import Path
from regions.settings import RegionSettings
from regions.store_files import StoreFile
path = Path(sys.argv[1])
file = StoreFile(RegionSettings("320100", "南京", "Nanjing", ("3201",), path, None, 5.0))
rows = file.connection().execute("SELECT word FROM said")
rows.fetchone()
os.truncate(path, 0)
try:
    rows.fetchall()
except sqlite3.Error as error:
    print("failed:", error)
"""


def test_a_file_cut_off_while_it_is_read_fails_the_read_and_not_the_process(
    region: RegionSettings,
) -> None:
    assert region.path is not None
    with closing(sqlite3.connect(region.path)) as connection:
        more = [("x" * 4096,) for _ in range(500)]
        connection.executemany("INSERT INTO said VALUES (?)", more)
        connection.commit()
    read = [sys.executable, "-c", _CUT_OFF_WHILE_READ, str(region.path)]
    ended = subprocess.run(read, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout[:7]) == (0, "failed:"), ended.stderr
