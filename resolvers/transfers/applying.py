"""What a step of the protocol comes to in a store, for many people of one transfer at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select, update

from regions.ids import take_ids
from regions.post import EMPTIED, post_outbox
from regions.shares import end_shares
from regions.text import among
from regions.transfers import transfer_people, transfers
from resolvers.post.messages import put
from resolvers.transfers.ledger import (
    ids_array,
    keep_custodies,
    keep_outcomes,
    write_state,
)
from resolvers.transfers.left_behind import come_back, drop_preview, leave_behind
from resolvers.transfers.noting import Noted, note
from resolvers.transfers.pathways import close_pathways, gather_pathways
from resolvers.transfers.states import Custody, State, Step
from resolvers.transfers.terms import Refusal
from resolvers.writing.stores import Store

__all__ = [
    "ARRIVAL",
    "CANCEL",
    "COMMIT",
    "DECISION",
    "ELSEWHERE",
    "ERASED",
    "OFFER",
    "Work",
    "cancel_body",
    "ids_for",
    "reopen",
    "share_source",
    "step_of",
]

OFFER, DECISION, COMMIT = "transfer.offer", "transfer.decision", "transfer.commit"
CANCEL, ARRIVAL, ERASED = "transfer.cancel", "transfer.arrival", "transfer.erased"

_OPEN = ("OFFERED", "ACCEPTED")
ELSEWHERE = (State.FENCED, State.PENDING, State.CLOSED)
"""States of a person whom another region answers for, and shows it otherwise than by having the
person handed over."""


def ids_for(people: int) -> int:
    """Ids of records that any step on so many people may need: parts and events, on both sides."""
    return 4 * people + 8


def share_source(transfer: str) -> str:
    """The source of the shares that a transfer opens."""
    return f"transfer:{transfer}"


class Work:
    """One transaction's work on a transfer in one store.

    `first_id` is the first of `ids_for` ids; None takes them from the store in this transaction.
    """

    def __init__(
        self,
        connection: Connection,
        store: Store,
        transfer: str,
        *,
        trace: str,
        at: str,
        first_id: int | None = None,
        actor: str | None = None,
        unit_id: str | None = None,
    ) -> None:
        self.connection, self.store, self.transfer = connection, store, transfer
        self.region = store.settings.code
        self.trace, self.at = trace, at
        self.noted = Noted(self.region, at, actor, unit_id)
        self.messages: list[str] = []
        self._next = first_id

    def take(self, count: int) -> int:
        """The first of so many ids."""
        if self._next is None:
            return take_ids(self.connection, self.region, count)
        first, self._next = self._next, self._next + count
        return first

    def post(self, topic: str, to_region: str, body: Mapping[str, Any], step: str = "") -> None:
        """Posts a message about the transfer."""
        self.messages.append(
            put(
                self.connection,
                self.store,
                topic=topic,
                subject=str(body["transfer"]),
                to_region=to_region,
                body=body,
                trace=self.trace,
                at=self.at,
                step=step,
            )
        )

    def apply(
        self,
        side: str,
        before: Mapping[int, Custody],
        steps: Mapping[int, Step],
        reasons: Mapping[int, str | None] | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes what has become of people: custody, outcomes and events, offers that fell with it.

        `before` is their custody before it, `reasons` the codes given for outcomes.
        """
        why = reasons or {}
        kept = {
            person: step.custody for person, step in steps.items() if step.custody != before[person]
        }
        keep_custodies(self.connection, kept, self.at)
        outcomes = {
            person: (step.outcome, why.get(person))
            for person, step in steps.items()
            if step.outcome is not None
        }
        keep_outcomes(self.connection, self.transfer, side, outcomes, self.at)
        for person, step in steps.items():
            reason = why.get(person)
            more = dict(detail or {}) | ({"reasonCode": reason} if reason else {})
            self.noted.step(self.transfer, person, step, **more)
        self._leave(before, steps)
        self._drop(before, steps)
        for again in {step.resend for step in steps.values() if step.resend is not None}:
            reopen(self.connection, COMMIT, again)

    def _leave(self, before: Mapping[int, Custody], steps: Mapping[int, Step]) -> None:
        """Of people whom this store believed to answer for, wrongly: the living rows are elsewhere,
        and so are the pathways. (A handover waits for the receiver's word, see the handlers.)
        """
        gone: dict[str, list[int]] = {}
        for person, step in steps.items():
            state, peer = step.custody.state, step.custody.peer
            if before[person].state.answers and peer is not None and state in ELSEWHERE:
                gone.setdefault(peer, []).append(person)
        for peer, persons in gone.items():
            leave_behind(self.connection, persons, peer)
            paths = gather_pathways(self.connection, persons)
            close_pathways(self.connection, [one["id"] for one in paths["pathways"]])
        back = [
            person
            for person, step in steps.items()
            if step.custody.state.answers and not before[person].state.answers
        ]
        come_back(self.connection, back)

    def _drop(self, before: Mapping[int, Custody], steps: Mapping[int, Step]) -> None:
        """Ends other transfers' offers of people who are no longer theirs to offer or to take."""
        fallen: dict[str, list[int]] = {}
        for person, step in steps.items():
            if step.dropped is not None and step.dropped != self.transfer:
                fallen.setdefault(step.dropped, []).append(person)
        for transfer, persons in sorted(fallen.items()):
            c = transfer_people.c
            self.connection.execute(
                update(transfer_people)
                .where(
                    c.transfer_id == transfer,
                    c.outcome.in_(_OPEN),
                    among(c.person_id, ids_array(persons)),
                )
                .values(outcome="CANCELLED", reason_code=Refusal.EPOCH.name, decided_at=self.at)
            )
            for person in persons:
                self.noted.add(transfer, person, "CANCELLED", steps[person].custody.epoch)
            self.shares_end(persons, transfer)
            waited = [one for one in persons if before[one].state is State.PENDING]
            if waited:
                drop_preview(self.connection, self.region, waited)
            for side in ("SENT", "RECEIVED"):
                write_state(self.connection, transfer, side, self.at)
            epochs = {p: before[p].epoch for p in persons if steps[p].cancels}
            if epochs:
                self.call_off(transfer, epochs)

    def call_off(self, transfer: str, epochs: Mapping[int, int], to: str | None = None) -> None:
        """Tells the receiver of an offer of this store, made at these epochs, that it is over."""
        if to is None:
            to = self.connection.execute(
                select(transfers.c.to_region).where(
                    transfers.c.id == transfer, transfers.c.side == "SENT"
                )
            ).scalar_one_or_none()
        if to is not None and to != self.region:
            self.post(CANCEL, to, cancel_body(transfer, epochs, None), step_of(epochs))

    def shares_end(self, persons: Iterable[int], transfer: str | None = None) -> None:
        """Ends what the transfer opened of people to the receiving unit."""
        source = share_source(transfer or self.transfer)
        end_shares(self.connection, source, self.at, persons=persons)

    def finish(self, *sides: str) -> str | None:
        """Writes events and the state of the transfer at these sides; returns the last's state."""
        if self.noted.rows:
            note(self.connection, self.noted, self.take(len(self.noted.rows)))
        state = None
        for side in sides:
            state = write_state(self.connection, self.transfer, side, self.at)
        return state


def reopen(connection: Connection, topic: str, transfer: str) -> None:
    """Has a message delivered again that was answered already: its receiver has lost it. One that
    is empty by now cannot be.
    """
    connection.execute(
        update(post_outbox)
        .where(
            post_outbox.c.topic == topic,
            post_outbox.c.subject == transfer,
            post_outbox.c.body != EMPTIED,
        )
        .values(answered_at=None, reply=None)
    )


def cancel_body(transfer: str, epochs: Mapping[int, int], reason: str | None) -> dict[str, Any]:
    """The body of a cancellation: the people, and the epoch each was offered at."""
    people = {str(person): epoch for person, epoch in sorted(epochs.items())}
    return {"transfer": transfer, "people": people, "reasonCode": reason}


def step_of(epochs: Mapping[int, int]) -> str:
    """What tells messages of one topic about one transfer apart: whom, and at which epochs."""
    said = ",".join(f"{person}:{epoch}" for person, epoch in sorted(epochs.items()))
    return sha256(said.encode()).hexdigest()[:16]
