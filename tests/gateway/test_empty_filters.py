"""A list of nothing in a filter finds nothing: in every list, by every key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    build_schema,
    get_named_type,
    get_nullable_type,
)

from tests.root_fields import SDL
from tests.served import Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # many questions through the lines of other tests

_WHO = ("national", "auditor", "secadmin", "bizadmin")
_BOOLEAN = ("and", "or", "not")  # conditions, no values: tests of filters say what none of them is


def _keys() -> Iterator[tuple[str, str]]:
    query = build_schema(SDL.read_text("utf-8")).query_type
    assert query is not None
    for name, field in query.fields.items():
        kind = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        if isinstance(kind, GraphQLInputObjectType):
            for key, one in kind.fields.items():
                if isinstance(get_nullable_type(one.type), GraphQLList) and key not in _BOOLEAN:
                    yield name, key


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(demo.copied(tmp_path_factory.mktemp("empty"))) as found:
        yield found


@pytest.mark.parametrize(("name", "key"), list(_keys()))
def test_an_empty_list_finds_nothing(gateway: Gateway, name: str, key: str) -> None:
    question = f"{{{name}(filter: {{{key}: []}}) {{ edges {{ __typename }} }}}}"
    for who in _WHO:
        answer = gateway.ask(question, who=who).json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        if codes != {"FORBIDDEN"}:
            assert answer == {"data": {name: {"edges": []}}}
            return
    pytest.fail(f"nobody may ask for {name}")


def test_there_are_lists_with_such_keys() -> None:
    assert {name for name, _ in _keys()} >= {"contacts", "cases", "overdue", "assistRequests"}
