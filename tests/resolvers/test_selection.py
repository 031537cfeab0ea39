"""Fields are collected and merged as the specification says (6.3.2): as the library does it."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    OperationDefinitionNode,
    build_schema,
    graphql_sync,
    parse,
)

from resolvers.questions.selection import Selector

_SCHEMA = build_schema(
    """
    interface Node { id: ID }
    type A implements Node { id: ID x: Int y: Int a: A b: B }
    type B { z: Int }
    union U = A | B
    type Query { a: A n: Node u: U }
    """
)


def _collected(text: str, variables: dict[str, Any]) -> Any:
    document = parse(text)
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    (operation,) = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    selector = Selector(_SCHEMA, fragments, variables)

    def keys(fields: Any, type_name: str) -> Any:
        found = {}
        for one in fields:
            below = {"a": "A", "b": "B", "n": "A", "u": "A"}.get(one.name)
            found[one.key] = keys(selector.below(one, below), below) if below else None
        return found

    return keys(selector.collect("Query", [operation.selection_set]), "Query")


def _answered(text: str, variables: dict[str, Any]) -> Any:
    """What the library answers, values left out."""
    value: dict[str, Any] = {"__typename": "A", "id": "1", "x": 1, "y": 2, "b": {"z": 3}}
    value["a"] = {"__typename": "A", "id": "2", "x": 1, "y": 2, "b": {"z": 3}}
    value["a"]["a"] = dict(value["a"])
    result = graphql_sync(
        _SCHEMA, text, {"a": value, "n": value, "u": value}, variable_values=variables
    )
    assert result.errors is None

    def shape(one: Any) -> Any:
        return {key: shape(inner) for key, inner in one.items()} if isinstance(one, dict) else None

    return shape(result.data)


@pytest.mark.parametrize(
    "text",
    [
        "{ a { x y x } }",
        "{ a { x } a { y } }",
        "{ a { b { z } b { w: z } x b { z } } }",
        "{ one: a { x } two: a { x } a { one: y } }",
        "{ a { ...F x } } fragment F on A { y x b { z } }",
        "{ a { x ...F y ...F } } fragment F on A { y x: x }",
        "{ a { ... on A { x } ... on Node { id } ... { y } } }",
        "{ n { id ... on A { x ...F } } } fragment F on Node { i: id ... on A { y } }",
        "{ u { ... on B { z } ... on A { x } ... on Node { id } __typename } }",
        "{ u { ... on A { x } ... on U { t: __typename ... on A { y } } } }",
        "{ a { ... on U { ... on A { x } ... on B { z } } } }",
        "query ($t: Boolean!) { a { x @skip(if: $t) y @include(if: $t) } }",
        "query ($t: Boolean!) { a { x @skip(if: $t) @include(if: $t) y @include(if: true) id } }",
        "query ($t: Boolean!) { a { ...F @skip(if: $t) ...F x } } fragment F on A { y }",
        "query ($t: Boolean!) { a { ...F @include(if: $t) ...F x } } fragment F on A { y }",
        "{ a { ... @skip(if: true) { x } ... on A @include(if: true) { y } id } }",
        "{ a { a { ...F } ...F } } fragment F on A { x b { z } }",
        "{ a { ...F b { z @include(if: true) } } } fragment F on A { b { other: z } }",
        "{ a { b { z @skip(if: true) } } }",
    ],
)
@pytest.mark.parametrize("holds", [True, False])
def test_keys_and_their_order_are_those_of_the_library(text: str, holds: bool) -> None:
    variables = {"t": holds} if "$t" in text else {}
    found, expected = _collected(text, variables), _answered(text, variables)
    assert found == expected
    assert str(found) == str(expected)  # the order, too
