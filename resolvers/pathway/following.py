"""What samples and visits mean for a pathway, in the transaction that records them (D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from regions.contacts import samples
from regions.instants import seconds_of
from resolvers.pathway.states import Event, PathwayEvent, PathwayState, Refused
from resolvers.pathway.storing import Who, load, step

__all__ = ["follow_sample", "follow_visit"]

_TOGETHER = 15 * 60  # seconds between two swabs that were taken together
_SITES = {"THROAT_SWAB": "ANAL_SWAB", "ANAL_SWAB": "THROAT_SWAB"}


def follow_sample(connection: Connection, number: int, row: Mapping[str, Any], who: Who) -> None:
    """Lets a sample just written (`row`) advance the pathway of its case or contact, if there is
    one and the table says so. A sample that means nothing there is recorded all the same.
    """
    antibodies = row["test"] == "ANTIBODY"
    if not antibodies and (
        row["test"] != "NUCLEIC_ACID" or row["result"] not in ("POSITIVE", "NEGATIVE")
    ):
        return
    known = load(connection, number)
    if known is None:
        return
    at = row["taken_at"]
    if antibodies:
        step(connection, known, Event(PathwayEvent.ANTIBODY_TESTED, at), who)
        return
    if row["result"] == "POSITIVE":
        step(connection, known, Event(PathwayEvent.SAMPLE_POSITIVE, at), who)
        return
    kind = PathwayEvent.SAMPLE_NEGATIVE
    if known.standing.state is PathwayState.WAIT_DUAL_SITE:
        pair = _pair(connection, row)
        if pair is None:
            return
        kind, at = PathwayEvent.DUAL_SITE_NEGATIVE, min(at, pair)
    step(connection, known, Event(kind, at), who)


def _pair(connection: Connection, row: Mapping[str, Any]) -> str | None:
    """When the other of two swabs was taken, negative too and together with this one."""
    other = _SITES.get(row["specimen"])
    if other is None:
        return None
    taken = connection.execute(
        select(samples.c.taken_at)
        .where(
            samples.c.person_id == row["person_id"],
            samples.c.specimen == other,
            samples.c.test == "NUCLEIC_ACID",
            samples.c.result == "NEGATIVE",
        )
        .order_by(samples.c.taken_at.desc())
    ).scalars()
    moment = seconds_of(row["taken_at"])
    return next((at for at in taken if abs(seconds_of(at) - moment) <= _TOGETHER), None)


def follow_visit(connection: Connection, number: int, row: Mapping[str, Any], who: Who) -> None:
    """The same of a visit: temperature, visit, revisit, symptoms."""
    known = load(connection, number)
    if known is None:
        return
    events = []
    if row["temperature_tenths"] is not None:
        events.append(PathwayEvent.TEMPERATURE_TAKEN)
    if row["kind"] == "REVISIT":
        events.append(PathwayEvent.REVISITED)
    else:
        events.append(PathwayEvent.VISITED)
    if row["symptoms"] != "[]":
        events.append(PathwayEvent.SYMPTOM_APPEARED)
    for kind in events:
        following = step(connection, known, Event(kind, row["visited_at"]), who)
        if not isinstance(following, Refused):
            known = following
