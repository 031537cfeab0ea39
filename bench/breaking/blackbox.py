"""The black box: gateways as real processes over five regions, under load and faults by a seed.

Faults are kills, pauses, cut and half-open connections, delays, clocks that jump; and once each a
region that cannot be reached, a gateway that can write nothing more to its disk, and a region put
back from an older backup, which the gateways must find, fence and mend. About once a second
everything is stopped, and what the stores say is a cut for the checker.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from pathlib import Path
from typing import IO, Any

from bench.breaking.backups import Backup
from bench.breaking.checker import check
from bench.breaking.clients import Clients
from bench.breaking.faults import Due, Faults
from bench.breaking.fleet import Fleet, make_fleet
from bench.breaking.history import Finding, History
from bench.breaking.messages import waiting
from bench.breaking.pictures import Eyes
from bench.breaking.plans import Plan, Ran
from bench.breaking.proxy import Proxy
from gateway.access_log.starting import check_access_log
from regions.keys import load_keys

__all__ = ["run"]

_CUT_EVERY = 1.0  # seconds
_PATIENCE = 150.0  # seconds until it is said that the post never drains, or a store is never mended


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
        self.fleet, self.plan, self._file = fleet, plan, file
        self.chance = random.Random(plan.seed)
        self.eyes = Eyes(fleet.files)
        self.history = History(fleet.homes())
        self.ran = Ran(plan)
        self.proxies = [Proxy(one.port) for one in fleet.gateways]
        self.begun = time.monotonic()
        self.going = True
        self.world = asyncio.Lock()  # held while the whole of it is taken down
        self.faults = Faults(fleet, self.proxies, self.chance, self.world, self.record)
        self.backup = Backup(fleet, self.chance.choice(sorted(fleet.files)), folder)
        self.backed_up = (0, 0.0)  # after which answer, and when
        self.put_back = False
        self.clients = Clients(
            self.proxies,
            fleet.people,
            self.history,
            random.Random(f"{plan.seed} clients"),
            lambda answer: self.record("answer", **answer),
        )

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
        self.begun = time.monotonic()
        load = asyncio.create_task(self.clients.run(self._enough))
        beside = [asyncio.create_task(one) for one in (self._cuts(), self._keep())]
        try:
            await self._befall()
            await self.faults.heal()
            self.history.last_fault = self.now
            self.record("healed")
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

    def _enough(self) -> bool:
        """Whether there was load for long enough, however slow the machine is."""
        accepted = self.clients.counts["accepted"]
        done = accepted >= self.plan.at_least and self.put_back
        return done and self.now >= self.plan.seconds

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

    # What befalls it.

    async def _befall(self) -> None:
        """All faults, each at its time."""
        plan = self.plan
        due: list[Due] = [
            *self.faults.due(plan),
            (plan.backup_at * plan.seconds, "", self._back_up),
            (plan.restore_at * plan.seconds, "restored", self._restore),
        ]
        for at, name, action in sorted(due, key=lambda one: one[:2]):
            await asyncio.sleep(max(0.0, at - self.now))
            if action == self._restore:
                await self._something_lost()
            async with self.world:
                if name:
                    self.ran.faults[name] += 1
                done = action()
                if done is not None:
                    await done

    def _back_up(self) -> None:
        self.backup.take()
        self.backed_up = (self.clients.answers, self.now)
        self.record("backup", region=self.backup.region)

    async def _something_lost(self) -> None:
        """Waits until putting the region back would lose a message."""
        until = self.now + _PATIENCE
        while True:
            if self.backup.lost() or self.now > until:
                return
            await asyncio.sleep(0.2)

    async def _restore(self) -> None:
        hot = self.plan.hot if self.plan.hot is not None else self.chance.random() < 0.5
        region, ran = self.backup.region, self.ran
        await self.clients.hold()
        if not hot:
            for one in self.fleet.gateways:
                one.kill()
        self.eyes.close()
        lost = self.backup.lost()
        self.backup.put_back(in_place=not hot)
        answers, at = self.backed_up
        self.record("restored", region=region, backup=at, lost=lost, hot=hot)
        for one in self.fleet.gateways:  # the comparison needs all regions
            for code, file in self.fleet.files.items():
                one.link(code, file)
        if not hot:
            ran.behind = self.backup.check()
        self.history.restored[region] = [(answers + 1, self.clients.answers)]
        if hot:
            for one in self.fleet.gateways:
                one.resume()
        await self.fleet.start()
        begun = self.now
        if await self.backup.fenced(_PATIENCE if lost or hot else 0.0):
            self.clients.go_on()  # behind the fence no step is taken
            found = self.now - begun
            if await self.backup.mended(_PATIENCE):
                ran.mended = f"found after {found:.1f} s, mended after {self.now - begun:.1f} s"
            else:
                ran.findings.append(Finding("NOT_MENDED", region, "the fence stands"))
        elif lost or hot:
            detail = f"{lost} messages were lost, none is missed"
            ran.findings.append(Finding("NOT_DETECTED", region, detail))
        self.record("mended", said=ran.mended, behind=ran.behind)
        self.history.restored_between[region] = [(at, self.now)]
        self.put_back = True
        self.clients.go_on()

    # The end.

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
        ran.findings += [Finding("UNCODED", "an answer", one) for one in self.clients.uncoded]
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
