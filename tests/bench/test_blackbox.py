"""The black box of handoffs, in short: real gateways, each kind of fault, one restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.breaking.blackbox import run
from bench.breaking.plans import KINDS, Plan
from tests.forking import forks

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere

forks("bench.breaking.gateways")


def test_whatever_befalls_gateways_nobody_is_lost_or_doubled(tmp_path: Path) -> None:
    plan = Plan(
        seconds=8.0,
        faults=12,
        seed=7,
        each=15,
        gateways=2,
        down_seconds=1.5,
        full_seconds=0.8,
        drain_seconds=300.0,  # of a machine that does other things too
        every_kind=True,
        hot=True,
    )
    ran = run(tmp_path, plan)
    assert ran.findings == [], f"{ran}"
    assert {*KINDS, "disk full", "region down", "restored"} <= set(ran.faults)
    assert ran.handed > 0
    assert ran.logged > 0
    assert ran.cuts > 0
    assert ran.mended
    assert ran.counts["by machines"] > 0
