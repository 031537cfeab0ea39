"""The protocol of a handoff, for one person: pure functions over what one store says of custody.

Every state has an answer to every event: a step, a named refusal (to who asks) or a word (to the
region that sent a message). No clock, no I/O. Of the two stores of a transfer:

    sender                          receiver
    OWNED(e)
    RELEASING(e+1)  -- offer -->    PENDING(e+1)
                    <- decision --  accepted, or refused: CLOSED(e+2)
    HANDED(e+1)     -- commit -->   OWNED(e+1)
    or OWNED(e+2)   -- cancel -->   CLOSED(e+2)

The custodian is who says OWNED or RELEASING; between HANDED and the arrival of its commit, whom the
commit goes to: exactly one at every cut. Epochs only rise, and whoever is told of a higher one
knows to be behind.

**Stores restored from an older backup.** A store that lost what it did since is behind: its epochs
are lower than those its peers have seen. Every message carries the epoch; who is told one it does
not know answers by these rules, so that nobody is doubled:

- an offer that is not above what the receiver knows is answered BEHIND (the sender is FENCED: no
  custodian, not writable) where the receiver had the person since, and RAISE (the sender is the
  custodian, and takes an epoch above) where the receiver knows only that the sender took the person
  back, or offered again;
- an offer or commit above what the receiver knows is taken whatever the receiver's state says: it
  is the receiver that is behind, and what it believed to own it had handed over;
- an acceptance of an offer the sender does not know is answered KEPT, from an epoch above it.

`compare` says the same of two stores side by side, for the check that runs over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from resolvers.transfers.terms import Refusal

__all__ = [
    "NOWHERE",
    "Custody",
    "Event",
    "State",
    "Step",
    "Told",
    "Word",
    "accepted",
    "answered",
    "arrive",
    "called_off",
    "cancel",
    "closed",
    "compare",
    "decide",
    "decide_here",
    "offer",
    "receive",
    "refused",
]


class State(Enum):
    """What a store says of its custody of a person."""

    ABSENT = "the person was never here"
    OWNED = "this region answers for the person"
    RELEASING = "it does, and has offered the person to its peer"
    HANDED = "the peer does: the person was handed over"
    PENDING = "the peer does, and has offered the person to this region"
    CLOSED = "the peer does: its offer was refused or taken back"
    FENCED = "another does: this store was restored from an older backup and is behind"

    @property
    def answers(self) -> bool:
        """Whether the store's region answers for the person."""
        return self in (State.OWNED, State.RELEASING)


class Event(Enum):
    """What happened, as trails and timelines tell it."""

    OFFERED = "offered to the peer"
    RECEIVED = "the peer's offer came in"
    ACCEPTED = "accepted, or the acceptance came in"
    REFUSED = "refused, or the refusal came in"
    CANCELLED = "the offer was taken back"
    HANDED = "handed over"
    OWNED = "taken over"
    FENCED = "found to be behind: no custodian any more"
    RAISED = "custodian still, at an epoch above what the peer has seen"
    RESTORED = "taken over, or offered, although this store had lost what came before"


class Word(Enum):
    """What a store answers to a message, for one person."""

    PENDING = "the offer waits to be decided"
    HANDED = "the commit is on its way"
    OWNED = "taken over, now or before"
    CLOSED = "the offer is closed"
    KEPT = "the sender keeps the person: close the offer"
    BEHIND = "you are behind, and another answers for the person"
    RAISE = "you are behind, and answer for the person: take an epoch above"


class Told(Enum):
    """A message of the sender's, and the state it is in while the answer counts."""

    OFFER = State.RELEASING
    COMMIT = State.HANDED
    CANCEL = State.OWNED


@dataclass(frozen=True, slots=True)
class Custody:
    """A person's custody as one store has it. `peer` is a region of six digits."""

    state: State
    epoch: int
    peer: str | None = None
    transfer_id: str | None = None
    unit_id: str | None = None
    since: str | None = None


