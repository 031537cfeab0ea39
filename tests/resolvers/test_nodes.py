"""Records by id: of every type, in order, and only what the viewer may open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.cases import cases
from regions.contacts import contacts, samples, visits
from regions.ids import first_id
from regions.people import people
from regions.settings import RegionSettings
from resolvers.nodes import parse_id
from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Gateway, viewer
from tests.records import Population, Row

_TABLES = {"person": people, "case": cases, "contact": contacts, "visit": visits, "sample": samples}
_NODES = "query ($i: [ID!]!) { nodes(ids: $i) { __typename id } }"
_REPORTER = viewer("320000", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")


def _ids(population: Population, most: int = 200) -> dict[str, Row]:
    return {
        f"{kind}:{row['id']}": row
        for kind, table in _TABLES.items()
        for row in population.of(table)[:most]
    }


def _opens(who: Viewer, row: Row) -> bool:
    of_unit = who.role is not Role.DIRECT_REPORTER or row["reporter_unit"] == who.unit_id
    return of_unit and bool(row["code"].startswith(who.prefix))


@pytest.mark.parametrize(
    "who",
    [NATIONAL, viewer("320000"), viewer("320100"), viewer("320104"), viewer("330000"), _REPORTER],
    ids=lambda who: f"{who.role.name} {who.code}",
)
def test_records_of_every_type_are_opened_within_the_scope(
    gateway: Gateway, population: Population, who: Viewer
) -> None:
    rows = _ids(population)
    asked = gateway.ask(_NODES, who, {"i": list(rows)})
    assert asked.errors == []
    for found, (name, row) in zip(asked.data["nodes"], rows.items(), strict=True):
        kind = name.partition(":")[0].capitalize()
        assert found == ({"__typename": kind, "id": name} if _opens(who, row) else None)
    shown = sum(len(ids) for ids in asked.told["records"].values())
    assert shown == sum(_opens(who, row) for row in rows.values())


def test_leak_35_hidden_and_missing_are_told_alike(
    gateway: Gateway, population: Population
) -> None:
    hidden = next(r for r in population.of(contacts) if not r["code"].startswith("320104"))
    bodies = set()
    for number in (hidden["id"], first_id("3201") + 999_999):
        asked = gateway.ask(
            "query ($i: ID!) { node(id: $i) { id } }", viewer("320104"), {"i": f"contact:{number}"}
        )
        bodies.add(asked.answer.body)
        assert asked.told["records"] == {}
    assert bodies == {b'{"data":{"node":null}}'}


def test_nodes_come_in_the_order_asked_and_as_often(
    gateway: Gateway, population: Population
) -> None:
    names = list(_ids(population, 3))
    wanted = [*reversed(names), "nothing", names[0], names[0]]
    found = gateway.ask(_NODES, NATIONAL, {"i": wanted}).data["nodes"]
    assert [one and one["id"] for one in found] == [n if n != "nothing" else None for n in wanted]


def test_one_statement_for_each_type_and_region(gateway: Gateway, population: Population) -> None:
    gateway.ask(_NODES, NATIONAL, {"i": list(_ids(population))})
    asked = [read for read in gateway.reads if "FROM shares" not in read.sql]
    assert len(asked) <= len(_TABLES) * len(gateway.regions)
    assert len(gateway.reads) - len(asked) <= len(gateway.regions)


def test_no_more_than_a_thousand_at_once(gateway: Gateway) -> None:
    for count, codes in ((1000, []), (1001, ["INVALID_INPUT"])):
        asked = gateway.ask(_NODES, NATIONAL, {"i": [f"case:{i}" for i in range(count)]})
        assert asked.codes == codes
    assert gateway.ask(_NODES, NATIONAL, {"i": []}).data == {"nodes": []}


def test_fields_of_every_type_through_the_interface(
    gateway: Gateway, population: Population
) -> None:
    row = population.of(visits)[0]
    text = """query ($v: ID!, $p: ID!) {
        node(id: $v) { id ... on Visit { person { id code } kind temperatureTenths symptoms }
          ... on Person { name } ...N }
        other: node(id: $p) { ... on Person { id medicalWorker region { code state } } } }
        fragment N on Node { also: id }"""
    given_ = {"v": f"visit:{row['id']}", "p": f"person:{row['person_id']}"}
    data = gateway.ask(text, NATIONAL, given_).data
    assert data["node"]["id"] == data["node"]["also"] == given_["v"]
    assert data["node"]["person"]["id"] == data["other"]["id"] == given_["p"]
    assert data["node"]["kind"] == "HOME_VISIT"
    assert data["node"]["temperatureTenths"] == row["temperature_tenths"]
    assert data["other"]["region"]["state"] == "ANSWERED"


def test_a_region_that_is_down_is_named(
    copies: tuple[RegionSettings, ...], make: Callable[..., Gateway], population: Population
) -> None:
    assert copies[0].path is not None
    copies[0].path.unlink()
    names = [f"contact:{row['id']}" for row in population.of(contacts)]
    asked = make(copies).ask(_NODES, NATIONAL, {"i": names})
    assert asked.codes == ["REGION_UNAVAILABLE"]
    assert asked.errors[0]["path"] == ["nodes"]
    found = [one is not None for one in asked.data["nodes"]]
    assert found == [
        row not in population.rows["320100"][contacts] for row in population.of(contacts)
    ]


@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    record, number = parse_id(text)
    assert (record is None) == (number == 0) or text.endswith(":0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("case:1", ("Case", 1)),
        (f"sample:{(1 << 63) - 1}", ("Sample", (1 << 63) - 1)),
        (f"case:{1 << 63}", None),
        ("case:00000000000000000000001", None),
        ("Case:1", None),
        ("case:1 ", None),
        ("case:+1", None),
        ("case:²", None),
        ("case", None),
        ("unit:1", None),
        ("correction:1", None),
        ("exposure:1", None),
    ],
)
def test_an_id_is_a_kind_and_a_number(text: str, expected: Any) -> None:
    record, number = parse_id(text)
    assert (record and (record.name, number)) == expected
