"""One event of a signal, decided and written in the transaction of the store that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from regions.alerts import signal_events, signals
from regions.alerts_forms import investigation_forms, signal_cards
from regions.ids import hold_ids, region_of, take_ids
from resolvers.alerts.clocks import SignalLimits, Span, meet, open_clock
from resolvers.alerts.states import Clock, Event, Facts, Guard, Party, State
from resolvers.alerts.table import step, way

__all__ = ["Who", "advance", "apply", "hold", "walk"]

_CARD = "ABNORMAL_CARD"
_ANSWERS = (Event.EXCLUDE, Event.SUSPECT)
_WRITE = frozenset({*_ANSWERS, Event.INVESTIGATE, Event.END, Event.CONCLUDE, Event.ATTACH})
"""What officers write: whoever writes after another must have seen it, a further version of a form
most of all, which changes nothing else of the signal.
"""


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something, and when. Account and unit are None for the gateway itself."""

    account: str | None
    unit_id: str | None
    at: str
    party: Party

    @classmethod
    def system(cls, at: str) -> Who:
        """The gateway itself."""
        return cls(None, None, at, Party.SYSTEM)


def hold(connection: Connection, signal_id: int) -> dict[str, Any] | None:
    """The row of a signal, locked for this transaction; None where there is none.

    The ids of its trail are held first, as the night does that raises and absorbs signals.
    """
    hold_ids(connection, region_of(signal_id))
    asked = select(signals).where(signals.c.id == signal_id).with_for_update()
    found = connection.execute(asked).first()
    return None if found is None else dict(found._mapping)


def apply(
    connection: Connection,
    region: str,
    signal_id: int,
    event: Event,
    who: Who,
    *,
    detail: Mapping[str, Any] | None = None,
    limits: SignalLimits | None = None,
) -> None:
    """An event of the gateway's own on a signal that is there. Raises StateRefused."""
    row = hold(connection, signal_id)
    assert row is not None
    advance(connection, region, row, event, who, detail=detail, limits=limits or SignalLimits())


def walk(
    connection: Connection,
    region: str,
    row: dict[str, Any],
    event: Event,
    who: Who,
    *,
    failing: Iterable[Guard] = (),
    detail: Mapping[str, Any] | None = None,
    limits: SignalLimits,
) -> None:
    """An event with those it takes as said (`resolvers.alerts.table.way`). Raises StateRefused."""
    for one in way(State[row["state"]], event):
        own = detail if one is event else None
        advance(connection, region, row, one, who, failing=failing, detail=own, limits=limits)


def advance(
    connection: Connection,
    region: str,
    row: dict[str, Any],
    event: Event,
    who: Who,
    *,
    failing: Iterable[Guard] = (),
    detail: Mapping[str, Any] | None = None,
    limits: SignalLimits,
) -> None:
    """One event of a signal whose row is held: the row changes, the trail has the event, and the
    clock of its card is opened or met; forms that were filed get the instant of sending. Raises
    StateRefused.
    """
    before = State[row["state"]]
    found = step(before, event, Facts(who.party, frozenset({*failing, *_standing(row)})))
    changed = _changed(row, event, found.next, who.at)
    if changed or event in _WRITE:
        changed |= {"version": row["version"] + 1, "updated_at": who.at}
        connection.execute(update(signals).where(signals.c.id == row["id"]).values(changed))
        row |= changed
    told = None
    if detail:
        told = orjson.dumps(dict(detail), option=orjson.OPT_SORT_KEYS).decode()
    connection.execute(
        insert(signal_events).values(
            id=take_ids(connection, region, 1),
            signal_id=row["id"],
            at=who.at,
            actor=who.account,
            unit_id=who.unit_id,
            event=event.name,
            from_state=before.name,
            to_state=found.next.name,
            detail=told,
        )
    )
    if found.clock is Clock.ANSWER and row["kind"] == "SINGLE_CASE":
        open_clock(connection, region, Span(row["id"], row["code"]), _CARD, who.at, limits)
    if event in _ANSWERS:
        meet(connection, _CARD, who.at, signal_id=row["id"])
    if event is Event.SEND:
        _fill_in(connection, row)


def _fill_in(connection: Connection, row: Mapping[str, Any]) -> None:
    """Says when a signal was sent on what was filed before that: annex 1 and annex 2 have the
    instant from the system, and nobody files them again for it.
    """
    of = [(signal_cards, signal_cards.c.signal_id == row["id"])]
    if row["event_id"] is not None:  # the first of its signals that is sent
        forms = investigation_forms
        of.append((forms, forms.c.investigation_id == row["event_id"]))
    for table, mine in of:
        lacks = table.c.sent_at.is_(None)
        connection.execute(update(table).where(mine, lacks).values(sent_at=row["sent_at"]))


def _standing(row: Mapping[str, Any]) -> set[Guard]:
    """The guards that fail by what the row says itself."""
    failing = set()
    if row["absorbed_into"] is not None:
        failing.add(Guard.ON_ITS_OWN)
    if row["sent_at"] is not None:
        failing.add(Guard.UNSENT)
    return failing


def _changed(row: Mapping[str, Any], event: Event, after: State, at: str) -> dict[str, Any]:
    """The columns an event changes."""
    changed: dict[str, Any] = {}
    if after.name != row["state"]:
        changed["state"] = after.name
    instants = {
        "sent_at": event is Event.SEND,
        "viewed_at": event is Event.VIEW,
        "answered_at": event in _ANSWERS,
    }
    changed |= {name: at for name, due in instants.items() if due and row[name] is None}
    return changed
