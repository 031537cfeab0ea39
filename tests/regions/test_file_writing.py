"""What questions write: many to a commit, each refused for itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from regions.errors import NotFound
from regions.file_writing import FileWriter


@asynccontextmanager
async def writer(path: Path) -> AsyncIterator[FileWriter]:
    with closing(sqlite3.connect(path)) as store:
        store.execute("CREATE TABLE said (word TEXT PRIMARY KEY)")
    made = FileWriter(str(path))
    yield made
    await made.close()


def words(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as store:
        return [word for (word,) in store.execute("SELECT word FROM said ORDER BY word")]


async def say(writer: FileWriter, word: str, seen: list[int] | None = None) -> str:
    """Says a word once; `seen` gets how many statements the transaction had changed before."""

    def work(store: sqlite3.Connection) -> str:
        if word == "refused":
            raise NotFound("not this one")
        if seen is not None:
            seen.append(store.execute("SELECT count(*) FROM said").fetchone()[0])
        store.execute("INSERT INTO said VALUES (?)", (word,))
        return f"said {word}"

    def look(store: sqlite3.Connection) -> str | None:
        found = store.execute("SELECT 1 FROM said WHERE word = ?", (word,)).fetchone()
        return f"known {word}" if found else None

    return await writer.do(work, look)


def test_what_waits_together_is_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    versions: list[int] = []

    async def main() -> None:
        async with writer(path) as made:
            await say(made, "first")  # which makes the write-ahead log
            with closing(sqlite3.connect(path)) as watch:
                for _ in range(2):
                    versions.append(watch.execute("PRAGMA data_version").fetchone()[0])
                    asked = (say(made, word) for word in ("a", "b", "c"))
                    answers.append(await asyncio.gather(*asked))
                versions.append(watch.execute("PRAGMA data_version").fetchone()[0])

    answers: list[list[str]] = []
    asyncio.run(main())
    assert answers == [["said a", "said b", "said c"], ["known a", "known b", "known c"]]
    assert versions[1] == versions[0] + 1  # one commit for three
    assert versions[2] == versions[1]  # and none where there was nothing to write
    assert words(path) == ["a", "b", "c", "first"]


def test_a_refusal_is_of_one_and_the_others_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    seen: list[int] = []

    async def main() -> list[str | BaseException]:
        async with writer(path) as made:
            return await asyncio.gather(
                *(say(made, word, seen) for word in ("a", "refused", "b")), return_exceptions=True
            )

    first, second, third = asyncio.run(main())
    assert (first, third) == ("said a", "said b")
    assert isinstance(second, NotFound)
    assert seen == [0, 1]
    assert words(path) == ["a", "b"]


def test_a_failure_undoes_the_batch_and_the_next_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"

    async def main() -> list[str | BaseException]:
        async with writer(path) as made:

            def twice(store: sqlite3.Connection) -> str:
                store.execute("INSERT INTO said VALUES ('d'), ('d')")
                return "said d"

            found = await asyncio.gather(
                say(made, "a"), made.do(twice, lambda _: None), return_exceptions=True
            )
            return [*found, await say(made, "b")]

    first, second, third = asyncio.run(main())
    assert isinstance(first, sqlite3.IntegrityError)
    assert isinstance(second, sqlite3.IntegrityError)
    assert third == "said b"
    assert words(path) == ["b"]


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"

    async def main() -> None:
        made = FileWriter(str(path))
        with pytest.raises(sqlite3.OperationalError):
            await say(made, "a")
        await made.close()

    asyncio.run(main())
    assert not path.exists()
