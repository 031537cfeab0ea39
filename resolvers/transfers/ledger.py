"""The ledger of custody in one store: what it says of people, and what a step writes.

Every function works within the caller's transaction. People are locked, in the order of their ids,
before their custody is read, so that whoever guards a write and whoever hands over see each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)

from regions.bulk import put_rows
from regions.people import people
from regions.statements import Prepared, text_value
from regions.text import among, among_texts
from regions.transfers import custody, transfer_people, transfers
from regions.writes import Writer
from resolvers.transfers.states import NOWHERE, Custody, State
from resolvers.transfers.terms import PersonOutcome

__all__ = [
    "Part",
    "array",
    "both_sides",
    "both_sides_of_all",
    "custodies",
    "ids_array",
    "keep_all_outcomes",
    "keep_custodies",
    "keep_outcomes",
    "keep_states",
    "offered_at",
    "parts_of",
    "parts_of_all",
    "people_of",
    "state_of",
    "state_with",
    "texts_array",
    "transfer_row",
    "transfer_rows",
    "write_state",
    "write_states",
]

_LOCKS = Prepared(
    text(
        "SELECT pg_advisory_xact_lock(one) FROM (SELECT CAST(value AS bigint) AS one "
        "FROM json_array_elements_text(CAST(:ids AS json)) ORDER BY 1) AS wanted"
    )
)
_CUSTODY = ("person_id", "state", "epoch", "peer", "transfer_id", "unit_id", "since")


def ids_array(numbers: Iterable[int]) -> BindParameter[str]:
    """Numbers as the JSON array that `among` takes."""
    return literal(array(numbers))


def array(numbers: Iterable[int]) -> str:
    """The same, for the parameter of a statement that was made before."""
    return orjson.dumps(sorted(set(numbers))).decode()


def texts_array(texts: Iterable[str]) -> str:
    """Texts as the JSON array that `among_texts` takes."""
    return orjson.dumps(sorted(set(texts))).decode()


def offered_at(connection: Connection, persons: Collection[int]) -> dict[int, int]:
    """The highest epochs at which this store is known to have offered people, of those it has."""
    return {row[0]: row[1] for row in _OFFERED.run(connection, ids=array(persons)).all()}


def custodies(connection: Connection, persons: Collection[int]) -> dict[int, Custody]:
    """What this store says of the custody of people, who are locked until the transaction ends.

    Without a row of custody it owns those whose living record it has, at epoch 0; of others it has
    nothing (`NOWHERE`).
    """
    if not persons:
        return {}
    ids = array(persons)
    if connection.dialect.name != "sqlite":
        # Those of whom nothing is here yet have no row that could be locked.
        _LOCKS.run(connection, ids=ids)
    rows = _ROWS.run(connection, ids=ids).all()
    found = dict.fromkeys(persons, NOWHERE)
    # A statement of its own: it must see what was committed while the rows were waited for.
    for person, state, *row in _OF_CUSTODY.run(connection, ids=ids).all():
        found[person] = Custody(State[state], *row)
    for person, unit, since, kept_in in rows:
        if found[person] is NOWHERE and kept_in is None:
            found[person] = Custody(State.OWNED, 0, unit_id=unit, since=since)
    return found


_OFFERED = Prepared(
    select(transfer_people.c.person_id, func.max(transfer_people.c.epoch))
    .where(among(transfer_people.c.person_id, bindparam("ids")), transfer_people.c.side == "SENT")
    .group_by(transfer_people.c.person_id)
)
# Those left behind as well: a step may bring them back to life, or say where they are now.
_ROWS = Prepared(
    select(people.c.id, people.c.reporter_unit, people.c.created_at, people.c.kept_in)
    .where(among(people.c.id, bindparam("ids")))
    .order_by(people.c.id)
    .with_for_update()
)
_OF_CUSTODY = Prepared(
    select(*(custody.c[name] for name in _CUSTODY)).where(
        among(custody.c.person_id, bindparam("ids"))
    )
)


def keep_custodies(connection: Writer, kept: Mapping[int, Custody], at: str) -> None:
    """Writes what has become of people's custody; `at` is since when."""
    if kept:
        rows = [
            (person, one.state.name, one.epoch, one.peer, one.transfer_id, one.unit_id, at)
            for person, one in sorted(kept.items())
        ]
        put_rows(connection, custody, _CUSTODY, rows)


