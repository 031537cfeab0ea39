"""Regions, their post and their faults around the pure protocol: what the state machine plays with.

A transaction is a call of one method: it happens or does not. A crash before a commit is a call
that was not made, one after it an answer that nobody takes home.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from resolvers.transfers import comparing, protocol
from resolvers.transfers.states import NOWHERE, Custody, Event, State, Step, Told, Word
from resolvers.transfers.terms import Refusal

_LOOKS = 9  # for people whom two regions answer for, at rest: far more than it ever takes


@dataclass(frozen=True)
class Rules:
    """The protocol; a mutant replaces one of them."""

    receive: Callable[..., Step] = protocol.receive
    arrive: Callable[..., Step] = protocol.arrive
    called_off: Callable[..., Step] = protocol.called_off
    accepted: Callable[..., Step] = protocol.accepted
    answered: Callable[..., Step] = protocol.answered
    closed: Callable[..., Step] = protocol.closed
    compare: Callable[..., Step] = comparing.compare
    above: Callable[..., Step] = comparing.above
    yields: Callable[..., Step] = comparing.yields
    tells: bool = True  # whether the custodian is told what was seen of who was no custodian
    inbox: bool = True  # whether a second delivery is known again
    takes_back: bool = False  # whether who waits too long takes the person back


@dataclass(frozen=True)
class Mail:
    """A message about one person."""

    topic: str
    transfer: str
    person: int
    epoch: int
    sender: str
    receiver: str
    accept: bool = False
    seen: int = 0  # of evidence: the epoch the custodian must be above
    handed: int = -1  # and at which epoch who was asked before has handed over
    hops: int = 0

    @property
    def key(self) -> str:
        said = (self.topic, self.transfer, self.person, self.epoch, self.accept)
        return ":".join(map(str, (*said, self.seen, self.handed, self.hops, self.receiver)))


@dataclass
class Store:
    """What one region's store holds."""

    custody: dict[int, Custody] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)  # (side, transfer)
    sent: dict[str, tuple[int, int]] = field(default_factory=dict)  # transfer: person, epoch
    outbox: dict[str, Mail] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    inbox: dict[str, tuple[Word, int]] = field(default_factory=dict)
    froms: dict[str, Mail] = field(default_factory=dict)  # what stands in the inbox
    done: dict[str, int] = field(default_factory=dict)  # how often a message took effect
    remembered: set[str] = field(default_factory=set)  # transfers it had lost

    def offered_at(self, person: int) -> int:
        """The highest epoch at which the store is known to have offered a person."""
        return max((epoch for whom, epoch in self.sent.values() if whom == person), default=0)


@dataclass(frozen=True)
class Due:
    """A store whose custody was `seen` rises above an epoch, or yields to a region that has it."""

    person: int
    region: str
    seen: Custody
    epoch: int
    to: str | None


