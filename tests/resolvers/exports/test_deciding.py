"""Who decides about an export, and which must be decided about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.exports.deciding import Officer, may_decide, most_rows, needs_approval, state_at

ASKS = Officer("officer", "cdc-1", "王芳", "p1", False)
ADMIN = Officer("admin", "cdc-1", "李娜", "p2", True)


@pytest.mark.parametrize(
    ("decider", "may"),
    [
        (ADMIN, True),
        (Officer("admin", "cdc-1", "李娜", "p2", False), False),
        (Officer("admin", "cdc-2", "李娜", "p2", True), False),
        (Officer("admin", "cdc-1", "王芳", "p1", True), False),  # the same person, other account
        (Officer("admin", "cdc-1", "王芳", None, True), False),
        (Officer("admin", "cdc-1", "王芳", "p2", True), True),  # another person of that name
        (Officer("officer", "cdc-1", "王芳", "p9", True), False),
    ],
)
def test_a_different_person_of_the_unit_decides(decider: Officer, may: bool) -> None:
    assert may_decide(decider, ASKS) is may


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 100))
def test_what_left_without_approval_stays_within_the_limit(sizes: list[int], limit: int) -> None:
    gone = 0
    for size in sizes:
        if not needs_approval(size, (), gone, limit):
            gone += size
    assert gone <= limit


def test_an_unknown_size_needs_approval() -> None:
    assert needs_approval(0, ["320100"], 0, 1_000)
    assert most_rows(10, ["320100"], approved=True, limit=1_000) is None
    assert most_rows(10, [], approved=False, limit=1_000) == 1_000
    assert most_rows(5_000, [], approved=True, limit=1_000) == 11_000


@pytest.mark.parametrize("state", ["WAITING", "READY"])
def test_time_ends_what_is_open(state: str) -> None:
    assert state_at(state, "2026-01-02", "2026-01-01") == state
    assert state_at(state, "2026-01-02", "2026-01-02") == "EXPIRED"
    assert state_at("REFUSED", "2026-01-02", "2026-01-03") == "REFUSED"
    assert state_at("DELIVERED", "2026-01-02", "2026-01-03") == "DELIVERED"
