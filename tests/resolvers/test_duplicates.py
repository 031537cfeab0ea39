"""The duplicate check's limits: so many candidates an hour, and trying out numbers shows (F2)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from regions.engines import sqlite_engine
from regions.errors import TooManyCandidates
from regions.instants import now
from regions.keys import Keys
from resolvers.central import Central
from resolvers.duplicates import Candidate, DuplicateLimit, near_parts
from tests.stores import declared_central

_BYTES: Any = [bytes([number]) * 32 for number in (1, 2, 3, 4, 5)]
KEYS = Keys(*_BYTES)


def person(number: int, *, area: str = "320102", day: str = "19900101") -> Candidate:
    return Candidate(f"{area}{day}{number:03}X", None, None, None)


@asynccontextmanager
async def limit(
    path: Path, per_hour: int = 20, clock: Callable[[], str] = now
) -> AsyncIterator[DuplicateLimit]:
    engine = sqlite_engine(str(declared_central(path)))
    try:
        yield DuplicateLimit(Central(engine, KEYS), KEYS.names, per_hour=per_hour, clock=clock)
    finally:
        await engine.dispose()


@pytest.mark.leak(17)
def test_numbers_tried_one_by_one_are_near_in_any_order(tmp_path: Path) -> None:
    numbers = list(range(12))
    Random(7).shuffle(numbers)

    async def work() -> list[int]:
        async with limit(tmp_path / "gateway.db") as made:
            return [(await made.count("nanjing", person(n)))["near"] for n in numbers]

    assert asyncio.run(work()) == list(range(1, 13))


def test_people_of_a_line_list_are_not(tmp_path: Path) -> None:
    random = Random(7)

    async def work() -> dict[str, int]:
        async with limit(tmp_path / "gateway.db", 200) as made:
            for n in range(100):
                day = f"19{random.randrange(40, 99)}0{random.randrange(1, 9)}1{n % 10}"
                found = await made.count("nanjing", person(n, day=day))
            return found

    found = asyncio.run(work())
    assert found["candidates"] == 100
    assert found["near"] <= 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Candidate(None, "13900000001", None, None), Candidate(None, "13900000999", None, None)),
        (Candidate("320102900101001", None, None, None), person(2)),  # 15 digits and 18
        (
            Candidate(None, None, "王 芳", "1990-01-01"),
            Candidate(None, None, "王芳", "1990-01-02"),
        ),
    ],
    ids=["phones", "old and new ID numbers", "a name and all its birthdays"],
)
def test_what_is_near(one: Candidate, other: Candidate) -> None:
    (first,), (second,) = near_parts(one).values(), near_parts(other).values()
    assert first[0] != second[0]
    assert first[1] == second[1] != ""


def test_short_numbers_are_near_to_nothing() -> None:
    assert near_parts(Candidate("G12345", "110", "", "1990-01-01")) == {
        "id": ("G12345", ""),
        "phone": ("110", ""),
    }


@pytest.mark.leak(17)
def test_over_the_limit_is_refused_until_an_hour_has_passed(
    tmp_path: Path,
) -> None:
    clock = ["2026-11-22T04:00:00Z"]

    async def work() -> None:
        async with limit(tmp_path / "gateway.db", 3, lambda: clock[0]) as made:
            for n in range(3):
                clock[0] = f"2026-11-22T04:0{n}:00Z"
                await made.count("nanjing", person(n))
            with pytest.raises(TooManyCandidates) as refused:
                await made.count("nanjing", person(3))
            assert refused.value.details == {"limit": 3, "retryAfterSeconds": 3_480}
            assert (await made.count("nanjing", person(1)))["candidates"] == 3  # known already
            assert (await made.count("wuxi", person(3)))["candidates"] == 1
            clock[0] = "2026-11-22T05:00:00Z"
            assert (await made.count("nanjing", person(3)))["candidates"] == 3

    asyncio.run(work())


@pytest.mark.leak(17)
def test_nothing_that_was_tried_can_be_read_or_matched(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"

    async def work() -> None:
        async with limit(path) as made:
            for account in ("nanjing", "wuxi"):
                tried = Candidate("32010219900101001X", None, "王芳", "1990-01-01")
                await made.count(account, tried)

    asyncio.run(work())
    with closing(sqlite3.connect(path)) as store:
        rows: list[Any] = store.execute("SELECT candidate, near FROM duplicate_checks").fetchall()
    values = [value for row in rows for value in row]
    assert len(set(values)) == len(values) == 8
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"19900101" not in raw
    assert "王芳".encode() not in raw


def test_registering_is_counted_by_itself_and_never_refused(tmp_path: Path) -> None:
    numbers = [str(person(n).id_number) for n in range(30)]

    async def work() -> None:
        async with limit(tmp_path / "gateway.db", 3) as made:
            assert await made.note("nanjing", numbers[:12]) == {"candidates": 12, "near": 12}
            assert await made.note("nanjing", numbers) == {"candidates": 30, "near": 30}
            assert (await made.count("nanjing", person(1)))["candidates"] == 1

    asyncio.run(work())
