"""The circuit breaker: closed, open after failures in a row, one trial after a pause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regions.breaker import Breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(3, 10)
    for now in (0, 1):
        assert breaker.allows(now)
        breaker.failed(now)
    breaker.succeeded()
    for now in (2, 3, 4):
        assert breaker.allows(now)
        assert not breaker.open
        breaker.failed(now)
    assert breaker.open
    assert not breaker.allows(4)
    assert not breaker.allows(13.9)


def test_after_the_pause_one_may_try() -> None:
    breaker = Breaker(1, 10)
    breaker.failed(0)
    assert not breaker.allows(9.9)
    assert breaker.allows(10)
    assert not breaker.allows(10)  # somebody does
    assert not breaker.allows(19)
    breaker.succeeded()
    assert breaker.allows(19)
    assert not breaker.open


def test_a_trial_that_fails_begins_another_pause() -> None:
    breaker = Breaker(1, 10)
    breaker.failed(0)
    assert breaker.allows(10)
    breaker.failed(12)
    assert not breaker.allows(21)
    assert breaker.allows(22)


def test_a_trial_whose_end_nobody_told_is_followed_by_another() -> None:
    breaker = Breaker(1, 10)
    breaker.failed(0)
    assert breaker.allows(10)
    assert breaker.allows(20)


@given(
    events=st.lists(st.tuples(st.floats(0, 5), st.sampled_from(["ok", "failed"])), max_size=60),
    failures=st.integers(1, 4),
)
def test_it_is_open_after_the_last_failures_and_never_for_longer_than_a_pause(
    events: list[tuple[float, str]], failures: int
) -> None:
    breaker, now, run = Breaker(failures, 3), 0.0, 0
    for pause, event in events:
        now += pause
        allowed = breaker.allows(now)
        assert allowed or run >= failures
        if pause > 3:
            assert allowed
        if not allowed:
            continue
        if event == "ok":
            breaker.succeeded()
            run = 0
        else:
            breaker.failed(now)
            run += 1
        assert breaker.open is (run >= failures)
