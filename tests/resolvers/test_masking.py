"""What is masked is masked in the store's SQL, and what is shown is what was decided."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from graphql import parse, print_ast
from graphql.language import FieldDefinitionNode, ObjectTypeDefinitionNode
from hypothesis import given, settings
from hypothesis import strategies as st

from regions.errors import EnvelopeError
from regions.ids import region_of
from regions.settings import RegionSettings
from regions.store_files import StoreFile
from resolvers.catalog import RECORDS, private_fields
from resolvers.privacy import Decision, decide
from resolvers.root import make_schema
from resolvers.users import Role, Viewer, prefix_of
from schema.privacy import PrivateItem
from tests.answering import EVERY_ITEM, EVERY_TYPE, NATIONAL, Gateway, grant, viewer
from tests.records import Population, Row
from tests.resolvers.operations import Operation, operations

_PRIVATE: dict[str, dict[str, PrivateItem]] = {}
for (_owner, _field), _item in private_fields().items():
    _PRIVATE.setdefault(_owner, {})[_field] = PrivateItem[_item]


def _fields(record: str) -> str:
    return " ".join(["__typename", "id", *_PRIVATE[record]])


_WHOLE = f"""
    fragment P on Person {{ {_fields("Person")} history {{ {_fields("Correction")} }} }}
    fragment V on Visit {{ {_fields("Visit")} person {{ ...P }} }}
    fragment S on Sample {{ {_fields("Sample")} person {{ ...P }} }}
    fragment H on Correction {{ {_fields("Correction")} }}
    query {{
      contacts(first: 1000) {{ edges {{ node {{ {_fields("Contact")}
        observation {{ place }} person {{ ...P }} visits {{ ...V }} samples {{ ...S }}
        history {{ ...H }} sourceCase {{ id name }} }} }} }}
      cases(first: 1000) {{ edges {{ node {{ {_fields("Case")} person {{ ...P }}
        visits {{ ...V }} samples {{ ...S }} history {{ ...H }}
        exposures {{ {_fields("Exposure")} }} }} }} }} }}
    """

_MASKED = (
    NATIONAL,
    viewer("320100", Role.DUTY_PERSON),
    viewer("320104", Role.REVIEWER),
    viewer(grants=[grant(ends_at="2021-01-01T00:00:00Z")]),
    viewer("320000", grants=[grant("440000")]),
    viewer("500000", Role.REGIONAL_SYSTEM, grants=[grant(types=frozenset({"TRANSFER"}))]),
)


@pytest.mark.leak(44)
def test_the_policy_is_that_of_the_directives() -> None:
    declared = {}
    for one in parse(make_schema().as_str()).definitions:
        if isinstance(one, ObjectTypeDefinitionNode):
            for field in one.fields or ():
                if (item := _directive(field)) is not None:
                    declared[(one.name.value, field.name.value)] = item
    assert private_fields() == declared
    assert len(declared) >= 40


def _directive(field: FieldDefinitionNode) -> str | None:
    for one in field.directives or ():
        if one.name.value == "private":
            assert one.arguments
            return print_ast(one.arguments[0].value)
    return None


@pytest.mark.leak(21)
def test_every_private_field_has_a_scalar_that_may_be_a_mask() -> None:
    types = make_schema()._schema.type_map
    for owner, field in private_fields():
        kind = types[owner].fields[field].type  # type: ignore[attr-defined]  # known to have it here
        assert str(kind) in ("PrivateString", "PrivateInt", "PrivateDate"), (owner, field)


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.leak(1, 2, 3, 4)
@settings(max_examples=25)
@given(operation=operations(), who=st.sampled_from(_MASKED))
def test_no_statement_of_a_masked_viewer_names_a_sealed_column(
    gateway: Gateway, operation: Operation, who: Viewer
) -> None:
    for planning in (True, False):
        gateway.ask(operation.text, who, operation.variables, planning=planning)
        for read in gateway.reads:
            assert "sealed" not in read.sql


@dataclass
class _Traced:
    """A gateway, and what SQLite itself says it runs for it, with the values in place."""

    gateway: Gateway
    statements: list[str]


@pytest.fixture
def traced(
    filled: tuple[RegionSettings, ...],
    make: Callable[..., Gateway],
    monkeypatch: pytest.MonkeyPatch,
) -> _Traced:
    """A gateway whose every connection is traced."""
    statements: list[str] = []
    open_file = StoreFile._open

    def opened(file: StoreFile) -> Any:
        connection = open_file(file)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(StoreFile, "_open", opened)
    return _Traced(make(filled), statements)


@pytest.mark.no_cover  # the lines of the tests below, again and again
@pytest.mark.leak(1, 5, 16, 17)
@pytest.mark.parametrize("who", _MASKED, ids=lambda who: f"{who.role.name} {who.code}")
@pytest.mark.parametrize("planning", [True, False])
def test_what_sqlite_runs_for_a_masked_viewer_names_no_sealed_column(
    population: Population, traced: _Traced, who: Viewer, planning: bool
) -> None:
    contact, case = (next(iter(population.of(RECORDS[n].table))) for n in ("Contact", "Case"))
    questions = (
        _WHOLE,
        f'{{ chain(root: "contact:{contact["id"]}") {{ nodes {{ ... on Contact {{ name }} }} }} }}',
        f'{{ node(id: "case:{case["id"]}") {{ ... on Case {{ name person {{ phone }} }} }} }}',
        f'{{ nodes(ids: ["person:{case["person_id"]}"]) {{ ... on Person {{ name sex age }} }} }}',
        '{ people(search: { phone: "13900000001" }) { matches { name } } }',
        '{ checkDuplicate(candidate: { phone: "13900000001" }) { exists } }',
        "{ units { totalCount } }",
    )
    for question in questions:
        traced.gateway.ask(question, who, planning=planning)
    assert len(traced.statements) > 20
    assert not [statement for statement in traced.statements if "sealed" in statement]


def test_the_trace_would_show_it(traced: _Traced) -> None:
    traced.gateway.ask("{ contacts { edges { node { name } } } }", viewer(grants=[grant()]))
    assert any("sealed" in statement for statement in traced.statements)


@pytest.mark.leak(20)
@pytest.mark.parametrize("who", _MASKED, ids=lambda who: f"{who.role.name} {who.code}")
def test_a_mask_is_one_star_for_every_value_and_for_none(gateway: Gateway, who: Viewer) -> None:
    asked = gateway.both(_WHOLE, who)
    assert asked.errors == []
    shown = {node[name] for node in _nodes(asked.data) for name in _PRIVATE[node["__typename"]]}
    assert shown <= {"*"}
    assert asked.told["clear"] == []
    assert asked.told["reasons"] == {}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every record of an answer."""
    if isinstance(value, list):
        for one in value:
            yield from _nodes(one)
    elif isinstance(value, dict):
        if "__typename" in value:
            yield value
        for one in value.values():
            yield from _nodes(one)


