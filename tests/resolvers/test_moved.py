"""Records that were handed over: read where they are kept, once, by whoever may open them there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from regions.contacts import contacts
from regions.ids import region_of
from regions.people import people
from regions.settings import RegionSettings
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.moving import COUNTY, FROM, TO, Moved, copied, hand_over
from tests.records import Population
from tests.stores import noticed

_LIST = "{ contacts(first: 1000) { totalCount edges { node { id code person { id code } } } } }"
_NODE = (
    "query ($i: ID!) { node(id: $i) { id ... on Contact { code person { id code region { code } }"
    " visits { id } samples { id } } } }"
)
_AT_B = viewer(COUNTY)
_AT_A = viewer("320100")


@pytest.fixture
def moved(
    filled: tuple[RegionSettings, ...],
    population: Population,
    tmp_path: Path,
    make: Callable[..., Gateway],
) -> tuple[Gateway, Moved]:
    """A gateway, and a person with contacts who was handed over; another contact names one."""
    parents = {row["parent_contact_id"] for row in population.of(contacts)}
    person = max(
        (row["person_id"] for row in population.of(contacts) if region_of(row["id"]) == FROM),
        key=lambda one: sum(
            row["id"] in parents for row in population.of(contacts) if row["person_id"] == one
        ),
    )
    settings = copied(filled, tmp_path)
    gone = hand_over(settings, population, person)
    assert gone.contacts
    return make(settings, remember=1_000_000), gone


def _nodes(asked: Any) -> list[Any]:
    return [edge["node"] for edge in asked.data["contacts"]["edges"]]


def test_lists_tell_a_moved_record_once_and_where_it_is_kept(
    moved: tuple[Gateway, Moved], population: Population
) -> None:
    gateway, gone = moved
    ids = {f"contact:{row['id']}" for row in gone.contacts}
    everything = gateway.both(_LIST)
    assert len(_nodes(everything)) == len(population.of(contacts))
    assert everything.data["contacts"]["totalCount"] == len(population.of(contacts))
    assert {one["code"] for one in _nodes(everything) if one["id"] in ids} == {COUNTY}
    there = _nodes(gateway.both(_LIST, _AT_B))
    assert ids <= {one["id"] for one in there}
    assert not ids & {one["id"] for one in _nodes(gateway.both(_LIST, _AT_A))}


@pytest.mark.parametrize("who", [NATIONAL, _AT_B], ids=["national", "the receiver"])
def test_an_id_leads_to_where_the_record_is_kept(
    moved: tuple[Gateway, Moved], population: Population, who: Any
) -> None:
    gateway, gone = moved
    for row in gone.contacts:
        asked = gateway.ask(_NODE, who, {"i": f"contact:{row['id']}"})
        assert asked.errors == []
        node = asked.data["node"]
        assert node["code"] == COUNTY
        assert node["person"] == {
            "id": f"person:{gone.person}",
            "code": COUNTY,
            "region": {"code": FROM},
        }
    asked = gateway.ask(
        "query ($i: ID!) { node(id: $i) { ... on Person { code } } }",
        who,
        {"i": f"person:{gone.person}"},
    )
    assert asked.data["node"] == {"code": COUNTY}


def test_what_was_left_behind_is_no_record_any_more(moved: tuple[Gateway, Moved]) -> None:
    gateway, gone = moved
    for row in gone.contacts:
        assert gateway.ask(_NODE, _AT_A, {"i": f"contact:{row['id']}"}).data == {"node": None}


def test_relations_lead_to_where_the_record_is_kept(
    moved: tuple[Gateway, Moved], population: Population
) -> None:
    gateway, gone = moved
    ids = {row["id"] for row in gone.contacts}
    children = [r for r in population.of(contacts) if r["parent_contact_id"] in ids]
    assert children
    question = """{ contacts(first: 1000) { edges { node { id parentContact { id code }
        secondaryContacts { id code } sourceCase { id contacts { id code } } } } } }"""
    found = {one["id"]: one for one in _nodes(gateway.both(question))}
    for row in children:
        parent = found[f"contact:{row['id']}"]["parentContact"]
        assert parent == {"id": f"contact:{row['parent_contact_id']}", "code": COUNTY}
    for one in found.values():
        known = [c["id"] for c in (one["sourceCase"] or {"contacts": []})["contacts"]]
        assert len(known) == len(set(known))
        for part in (one["sourceCase"] or {"contacts": []})["contacts"]:
            if part["id"] in {f"contact:{i}" for i in ids}:
                assert part["code"] == COUNTY


def test_a_person_is_found_once_where_kept(
    moved: tuple[Gateway, Moved], population: Population
) -> None:
    gateway, gone = moved
    (row,) = [one for one in population.of(people) if one["id"] == gone.person]
    phone = population.items[("people", gone.person)]["phone"] or "13900000001"
    question = "query ($p: String!) { people(search: { phone: $p }) { matches { id code } } }"
    found = gateway.ask(question, viewer(grants=[grant()]), {"p": phone}).data["people"]["matches"]
    mine = [one for one in found if one["id"] == f"person:{gone.person}"]
    assert [one["code"] for one in mine] == ([COUNTY] if row["phone_index"] else [])
    same = "{ contacts(first: 1000) { edges { node { person { id elsewhere { id code } } } } } }"
    for one in _nodes(gateway.both(same, viewer(grants=[grant()]))):
        told = [other["id"] for other in one["person"]["elsewhere"]]
        assert len(told) == len(set(told))


@pytest.mark.parametrize("table", ["contacts", "cases"])
@pytest.mark.parametrize("where", ["1", "code = '320104'", "reporter_unit = 'cdc-1'"])
def test_living_records_are_counted_in_an_index(
    filled: tuple[RegionSettings, ...], table: str, where: str
) -> None:
    path = filled[0].path
    assert path is not None
    with closing(sqlite3.connect(path)) as store:
        plan = store.execute(
            f"EXPLAIN QUERY PLAN SELECT count(*) FROM {table} WHERE kept_in IS NULL AND {where}"
        ).fetchall()
    assert "COVERING INDEX" in plan[0][3]


def test_a_region_that_is_down_is_named_where_the_record_is_kept(
    moved: tuple[Gateway, Moved],
) -> None:
    gateway, gone = moved
    path = next(one for one in gateway.regions if one.code == TO).path
    assert path is not None
    path.unlink()
    noticed()
    asked = gateway.ask(_NODE, NATIONAL, {"i": f"contact:{gone.contacts[0]['id']}"})
    assert asked.data == {"node": None}
    assert {error["extensions"]["region"] for error in asked.errors} == {TO}
