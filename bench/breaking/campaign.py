"""Many seeds, one after the other: what `python -m bench breaking` does, and goes on with later."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.breaking.simulation import Run, simulate
from bench.breaking.world import Template

__all__ = ["Campaign", "Failure", "run_seeds"]

_KEPT_SECONDS = 5.0  # between two savings of the state file


@dataclass(slots=True)
class Failure:
    """A seed whose run broke a rule."""

    seed: int
    findings: list[str]


@dataclass(slots=True)
class Campaign:
    """How far it is: `done` seeds from `first` on, of `length` steps, and what came of them;
    `acting` as `simulate` has it.
    """

    first: int = 0
    length: int = 60
    acting: bool = False
    done: int = 0
    steps: int = 0
    handed: int = 0
    deaths: int = 0
    late: int = 0
    restored: int = 0
    yielded: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def add(self, run: Run, seconds: float) -> None:
        """Counts a run."""
        self.done += 1
        self.steps += len(run.steps)
        self.handed += run.handed
        self.deaths += run.deaths
        self.late += run.late
        self.restored += run.restored
        self.yielded += run.yielded
        self.seconds += seconds
        if run.findings:
            self.failures.append(Failure(run.seed, [str(one) for one in run.findings]))

    def save(self, path: Path) -> None:
        """Writes the state file as a whole: a process that dies leaves the last one."""
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(asdict(self), indent=1), "utf-8")
        os.replace(new, path)

    @classmethod
    def load(cls, path: Path) -> Campaign:
        """What a state file says. Raises ValueError where it is none."""
        try:
            told = json.loads(path.read_text("utf-8"))
            failures = [Failure(**one) for one in told.pop("failures")]
            return cls(**told, failures=failures)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} is no state file of `bench breaking`: {error}") from None

    def __str__(self) -> str:
        text = (
            f"{self.done:,} seeds from {self.first} on, {self.steps:,} steps: {self.handed:,} "
            f"people handed over, {self.deaths:,} deaths, {self.late:,} late messages, "
            f"{self.restored:,} stores put back, {self.yielded:,} times a second custodian "
            f"yielded; {self.seconds:,.0f} s"
        )
        broken = len(self.failures)
        return f"{text}; " + (f"{broken:,} seeds broke a rule" if broken else "no rule broken")


def run_seeds(
    campaign: Campaign,
    seeds: int,
    folder: Path,
    *,
    state: Path | None = None,
    told: Callable[[Run], None] = lambda _: None,
) -> None:
    """Goes on until `seeds` are done. An interrupt (KeyboardInterrupt) passes through; what was
    done until then is in `campaign` and in the state file.
    """
    template = Template(folder / "template")
    place = folder / "run"
    kept = time.monotonic()
    try:
        while campaign.done < seeds:
            begun = time.monotonic()
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            seed = campaign.first + campaign.done
            run = simulate(template, place, seed, length=campaign.length, acting=campaign.acting)
            campaign.add(run, time.monotonic() - begun)
            told(run)
            if state is not None and time.monotonic() - kept > _KEPT_SECONDS:
                campaign.save(state)
                kept = time.monotonic()
    finally:
        if state is not None:
            campaign.save(state)
