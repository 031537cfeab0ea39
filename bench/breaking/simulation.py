"""Simulated runs of handoffs: real steps over real stores, and everything else at the mercy of a
seed: who asks for what, which message moves next, which comes twice or late, where a process dies,
when a store is put back from a backup.

A store that was put back is found, fenced and mended by what the gateway does
(`resolvers.transfers.mending`): in odd seeds its file is seen to be another one at once, and
whoever mends may die on the way; in even ones it goes on as it was until somebody looks.

One run is one thread: what is concurrent elsewhere are here steps in any order, since each step of
the protocol is one local transaction. After each step the picture of all stores is a cut.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bench.breaking import steps
from bench.breaking.asking import Clients
from bench.breaking.checker import check
from bench.breaking.history import Blind, Finding, History
from bench.breaking.messages import waiting
from bench.breaking.pictures import Picture
from bench.breaking.world import AT, REGIONS, Killed, Template, World
from regions.errors import StoreRestored
from regions.fencing import fence
from resolvers.post.boxes import due
from resolvers.post.messages import Message
from resolvers.transfers.mending import Mender
from resolvers.writing.stores import Stores

__all__ = ["Run", "Simulation", "simulate"]

_WAIT = "SELECT DISTINCT to_region FROM post_outbox WHERE answered_at IS NULL ORDER BY to_region"
_DIES = 0.12  # chance of a transaction to die somewhere within
_UNHEARD = 0.08  # chance that a process dies between its commit and the next thing it does
_LATE = 0.2  # chance that a message is kept by the network, to come again at any time
_STATEMENTS = 30  # a transaction that dies does before one of so many statements
_BORDERS = 24  # a mending that dies does so at one of so many borders
_ROUNDS = 60  # of the post at the end: far more than it ever takes


@dataclass(slots=True)
class Run:
    """What one run came to."""

    seed: int
    findings: list[Finding]
    steps: list[str] = field(default_factory=list)
    handed: int = 0
    deaths: int = 0
    late: int = 0
    restored: int = 0
    refused: int = 0
    yielded: int = 0


async def tend(stores: Stores) -> int:
    """What the gateway does about stores that were put back: a look, and what follows of it; how
    often somebody who had two custodians has one now.
    """
    mender = Mender(stores)
    for region in sorted((await mender.look(AT)).behind):
        await mender.mend(region, AT)
    return len((await mender.settle(await mender.look(AT), AT)).yielded)


class Simulation:
    """One run over a world that nobody else uses."""

    def __init__(self, world: World, seed: int, length: int) -> None:
        self.world, self.length = world, length
        self.chance = random.Random(seed)
        self.noticed = random.Random(f"{seed} noticed") if seed % 2 else None
        self.history = History(world.homes)
        self.clients = Clients(world, self.chance, self.history, self.do)
        self.run = Run(seed, [])
        self.late: list[tuple[Message, Any]] = []
        self.backups: dict[str, tuple[Path, int, float]] = {}
        self.unmended: str | None = None
        self.now = 0

    # The course of a run.

    def actions(self) -> Mapping[Callable[[], None], float]:
        """What may happen at a step, and how often it does."""
        return {
            self.clients.offer: 5,
            self.clients.decide: 6,
            self.clients.cancel: 1.5,
            self.clients.arrival: 1,
            self.clients.sample: 1.5,
            self.deliver: 14,
            self.replay: 2,
            self.backup: 0.5,
            self.restore: 0.5,
            self.mend: 1.5,
        }

    def go(self) -> Run:
        """The whole run."""
        actions = self.actions()
        names, weights = list(actions), list(actions.values())
        for _ in range(self.length):
            action = self.chance.choices(names, weights)[0]
            self.step(action.__name__, action)
        while self.unmended is not None:
            self.step("mend", self.mend)
        self.drain()  # the last fault is behind us
        if self.run.restored:
            self.run.yielded += self.world.beside(tend)
            self.drain()
        rest = self.look(full=True)
        self.history.log += steps.recovered(self.world)
        if not waiting(rest):
            self.history.drained = self.history.last_fault
        self.run.findings = check(self.history, rest)
        self.run.handed = sum(
            part["outcome"] == "HANDED"
            for side in rest.sides.values()
            for (_, which, _), part in side.parts.items()
            if which == "RECEIVED"
        )
        return self.run

    def step(self, name: str, action: Callable[[], None]) -> None:
        """One step, which may die; then a cut."""
        self.now += 1
        self.run.steps.append(name)
        try:
            action()
        except Killed:
            self.run.deaths += 1
            self.run.steps[-1] += " †"
        except StoreRestored:
            self.run.refused += 1
            self.run.steps[-1] += " refused"
        # Until it is found, a restored store may believe anything, and act on it.
        if self.unmended is None or self.noticed is not None:
            self.history.cuts.append(self.look())

    def look(self, *, full: bool = False) -> Picture:
        """The stores, now."""
        name = f"after step {self.now}"
        return self.world.eyes.look(at=float(self.now), name=name, full=full)

    # One transaction of a process that may die in it, or right after it.

    def do(self, region: str, work: Callable[[Connection], Any]) -> Any:
        """Raises Killed before the commit or behind it."""
        dies = self.chance.randrange(_STATEMENTS) if self.chance.random() < _DIES else None
        with self.world.dying(dies):
            result = self.world.do(region, work)
        if self.chance.random() < _UNHEARD:
            raise Killed
        return result

    # The post.

    def waiting(self) -> list[Message]:
        """The messages that may be delivered now."""

        found: list[Message] = []
        for sender in REGIONS:
            for receiver, *_ in self.world.eyes.ask(sender, _WAIT):
                lane = (sender, receiver)
                found += self.world.do(sender, partial(_due, lane))
        return found

    def deliver(self) -> None:
        """Some message, as far as it gets."""
        found = self.waiting()
        if found:
            self.carry(self.chance.choice(found))

    def carry(self, message: Message) -> None:
        """Three transactions, each of which may die."""
        parcel = steps.gather(self.world, self.do, message)
        if self.chance.random() < _LATE:
            self.late.append((message, parcel))
        reply = steps.deliver(self.world, self.do, self.history, message, parcel)
        steps.settle(self.world, self.do, message, reply)

    def replay(self) -> None:
        """What the network, or a worker that slept, has kept comes now."""
        if not self.late:
            return
        self.run.late += 1
        message, parcel = self.chance.choice(self.late)
        reply = steps.deliver(self.world, self.do, self.history, message, parcel)
        if self.chance.random() < 0.5:
            steps.settle(self.world, self.do, message, reply)

    def round(self) -> int:
        """Everything that waits, with no more faults; how many messages there were."""
        self.now += 1
        found = self.waiting()
        for message in found:
            with suppress(Killed):  # a message that conflicts is never delivered
                parcel = steps.gather(self.world, self.world.do, message)
                reply = steps.deliver(self.world, self.world.do, self.history, message, parcel)
                steps.settle(self.world, self.world.do, message, reply)
            self.history.cuts.append(self.look())
        return len(found)

    def drain(self) -> None:
        """Everything that waits, until nothing does."""
        for _ in range(_ROUNDS):
            if not self.round():
                break

    # Backups.

    def backup(self) -> None:
        """Of some region."""
        region = self.chance.choice(REGIONS)
        if self.unmended != region:
            self.backups[region] = (self.world.backup(region), self.clients.asked, float(self.now))

    def restore(self) -> None:
        """Some region is put back to its backup; one at a time."""
        if self.unmended is not None or not self.backups:
            return
        region = self.chance.choice(sorted(self.backups))
        kept, asked, now = self.backups.pop(region)
        self.world.restore(region, kept)
        self.history.restored.setdefault(region, []).append((asked + 1, self.clients.asked))
        self.history.restored_between.setdefault(region, []).append((now, float(self.now)))
        self.unmended = region
        self.run.restored += 1
        if self.noticed is None:
            begun = Blind(float(self.now), self.clients.asked + 1)
            self.history.blind.setdefault(region, []).append(begun)
        if self.noticed is not None:
            self.world.do(region, lambda connection: fence(connection, region, AT))

    def mend(self) -> None:
        """The restored store is found, and mended; later whoever answers wrongly yields."""
        if self.unmended is None:
            if self.run.restored:
                self.run.yielded += self.world.beside(tend)
        else:
            dies = None
            if self.noticed is not None and self.noticed.random() < 0.5:
                dies = self.noticed.randrange(_BORDERS)
            self.run.yielded += self.world.beside(tend, dies)
            region, self.unmended = self.unmended, None
            if self.noticed is None:
                self.history.blind[region][-1].last = self.clients.asked
            begin, _ = self.history.restored_between[region][-1]
            self.history.restored_between[region][-1] = (begin, float(self.now))


def _due(lane: tuple[str, str], connection: Connection) -> list[Message]:
    return due(connection, lane, 50, (), ())[0]


def simulate(template: Template, folder: Path, seed: int, *, length: int = 60) -> Run:
    """One run in an empty folder. The same seed is the same run."""
    world = World(template, folder)
    try:
        return Simulation(world, seed, length).go()
    finally:
        world.close()
