"""Which keys the blind indexes of a store are made with, and how far a change of keys has come.

A store has two sets of blind indexes (`regions.people.INDEX_SETS`). While keys change, both are
filled, so that at no moment anybody on record is not found:

    SINGLE    one set, under one key
    BOTH      writers fill both sets; those written before get the second set, in batches
    FILLED    both sets are complete; nothing happens until every region has come so far
    CLEARING  writers fill the new set alone; the old one is emptied, in batches
    SINGLE    the new set, under the new key

Whoever looks for people looks in both sets under every key there is, whatever the phase: so readers
need not know it. Writers read it in their own transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sqlalchemy import Connection, Integer, Table, insert, select, update

from regions.metadata import ID, internal, regional

__all__ = ["IndexState", "Phase", "index_keys", "keep_state", "read_state"]

index_keys = Table(
    "index_keys",
    regional,
    internal("item", primary_key=True),
    internal("phase"),
    internal("used_set", Integer()),
    internal("key", Integer()),
    internal("next_key", Integer(), nullable=True),
    internal("done_to", ID),  # id of the last person of the batches done in this phase
)

_PEOPLE = "people"


class Phase(Enum):
    """How far a change of keys has come."""

    SINGLE = "SINGLE"
    BOTH = "BOTH"
    FILLED = "FILLED"
    CLEARING = "CLEARING"


class WrongPhase(ValueError):
    """A step that does not follow from the phase."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """The phase of a store, the set in use (0 or 1) and its key, the next key while keys change."""

    phase: Phase = Phase.SINGLE
    used: int = 0
    key: int = 0
    next_key: int | None = None
    done_to: int = 0

    @property
    def written(self) -> dict[int, int]:
        """The sets that a writer fills, and the number of the key of each; the other is empty."""
        if self.next_key is None:
            return {self.used: self.key}
        new = {1 - self.used: self.next_key}
        return new if self.phase is Phase.CLEARING else {self.used: self.key} | new

    @property
    def complete(self) -> int:
        """A set in which everybody on record is."""
        return 1 - self.used if self.phase is Phase.CLEARING else self.used

    @property
    def keys(self) -> frozenset[int]:
        """The keys the store still needs."""
        return frozenset({self.key} if self.next_key is None else {self.key, self.next_key})

    def begin(self, key: int) -> IndexState:
        """Begins to write both sets. Raises WrongPhase."""
        if self.phase is not Phase.SINGLE or key == self.key:
            raise WrongPhase(self.phase.name)
        return IndexState(Phase.BOTH, self.used, self.key, key)

    def went_on(self, to: int) -> IndexState:
        """A batch further. Raises WrongPhase."""
        if self.phase not in (Phase.BOTH, Phase.CLEARING) or to < self.done_to:
            raise WrongPhase(self.phase.name)
        return replace(self, done_to=to)

    def filled(self) -> IndexState:
        """Both sets are complete. Raises WrongPhase."""
        if self.phase is not Phase.BOTH:
            raise WrongPhase(self.phase.name)
        return replace(self, phase=Phase.FILLED, done_to=0)

    def clear(self) -> IndexState:
        """Begins to empty the old set. Raises WrongPhase."""
        if self.phase is not Phase.FILLED:
            raise WrongPhase(self.phase.name)
        return replace(self, phase=Phase.CLEARING)

    def finish(self) -> IndexState:
        """The new set alone is left. Raises WrongPhase."""
        if self.phase is not Phase.CLEARING or self.next_key is None:
            raise WrongPhase(self.phase.name)
        return IndexState(Phase.SINGLE, 1 - self.used, self.next_key)


def read_state(connection: Connection, *, change: bool = False) -> IndexState:
    """The state of a store; nobody changes it before the transaction ends.

    On SQLite every transaction of ours begins as a writer. On PostgreSQL writers share the row, and
    who will `change` it waits for them.
    """
    statement = select(index_keys).where(index_keys.c.item == _PEOPLE)
    row = connection.execute(statement.with_for_update(read=not change)).first()
    if row is None:
        return IndexState()
    return IndexState(Phase(row.phase), row.used_set, row.key, row.next_key, row.done_to)


def keep_state(connection: Connection, state: IndexState) -> None:
    """Keeps a state in the store."""
    values = {
        "phase": state.phase.value,
        "used_set": state.used,
        "key": state.key,
        "next_key": state.next_key,
        "done_to": state.done_to,
    }
    table = index_keys
    done = connection.execute(update(table).where(table.c.item == _PEOPLE).values(values))
    if not done.rowcount:
        connection.execute(insert(table).values(item=_PEOPLE, **values))
