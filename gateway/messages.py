"""Messages of the GraphQL library without the values they quote (leak channel 19).

The library says what it did not accept by showing it: a whole input with its names and ID numbers.
The client knows what it sent; its logs, and a screen somebody else sees, must not learn it from us.
"""

from __future__ import annotations

import re

__all__ = ["without_values"]

_QUOTES = (
    # Expected value of type 'PersonInput' to be an object, found: {'name': …}.
    (re.compile(r",? found: .*", re.DOTALL), "."),
    # String cannot represent a non string value: 13912345678
    (re.compile(r"(cannot represent [^:]*value): .*", re.DOTALL), r"\1."),
    # Value '…' does not exist in 'CaseOrigin' enum.
    (re.compile(r"Value '.*' does not exist in", re.DOTALL), "The value does not exist in"),
    # … not to include unknown field '张三'. Names of the language itself may stay.
    (re.compile(r"unknown field '(?![_A-Za-z][_A-Za-z0-9]{0,40}'\.$).*'", re.DOTALL), "that field"),
    # Syntax Error: Expected ':', found String '…'.
    (re.compile(r"(nexpected|found) (Name|String|BlockString|Int|Float) .*", re.DOTALL), r"\1 \2."),
    # Syntax Error: Invalid number, expected digit but got: 'X'.
    (re.compile(r"^(Syntax Error: (?:Invalid|Unexpected) [A-Za-z ]+)[:,].*", re.DOTALL), r"\1."),
)


def without_values(message: str) -> str:
    """The message with every quoted value left out."""
    for pattern, instead in _QUOTES:
        message = pattern.sub(instead, message)
    return message
