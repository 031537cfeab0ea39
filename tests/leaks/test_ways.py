"""Ways to a hidden field: types, aliases, fragments, derived fields (1 to 7, 20, 21, 44, 45)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.metadata import Reveals
from regions.sealing import ITEMS
from regions.tables import central, log_tables, regional
from resolvers.catalog import RECORDS, private_fields
from resolvers.privacy import HELD
from schema.fields import PrivateSource
from tests.leaks.documents import SCHEMA
from tests.leaks.worlds import MASKED, World
from tests.records import Population

STAFF = {"DutyPerson", "ResponsiblePerson", "SignalDelivery", "StaffContact"}
"""Types of whose items a rule of their own decides (tests of users): staff, nobody on record."""

PRIVATE_SCALARS = {"PrivateString", "PrivateInt", "PrivateDate"}
PRIVATE: dict[str, list[str]] = {}
for _owner, _field in private_fields():
    PRIVATE.setdefault(_owner, []).append(_field)


def private_values(value: Any) -> Iterator[Any]:
    """Every value in an answer under a key that begins with `p_`."""
    if isinstance(value, list):
        for one in value:
            yield from private_values(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name.startswith("p_"):
                yield one
            yield from private_values(one)


def fields_of(kind: str) -> str:
    """The private fields of a type under aliases that say so."""
    return " ".join(f"p_{name}: {name}" for name in PRIVATE.get(kind, []))


def ways(kind: GraphQLObjectType, depth: int) -> str:
    """Every field that leads on from a type, and the private fields there."""
    parts = ["__typename", fields_of(kind.name)]
    for name, one in kind.fields.items():
        target = get_named_type(one.type)
        if depth and isinstance(target, GraphQLObjectType) and not one.args:
            parts.append(f"{name} {{ {ways(target, depth - 1)} }}")
    return " ".join(parts)


@pytest.mark.parametrize("who", MASKED)
@pytest.mark.parametrize("name", ["contacts", "cases"])
def test_leak_01_every_relation_from_a_list(world: World, name: str, who: str) -> None:
    kind = SCHEMA.type_map["Contact" if name == "contacts" else "Case"]
    assert isinstance(kind, GraphQLObjectType)
    data = world.ask(f"{{{name}(first:30){{edges{{node{{{ways(kind, 2)}}}}}}}}}", who=who).data
    found = list(private_values(data))
    assert set(found) <= {"*"}
    assert len(found) > 100 or who == "reporter"


def test_leak_01_what_is_clear_for_others_is_seen_by_this_test(world: World) -> None:
    kind = SCHEMA.type_map["Contact"]
    assert isinstance(kind, GraphQLObjectType)
    data = world.ask(f"{{contacts{{edges{{node{{{ways(kind, 1)}}}}}}}}}", who="clear").data
    assert len({str(one) for one in private_values(data)}) > 20


ALIASES = st.sampled_from(["id", "code", "__x", "level", "edges", "a", "name1", "createdAt"])


@given(alias=ALIASES, field=st.sampled_from(PRIVATE["Contact"]), who=st.sampled_from([*MASKED]))
@settings(max_examples=40)
def test_leak_02_alias(world: World, alias: str, field: str, who: str) -> None:
    text = f"{{contacts(first:9){{edges{{node{{{alias}:{field} p_x:{field} {field}}}}}}}}}"
    for edge in world.ask(text, who=who).data["contacts"]["edges"]:
        assert set(edge["node"].values()) == {"*"}


@pytest.mark.parametrize("who", MASKED)
def test_leak_03_fragments(world: World, peopled: tuple[World, Population], who: str) -> None:
    """Named, inline, on interfaces and unions, within one another, on the type and on its parts."""
    contact = next(iter(peopled[1].of(RECORDS["Contact"].table)))["id"]
    named = f"""fragment N on Node {{ id ... on Contact {{ ...C }} ... on Case {{ p_a: name }} }}
      fragment C on Contact {{ {fields_of("Contact")} ... on Node {{ ... on Contact {{ ...D }} }} }}
      fragment D on Contact {{ p_b: phone person {{ ...P }} ... {{ p_c: idNumber }} }}
      fragment P on Person {{ {fields_of("Person")} ... on Node {{ id }} }}
      fragment U on ChainNode {{ __typename
        ... on Contact {{ ...D }} ... on Case {{ p_d: name }} }}"""
    for question in (
        f'{{ node(id: "contact:{contact}") {{ ...N }} }}',
        f'{{ nodes(ids: ["contact:{contact}", "case:1"]) {{ ...N ... on Contact {{ ...D }} }} }}',
        f'{{ chain(root: "contact:{contact}") {{ nodes {{ ...U ... on Node {{ ...N }} }} }} }}',
        "{ contacts(first: 20) { edges { node { ...N ...C ...U } } } }",
        "{ ...Q } fragment Q on Query { contacts(first: 20) { edges { node { ...N ...U } } } }",
    ):
        used = {name for name in ("N", "C", "D", "P", "U") if f"...{name}" in question}
        parts = named if used >= {"N", "U"} else named.rsplit("fragment U", 1)[0]
        answer = world.ask(f"{question} {parts}", who=who)
        if answer.codes:  # a record outside of what the viewer opens
            assert answer.codes == ["NOT_FOUND"]
            continue
        assert set(private_values(answer.data)) <= {"*"}


@given(
    skip=st.booleans(),
    include=st.booleans(),
    first=st.integers(0, 20),
    who=st.sampled_from([*MASKED]),
)
@settings(max_examples=30)
def test_leak_04_skip_and_include(
    world: World, skip: bool, include: bool, first: int, who: str
) -> None:
    text = """query($s:Boolean!,$i:Boolean!,$n:Int){contacts(first:$n){edges{node{
      p_a:name @skip(if:$s) p_b:name @include(if:$i) p_c:phone @skip(if:$s) @include(if:$i)
      ... @include(if:$i) { p_d: idNumber person @skip(if:$s) { p_e: birthDate } } p_f: sex
    }}}}"""
    data = world.ask(text, {"s": skip, "i": include, "n": first}, who=who).data
    found = list(private_values(data))
    assert set(found) <= {"*"}


@pytest.mark.parametrize("who", MASKED)
def test_leak_05_every_record_by_its_id(peopled: tuple[World, Population], who: str) -> None:
    world, population = peopled
    kinds = [kind.name for kind in SCHEMA.get_possible_types(_interface("Node"))]
    for name in kinds:
        if name not in RECORDS or name not in PRIVATE:
            continue
        record = RECORDS[name]
        ids = [f"{record.kind}:{row['id']}" for row in population.of(record.table)]
        if name in HELD:  # no letters here: their own tests ask as a third unit
            assert not ids
            continue
        selection = f"__typename ... on {name} {{ {fields_of(name)} }}"
        data = world.ask(f"query($i:[ID!]!){{nodes(ids:$i){{{selection}}}}}", {"i": ids}, who=who)
        assert set(private_values(data.data)) <= {"*"}
        one = world.ask(f"query($i:ID!){{node(id:$i){{{selection}}}}}", {"i": ids[0]}, who=who)
        assert set(private_values(one.data)) <= {"*"}


def _interface(name: str) -> GraphQLInterfaceType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLInterfaceType)
    return found


def test_leak_05_no_two_types_show_a_sealed_item_with_and_without_its_mark() -> None:
    """Whatever type reads a table with sealed items, its fields of them are private ones."""
    for record in RECORDS.values():
        for one in record.fields.values():
            for part in (one, *one.fields):
                column = record.table.c.get(part.column) if part.column else None
                if column is not None:
                    assert column.info["reveals"] is Reveals.NOTHING_PRIVATE, (record.name, part)


def test_leak_06_no_subgraph_is_served(world: World) -> None:
    assert SCHEMA.query_type is not None
    roots = {*SCHEMA.query_type.fields}
    assert not roots & {"_entities", "_service", "entities", "service"}
    assert "_Any" not in SCHEMA.type_map
    for text in ("{_service{sdl}}", "{_entities(representations:[]){__typename}}"):
        assert world.ask(text).codes == ["GRAPHQL_INVALID"]


# Names of fields that could only be told from a hidden item.
DERIVED = {"ageBand", "ageGroup", "ageClass", "initials", "label", "displayName", "title", "pinyin"}
DERIVED |= {
    "gender",
    "yearOfBirth",
    "birthYear",
    "zodiac",
    "maskedName",
    "idNumberTail",
    "phoneTail",
}


def test_leak_07_no_field_is_derived_from_a_hidden_one() -> None:
    """Of records, whatever is shown is a public column, a link, reference data, or private."""
    for record in RECORDS.values():
        for one in record.fields.values():
            assert one.name not in DERIVED, f"{record.name}.{one.name}"
            names = {*ITEMS.get("people", ()), "remarks", "seat"} - {"name"}
            if record.table.name in ITEMS and one.column:
                assert one.column not in names


def test_leak_07_what_an_id_number_tells_is_masked_like_it(
    peopled: tuple[World, Population],
) -> None:
    """Sex, birth date, age: told by the number at registration, each an item of its own."""
    for name in ("sex", "age", "birthDate", "idType", "idNumber"):
        assert ("Person", name) in private_fields()
    data = (
        peopled[0]
        .ask("{contacts(first:30){edges{node{person{p_a:sex p_b:age p_c:birthDate p_d:idType}}}}}")
        .data
    )
    assert set(private_values(data)) == {"*"}


def test_leak_20_null_and_known_are_one_mask(peopled: tuple[World, Population]) -> None:
    world, population = peopled
    people = [
        population.items["people", row["id"]] for row in population.of(RECORDS["Person"].table)
    ]
    assert {one["sex"] for one in people} == {"M", "F", None}
    ids = [f"person:{row['id']}" for row in population.of(RECORDS["Person"].table)]
    text = f"query($i:[ID!]!){{nodes(ids:$i){{... on Person{{{fields_of('Person')}}}}}}}"
    nodes = world.ask(text, {"i": ids}).data["nodes"]
    assert {str(node) for node in nodes} == {str(nodes[0])}
    assert set(private_values(nodes)) == {"*"}


def test_leak_21_a_mask_is_a_value_of_every_private_scalar(world: World) -> None:
    """Not one answer of a masked viewer has an error of coercion, whatever the field's type."""
    for owner, field in private_fields():
        kind = SCHEMA.type_map[owner]
        assert isinstance(kind, GraphQLObjectType)
        scalar: Any = get_named_type(kind.fields[field].type)
        assert scalar.name in PRIVATE_SCALARS
        assert scalar.serialize("*") == "*"
    contact = f"{{contacts(first:30){{edges{{node{{{fields_of('Contact')}}}}}}}}}"
    me = "{me{code} " + contact[1:]  # by the ordinary executor, which coerces
    for text in (contact, me):
        assert world.ask(text).codes == []


