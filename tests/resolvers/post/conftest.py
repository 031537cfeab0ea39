"""Two regions whose stores are of either kind."""

from __future__ import annotations

import pytest

from regions.settings import RegionSettings
from tests.stores import Stores


@pytest.fixture(params=["sqlite", "postgresql", "both"])
def two(request: pytest.FixtureRequest, stores: Stores) -> tuple[RegionSettings, RegionSettings]:
    """Nanjing and Ningbo: SQLite, PostgreSQL, one of each."""
    first, second = {"both": ("sqlite", "postgresql")}.get(request.param, (request.param,) * 2)
    return stores.make(first, "3201"), stores.make(second, "3302")
