"""Two stores' words about one person side by side, and what becomes of one that has lost something:
pure, as all of the protocol (`protocol`).
"""

from __future__ import annotations

from dataclasses import replace

from resolvers.transfers.states import Custody, Event, State, Step

__all__ = ["compare"]


def compare(custody: Custody, other: Custody, here: str, there: str) -> Step:
    """What becomes of custody in a store that has lost something of this person, beside what
    another store says, which has messages from it that it never sent.
    """
    answers, later = custody.state.answers, other.epoch > custody.epoch
    offered = custody.state is State.RELEASING
    pending = custody.state is State.PENDING
    if other.state in (State.PENDING, State.CLOSED):
        if other.peer != here:
            if not (later and answers):
                return Step(custody)
            # A third had the person since, and has made the other an offer.
            return Step(
                Custody(State.FENCED, other.epoch, other.peer, custody.transfer_id),
                Event.FENCED,
                dropped=custody.transfer_id if offered else None,
                cancels=offered,
            )
        known = (custody.transfer_id, custody.epoch) == (other.transfer_id, other.epoch)
        waits = other.state is State.PENDING and not known
        calls_off = other.transfer_id if waits else None
        # Whoever is called off closes at the epoch after.
        below = other.epoch >= custody.epoch if waits else later
        if not (below and answers):
            return Step(custody, calls_off=calls_off)
        return Step(
            replace(custody, state=State.OWNED, epoch=other.epoch + 1),
            Event.RAISED,
            dropped=custody.transfer_id if offered else None,
            cancels=offered,
            calls_off=calls_off,
        )
    doubled = answers and other.state.answers and other.epoch >= custody.epoch
    passed = later and (other.state is State.HANDED or other.state.answers)
    if not (doubled or passed):
        return Step(custody)
    return Step(
        Custody(State.FENCED, other.epoch, there, custody.transfer_id),
        Event.FENCED,
        dropped=custody.transfer_id if offered or pending else None,
        cancels=offered,
        resend=other.transfer_id if other.state is State.HANDED and other.peer == here else None,
    )
