"""`amendAssistRequest`: a new version of a letter, with what differs told by name (C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regions.assist import assist_people, assist_requests
from resolvers.assist.acting import MOST_PEOPLE, Acting, party_of
from resolvers.assist.answers import reseal
from resolvers.assist.attachments import put_attachments
from resolvers.assist.drafting import (
    Drafted,
    add_people,
    case_columns,
    case_items,
    changed_items,
    names_of,
    own_items,
    read_person,
    shared_names,
    take_case,
    take_contacts,
    whereabouts,
)
from resolvers.assist.news import put_letter
from resolvers.assist.receiving import way_to
from resolvers.assist.routing import Route
from resolvers.assist.rows import Copy, Who, sealed_letter, write_copies
from resolvers.assist.states import Event, Guard, State
from resolvers.assist.steps import decide_letter, share_at_issuer
from resolvers.assist.table import StateRefused
from resolvers.context import Context
from resolvers.writing.envelopes import opened
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import item
from schema.writing.assist import (
    AmendAssistRequestInput,
    AssistPersonChangeInput,
    AssistRequestPayload,
)

__all__ = ["amend_assist_request"]

_UNSENT = (State.DRAFT, State.REFUSED)


@dataclass(slots=True)
class _Change:
    """What changes of a person: columns and sealed items."""

    columns: dict[str, Any] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Changes:
    """What an amendment gives."""

    columns: dict[str, Any]
    items: dict[str, Any]
    people: dict[int, _Change]
    more: list[Drafted]
    way: Route | None


async def amend_assist_request(
    context: Context, given: AmendAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Changes a letter: a draft as it is, a sent one as its next version. Raises Refusal."""
    acting = Acting(context, "amendAssistRequest", given, path)
    wanted = _read(acting, given)

    def work(copy: Copy, who: Who) -> None:
        unsent = copy.state in _UNSENT
        if wanted.way is not None and not unsent:
            raise StateRefused("NOT_DRAFT")
        if wanted.more and copy.state is State.FEEDBACK_GIVEN:
            raise StateRefused("FEEDBACK_GIVEN")  # the issuer asks for more, first
        if copy.row["people_count"] + len(wanted.more) > MOST_PEOPLE:
            raise StateRefused("COMPLETE")
        changed, people = _apply(acting, copy, wanted)
        added = copy.row["people_count"] + 1 if wanted.more else 0
        if not unsent:
            copy.row["version"] += 1
        copy.row["people_count"] += len(wanted.more)
        detail: dict[str, Any] = {"changed": changed}
        if wanted.more:
            detail["added"] = list(range(added, added + len(wanted.more)))
        decide_letter(
            copy,
            Event.AMEND,
            party_of(copy),
            who,
            acting.limits,
            failing=[] if changed or wanted.more else [Guard.VERSION],
            detail=detail,
            phase="DECIDED" if unsent else "REQUESTED",
        )
        if wanted.more:
            add_people(copy, wanted.more, added, who)
        if not unsent:
            copy.row["pending"] = Event.AMEND.name
        copy.save(who.at)
        if not unsent:
            share_at_issuer(copy, who.at)
            told = [*people, *detail.get("added", ())]
            put_letter(copy, Event.AMEND, who, people=told, added=detail.get("added", ()))
            if "shared_items" in changed:  # perhaps files are shared now
                put_attachments(copy, who)

    return await acting.do(work, Event.AMEND)


def _read(acting: Acting, given: AmendAssistRequestInput) -> _Changes:
    """The input, checked by itself."""
    mistakes, writing = acting.mistakes, acting.writing
    columns: dict[str, Any] = {}
    items: dict[str, Any] = {}
    if given.case is not None:
        columns |= case_columns(given.case, writing, mistakes)
        items |= case_items(given.case, writing, mistakes)
    if (remarks := item(given.remarks, mistakes, ["remarks"], 2000)) is not None:
        items["remarks"] = remarks
    if given.asked is not None:
        if not given.asked:
            mistakes.add(["asked"], "say what is asked", "请填写协查事项")
        columns["asked"] = names_of(given.asked)
    if given.shared_items is not None:
        columns["shared_items"] = shared_names(given.shared_items)
    way = None
    if given.to_code is not None:
        code, through = acting.viewer.code, bool(given.through_province)
        way = way_to(acting.context, given.to_code, code, through, mistakes, ["toCode"])
    people = {}
    for i, one in enumerate(given.people or ()):
        if one.position in people:
            text, text_zh = "each person once", "每名人员只能出现一次"
            mistakes.add(["people", str(i), "position"], text, text_zh)
        people[one.position] = _change(acting, one, mistakes, ["people", str(i)])
    more = [
        read_person(one, writing, mistakes, ["more", str(i)])
        for i, one in enumerate(given.more or ())
    ]
    return _Changes(columns, items, people, more, way)


def _change(
    acting: Acting, given: AssistPersonChangeInput, mistakes: Mistakes, path: Sequence[str]
) -> _Change:
    columns = {
        "level": given.level.name if given.level else None,
        "manner": names_of(given.manner) if given.manner is not None else None,
        "last_contact_on": given.last_contact_on,
        "whereabouts_code": whereabouts(given.whereabouts_code, acting.writing),
    }
    items: dict[str, Any] = dict(own_items(given, mistakes, path))
    if given.person is not None:
        items |= changed_items(given.person, acting.writing, mistakes, [*path, "person"])
    return _Change({name: v for name, v in columns.items() if v is not None}, items)


def _apply(acting: Acting, copy: Copy, wanted: _Changes) -> tuple[list[str], list[int]]:
    """Sets what differs; its names, and the positions of people who changed."""
    writing, connection, store = acting.writing, copy.connection, copy.store
    take_contacts(connection, writing, store, wanted.more)
    columns = dict(wanted.columns)
    take_case(connection, writing, store, columns)
    if wanted.way is not None:
        way = wanted.way
        columns |= {"to_unit": way.unit, "to_code": way.code, "to_region": way.region}
        write_copies(connection, copy, way.copies, writing.moment.now)
    changed = _differing(columns, copy.row)
    copy.row |= columns
    if wanted.items:
        (known,) = opened(connection, store, assist_requests, [copy.row])
        changed += sorted(wanted.items)
        new = known | wanted.items
        copy.row["sealed"] = sealed_letter(connection, store, copy.row, new)
    people = copy.load(wanted.people)
    if len(people) < len(wanted.people):
        raise StateRefused("NO_PERSON")
    positions, told = [], []
    for row in people:
        one = wanted.people[row["position"]]
        # Items count as changed wherever they are given: whoever may not see what stood there is
        # not told whether it was the same (leak channel 24).
        names = [*_differing(one.columns, row), *sorted(one.items)]
        if names:
            positions.append(row["position"])
            changed += [f"people.{row['position']}.{name}" for name in names]
            row |= one.columns
            told.append(row)
    clear = opened(connection, store, assist_people, told)
    items = [
        known | wanted.people[row["position"]].items for row, known in zip(told, clear, strict=True)
    ]
    reseal(copy, told, items)
    return changed, positions


def _differing(new: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    return sorted(name for name, value in new.items() if value != known.get(name))
