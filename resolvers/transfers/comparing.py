"""Two stores' words about one person side by side, and what becomes of one that has lost something:
pure, as all of the protocol (`protocol`).
"""

from __future__ import annotations

from dataclasses import replace

from resolvers.transfers.states import Custody, Event, State, Step

__all__ = ["compare"]


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
            replace(custody, state=State.OWNED, epoch=other.epoch + 1),
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
