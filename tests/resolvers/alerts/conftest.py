"""A county on duty, on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regions.keys import Keys
from tests.resolvers.alerts.duty import Duty
from tests.stores import Stores

_REGIONS = ("3201", "3202")


@pytest.fixture
def central(stores: Stores, tmp_path: Path) -> Path:
    """The gateway's own store, empty."""
    return stores.central(tmp_path / "central.sqlite")


@pytest.fixture
def duty(stores: Stores, keys: Keys, central: Path) -> Iterator[Duty]:
    """Nanjing and Wuxi on SQLite."""
    made = Duty([stores.sqlite(code) for code in _REGIONS], keys, central)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, stores: Stores, keys: Keys, central: Path
) -> Iterator[Duty]:
    """The same, on each kind of store."""
    made = Duty([stores.make(request.param, code) for code in _REGIONS], keys, central)
    yield made
    made.close()
