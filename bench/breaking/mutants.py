"""Bugs put into our own code for a run, to see that the checker finds each of them.

Each one is a mistake somebody might make: a check left out, two writes in two transactions, a word
believed too early. `rules` are those it is expected to break, one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

from sqlalchemy import Connection, update

from bench.breaking import simulation, steps
from bench.breaking.asking import Clients
from bench.breaking.history import Finding
from bench.breaking.simulation import simulate
from bench.breaking.world import AT, Killed, Template
from regions.transfers import custody
from resolvers.post import boxes
from resolvers.post.boxes import Claimed
from resolvers.transfers import (
    batch_commits,
    batches,
    committing,
    delivering,
    dossier,
    parcels,
    protocol,
)
from resolvers.transfers.committing import CommitHandler
from resolvers.transfers.dossier import Dossier
from resolvers.transfers.doubled import Settled
from resolvers.transfers.mending import Mender
from resolvers.transfers.states import Custody, Event, State, Step, Word
from resolvers.transfers.terms import Outcome, Refusal

__all__ = ["MUTANTS", "Mutant", "hunt"]

Patch = Callable[[], AbstractContextManager[None]]

_DIES = 0.5  # chance that a process dies between an early answer and the commit


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. `seed` is one whose run is known to meet it."""

    name: str
    rules: frozenset[str]
    seed: int
    at_work: Patch


def hunt(
    template: Template, folder: Path, mutant: Mutant, seeds: Iterable[int], *, length: int = 60
) -> tuple[int, list[Finding]] | None:
    """The first of the seeds whose run breaks one of the mutant's rules, and all it found."""
    for seed in seeds:
        folder.mkdir(parents=True, exist_ok=True)
        with mutant.at_work():
            run = simulate(template, folder, seed, length=length)
        rmtree(folder)
        if mutant.rules & {one.rule for one in run.findings}:
            return seed, run.findings
    return None


@contextmanager
def _put(place: Any, **others: Any) -> Iterator[None]:
    """Other functions in the place of those of a module or class, be they its own or inherited."""
    kept = {name: vars(place)[name] for name in others if name in vars(place)}
    for name, one in others.items():
        setattr(place, name, one)
    try:
        yield
    finally:
        for name in others:
            if name in kept:
                setattr(place, name, kept[name])
            else:
                delattr(place, name)


@contextmanager
def _put_where_used(**others: Any) -> Iterator[None]:
    """What the dossier offers, wherever messages of transfers use it: alone and many at once."""
    with ExitStack() as stack:
        for place in (batch_commits, batches, committing, delivering, parcels):
            own = {name: other for name, other in others.items() if hasattr(place, name)}
            stack.enter_context(_put(place, **own))
        yield


# The post.


def _no_inbox() -> AbstractContextManager[None]:
    """Whatever comes is taken for new: replies and entries are made again."""
    claim = boxes.claim

    def claimed(connection: Connection, messages: Any, at: str) -> Claimed:
        claim(connection, messages, at)
        return Claimed(frozenset(one.id for one in messages), {}, frozenset())

    def told(*_: Any, **__: Any) -> None:
        """A second row of the access log would be refused by its key."""

    @contextmanager
    def both() -> Iterator[None]:
        with _put(boxes, claim=claimed), _put(steps, put_in_outbox=told):
            yield

    return both()


def _log_after_commit() -> AbstractContextManager[None]:
    """The row of the access log is no part of the transaction: who dies behind it writes none."""
    return _put(steps, put_in_outbox=lambda *_, **__: None)


def _settled_in_two() -> AbstractContextManager[None]:
    """A message is marked answered in one transaction, and the answer takes effect in the next."""

    def settle(world: Any, do: Any, message: Any, reply: dict[str, Any]) -> None:
        handler, store = steps._HANDLERS[message.topic], world.stores[message.from_region]

        def first(connection: Connection) -> bool:
            waits = message.id in boxes.unanswered(connection, [message.id])
            if waits:
                boxes.answer(connection, {message.id: reply}, AT)
            return waits

        if do(message.from_region, first):
            do(
                message.from_region,
                lambda connection: handler.settle(connection, store, message, reply, AT),
            )

    return _put(steps, settle=settle)


