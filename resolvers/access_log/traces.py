"""Trace ids: one for everything a request causes, in every log it comes to (G5; W3C Trace
Context).
"""

from __future__ import annotations

import itertools
import os
import re

__all__ = ["Traces"]

_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_NONE = b"0" * 32


class Traces:
    """Takes a client's trace id, or makes one."""

    def __init__(self) -> None:
        self._run = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def of(self, parent: bytes | None) -> str:
        """The trace id of a `traceparent` header; a new one where there is none that is valid."""
        if parent is not None:
            match = _PARENT.fullmatch(parent)
            if match is not None and match[1] != _NONE and parent[:2] != b"ff":
                return match[1].decode()
        return f"{self._run}{next(self._numbers):016x}"
