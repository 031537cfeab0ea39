"""What a worker does beside writing the log: one duty never silences another."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.access_log.duties import Duties
from gateway.access_log.opening import open_access_log
from gateway.access_log.reading import read_entries
from regions.keys import load_keys
from tests.served import Demo


@pytest.mark.anyio
async def test_a_region_that_keeps_waiting_does_not_silence_the_heartbeats(
    demo: Demo, tmp_path: Path
) -> None:
    mine = demo.copied(tmp_path / "demo")
    with socket.create_server(("127.0.0.1", 0)) as dumb:  # takes connections and says nothing
        url = f"postgresql://epigate@127.0.0.1:{dumb.getsockname()[1]}/epigate"
        away = replace(mine.config.regions[0], path=None, url=url, deadline=60.0)
        config = replace(
            mine.config,
            regions=(away, *mine.config.regions[1:]),
            log_heartbeat_seconds=1,
            log_sides_seconds=1,
        )
        log = open_access_log(config, load_keys(config.keys))
        async with Duties(config, load_keys(config.keys), log).running():
            for _ in range(100):
                await asyncio.sleep(0.2)
                if len(beats(config.log_store)) >= 4:
                    break
            assert len(beats(config.log_store)) >= 4
        await log.close()


def beats(path: Path) -> list[str]:
    return [one["at"] for one in read_entries(path) if one["operation"] == "heartbeat"]
