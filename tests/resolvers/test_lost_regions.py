"""A region that fails on the way: what hangs on it is missing, and nothing is told by halves."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from regions.cases import cases
from regions.contacts import contacts
from regions.keys import Keys
from tests.answering import NATIONAL, Gateway, viewer
from tests.records import Population, make_population
from tests.resolvers.test_federation import DOWN, Regions, assert_named, locked, store_of
from tests.stores import Stores


def test_relations_into_a_region_that_is_down(
    copies: Regions, make: Callable[..., Gateway], population: Population
) -> None:
    """One is null, of many the rest is given, and an error names the region."""
    store_of(copies).unlink()
    text = """{ contacts { edges { node { id sourceCase { id } secondaryContacts { id }
        person { id elsewhere { id region { code } } } } } }
        cases { edges { node { id contacts { id code } } } } }"""
    who = viewer("000000")
    gateway = make(copies, breaker_failures=100)
    asked = gateway.both(text, who)
    assert {error["extensions"]["code"] for error in asked.errors} == {"REGION_UNAVAILABLE"}
    assert {error["extensions"]["region"] for error in asked.errors} == {DOWN}
    lost = {row["id"] for row in population.rows[DOWN][cases]}
    rows = {f"contact:{r['id']}": r for r in population.of(contacts)}
    nodes = [edge["node"] for edge in asked.data["contacts"]["edges"]]
    assert len(nodes) == 18
    for node in nodes:
        number = rows[node["id"]]["source_case_id"]
        known = {row["id"] for row in population.of(cases)} - lost
        expected = {"id": f"case:{number}"} if number in known else None
        assert node["sourceCase"] == expected
        assert all(one["region"]["code"] != DOWN for one in node["person"]["elsewhere"])
    assert any(rows[node["id"]]["source_case_id"] in lost for node in nodes)
    found = [c for edge in asked.data["cases"]["edges"] for c in edge["node"]["contacts"]]
    assert found
    assert not any(contact["code"].startswith("3202") for contact in found)


@pytest.fixture
def dying(copies: Regions, make: Callable[..., Gateway]) -> Gateway:
    """A gateway whose second region is gone once a question has asked it for something."""
    gateway = make(copies, breaker_failures=100)

    async def die() -> None:
        store_of(copies).unlink(missing_ok=True)
        await asyncio.sleep(0.06)

    gateway.federation.between = die
    return gateway


@pytest.mark.parametrize("planning", [True, False])
@pytest.mark.parametrize("must", ["person { name }", "person { id nationality }"])
def test_rows_of_a_region_that_dies_meanwhile_are_left_out_and_it_is_named(
    dying: Gateway, planning: bool, must: str
) -> None:
    text = f"""{{ contacts(first: 1000) {{ totalCount edges {{ node {{ id code {must} }} }}
        regions {{ code state records }} pageInfo {{ endCursor }} }} }}"""
    asked = dying.ask(text, planning=planning)
    assert_named(asked, "UNREACHABLE")
    codes = [edge["node"]["code"] for edge in asked.data["contacts"]["edges"]]
    assert len(codes) == 18
    assert not any(code.startswith("3202") for code in codes)
    assert asked.data["contacts"]["totalCount"] == 18
    assert asked.data["contacts"]["regions"][1]["records"] is None


@pytest.mark.parametrize("planning", [True, False])
def test_rows_stay_when_only_what_hangs_on_them_is_lost(dying: Gateway, planning: bool) -> None:
    text = "{ contacts(first: 1000) { totalCount edges { node { code visits { id } } } } }"
    asked = dying.ask(text, planning=planning)
    assert [error["extensions"]["region"] for error in asked.errors] == [DOWN]
    assert asked.errors[0]["path"] == ["contacts"]
    nodes = [edge["node"] for edge in asked.data["contacts"]["edges"]]
    assert len(nodes) == asked.data["contacts"]["totalCount"] == 24
    assert all(not node["visits"] for node in nodes if node["code"].startswith("3202"))
    assert any(node["visits"] for node in nodes)


@pytest.mark.parametrize("planning", [True, False])
@pytest.mark.parametrize("many", ["visits", "secondaryContacts"])
def test_related_rows_of_a_region_that_dies_before_who_they_are_of_are_left_out(
    copies: Regions, make: Callable[..., Gateway], planning: bool, many: str
) -> None:
    gateway = make(tuple(replace(one, deadline=30.0) for one in copies), breaker_failures=100)

    async def die() -> None:
        if len(gateway.federation.rounds) == 2:
            store_of(copies).unlink(missing_ok=True)
            await asyncio.sleep(0.06)

    gateway.federation.between = die
    text = f"""{{ contacts(first: 1000) {{ edges {{ node {{ id code
        {many} {{ id person {{ name }} }} }} }} }} }}"""
    asked = gateway.ask(text, planning=planning)
    assert [error["extensions"]["region"] for error in asked.errors] == [DOWN]
    nodes = [edge["node"] for edge in asked.data["contacts"]["edges"]]
    assert len(nodes) == 24
    of_down = [node for node in nodes if node["code"].startswith("3202")]
    assert of_down
    assert not any(node[many] for node in of_down)
    others = [one for node in nodes if node not in of_down for one in node[many]]
    assert others
    assert all(one["person"] == {"name": "*"} for one in others)


def test_one_record_is_none_where_its_region_dies_before_who_it_is_of(dying: Gateway) -> None:
    known = dying.ask("{ contacts(first: 1000) { edges { node { id code } } } }").data
    id_of = next(
        edge["node"]["id"]
        for edge in known["contacts"]["edges"]
        if edge["node"]["code"].startswith("3202")
    )
    text = """query ($i: ID!) { me { code } node(id: $i) { ... on Contact { person { name } } }
        nodes(ids: [$i]) { id ... on Contact { person { name } } } }"""
    asked = dying.ask(text, NATIONAL, {"i": id_of})
    assert asked.data == {"me": {"code": "000000"}, "node": None, "nodes": [None]}
    assert {error["extensions"]["code"] for error in asked.errors} == {"REGION_UNAVAILABLE"}
    assert asked.told["records"] == {}


def test_a_failure_is_not_told_again_once_it_is_over(
    dying: Gateway, copies: Regions, tmp_path: Path
) -> None:
    shutil.copyfile(store_of(copies), tmp_path / "kept")
    text = "{ contacts(first: 1000) { edges { node { code visits { id } } } } }"
    assert dying.ask(text).codes == ["REGION_UNAVAILABLE"]
    dying.federation.between = None
    shutil.copyfile(tmp_path / "kept", store_of(copies))
    time.sleep(0.06)
    assert dying.both(text).errors == []


def test_no_half_of_a_region_is_given_when_it_dies_between_two_shares(
    shared_keys: Keys, stores: Stores, make: Callable[..., Gateway]
) -> None:
    population = make_population({"3201": 60, "3202": 3, "3405": 3}, shared_keys)
    regions = [replace(stores.sqlite(code), deadline=0.3) for code in population.rows]
    for one in regions:
        population.write(one)
    assert regions[0].path is not None
    path, gateway = regions[0].path, make(tuple(regions))

    async def die() -> None:
        path.unlink(missing_ok=True)
        await asyncio.sleep(0.06)

    gateway.federation.between = die
    text = """{ contacts(first: 40) { totalCount edges { node { code } } pageInfo { hasNextPage }
        regions { state records } } }"""
    found = gateway.ask(text).data["contacts"]
    assert len(gateway.federation.rounds) == 2
    states = [one["state"] for one in found["regions"]]
    assert states == ["UNREACHABLE", "ANSWERED", "ANSWERED"]
    assert len(found["edges"]) == found["totalCount"] == 6
    assert not any(edge["node"]["code"].startswith("3201") for edge in found["edges"])


def test_a_timed_out_region_is_not_waited_for_again_in_the_same_question(
    copies: Regions, make: Callable[..., Gateway]
) -> None:
    slow = tuple(replace(one, deadline=0.6) for one in copies)
    gateway = make(slow)
    text = """{ cases { edges { node { contacts { secondaryContacts { secondaryContacts {
        sourceCase { contacts { id } } } } } } } } }"""
    with locked(store_of(slow)):
        for planning in (True, False):
            asked = gateway.ask(text, NATIONAL, planning=planning)
            down = [read for read in gateway.reads if read.region == 1]
            assert len(down) == 1
            assert {error["extensions"]["state"] for error in asked.errors} == {"TIMED_OUT"}


_STEPS = """WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {})
    SELECT count(*) FROM n"""


def make_slow(path: Path, seconds: float) -> None:
    """Makes every statement over the visits of a store take about so long."""
    with closing(sqlite3.connect(path)) as store:
        begun = time.perf_counter()
        store.execute(_STEPS.format(100_000)).fetchall()
        steps = int(100_000 * seconds / (time.perf_counter() - begun))
        store.executescript(f"""
            PRAGMA legacy_alter_table = ON;
            ALTER TABLE visits RENAME TO kept_visits;
            CREATE VIEW visits AS SELECT * FROM kept_visits
            WHERE ({_STEPS.format(steps)}) > 0;""")


_DEEP = """{ contacts(first: 1000) { regions { code state records milliseconds } edges { node {
    code visits { id contact { visits { id contact { visits { id contact { visits { id
    contact { visits { id } } } } } } } } } } } } }"""


@pytest.mark.parametrize("planning", [True, False])
def test_a_region_has_its_deadline_once_however_deep_the_relations(
    copies: Regions, make: Callable[..., Gateway], planning: bool
) -> None:
    """Each statement answers within it, all of them do not."""
    deadline = 1.0
    make_slow(store_of(copies), 0.6 * deadline)
    limited = tuple(replace(one, deadline=deadline) for one in copies)
    gateway = make(limited, breaker_failures=100)
    begun = time.perf_counter()
    asked = gateway.ask(_DEEP, planning=planning)
    took = time.perf_counter() - begun
    assert took < 2 * deadline  # a deadline for each round makes more than three
    assert [error["extensions"]["region"] for error in asked.errors] == [DOWN]
    assert asked.errors[0]["extensions"]["state"] == "TIMED_OUT"
    states = {one["code"]: one["state"] for one in asked.data["contacts"]["regions"]}
    assert states.pop(DOWN) == "TIMED_OUT"
    assert set(states.values()) == {"ANSWERED"}
    nodes = [edge["node"] for edge in asked.data["contacts"]["edges"]]
    assert len(nodes) == 24
    well = [node for node in nodes if not node["code"].startswith("3202") and node["visits"]]
    assert well
    for node in well:
        for _ in range(4):
            node = node["visits"][0]["contact"]
        assert node["visits"]


@pytest.mark.parametrize("planning", [True, False])
def test_what_a_region_took_has_its_relations_in_it(
    copies: Regions, make: Callable[..., Gateway], planning: bool
) -> None:
    make_slow(store_of(copies), 0.3)
    gateway = make(tuple(replace(one, deadline=30.0) for one in copies))
    text = "{ contacts { edges { node { visits { id } } } regions { code state milliseconds } } }"
    regions = gateway.ask(text, planning=planning).data["contacts"]["regions"]
    took = {one["code"]: one["milliseconds"] for one in regions}
    assert {one["state"] for one in regions} == {"ANSWERED"}
    assert took.pop(DOWN) > 100
    assert all(0 < one < 100 for one in took.values())


def test_regions_are_told_alike_where_a_relation_fails(dying: Gateway, copies: Regions) -> None:
    text = """{ contacts(first: 1000) { regions { code state records } edges { node { id
        visits { id } } } } }"""
    kept = store_of(copies).read_bytes()
    planned = dying.ask(text)
    store_of(copies).write_bytes(kept)
    time.sleep(0.06)
    ordinary = dying.ask(text, planning=False)
    assert planned.data == ordinary.data
    assert list(planned.data["contacts"]) == list(ordinary.data["contacts"])
    (told,) = [one for one in planned.data["contacts"]["regions"] if one["code"] == DOWN]
    assert told == {"code": DOWN, "state": "UNREACHABLE", "records": 6}
