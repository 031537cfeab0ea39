"""Operations, variables and arguments: the same answer or the same refusal both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regions.errors import Unauthenticated
from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Asked, Gateway, viewer

_COUNT = "{ edges { node { id } } pageInfo { hasNextPage } }"


def same(gateway: Gateway, query: str, variables: Any = None, name: str | None = None) -> Asked:
    """The answer both ways, which must be one and the same."""
    asked, ordinary = (
        gateway.ask(query, NATIONAL, variables, name=name, planning=p) for p in (True, False)
    )
    assert asked.answer.status == ordinary.answer.status
    assert asked.data == ordinary.data
    assert [(e["message"], e.get("path"), e["extensions"]) for e in asked.errors] == [
        (e["message"], e.get("path"), e["extensions"]) for e in ordinary.errors
    ]
    return asked


def _size(asked: Asked) -> int:
    return len(asked.data["contacts"]["edges"])


@pytest.mark.parametrize(
    ("query", "variables", "size"),
    [
        (f"{{ contacts(first: 3) {_COUNT} }}", None, 3),
        (f"{{ contacts(first: 0) {_COUNT} }}", None, 0),
        (f"{{ contacts {_COUNT} }}", None, 24),
        (
            f"{{ contacts(first: null, after: null, filter: null, orderBy: null) {_COUNT} }}",
            None,
            24,
        ),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": 3}, 3),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": 3.0}, 3),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": None}, 24),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {}, 24),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": 2, "other": "x"}, 2),
        (f"query ($n: Int = 4) {{ contacts(first: $n) {_COUNT} }}", {}, 4),
        (f"query ($n: Int = 4) {{ contacts(first: $n) {_COUNT} }}", {"n": 2}, 2),
        (f"query ($n: Int = 4) {{ contacts(first: $n) {_COUNT} }}", {"n": None}, 24),
        (f"query ($n: Int! = 4) {{ contacts(first: $n) {_COUNT} }}", {}, 4),
        (f"query ($n: Int!) {{ contacts(first: $n) {_COUNT} }}", {"n": 5}, 5),
        (f"query ($a: String = null) {{ contacts(first: 1, after: $a) {_COUNT} }}", {}, 1),
        (
            f"query ($l: [ContactLevel!] = CLOSE) {{ contacts(filter: {{ level: $l }}) {_COUNT} }}",
            {"l": ["CLOSE", "SECONDARY", "GENERAL"]},
            24,
        ),
        (
            f"query ($l: ContactLevel!) {{ contacts(filter: {{ level: [$l] }}) {_COUNT} }}",
            {"l": "NEVER"},
            None,
        ),
        (f"query ($f: ContactFilter) {{ contacts(filter: $f) {_COUNT} }}", {"f": {}}, 24),
        (
            f"query ($f: ContactFilter) {{ contacts(filter: $f) {_COUNT} }}",
            {"f": {"code": None}},
            24,
        ),
        (
            f"query ($f: ContactFilter) {{ contacts(filter: $f) {_COUNT} }}",
            {"f": {"level": "CLOSE"}},
            -1,
        ),
    ],
)
def test_what_is_given_left_out_or_null(
    gateway: Gateway, query: str, variables: Any, size: int | None
) -> None:
    asked = same(gateway, query, variables)
    if size is None:
        assert asked.answer.status == 400
    elif size < 0:
        assert 0 < _size(asked) < 24  # one value is a list of one
    else:
        assert asked.errors == []
        assert _size(asked) == size


@pytest.mark.parametrize(
    ("query", "variables", "code", "status"),
    [
        (f"{{ contacts(first: -1) {_COUNT} }}", None, "INVALID_INPUT", 200),
        (f"{{ contacts(first: 1001) {_COUNT} }}", None, "TOO_LARGE", 200),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": -1}, "INVALID_INPUT", 200),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": 1001}, "TOO_LARGE", 200),
        (
            f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}",
            {"n": 1 << 31},
            "GRAPHQL_INVALID",
            400,
        ),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": "3"}, "GRAPHQL_INVALID", 400),
        (
            f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}",
            {"n": True},
            "GRAPHQL_INVALID",
            400,
        ),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": [3]}, "GRAPHQL_INVALID", 400),
        (f"query ($n: Int) {{ contacts(first: $n) {_COUNT} }}", {"n": 2.5}, "GRAPHQL_INVALID", 400),
        (f"query ($n: Int!) {{ contacts(first: $n) {_COUNT} }}", {}, "GRAPHQL_INVALID", 400),
        (
            f"query ($n: Int!) {{ contacts(first: $n) {_COUNT} }}",
            {"n": None},
            "GRAPHQL_INVALID",
            400,
        ),
        (
            f"query ($n: Int! = 4) {{ contacts(first: $n) {_COUNT} }}",
            {"n": None},
            "GRAPHQL_INVALID",
            400,
        ),
        (
            f"query ($a: String) {{ contacts(after: $a) {_COUNT} }}",
            {"a": 5},
            "GRAPHQL_INVALID",
            400,
        ),
        (
            f"query ($a: String) {{ contacts(after: $a) {_COUNT} }}",
            {"a": "x"},
            "INVALID_CURSOR",
            200,
        ),
        (f"query ($a: String!) {{ contacts(after: $a) {_COUNT} }}", {}, "GRAPHQL_INVALID", 400),
        (f"query ($b: Boolean!) {{ contacts @skip(if: $b) {_COUNT} }}", {}, "GRAPHQL_INVALID", 400),
        (
            f"query ($f: ContactFilter) {{ contacts(filter: $f) {_COUNT} }}",
            {"f": 1},
            "GRAPHQL_INVALID",
            400,
        ),
        (
            f"query ($f: ContactFilter) {{ contacts(filter: $f) {_COUNT} }}",
            {"f": {"x": 1}},
            "GRAPHQL_INVALID",
            400,
        ),
        (f"query ($f: CaseFilter) {{ contacts(filter: $f) {_COUNT} }}", {}, "GRAPHQL_INVALID", 400),
        (f"{{ contacts(first: 3, first: 4) {_COUNT} }}", None, "GRAPHQL_INVALID", 400),
        (f"{{ contacts(last: 3) {_COUNT} }}", None, "GRAPHQL_INVALID", 400),
        (f"{{ contacts(first: $n) {_COUNT} }}", {"n": 1}, "GRAPHQL_INVALID", 400),
        ("{ contacts }", None, "GRAPHQL_INVALID", 400),
        ("{ nothing { id } }", None, "GRAPHQL_INVALID", 400),
        ("{ contacts { edges { cursor } } ", None, "GRAPHQL_INVALID", 400),
        ("", None, "GRAPHQL_INVALID", 400),
        ("fragment F on Contact { id }", None, "GRAPHQL_INVALID", 400),
        ("query Q { __typename }", None, "GRAPHQL_INVALID", 400),
        ("subscription { x }", None, "GRAPHQL_INVALID", 400),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    gateway: Gateway, query: str, variables: Any, code: str, status: int
) -> None:
    name = "Other" if query.startswith("query Q") else None
    asked = same(gateway, query, variables, name)
    assert asked.answer.status == status
    assert asked.data is None
    assert asked.codes == [code] * len(asked.errors) != []
    assert ("data" in asked.body) is (status == 200)
    assert gateway.reads == []


def test_a_value_that_fits_is_planned_after_one_that_did_not(gateway: Gateway) -> None:
    query = f"query Again($n: Int, $a: String) {{ contacts(first: $n, after: $a) {_COUNT} }}"
    for variables in ({"n": "x"}, {"n": 1 << 40}, {"a": 4}, {"n": 1, "a": {}}):
        assert gateway.ask(query, NATIONAL, variables).answer.status == 400
    gateway.both(query, NATIONAL, {"n": 2})


@pytest.mark.parametrize("value", [None, "true", 1, []])
@pytest.mark.parametrize("default", ["!", " = true", " = false"])
def test_a_condition_that_is_no_boolean(gateway: Gateway, value: Any, default: str) -> None:
    query = f"""query ($b: Boolean{default}) {{ contacts(first: 2) {{
        edges {{ node {{ id level @include(if: $b) code @skip(if: $b) }} }} }} }}"""
    same(gateway, query, {"b": value})
    same(gateway, query, {})


_SEVERAL = f"""
    query One {{ contacts(first: 1) {_COUNT} }}
    query Two {{ contacts(first: 2) {_COUNT} }}
    query Three {{ cases {{ totalCount }} contacts(first: 3) {_COUNT} }}
    """


def test_one_operation_of_several_is_chosen_by_its_name(gateway: Gateway) -> None:
    for name, size in (("One", 1), ("Two", 2), ("Three", 3)):
        asked = same(gateway, _SEVERAL, None, name)
        assert _size(asked) == size
    for unknown in (None, "Four", "one", "query"):
        asked = same(gateway, _SEVERAL, None, unknown)
        assert asked.answer.status == 400
        assert "operation" in asked.errors[0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        f"{{ ...F }} fragment F on Query {{ contacts(first: 2) {_COUNT} }}",
        f"{{ ... on Query {{ contacts(first: 2) {_COUNT} }} }}",
        f"{{ ... {{ contacts(first: 2) {_COUNT} }} contacts(first: 2) {{ totalCount }} }}",
        f"{{ contacts(first: 2) {_COUNT} contacts(first: 2) {{ totalCount }} }}",
        f"{{ contacts(first: 2) {_COUNT} me {{ account }} }}",
        f"{{ contacts(first: 2) {_COUNT} cases @skip(if: true) {{ totalCount }} }}",
        f"{{ contacts(first: 2) @include(if: true) {_COUNT} }}",
        "{ contacts(first: 2) { edges { cursor } edges { node { id } } more: edges { cursor } } }",
        "{ contacts(first: 2) { edges { cursor } a: pageInfo { endCursor } regions { code } "
        "b: pageInfo { hasNextPage } c: regions { state } } }",
        "{ contacts(first: 2) { edges { node { id } again: node { level } cursor c: cursor } } }",
    ],
)
def test_roots_in_fragments_and_parts_asked_for_twice(gateway: Gateway, query: str) -> None:
    asked = same(gateway, query)
    assert asked.errors == []
    assert _size(asked) == 2


def test_a_failing_list_takes_the_others_with_it(gateway: Gateway) -> None:
    asked = same(
        gateway, f"{{ one: contacts(first: 1) {_COUNT} two: contacts(first: -1) {_COUNT} }}"
    )
    assert asked.data is None
    assert asked.codes == ["INVALID_INPUT"]
    assert asked.errors[0]["path"] == ["two"]


def test_an_answer_over_the_limit_of_records_is_refused(
    gateway: Gateway, filled: Any, shared_keys: Any
) -> None:
    small = Gateway(filled, shared_keys, records_max=30)
    query = (
        "{ contacts(first: 24) { edges { node { id secondaryContacts { person { id name } } } } } }"
    )
    for planning in (True, False):
        assert small.ask(
            "{ contacts(first: 24) { edges { node { id } } } }", planning=planning
        ).data
        asked = small.ask(query.replace("id }", "id phone }"), planning=planning)
        assert asked.codes[0] == "TOO_LARGE"
    small.close()


def test_relations_back_and_forth_do_not_make_an_answer_endless(
    filled: Any, make: Callable[..., Gateway]
) -> None:
    """The same few records, read once, would stand in it a million times."""
    selection = "id"
    for _ in range(6):
        selection = f"sourceCase {{ contacts {{ {selection} }} }}"
    small = make(filled, records_max=2_000)
    for query in (
        f"{{ contacts {{ edges {{ node {{ {selection} }} }} }} }}",
        f"{{ diseases {{ id }} contacts {{ edges {{ node {{ {selection} }} }} }} }}",
    ):
        for planning in (True, False):
            asked = small.ask(query, planning=planning)
            assert asked.codes[0] == "TOO_LARGE"
            assert (asked.data, len(asked.errors)) == (None, 1)


def test_more_fields_than_a_function_of_the_store_takes(gateway: Gateway) -> None:
    aliases = " ".join(f"a{i}: level b{i}: occurred" for i in range(150)).replace(
        "occurred", "code"
    )
    asked = gateway.both(f"{{ contacts(first: 2) {{ edges {{ node {{ {aliases} }} }} }} }}")
    assert asked.errors == []
    assert len(asked.data["contacts"]["edges"][0]["node"]) == 300


def test_as_many_relations_as_a_document_can_name(gateway: Gateway) -> None:
    aliases = " ".join(f"v{i}: visits {{ id }} s{i}: sourceCase {{ id }}" for i in range(70))
    asked = gateway.both(f"{{ contacts(first: 3) {{ edges {{ node {{ {aliases} }} }} }} }}")
    assert asked.errors == []


@pytest.mark.parametrize("who", [NATIONAL, viewer(role=Role.AUDITOR), None])
def test_introspection_is_for_those_with_a_session(gateway: Gateway, who: Viewer | None) -> None:
    question = '{ __type(name: "Case") { name } }'
    if who is None:
        with pytest.raises(Unauthenticated, match="introspection needs a session"):
            gateway.ask(question, who)
    else:
        assert gateway.ask(question, who).data == {"__type": {"name": "Case"}}