_ITEMS = st.frozensets(st.sampled_from(sorted(EVERY_ITEM)), min_size=1)
_GRANTS = st.lists(
    st.builds(
        grant,
        st.sampled_from(("000000", "320000", "320100", "320104", "320102", "340500", "500100")),
        items=st.one_of(st.just(EVERY_ITEM), _ITEMS),
        types=st.one_of(
            st.just(EVERY_TYPE), st.frozensets(st.sampled_from(sorted(EVERY_TYPE)), min_size=1)
        ),
        ends_at=st.sampled_from(
            ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
        ),
    ),
    max_size=3,
    unique_by=lambda one: one.id,
)
_VIEWERS = st.builds(
    viewer,
    st.sampled_from(("000000", "320000", "320100", "320104", "340500")),
    st.sampled_from((Role.UNIT_USER, Role.DIRECT_REPORTER)),
    account=st.sampled_from(("doctor-1", "doctor-2")),
    unit=st.sampled_from(("hospital-320102-1", "hospital-320104-1")),
    grants=_GRANTS,
)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.leak(45)
@settings(max_examples=20)
@given(who=_VIEWERS)
def test_what_is_shown_is_what_was_decided(
    gateway: Gateway, population: Population, who: Viewer
) -> None:
    _check_shown(gateway, population, who)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("code", ["000000", "320100"])
