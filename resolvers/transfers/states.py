"""What a store says of its custody of a person, and what becomes of it: the words of the protocol
of handoffs (`protocol`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["NOWHERE", "Custody", "Event", "State", "Step", "Told", "Word"]


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
    `tells`: the highest epoch that others may have seen of this store, which the custodian (the
    peer) must be above.
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
    tells: int | None = None
