"""The benchmark of starting waits for a real answer of what it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.machine import Others
from bench.start import sheet, starts

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere


def test_a_demo_is_made_and_served_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    results = list(starts(tmp_path, million=False, rounds=1, port=port, people=800))
    assert [(one.command, one.people, one.goal) for one in results] == [
        ("demo", 800, 20.0),
        ("serve", 0, 2.0),
    ]
    assert all(one.seconds > 0 and one.cpu > 0 for one in results)
    assert (tmp_path / "default" / "data" / "demo-accounts.json").exists()
    rows = sheet(results, 1, Others()).rows
    assert [row[0] for row in rows] == ["`epigate demo --people 800`", "`epigate serve`"]
