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

`comparing` says the same of two stores side by side, for the mending of one of them.
"""

from __future__ import annotations

from dataclasses import replace

from resolvers.transfers.states import Custody, Event, State, Step, Told, Word
from resolvers.transfers.terms import Refusal

__all__ = [
    "accepted",
    "answered",
    "arrive",
    "called_off",
    "cancel",
    "closed",
    "decide",
    "decide_here",
    "offer",
    "receive",
    "refused",
]

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


def arrive(
    custody: Custody,
    transfer: str,
    epoch: int,
    sender: str,
    unit: str,
    offered_at: int = 0,
    *,
    refused: bool = False,
) -> Step:
    """A commit comes in: the sender has handed the person over at `epoch` for good.

    `offered_at` is the highest epoch at which this store is known to have offered the person. A
    store that is not behind had the person before the sender; one that was put back has lost that
    this very commit came, that it offered the person since and took the offer back. Whom it was
    made to knows of the epoch after. `refused`: this store has refused the offer, which only one
    does that was put back since it accepted it; the acceptance counts.
    """
    again = (custody.state, custody.transfer_id) == (State.CLOSED, transfer)
    if refused and again and custody.peer == sender and custody.epoch == epoch + 1:
        above = max(custody.epoch + 1, offered_at + 2 if offered_at >= epoch else 0)
        taken = Custody(State.OWNED, above, sender, transfer, unit)
        return Step(taken, Event.RESTORED, "HANDED", Word.OWNED, epoch)
    expected = custody.epoch == epoch and (
        custody.state is State.PENDING or (custody.state is State.FENCED and custody.peer == sender)
    )
    if custody.epoch < epoch or expected:
        lost = not _is_pending(custody, transfer, epoch)
        offered = custody.state is State.RELEASING
        superseded = lost and (custody.state is State.PENDING or offered)
        above = offered_at + 2 if offered_at >= epoch else epoch
        return Step(
            Custody(State.OWNED, above, sender, transfer, unit),
            Event.RESTORED if lost or above > epoch else Event.OWNED,
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
        tells = custody.epoch if custody.state.answers else None
        return Step(fenced, Event.FENCED, outcome, tells=tells)
    return Step(custody)


def closed(custody: Custody, transfer: str, epoch: int, kept: int) -> Step:
    """The sender's answer to a decision comes home to the receiver: it keeps the person, whose
    offer was made at `epoch` and is closed by `kept`.
    """
    if not _is_pending(custody, transfer, epoch):
        return Step(custody)
    return Step(_closed(custody, max(epoch, kept - 1)), Event.CANCELLED, "CANCELLED")


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
