"""Gateways that write, over two empty regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regions.keys import Keys
from tests.keys import same_keys
from tests.postgres import Postgres
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Writer]:
    """The same for all tests of a module, which must not mind what the others wrote."""

    def server() -> Postgres:
        found: Postgres = request.getfixturevalue("postgres")
        return found

    yield from _kept(request.param, templates, tmp_path_factory.mktemp("kept"), server)


@pytest.fixture(scope="module")
def shared(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """The same on SQLite alone."""

    def server() -> Postgres:
        raise AssertionError("this test is of SQLite alone")

    yield from _kept("sqlite", templates, tmp_path_factory.mktemp("shared"), server)


def _kept(
    dialect: str, templates: Path, folder: Path, server: Callable[[], Postgres]
) -> Iterator[Writer]:
    stores = Stores(templates, lambda: folder, server)
    keys = same_keys()
    made = Writer([stores.make(dialect, code) for code in REGIONS], keys)
    yield made
    made.close()
    stores.close()
