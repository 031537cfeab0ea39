"""Transfers and custody as they are read: by whom, on which side, masked as everything is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regions.contacts import contacts
from regions.ids import region_of
from regions.settings import RegionSettings
from resolvers.catalog import RECORDS
from resolvers.gathered import GATHERED
from resolvers.privacy import Decision, decide
from resolvers.users import Role, Viewer
from schema.fields import Gathered
from schema.privacy import PrivateItem
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.moving import AT, COUNTY, FROM, TO, Moved, copied, hand_over
from tests.records import Population
from tests.stores import noticed

_LIST = """query ($f: TransferFilter, $n: Int, $a: String) {
  transfers(filter: $f, first: $n, after: $a) {
    edges { node { id side state fromRegion toRegion toUnit reason code
      people { outcome escort remarks person { id name code } } events { event region } } }
    pageInfo { hasNextPage endCursor } totalCount regions { code state } } }"""
_CUSTODY = """query ($i: ID!) { custody(personId: $i) {
  region unitId state epoch since transferId confirmed trail { event region at } } }"""
_REPORTER = viewer(COUNTY, Role.DIRECT_REPORTER, account="officer-b", unit="cdc-500101")
_TRANSFERS = frozenset({"TRANSFER"})


@pytest.fixture
def handed(
    filled: tuple[RegionSettings, ...],
    population: Population,
    tmp_path: Path,
    make: Callable[..., Gateway],
) -> tuple[Gateway, Moved]:
    """A gateway, and a person who was handed over from 南京 to 重庆."""
    person = next(r["person_id"] for r in population.of(contacts) if region_of(r["id"]) == FROM)
    settings = copied(filled, tmp_path)
    gone = hand_over(settings, population, person)
    return make(settings), gone


def _nodes(asked: Any) -> list[Any]:
    assert asked.errors == []
    return [edge["node"] for edge in asked.data["transfers"]["edges"]]


@pytest.mark.parametrize(
    ("who", "side", "code"),
    [
        (NATIONAL, "SENT", FROM),
        (viewer("320000"), "SENT", FROM),
        (viewer("320104"), "SENT", FROM),
        (viewer("500000"), "RECEIVED", TO),
        (viewer(COUNTY), "RECEIVED", TO),
        (viewer("320105"), None, ""),
        (viewer("500102"), None, ""),
        (viewer(COUNTY, Role.DIRECT_REPORTER, unit="cdc-500101"), "RECEIVED", TO),
        (viewer(COUNTY, Role.DIRECT_REPORTER, unit="hospital-1"), None, ""),
    ],
)
def test_a_transfer_is_seen_once_by_its_counties_and_units(
    handed: tuple[Gateway, Moved], who: Viewer, side: str | None, code: str
) -> None:
    gateway, gone = handed
    found = _nodes(gateway.ask(_LIST, who))
    assert [one["side"] for one in found] == ([side] if side else [])
    assert gateway.ask(_LIST, who).data["transfers"]["totalCount"] == len(found)
    for one in found:
        assert one["id"] == "t-1"
        assert [p["outcome"] for p in one["people"]] == ["HANDED"]
        assert one["people"][0]["person"]["id"] == f"person:{gone.person}"
        assert [e["event"] for e in one["events"]] == ["OFFERED", "ACCEPTED", "HANDED"]


_NAMED = """query ($i: ID!) { node(id: $i) { ... on Person { name } ... on Contact { name } }
  contacts(first: 200) { edges { node { id name person { id } } } } }"""


def test_a_right_to_one_person_holds_where_the_person_is(handed: tuple[Gateway, Moved]) -> None:
    """Emergency access to somebody whose id another region has made (F11)."""
    gateway, gone = handed
    only = replace(grant(), person=gone.person)
    who = viewer(account="emergency", grants=[only])
    for record in (f"person:{gone.person}", f"contact:{gone.contacts[0]['id']}"):
        asked = gateway.ask(_NAMED, who, {"i": record}).data
        assert asked["node"]["name"] not in (None, "*")
        nodes = [edge["node"] for edge in asked["contacts"]["edges"]]
        shown = {one["person"]["id"] for one in nodes if one["name"] != "*"}
        assert shown == {f"person:{gone.person}"}
    elsewhere = viewer(grants=[replace(grant("320000"), person=gone.person)])
    asked = gateway.ask(_NAMED, elsewhere, {"i": f"contact:{gone.contacts[0]['id']}"}).data
    assert asked["node"]["name"] == "*"  # the person is in no place of the right


def test_the_filter_chooses(handed: tuple[Gateway, Moved], population: Population) -> None:
    gateway, gone = handed
    other = next(r["person_id"] for r in population.of(contacts) if r["person_id"] != gone.person)

    def count(**wanted: Any) -> int:
        return len(_nodes(gateway.ask(_LIST, NATIONAL, {"f": wanted})))

    assert count(side="RECEIVED") == count(side="SENT") == 1
    assert count(ids=["t-1"]) == count(state=["COMMITTED", "OFFERED"]) == 1
    assert count(toUnit="cdc-500101") == count(fromUnit="cdc-320104") == 1
    assert count(person=f"person:{gone.person}") == count(updatedAfter=AT) == 1
    assert count(ids=["t-2"]) == count(state=["OFFERED"]) == count(toUnit="cdc-320104") == 0
    assert count(person=f"person:{other}") == count(updatedAfter="2026-11-28T00:00:01Z") == 0
    bad = gateway.ask(_LIST, NATIONAL, {"f": {"person": "contact:1"}})
    assert bad.codes == ["INVALID_INPUT"]


def test_pages_follow_each_other(handed: tuple[Gateway, Moved]) -> None:
    gateway, _ = handed
    first = gateway.ask(_LIST, NATIONAL, {"n": 1}).data["transfers"]
    assert first["pageInfo"]["hasNextPage"] is False
    rest = gateway.ask(_LIST, NATIONAL, {"n": 1, "a": first["pageInfo"]["endCursor"]})
    assert _nodes(rest) == []


@pytest.mark.leak(44)
def test_leak_44_a_preview_is_masked_as_the_data_are(
    handed: tuple[Gateway, Moved], population: Population
) -> None:
    """SORMAS 6640: a preview that showed what the data masked."""
    gateway, gone = handed
    name = population.items[("people", gone.person)]["name"]
    node = "query ($i: ID!) { node(id: $i) { ... on Person { name } } }"
    for who, escort, shown in (
        (viewer(COUNTY), "*", "*"),
        (viewer(COUNTY, grants=[grant(TO, types=_TRANSFERS)]), "护送人", "*"),
        (viewer(COUNTY, grants=[grant(TO)]), "护送人", name),
        (viewer(COUNTY, grants=[grant("320100")]), "*", "*"),
        (_REPORTER, "护送人", name),
    ):
        (one,) = _nodes(gateway.ask(_LIST, who, {"f": {"side": "RECEIVED"}}))
        (person,) = one["people"]
        told = gateway.ask(_LIST, who, {"f": {"side": "RECEIVED"}}).told
        assert told["records"]["transfer"] == ["t-1"]
        assert {"person", "transferperson"} <= set(told["records"])
        words = told["masked"] if escort == "*" else told["clear"]
        assert {"TransferPerson.escort", "TransferPerson.remarks"} <= set(words)
        data = gateway.ask(node, who, {"i": f"person:{gone.person}"}).data["node"]
        assert person["escort"] == escort
        assert person["person"]["name"] == data["name"] == shown
        decided = decide(
            who,
            RECORDS["TransferPerson"],
            PrivateItem.REMARKS,
            code=COUNTY,
            reporter="officer-b",
        )
        assert (decided is Decision.SHOW) is (escort != "*")


@pytest.mark.leak(1)
def test_no_statement_for_a_masked_viewer_names_a_sealed_column(
    handed: tuple[Gateway, Moved],
) -> None:
    gateway, gone = handed
    for question, values in ((_LIST, {}), (_CUSTODY, {"i": f"person:{gone.person}"})):
        gateway.ask(question, viewer(COUNTY), values)
        assert gateway.reads
        assert not any("sealed" in read.sql for read in gateway.reads)


def test_records_tell_the_transfers_of_their_person(handed: tuple[Gateway, Moved]) -> None:
    gateway, gone = handed
    question = """{ contacts(first: 1000) { edges { node { id transfers { id side }
        person { custody { region unitId } } } } } }"""
    nodes = {n["node"]["id"]: n["node"] for n in gateway.ask(question).data["contacts"]["edges"]}
    mine = {f"contact:{row['id']}" for row in gone.contacts}
    for name, node in nodes.items():
        if name in mine:
            assert node["transfers"] == [{"id": "t-1", "side": "RECEIVED"}]
            assert node["person"]["custody"] == {"region": TO, "unitId": "cdc-500101"}
        else:
            assert node["transfers"] == []
            home = region_of(int(name.partition(":")[2]))
            assert node["person"]["custody"]["region"] == home


@pytest.mark.parametrize("who", [NATIONAL, viewer("320100"), viewer(COUNTY)])
def test_custody_is_told_to_both_sides(handed: tuple[Gateway, Moved], who: Viewer) -> None:
    gateway, gone = handed
    asked = gateway.ask(_CUSTODY, who, {"i": f"person:{gone.person}"})
    assert asked.errors == []
    told = asked.data["custody"]
    assert [one["event"] for one in told.pop("trail")] == ["OFFERED", "ACCEPTED", "HANDED"]
    assert told == {
        "region": TO,
        "unitId": "cdc-500101",
        "state": "OWNED",
        "epoch": 1,
        "since": AT,
        "transferId": "t-1",
        "confirmed": True,
    }


def test_a_person_never_handed_over_is_their_regions(
    handed: tuple[Gateway, Moved], population: Population
) -> None:
    gateway, gone = handed
    row = next(
        r
        for r in population.of(RECORDS["Person"].table)
        if r["id"] != gone.person and r["reporter_unit"]
    )
    told = gateway.ask(_CUSTODY, NATIONAL, {"i": f"person:{row['id']}"}).data["custody"]
    assert told["region"] == region_of(row["id"])
    assert told["unitId"] == row["reporter_unit"]
    assert (told["state"], told["epoch"], told["trail"]) == ("OWNED", 0, [])


@pytest.mark.leak(35)
def test_leak_35_custody_of_hidden_and_missing_people_is_told_alike(
    handed: tuple[Gateway, Moved],
) -> None:
    gateway, gone = handed
    for number in (gone.person, gone.person + 500_000):
        asked = gateway.ask(_CUSTODY, viewer("340500"), {"i": f"person:{number}"})
        assert asked.codes == ["NOT_FOUND"]
        assert {read.region for read in gateway.reads} == {2}


def test_a_custodian_that_does_not_answer_is_not_confirmed(handed: tuple[Gateway, Moved]) -> None:
    gateway, gone = handed
    path = next(one for one in gateway.regions if one.code == TO).path
    assert path is not None
    path.unlink()
    noticed()
    asked = gateway.ask(_CUSTODY, NATIONAL, {"i": f"person:{gone.person}"})
    assert asked.data["custody"]["region"] == TO
    assert asked.data["custody"]["confirmed"] is False
    assert {error["extensions"]["region"] for error in asked.errors} == {TO}


def test_every_gathered_field_has_somebody_who_finds_it() -> None:
    declared = {
        (record.name, field.python_name)
        for record in RECORDS.values()
        for field in record.fields.values()
        if isinstance(field.source, Gathered)
    }
    assert declared <= set(GATHERED)
