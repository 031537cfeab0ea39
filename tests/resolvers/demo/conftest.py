"""One population for all tests that only look at it."""

from __future__ import annotations

import pytest

from regions.keys import create_keys
from resolvers.demo.building import build
from resolvers.demo.plan import make_plan
from tests.resolvers.demo.made import Demo, parameters


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """6,000 people in eight regions over three years."""
    folder = tmp_path_factory.mktemp("demo")
    create_keys(folder / "keys")
    plan = make_plan(parameters(folder))
    build(plan, folder / "keys", workers=1)
    return Demo(plan, folder)