NOWHERE = Custody(State.ABSENT, 0)
"""Of a person of whom a store has nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of custody, the event that is noted (None: nothing happened), the word for who
    sent the message and the epoch beside it.

    `outcome` is what the person's part of the transfer becomes, None where it stays. `dropped` is
    another transfer of which the person is no longer a part. `cancels`: that transfer was this
    store's own offer, and its receiver is to be told. `resend`: the transfer whose commit must be
    delivered again. `calls_off`: an offer the other store waits with, and this one has lost.
    """

    custody: Custody
    event: Event | None = None
    outcome: str | None = None
    word: Word | None = None
    epoch: int = 0
    dropped: str | None = None
    cancels: bool = False
    resend: str | None = None
    calls_off: str | None = None


_NOT_OWNED = {
    State.ABSENT: Refusal.NO_SUCH_PERSON,
    State.RELEASING: Refusal.OFFERED,
    State.HANDED: Refusal.ELSEWHERE,
    State.PENDING: Refusal.PENDING,
    State.CLOSED: Refusal.ELSEWHERE,
    State.FENCED: Refusal.FENCED,
}


# What people ask for.


def offer(custody: Custody, transfer: str, peer: str, epoch: int | None = None) -> Step | Refusal:
    """The sender offers a person. `epoch` is the one that custody was read at."""
    if custody.state is not State.OWNED:
        return _NOT_OWNED[custody.state]
    if epoch is not None and epoch != custody.epoch:
        return Refusal.EPOCH
    made = replace(
        custody,
        state=State.RELEASING,
        epoch=custody.epoch + 1,
        peer=peer,
        transfer_id=transfer,
    )
    return Step(made, Event.OFFERED, "OFFERED")


def decide(
    custody: Custody, transfer: str, outcome: str, *, accept: bool, unit: str
) -> Step | Refusal:
    """The receiver accepts or refuses. `outcome` is what the person's part of the transfer is now.

    Accepting changes no custody: that comes with the commit.
    """
    if outcome != "OFFERED":
        return _DECIDED[outcome]
    if custody.state is not State.PENDING or custody.transfer_id != transfer:
        return Refusal.FENCED if custody.state is State.FENCED else Refusal.CANCELLED
    if accept:
        return Step(replace(custody, unit_id=unit), Event.ACCEPTED, "ACCEPTED")
    return Step(_closed(custody, custody.epoch), Event.REFUSED, "REFUSED")


def decide_here(
    custody: Custody, transfer: str, outcome: str, *, accept: bool, unit: str
) -> Step | Refusal:
    """Both sides of a transfer in one store: what three messages would do happens at once."""
    if outcome != "OFFERED":
        return _DECIDED[outcome]
    if custody.state is not State.RELEASING or custody.transfer_id != transfer:
        return Refusal.FENCED if custody.state is State.FENCED else Refusal.CANCELLED
    if accept:
        made = replace(custody, state=State.OWNED, unit_id=unit)
        return Step(made, Event.OWNED, "HANDED")
    return Step(_back(custody, custody.epoch + 1), Event.REFUSED, "REFUSED")


_DECIDED = {
    "ACCEPTED": Refusal.ACCEPTED,
    "REFUSED": Refusal.REFUSED,
    "CANCELLED": Refusal.CANCELLED,
    "HANDED": Refusal.HANDED,
}


def cancel(custody: Custody, transfer: str, outcome: str) -> Step | Refusal:
    """The sender takes an offer back: also where it was accepted and the acceptance has not come.

    What reaches the sender first counts: there is one store that decides.
    """
    if custody.transfer_id == transfer and custody.state is State.RELEASING:
        return Step(_back(custody, custody.epoch + 1), Event.CANCELLED, "CANCELLED")
    if custody.state is State.FENCED and outcome == "OFFERED":
        return Refusal.FENCED
    return _DECIDED.get(outcome, Refusal.CANCELLED)


# What messages say: at the receiver.


