"""All stores of a configuration: what is behind stops a start, what is away does not."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import sqlite3
from contextlib import closing

import pytest

from gateway.config import Config
from gateway.stores import check_stores, migrate_stores
from regions.errors import RegionUnavailable, StoreAhead, StoreBehind


def test_stores_that_are_up_to_date_are_seen_so_and_left_alone(ready_config: Config) -> None:
    paths = [region.path for region in ready_config.regions if region.path]
    before = [path.read_bytes() for path in paths]
    assert asyncio.run(check_stores(ready_config)) == ()
    assert [path.read_bytes() for path in paths] == before


def test_a_store_that_is_ahead_or_was_never_made_stops_a_start(ready_config: Config) -> None:
    path = ready_config.regions[2].path
    assert path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreAhead, match="320400"):
        asyncio.run(check_stores(ready_config))
    for region in ready_config.regions:
        assert region.path
        region.path.unlink()
    with pytest.raises(StoreBehind, match="320100"):
        asyncio.run(check_stores(ready_config))
    ready_config.central_store.unlink()
    with pytest.raises(StoreBehind, match="gateway"):
        asyncio.run(check_stores(ready_config))


def test_a_file_that_is_missing_among_others_is_a_region_that_is_away(ready_config: Config) -> None:
    path = ready_config.regions[2].path
    assert path
    path.unlink()
    (found,) = asyncio.run(check_stores(ready_config))
    assert found.details["store"] == "320400"
    assert "migrate" in found.hint
    assert not path.exists()


def test_a_region_that_is_away_is_returned(ready_config: Config) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://epigate@127.0.0.1:{nobody.getsockname()[1]}/epigate"
        away = dataclasses.replace(ready_config.regions[0], path=None, url=url)
        config = dataclasses.replace(ready_config, regions=(away, *ready_config.regions[1:]))
        found = asyncio.run(check_stores(config))
        assert [error.details["store"] for error in found] == ["320100"]
        outcomes = asyncio.run(migrate_stores(config))
    assert [outcome.store for outcome in outcomes if outcome.error] == ["320100"]
    assert isinstance(outcomes[1].error, RegionUnavailable)
