"""Reference data in answers: diseases, rule packs, regions, and keys that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from regions.cases import cases
from regions.contacts import contacts
from regions.reference import diseases as disease_table
from regions.settings import RegionSettings
from resolvers.reference import Reference, diseases, rule_packs
from schema.enums import AlertMethod, LawClass
from tests.answering import Gateway
from tests.records import Population
from tests.stores import in_store

_DISEASE = "id nameZh nameEn lawClass alertMethod icd10"


def test_the_diseases_of_the_law(gateway: Gateway) -> None:
    found = {
        one["id"]: one for one in gateway.ask(f"{{ diseases {{ {_DISEASE} }} }}").data["diseases"]
    }
    assert set(found) >= set(diseases())
    assert found["plague"] == {
        "id": "plague",
        "nameZh": "鼠疫",
        "nameEn": diseases()["plague"].name_en,
        "lawClass": "A",
        "alertMethod": "SINGLE_CASE",
        "icd10": diseases()["plague"].icd10,
    }
    for row in diseases().values():
        assert row.law_class in LawClass.__members__
        assert row.alert_method in AlertMethod.__members__
        assert row.name_zh != row.name_en


def test_a_case_tells_its_disease_and_a_contact_its_rules(
    gateway: Gateway, population: Population
) -> None:
    text = f"""{{
        cases {{ edges {{ node {{ id d: disease {{ id }}
          disease {{ {_DISEASE} __typename }} }} }} }}
        contacts {{ edges {{ node {{ id rulePack {{ id nameZh nameEn __typename }} }} }} }} }}"""
    data = gateway.both(text).data
    keys = {f"case:{row['id']}": row["disease"] for row in population.of(cases)}
    for edge in data["cases"]["edges"]:
        node = edge["node"]
        assert node["disease"]["id"] == node["d"]["id"] == keys[node["id"]]
        assert node["disease"]["__typename"] == "Disease"
    packs = {f"contact:{row['id']}": row["rule_pack"] for row in population.of(contacts)}
    for edge in data["contacts"]["edges"]:
        pack = edge["node"]["rulePack"]
        assert pack["id"] == packs[edge["node"]["id"]]
        known = rule_packs().get(pack["id"])
        assert pack["nameEn"] == (known.name_en if known else pack["id"])
    assert {pack["id"] for pack in ({"id": p} for p in packs.values())} > {"of tomorrow"}


@pytest.mark.parametrize("kind", ["Disease", "RulePack", "Region"])
def test_a_key_nobody_knows_is_shown_as_it_is(kind: str) -> None:
    row: Any = Reference([]).constant(kind, "new")
    assert getattr(row, "id", None) == "new" or row.code == "new"
    assert (row.name_zh, row.name_en) == ("new", "new")


def test_a_disease_learnt_meanwhile_is_told_by_its_name_both_ways(
    copies: tuple[RegionSettings, ...], make: Callable[..., Gateway]
) -> None:
    gateway = make(copies)
    text = "{ cases { edges { node { disease { id nameZh } } } } }"

    def names() -> set[str]:
        edges = gateway.both(text).data["cases"]["edges"]
        return {edge["node"]["disease"]["nameZh"] for edge in edges}

    before = names()
    one = {"key": "covid_19", "name_zh": "新冠", "name_en": "COVID-19", "icd10": "U07.1"}
    row = one | {"law_class": "B", "alert_method": "NONE"}

    def rename(connection: Any) -> None:
        connection.execute(disease_table.delete().where(disease_table.c.key == "covid_19"))
        connection.execute(insert(disease_table), [row])

    for region in copies:
        in_store(region, rename)
    assert names() == before
    found = gateway.ask("{ diseases { id nameZh } }").data["diseases"]
    assert {"id": "covid_19", "nameZh": "新冠"} in found
    assert "新冠" in names()
