"""Chains: every record within so many links of the root, every link between them, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from regions.cases import cases, exposures
from regions.contacts import contacts
from regions.ids import first_id
from regions.settings import RegionSettings
from resolvers.users import Viewer
from tests.answering import NATIONAL, Gateway, viewer
from tests.records import Population

_CHAIN = """query ($r: ID!, $d: Int) { chain(root: $r, depth: $d) { truncated
    nodes { ... on Case { id } ... on Contact { id } } links { from to kind }
    regions { code state records } } }"""


def _links(population: Population, who: Viewer) -> set[tuple[str, str, str]]:
    """Every link between records that the viewer sees."""
    seen = {
        f"{kind}:{row['id']}"
        for kind, table in (("case", cases), ("contact", contacts))
        for row in population.of(table)
        if row["code"].startswith(who.prefix)
    }
    found = set()
    of_person: dict[int, list[int]] = {}
    for row in population.of(cases):
        of_person.setdefault(row["person_id"], []).append(row["id"])
    for row in population.of(contacts):
        here = f"contact:{row['id']}"
        found.add((f"case:{row['source_case_id']}", here, "CONTACT_OF_CASE"))
        found.add((f"contact:{row['parent_contact_id']}", here, "CONTACT_OF_CONTACT"))
        for case in of_person.get(row["person_id"], ()):
            found.add((here, f"case:{case}", "BECAME_CASE"))
    for row in population.of(exposures):
        found.add((f"case:{row['source_case_id']}", f"case:{row['case_id']}", "EXPOSED"))
    return {(a, b, kind) for a, b, kind in found if a in seen and b in seen}


def _around(links: set[tuple[str, str, str]], root: str, depth: int) -> list[set[str]]:
    """The records by their distance from the root. Who exposed a case is found from the case."""
    neighbours: dict[str, set[str]] = {}
    for a, b, kind in links:
        neighbours.setdefault(b, set()).add(a)
        if kind != "EXPOSED":
            neighbours.setdefault(a, set()).add(b)
    levels, known = [{root}], {root}
    for _ in range(depth):
        following = {n for one in levels[-1] for n in neighbours.get(one, ())} - known
        known |= following
        levels.append(following)
    return levels


@pytest.mark.parametrize("who", [NATIONAL, viewer("320000")], ids=["national", "province"])
@pytest.mark.parametrize("depth", [0, 1, 2, 3, 6])
def test_a_chain_is_what_is_linked(
    gateway: Gateway, population: Population, who: Viewer, depth: int
) -> None:
    links = _links(population, who)
    for kind, table in (("case", cases), ("contact", contacts)):
        for row in [row for row in population.of(table) if row["code"].startswith("32")][:6]:
            root = f"{kind}:{row['id']}"
            asked = gateway.ask(_CHAIN, who, {"r": root, "d": depth})
            assert asked.errors == []
            chain = asked.data["chain"]
            levels = _around(links, root, depth)
            found = [node["id"] for node in chain["nodes"]]
            assert len(set(found)) == len(found)
            assert set(found) == set().union(*levels)
            by_distance = [i for name in found for i, level in enumerate(levels) if name in level]
            assert by_distance == sorted(by_distance)
            told = {(link["from"], link["to"], link["kind"]) for link in chain["links"]}
            assert len(told) == len(chain["links"])
            assert told <= links
            inner = set().union(*levels[:-1])
            assert told >= {
                (a, b, k) for a, b, k in links if b in inner or (a in inner and k != "EXPOSED")
            }
            records = sum(one["records"] or 0 for one in chain["regions"])
            assert records == len(found)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("who", [NATIONAL, viewer("320000")], ids=["national", "province"])
def test_a_chain_that_goes_on_says_so_and_no_other(
    gateway: Gateway, population: Population, who: Viewer
) -> None:
    """It goes on where a depth of one more has more records or more links."""
    said = set()
    for kind, table in (("case", cases), ("contact", contacts)):
        for row in [row for row in population.of(table) if row["code"].startswith("32")]:
            variables = {"r": f"{kind}:{row['id']}"}
            chains = [
                gateway.ask(_CHAIN, who, {**variables, "d": depth}).data["chain"]
                for depth in range(8)
            ]
            for chain, further in pairwise(chains):
                more = any(len(further[part]) > len(chain[part]) for part in ("nodes", "links"))
                assert chain["truncated"] is more
                said.add(more)
    assert said == {True, False}


def test_each_level_is_one_batch_a_relation(gateway: Gateway, population: Population) -> None:
    """And one level more is looked at, to know whether the chain goes on."""
    root = f"case:{population.of(cases)[0]['id']}"
    gateway.ask(_CHAIN, NATIONAL, {"r": root, "d": 1})
    assert len(gateway.reads) <= 1 + 2 * 5 * len(gateway.regions)
    gateway.ask(_CHAIN, NATIONAL, {"r": root, "d": 6})
    assert len(gateway.reads) <= 1 + 7 * 10 * len(gateway.regions)


@pytest.mark.parametrize(
    ("root", "depth", "code"),
    [
        (None, -1, "INVALID_INPUT"),
        (None, 11, "INVALID_INPUT"),
        ("person:1", 1, "INVALID_INPUT"),
        ("x", 1, "INVALID_INPUT"),
        ("", 1, "INVALID_INPUT"),
        (f"case:{first_id('3201') + 999_999}", 1, "NOT_FOUND"),
        (f"case:{first_id('110000') + 1}", 1, "NOT_FOUND"),
        ("case:1", 1, "NOT_FOUND"),
    ],
)
def test_what_is_no_root_is_refused(
    gateway: Gateway, population: Population, root: Any, depth: int, code: str
) -> None:
    root = f"case:{population.of(cases)[0]['id']}" if root is None else root
    asked = gateway.ask(_CHAIN, NATIONAL, {"r": root, "d": depth})
    assert asked.data is None
    assert asked.codes == [code]


def test_leak_35_a_root_that_is_hidden_is_no_root(gateway: Gateway, population: Population) -> None:
    row = next(row for row in population.of(cases) if not row["code"].startswith("5001"))
    hidden = gateway.ask(_CHAIN, viewer("500000"), {"r": f"case:{row['id']}"})
    missing = gateway.ask(_CHAIN, viewer("500000"), {"r": f"case:{row['id'] + 999_999}"})
    assert hidden.answer.body == missing.answer.body


def test_a_region_that_is_down_is_named_in_the_chain(
    copies: tuple[RegionSettings, ...], make: Callable[..., Gateway], population: Population
) -> None:
    assert copies[1].path is not None
    copies[1].path.unlink()
    gateway = make(tuple(replace(one, deadline=30.0) for one in copies))  # of a slow machine
    root = f"case:{population.rows['320100'][cases][0]['id']}"
    asked = gateway.ask(_CHAIN, NATIONAL, {"r": root, "d": 2})
    assert set(asked.codes) == {"REGION_UNAVAILABLE"}
    states = [one["state"] for one in asked.data["chain"]["regions"]]
    assert states[:2] == ["ANSWERED", "UNREACHABLE"]
    assert [error["path"] for error in asked.errors] == [["chain"]]
    root = f"case:{population.rows['320200'][cases][0]['id']}"
    asked = gateway.ask(_CHAIN, NATIONAL, {"r": root})
    assert sorted(asked.codes) == ["NOT_FOUND", "REGION_UNAVAILABLE"]


def test_regions_that_another_question_asked_are_not_the_chains(
    gateway: Gateway, population: Population
) -> None:
    """`checkDuplicate` asks every region, the chain of a city only the city's."""
    who = viewer("320100")
    root = f"case:{population.rows['320100'][cases][0]['id']}"
    chain = "chain(root: $r, depth: 6) { regions { code state records } }"
    alone = gateway.ask(f"query ($r: ID!) {{ {chain} }}", who, {"r": root}).data["chain"]
    assert {one["state"] for one in alone["regions"]} == {"ANSWERED", "NOT_ASKED"}
    other = 'checkDuplicate(candidate: { idNumber: "110101190001010014" }) { exists }'
    beside = gateway.ask(f"query ($r: ID!) {{ {other} {chain} }}", who, {"r": root})
    assert beside.data["chain"] == alone


def test_two_chains_at_once_tell_what_each_tells_alone(
    gateway: Gateway, population: Population
) -> None:
    chain = "chain(root: $%s, depth: 6) { truncated regions { code state records } }"
    roots = [f"case:{row['id']}" for row in population.rows["320100"][cases][:8]]
    alone = {
        root: gateway.ask(f"query ($r: ID!) {{ {chain % 'r'} }}", NATIONAL, {"r": root}).data
        for root in roots
    }
    for one, other in pairwise(roots):
        asked = gateway.ask(
            f"query ($a: ID!, $b: ID!) {{ a: {chain % 'a'} b: {chain % 'b'} }}",
            NATIONAL,
            {"a": one, "b": other},
        )
        assert [asked.data["a"], asked.data["b"]] == [alone[one]["chain"], alone[other]["chain"]]
