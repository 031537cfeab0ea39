"""A process killed at any step of its nights: no signal lost, none doubled, no night half done, and
one message of each.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from regions.alerts import detection_nights, signals
from regions.cases import cases
from regions.settings import RegionSettings
from regions.signal_messages import signal_messages
from tests.forking import begin, forks
from tests.resolvers.alerts.dying import run_dying
from tests.resolvers.alerts.nights import DAY, counted, days_before, fill, night_rows, signal_rows
from tests.stores import Stores, in_store, region_settings

pytestmark = pytest.mark.no_cover  # `test_night.py` runs the same lines once

_OF_THE_MOMENT = ("detected_at", "updated_at", "began_at", "finished_at")

forks(run_dying.__module__)


def _run(path: Path, at: int) -> tuple[int | None, int]:
    """Exit status and statements of a process that runs the nights up to `DAY`."""
    told = path.with_suffix(".steps")
    told.write_text("0")
    process = begin(run_dying, (str(path), DAY, at, str(told)))
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode, int(told.read_text())


def _ready(stores: Stores) -> Path:
    """A store whose last night was three days ago: signals each night, absorbed ones, a card."""
    settings = stores.sqlite("3201")
    fill(settings, counted("320105", "measles", {days_before(DAY, 6 * 365): 1}))
    for back, code in ((2, "320102"), (1, "320104"), (0, "320106")):
        fill(settings, counted(code, "measles", {days_before(DAY, back): 2}))
    card = {
        "id": 7,
        "person_id": 1,
        "disease": "plague",
        "classification": "CONFIRMED",
        "origin": "LOCAL",
        "code": "320111",
        "reported_at": f"{days_before(DAY, 1)}T04:00:00Z",
        "unit_id": "cdc-320111",
        "created_at": f"{days_before(DAY, 1)}T04:00:00Z",
        "updated_at": f"{days_before(DAY, 1)}T04:00:00Z",
        "version": 1,
    }
    in_store(settings, lambda connection: connection.execute(insert(cases).values(card)))
    assert settings.path is not None
    _first_night(settings)
    return settings.path


def _first_night(settings: RegionSettings) -> None:
    row = {
        "day": days_before(DAY, 3),
        "part": "SERIES",
        "rules_digest": "",
        "began_at": "",
        "finished_at": "",
        "series": 0,
        "signals": 0,
        "absorbed": 0,
        "data_version": "0",
    }
    in_store(settings, lambda connection: connection.execute(insert(detection_nights).values(row)))


def _kept(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Any]]:
    """Signals, nights and messages (number of the signal, occasion, when it is due), without the
    instants of the run and ids, of which a killed one takes none back."""
    settings = region_settings("3201", path=path)
    names = {row["id"]: row["number"] for row in signal_rows(settings)}
    found = [
        {name: value for name, value in row.items() if name not in (*_OF_THE_MOMENT, "id")}
        | {"absorbed_into": names.get(row["absorbed_into"])}
        for row in signal_rows(settings)
    ]
    nights = [
        {name: value for name, value in row.items() if name not in _OF_THE_MOMENT}
        for row in night_rows(settings)
    ]
    return found, nights, in_store(settings, _messages)


def _messages(connection: Connection) -> list[Any]:
    c = signal_messages.c
    asked = select(signals.c.number, c.occasion, c.due_at, c.state)
    rows = connection.execute(asked.join(signals, signals.c.id == c.signal_id))
    return sorted((row.number, row.occasion, _of_a_night(row), row.state) for row in rows)


def _of_a_night(row: Any) -> str:
    """When a message is due; of what is told at once, that it is."""
    return str(row.due_at) if row.due_at.endswith("T00:00:00Z") else "at once"


def test_killed_at_each_step(stores: Stores, tmp_path: Path) -> None:
    """SIGKILL before every write and commit of three nights, then a second run to the end."""
    ready = _ready(stores)
    whole = shutil.copyfile(ready, tmp_path / "whole.db")
    status, steps = _run(whole, 0)
    assert status == 0
    expected = _kept(whole)
    assert len(expected[0]) == 7  # 1 + 2 + 3 counties, of which three absorbed, and the card
    assert len(expected[1]) == 4
    assert len(expected[2]) == 4  # three that stand for themselves, and the card
    assert steps > 30
    for at in range(1, steps + 1):
        path = shutil.copyfile(ready, tmp_path / f"{at}.db")
        assert _run(path, at)[0] == -signal.SIGKILL, at
        found, nights, messages = _kept(path)
        done = {night["day"] for night in nights}
        assert {row["day"] for row in found} <= done, at  # no signal without its night
        standing = [row["number"] for row in found if row["absorbed_into"] is None]
        assert [number for number, *_ in messages] == sorted(standing), at  # one message each
        for night in nights[1:]:
            mine = [row for row in found if row["day"] == night["day"]]
            alone = [row for row in mine if row["absorbed_into"] is None]
            assert (len(alone), len(mine) - len(alone)) == (night["signals"], night["absorbed"])
        assert _run(path, 0)[0] == 0
        assert _kept(path) == expected, at
        for left in tmp_path.glob(f"{at}.*"):
            left.unlink()
