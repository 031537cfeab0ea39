"""The smallest question for each root field of the SDL: required arguments only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

__all__ = ["SDL", "RootField", "input_type", "input_values", "root_fields"]

SDL = Path(__file__).parent.parent / "schema" / "schema.graphql"
_SCALARS = {
    "ID": '"case:1"',
    "String": '"x"',
    "Int": "1",
    "Float": "1",
    "Boolean": "true",
    "Date": '"2026-01-01"',
    "DateTime": '"2026-01-01T00:00:00Z"',
    "RegionCode": '"320102"',
    "AreaCode": '"320102"',
    "PrivateString": '"x"',
    "PrivateInt": "1",
    "PrivateDate": '"2026-01-01"',
}
_SENSIBLE = {  # arguments of which any value of the type is not enough
    ("Query", "people"): '(search:{idNumber:"110101190001010014"})',
    ("Query", "aggregates"): "(input:{of:CASES})",
    ("Query", "checkDuplicate"): '(candidate:{idNumber:"110101190001010014"})',
    ("Query", "tuneDetection"): (
        '(input:{disease:"measles",code:"320102",from:"2026-01-01",to:"2026-01-02"})'
    ),
    ("Query", "detect"): (
        '(input:{diseases:["measles"],codes:["320102"],from:"2026-01-01",to:"2026-01-02"})'
    ),
    ("Query", "counts"): ('(diseases:["hfmd"],codes:["320102"],from:"2026-01-01",to:"2026-01-02")'),
}


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field and its smallest question."""

    operation: str  # query or mutation
    name: str
    question: str

    def __str__(self) -> str:
        return self.name


@cache
def _schema() -> GraphQLSchema:
    return build_schema(SDL.read_text("utf-8"))


def root_fields(*, arguments: Mapping[str, str] | None = None) -> list[RootField]:
    """Every field of Query and Mutation; `arguments` are given instead of the smallest."""
    schema = _schema()
    return [
        RootField(kind, name, _question(schema, kind, name, (arguments or {}).get(name)))
        for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type))
        if root is not None
        for name in root.fields
    ]


def input_type(mutation: str) -> str:
    """The name of the type of a mutation's input."""
    root = _schema().mutation_type
    assert root is not None
    return str(get_named_type(root.fields[mutation].args["input"].type).name)


def input_values(
    name: str, of_scalar: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    """Values of an input type, as variables; `of_scalar` has those of scalars by name."""
    schema = _schema()

    def of(kind: GraphQLInputType, inside: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
        if isinstance(kind, GraphQLNonNull):
            return of(kind.of_type, inside)
        if isinstance(kind, GraphQLList):
            return st.lists(of(kind.of_type, inside), max_size=3)
        if isinstance(kind, GraphQLEnumType):
            return st.sampled_from(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.name in inside:  # filters hold filters: one level is enough
                return st.just({})
            below, fields = (*inside, kind.name), kind.fields.items()
            must = {n: of(f.type, below) for n, f in fields if is_required_input_field(f)}
            may = {n: st.none() | of(f.type, below) for n, f in fields if n not in must}
            return st.fixed_dictionaries(must, optional=may)
        return of_scalar[kind.name]

    found = schema.type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return of(found)


def _question(schema: GraphQLSchema, kind: str, name: str, given: str | None) -> str:
    root = schema.query_type if kind == "query" else schema.mutation_type
    assert root is not None
    field = root.fields[name]
    required = [
        f"{argument}:{_value(definition.type)}"
        for argument, definition in field.args.items()
        if is_required_argument(definition)
    ]
    arguments = given or _SENSIBLE.get((root.name, name))
    if arguments is None:
        arguments = f"({','.join(required)})" if required else ""
    below = "" if is_leaf_type(get_named_type(field.type)) else "{__typename}"
    return f"{kind} {{{name}{arguments}{below}}}"


def _value(kind: GraphQLInputType) -> str:
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{_value(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        required = [
            f"{name}:{_value(field.type)}"
            for name, field in kind.fields.items()
            if is_required_input_field(field)
        ]
        return "{" + ",".join(required) + "}"
    return _SCALARS[kind.name]
