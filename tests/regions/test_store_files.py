"""A region's file that is replaced, as by a restore, while it is read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
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
