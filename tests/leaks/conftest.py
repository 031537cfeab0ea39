"""Gateways that the tests of leak channels share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks.worlds import Loop, World, filled_world, twins
from tests.records import Population


@pytest.fixture(scope="session")
def pair(
    templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Two gateways that differ in hidden values alone; nobody writes there."""
    with twins(tmp_path_factory.mktemp("twins"), templates) as found:
        yield found


@pytest.fixture(scope="module")
def writing_pair(
    templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """The same for tests that write in both."""
    with twins(tmp_path_factory.mktemp("writing-twins"), templates) as found:
        yield found


@pytest.fixture(scope="module")
def peopled(
    templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Population]]:
    """One gateway, and what its envelopes hold."""
    file, tokens, population = filled_world(tmp_path_factory.mktemp("world"), templates)
    runner = Loop()
    world = World(runner, file)
    world.tokens = tokens
    yield world, population
    world.close()
    runner.close()


@pytest.fixture(scope="module")
def world(peopled: tuple[World, Population]) -> World:
    """One gateway over people."""
    return peopled[0]
