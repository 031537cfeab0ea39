from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from regions.errors import Unauthenticated
from resolvers.sessions import revoke_sessions
from tests.gateway.central_store import bearer, world


def test_sessions_end_at_once_but_for_the_one_that_asks(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as here:
            one, other = here.worker(), here.worker()
            tokens = [await one.open("nanjing") for _ in range(3)]
            assert all(other.viewer(bearer(token)) for token in tokens)
            [(kept,)] = here.sql("SELECT token_hash FROM sessions LIMIT 1 OFFSET 1")
            assert await here.do(lambda c: revoke_sessions(c, "nobody")) == 0
            assert await here.do(lambda c: revoke_sessions(c, "nanjing", but=kept)) == 2
            for worker in (one, other):
                alive = 0
                for token in tokens:
                    try:
                        alive += worker.viewer(bearer(token)) is not None
                    except Unauthenticated:
                        continue
                assert alive == 1
            assert await here.do(lambda c: revoke_sessions(c, "nanjing")) == 1
            with pytest.raises(Unauthenticated):
                one.viewer(bearer(tokens[0]))

    asyncio.run(main())
