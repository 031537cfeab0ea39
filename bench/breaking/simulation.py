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
from regions.errors import CustodyUnknown, StoreRestored
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

    def __init__(self, world: World, seed: int, length: int, *, acting: bool = False) -> None:
        self.world, self.length, self.acting = world, length, acting
        self.chance = random.Random(f"{seed} acting" if acting else seed)
        self.noticed = random.Random(f"{seed} noticed") if seed % 2 and not acting else None
        self.history = History(world.homes)
        self.clients = Clients(world, self.chance, self.history, self.do)
        self.run = Run(seed, [])
        self.late: list[tuple[Message, Any]] = []
        self.backups: dict[str, tuple[Path, int, float]] = {}
        self.unmended: str | None = None
        self.now = 0
        self.quiet = False  # without a fault

    # The course of a run.

    def actions(self) -> Mapping[Callable[[], None], float]:
        """What may happen at a step, and how often it does."""
        if self.acting:
            return {
                self.clients.offer: 4,
                self.offer_lost: 5,
                self.clients.decide: 8,
                self.clients.cancel: 1,
                self.clients.sample: 1,
                self.deliver: 18,
                self.replay: 2,
                self.mend: 0.5,
            }
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
        if self.acting:
            self.begin_acting()
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

    def begin_acting(self) -> None:
        """Backups of all regions, some handovers without a fault, and one is put back: one alone,
        since two that are put back to before one handover are left to people (docs/custody.md).
        """
        self.quiet = True
        for region in REGIONS:
            self.backups[region] = (self.world.backup(region), self.clients.asked, float(self.now))
        for _ in range(self.chance.randint(2, 6)):
            self.clients.hand_over(self.drain)
        self.quiet = False
        self.step("restore", self.restore)

    def step(self, name: str, action: Callable[[], None]) -> None:
        """One step, which may die; then a cut."""
        self.now += 1
        self.run.steps.append(name)
        try:
            action()
        except Killed:
            self.run.deaths += 1
            self.run.steps[-1] += " †"
        except (StoreRestored, CustodyUnknown):  # it waits, and is tried again
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
        if self.quiet:
            return self.world.do(region, work)
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
            # What conflicts is never delivered; evidence waits until somebody is known to answer.
            with suppress(Killed, CustodyUnknown):
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

    def offer_lost(self) -> None:
        """Whoever was put back and is not found yet acts on what it has."""
        if self.unmended is not None:
            self.clients.offer_lost(self.unmended)

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


def simulate(
    template: Template, folder: Path, seed: int, *, length: int = 60, acting: bool = False
) -> Run:
    """One run in an empty folder. The same seed is the same run. `acting`: it begins with a store
    that was put back in place, and hands over meanwhile whom it had handed over already.
    """
    world = World(template, folder)
    try:
        return Simulation(world, seed, length, acting=acting).go()
    finally:
        world.close()
