"""Changing the key of the blind indexes of a store, batch by batch (`regions.index_keys`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from regions.blind_index import BlindIndexer
from regions.index_keys import IndexState, Phase, keep_state, read_state
from regions.people import INDEX_SETS, people
from regions.person_keys import MISSING, salts_of
from regions.sealing import Sealer

__all__ = ["BATCH", "begin", "begin_clearing", "clear_batch", "fill_batch"]

BATCH = 500
"""People of one transaction."""


def begin(connection: Connection, key: int) -> IndexState:
    """Has writers fill both sets from now on; nothing where that is done already."""
    state = read_state(connection, change=True)
    if state.phase is Phase.SINGLE and state.key != key:
        state = state.begin(key)
        keep_state(connection, state)
    return state


def fill_batch(
    connection: Connection, sealer: Sealer, indexer: BlindIndexer, *, most: int = BATCH
) -> int:
    """Fills the new set of the next people; how many. With the last the store is FILLED.

    Raises EnvelopeError where somebody's envelope does not open: that person would be lost.
    """
    state = read_state(connection, change=True)
    if state.phase is not Phase.BOTH or state.next_key is None:
        return 0
    rows = connection.execute(
        select(people.c.id, people.c.sealed)
        .where(people.c.id > state.done_to)
        .order_by(people.c.id)
        .limit(most)
        .with_for_update()
    ).all()
    if not rows:
        keep_state(connection, state.filled())
        return 0
    ids, envelopes = [row.id for row in rows], [bytes(row.sealed) for row in rows]
    salts = salts_of(connection, ids)
    opened = sealer.open_named("people", ids, envelopes, [salts.get(one, MISSING) for one in ids])
    new, names = indexer.under(state.next_key), INDEX_SETS[1 - state.used]
    changed: list[dict[str, Any]] = []
    for one, items in zip(ids, opened, strict=True):
        indexes = zip((f"new_{name}" for name in names), new.person(items), strict=True)
        changed.append({"of": one} | dict(indexes))
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    statement = update(people).where(people.c.id == bindparam("of")).values(values)
    connection.execute(statement, changed)
    keep_state(connection, state.went_on(ids[-1]))
    return len(rows)


def begin_clearing(connection: Connection) -> IndexState:
    """Has writers fill the new set alone from now on; nothing where that is done already."""
    state = read_state(connection, change=True)
    if state.phase is Phase.FILLED:
        state = state.clear()
        keep_state(connection, state)
    return state


def clear_batch(connection: Connection, *, most: int = BATCH) -> int:
    """Empties the old set of the next people; how many. With the last the store is SINGLE."""
    state = read_state(connection, change=True)
    if state.phase is not Phase.CLEARING:
        return 0
    ids = list(
        connection.execute(
            select(people.c.id)
            .where(people.c.id > state.done_to)
            .order_by(people.c.id)
            .limit(most)
            .with_for_update()
        ).scalars()
    )
    if not ids:
        keep_state(connection, state.finish())
        return 0
    within = people.c.id.between(ids[0], ids[-1])
    connection.execute(update(people).where(within).values(dict.fromkeys(INDEX_SETS[state.used])))
    keep_state(connection, state.went_on(ids[-1]))
    return len(ids)
