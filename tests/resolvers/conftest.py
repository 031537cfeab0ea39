"""Stores with records for the tests of answering, written once for all of them; read only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regions.keys import Keys
from regions.settings import RegionSettings
from tests.answering import Gateway
from tests.keys import same_keys
from tests.postgres import Postgres
from tests.records import Population, make_population
from tests.stores import Stores

SIZES = {"3201": 14, "3202": 6, "3405": 3, "5001": 1}
"""Contacts of each region."""


def no_server() -> Postgres:
    """Stands where a test may not need PostgreSQL."""
    raise AssertionError("this test is of SQLite alone")


@pytest.fixture(scope="session")
def shared_keys() -> Keys:
    """The keys of the stores below."""
    return same_keys()


@pytest.fixture(scope="session")
def population(shared_keys: Keys) -> Population:
    """What the stores below hold."""
    return make_population(SIZES, shared_keys)


@pytest.fixture(scope="session")
def filled(
    population: Population, templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RegionSettings, ...]:
    """Four SQLite stores with the population. Tests only read them."""
    folder = tmp_path_factory.mktemp("filled")
    made = Stores(templates, lambda: folder, no_server)
    # Long enough for a machine that does other things too: no test waits for these.
    settings = tuple(replace(made.sqlite(code), deadline=30.0) for code in SIZES)
    for one in settings:
        population.write(one)
    return settings


@pytest.fixture
def copies(filled: tuple[RegionSettings, ...], tmp_path: Path) -> tuple[RegionSettings, ...]:
    """Copies of them for a test that breaks them; a question waits 0.3 s for each."""
    made = []
    for one in filled:
        assert one.path is not None
        path = tmp_path / one.path.name
        shutil.copyfile(one.path, path)
        made.append(replace(one, path=path, deadline=0.3))
    return tuple(made)


@pytest.fixture(scope="session")
def gateway(filled: tuple[RegionSettings, ...], shared_keys: Keys) -> Iterator[Gateway]:
    """A gateway over them."""
    made = Gateway(filled, shared_keys)
    yield made
    made.close()


@pytest.fixture
def make(shared_keys: Keys) -> Iterator[Callable[..., Gateway]]:
    """Makes gateways, and closes them."""
    made: list[Gateway] = []

    def gateway(regions: Sequence[RegionSettings], **options: Any) -> Gateway:
        made.append(Gateway(regions, shared_keys, **options))
        return made[-1]

    yield gateway
    for one in made:
        one.close()
