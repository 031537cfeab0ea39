"""Answers given again: while they are true, to those with the same rights, within bounds."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from regions.contacts import contacts
from regions.settings import RegionSettings
from resolvers.questions.remembered import Remembered
from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.stores import in_store

_LIST = """{ contacts(first: 5) { totalCount edges { cursor node { id name level } }
    regions { code state records } pageInfo { endCursor } } }"""
_MEGABYTE = 1 << 20


@pytest.fixture
def remembering(copies: tuple[RegionSettings, ...], make: Callable[..., Gateway]) -> Gateway:
    """A gateway that remembers."""
    return make(tuple(replace(one, deadline=5.0) for one in copies), remember=_MEGABYTE)


def _asked_stores(gateway: Gateway, *args: Any, **more: Any) -> bool:
    """Whether the answer was read from the stores; it is the same as without remembering."""
    asked = gateway.ask(*args, **more)
    read = bool(gateway.reads)
    again = gateway.ask(*args, **more, planning=False)
    assert asked.data == again.data
    return read


def _change(connection: Connection) -> None:
    connection.execute(update(contacts).values(level="GENERAL"))


_OTHER_PROCESS = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    store.execute("UPDATE contacts SET level = 'GENERAL'")
"""


def test_the_same_question_is_answered_again_without_the_stores(remembering: Gateway) -> None:
    first = remembering.ask(_LIST)
    assert remembering.reads
    again = remembering.ask(_LIST)
    assert not remembering.reads
    assert again.answer.body == first.answer.body
    assert again.told == first.told
    assert again.told["count"] == 5


@pytest.mark.parametrize("region", [0, 3])
def test_any_commit_in_any_region_is_seen_at_once(remembering: Gateway, region: int) -> None:
    assert _asked_stores(remembering, _LIST)
    assert not _asked_stores(remembering, _LIST)
    in_store(remembering.regions[region], _change)
    assert _asked_stores(remembering, _LIST)
    assert not _asked_stores(remembering, _LIST)


def test_a_commit_by_another_process_is_seen_at_once(remembering: Gateway) -> None:
    assert _asked_stores(remembering, _LIST)
    path = remembering.regions[0].path
    subprocess.run([sys.executable, "-c", _OTHER_PROCESS, str(path)], check=True)
    assert _asked_stores(remembering, _LIST)
    levels = {e["node"]["level"] for e in remembering.ask(_LIST).data["contacts"]["edges"]}
    assert "GENERAL" in levels


def test_a_store_replaced_is_seen(remembering: Gateway, tmp_path: Path) -> None:
    assert _asked_stores(remembering, _LIST)
    path = remembering.regions[0].path
    assert path is not None
    path.with_suffix(".new").write_bytes(path.read_bytes())
    in_store(replace(remembering.regions[0], path=path.with_suffix(".new")), _change)
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.with_suffix(".new").rename(path)
    time.sleep(0.06)  # for so long a file is believed to be where it was
    assert _asked_stores(remembering, _LIST)


def test_nothing_is_remembered_of_an_answer_with_a_region_missing(remembering: Gateway) -> None:
    path = remembering.regions[1].path
    assert path is not None
    moved = path.rename(path.with_suffix(".away"))
    assert remembering.ask(_LIST).codes == ["REGION_UNAVAILABLE"]
    moved.rename(path)
    assert _asked_stores(remembering, _LIST)
    assert remembering.ask(_LIST).errors == []


@pytest.mark.parametrize("figure", ["milliseconds", "asOf", "more: milliseconds"])
def test_figures_of_their_own_moment_are_not_remembered(remembering: Gateway, figure: str) -> None:
    text = _LIST.replace("records", figure)
    for _ in range(3):
        remembering.ask(text)
        assert remembering.reads