@dataclass(frozen=True, slots=True)
class Part:
    """A person's part of a transfer, at one side."""

    person: int
    epoch: int
    outcome: str
    reason_code: str | None
    dossier_hash: str | None


def transfer_row(connection: Connection, transfer: str, side: str) -> dict[str, Any] | None:
    """A side's record of a transfer, locked until the transaction ends; None: it has none."""
    return transfer_rows(connection, [transfer], side).get(transfer)


def transfer_rows(
    connection: Connection, wanted: Collection[str], side: str
) -> dict[str, dict[str, Any]]:
    """A side's records of transfers by id, locked until the transaction ends."""
    rows = _TRANSFERS.run(connection, ids=texts_array(wanted), at_side=side)
    return {row.id: row._asdict() for row in rows.all()}


def both_sides(connection: Connection, transfer: str) -> dict[str, dict[str, Any]]:
    """This store's records of a transfer by side, locked until the transaction ends."""
    return both_sides_of_all(connection, [transfer]).get(transfer, {})


def both_sides_of_all(
    connection: Connection, wanted: Collection[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The same of transfers, by their ids; of those unknown here there is nothing."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in _BOTH.run(connection, ids=texts_array(wanted)).all():
        found.setdefault(row.id, {})[row.side] = row._asdict()
    return found


_TRANSFERS = Prepared(
    select(transfers)
    .where(among_texts(transfers.c.id, bindparam("ids")), transfers.c.side == bindparam("at_side"))
    .order_by(transfers.c.id)
    .with_for_update()
)
_BOTH = Prepared(
    select(transfers)
    .where(among_texts(transfers.c.id, bindparam("ids")))
    .order_by(transfers.c.id, transfers.c.side)
    .with_for_update()
)


def parts_of(
    connection: Connection, transfer: str, side: str, persons: Collection[int] | None = None
) -> dict[int, Part]:
    """The people of a transfer at one side, all or some, by id."""
    if persons is None:
        rows = _PARTS.run(connection, of=transfer, at_side=side)
    else:
        rows = _SOME_PARTS.run(connection, of=transfer, at_side=side, ids=array(persons))
    return {row[0]: Part(*row) for row in rows.all()}


def parts_of_all(
    connection: Connection, wanted: Collection[str], side: str
) -> dict[str, dict[int, Part]]:
    """The people of transfers at one side, by the transfer and their id."""
    found: dict[str, dict[int, Part]] = {one: {} for one in wanted}
    for transfer, *row in _ALL_PARTS.run(connection, ids=texts_array(wanted), at_side=side).all():
        found[transfer][row[0]] = Part(*row)
    return found


def people_of(parts: Mapping[int, Part]) -> dict[int, PersonOutcome]:
    """What became of the people of a transfer, by their parts of it."""
    return {person: PersonOutcome(part.outcome, part.reason_code) for person, part in parts.items()}


_c = transfer_people.c
_OF_PARTS = (
    select(_c.person_id, _c.epoch, _c.outcome, _c.reason_code, _c.dossier_hash)
    .where(_c.transfer_id == bindparam("of"), _c.side == bindparam("at_side"))
    .order_by(_c.person_id)
)
_PARTS = Prepared(_OF_PARTS)
_ALL_PARTS = Prepared(
    select(_c.transfer_id, _c.person_id, _c.epoch, _c.outcome, _c.reason_code, _c.dossier_hash)
    .where(among_texts(_c.transfer_id, bindparam("ids")), _c.side == bindparam("at_side"))
    .order_by(_c.person_id)
)
_SOME_PARTS = Prepared(_OF_PARTS.where(among(_c.person_id, bindparam("ids"))))


def keep_outcomes(
    connection: Connection,
    transfer: str,
    side: str,
    outcomes: Mapping[int, tuple[str, str | None]],
    at: str,
) -> None:
    """Writes what became of people of a transfer: the outcome and the code given for it."""
    keep_all_outcomes(connection, [(transfer, outcomes)], side, at)


def keep_all_outcomes(
    connection: Writer,
    given: Iterable[tuple[str, Mapping[int, tuple[str, str | None]]]],
    side: str,
    at: str,
) -> None:
    """As `keep_outcomes`, of several transfers."""
    _OUTCOME.run_all(
        connection,
        [
            {"of": transfer, "at_side": side, "who": person, "to": to, "why": why, "when": at}
            for transfer, outcomes in given
            for person, (to, why) in sorted(outcomes.items())
        ],
    )


_OUTCOME = Prepared(
    update(transfer_people)
    .where(
        transfer_people.c.transfer_id == bindparam("of"),
        transfer_people.c.side == bindparam("at_side"),
        transfer_people.c.person_id == bindparam("who"),
    )
    .values(
        outcome=bindparam("to"),
        reason_code=bindparam("why"),
        decided_at=func.coalesce(transfer_people.c.decided_at, text_value("when")),
    )
)


def state_of(outcomes: Iterable[str], *, arrived: bool) -> str:
    """The state of a transfer, a name of TransferState, by the outcomes of its people."""
    count = Counter(outcomes)
    if not count["OFFERED"] and not count["ACCEPTED"]:
        if count["HANDED"]:
            return "ARRIVED" if arrived else "COMMITTED"
        return "REFUSED" if count["REFUSED"] else "CANCELLED"
    if count["ACCEPTED"] or count["HANDED"]:
        others = count["OFFERED"] or count["REFUSED"] or count["CANCELLED"]
        return "PARTLY_ACCEPTED" if others else "ACCEPTED"
    return "OFFERED"


def state_with(
    row: Mapping[str, Any], parts: Mapping[int, Part], persons: Collection[int], outcome: str
) -> str:
    """The state of a transfer, by its locked record and all its people's parts, where some of them
    come to another outcome.
    """
    outcomes = [outcome if one in persons else part.outcome for one, part in parts.items()]
    return state_of(outcomes, arrived=row["arrived_at"] is not None)


def write_state(connection: Connection, transfer: str, side: str, at: str) -> str | None:
    """Writes the state of a transfer anew, by its people; returns it, None: no such transfer."""
    return write_states(connection, [transfer], side, at).get(transfer)


def write_states(
    connection: Connection, wanted: Collection[str], side: str, at: str
) -> dict[str, str]:
    """Writes the states of transfers anew, by their people; returns them by id."""
    ids = texts_array(wanted)
    arrived = {row[0]: row[1] for row in _ARRIVED.run(connection, ids=ids, at_side=side).all()}
    if not arrived:
        return {}
    outcomes: dict[str, list[str]] = {one: [] for one in arrived}
    for transfer, outcome in _OUTCOMES.run(connection, ids=ids, at_side=side).all():
        if transfer in outcomes:
            outcomes[transfer].append(outcome)
    states = {
        one: state_of(found, arrived=arrived[one] is not None) for one, found in outcomes.items()
    }
    keep_states(connection, states, side, at)
    return states


def keep_states(connection: Writer, states: Mapping[str, str], side: str, at: str) -> None:
    """Writes states that are known: of records locked before their people were read."""
    _STATE.run_all(
        connection,
        [
            {"of": one, "at_side": side, "to": state, "when": at}
            for one, state in sorted(states.items())
        ],
    )


# The transfers are locked before their people are read: a state is by all of them.
_ARRIVED = Prepared(
    select(transfers.c.id, transfers.c.arrived_at)
    .where(among_texts(transfers.c.id, bindparam("ids")), transfers.c.side == bindparam("at_side"))
    .order_by(transfers.c.id)
    .with_for_update()
)
_OUTCOMES = Prepared(
    select(_c.transfer_id, _c.outcome).where(
        among_texts(_c.transfer_id, bindparam("ids")), _c.side == bindparam("at_side")
    )
)
_STATE = Prepared(
    update(transfers)
    .where(transfers.c.id == bindparam("of"), transfers.c.side == bindparam("at_side"))
    .values(state=bindparam("to"), updated_at=bindparam("when"))
)
