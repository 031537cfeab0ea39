from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from regions.errors import InvalidInput
from resolvers.demo.parameters import Parameters
from tests.resolvers.demo.made import parameters


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": 799},
        {"people": 50_000_001},
        {"years": 0},
        {"years": 11},
        {"until": date(1999, 12, 31)},
        {"regions": ()},
    ],
)
def test_numbers_that_make_no_population_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(parameters(), **wrong)


def test_history_has_its_years() -> None:
    assert parameters(years=2).start == date(2024, 11, 22)
    assert parameters(years=5).start == date(2021, 11, 22)


def test_a_worker_gets_the_same_parameters() -> None:
    sent = parameters()
    assert Parameters.from_json(orjson.loads(orjson.dumps(sent.to_json()))) == sent


def test_chance_is_the_same_for_a_seed_and_purpose_only() -> None:
    one, other = parameters(seed=1), parameters(seed=2)
    assert one.random("a").random() == one.random("a").random()
    assert one.random("a").random() != one.random("b").random()
    assert one.random("a").random() != other.random("a").random()