@pytest.mark.parametrize("many", [63, 64, 1_200])
def test_any_number_of_grants_of_one_region_is_decided_alike(
    gateway: Gateway, population: Population, code: str, many: int
) -> None:
    counties = sorted({row["code"] for row in population.of(RECORDS["Contact"].table)})
    people = [row["id"] for row in population.of(RECORDS["Person"].table)]
    items = sorted(EVERY_ITEM)
    rights = [
        replace(
            grant(counties[n % len(counties)], items=frozenset({items[n % len(items)]})),
            id=f"g-{n}",
            person=people[n % len(people)] if n % 3 else None,
            code="000000" if n % 3 == 1 else counties[n % len(counties)],
        )
        for n in range(many)
    ]
    shown = _check_shown(gateway, population, viewer(code, grants=rights))
    assert shown > 10
    found = '{ people(search: { phone: "13900000001" }) { matches { name } } }'
    assert gateway.ask(found, viewer(code, grants=rights)).errors == []


def _check_shown(gateway: Gateway, population: Population, who: Viewer) -> int:
    """Asks for everything and compares; how many values were shown in clear."""
    shown_in_clear = 0
    asked = gateway.both(_WHOLE, who)
    assert asked.errors == []
    rows = {
        (name, row["id"]): row
        for name, record in RECORDS.items()
        if name != "Unit"
        for row in population.of(record.table)
    }
    for node in _nodes(asked.data):
        name = node["__typename"]
        number = int(node["id"].partition(":")[2])
        row = rows[(name, number)]
        for field, item in _PRIVATE[name].items():
            clear = _clear(population, name, row, field)
            judged = rows[("Case", row["case_id"])] if name == "Exposure" else row
            shown = _decided(who, name, judged, item)
            assert node[field] == (clear if shown else "*"), (name, field)
            shown_in_clear += shown
    return shown_in_clear


def _decided(who: Viewer, name: str, row: Row, item: PrivateItem) -> bool:
    # A correction has no county of its own: only a right to its whole region covers it.
    code = row.get("code", prefix_of(region_of(row["id"]))) or ""
    person = row["id"] if name == "Person" else row.get("person_id")
    found = decide(who, RECORDS[name], item, code=code, reporter=row.get("reporter"), person=person)
    return found is Decision.SHOW


def _clear(population: Population, name: str, row: Row, field: str) -> Any:
    source: Any = RECORDS[name].fields[field].source
    table = "people" if source.of else RECORDS[name].table.name
    number = row["person_id"] if source.of else row["id"]
    return (population.items.get((table, number)) or {}).get(source.name)


def test_a_grant_is_told_with_what_it_showed(gateway: Gateway, population: Population) -> None:
    right = grant("320104", items=frozenset({"NAME"}))
    asked = gateway.ask(
        "{ contacts { edges { node { name phone code } } } }", viewer("320100", grants=[right])
    )
    told = asked.told
    assert told["clear"] == ["Contact.name"]
    assert told["masked"] == ["Contact.phone"]
    shown = [n["node"]["name"] != "*" for n in asked.data["contacts"]["edges"]]
    assert len(told["reasons"][f"grant:{right.id}"]["contact"]) == sum(shown) > 0
    assert told["count"] == len(shown) == len(told["records"]["contact"]) > sum(shown)


def test_an_envelope_that_was_moved_is_not_shown(gateway: Gateway) -> None:
    path = gateway.regions[-1].path
    assert path is not None
    with sqlite3.connect(path) as store:
        envelopes = store.execute(
            "SELECT id, sealed, salt FROM people JOIN person_keys ON person_id = id ORDER BY id"
        ).fetchall()
    assert len({sealed for _, sealed, _ in envelopes}) == len(envelopes)
    sealer = gateway.federation.sealers[-1]
    (one, _, own), (_, other, salt) = envelopes[:2]
    for known in (own, salt):
        with pytest.raises(EnvelopeError, match="does not open"):
            sealer.open_parts("people", one, other, known)
