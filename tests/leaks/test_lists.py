"""Filters, orders, pages, counts, searches: none depends on a hidden item (8 to 17, 36)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.blind_index import BlindIndexer
from regions.metadata import Reveals
from regions.sealing import ITEMS
from resolvers.catalog import RECORDS, private_fields
from tests.leaks.documents import SCHEMA
from tests.leaks.worlds import MASKED, World
from tests.records import Population

# Inputs that are asked with, not written with: of arguments of questions.
SEARCHES = {"PersonSearch"}
"""Inputs that name private items, each with a test of its own (16, 17)."""

HIDDEN = {name for _, name in private_fields()} | {
    "idNumberIndex",
    "phoneIndex",
    "nameBirthIndex",
    "sealed",
    "reporter",
    "version",
    "sourceHash",
    "idNumberPrefix",
}
HIDDEN -= {"old", "new", "reason"}  # of a correction; words that mean other things elsewhere
_OF_ACCOUNTS = {
    "DetectionParameterInput": {"name", "value"},
    "UnitFilter": {"name"},
    "UserFilter": {"name"},
}
"""Inputs where such a word is of staff, a unit or a method, not of a person on record."""


def inputs_of_questions() -> Iterator[GraphQLInputObjectType]:
    """Every input object that an argument of a question leads to, at any depth."""
    roots = [SCHEMA.query_type, SCHEMA.subscription_type]
    kinds = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType)]
    waiting: list[GraphQLNamedType] = []
    for kind in kinds:
        if kind is SCHEMA.mutation_type or kind.name.startswith("__"):
            continue
        for field in kind.fields.values():
            waiting += [get_named_type(one.type) for one in field.args.values()]
    assert roots
    seen: set[str] = set()
    while waiting:
        kind_in = waiting.pop()
        if not isinstance(kind_in, GraphQLInputObjectType) or kind_in.name in seen:
            continue
        seen.add(kind_in.name)
        yield kind_in
        waiting += [get_named_type(one.type) for one in kind_in.fields.values()]


def test_leak_08_filter_on_hidden_field(world: World) -> None:
    found = list(inputs_of_questions())
    assert {"CaseFilter", "ContactFilter"} <= {one.name for one in found}
    for kind in found:
        if kind.name in SEARCHES:
            continue
        allowed = _OF_ACCOUNTS.get(kind.name, set())
        assert not HIDDEN & set(kind.fields) - allowed, kind.name
        for name, field in kind.fields.items():
            scalar = get_named_type(field.type).name
            assert scalar not in ("PrivateString", "PrivateInt", "PrivateDate"), (kind.name, name)
    for name in ("name", "idNumber", "phone", "age", "sex", "employer", "remarks", "person"):
        for value in ('"x"', '{eq:"x"}', '{in:["x"]}', '{like:"x%"}', '{from:"1"}', "[1]"):
            answer = world.ask(f"{{contacts(filter:{{{name}:{value}}}){{totalCount}}}}")
            assert answer.codes == ["GRAPHQL_INVALID"]
            answer = world.ask(
                "query($f:ContactFilter){contacts(filter:$f){totalCount}}", {"f": {name: value}}
            )
            assert answer.codes == ["GRAPHQL_INVALID"]


@pytest.mark.parametrize("around", ["not:{%s}", "and:[{%s}]", "or:[{not:{%s}},{}]"])
def test_leak_09_filter_through_relation_and_path(world: World, around: str) -> None:
    for inner in (
        'person:{name:"x"}',
        'sourceCase:{name:"x"}',
        'person_name:"x"',
        '"person.name":"x"',
        'path:"$.name"',
        'visits:{remarks:"x"}',
        'history:{old:"x"}',
        'raw:"1=1"',
    ):
        text = f"{{contacts(filter:{{{around % inner}}}){{totalCount}}}}"
        assert world.ask(text).codes == ["GRAPHQL_INVALID"], text
    relations = {"sourceCase", "parentContact", "reportedBy"}
    for name in ("ContactFilter", "CaseFilter"):
        kind = SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        for field in relations & set(kind.fields):
            assert get_named_type(kind.fields[field].type).name == "ID"


def test_leak_10_sort_by_hidden_field_and_tie_break(world: World) -> None:
    """Orders are enums of public columns; where they are equal the id decides, nothing else."""
    enums = [one for one in SCHEMA.type_map.values() if one.name.endswith("OrderField")]
    assert len(enums) >= 2
    for enum in enums:
        assert isinstance(enum, GraphQLEnumType)
        record = RECORDS.get(enum.name.removesuffix("OrderField"))
        for name in enum.values:
            assert name.lower() not in {one for items in ITEMS.values() for one in items}
            if record is not None:
                column = record.table.c[name.lower()]
                assert column.info["reveals"] is Reveals.NOTHING_PRIVATE
    text = "{contacts(first:50,orderBy:[{field:LEVEL}]){edges{node{id level}}}}"
    nodes = [edge["node"] for edge in world.ask(text).data["contacts"]["edges"]]
    keys = [(node["level"], int(node["id"].partition(":")[2])) for node in nodes]
    assert keys == sorted(keys, reverse=True)
    for field in ("NAME", "AGE", "ID_NUMBER", "PERSON", "SEALED"):
        refused = world.ask(f"{{contacts(orderBy:[{{field:{field}}}]){{totalCount}}}}")
        assert refused.codes == ["GRAPHQL_INVALID"]


GROUPING = {"groupBy", "distinct", "distinctOn", "aggregate", "having", "by"}
GROUPED: dict[str, set[str]] = {"assistIndicators": {"by"}}
"""Arguments that group, by root field; what they take is a closed enum, tested with the area."""


def test_leak_11_group_by_and_distinct() -> None:
    assert SCHEMA.query_type is not None
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                found = GROUPING & set(field.args) - GROUPED.get(name, set())
                for argument in found:  # then it is an enum without a private item in it
                    values = get_named_type(field.args[argument].type)
                    assert isinstance(values, GraphQLEnumType), (kind.name, name, argument)
                    items = {one.upper() for names in ITEMS.values() for one in names}
                    assert not items & set(values.values), (kind.name, name)


def test_leak_12_aggregates_have_no_private_item(world: World) -> None:
    """Whatever counts or sums does so over public columns; no type of figures has private ones."""
    figures = [
        kind
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        and any(word in kind.name for word in ("Count", "Aggregate", "Figure", "Indicator"))
    ]
    assert figures
    for kind in figures:
        for name, field in kind.fields.items():
            target = get_named_type(field.type)
            assert not target.name.startswith("Private"), (kind.name, name)
            assert target.name not in RECORDS, (kind.name, name)
            assert name not in {"min", "max", "sum", "avg"} or target.name == "Int"
    for text in ("{contacts{min{age}}}", "{contacts{aggregate{count}}}", "{cases{sum{age}}}"):
        assert world.ask(text).codes == ["GRAPHQL_INVALID"]


@given(
    first=st.integers(0, 30), who=st.sampled_from([*MASKED]), name=st.sampled_from(["NAME", "X"])
)
@settings(max_examples=20)
def test_leak_13_totals_and_pages(
    pair: tuple[World, World], first: int, who: str, name: str
) -> None:
    """Under every public filter (test_non_interference makes more of them)."""
    text = """query($n:Int,$f:ContactFilter){contacts(first:$n,filter:$f){
      totalCount pageInfo{hasNextPage hasPreviousPage} edges{cursor}
      regions{code state records}}}"""
    for wanted in ({"level": ["CLOSE"]}, {"not": {"traced": ["YES"]}}, {"code": ["320100"]}):
        one, other = (w.ask(text, {"n": first, "f": wanted}, who=who) for w in pair)
        assert one == other
    assert name


@pytest.mark.parametrize("order", ["", ",orderBy:[{field:CODE},{field:LEVEL,direction:ASC}]"])
def test_leak_14_cursors(peopled: tuple[World, Population], order: str) -> None:
    """Every cursor is of one length for an order and holds neither items nor keys that are read."""
    world, population = peopled
    text = f"{{contacts(first:50{order}){{edges{{cursor node{{id code}}}}}}}}"
    edges = world.ask(text).data["contacts"]["edges"]
    words = [
        str(value).encode()
        for items in population.items.values()
        for value in items.values()
        if len(str(value)) > 5
    ]
    for edge in edges:
        raw = base64.urlsafe_b64decode(edge["cursor"] + "==")
        number = edge["node"]["id"].partition(":")[2].encode()
        for word in (number, edge["node"]["code"].encode(), *words):
            assert word not in raw
            assert word.decode() not in edge["cursor"]
    clear = world.ask(text, who="clear").data["contacts"]["edges"]
    assert [edge["cursor"] for edge in clear] == [edge["cursor"] for edge in edges]


def test_leak_15_ids_are_of_nobody(peopled: tuple[World, Population]) -> None:
    """An id is a number in order: region and count, whatever the person."""
    world, population = peopled
    for (table, number), items in population.items.items():
        for value in items.values():
            if value is not None and len(str(value)) > 3:
                assert str(value) not in str(number), table
    for region in world.config.regions:
        ids = [row[0] for row in world.rows(region.code, "SELECT id FROM people ORDER BY id")]
        assert all(one >> 43 == int(region.code) for one in ids)
        names = {str(path.relative_to(world.config.data)) for path in world.config.data.rglob("*")}
        for items in population.items.values():
            hidden = items.get("id_number")
            assert not [name for name in names if hidden and hidden in name]


@pytest.mark.parametrize("who", MASKED)
def test_leak_16_search_is_exact_and_for_those_who_see(
    peopled: tuple[World, Population], who: str
) -> None:
    """No part finds anybody, nothing is ranked or marked; masked viewers do not search."""
    world, population = peopled
    kind = SCHEMA.type_map["PersonMatches"]
    assert isinstance(kind, GraphQLObjectType)
    assert set(kind.fields) == {"matches", "more", "regions"}
    phone = next(i["phone"] for i in population.items.values() if i.get("phone"))
    text = "query($s:PersonSearch!){people(search:$s){matches{id}}}"
    for given_phone in (phone, phone[:-1], phone[1:], f"{phone}1"):
        answer = world.ask(text, {"s": {"phone": given_phone}}, who=who)
        assert answer.codes == ["FORBIDDEN"] or answer.data["people"]["matches"] == []
        found = world.ask(text, {"s": {"phone": given_phone}}, who="clear").data["people"]
        assert bool(found["matches"]) == (given_phone == phone)
    assert SCHEMA.query_type is not None
    words = {"suggest", "autocomplete", "complete", "highlight", "snippet", "score", "rank"}
    names = {name.lower() for name in SCHEMA.query_type.fields}
    assert not {name for name in names for word in words if word in name}


@pytest.mark.parametrize("who", MASKED)
def test_leak_17_the_duplicate_check_is_one_word(
    peopled: tuple[World, Population], who: str
) -> None:
    """The same bytes for one record of a person and for many, near and far, seen and unseen."""
    world, population = peopled
    people = population.of(RECORDS["Person"].table)
    indexer = BlindIndexer(world.keys.index)
    numbers: dict[str | None, list[tuple[str, str]]] = {}
    for row in people:
        number = population.items["people", row["id"]]["id_number"]
        if number:
            numbers.setdefault(indexer.id_number(number), []).append((row["code"], number))
    assert {len(found) for found in numbers.values()} > {1}
    assert len({code[:4] for found in numbers.values() for code, _ in found}) > 2
    text = "query($s:PersonSearch!){checkDuplicate(candidate:$s){exists complete}}"
    answers = {
        world.ask(text, {"s": {"idNumber": found[0][1]}}, who=who) for found in numbers.values()
    }
    assert len(answers) == 1
    (answer,) = answers
    assert answer.data == {"checkDuplicate": {"exists": True, "complete": True}}
    kind = SCHEMA.type_map["DuplicateCheck"]
    assert isinstance(kind, GraphQLObjectType)
    assert set(kind.fields) == {"exists", "complete"}


@pytest.mark.parametrize("who", ["national", "reporter"])
def test_leak_36_limits_do_not_depend_on_hidden_rows(pair: tuple[World, World], who: str) -> None:
    """The limit counts records of the answer: the same question meets it in both worlds."""
    inner = "id"
    for _ in range(7):
        inner = f"sourceCase{{contacts{{{inner}}}}}"
    text = f"{{contacts(first:50){{edges{{node{{{inner}}}}}}}}}"
    one, other = (world.ask(text, who=who) for world in pair)
    assert one == other
    kinds: Any = {name for name, _ in one.headers}
    assert not {name for name in kinds if b"ratelimit" in name or b"cost" in name}