class World:
    """Some regions. People begin in the first of them."""

    def __init__(self, regions: list[str], people: list[int], rules: Rules) -> None:
        self.rules = rules
        self.stores = {region: Store() for region in regions}
        for person in people:
            self.stores[regions[0]].custody[person] = Custody(State.OWNED, 0)
        self.people = people
        self.parts: dict[str, tuple[int, str, str]] = {}  # transfer: person, sender, receiver
        self.replies: list[tuple[Mail, Word, int]] = []
        self.backups: list[tuple[str, Store]] = []
        self.behind: set[str] = set()  # restored, and not yet compared with the others
        self.fenced: set[str] = set()  # those of them that were found, and take no step
        self.restored: set[str] = set()  # at any time
        self.epochs: dict[str, int] = {}  # of transfers
        self.due: list[Due] = []  # decided on, and not yet done
        self.elsewhere: dict[str, tuple[str, int]] = {}  # replies to evidence

    # What people do.

    def offer(self, person: int, sender: str, receiver: str) -> None:
        transfer = f"t{len(self.parts)}"
        made = protocol.offer(self.custody(sender, person), transfer, receiver)
        if isinstance(made, Refusal):
            return
        self.parts[transfer] = (person, sender, receiver)
        self.epochs[transfer] = made.custody.epoch
        self.stores[sender].sent[transfer] = (person, made.custody.epoch)
        self.put(Mail("offer", transfer, person, made.custody.epoch, sender, receiver))
        self.apply(sender, person, "SENT", transfer, made)

    def decide(self, transfer: str, *, accept: bool) -> None:
        person, sender, receiver = self.parts[transfer]
        store = self.stores[receiver]
        outcome = store.outcomes.get(("RECEIVED", transfer))
        if outcome is None:
            return
        custody = self.custody(receiver, person)
        made = protocol.decide(custody, transfer, outcome, accept=accept, unit="b")
        if isinstance(made, Refusal):
            return
        self.put(Mail("decision", transfer, person, custody.epoch, receiver, sender, accept))
        self.apply(receiver, person, "RECEIVED", transfer, made)

    def cancel(self, transfer: str) -> None:
        person, sender, receiver = self.parts[transfer]
        outcome = self.stores[sender].outcomes.get(("SENT", transfer))
        custody = self.custody(sender, person)
        if outcome is None:
            return
        made = protocol.cancel(custody, transfer, outcome)
        if isinstance(made, Refusal):
            return
        self.put(Mail("cancel", transfer, person, custody.epoch, sender, receiver))
        self.apply(sender, person, "SENT", transfer, made)

    def lose_patience(self, transfer: str) -> None:
        """What only a mutant does: a sender that has waited too long takes the person back."""
        person, sender, _ = self.parts[transfer]
        custody = self.custody(sender, person)
        waits = custody.state is State.HANDED and custody.transfer_id == transfer
        if self.rules.takes_back and waits:
            taken = replace(custody, state=State.OWNED, epoch=custody.epoch + 1)
            self.stores[sender].custody[person] = taken

    # What the post does.

    def put(self, mail: Mail) -> None:
        self.stores[mail.sender].outbox.setdefault(mail.key, mail)

    def waiting(self) -> list[Mail]:
        return [
            mail
            for store in self.stores.values()
            for key, mail in store.outbox.items()
            if key not in store.answered
        ]

    def deliver(self, mail: Mail) -> bool:
        """False: it waits where it is, and has no reply."""
        store = self.stores[mail.receiver]
        known = store.inbox.get(mail.key) if self.rules.inbox else None
        if known is None:
            if mail.topic == "evidence":
                if not self._take_evidence(mail):
                    return False
                known = (Word.CLOSED, 0)
            else:
                known = self._handle(mail)
            store.inbox[mail.key], store.froms[mail.key] = known, mail
            store.done[mail.key] = store.done.get(mail.key, 0) + 1
        self.replies.append((mail, *known))
        return True

    def _take_evidence(self, mail: Mail) -> bool:
        """The custodian takes an epoch above; else it goes after the person, as the reply says."""
        custody = self.custody(mail.receiver, mail.person)
        self.elsewhere.pop(mail.key, None)
        if custody.state.answers:
            if custody.epoch <= mail.seen:
                step = self.rules.above(custody, mail.seen)
                self.apply(mail.receiver, mail.person, "SENT", "", step)
            return True
        comes = custody.state is State.PENDING and custody.epoch <= mail.handed
        comes |= mail.sender == mail.receiver and custody.state in (State.PENDING, State.CLOSED)
        if custody.peer is None or comes:
            return False
        handed = custody.epoch if custody.state is State.HANDED else -1
        self.elsewhere[mail.key] = (custody.peer, handed)
        return True

    def _handle(self, mail: Mail) -> tuple[Word, int]:
        custody = self.custody(mail.receiver, mail.person)
        what: tuple[Any, ...] = (custody, mail.transfer, mail.epoch)
        side = "RECEIVED"
        if mail.topic == "offer":
            step = self.rules.receive(*what, mail.sender)
        elif mail.topic == "commit":
            offered_at = self.stores[mail.receiver].offered_at(mail.person)
            outcome = self.stores[mail.receiver].outcomes.get(("RECEIVED", mail.transfer))
            refused = outcome == "REFUSED"
            step = self.rules.arrive(*what, mail.sender, "b", offered_at, refused=refused)
        elif mail.topic == "cancel":
            step = self.rules.called_off(*what, mail.sender)
        else:
            side = "SENT"
            step = (self.rules.accepted if mail.accept else protocol.refused)(*what)
            if step.event is Event.HANDED:
                self.put(
                    Mail(
                        "commit", mail.transfer, mail.person, mail.epoch, mail.receiver, mail.sender
                    )
                )
        self.apply(mail.receiver, mail.person, side, mail.transfer, step)
        assert step.word is not None
        return step.word, step.epoch

    def settle(self, number: int) -> None:
        mail, word, epoch = self.replies.pop(number)
        store = self.stores[mail.sender]
        if mail.key not in store.outbox or mail.key in store.answered:
            return  # the store was restored, or knows already
        custody = self.custody(mail.sender, mail.person)
        if mail.topic == "evidence":
            self._follow(mail)
        elif mail.topic == "decision":
            if word is Word.KEPT:
                step = self.rules.closed(custody, mail.transfer, mail.epoch, epoch)
                self.apply(mail.sender, mail.person, "RECEIVED", mail.transfer, step)
        else:
            step = self.rules.answered(
                custody, mail.transfer, word, epoch, mail.receiver, told=Told[mail.topic.upper()]
            )
            self.apply(mail.sender, mail.person, "SENT", mail.transfer, step)
        store.answered.add(mail.key)

    def _follow(self, mail: Mail) -> None:
        to, handed = self.elsewhere.get(mail.key, (mail.sender, -1))
        if to != mail.sender:
            self.put(replace(mail, receiver=to, handed=handed, hops=mail.hops + 1))

    def apply(self, region: str, person: int, side: str, transfer: str, step: Step) -> None:
        store = self.stores[region]
        before = self.custody(region, person)
        assert step.custody.epoch >= before.epoch, "epochs only rise"
        assert (step.event is None) == (step.custody == before) or step.event is Event.ACCEPTED
        store.custody[person] = step.custody
        if step.outcome is not None:
            was = store.outcomes.get((side, transfer))
            assert was != "HANDED" or self.restored or was == step.outcome, "acknowledged is undone"
            store.outcomes[(side, transfer)] = step.outcome
        if step.dropped is not None:
            for kept in ("SENT", "RECEIVED"):
                if store.outcomes.get((kept, step.dropped)) in ("OFFERED", "ACCEPTED"):
                    store.outcomes[(kept, step.dropped)] = "CANCELLED"
        if step.cancels:
            assert step.dropped is not None
            to = self.parts[step.dropped][2]
            self.put(Mail("cancel", step.dropped, person, before.epoch, region, to))
        if step.resend is not None:
            self.reopen(region, step.resend)

    def reopen(self, region: str, transfer: str) -> None:
        for key, mail in self.stores[region].outbox.items():
            if mail.topic == "commit" and mail.transfer == transfer:
                self.stores[region].answered.discard(key)

    # What goes wrong, and how it is mended.

    def back_up(self, region: str) -> None:
        self.backups.append((region, copy.deepcopy(self.stores[region])))

    def restore(self, number: int, *, found: bool) -> None:
        """Puts a backup in the place of a store: it acts on unless it is `found` at once."""
        region, kept = self.backups[number]
        self.stores[region] = copy.deepcopy(kept)
        self.behind.add(region)
        if found:
            self.fenced.add(region)
        self.restored.add(region)

    def reconcile(self, region: str) -> None:
        """What mending does with a store that was restored."""
        store = self.stores[region]
        for there, other in self.stores.items():
            lost = [
                mail
                for key, mail in other.froms.items()
                if mail.sender == region and key not in store.outbox
            ]
            about = {
                person
                for person, one in other.custody.items()
                if one.peer == region and one.state in comparing.SAY_OF_PEER
            }
            for person in sorted({mail.person for mail in lost} | about):
                self.beside(region, there, person)
            for mail in lost:
                self.remember(region, mail)
        for there, other in self.stores.items():
            for key, mail in other.outbox.items():
                if there != region and mail.receiver == region and key not in store.inbox:
                    other.answered.discard(key)
        self.behind.discard(region)
        self.fenced.discard(region)

    def remember(self, region: str, mail: Mail) -> None:
        """A message that was sent and lost stands in the outbox again, answered, and its transfer
        beside it: who was handed over is, and who still waited was called off.
        """
        store = self.stores[region]
        store.outbox[mail.key] = mail
        store.answered.add(mail.key)
        if mail.topic != "evidence" and self.parts[mail.transfer][1] == region:
            outcome = self.stores[mail.receiver].outcomes.get(("RECEIVED", mail.transfer))
            if outcome is not None:
                waited = outcome in ("OFFERED", "ACCEPTED")
                store.outcomes["SENT", mail.transfer] = "CANCELLED" if waited else outcome
            store.sent[mail.transfer] = (mail.person, mail.epoch)
            store.remembered.add(mail.transfer)

    def beside(self, region: str, there: str, person: int) -> None:
        mine, other = self.custody(region, person), self.custody(there, person)
        step = self.rules.compare(mine, other, region, there)
        self.apply(region, person, "SENT", "", replace(step, resend=None))
        if step.resend is not None:
            self.reopen(there, step.resend)
        self.tell(region, person, step, to=region if other.state is State.FENCED else None)
        if step.calls_off is not None:
            self.put(Mail("cancel", step.calls_off, person, other.epoch, region, there))

    def look_for_doubled(self) -> bool:
        """Decides what is to be done about people whom two regions answer for; whether anything
        is. A person takes two looks: first who prevails rises, then the others yield.
        """
        found = [due for person in self.people for due in self._doubled(person)]
        self.due += found
        return bool(found)

    def _doubled(self, person: int) -> list[Due]:
        rows = {region: self.custody(region, person) for region in self.stores}
        answering = {region: one for region, one in rows.items() if one.state.answers}
        if len(answering) < 2 or not self.restored:
            return []
        one = comparing.prevails(answering, self.handovers(person), next(iter(self.stores)))
        top = max(other.epoch for region, other in rows.items() if region != one)
        if rows[one].epoch <= top:
            return [Due(person, one, rows[one], top, None)]
        return [
            Due(person, region, other, rows[one].epoch, one)
            for region, other in answering.items()
            if region != one
        ]

    def do_what_is_due(self, number: int) -> None:
        """One of the steps decided on, unless its store says another thing of the person by now."""
        due = self.due.pop(number)
        if self.custody(due.region, due.person) != due.seen:
            return
        step = (
            self.rules.above(due.seen, due.epoch)
            if due.to is None
            else self.rules.yields(due.seen, due.epoch, due.to)
        )
        self.apply(due.region, due.person, "SENT", "", step)
        self.tell(due.region, due.person, step)

    def tell(self, region: str, person: int, step: Step, to: str | None = None) -> None:
        """What this store has of a person, and what was seen of it, goes to the custodian; to
        itself, where it will be that once what it has lost comes again.
        """
        to, epoch = to or step.custody.peer, step.custody.epoch
        if self.rules.tells and step.tells is not None and to is not None:
            self.put(Mail("evidence", "", person, epoch, region, to, seen=step.tells))

    def handovers(self, person: int) -> list[comparing.Handover]:
        """What was handed over, as either side has it."""
        through = {
            transfer
            for store in self.stores.values()
            for (_, transfer), outcome in store.outcomes.items()
            if outcome == "HANDED" and self.parts[transfer][0] == person
        }
        return [
            comparing.Handover(
                self.epochs[one], one, sender, receiver, one in self.stores[sender].remembered
            )
            for one in sorted(through)
            for _, sender, receiver in [self.parts[one]]
        ]

    def rest(self) -> None:
        """Everything arrives, what is behind is found and mended, and who has two custodians gets
        one: also where an answer, given before a store was restored and come home after, has hidden
        it meanwhile.
        """
        for _ in range(3):
            for region in sorted(self.restored):
                self.reconcile(region)
            self.drain()
            for _ in range(_LOOKS):
                if not self.look_for_doubled():
                    break
                while self.due:
                    self.do_what_is_due(0)
        self.drain()

    def drain(self) -> None:
        for _ in range(100):
            while self.replies:
                self.settle(0)
            waiting = self.waiting()
            if not waiting:
                return
            for mail in waiting:
                self.deliver(mail)
        raise AssertionError("the post never comes to rest")

    # What must hold.

    def custody(self, region: str, person: int) -> Custody:
        return self.stores[region].custody.get(person, NOWHERE)

    def custodians(self, person: int) -> list[str]:
        """Who answers for a person: whoever says so, and whom a commit is on its way to."""
        found = []
        for region in self.stores:
            mine = self.custody(region, person)
            if mine.state.answers:
                found.append(region)
            if mine.state is State.HANDED and mine.peer is not None:
                there = self.custody(mine.peer, person)
                expected = there.state in (State.PENDING, State.FENCED) and (
                    there.epoch == mine.epoch and there.peer == region
                )
                if there.epoch < mine.epoch or expected:
                    found.append(mine.peer)
        return found
