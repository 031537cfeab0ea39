"""The served demo that tests at the HTTP edge share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.served import Demo, Gateway, make_demo, serving


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo nobody changes: servers run over copies of it."""
    return make_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def edge(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server for tests that leave the stores as they are."""
    with serving(demo.copied(tmp_path_factory.mktemp("edge")), counted=True) as gateway:
        yield gateway