def receive(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
    """An offer comes in: the sender answers for the person and would hand the person over at
    `epoch`.
    """
    if _is_pending(custody, transfer, epoch):
        return Step(custody, word=Word.PENDING, epoch=epoch)
    if custody.epoch < epoch:
        offered = custody.state is State.RELEASING
        superseded = custody.state is State.PENDING or offered
        made = Custody(State.PENDING, epoch, sender, transfer)
        return Step(
            made,
            Event.RESTORED if custody.state.answers else Event.RECEIVED,
            "OFFERED",
            Word.PENDING,
            epoch,
            dropped=custody.transfer_id if superseded else None,
            cancels=offered,
        )
    word = _to_who_is_behind(custody, sender)
    resend = None
    if custody.state is State.HANDED and custody.peer == sender:
        resend = custody.transfer_id  # the sender has lost what was handed over to it
    return Step(custody, word=word, epoch=custody.epoch, resend=resend)


def arrive(custody: Custody, transfer: str, epoch: int, sender: str, unit: str) -> Step:
    """A commit comes in: the sender has handed the person over at `epoch` for good."""
    expected = custody.epoch == epoch and (
        custody.state is State.PENDING or (custody.state is State.FENCED and custody.peer == sender)
    )
    if custody.epoch < epoch or expected:
        lost = not _is_pending(custody, transfer, epoch)
        offered = custody.state is State.RELEASING
        superseded = lost and (custody.state is State.PENDING or offered)
        return Step(
            Custody(State.OWNED, epoch, sender, transfer, unit),
            Event.RESTORED if lost else Event.OWNED,
            "HANDED",
            Word.OWNED,
            epoch,
            dropped=custody.transfer_id if superseded else None,
            cancels=offered,
        )
    if custody.peer == sender and custody.state in (State.CLOSED, State.PENDING):
        # The offer was taken back; the sender lost that, and handed over what it had kept.
        return Step(custody, word=Word.RAISE, epoch=custody.epoch)
    return Step(custody, word=Word.OWNED, epoch=custody.epoch)


def called_off(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
    """A cancellation of the offer made at `epoch` comes in: the sender keeps the person."""
    if _is_pending(custody, transfer, epoch) or custody.epoch < epoch:
        offered = custody.state is State.RELEASING
        return Step(
            Custody(State.CLOSED, epoch + 1, sender, transfer),
            Event.FENCED if custody.state.answers else Event.CANCELLED,
            "CANCELLED",
            Word.CLOSED,
            epoch + 1,
            dropped=custody.transfer_id if offered else None,
            cancels=offered,
        )
    taken = custody.state in (State.OWNED, State.RELEASING, State.HANDED)
    if not taken or (custody.state is State.HANDED and custody.peer == sender):
        return Step(custody, word=Word.CLOSED, epoch=custody.epoch)
    if custody.state is State.OWNED and custody.epoch <= epoch + 1:
        raised = replace(custody, epoch=epoch + 2)
        return Step(raised, Event.RAISED, word=Word.BEHIND, epoch=epoch + 2)
    return Step(custody, word=Word.BEHIND, epoch=custody.epoch)


# What messages say: at the sender.


def accepted(custody: Custody, transfer: str, epoch: int) -> Step:
    """The receiver's acceptance comes in: the person is handed over, unless it was taken back."""
    if custody.transfer_id == transfer and custody.epoch == epoch:
        if custody.state is State.RELEASING:
            made = replace(custody, state=State.HANDED)
            return Step(made, Event.HANDED, "HANDED", Word.HANDED, epoch)
        if custody.state is State.HANDED:
            return Step(custody, word=Word.HANDED, epoch=epoch)
    return _kept(custody, epoch)


def refused(custody: Custody, transfer: str, epoch: int) -> Step:
    """The receiver's refusal comes in: the person stays."""
    stands = custody.transfer_id == transfer and custody.epoch == epoch
    if stands and custody.state is State.RELEASING:
        made = _back(custody, epoch + 1)
        return Step(made, Event.REFUSED, "REFUSED", Word.KEPT, epoch + 1)
    return _kept(custody, epoch)


def answered(
    custody: Custody, transfer: str, word: Word, epoch: int, peer: str, *, told: Told
) -> Step:
    """What the peer answered to a message of this transfer comes home; `told` is which it was."""
    if custody.transfer_id != transfer or custody.peer != peer or epoch < custody.epoch:
        return Step(custody)
    if custody.state is not told.value:
        return Step(custody)  # it has gone on since
    outcome = None if told is Told.CANCEL else "CANCELLED"
    if word is Word.RAISE and told is not Told.CANCEL:
        return Step(_back(custody, epoch + 1), Event.RAISED, outcome)
    if word is Word.BEHIND:
        fenced = replace(custody, state=State.FENCED, epoch=epoch, unit_id=None)
        return Step(fenced, Event.FENCED, outcome)
    return Step(custody)


def closed(custody: Custody, transfer: str, epoch: int, kept: int) -> Step:
    """The sender's answer to a decision comes home to the receiver: it keeps the person, whose
    offer was made at `epoch` and is closed by `kept`.
    """
    if not _is_pending(custody, transfer, epoch):
        return Step(custody)
    return Step(_closed(custody, max(epoch, kept - 1)), Event.CANCELLED, "CANCELLED")


def compare(custody: Custody, other: Custody, here: str, there: str, *, lost: bool) -> Step:
    """What becomes of custody in a store beside what another store said of the same person before.

    `lost`: this store is known to have lost something of this person, since the other has messages
    from it that it never sent. Without that, nothing happens to a store that is no custodian.
    """
    answers, later = custody.state.answers, other.epoch > custody.epoch
    offered = custody.state is State.RELEASING
    pending = custody.state is State.PENDING
    if other.state in (State.PENDING, State.CLOSED):
        if other.peer != here:
            return Step(custody)
        known = (custody.transfer_id, custody.epoch) == (other.transfer_id, other.epoch)
        waits = lost and other.state is State.PENDING and not known
        calls_off = other.transfer_id if waits else None
        if not (later and answers):
            return Step(custody, calls_off=calls_off)
        return Step(
            _back(custody, other.epoch + 1),
            Event.RAISED,
            dropped=custody.transfer_id if offered else None,
            cancels=offered,
            calls_off=calls_off,
        )
    doubled = answers and other.state.answers and other.epoch >= custody.epoch
    passed = other.state is State.HANDED and later and (answers or lost)
    if not (doubled or passed or (lost and later and other.state.answers)):
        return Step(custody)
    return Step(
        Custody(State.FENCED, other.epoch, there, custody.transfer_id),
        Event.FENCED,
        dropped=custody.transfer_id if offered or pending else None,
        cancels=offered,
        resend=other.transfer_id if other.state is State.HANDED and other.peer == here else None,
    )


def _kept(custody: Custody, epoch: int) -> Step:
    """The word to who decided on an offer that stands no more; from an epoch above it."""
    if custody.epoch > epoch or not custody.state.answers:
        return Step(custody, word=Word.KEPT, epoch=max(custody.epoch, epoch + 1))
    offered = custody.state is State.RELEASING
    return Step(
        _back(custody, epoch + 1),
        Event.RAISED,
        word=Word.KEPT,
        epoch=epoch + 1,
        dropped=custody.transfer_id if offered else None,
        cancels=offered,
    )


def _to_who_is_behind(custody: Custody, sender: str) -> Word:
    """The word to a sender whose epoch is not above what is known here."""
    about_sender = custody.state in (State.CLOSED, State.PENDING, State.FENCED)
    return Word.RAISE if about_sender and custody.peer == sender else Word.BEHIND


def _is_pending(custody: Custody, transfer: str, epoch: int) -> bool:
    return custody.state is State.PENDING and (custody.transfer_id, custody.epoch) == (
        transfer,
        epoch,
    )


def _closed(custody: Custody, epoch: int) -> Custody:
    return replace(custody, state=State.CLOSED, epoch=epoch + 1, unit_id=None)


def _back(custody: Custody, epoch: int) -> Custody:
    return replace(custody, state=State.OWNED, epoch=epoch)
