"""Simulated runs of handoffs: real steps over real stores, and everything else at the mercy of a
seed: who asks for what, which message moves next, which comes twice or late, where a process dies,
when a store is put back from a backup.

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

from sqlalchemy import Connection, select

from bench.breaking import steps
from bench.breaking.checker import Acknowledged, Finding, History, check, waiting
from bench.breaking.pictures import Picture
from bench.breaking.world import AT, REGIONS, Killed, Template, World
from regions.ids import take_ids
from regions.transfers import transfer_people
from resolvers.post.boxes import due, waiting_regions
from resolvers.post.messages import Message
from resolvers.transfers.ledger import custodies
from resolvers.transfers.protocol import State
from resolvers.transfers.restored import reconcile
from resolvers.transfers.steps import (
    cancel_transfer,
    decide_transfer,
    ids_for,
    offer_transfer,
    record_arrival,
)
from resolvers.transfers.terms import Offer, OfferedPerson, Outcome, Refusal, Who

__all__ = ["Run", "simulate"]

_DIES = 0.12  # chance of a transaction to die somewhere within
_UNHEARD = 0.08  # chance that a process dies between its commit and the next thing it does
_LATE = 0.2  # chance that a message is kept by the network, to come again at any time
_AGAIN = 0.3  # chance that a client asks the same again
_STATEMENTS = 30  # a transaction that dies does before one of so many statements
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


class _Simulation:
    def __init__(self, world: World, seed: int, length: int) -> None:
        self.world, self.length = world, length
        self.chance = random.Random(seed)
        self.history = History(world.homes)
        self.run = Run(seed, [])
        self.offers: dict[str, tuple[str, Offer]] = {}
        self.late: list[tuple[Message, Any]] = []
        self.backups: dict[str, tuple[Path, int, float]] = {}
        self.unmended: str | None = None
        self.asked = 0
        self.now = 0

    # The course of a run.

    def go(self) -> Run:
        """The whole run."""
        actions: Mapping[Callable[[], None], float] = {
            self.offer: 5,
            self.decide: 6,
            self.cancel: 1.5,
            self.arrival: 1,
            self.sample: 1.5,
            self.deliver: 14,
            self.replay: 2,
            self.backup: 0.5,
            self.restore: 0.5,
            self.mend: 1.5,
        }
        names, weights = list(actions), list(actions.values())
        for _ in range(self.length):
            action = self.chance.choices(names, weights)[0]
            self.step(action.__name__, action)
        if self.unmended is not None:
            self.step("mend", self.mend)
        for _ in range(_ROUNDS):  # the last fault is behind us
            if not self.round():
                break
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
        if self.unmended is None:  # until it is found, a restored store may believe anything
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

    # What clients ask for.

    def offer(self) -> None:
        """A region offers some of those it has, or some it has no longer."""
        if self.offers and self.chance.random() < _AGAIN:
            transfer, (sender, offer) = self.chance.choice(list(self.offers.items()))
        else:
            sender = self.chance.choice(REGIONS)
            receiver = self.chance.choice([one for one in REGIONS if one != sender])
            persons = self.chance.sample(sorted(self.world.homes), self.chance.randint(1, 3))
            if self.chance.random() < 0.9:
                persons = [one for one in persons if self.holds(sender, one)]
            if not persons:
                return
            transfer = f"t{len(self.offers)}"
            offer = Offer(
                transfer,
                receiver,
                f"unit-{receiver}",
                f"{receiver[:4]}02",
                tuple(OfferedPerson(one) for one in persons),
                "CENTRAL_ISOLATION",
            )
            self.offers[transfer] = (sender, offer)

        def work(connection: Connection) -> Outcome:
            first = take_ids(connection, sender, ids_for(len(offer.people)))
            return offer_transfer(
                connection,
                self.world.stores[sender],
                first,
                offer,
                _who(sender),
                trace="t",
                at=AT,
            )

        self.ask(sender, "offer", transfer, work)

    def holds(self, region: str, person: int) -> bool:
        """Whether a region answers for a person, as its own officers see it."""
        found = self.world.do(region, lambda connection: custodies(connection, [person])[person])
        return found.state is State.OWNED

    def decide(self) -> None:
        """The receiver decides on some of those offered to it, in one way or the other."""
        transfer, receiver, persons = self.known("RECEIVED")
        if not persons:
            return
        accept = [one for one in persons if self.chance.random() < 0.75]
        refuse = {one: "NO_CAPACITY" for one in persons if one not in accept}
        if self.chance.random() < 0.3:
            accept, refuse = accept[:1], {}
        if not accept and not refuse:
            return

        def work(connection: Connection) -> Outcome:
            return decide_transfer(
                connection,
                self.world.stores[receiver],
                take_ids(connection, receiver, ids_for(len(persons))),
                transfer,
                accept=accept,
                refuse=refuse,
                who=_who(receiver),
                trace="t",
                at=AT,
            )

        self.ask(receiver, "decide", transfer, work)

    def cancel(self) -> None:
        """The sender takes an offer back, for all or for one."""
        transfer, sender, persons = self.known("SENT")
        if not persons:
            return
        chosen = persons if self.chance.random() < 0.5 else persons[:1]

        def work(connection: Connection) -> Outcome:
            return cancel_transfer(
                connection,
                self.world.stores[sender],
                take_ids(connection, sender, ids_for(len(persons))),
                transfer,
                people=chosen,
                reason_code="OTHER",
                who=_who(sender),
                trace="t",
                at=AT,
            )

        self.ask(sender, "cancel", transfer, work)

    def arrival(self) -> None:
        """The receiver records that those handed over have arrived."""
        transfer, receiver, persons = self.known("RECEIVED")
        if not persons:
            return

        def work(connection: Connection) -> Outcome:
            return record_arrival(
                connection,
                self.world.stores[receiver],
                take_ids(connection, receiver, ids_for(1)),
                transfer,
                arrived_at=AT,
                who=_who(receiver),
                trace="t",
                at=AT,
            )

        self.ask(receiver, "arrive", transfer, work)

    def known(self, side: str) -> tuple[str, str, list[int]]:
        """A transfer that a region knows of, and its people there."""
        region = self.chance.choice(REGIONS)

        def work(connection: Connection) -> list[tuple[str, int]]:
            c = transfer_people.c
            rows = connection.execute(
                select(c.transfer_id, c.person_id).where(c.side == side).order_by(c.id)
            )
            return [(row[0], row[1]) for row in rows]

        found = self.world.do(region, work)
        if not found:
            return "", region, []
        transfer = self.chance.choice(sorted({one for one, _ in found}))
        return transfer, region, sorted(person for one, person in found if one == transfer)

    def ask(
        self, region: str, asked: str, transfer: str, work: Callable[[Connection], Outcome]
    ) -> None:
        """Asks, once or again; what is answered is acknowledged."""
        for _ in range(2 if self.chance.random() < _AGAIN else 1):
            outcome = self.do(region, work)
            self.acknowledge(region, asked, outcome)

    def acknowledge(self, region: str, asked: str, outcome: Outcome) -> None:
        """What a client was told, person by person."""
        self.asked += 1
        if outcome.refusal is not None and outcome.state is None:
            return
        for person, one in outcome.people.items():
            if one.refusal is not None and one.refusal is not Refusal.HANDED:
                continue
            self.history.acknowledged.append(
                Acknowledged(
                    self.asked,
                    region,
                    outcome.transfer_id,
                    person,
                    asked,
                    one.outcome,
                    arrived=asked == "arrive" and outcome.refusal is None,
                )
            )

    def sample(self) -> None:
        """A laboratory reports, also while the person is offered."""
        region = self.chance.choice(REGIONS)
        person = self.chance.choice(sorted(self.world.homes))

        def work(connection: Connection) -> None:
            if custodies(connection, [person])[person].state.answers:
                self.world.add_sample(connection, region, person)

        self.do(region, work)

    # The post.

    def waiting(self) -> list[Message]:
        """The messages that may be delivered now."""

        def work(connection: Connection, sender: str) -> list[Message]:
            return [
                one
                for receiver in sorted(waiting_regions(connection))
                for one in due(connection, (sender, receiver), 50, (), ())[0]
            ]

        return [
            one for sender in REGIONS for one in self.world.do(sender, partial(work, sender=sender))
        ]

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

    # Backups.

    def backup(self) -> None:
        """Of some region."""
        region = self.chance.choice(REGIONS)
        if self.unmended != region:
            self.backups[region] = (self.world.backup(region), self.asked, float(self.now))

    def restore(self) -> None:
        """Some region is put back to its backup; one at a time."""
        if self.unmended is not None or not self.backups:
            return
        region = self.chance.choice(sorted(self.backups))
        kept, asked, now = self.backups.pop(region)
        self.world.restore(region, kept)
        self.history.restored.setdefault(region, []).append((asked + 1, self.asked))
        self.history.restored_between.setdefault(region, []).append((now, float(self.now)))
        self.unmended = region
        self.run.restored += 1

    def mend(self) -> None:
        """The restored store is found, and mended."""
        if self.unmended is not None:
            steps.mend(self.world, self.unmended, reconcile)
            region, self.unmended = self.unmended, None
            begin, _ = self.history.restored_between[region][-1]
            self.history.restored_between[region][-1] = (begin, float(self.now))


def _who(region: str) -> Who:
    return Who(f"officer-{region}", f"unit-{region}", f"{region[:4]}02")


def simulate(template: Template, folder: Path, seed: int, *, length: int = 60) -> Run:
    """One run in an empty folder. The same seed is the same run."""
    world = World(template, folder)
    try:
        return _Simulation(world, seed, length).go()
    finally:
        world.close()
