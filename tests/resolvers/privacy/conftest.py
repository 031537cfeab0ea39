"""An office for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regions.keys import Keys
from regions.settings import RegionSettings
from tests.resolvers.privacy.office import Office, opened


@pytest.fixture
def office(
    tmp_path: Path, filled: tuple[RegionSettings, ...], shared_keys: Keys
) -> Iterator[Office]:
    """A unit with its departments, heads and administrator."""
    with opened(tmp_path, filled, shared_keys) as made:
        yield made
