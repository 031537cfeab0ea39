"""The same question fails with the same words, whichever of its roots fails first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute,
    parse,
)

from resolvers.questions.showing import RecordExecutor

_MUST = GraphQLNonNull(GraphQLString)


def _failing(name: str, turns: int, kind: Any) -> GraphQLField:
    async def resolve(*_: Any) -> None:
        for _turn in range(turns):
            await asyncio.sleep(0)
        raise LookupError(name)

    return GraphQLField(kind, resolve=resolve)


async def _asked(text: str, turns: int) -> dict[str, Any]:
    late, soon, between = turns, 10 - turns, 5
    fields = {
        "a": _failing("a", late, _MUST),
        "b": _failing("b", soon, _MUST),
        "c": _failing("c", between, GraphQLString),
        "d": _failing("d", late, GraphQLString),
        "e": _failing("e", soon, GraphQLString),
        "l": GraphQLField(
            GraphQLList(GraphQLObjectType("Item", {"e": _failing("l", soon, GraphQLString)})),
            resolve=lambda *_: [{}, {}],
        ),
    }
    schema = GraphQLSchema(GraphQLObjectType("Query", fields), GraphQLObjectType("M", fields))
    outcome = execute(schema, parse(text), executor_class=RecordExecutor)
    result = outcome if isinstance(outcome, ExecutionResult) else await outcome
    assert isinstance(result, ExecutionResult)
    return dict(result.formatted)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ a b }", ["a"]),
        ("{ b a }", ["b"]),
        ("{ a b c }", ["a", "c"]),
        ("{ c b a }", ["c", "b"]),
        ("{ d e c }", ["d", "e", "c"]),
        ("{ ...F d } fragment F on Query { e }", ["d", "e"]),
        ("{ e: d d: e l { e } }", ["d", "e", "l", "l"]),
        ("mutation { a b }", ["a"]),  # one after the other: the second is not begun
    ],
)
def test_the_first_in_the_document_is_told(text: str, told: list[str]) -> None:
    answers = [asyncio.run(_asked(text, turns)) for turns in (0, 3, 10)]
    assert answers[0] == answers[1] == answers[2]
    assert [error["message"] for error in answers[0]["errors"]] == told
    assert (answers[0]["data"] is None) == ("a" in told or "b" in told)
