from __future__ import annotations

import random

from bench.sign_in import WORST, rank_sum


def test_the_same_distribution_is_not_told_apart() -> None:
    chance = random.Random(3)

    def times() -> list[float]:
        return [chance.gauss(50, 5) for _ in range(300)]

    worst = max(abs(rank_sum(times(), times())) for _ in range(50))
    assert worst < WORST


def test_a_shift_of_half_a_deviation_is() -> None:
    chance = random.Random(3)
    ours = [chance.gauss(52.5, 5) for _ in range(300)]
    others = [chance.gauss(50, 5) for _ in range(300)]
    assert rank_sum(ours, others) > WORST
    assert rank_sum(others, ours) < -WORST
