"""What anybody may fetch of the log: right at every size, and cheap however often it is asked."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.access_log import hashes as module
from gateway.access_log.hashes import Hashes
from resolvers.access_log.notes import open_checkpoint
from resolvers.access_log.tiles import Edge, tile_path, tiles_of
from tests.gateway.access_log.logs import entries_of, filled, row
from tests.resolvers.access_log.trees import tree_hash


async def fetched(served: Hashes, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=served.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get(f"/access-log/{path}")


async def root_of_tiles(served: Hashes, size: int) -> bytes:
    tiles: dict[tuple[int, int], bytes] = {}
    for tile in tiles_of(size):
        answer = await fetched(served, tile_path(tile.level, tile.index, tile.width))
        assert answer.status_code == 200
        tiles[tile.level, tile.index] = answer.content
    return Edge.at(size, lambda level, index: tiles.get((level, index), b"")).root()


@pytest.mark.anyio
async def test_hashes_are_right_as_the_log_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(module, "_FEW", 100)
    path = tmp_path / "access-log.db"
    log = filled(path, 3)
    served = Hashes(path, log.vkey)
    size = 3
    for more in (0, 1, 99, 100, 101, 250, 300):  # by what came, and anew
        log.write([row(number) for number in range(size, size + more)])
        size += more
        note = (await fetched(served, "checkpoint")).text
        signed = open_checkpoint(note, [log.vkey]).checkpoint
        assert (signed.size, signed.root) == (size, tree_hash(entries_of(path)))
        assert await root_of_tiles(served, size) == signed.root


@pytest.mark.anyio
async def test_asking_for_what_is_not_there_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "access-log.db"
    log = filled(path, 65_535, 16_384)  # the most tiles and entries behind the last full one
    served = Hashes(path, log.vkey)
    served._take()
    served._moment = served._take()
    begun = time.process_time()
    for _ in range(10):
        log.write([row(0)])
        served._moment = served._take()
    assert time.process_time() - begun < 0.2  # each made anew: 0.5