_REPORTER = viewer("320000", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")
_RIGHTS = {
    "national": NATIONAL,
    "city": viewer("320100"),
    "granted": viewer(grants=[grant("320100", items=frozenset({"NAME"}))]),
    "granted all": viewer(grants=[grant()]),
    "reporter": _REPORTER,
    "colleague": replace(_REPORTER, account="doctor-2"),
}


@pytest.mark.parametrize("first", _RIGHTS)
@pytest.mark.parametrize("second", _RIGHTS)
def test_leak_27_nobody_is_given_the_answer_of_other_rights(
    remembering: Gateway, first: str, second: str
) -> None:
    one, other = _RIGHTS[first], _RIGHTS[second]
    remembering.ask(_LIST, one)
    asked = remembering.ask(_LIST, other)
    assert bool(remembering.reads) is (one != other)
    assert asked.data == remembering.ask(_LIST, other, planning=False).data


@pytest.mark.leak(27)
def test_a_grant_that_ended_shows_nothing_more(remembering: Gateway) -> None:
    right = grant()
    granted = viewer(grants=[right])
    names = [e["node"]["name"] for e in remembering.ask(_LIST, granted).data["contacts"]["edges"]]
    assert set(names) != {"*"}
    ended = viewer(grants=[replace(right, ends_at="2021-01-01T00:00:00Z")])
    names = [e["node"]["name"] for e in remembering.ask(_LIST, ended).data["contacts"]["edges"]]
    assert set(names) == {"*"}


def test_leak_27_rights_that_come_and_go_meanwhile_never_serve_a_kept_answer(
    remembering: Gateway,
) -> None:
    """Privileged, then masked, and the reverse, many at once over the same question."""
    right = grant()
    rights = [
        NATIONAL,
        viewer(grants=[right]),
        viewer(grants=[replace(right, ends_at="2021-01-01T00:00:00Z")]),  # revoked meanwhile
        viewer(grants=[replace(right, starts_at="2098-01-01T00:00:00Z")]),  # not yet
        viewer(grants=[replace(right, items=frozenset({"PHONE"}))]),
    ]

    async def all_at_once(turn: int) -> list[tuple[Viewer, set[bool]]]:
        order = [rights[(turn + n) % len(rights)] for n in range(25)]
        answers = await asyncio.gather(*(remembering.asking(_LIST, who) for who in order))
        return [
            (who, {e["node"]["name"] == "*" for e in one.data["contacts"]["edges"]})
            for who, one in zip(order, answers, strict=True)
        ]

    for turn in range(10):
        for who, masked in remembering.run(all_at_once(turn)):
            assert masked == ({False} if who is rights[1] else {True})


def test_a_change_of_the_policy_leaves_what_was_kept(
    remembering: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembering.ask(_LIST)
    remembering.ask(_LIST)
    assert not remembering.reads
    monkeypatch.setattr("resolvers.questions.question.policy_version", lambda: "another")
    remembering._executors[
        True
    ]._plans._keys.clear()  # of the running process, which has one version
    remembering.ask(_LIST)
    assert remembering.reads


def test_leak_42_clear_values_are_remembered_sealed(remembering: Gateway) -> None:
    granted = viewer(grants=[grant()])
    body = remembering.ask(_LIST, granted).answer.body
    again = remembering.ask(_LIST, granted)
    assert not remembering.reads
    assert again.answer.body == body
    assert again.told["clear"] == ["Contact.name"]
    (kept,) = remembering.answering.remembered._kept.values()
    for edge in again.data["contacts"]["edges"]:
        assert edge["node"]["id"].encode() not in kept.body


def test_pages_and_other_variables_are_questions_of_their_own(remembering: Gateway) -> None:
    text = """query ($n: Int, $a: String, $f: ContactFilter) {
        contacts(first: $n, after: $a, filter: $f) {
        edges { node { id } } pageInfo { endCursor } } }"""
    cursor = remembering.ask(text, NATIONAL, {"n": 2}).data["contacts"]["pageInfo"]["endCursor"]
    given = [
        {"n": 3},
        {"n": 2, "a": cursor},
        {"n": 2, "f": {"level": ["CLOSE"]}},
        {"n": 2, "f": {}},
    ]
    for variables in given:
        assert _asked_stores(remembering, text, NATIONAL, variables)
    for variables in given:
        assert not _asked_stores(remembering, text, NATIONAL, variables)


class _Plan:
    pass


def _keep(remembered: Remembered, plan: object, pages: object, size: int = 100) -> None:
    remembered.keep(plan, pages, (1,), b"x" * size, {"count": 0}, clear=False)


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first() -> None:
    remembered, plan = Remembered(10_000), _Plan()
    for number in range(100):
        _keep(remembered, plan, number)
        assert remembered.recall(plan, 0, (1,)) is not None
        assert remembered._size <= 10_000
    kept = [number for number in range(100) if remembered.recall(plan, number, (1,))]
    assert kept[0] == 0  # asked for again and again
    assert kept[1:] == list(range(100 - len(kept) + 1, 100))
    assert 10 < len(kept) < 20


def test_an_answer_too_large_is_not_remembered() -> None:
    remembered, plan = Remembered(10_000), _Plan()
    _keep(remembered, plan, 1, size=2_400)
    assert remembered.recall(plan, 1, (1,)) is None
    assert Remembered(0).recall(plan, 1, (1,)) is None


def test_an_answer_of_other_versions_is_forgotten() -> None:
    remembered, plan = Remembered(10_000), _Plan()
    _keep(remembered, plan, 1)
    assert remembered.recall(plan, 1, (2,)) is None
    assert remembered.recall(plan, 1, (1,)) is None
    assert remembered._size == 0


def test_answers_go_with_their_plan() -> None:
    remembered, plan, other = Remembered(10_000), _Plan(), _Plan()
    for pages in range(3):
        _keep(remembered, plan, pages)
        _keep(remembered, other, pages)
    size = remembered._size
    del plan
    gc.collect()
    assert remembered._size == size // 2
    assert remembered.recall(other, 2, (1,)) is not None
    _keep(remembered, other, 2)
    assert remembered._size == size // 2
