"""The black box: gateways as real processes over five regions, under load and faults by a seed.

Faults are kills, pauses, cut and half-open connections, delays, clocks that jump; and once each a
region that cannot be reached, a gateway that can write nothing more to its disk, and a region put
back from an older backup by the manual: all gateways down, `custody check`, `custody mend`, up
again. About once a second everything is stopped, and what the stores say is a cut for the checker.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench.breaking.checker import check
from bench.breaking.clients import Clients
from bench.breaking.gateways import Fleet, command, make_fleet
from bench.breaking.history import Finding, History
from bench.breaking.messages import waiting
from bench.breaking.pictures import Eyes
from bench.breaking.proxy import Proxy
from gateway.access_log.starting import check_access_log
from regions.keys import load_keys

__all__ = ["KINDS", "Plan", "Ran", "run"]

KINDS: Mapping[str, float] = {
    "cut": 30,
    "half open": 14,
    "delay": 24,
    "pause": 18,
    "kill": 6,
    "clock": 8,
}
"""The random faults, and how often each comes beside the others."""

_CUT_EVERY = 1.0  # seconds
_DISK_BYTES = 16_384  # behind which nothing can be written while the disk is full
_CLOCK_SECONDS = 1_500.0  # by which clocks jump, at most
_PATIENCE = 150.0  # seconds until it is said that the post never drains


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done. Shares are of the seconds of load."""

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
            f"restored: {', '.join(self.behind) or 'nothing found'}; {self.mended or 'not mended'}",
            f"{len(self.findings)} findings",
        ]
        return "\n".join(lines + [f"  {one}" for one in self.findings[:40]])


def run(folder: Path, plan: Plan) -> Ran:
    """One run in a folder, which keeps `history.jsonl` of it."""
    fleet = make_fleet(folder, gateways=plan.gateways, each=plan.each, seed=plan.seed)
    with (folder / "history.jsonl").open("w", encoding="utf-8") as file:
        box = _BlackBox(fleet, folder, plan, file)
        try:
            return asyncio.run(box.go())
        finally:
            box.eyes.close()
            fleet.stop()


