"""The public schema: what stands in the file is what is served, and every name is explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
)
from graphql.utilities import print_schema

from resolvers.root import make_schema

_FILE = Path(__file__).parents[2] / "schema" / "schema.graphql"
_PROMISED = Path(__file__).with_name("promised.txt")
_SCHEMA = make_schema()._schema
_OWN = {name: kind for name, kind in _SCHEMA.type_map.items() if not name.startswith("__")}


def test_annotations_are_no_texts() -> None:
    """Strawberry evaluates a text several times for each field: a tenth of the time of a start."""
    modules = [path for path in _FILE.parent.rglob("*.py") if "strawberry." in path.read_text()]
    assert len(modules) > 40
    late = "from __future__ import annotations"
    assert not [path.name for path in modules if late in path.read_text("utf-8")]


def test_the_file_is_the_schema_that_is_served() -> None:
    served = make_schema().as_str().strip()
    assert _FILE.read_text("utf-8").strip() == served, (
        "schema/schema.graphql has drifted: write make_schema().as_str() into it and review the "
        "difference as a change that clients will see"
    )


def test_the_file_is_a_schema_of_its_own() -> None:
    built = build_schema(_FILE.read_text("utf-8"))
    assert set(built.type_map) >= set(_OWN)
    assert print_schema(built)


def _described() -> Iterator[tuple[str, Any]]:
    for name, kind in _OWN.items():
        yield name, kind
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for field, one in kind.fields.items():
                yield f"{name}.{field}", one
                for argument, value in getattr(one, "args", {}).items():
                    yield f"{name}.{field}({argument})", value
        elif isinstance(kind, GraphQLEnumType):
            for value, one in kind.values.items():
                yield f"{name}.{value}", one
    for directive in _SCHEMA.directives:
        yield f"@{directive.name}", directive


def test_everything_has_a_description() -> None:
    described = dict(_described())
    assert len(described) > 400
    assert [name for name, one in described.items() if len(one.description or "") < 4] == []


def _promised() -> Iterator[tuple[str, str, str]]:
    for line in _PROMISED.read_text("utf-8").splitlines()[1:]:
        name, _, kind = line.partition(" ")
        owner, _, member = name.partition(".")
        yield owner, member, kind.strip()


@pytest.mark.parametrize(("owner", "member", "kind"), list(_promised()))
def test_what_was_promised_is_there(owner: str, member: str, kind: str) -> None:
    found: Any = _OWN[owner]
    if not member:
        return
    if isinstance(found, GraphQLEnumType):
        assert member in found.values
        return
    field, _, arguments = member.partition("(")
    assert str(found.fields[field].type) == kind
    for argument in filter(None, arguments.rstrip(")").split(",")):
        name, _, wanted = argument.partition(":")
        assert str(found.fields[field].args[name].type) == wanted


def test_new_arguments_of_promised_fields_may_be_left_out() -> None:
    for owner, member, _ in _promised():
        field, _, arguments = member.partition("(")
        if not field or isinstance(_OWN[owner], GraphQLEnumType):
            continue
        known = {argument.partition(":")[0] for argument in arguments.rstrip(")").split(",")}
        found: Any = _OWN[owner]
        for name, argument in getattr(found.fields[field], "args", {}).items():
            required = str(argument.type).endswith("!")
            assert name in known or not required, f"{owner}.{field}({name})"


def test_lists_of_the_schema_hold_no_nulls() -> None:
    """A list that may hold null hides what is missing; `nodes` tells so which id is nobody's."""
    loose = {
        f"{name}.{field}"
        for name, kind in _OWN.items()
        if isinstance(kind, GraphQLObjectType)
        for field, one in kind.fields.items()
        if str(one.type).startswith("[") and "!]" not in str(one.type)
    }
    assert loose == {"Query.nodes"}
