"""Gateways that write, over two empty regions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from regions.keys import Keys
from tests.resolvers.writing.making import Writer
from tests.stores import Stores

REGIONS = ("3201", "3202")


@pytest.fixture
def writer(stores: Stores, keys: Keys) -> Iterator[Writer]:
    """A gateway that writes: Nanjing and Wuxi on SQLite, empty."""
    made = Writer([stores.sqlite(code) for code in REGIONS], keys)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, stores: Stores, keys: Keys) -> Iterator[Writer]:
    """The same, on each kind of store."""
    made = Writer([stores.make(request.param, code) for code in REGIONS], keys)
    yield made
    made.close()
