"""The messages of `graphql-transport-ws` that a client sends, and how a connection is closed."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.executing import Request

__all__ = ["Close", "id_of", "message_of", "request_of"]

_LONGEST_ID = 128


class Close(Exception):
    """Ends the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def message_of(text: str | None) -> dict[str, Any]:
    """A message of its text. Raises Close."""
    try:
        message = orjson.loads(text) if text is not None else None
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Close(4400, "a message is a JSON object with a type")
    return message


def id_of(message: dict[str, Any]) -> str:
    """The id of the subscription that a message is about. Raises Close."""
    name = message.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_ID:
        raise Close(4400, f"an id is a text of 1 to {_LONGEST_ID} characters")
    return name


def request_of(payload: Any) -> Request:
    """The question that a message asks. Raises Close."""
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        raise Close(4400, "the payload has no query")
    variables, name = payload.get("variables"), payload.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise Close(4400, "variables is not an object")
    if name is not None and not isinstance(name, str):
        raise Close(4400, "operationName is not a string")
    return Request(payload["query"], variables or {}, name or None, len(payload["query"]))
