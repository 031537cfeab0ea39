"""Trace ids of clients, and new ones."""

from __future__ import annotations

import pytest

from regions.errors import QuestionError
from resolvers.access_log.purposes import PURPOSES, purpose_of
from resolvers.access_log.traces import Traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_valid_one_is_taken() -> None:
    traces = Traces()
    assert traces.of(f"00-{TRACE}-00f067aa0ba902b7-01".encode()) == TRACE
    assert traces.of(f"01-{TRACE}-00f067aa0ba902b7-00-more".encode()) == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        None,
        b"",
        TRACE.encode(),
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01".encode(),
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01".encode(),
        f"00-{TRACE}\n-00f067aa0ba902b7-01".encode(),
    ],
)
def test_else_there_is_a_new_one(parent: bytes | None) -> None:
    traces = Traces()
    found = [traces.of(parent) for _ in range(3)]
    assert len(set(found)) == 3
    assert all(len(one) == 32 and int(one, 16) for one in found)


def test_purposes_are_codes() -> None:
    assert purpose_of(None) is None
    for code in PURPOSES:
        assert purpose_of(f" {code} ".encode()) == code
    for text in (b"", b"contact_tracing", "找张三".encode()):
        with pytest.raises(QuestionError, match="none of the purposes"):
            purpose_of(text)
