"""What several stores say about one person side by side, and what becomes of one that has lost
something: pure, as all of the protocol (`protocol`).

`compare` is of a store that is known to have lost something of the person. `prevails`, `above` and
`yields` are of two that both answer, which only a restored store brings about:

- who prevails follows from the handovers that were through, from the person's home on;
- it first takes an epoch above all that any store knows of the person, unless it has one;
- then each of the others yields to it: FENCED, at an epoch below.

A store yields only beside one whose epoch is higher, and epochs only rise. So of those that answer
the one with the highest epoch never yields, whoever decides what in whatever order, by however old
a look: nobody is left without a custodian.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from resolvers.transfers.states import Custody, Event, State, Step

__all__ = ["SAY_OF_PEER", "Handover", "above", "compare", "prevails", "yields"]

SAY_OF_PEER = (State.CLOSED, State.FENCED)
"""States in which a store says that the peer answers for the person, up to an epoch: it may know of
that by no message, but by an answer to one of its own, or by looking. (Who is PENDING knows of an
offer, which is a message; and its commit may be on the way.)
"""


def compare(custody: Custody, other: Custody, here: str, there: str) -> Step:
    """What becomes of custody in a store that has lost something of this person, beside what
    another store says, which has messages from it that it never sent.
    """
    answers, later = custody.state.answers, other.epoch > custody.epoch
    if other.state is State.FENCED:
        # By looking at this store it has seen an epoch that no message told it.
        if other.peer != here or not later:
            return Step(custody)
        return above(custody, other.epoch) if answers else Step(custody, tells=other.epoch)
    if other.state in (State.PENDING, State.CLOSED):
        if other.peer != here:
            # A third had the person since, and has made the other an offer.
            return _behind(custody, other.epoch, other.peer) if later and answers else Step(custody)
        known = (custody.transfer_id, custody.epoch) == (other.transfer_id, other.epoch)
        waits = other.state is State.PENDING and not known
        calls_off = other.transfer_id if waits else None
        seen = (
            other.epoch + 1 if waits else other.epoch
        )  # who is called off closes at the one after
        if answers and (other.epoch >= custody.epoch if waits else later):
            return replace(above(custody, other.epoch), calls_off=calls_off)
        told = not answers and custody.peer is not None and seen > custody.epoch
        return Step(custody, calls_off=calls_off, tells=seen if told else None)
    doubled = answers and other.state.answers and other.epoch >= custody.epoch
    passed = later and (other.state is State.HANDED or other.state.answers)
    if not (doubled or passed):
        return Step(custody)
    offered = custody.state in (State.RELEASING, State.PENDING)
    return replace(
        _behind(custody, other.epoch, there),
        dropped=custody.transfer_id if offered else None,
        resend=other.transfer_id if other.state is State.HANDED and other.peer == here else None,
    )


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover of a person that was through, as the stores of either side have it. `lost`: the
    sender's was restored to before it, and knows it by the receiver's.
    """

    epoch: int
    transfer: str
    sender: str
    receiver: str
    lost: bool = False


def prevails(answering: Mapping[str, Custody], handovers: Collection[Handover], home: str) -> str:
    """Which of the regions that answer for a person at once is the custodian.

    From the person's home on, each handover is followed that its sender made while it had the
    person. What a restored sender made again to another counts less than what it had made before.
    Where that leads to none of them, it is the one of the highest epoch.
    """
    holder, reached = home, -1
    while further := [one for one in handovers if one.sender == holder and one.epoch > reached]:
        then = min(further, key=lambda one: (not one.lost, one.epoch, one.transfer))
        holder, reached = then.receiver, then.epoch
    if holder in answering:
        return holder
    return max(answering, key=lambda region: (answering[region].epoch, region))


def above(custody: Custody, epoch: int) -> Step:
    """A custodian takes an epoch above one that others have seen; its own offer falls with it."""
    offered = custody.state is State.RELEASING
    return Step(
        replace(custody, state=State.OWNED, epoch=epoch + 1),
        Event.RAISED,
        dropped=custody.transfer_id if offered else None,
        cancels=offered,
    )


def yields(custody: Custody, epoch: int, to: str) -> Step:
    """A region that answers wrongly yields to one that does at a higher epoch."""
    return _behind(custody, epoch, to) if custody.epoch < epoch else Step(custody)


def _behind(custody: Custody, epoch: int, peer: str | None) -> Step:
    offered = custody.state is State.RELEASING
    seen = custody.epoch + 1 if offered else custody.epoch
    return Step(
        Custody(State.FENCED, epoch, peer, custody.transfer_id),
        Event.FENCED,
        dropped=custody.transfer_id if offered else None,
        cancels=offered,
        tells=seen if custody.state.answers else None,
    )