class _BlackBox:
    def __init__(self, fleet: Fleet, folder: Path, plan: Plan, file: IO[str]) -> None:
        self.fleet, self.folder, self.plan, self._file = fleet, folder, plan, file
        self.chance = random.Random(plan.seed)
        self.eyes = Eyes(fleet.files)
        self.history = History(fleet.homes())
        self.ran = Ran(plan)
        self.proxies = [Proxy(one.port) for one in fleet.gateways]
        self.begun = time.monotonic()
        self.healing: set[asyncio.Task[None]] = set()
        self.going = True
        self.world = asyncio.Lock()  # held while the whole of it is taken down
        self.clients: Clients

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.begun

    def record(self, what: str, **more: Any) -> None:
        """A line of the run's record."""
        line = {"at": round(self.now, 3), "what": what, **more}
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    async def go(self) -> Ran:
        """The whole run."""
        self.record("plan", seed=self.plan.seed, plan=str(self.plan))
        await self.fleet.start()
        for proxy in self.proxies:
            await proxy.start()
        self.clients = Clients(
            [proxy.port for proxy in self.proxies],
            self.fleet.tokens,
            self.history,
            random.Random(f"{self.plan.seed} clients"),
            lambda answer: self.record("answer", **answer),
        )
        self.begun = time.monotonic()
        load = asyncio.create_task(
            self.clients.run(self.begun + self.plan.seconds, self.plan.at_least)
        )
        beside = [asyncio.create_task(one) for one in (self._cuts(), self._keep())]
        try:
            await self._faults()
            await self._heal()
            await load
            await self._drain()
            self.going = False
            await asyncio.gather(*beside)
        finally:
            self.going = False
            for task in (load, *beside):
                task.cancel()
            await asyncio.gather(load, *beside, return_exceptions=True)
            for proxy in self.proxies:
                await proxy.close()
        self.fleet.stop()
        return await self._judge()

    # What goes on all the time.

    async def _cuts(self) -> None:
        """Stops everything, again and again, and looks."""
        while self.going:
            async with self.world:
                self._cut()
            await asyncio.sleep(_CUT_EVERY)

    def _cut(self) -> None:
        with self.fleet.stopped() as still:
            if not still:
                self.ran.counts["cuts missed"] += 1
                return
            name = f"cut {len(self.history.cuts) + 1}"
            try:
                picture = self.eyes.look(at=self.now, name=name, full=False)
            except sqlite3.OperationalError:  # somebody was stopped who holds a lock
                self.ran.counts["cuts missed"] += 1
                return
        self.history.cuts.append(picture)
        custody = {
            region: {
                person: [one.state, one.epoch, one.peer] for person, one in side.custody.items()
            }
            for region, side in picture.sides.items()
        }
        self.record("cut", name=name, custody=custody)

    async def _keep(self) -> None:
        """Starts a gateway that ended by itself, as an operator's system does."""
        while self.going:
            async with self.world:
                for one in self.fleet.gateways:
                    if not one.up:
                        self.ran.faults["ended by itself"] += 1
                        self.record("ended", port=one.port)
                        one.start()
            await asyncio.sleep(0.5)

    # Faults.

    async def _faults(self) -> None:
        """All faults, each at its time."""
        plan, chance = self.plan, self.chance
        kinds = chance.choices(list(KINDS), list(KINDS.values()), k=plan.faults)
        if plan.every_kind:
            kinds[: len(KINDS)] = KINDS
        actions: Mapping[str, Callable[[], Any]] = {
            "cut": self._cut_connections,
            "half open": self._half_open,
            "delay": self._delay,
            "pause": self._pause,
            "kill": self._kill,
            "clock": self._jump,
        }
        first, last = 0.05 * plan.seconds, 0.95 * plan.seconds
        due = [(chance.uniform(first, last), one, actions[one]) for one in kinds]
        due += [
            (plan.down_at * plan.seconds, "region down", self._down),
            (plan.full_at * plan.seconds, "disk full", self._fill),
        ]
        restored = chance.choice(sorted(self.fleet.files))
        kept = self.folder / "backup.db"
        backup: list[tuple[int, float]] = []
        due += [
            (plan.backup_at * plan.seconds, "", lambda: self._back_up(restored, kept, backup)),
            (
                plan.restore_at * plan.seconds,
                "restored",
                lambda: self._restore(restored, kept, backup),
            ),
        ]
        for at, name, action in sorted(due, key=lambda one: one[:2]):
            await asyncio.sleep(max(0.0, at - self.now))
            async with self.world:
                if name:
                    self.ran.faults[name] += 1
                done = action()
                if done is not None:
                    await done

    def _some(self) -> int:
        return self.chance.randrange(len(self.proxies))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            async with self.world:
                work()

        task = asyncio.create_task(wait())
        self.healing.add(task)
        task.add_done_callback(self.healing.discard)

    def _cut_connections(self) -> None:
        which = self._some()
        self.record("cut connections", gateway=which, open=self.proxies[which].cut())

    def _half_open(self) -> None:
        which, answers = self._some(), self.chance.random() < 0.7
        found = self.proxies[which].half_open(answers=answers)
        self.record("half open", gateway=which, answers=answers, open=found)

    def _delay(self) -> None:
        which, seconds = self._some(), self.chance.uniform(0.05, 1.0)
        proxy = self.proxies[which]
        proxy.delay = seconds
        self.record("delay", gateway=which, seconds=seconds)
        self._later(self.chance.uniform(0.2, 1.5), lambda: setattr(proxy, "delay", 0.0))

    def _pause(self) -> None:
        which = self._some()
        gateway = self.fleet.gateways[which]
        self.record("pause", gateway=which)
        gateway.pause()
        self._later(self.chance.uniform(0.1, 2.0), gateway.resume)

    def _kill(self) -> None:
        which = self._some()
        gateway = self.fleet.gateways[which]
        self.record("kill", gateway=which)
        gateway.kill()
        gateway.start()

    def _jump(self) -> None:
        which = self._some()
        ahead = self.chance.uniform(-_CLOCK_SECONDS, _CLOCK_SECONDS)
        self.record("clock", gateway=which, ahead=ahead)
        self.fleet.gateways[which].put_clock(ahead)

    def _down(self) -> None:
        region = self.chance.choice(sorted(self.fleet.files))
        self.record("region down", region=region)
        for one in self.fleet.gateways:
            one.unlink(region)
        self._later(self.plan.down_seconds, lambda: self._up(region))

    def _up(self, region: str) -> None:
        self.record("region up", region=region)
        for one in self.fleet.gateways:
            one.link(region, self.fleet.files[region])

    def _fill(self) -> None:
        which = self._some()
        gateway = self.fleet.gateways[which]
        self.record("disk full", gateway=which)
        gateway.fill_disk(_DISK_BYTES)
        self._later(self.plan.full_seconds, lambda: gateway.fill_disk(None))

    # A region that is put back.

    def _back_up(self, region: str, kept: Path, backup: list[tuple[int, float]]) -> None:
        with self.fleet.stopped():
            self.fleet.backup(region, kept)
        backup.append((self.clients.answers, self.now))
        self.record("backup", region=region)

    async def _restore(self, region: str, kept: Path, backup: list[tuple[int, float]]) -> None:
        await self.clients.hold()
        for one in self.fleet.gateways:
            one.kill()
        self.eyes.close()
        lost = _messages(self.fleet.files[region]) - _messages(kept)
        self.fleet.restore(region, kept)
        answers, at = backup[-1]
        self.record("restored", region=region, backup=at, lost=len(lost))
        for one in self.fleet.gateways:  # the check compares all regions
            for code, file in self.fleet.files.items():
                one.link(code, file)
        checked = self._custody("check", "--json")
        self.ran.behind = sorted({one["kind"] for one in json.loads(checked)["findings"]})
        if lost and not self.ran.behind:
            self.ran.findings.append(
                Finding("NOT_DETECTED", region, f"{len(lost)} messages were lost, none is missed")
            )
        self.ran.mended = self._custody("mend").strip()
        if self.ran.behind and f"{region}: " not in self.ran.mended:
            self.ran.findings.append(Finding("NOT_MENDED", region, self.ran.mended))
        self.record("mended", said=self.ran.mended, behind=self.ran.behind)
        self.history.restored[region] = [(answers + 1, self.clients.answers)]
        await self.fleet.start()
        self.history.restored_between[region] = [(at, self.now)]
        self.clients.go_on()

    def _custody(self, *words: str) -> str:
        """What a command says of the stores, as an operator runs it."""
        config = self.fleet.gateways[0].folder / "config.toml"
        code, said = command(config, self.folder / "said", "custody", *words)
        if code not in (0, 1):
            raise RuntimeError(f"custody {words[0]}: {said[-2000:]}")
        return said

    # The end.

    async def _heal(self) -> None:
        """Ends every fault."""
        for task in list(self.healing):
            task.cancel()
        await asyncio.gather(*self.healing, return_exceptions=True)
        async with self.world:
            for gateway, proxy in zip(self.fleet.gateways, self.proxies, strict=True):
                proxy.heal()
                gateway.resume()
                gateway.fill_disk(None)
                gateway.put_clock(0.0)
                for region, file in self.fleet.files.items():
                    gateway.link(region, file)
            await self.fleet.start()
        self.history.last_fault = self.now
        self.record("healed")

    async def _drain(self) -> None:
        """Until no message waits, or for so long that none will ever go."""
        until = self.now + _PATIENCE
        while self.now < until:
            if not waiting(self.eyes.look(full=True)):
                self.history.drained = self.now
                self.ran.drained = self.now - self.history.last_fault
                break
            await asyncio.sleep(0.2)
        self.record("drained" if self.ran.drained is not None else "never drained")

    async def _judge(self) -> Ran:
        """What the checker says of all of it."""
        for one in self.fleet.gateways:  # rows of deliveries whose gateway died before the entry
            await check_access_log(one.config, load_keys(one.config.keys))
        self.history.log += self.fleet.entries()
        rest = self.eyes.look(at=self.now, full=True)
        found = check(self.history, rest, drain_seconds=self.plan.drain_seconds)
        ran = self.ran
        ran.findings += found
        ran.counts.update(self.clients.counts)
        ran.cuts, ran.logged = len(self.history.cuts), len(self.history.log)
        ran.handed = sum(
            part["outcome"] == "HANDED"
            for side in rest.sides.values()
            for (_, which, _), part in side.parts.items()
            if which == "RECEIVED"
        )
        for wrong in ran.findings:
            self.record("finding", rule=wrong.rule, subject=wrong.subject, detail=wrong.detail)
        return ran


def _messages(file: Path) -> set[tuple[str, str]]:
    """The messages that a store sent or received."""
    with closing(sqlite3.connect(file)) as store:
        rows = store.execute(
            "SELECT '', id FROM post_outbox UNION ALL SELECT from_region, id FROM post_inbox"
        )
        return {(row[0], row[1]) for row in rows}
