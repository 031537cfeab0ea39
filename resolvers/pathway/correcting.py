"""What a correction means for a pathway, in the transaction that makes it (B14, D).

A card corrected to confirmed or excluded is an event of today. A corrected date, result, level or
rule pack is followed anew from the start: days and clocks come to stand where they belong. Lapses
that were recorded stay recorded, since lapses lead to accountability (N113).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from regions.instants import instant, seconds_of
from regions.pathways import pathway_clocks, pathway_events, pathways
from resolvers.pathway.beginning import begin_contacts, is_for, is_isolated
from resolvers.pathway.engine import advance, expired, started
from resolvers.pathway.following import follow_sample
from resolvers.pathway.packs import packs
from resolvers.pathway.states import (
    AFTER_RELEASE,
    Clock,
    Event,
    PathwayEvent,
    PathwayState,
    Refused,
    Standing,
    local_day,
)
from resolvers.pathway.storing import Known, Who, load, pathway_columns, responsible, step

__all__ = ["follow_correction"]

S, E = PathwayState, PathwayEvent
Row = Mapping[str, Any]

_INSTANTS = {  # column of a record → the events whose instant it is
    "reported_at": (E.REPORT_FILED,),
    "diagnosed_at": (E.ASYMPTOMATIC_CONFIRMED, E.DISEASE_CONFIRMED),
    "taken_at": (E.SAMPLE_POSITIVE, E.SAMPLE_NEGATIVE, E.DUAL_SITE_NEGATIVE, E.ANTIBODY_TESTED),
    "visited_at": (E.TEMPERATURE_TAKEN, E.VISITED, E.REVISITED, E.SYMPTOM_APPEARED),
}
_RESULTS = {"POSITIVE": E.SAMPLE_POSITIVE, "NEGATIVE": E.SAMPLE_NEGATIVE}


def follow_correction(connection: Connection, table: str, old: Row, new: Row, who: Who) -> None:
    """Lets the correction of a row move the pathway that the row is of, if there is one."""
    if table == "people":
        return
    own = table in ("cases", "contacts")
    number = old["id"] if own else old["case_id"] or old["contact_id"]
    known = load(connection, number) if number is not None else None
    if known is None:
        if table == "contacts" and not _begins(old) and _begins(new):
            begin_contacts(connection, [new], who)
        return
    if table == "samples":
        _sampled(connection, known, old, new, who)
    elif table == "contacts":
        _contact(connection, known, old, new, who)
    else:
        lines = _history(connection, known)
        if _moved(lines, old, new):
            known = _again(connection, known, lines, who)
        if table == "cases":
            _card(connection, known, old, new, who)


def _begins(row: Row) -> bool:
    """Whether a contact is isolated by the rules of the own disease: found by now, or known to be
    observed for it.
    """
    return is_isolated(row) and is_for(row)


def _card(connection: Connection, known: Known, old: Row, new: Row, who: Who) -> None:
    kinds: list[PathwayEvent] = []
    standing = known.standing
    if old["classification"] != new["classification"]:
        if new["classification"] == "CONFIRMED":
            if standing.state is S.EXPERT_REVIEW:
                kinds.append(E.DISEASE_CONFIRMED)
            if standing.state in (S.EXPERT_REVIEW, S.CONFIRMED_CASE):
                kinds.append(E.FIRST_REPORTER_TOLD)  # who corrects the card has been told
            kinds.append(E.CARD_CORRECTED)
        elif new["classification"] == "EXCLUDED":
            kinds.append(E.CARD_WITHDRAWN)
        elif new["classification"] == "ASYMPTOMATIC" and standing.state is S.EXPERT_REVIEW:
            kinds.append(E.ASYMPTOMATIC_CONFIRMED)
    if new["outcome_on"] and not old["outcome_on"] and standing.state in AFTER_RELEASE:
        kinds.append(E.DISCHARGE_DATE_FILED)
    for kind in kinds:
        following = step(connection, known, Event(kind, who.now), who)
        if not isinstance(following, Refused):
            known = following


def _contact(connection: Connection, known: Known, old: Row, new: Row, who: Who) -> None:
    if new["exclusion_reason"] and not old["exclusion_reason"]:
        step(connection, known, Event(E.CARD_WITHDRAWN, who.now), who)
        return
    row = dict(known.row)
    if old["level"] != new["level"] and row["started_as"] == old["level"]:
        row["started_as"] = new["level"]
    if old["rule_pack"] != new["rule_pack"] and row["pack"] == old["rule_pack"]:
        row["pack"] = new["rule_pack"]
    began = local_day(row["started_at"]).isoformat()
    before, after = old["observation_started_on"] or began, new["observation_started_on"]
    if after and before != after and began == before:
        days = seconds_of(after) - seconds_of(before)
        row["started_at"] = instant(seconds_of(row["started_at"]) + days)
    if row != known.row:
        pack = packs().get(row["pack"], known.pack)
        moved = Known(row, known.standing, pack)
        _again(connection, moved, _history(connection, known), who)


def _sampled(connection: Connection, known: Known, old: Row, new: Row, who: Who) -> None:
    lines = _history(connection, known)
    kinds = [kind.name for kind in _INSTANTS["taken_at"]]
    ours = [one for one in lines if one["kind"] in kinds and one["at"] == old["taken_at"]]
    if not ours:  # it meant nothing as it was: a result that has come now, or an early sample
        follow_sample(connection, known.row["id"], new, who)
        return
    result = _RESULTS.get(new["result"])
    for one in ours:
        one["at"] = new["taken_at"]
        if old["result"] != new["result"] and one["kind"] != E.ANTIBODY_TESTED.name:
            one["kind"] = result.name if result is not None else None
    gone = [one for one in lines if one["kind"] is None]
    _again(connection, known, [one for one in lines if one["kind"] is not None], who, gone)


def _moved(lines: list[dict[str, Any]], old: Row, new: Row) -> bool:
    """Moves events whose instant was corrected; returns whether there were any."""
    changed = False
    for column, kinds in _INSTANTS.items():
        if column not in old or old[column] == new[column] or not new[column]:
            continue
        for one in lines:
            if one["at"] == old[column] and one["kind"] in [kind.name for kind in kinds]:
                one["at"], changed = new[column], True
    return changed


def _history(connection: Connection, known: Known) -> list[dict[str, Any]]:
    asked = select(pathway_events).where(pathway_events.c.pathway_id == known.row["id"])
    return [dict(row) for row in connection.execute(asked).mappings()]


def _again(
    connection: Connection,
    known: Known,
    lines: list[dict[str, Any]],
    who: Who,
    gone: Iterable[dict[str, Any]] = (),
) -> Known:
    """Follows the events anew by the row's start and pack, in the order in which they happened.

    What leads nowhere then stays in the history and changes nothing.
    """
    row = known.row
    standing = started(row["started_as"], row["started_at"], known.pack)
    if isinstance(standing, Refused):  # the corrected level is not isolated at all
        cleared = known.standing.cleared(who.now)
        standing, lines = replace(cleared, state=S.CLOSED, entered_at=who.now), []
    for line in sorted(lines, key=lambda one: (one["at"], one["number"])):
        event = Event(E[line["kind"]], line["at"])
        following = advance(expired(standing, event.at), event, known.pack)
        standing = standing if isinstance(following, Refused) else following
        line["state"] = standing.state.name
        _line(connection, line)
    for line in gone:
        connection.execute(delete(pathway_events).where(*_key(line)))
    changed = {key: row[key] for key in ("started_as", "started_at", "pack")}
    changed |= pathway_columns(standing) | {"updated_at": who.now}
    connection.execute(update(pathways).where(pathways.c.id == row["id"]).values(changed))
    _clocks(connection, known, standing, who)
    return Known(dict(row) | changed, standing, known.pack)


def _key(line: Row) -> list[Any]:
    return [
        pathway_events.c.pathway_id == line["pathway_id"],
        pathway_events.c.number == line["number"],
    ]


def _line(connection: Connection, line: Row) -> None:
    values = {key: line[key] for key in ("kind", "at", "state")}
    connection.execute(update(pathway_events).where(*_key(line)).values(values))


def _clocks(connection: Connection, known: Known, standing: Standing, who: Who) -> None:
    """Writes the clocks anew. Each stays whose it was; each lapse stays, be its clock gone."""
    number = known.row["id"]
    of_pathway = pathway_clocks.c.pathway_id == number
    asked = select(pathway_clocks).where(of_pathway).order_by(pathway_clocks.c.place)
    before = [dict(row) for row in connection.execute(asked).mappings()]
    by_due = {(one["kind"], one["due_at"]): one for one in before}
    connection.execute(delete(pathway_clocks).where(of_pathway))
    rows = []
    for clock in standing.clocks:
        old = by_due.pop((clock.kind.name, clock.due_at), None)
        rows.append(_row(connection, known, clock, old, who))
    for old in by_due.values():
        if old["missed_at"]:
            ended = old["met_at"] or old["dropped_at"]
            rows += [old if ended else old | {"dropped_at": who.now}]
    counted: dict[str, int] = {}
    for place, row in enumerate(rows):
        counted[row["kind"]] = counted.get(row["kind"], 0) + 1
        row |= {"place": place, "number": counted[row["kind"]]}
    if rows:
        connection.execute(insert(pathway_clocks), rows)


def _row(
    connection: Connection, known: Known, clock: Clock, old: Row | None, who: Who
) -> dict[str, Any]:
    missed = (old["missed_at"] if old is not None else None) or clock.missed_at
    noted = old["noted_at"] if old is not None else None
    return {
        "pathway_id": known.row["id"],
        "kind": clock.kind.name,
        "code": known.row["code"],
        "unit_id": old["unit_id"] if old else responsible(connection, known.row, clock.kind),
        "reporter_unit": known.row["reporter_unit"],
        "opened_at": clock.opened_at,
        "due_at": clock.due_at,
        "met_at": clock.met_at,
        "missed_at": missed,
        "dropped_at": clock.dropped_at,
        "noted_at": noted or (who.now if missed else None),
    }
