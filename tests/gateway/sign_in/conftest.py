from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.gateway.central_store import world
from tests.gateway.sign_in.routes import QUICK, Gateway, Run, gateway


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("gateway.passwords._HASHER", QUICK)  # a hundred sign-ins below

    def run(body: Callable[[Gateway], Awaitable[None]]) -> None:
        async def main() -> None:
            async with world(tmp_path) as here, gateway(here) as made:
                await body(made)

        asyncio.run(main())

    return run
