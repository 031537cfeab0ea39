"""Three regions that write letters to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regions.keys import Keys
from tests.resolvers.assist.corresponding import Correspondence
from tests.stores import Stores

REGIONS = ("3201", "3202", "5001")


@pytest.fixture
def central(stores: Stores, tmp_path: Path) -> Path:
    """The gateway's own store, empty."""
    return stores.central(tmp_path / "central.sqlite")


@pytest.fixture
def office(stores: Stores, keys: Keys, central: Path) -> Iterator[Correspondence]:
    """Nanjing, Wuxi and Chongqing on SQLite, empty."""
    made = Correspondence([stores.sqlite(code) for code in REGIONS], keys, central)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, stores: Stores, keys: Keys, central: Path
) -> Iterator[Correspondence]:
    """The same, on each kind of store."""
    made = Correspondence([stores.make(request.param, code) for code in REGIONS], keys, central)
    yield made
    made.close()
