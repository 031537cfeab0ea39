"""What a black box run is to do, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.breaking.history import Finding

__all__ = ["KINDS", "Plan", "Ran"]

KINDS: Mapping[str, float] = {
    "cut": 30,
    "half open": 14,
    "delay": 24,
    "pause": 18,
    "kill": 6,
    "clock": 8,
}
"""The random faults, and how often each comes beside the others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done. Shares are of the seconds of load.

    `hot` says whether the backup is put back as a new file under gateways that serve, or in place
    while none does; None: by chance.
    """

    seconds: float
    faults: int
    seed: int
    each: int = 40  # people in each region
    gateways: int = 3
    down_seconds: float = 20.0
    full_seconds: float = 3.0
    down_at: float = 0.15
    full_at: float = 0.52
    backup_at: float = 0.4
    restore_at: float = 0.7
    hot: bool | None = None
    drain_seconds: float = 30.0
    at_least: int = 3  # people accepted, however slow the machine is
    every_kind: bool = False  # each kind of random fault at least once


@dataclass(slots=True)
class Ran:
    """What came of it."""

    plan: Plan
    findings: list[Finding] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)  # of requests and answers
    cuts: int = 0
    handed: int = 0
    logged: int = 0
    drained: float | None = None
    behind: list[str] = field(default_factory=list)  # what the check said of the restored region
    mended: str = ""

    def __str__(self) -> str:
        drained = "never" if self.drained is None else f"{self.drained:.1f} s after the last fault"
        lines = [
            f"seed {self.plan.seed}: {self.plan.seconds:.0f} s, {self.plan.gateways} gateways",
            "faults: " + ", ".join(f"{n} {one}" for one, n in sorted(self.faults.items())),
            "clients: " + ", ".join(f"{n} {one}" for one, n in sorted(self.counts.items())),
            f"{self.handed} people handed over, {self.cuts} cuts, {self.logged} entries of the "
            f"post, drained {drained}",
            f"restored: {', '.join(self.behind) or 'the check found nothing behind'}; "
            f"{self.mended or 'not mended'}",
            f"{len(self.findings)} findings",
        ]
        return "\n".join(lines + [f"  {one}" for one in self.findings[:40]])
