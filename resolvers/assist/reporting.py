"""`reportAssistPerson`: what became of the people of a letter (C4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Table, select

from regions.assist import assist_people
from regions.cases import cases
from regions.contacts import contacts
from regions.ids import region_of
from regions.shares import open_shares
from resolvers.assist.acting import Acting, party_of, positions_of
from resolvers.assist.answers import reseal
from resolvers.assist.attachments import reseal_attachments
from resolvers.assist.drafting import whereabouts
from resolvers.assist.news import put_news
from resolvers.assist.onward import carry_on, held_by
from resolvers.assist.receiving import way_to
from resolvers.assist.routing import Route
from resolvers.assist.rows import Copy, Who
from resolvers.assist.states import Event, Facts, Guard, State, Subject
from resolvers.assist.steps import (
    close_shares,
    decide_person,
    effective,
    has_positive,
    settle_people,
    source,
)
from resolvers.assist.table import StateRefused, step
from resolvers.context import Context
from resolvers.questions.rows import scope_condition
from resolvers.writing.envelopes import opened
from resolvers.writing.linking import read_link
from resolvers.writing.refusing import Mistakes, not_found
from resolvers.writing.stores import Store
from resolvers.writing.values import item, word
from schema.writing.assist import AssistFinding, AssistRequestPayload, ReportAssistPersonInput

__all__ = ["report_assist_person"]

_EVENTS: Mapping[AssistFinding, Event] = {
    AssistFinding.CONTROLLED: Event.CONTROL,
    AssistFinding.LEFT: Event.LEAVE,
    AssistFinding.UNTRACED: Event.LOSE,
    AssistFinding.NOT_A_CONTACT: Event.EXCLUDE,
    AssistFinding.POSITIVE: Event.POSITIVE,
}
_REMARKS = 2000


async def report_assist_person(
    context: Context, given: ReportAssistPersonInput, path: str
) -> AssistRequestPayload:
    """Reports what became of people of a letter. Raises Refusal."""
    acting = Acting(context, "reportAssistPerson", given, path)
    mistakes, event = acting.mistakes, _EVENTS[given.finding]
    positions = positions_of(given.people, mistakes)
    reason = word(given.reason_code, mistakes, ["reasonCode"])
    contact = read_link(given.contact, "contact", mistakes, ["contact"])
    case = read_link(given.case, "case", mistakes, ["case"])
    if len(positions) != 1 and (contact is not None or case is not None):
        text, text_zh = "a record is of one person: give one position", "一条记录只对应一名人员"
        mistakes.add(["people"], text, text_zh)
    _check_instants(given, acting, mistakes)
    items = {
        "control_place": item(given.place, mistakes, ["place"], 500),
        "destination": item(given.destination, mistakes, ["destination"], 500),
        "answer": item(given.remarks, mistakes, ["remarks"], _REMARKS),
    }
    way = None
    if event is Event.LEAVE and given.destination_code is not None:
        code = acting.viewer.code
        way = way_to(context, given.destination_code, code, False, mistakes, ["destinationCode"])
    answers = {name: value for name, value in items.items() if value is not None}
    told = _columns(given, event)
    if given.destination_code is not None:
        told["destination_code"] = whereabouts(given.destination_code, acting.writing)

    def work(copy: Copy, who: Who) -> None:
        people = copy.load(positions)
        if len(people) < len(positions):
            raise StateRefused("NO_PERSON")
        linked = _linked(acting, copy, contact, case)
        failing = _failing(given, event, reason, answers, way, copy)
        if event is Event.POSITIVE and not all(
            has_positive(
                copy.connection,
                linked.get("contact_id", one["contact_id"]),
                linked.get("case_id", one["case_id"]),
            )
            for one in people
        ):
            failing.append(Guard.RESULT)
        clear = opened(copy.connection, copy.store, assist_people, people)  # as they were sealed
        detail: dict[str, Any] = {}
        if event is Event.LEAVE:
            detail = _carried(acting, copy, people, way, who, failing)
        with copy.noting(len(people)):
            for one in people:
                decide_person(
                    copy,
                    one,
                    event,
                    party_of(copy),
                    who,
                    failing=failing,
                    reason=reason,
                    detail=detail,
                    **told,
                    **linked,
                )
                if event is Event.EXCLUDE:
                    one["proposed"] = State.EXCLUDED.name
                if event is Event.LEAVE:
                    one["forwarded_to"] = detail["number"]
                    one["open"] = 0
        if answers or linked:
            reseal(copy, people, [dict(items) | answers for items in clear])
            reseal_attachments(copy, people)
        _share_back(copy, people, who)
        settle_people(copy, who, acting.limits)
        close_shares(copy, who.at)
        put_news(copy, who, copy.save(who.at))

    return await acting.do(work)


def _check_instants(given: ReportAssistPersonInput, acting: Acting, mistakes: Mistakes) -> None:
    for name, value in (("foundAt", given.found_at), ("controlledAt", given.controlled_at)):
        if value is not None and value > acting.writing.moment.latest:
            mistakes.add([name], "this lies in the future", "该时间在将来")


def _columns(given: ReportAssistPersonInput, event: Event) -> dict[str, Any]:
    """The columns that are told."""
    found: dict[str, Any] = {
        "found_at": given.found_at or given.controlled_at,
        "found_code": given.found_code,
    }
    if event is Event.CONTROL:
        found["controlled_at"] = given.controlled_at
        found["control_mode"] = given.mode.name if given.mode else None
        found["outcome"] = given.outcome.name if given.outcome else "CONTINUING"
    if event is Event.POSITIVE:
        found["outcome"] = given.outcome.name if given.outcome else "TURNED_POSITIVE"
    return {name: value for name, value in found.items() if value is not None}


def _failing(
    given: ReportAssistPersonInput,
    event: Event,
    reason: str | None,
    answers: Mapping[str, Any],
    way: Route | None,
    copy: Copy,
) -> list[Guard]:
    """The guards that fail by what was given."""
    failing = []
    if reason is None and event in (Event.LOSE, Event.EXCLUDE):
        failing.append(Guard.REASON)
    how = given.controlled_at and given.mode and answers.get("control_place")
    if event is Event.CONTROL and not how:
        failing.append(Guard.HOW)
    if event is Event.LEAVE:
        if way is None:
            failing.append(Guard.DESTINATION)
        elif way.unit in held_by(copy):
            failing.append(Guard.NEW_HOLDER)
    return failing


def _linked(acting: Acting, copy: Copy, contact: int | None, case: int | None) -> dict[str, int]:
    """The receiver's own records of the person, as columns. Raises Refusal where the viewer may not
    open one.
    """
    found = {}
    for name, column, table, number in (
        ("contact", "contact_id", contacts, contact),
        ("case", "case_id", cases, case),
    ):
        if number is None:
            continue
        person = _person_of(acting, copy.connection, copy.store, table, number)
        if person is None:
            raise not_found(name)
        found[column] = number
        found["person_id"] = person
    return found


def _person_of(
    acting: Acting, connection: Connection, store: Store, table: Table, number: int
) -> int | None:
    if region_of(number) not in {one.settings.code for one in acting.writing.stores.regions}:
        return None
    question, region = acting.writing.question, acting.writing.region(store)
    found: int | None = connection.scalar(
        select(table.c.person_id).where(
            table.c.id == number,
            table.c.kept_in.is_(None),
            *scope_condition(question, table, region),
        )
    )
    return found


def _carried(
    acting: Acting,
    copy: Copy,
    people: Sequence[Mapping[str, Any]],
    way: Route | None,
    who: Who,
    failing: Sequence[Guard],
) -> dict[str, Any]:
    """Sends the letter that carries people on, once it is certain that the table lets them go."""
    guards = set(failing)
    if copy.row["read_version"] < copy.row["version"]:
        guards.add(Guard.READ_NOW)
    for one in people:
        state = effective(copy.state, State[one["state"]])
        step(Subject.PERSON, state, Event.LEAVE, Facts(party_of(copy), frozenset(guards)))
    assert way is not None  # DESTINATION holds
    positions = [one["position"] for one in people]
    detail = carry_on(copy, way, acting.viewer.code, positions, who, acting.limits)
    copy.onward.append(detail["number"])
    return detail


def _share_back(copy: Copy, people: Sequence[Mapping[str, Any]], who: Who) -> None:
    """Opens the receiver's own records of people to the units that asked, while the letter is open:
    they see of them in clear what they let be seen themselves.
    """
    persons = [one["person_id"] for one in people if one["person_id"] is not None]
    items = orjson.loads(copy.row["shared_items"])
    for unit in dict.fromkeys([copy.row["from_unit"], *orjson.loads(copy.row["hops"])]):
        open_shares(copy.connection, persons, unit, source(copy.number), items, who.at)