def _reply_not_kept() -> AbstractContextManager[None]:
    """An answer takes effect and is never written down: the message comes for ever."""
    return _put(boxes, answer=lambda *_: None)


def _reply_changed() -> AbstractContextManager[None]:
    """What the sender writes down is not what the receiver said."""
    answer = boxes.answer

    def other(connection: Connection, replies: Mapping[str, dict[str, Any]], at: str) -> None:
        answer(connection, {name: {**one, "more": 1} for name, one in replies.items()}, at)

    return _put(boxes, answer=other)


def _body_changed() -> AbstractContextManager[None]:
    """A message has another body where it arrives."""
    deliver = steps.deliver

    def other(world: Any, do: Any, history: Any, message: Any, parcel: Any) -> dict[str, Any]:
        changed = replace(message, body={**message.body, "more": 1})
        return deliver(world, do, history, changed, parcel)

    return _put(steps, deliver=other)


# Who answers whom.


def _answered_before_commit() -> AbstractContextManager[None]:
    """The client is told within the transaction, which may still die."""

    def ask(
        self: Clients, region: str, asked: str, transfer: str, work: Callable[[Connection], Outcome]
    ) -> None:
        def early(connection: Connection) -> None:
            self.acknowledge(region, asked, work(connection))
            if self.chance.random() < _DIES:
                raise Killed

        self.do(region, early)

    return _put(Clients, ask=ask)


# The protocol.


def _timeout_takes_back() -> AbstractContextManager[None]:
    """A commit that waited for too long is given up: the sender takes the person back."""
    gather = CommitHandler.gather_all

    def late(self: CommitHandler, connection: Connection, store: Any, messages: Any) -> Any:
        for message in messages:
            for person, epoch in message.body["people"].items():
                connection.execute(
                    update(custody)
                    .where(custody.c.person_id == int(person), custody.c.state == "HANDED")
                    .values(state="OWNED", epoch=epoch + 1)
                )
        return gather(self, connection, store, messages)

    return _put(CommitHandler, gather_all=late)


def _commit_not_fenced() -> AbstractContextManager[None]:
    """A commit is taken whatever its epoch."""

    def arrive(
        custody: Custody, transfer: str, epoch: int, sender: str, unit: str, offered_at: int = 0
    ) -> Step:
        made = Custody(State.OWNED, epoch, sender, transfer, unit)
        return Step(made, Event.OWNED, "HANDED", Word.OWNED, epoch)

    return _put(protocol, arrive=arrive)


