"""One deadline for all that a question asks a region for, each moment counted once."""

from __future__ import annotations

import time

import pytest

from regions.reading import Answer, Read
from resolvers.budget import Budget

_HERE, _THERE = Read(0, "SELECT 1", ()), Read(1, "SELECT 1", ())


def _took(seconds: float, ago: float = 0.0) -> Answer:
    return Answer((), None, seconds, time.perf_counter() - ago)


def _left(budget: Budget, deadline: float = 10.0) -> list[float]:
    found = budget.begin((_HERE, _THERE), [_took(0.0), _took(0.0)], (deadline, deadline))
    assert found is not None
    return found


def test_at_first_nothing_is_spent() -> None:
    assert Budget().begin((_HERE,), [None], (10.0, 10.0)) is None


def test_rounds_one_below_the_other_add_up_and_each_region_has_its_own() -> None:
    budget = Budget()
    budget.begin((_HERE, _THERE), [_took(3.0, 20.0), _took(1.0, 20.0)], (10.0, 10.0))
    assert _left(budget) == pytest.approx([7.0, 9.0], abs=0.1)
    budget.begin((_HERE,), [_took(4.0, 10.0)], (10.0, 10.0))
    assert _left(budget) == pytest.approx([3.0, 9.0], abs=0.1)
    budget.begin((_HERE,), [_took(5.0)], (10.0, 10.0))
    assert _left(budget) == pytest.approx([0.0, 9.0], abs=0.1)


def test_what_is_asked_at_once_is_counted_once() -> None:
    budget = Budget()
    answers = [_took(3.0, 20.0), _took(2.0, 20.5), _took(1.0, 19.5)]  # 23…20, 22.5…20.5, 20.5…19.5
    budget.begin((_HERE, _HERE, _HERE), answers, (10.0, 10.0))
    assert _left(budget) == pytest.approx([6.5, 10.0], abs=0.1)


def test_a_region_is_waited_for_until_it_has_answered_and_no_longer() -> None:
    """Another one of the same round that has not answered yet costs it nothing."""
    budget = Budget()
    budget.begin((_HERE, _THERE), [None, _took(0.0)], (10.0, 10.0))
    time.sleep(0.2)
    here, there = _left(budget)
    assert here < 9.85
    assert there == pytest.approx(10.0, abs=0.01)
