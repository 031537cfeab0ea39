"""Shares: a unit opens the records of one person elsewhere, sees what the sender named, no longer
than the share is open, and nobody else's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from regions.ids import region_of
from regions.people import people
from regions.settings import RegionSettings
from regions.shares import end_shares, open_shares, shares
from resolvers.catalog import RECORDS
from resolvers.privacy import SHAREABLE, Decision, Share, decide
from resolvers.users import Viewer
from tests.answering import EVERY_ITEM, NATIONAL, Gateway, grant, viewer
from tests.records import Population, Row
from tests.resolvers.test_masking import _PRIVATE, _clear, _fields, _nodes
from tests.stores import Stores, in_store, noticed

_AT = "2026-11-28T00:00:00Z"
_RECEIVER = viewer("500101", unit="cdc-500101")
_NATIONAL = viewer("000000", unit="cdc-500101")
_SHARED = tuple(sorted(SHAREABLE))
_NODES = (
    "query ($i: [ID!]!) { nodes(ids: $i) {"
    + " ".join(f"... on {name} {{ {_fields(name)} }}" for name in _SHARED)
    + " } }"
)


@pytest.fixture
def shared(
    filled: tuple[RegionSettings, ...], tmp_path: Path, make: Callable[..., Gateway]
) -> Gateway:
    """A gateway over copies of the stores, in which shares may be opened."""
    made = []
    for one in filled:
        assert one.path is not None
        path = tmp_path / one.path.name
        shutil.copyfile(one.path, path)
        made.append(replace(one, path=path))
    return make(made, remember=1_000_000)


def _open(gateway: Gateway, person: int, items: Any, source: str, unit: str = "cdc-500101") -> None:
    in_store(_store(gateway, person), lambda c: open_shares(c, [person], unit, source, items, _AT))


def _store(gateway: Gateway, person: int) -> RegionSettings:
    return next(one for one in gateway.regions if one.code == region_of(person))


def _of(population: Population, person: int) -> dict[str, tuple[str, Row]]:
    """Every record of a person, by its public id."""
    found = {}
    for name in _SHARED:
        for row in population.of(RECORDS[name].table):
            if (row["id"] if name == "Person" else row["person_id"]) == person:
                found[f"{name.lower()}:{row['id']}"] = (name, row)
    return found


@pytest.fixture
def busy(population: Population) -> int:
    """A person of 南京 with records of every kind that a contact has."""
    found: int = max(
        (row["id"] for row in population.of(people) if region_of(row["id"]) == "320100"),
        key=lambda person: len({name for name, _ in _of(population, person).values()}),
    )
    return found


def test_a_share_opens_one_persons_records_and_shows_its_items(
    shared: Gateway, population: Population, busy: int
) -> None:
    every: dict[str, tuple[str, Row]] = {}
    for row in population.of(people):
        every |= _of(population, row["id"])
    before = shared.ask(_NODES, _RECEIVER, {"i": list(every)})
    assert {one["id"] for one in before.data["nodes"] if one} == {
        name for name, (_, row) in every.items() if row["code"] == "500101"
    }
    _open(shared, busy, ["NAME", "PHONE"], "assist:7")
    asked = shared.ask(_NODES, _RECEIVER, {"i": list(every)})
    assert asked.errors == []
    own = _of(population, busy)
    assert len(own) > 3
    opened = {one["id"]: one for one in asked.data["nodes"] if one}
    assert set(opened) == {*own, *(one["id"] for one in before.data["nodes"] if one)}
    for name, (kind, row) in own.items():
        for field, item in _PRIVATE[kind].items():
            shown = item.name in ("NAME", "PHONE")
            expected = _clear(population, kind, row, field) if shown else "*"
            assert opened[name][field] == expected, (name, field)
    told = asked.told
    assert set(told["reasons"]) == {"assist:7"}
    clear = {kind for kind, _ in own.values() if kind in ("Person", "Contact", "Case")}
    assert {kind.capitalize() for kind in told["reasons"]["assist:7"]} == clear
    assert {"Person.name", "Person.phone"} <= set(told["clear"])
    assert "Person.idNumber" in told["masked"]


def test_what_a_share_opens_leads_to_that_persons_records_alone(
    shared: Gateway, population: Population, busy: int
) -> None:
    _open(shared, busy, EVERY_ITEM, "transfer:t-1")
    inner = "id name person { id name } visits { id remarks } samples { id remarks }"
    question = f"""query ($i: ID!) {{ node(id: $i) {{ ... on Person {{ id name
        elsewhere {{ id name }}
        contacts {{ {inner} sourceCase {{ id }} parentContact {{ id }} secondaryContacts {{ id }} }}
        cases {{ {inner} contacts {{ id }} }} }} }} }}"""
    asked = shared.ask(question, _RECEIVER, {"i": f"person:{busy}"})
    assert asked.errors == []
    own = _of(population, busy)
    node = asked.data["node"]
    assert node["name"] == population.items[("people", busy)]["name"]
    assert node["elsewhere"] == []
    ids = set(_ids(asked.data))
    others = {name for name in ids if name not in own}
    kept = {row["id"] for t in ("Case", "Contact") for row in population.of(RECORDS[t].table)}
    assert len(ids & set(own)) > 3
    for name in others:  # of the viewer's own jurisdiction, none of a third person's elsewhere
        number = int(name.partition(":")[2])
        assert number in kept
        assert region_of(number) == "500100"


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "id" in value:
            yield value["id"]
        for one in value.values():
            yield from _ids(one)
    elif isinstance(value, list):
        for one in value:
            yield from _ids(one)


@pytest.mark.leak(8)
def test_leak_08_a_share_ends_at_once(shared: Gateway, population: Population, busy: int) -> None:
    _open(shared, busy, ["NAME"], "assist:7")
    question, of = (
        "query ($i: ID!) { node(id: $i) { ... on Person { name } } }",
        {"i": f"person:{busy}"},
    )
    name = population.items[("people", busy)]["name"]
    assert shared.ask(question, _RECEIVER, of).data == {"node": {"name": name}}
    in_store(_store(shared, busy), lambda c: end_shares(c, "assist:7", _AT))
    again = shared.ask(question, _RECEIVER, of)
    assert again.data == {"node": None}
    assert again.told["reasons"] == {}
    assert shared.ask(question, _NATIONAL, of).data == {"node": {"name": "*"}}


def test_a_share_is_its_units_alone(shared: Gateway, busy: int) -> None:
    _open(shared, busy, EVERY_ITEM, "assist:7")
    question = "query ($i: ID!) { node(id: $i) { ... on Person { name } } }"
    other = viewer("500101", unit="cdc-500102")
    assert shared.ask(question, other, {"i": f"person:{busy}"}).data == {"node": None}


def test_root_lists_know_no_shares(shared: Gateway, population: Population, busy: int) -> None:
    question = "{ contacts(first: 1000) { edges { node { id name person { name } } } } }"
    before = shared.both(question, _NATIONAL)
    asked_before = [read.sql for read in shared.reads]
    _open(shared, busy, EVERY_ITEM, "assist:7")
    after = shared.both(question, _NATIONAL)
    assert [read.sql for read in shared.reads] == asked_before
    assert after.data == before.data
    assert not any("shares" in sql or "sealed" in sql for sql in asked_before)
    mine = shared.both(question, _RECEIVER)
    assert all("name" in one["node"] for one in mine.data["contacts"]["edges"])
    assert not any("shares" in read.sql for read in shared.reads)


@pytest.mark.leak(40)
def test_leak_40_a_region_that_is_down_tells_nobody_whether_it_shares(
    shared: Gateway, busy: int
) -> None:
    path = _store(shared, busy).path
    assert path is not None
    path.unlink()
    noticed()
    question = "query ($i: ID!) { node(id: $i) { id } }"
    asked = shared.ask(question, _RECEIVER, {"i": f"person:{busy}"})
    assert (asked.data, asked.errors) == ({"node": None}, [])


_SOME = st.frozensets(st.sampled_from(sorted(EVERY_ITEM)), max_size=4)
_WHO = st.sampled_from(
    (
        _RECEIVER,
        _NATIONAL,
        replace(_NATIONAL, grants=(grant("320000", items=frozenset({"NAME"})),)),
        replace(_RECEIVER, grants=(grant("500101", items=frozenset({"SEX"})),)),
    )
)


@pytest.mark.leak(45)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(who=_WHO, given_items=st.lists(_SOME, min_size=1, max_size=3), data=st.data())
def test_what_shares_show_is_what_was_decided(
    shared: Gateway, population: Population, who: Viewer, given_items: list[Any], data: Any
) -> None:
    everybody = [row["id"] for row in population.of(people)]
    known: dict[int, list[Share]] = {}
    for region in shared.regions:
        in_store(region, lambda c: c.execute(delete(shares)))
    for number, items in enumerate(given_items):
        person = data.draw(st.sampled_from(everybody))
        _open(shared, person, items, f"assist:{number}")
        known.setdefault(person, []).append(Share(f"assist:{number}", items))
    rows: dict[str, tuple[str, Row]] = {}
    for person in known:
        rows |= _of(population, person)
    asked = shared.ask(_NODES, who, {"i": list(rows)})
    assert asked.errors == []
    assert {one["id"] for one in asked.data["nodes"]} == set(rows)
    for node in _nodes(asked.data):
        kind, row = rows[node["id"]]
        person = row["id"] if kind == "Person" else row["person_id"]
        for field, item in _PRIVATE[kind].items():
            decided = decide(
                who,
                RECORDS[kind],
                item,
                code=row["code"],
                reporter=row.get("reporter"),
                person=person,
                shares=known[person],
            )
            shown = decided is Decision.SHOW
            assert node[field] == (_clear(population, kind, row, field) if shown else "*")


def test_both_kinds_of_store_decide_by_the_same_shares(
    stores: Stores, store_settings: RegionSettings, make: Callable[..., Gateway]
) -> None:
    from tests.records import make_population

    gateway = make([store_settings])
    held = make_population({store_settings.code: 3}, gateway.keys)
    held.write(store_settings)
    person = held.of(people)[0]["id"]
    question = "query ($i: ID!) { node(id: $i) { ... on Person { name phone } } }"
    far = viewer("110101", unit="cdc-110101")
    assert gateway.ask(question, far, {"i": f"person:{person}"}).data == {"node": None}
    _open(gateway, person, ["NAME"], 'assist:"7"', "cdc-110101")
    asked = gateway.ask(question, far, {"i": f"person:{person}"})
    name = held.items[("people", person)]["name"]
    assert asked.data == {"node": {"name": name, "phone": "*"}}
    assert list(asked.told["reasons"]) == ['assist:"7"']
    _open(gateway, person, [], 'assist:"7"', "cdc-110101")
    assert gateway.ask(question, far, {"i": f"person:{person}"}).data["node"]["name"] == "*"
    assert gateway.ask(question, NATIONAL, {"i": f"person:{person}"}).data["node"]["name"] == "*"