def _offer_not_fenced() -> AbstractContextManager[None]:
    """An offer is taken whatever its epoch."""

    def receive(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
        made = Custody(State.PENDING, epoch, sender, transfer)
        return Step(made, Event.RECEIVED, "OFFERED", Word.PENDING, epoch)

    return _put(protocol, receive=receive)


def _owned_when_accepted() -> AbstractContextManager[None]:
    """The receiver believes to answer for the person as soon as it has accepted."""
    decide = protocol.decide

    def early(
        custody: Custody, transfer: str, outcome: str, *, accept: bool, unit: str
    ) -> Step | Refusal:
        step = decide(custody, transfer, outcome, accept=accept, unit=unit)
        if isinstance(step, Refusal) or not accept:
            return step
        return replace(step, custody=replace(step.custody, state=State.OWNED))

    return _put(protocol, decide=early)


def _accepted_again() -> AbstractContextManager[None]:
    """An acceptance hands over whatever has become of the offer."""

    def accepted(custody: Custody, transfer: str, epoch: int) -> Step:
        made = replace(custody, state=State.HANDED, epoch=epoch, transfer_id=transfer)
        return Step(made, Event.HANDED, "HANDED", Word.HANDED, epoch)

    return _put(protocol, accepted=accepted)


def _refused_at_its_epoch() -> AbstractContextManager[None]:
    """A refusal does not raise the sender's epoch."""
    refused = protocol.refused

    def kept(custody: Custody, transfer: str, epoch: int) -> Step:
        step = refused(custody, transfer, epoch)
        return replace(step, custody=replace(step.custody, epoch=custody.epoch))

    return _put(protocol, refused=kept)


def _cancelled_after_handover() -> AbstractContextManager[None]:
    """The sender takes back whom it has handed over."""
    cancel = protocol.cancel

    def late(custody: Custody, transfer: str, outcome: str) -> Step | Refusal:
        if custody.transfer_id == transfer and custody.state is State.HANDED:
            made = replace(custody, state=State.OWNED, epoch=custody.epoch + 1)
            return Step(made, Event.CANCELLED, "CANCELLED")
        return cancel(custody, transfer, outcome)

    return _put(protocol, cancel=late)


def _cancelled_offer_stays() -> AbstractContextManager[None]:
    """A receiver that is told that an offer was taken back leaves it open."""

    def called_off(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
        return Step(custody, word=Word.CLOSED, epoch=custody.epoch)

    return _put(protocol, called_off=called_off)


# What goes along.


def _samples_left_out() -> AbstractContextManager[None]:
    """The dossier of the commit has no samples: it is what was known when the person came."""
    gather = dossier.gather

    def fewer(connection: Connection, store: Any, persons: Any, **given: Any) -> Dossier:
        found: Dossier = gather(connection, store, persons, **given)
        return Dossier({**found.rows, "samples": []}, found.erased, found.units)

    return _put_where_used(gather=fewer)


def _dossier_not_stored() -> AbstractContextManager[None]:
    """The receiver answers for people whose records it did not write."""
    return _put_where_used(store_dossier=lambda *_, **__: None)


def _row_lives_on() -> AbstractContextManager[None]:
    """The sender's rows do not say where the living ones are."""
    return _put_where_used(leave_behind=lambda *_: None)


def _not_mended() -> AbstractContextManager[None]:
    """A store put back from a backup goes on as if nothing had been."""

    async def nothing(*_: Any) -> int:
        return 0

    return _put(simulation, tend=nothing)


def _nobody_yields() -> AbstractContextManager[None]:
    """Whoever answers wrongly after a restore goes on beside the custodian."""

    async def nothing(*_: Any) -> Settled:
        return Settled()

    return _put(Mender, settle=nothing)


def _of(name: str, rules: str, seed: int, at_work: Patch) -> Mutant:
    return Mutant(name, frozenset(rules.split()), seed, at_work)


MUTANTS = (
    _of("no inbox check", "REPLY_DIFFERS LOG_LACKS", 1, _no_inbox),
    _of("access log behind the commit", "LOG_LACKS", 0, _log_after_commit),
    _of("settled in two transactions", "ROW_ELSEWHERE SIDES_DIFFER", 10, _settled_in_two),
    _of("reply not kept", "NOT_DRAINED", 0, _reply_not_kept),
    _of("reply changed on the way", "REPLY_DIFFERS", 0, _reply_changed),
    _of("body changed on the way", "BODY_DIFFERS", 0, _body_changed),
    _of("answered before the commit", "UNDONE", 0, _answered_before_commit),
    _of("a timeout takes back", "DOUBLED", 3, _timeout_takes_back),
    _of("commit not fenced", "EPOCH_FELL DOUBLED EPOCH_BEHIND", 108, _commit_not_fenced),
    _of("offer not fenced", "EPOCH_FELL NO_CUSTODIAN", 30, _offer_not_fenced),
    _of("owned when accepted", "DOUBLED", 3, _owned_when_accepted),
    _of("accepted again", "EPOCH_FELL NO_CUSTODIAN", 14, _accepted_again),
    _of("refused at its epoch", "EPOCH_BEHIND", 1, _refused_at_its_epoch),
    _of("cancelled after the handover", "DOUBLED UNDONE", 3, _cancelled_after_handover),
    _of("cancelled offer stays", "SIDES_DIFFER", 0, _cancelled_offer_stays),
    _of("samples left out", "RECORD_LOST", 10, _samples_left_out),
    _of("dossier not stored", "RECORD_LOST ROW_ELSEWHERE", 10, _dossier_not_stored),
    _of("row lives on", "ROW_ELSEWHERE", 3, _row_lives_on),
    _of("nobody yields", "DOUBLED EPOCH_BEHIND", 201686, _nobody_yields),
    _of("not mended", "DOUBLED REPLY_MADE_UP MESSAGE_MADE_UP", 3, _not_mended),
)
"""All of them."""
