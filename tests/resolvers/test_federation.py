"""Regions that are down, slow, broken or kept out: they are named, and the rest answers in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regions.contacts import contacts
from regions.keys import Keys
from regions.reading import Read
from regions.settings import RegionSettings
from resolvers.federation import Federation
from tests.answering import Gateway, viewer
from tests.records import Population

LIST = """{ contacts(first: 1000) { totalCount edges { node { id code } }
    regions { code state records } } }"""
DOWN = "320200"  # the second region, 6 of 24 contacts

Regions = tuple[RegionSettings, ...]


def store_of(regions: Regions) -> Path:
    path = regions[1].path
    assert path is not None
    return path


def _missing(path: Path) -> None:
    path.unlink()


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(50_000))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE contacts (id)")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


_BREAKAGES = [_missing, _garbage, _cut, _empty, _other, _folder]


def assert_named(asked: Any, state: str, root: str = "contacts") -> None:
    """The rest answered, and the region is named in `regions` and in an error."""
    assert [one["state"] for one in asked.data[root]["regions"]] == [
        "ANSWERED",
        state,
        "ANSWERED",
        "ANSWERED",
    ]
    (error,) = asked.errors
    assert error["path"] == [root]
    assert error["extensions"] == {
        "code": "REGION_UNAVAILABLE",
        "region": DOWN,
        "state": state,
    }
    assert asked.told["regions"][DOWN] == state


@pytest.mark.parametrize("planning", [True, False])
@pytest.mark.parametrize("breakage", _BREAKAGES)
def test_a_region_without_a_store_is_named_and_the_rest_answers(
    copies: Regions,
    make: Callable[..., Gateway],
    population: Population,
    breakage: Callable[[Path], None],
    planning: bool,
) -> None:
    breakage(store_of(copies))
    asked = make(copies).ask(LIST, planning=planning)
    assert_named(asked, "UNREACHABLE")
    rest = [row for row in population.of(contacts) if not row["code"].startswith("3202")]
    assert asked.data["contacts"]["totalCount"] == len(rest) == 18
    assert len(asked.data["contacts"]["edges"]) == 18
    (_, down, *_) = asked.data["contacts"]["regions"]
    assert down["records"] is None
    assert str(store_of(copies)) not in asked.answer.body.decode()


@pytest.mark.parametrize("breakage", [_missing, _other])
def test_a_store_taken_away_is_noticed_and_noticed_again_when_it_is_back(
    copies: Regions, make: Callable[..., Gateway], tmp_path: Path, breakage: Callable[[Path], None]
) -> None:
    gateway, path = make(copies), store_of(copies)
    assert gateway.ask(LIST).errors == []
    shutil.copyfile(path, tmp_path / "kept")
    breakage(path)
    time.sleep(0.06)  # for so long a file is believed to be where it was
    assert_named(gateway.ask(LIST), "UNREACHABLE")
    path.unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "kept", path)
    time.sleep(0.06)
    assert gateway.ask(LIST).errors == []


_LOCK = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA locking_mode=EXCLUSIVE")
store.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The store held by another process, which lets nobody read."""
    command = [sys.executable, "-c", _LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            process.communicate()


def test_a_locked_store_times_out_and_then_answers(
    copies: Regions, make: Callable[..., Gateway]
) -> None:
    gateway = make(copies)
    with locked(store_of(copies)):
        for planning in (True, False):
            asked = gateway.ask(LIST, planning=planning)
            assert_named(asked, "TIMED_OUT")
    assert gateway.ask(LIST).errors == []


def test_a_slow_region_does_not_hold_up_the_others(
    copies: Regions, make: Callable[..., Gateway]
) -> None:
    """While questions wait for one region as many others are answered."""
    slow = tuple(replace(one, deadline=1.0) for one in copies)
    gateway = make(slow, breaker_failures=100)
    order: list[str] = []

    async def ask(code: str) -> None:
        asked = await gateway.asking(LIST, viewer(code))
        order.append(code)
        assert bool(asked.errors) is (code == "320200")

    async def work() -> None:
        held = [asyncio.create_task(ask("320200")) for _ in range(10)]
        await asyncio.sleep(0.1)  # so that threads hang in it
        for _ in range(5):
            await asyncio.gather(*(ask(code) for code in ("320100", "340500", "500000")))
        await asyncio.gather(*held)

    with locked(store_of(slow)):
        gateway.run(work())
    assert order[:15].count("320200") == 0
    assert order.count("320200") == 10


def test_a_statement_that_takes_too_long_is_ended(
    copies: Regions, make: Callable[..., Gateway]
) -> None:
    from regions.reading import Read

    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    gateway = make(copies)
    for _ in range(3):  # more than one region may run at once
        reads = [Read(1, endless, ()), Read(1, endless, ()), Read(0, "SELECT 1", ())]
        slow, other, quick = gateway.run(gateway.federation.ask(reads))
        assert slow.failure.timed_out
        assert other.failure.timed_out
        assert quick.rows == [(1,)]
    assert gateway.ask(LIST, viewer("320100")).errors == []


def test_each_region_has_its_own_deadline(copies: Regions, make: Callable[..., Gateway]) -> None:
    gateway = make((copies[0], replace(copies[1], deadline=0.1), *copies[2:]))
    with locked(store_of(copies)):
        assert_named(gateway.ask(LIST), "TIMED_OUT")
    assert gateway.ask(LIST).errors == []


def test_the_breaker_opens_and_lets_one_try_after_a_while(
    copies: Regions, make: Callable[..., Gateway], tmp_path: Path
) -> None:
    gateway, path = make(copies, breaker_failures=3, breaker_seconds=0.2), store_of(copies)
    path.rename(tmp_path / "away")
    states = [gateway.ask(LIST).data["contacts"]["regions"][1]["state"] for _ in range(5)]
    assert states == ["UNREACHABLE"] * 3 + ["REFUSED"] * 2
    asked = gateway.ask(LIST)
    assert_named(asked, "REFUSED")
    (_, refused, *_) = asked.data["contacts"]["regions"]
    assert refused["records"] is None
    (_, region, *_) = gateway.ask("{ regions { code state } }").data["regions"]
    assert region == {"code": DOWN, "state": "REFUSED"}
    time.sleep(0.25)
    assert_named(gateway.ask(LIST), "UNREACHABLE")  # the trial failed
    assert_named(gateway.ask(LIST), "REFUSED")
    (tmp_path / "away").rename(path)
    assert_named(gateway.ask(LIST), "REFUSED")
    time.sleep(0.25)
    assert gateway.ask(LIST).errors == []
    assert gateway.ask(LIST).errors == []


def test_regions_are_told_as_they_are_now(copies: Regions, make: Callable[..., Gateway]) -> None:
    store_of(copies).unlink()
    asked = make(copies).ask("{ regions { code nameZh nameEn prefixes state } }")
    assert asked.errors == []
    assert [one["state"] for one in asked.data["regions"]] == [
        "ANSWERED",
        "UNREACHABLE",
        "ANSWERED",
        "ANSWERED",
    ]
    assert asked.data["regions"][0] == {
        "code": "320100",
        "nameZh": "南京市",
        "nameEn": "Nanjing",
        "prefixes": ["3201"],
        "state": "ANSWERED",
    }


@pytest.mark.parametrize("prefixes", [["3201"], ["32"], ["320104"], ["3201", "5001"], [""], []])
def test_only_regions_that_can_matter_are_concerned(
    copies: Regions, shared_keys: Keys, prefixes: list[str]
) -> None:
    found = Federation(copies, shared_keys).concerned(prefixes)
    expected = [
        i
        for i, region in enumerate(copies)
        for prefix in region.prefixes
        if any(prefix.startswith(one) or one.startswith(prefix) for one in prefixes)
    ]
    assert list(found) == expected


def test_one_question_is_one_failure_however_much_it_asked_for(
    copies: Regions, make: Callable[..., Gateway]
) -> None:
    """One who asks for many relations must not take a region away from everybody."""
    store_of(copies).unlink()
    gateway = make(copies, breaker_failures=3)
    reads = [Read(region, "SELECT 1", ()) for region in (1, 0, 1, 1, 1, 1)]
    for asked in range(3):
        assert not gateway.federation.breakers[1].open
        answers = gateway.run(gateway.federation.ask(reads))
        assert [answer.failure is None for answer in answers] == [False, True] + [False] * 4
        assert gateway.federation.breakers[1].open == (asked == 2)
