from __future__ import annotations

from random import Random
from statistics import fmean, variance

import pytest

from resolvers.demo.chance import Weighted, negative_binomial, poisson, shares


@pytest.mark.parametrize("mean", [0.3, 4.0, 40.0, 400.0])
def test_poisson_has_its_mean_as_variance(mean: float) -> None:
    random = Random(1)
    drawn = [poisson(random, mean) for _ in range(4_000)]
    assert fmean(drawn) == pytest.approx(mean, rel=0.08)
    assert variance(drawn) == pytest.approx(mean, rel=0.12)


def test_negative_binomial_scatters_more() -> None:
    random = Random(1)
    drawn = [negative_binomial(random, 10.0, 2.0) for _ in range(8_000)]
    assert fmean(drawn) == pytest.approx(10, rel=0.05)
    assert variance(drawn) == pytest.approx(10 + 100 / 2, rel=0.12)
    assert negative_binomial(random, 0.0, 2.0) == 0


def test_weighted_draws_in_proportion() -> None:
    random, weighted = Random(1), Weighted([1, 0, 3])
    drawn = [weighted.draw(random) for _ in range(4_000)]
    assert set(drawn) == {0, 2}
    assert drawn.count(2) / drawn.count(0) == pytest.approx(3, rel=0.1)


def test_shares_add_up() -> None:
    assert shares(10, [1, 1, 1]) == [3, 4, 3]
    assert sum(shares(9_999, [0.3, 5.1, 2.2, 0.01])) == 9_999
