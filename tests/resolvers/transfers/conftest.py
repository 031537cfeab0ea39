"""Three regions with real stores, and the post between them; two worlds of two regions each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.resolvers.transfers.regional import A, B, C, Regions
from tests.stores import Stores


@pytest.fixture(params=["sqlite", "postgresql"])
def regions(request: Any, stores: Stores) -> Iterator[Regions]:
    """On each kind of store."""
    made = Regions([stores.make(request.param, code[:4]) for code in (A, B, C)])
    yield made
    made.close()


@pytest.fixture
def files(stores: Stores) -> Iterator[Regions]:
    """On SQLite alone."""
    made = Regions([stores.sqlite(code[:4]) for code in (A, B, C)])
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: Any) -> str:
    """Each kind of store."""
    return str(request.param)


def _two(stores: Stores, kind: str, folder: Path) -> Iterator[Regions]:
    made = Regions(
        [
            stores.sqlite(code[:4], folder / f"{code}.db")
            if kind == "sqlite"
            else stores.postgresql(code[:4])
            for code in (A, B)
        ]
    )
    yield made
    made.close()


@pytest.fixture
def one(stores: Stores, kind: str, tmp_path: Path) -> Iterator[Regions]:
    """A world of two regions, to be compared with `other`."""
    yield from _two(stores, kind, tmp_path / "one")


@pytest.fixture
def other(stores: Stores, kind: str, tmp_path: Path) -> Iterator[Regions]:
    """Another one."""
    yield from _two(stores, kind, tmp_path / "other")
