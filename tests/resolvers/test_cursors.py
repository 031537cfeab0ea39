"""Cursors tell nothing, and open only the list and the order they were made for."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import InvalidCursor
from resolvers.cursors import Cursors
from tests.answering import Gateway, viewer

_CURSORS = Cursors(bytes(range(32)))
_PLACES = st.lists(st.one_of(st.integers(0, (1 << 63) - 1), st.text()), min_size=1, max_size=5)


@given(place=_PLACES, bound_to=st.binary(max_size=40))
def test_a_place_comes_back(place: list[Any], bound_to: bytes) -> None:
    cursor = _CURSORS.seal(place, bound_to)
    assert _CURSORS.open(cursor, bound_to, len(place)) == place
    assert _CURSORS.seal(place, bound_to) == cursor  # so that a client may compare


@given(place=_PLACES)
def test_a_cursor_opens_nothing_else(place: list[Any]) -> None:
    cursor = _CURSORS.seal(place, b"one")
    for other, bound_to, length in (
        (_CURSORS, b"two", len(place)),
        (_CURSORS, b"", len(place)),
        (_CURSORS, b"one", len(place) + 1),
        (Cursors(bytes(32)), b"one", len(place)),
    ):
        with pytest.raises(InvalidCursor):
            other.open(cursor, bound_to, length)


@given(place=_PLACES, at=st.integers(0, 1000), change=st.integers(1, 255))
def test_a_changed_cursor_does_not_open(place: list[Any], at: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(_CURSORS.seal(place, b"one") + "=="))
    raw[at % len(raw)] ^= change
    with pytest.raises(InvalidCursor):
        _CURSORS.open(base64.urlsafe_b64encode(raw).decode().rstrip("="), b"one", len(place))


@pytest.mark.parametrize("text", ["", "x", "null", "*", "=" * 9, "A" * 3000, "汉字", "a b\n", "\0"])
def test_what_was_never_a_cursor_does_not_open(text: str) -> None:
    with pytest.raises(InvalidCursor):
        _CURSORS.open(text, b"one", 1)


def test_a_cursor_has_one_spelling() -> None:
    cursor = _CURSORS.seal(["2026-01-01", 7], b"one")
    for other in (cursor + "=", "!" + cursor, cursor + "\n", cursor[:4] + " " + cursor[4:]):
        with pytest.raises(InvalidCursor):
            _CURSORS.open(other, b"one", 2)


@pytest.mark.leak(14)
def test_a_cursor_hides_what_is_in_it() -> None:
    place = ["320104", "2026-01-01T00:00:00Z", 2815000000000000000]
    cursor = _CURSORS.seal(place, b"Contact|code True")
    raw = base64.urlsafe_b64decode(cursor + "==")
    for part in place:
        assert str(part).encode() not in raw
        assert str(part) not in cursor


_LIST = "query ($after: String) { %s { edges { cursor } pageInfo { startCursor endCursor } } }"
_BY_CODE = "contacts(first: 2, after: $after, orderBy: [{ field: CODE }])"


@pytest.fixture(scope="module")
def cursor(gateway: Gateway) -> str:
    found: str = gateway.ask(_LIST % _BY_CODE).data["contacts"]["pageInfo"]["endCursor"]
    return found


def test_pages_begin_and_end_with_their_cursors(gateway: Gateway, cursor: str) -> None:
    page = gateway.both(_LIST % _BY_CODE, viewer(), {"after": cursor}).data["contacts"]
    assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
    assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]


@pytest.mark.parametrize(
    "other",
    [
        "contacts(first: 2, after: $after)",
        "contacts(first: 2, after: $after, orderBy: [{ field: CODE, direction: ASC }])",
        "contacts(first: 2, after: $after, orderBy: [{ field: CODE }, { field: LEVEL }])",
        "contacts(first: 2, after: $after, orderBy: [{ field: LEVEL }])",
        "cases(first: 2, after: $after, orderBy: [{ field: CODE }])",
        "units(first: 2, after: $after)",
    ],
)
@pytest.mark.parametrize("planning", [True, False])
def test_a_cursor_of_another_list_or_order_is_refused(
    gateway: Gateway, cursor: str, other: str, planning: bool
) -> None:
    asked = gateway.ask(_LIST % other, viewer(), {"after": cursor}, planning=planning)
    assert asked.data is None
    assert asked.codes == ["INVALID_CURSOR"]
    assert gateway.reads == []


@pytest.mark.parametrize("planning", [True, False])
def test_an_invented_cursor_is_refused(gateway: Gateway, planning: bool) -> None:
    invented = base64.urlsafe_b64encode(os.urandom(40)).decode()
    for text in (invented, "", "x" * 5000):
        asked = gateway.ask(_LIST % _BY_CODE, viewer(), {"after": text}, planning=planning)
        assert asked.codes == ["INVALID_CURSOR"]
        assert text not in asked.errors[0]["message"] or not text
