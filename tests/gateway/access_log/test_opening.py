"""The log's public key beside it: one and the same, whoever opens the log first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.access_log.opening import _keep
from regions.errors import AccessLogTampered

KEY, OTHER = "log+00000000+AQ==", "log+11111111+AQ=="


def test_an_empty_file_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "access-log.vkey"
    path.touch()
    _keep(path, KEY)
    assert path.read_text() == f"{KEY}\n"
    with pytest.raises(AccessLogTampered, match="signed by another key"):
        _keep(path, OTHER)
    assert path.read_text() == f"{KEY}\n"
    assert [one.name for one in tmp_path.iterdir()] == ["access-log.vkey"]


def test_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "access-log.vkey"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: _keep(path, KEY), range(40)))
    assert path.read_text() == f"{KEY}\n"
