"""Answers: an outcome as a response's body, its status, and what the access log must tell."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError

from gateway.messages import without_values
from regions.errors import EpigateError, QuestionError
from resolvers.questions.question import Question

__all__ = ["Answer", "answered", "formatted", "of_request", "refused"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    """The response's body, its status, and what the access log must tell."""

    body: bytes
    status: int
    what: Mapping[str, Any] | orjson.Fragment | None  # seen or written
    operation: str  # `query contacts`; empty where there is nothing for the access log to tell
    failed: bool
    code: str = ""  # of the failure, where there are no data at all
    problem: str = ""  # code of the first thing a mutation refused


def answered(
    data: Sequence[str] | None, question: Question, told: Mapping[str, Any], name: str
) -> Answer:
    """The answer of a plan: `data` as pieces of text, None where a root field failed."""
    if not question.errors:
        assert data is not None
        return Answer("".join(('{"data":', *data, "}")).encode(), 200, told, name, False)
    errors = orjson.dumps(question.errors).decode()
    body = "".join(('{"data":', *(data or ("null",)), ',"errors":', errors, "}"))
    code = "" if data else str(question.errors[0]["extensions"]["code"])
    return Answer(body.encode(), 200, told, name, True, code)


def refused(errors: list[GraphQLError]) -> Answer:
    """The answer to what was not executed."""
    found = [formatted(error) for error in errors]
    named = [one.original_error for one in errors]
    status = next((one.status for one in named if isinstance(one, QuestionError)), 400)
    return Answer(orjson.dumps({"errors": found}), status, None, "", True)


def of_request(result: ExecutionResult) -> bool:
    """Whether the request could not be executed at all (variables that do not fit, say)."""
    return all(error.path is None for error in result.errors or ())


def formatted(error: GraphQLError) -> dict[str, Any]:
    """A GraphQL error as a client gets it: never a traceback, always a code."""
    original = error.original_error
    found: dict[str, Any] = {"message": without_values(error.message)}
    if error.locations:
        found["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        found["path"] = list(error.path)
    if isinstance(original, EpigateError):
        found["message"] = original.message
        found["extensions"] = original.extensions()
    elif original is not None and not isinstance(original, GraphQLError):
        _log.error("a resolver failed", exc_info=original)
        found["message"] = "The gateway failed; the failure is in its log."
        found["extensions"] = {"code": "INTERNAL"}
    else:
        found["extensions"] = {"code": "GRAPHQL_INVALID"}
    return found
