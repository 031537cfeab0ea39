"""A process killed at any step of a night of clusters: one outcome for all regions, no signal lost,
none doubled.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from regions.keys import Keys
from regions.settings import RegionSettings
from regions.signal_messages import signal_messages
from regions.statistics import daily_counts
from tests.forking import begin, forks
from tests.resolvers.alerts.dying import CLUSTER_RULES, run_clusters_dying
from tests.resolvers.alerts.nights import DAY, night_rows, signal_rows
from tests.resolvers.alerts.test_cluster_nights import PART, filled, run
from tests.stores import Stores, in_store, region_settings

pytestmark = pytest.mark.no_cover  # `test_cluster_nights.py` runs the same lines once

_OF_THE_MOMENT = ("id", "detected_at", "updated_at")
forks(run_clusters_dying.__module__)


def _run(paths: Mapping[str, Path], at: int, told: Path) -> tuple[int | None, int]:
    """Exit status and steps of a process that runs the night of `DAY`."""
    told.write_text("0")
    given = {code: str(path) for code, path in paths.items()}
    process = begin(run_clusters_dying, (given, DAY, at, str(told)))
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode, int(told.read_text())


def _kept(regions: list[RegionSettings]) -> list[Any]:
    """Signals, nights of clusters and messages of each region, without ids and instants."""
    found: list[Any] = []
    for one in regions:
        rows = [{k: v for k, v in r.items() if k not in _OF_THE_MOMENT} for r in signal_rows(one)]
        nights = [
            (row["day"], row["signals"], row["absorbed"], row["outcome"])
            for row in night_rows(one)
            if row["part"] == PART
        ]
        asked = signal_messages.select()
        messages = in_store(one, lambda connection: len(connection.execute(asked).all()))  # noqa: B023  # done at once
        found.append((rows, nights, messages))
    return found


def test_killed_at_each_step(stores: Stores, keys: Keys, tmp_path: Path) -> None:
    """SIGKILL before every write and commit; then other counts, and a second run to the end."""
    ready = filled([stores.sqlite(code) for code in ("3201", "3411")])
    for settings in ready:  # their own nights are done
        run([settings], keys, clusters=False)

    def copied(name: str) -> list[RegionSettings]:
        made = []
        for settings in ready:
            assert settings.path is not None
            path = shutil.copyfile(settings.path, tmp_path / f"{name}-{settings.code}.db")
            made.append(region_settings(settings.code[:4], path=path))
        return made

    def paths(regions: list[RegionSettings]) -> dict[str, Path]:
        return {one.code[:4]: one.path for one in regions if one.path is not None}

    whole = copied("whole")
    status, steps = _run(paths(whole), 0, tmp_path / "whole.steps")
    assert status == 0
    expected = _kept(whole)
    assert [len(rows) for rows, _, _ in expected] == [0, 1]
    assert [len(nights) for _, nights, _ in expected] == [1, 1]
    assert expected[1][2] == 1
    assert steps > 8
    began = 0
    for at in range(1, steps + 1):
        regions = copied(str(at))
        assert _run(paths(regions), at, tmp_path / f"{at}.steps")[0] == -signal.SIGKILL, at
        written = [one for one in regions if any(row["part"] == PART for row in night_rows(one))]
        if written:  # whoever goes on tells what was found then, whatever is counted now
            began += 1
            gone = delete(daily_counts).where(daily_counts.c.disease == "dysentery")
            for one in regions:
                in_store(one, lambda connection: connection.execute(gone))  # noqa: B023  # done at once
        run(regions, keys, CLUSTER_RULES)
        assert _kept(regions) == expected, at
        for left in tmp_path.glob(f"{at}[-.]*"):
            left.unlink()
    assert began > 0
