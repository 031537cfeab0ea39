"""What clients ask of the regions in a simulated run, and what they are told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from bench.breaking.history import Acknowledged, History
from bench.breaking.world import AT, REGIONS, World
from regions.ids import take_ids
from resolvers.transfers.applying import ids_for
from resolvers.transfers.ledger import custodies
from resolvers.transfers.offers import offer_transfer
from resolvers.transfers.steps import cancel_transfer, decide_transfer, record_arrival
from resolvers.transfers.terms import Offer, OfferedPerson, Outcome, Refusal, Who

__all__ = ["Clients"]

_HOLDS = """SELECT EXISTS (SELECT 1 FROM people WHERE id = ? AND kept_in IS NULL),
  (SELECT state FROM custody WHERE person_id = ?)"""
_PARTS = "SELECT transfer_id, person_id FROM transfer_people WHERE side = ? ORDER BY id"
_AGAIN = 0.3  # chance that a client asks the same again


class Clients:
    """Everybody who asks something of a region. `do` is a transaction that may die."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        history: History,
        do: Callable[[str, Callable[[Connection], Any]], Any],
    ) -> None:
        self.world, self.chance, self.history, self.do = world, chance, history, do
        self.offers: dict[str, tuple[str, Offer]] = {}
        self.asked = 0

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
            transfer, offer = self._made(sender, receiver, persons)
        self._offer(sender, transfer, offer)

    def offer_lost(self, sender: str) -> None:
        """A region that was put back and acts on it offers somebody whom another has by now, as far
        as there is anybody, and its receiver accepts.
        """
        others = [one for one in REGIONS if one != sender]
        persons = [
            person
            for person in sorted(self.world.homes)
            if self.holds(sender, person) and any(self.holds(one, person) for one in others)
        ]
        if persons:
            receiver = self.chance.choice(others)
            self._offer(sender, *self._made(sender, receiver, [self.chance.choice(persons)]))

    def hand_over(self, post: Callable[[], None]) -> None:
        """Somebody is handed over, without a fault: `post` delivers whatever waits."""
        person = self.chance.choice(sorted(self.world.homes))
        sender = next((one for one in REGIONS if self.holds(one, person)), None)
        if sender is None:
            return
        receiver = self.chance.choice([one for one in REGIONS if one != sender])
        transfer, offer = self._made(sender, receiver, [person])
        self._offer(sender, transfer, offer)
        post()
        self._decide(receiver, transfer, [person], {})
        post()

    def _made(self, sender: str, receiver: str, persons: list[int]) -> tuple[str, Offer]:
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
        return transfer, offer

    def _offer(self, sender: str, transfer: str, offer: Offer) -> None:
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
        ((own, state),) = self.world.eyes.ask(region, _HOLDS, person, person)
        return bool(state == "OWNED" or (state is None and own))

    def decide(self) -> None:
        """The receiver decides on some of those offered to it, in one way or the other."""
        transfer, receiver, persons = self.known("RECEIVED")
        if not persons:
            return
        accept = [one for one in persons if self.chance.random() < 0.75]
        refuse = {one: "NO_CAPACITY" for one in persons if one not in accept}
        if self.chance.random() < 0.3:
            accept, refuse = accept[:1], {}
        if accept or refuse:
            self._decide(receiver, transfer, accept, refuse)

    def _decide(
        self, receiver: str, transfer: str, accept: list[int], refuse: dict[int, str]
    ) -> None:
        def work(connection: Connection) -> Outcome:
            return decide_transfer(
                connection,
                self.world.stores[receiver],
                take_ids(connection, receiver, ids_for(len(accept) + len(refuse))),
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

        found = self.world.eyes.ask(region, _PARTS, side)
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


def _who(region: str) -> Who:
    return Who(f"officer-{region}", f"unit-{region}", f"{region[:4]}02")