def test_leak_44_every_sealed_item_is_a_field_with_the_directive_and_no_other() -> None:
    """The tables' side and the schema's: a new sealed item or private scalar is in both."""
    shown = {
        (source.of or RECORDS[name].table.name, source.name)
        for name, record in RECORDS.items()
        for one in record.fields.values()
        for part in (one, *one.fields)
        if isinstance(source := part.source, PrivateSource)
    }
    for table, names in ITEMS.items():
        known = {name for of, name in shown if of in (table, "person_id", "person", "people")}
        if table in {record.table.name for record in RECORDS.values()}:
            assert set(names) <= known, table
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field, one in kind.fields.items():
                if kind.name in STAFF:
                    continue
                if get_named_type(one.type).name in PRIVATE_SCALARS:
                    assert (kind.name, field) in private_fields(), f"{kind.name}.{field}"


def test_leak_44_a_new_column_is_private_until_somebody_says_otherwise() -> None:
    """Only a column of which it was said may be shown; each table stands in a list here."""
    for metadata in (regional, central, log_tables):
        for table in metadata.sorted_tables:
            for column in table.columns:
                assert isinstance(column.info.get("reveals"), Reveals), column


def test_leak_45_type_item_and_place_must_all_hold(world: World) -> None:
    """A right to the names of contacts in one county opens these and nothing else."""
    node = "id code name phone sex person{name} visits{remarks} sourceCase{name}"
    edges = world.ask(f"{{contacts(first:50){{edges{{node{{{node}}}}}}}}}", who="some").data
    shown = set()
    for edge in edges["contacts"]["edges"]:
        one = edge["node"]
        assert (one["name"] != "*") == (one["code"] == "320104")
        shown.add(one["code"])
        hidden = [one["phone"], one["sex"], one["person"]["name"]]
        hidden += [visit["remarks"] for visit in one["visits"]]
        hidden += [one["sourceCase"]["name"]] if one["sourceCase"] else []
        assert set(hidden) == {"*"}
    assert len(shown) > 1
    cases = world.ask("{cases(first:50){edges{node{name}}}}", who="some").data
    assert {edge["node"]["name"] for edge in cases["cases"]["edges"]} == {"*"}
