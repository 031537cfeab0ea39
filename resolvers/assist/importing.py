"""`importAssistPeople`: a list of people into a letter, row by row (C6).

The list is read in a thread; its rows are checked, looked for in every region, and become people of
a new draft or of a letter, by the mutations that write these. Nothing of the file is kept.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence

from regions.errors import SheetUnreadable
from resolvers.assist.acting import MOST_PEOPLE
from resolvers.assist.amending import amend_assist_request
from resolvers.assist.creating import create_assist_request
from resolvers.assist.people_list import ListedPerson, ListedRow, PeopleList, read_people
from resolvers.assist.routing import Asked, Route, county_of, route
from resolvers.assist.sheets import MOST_BYTES, read_sheet
from resolvers.context import Context
from resolvers.writing.looking import Seen, look
from resolvers.writing.people import NewPerson
from resolvers.writing.probing import note_registered
from resolvers.writing.refusing import Mistakes, Refusal
from resolvers.writing.writing import Writing
from schema.enums import ContactLevel, ContactManner
from schema.people import PersonInput
from schema.writing.assist import (
    AmendAssistRequestInput,
    AssistPersonInput,
    AssistRequestPayload,
    CreateAssistRequestInput,
)
from schema.writing.assist_import import (
    AssistPeopleRow,
    AssistRowMistake,
    ImportAssistPeopleInput,
    ImportAssistPeoplePayload,
)
from schema.writing.problems import InvalidInputProblem, Problem

__all__ = ["import_assist_people"]


async def import_assist_people(
    context: Context, given: ImportAssistPeopleInput, path: str
) -> ImportAssistPeoplePayload:
    """Reads a list, and makes a letter of it where asked to. Raises Refusal."""
    writing = Writing(context, "importAssistPeople", given, path)
    listed = await asyncio.to_thread(_listed, writing, given)
    accepted = [row.person for row in listed.rows if row.person is not None]
    ways = {
        code: route(code, context.answering.federation.regions, sender=writing.viewer.code)
        for code in {one.whereabouts_code for one in accepted}
        if code is not None
    }
    people = [one.person for one in accepted]
    await note_registered(context, people)
    # Not by `writing.look`: the key belongs to the mutation that writes the letter.
    seen = await look(
        writing.question,
        account=writing.viewer.account,
        key="",
        people_indexes=[one.indexes for one in people],
    )
    written = await _write(context, given, [_input(one, ways) for one in accepted], path)
    rows = [_row(row, seen, ways) for row in listed.rows]
    return ImportAssistPeoplePayload(
        rows=rows,
        accepted=len(accepted),
        rejected=len(rows) - len(accepted),
        counties=sorted({one.county for one in rows if one.county is not None}),
        ignored_columns=list(listed.ignored),
        ignored_sheets=list(listed.other_sheets),
        assist_request=written.assist_request if written is not None else None,
        pending=written.pending if written is not None else False,
        repeated=written.repeated if written is not None else False,
    )


def _listed(writing: Writing, given: ImportAssistPeopleInput) -> PeopleList:
    """The rows of the file. Raises Refusal."""
    mistakes = Mistakes()
    if given.letter is not None and given.request is not None:
        mistakes.add(
            ["request"], "give letter or request, not both", "letter 与 request 只能填写其一"
        )
        mistakes.stop()
    try:
        if len(given.content) > MOST_BYTES * 4 // 3 + 4:
            raise binascii.Error
        content = base64.b64decode(given.content, validate=True)
    except (binascii.Error, ValueError):
        text = f"the file is given in base64 and has at most {MOST_BYTES >> 20} MB"
        mistakes.add(["content"], text, f"文件须以 base64 编码，且不超过 {MOST_BYTES >> 20} MB")
        mistakes.stop()
        raise AssertionError from None  # stopped above
    try:
        sheet = read_sheet(content, most_rows=MOST_PEOPLE)
        return read_people(sheet, writing.stores.indexer, writing.moment)
    except SheetUnreadable as error:
        text_zh = f"{error.message_zh}：{error.hint_zh}" if error.hint_zh else error.message_zh
        text = f"{error.message}: {error.hint}" if error.hint else error.message
        mistakes.add(["content"], text, text_zh)
        mistakes.stop()
        raise AssertionError from None  # stopped above


async def _write(
    context: Context,
    given: ImportAssistPeopleInput,
    people: Sequence[AssistPersonInput],
    path: str,
) -> AssistRequestPayload | None:
    """The letter with the people; None where the list is only checked or has nobody."""
    if not people:
        return None
    if given.request is not None:
        more = AmendAssistRequestInput(
            idempotency_key=given.idempotency_key, request=given.request, more=list(people)
        )
        return await amend_assist_request(context, more, path)
    letter = given.letter
    if letter is None:
        return None
    new = CreateAssistRequestInput(
        idempotency_key=given.idempotency_key,
        to_code=letter.to_code,
        through_province=letter.through_province,
        case=letter.case,
        asked=letter.asked,
        people=list(people),
        shared_items=letter.shared_items,
        remarks=letter.remarks,
    )
    try:
        return await create_assist_request(context, new, path)
    except Refusal as refusal:
        raise Refusal(_within_letter(refusal.problem)) from None


def _within_letter(problem: Problem) -> Problem:
    """A problem whose paths lead into `letter`, as it was given here."""
    if not isinstance(problem, InvalidInputProblem):
        return problem
    mistakes = Mistakes(["letter"])
    for one in problem.mistakes:
        mistakes.add(one.path, one.message, one.message_zh)
    return mistakes.problem()


def _input(one: ListedPerson, ways: dict[str, Route | Asked]) -> AssistPersonInput:
    """A person of the list as the letter's mutations take one."""
    way = ways.get(one.whereabouts_code or "")
    county = None if way is None else county_of(way)
    return AssistPersonInput(
        person=_person(one.person),
        level=ContactLevel[one.level],
        manner=[ContactManner[name] for name in one.manner],
        last_contact_on=one.last_contact_on,  # type: ignore[arg-type]  # scalars are text
        whereabouts_code=county,  # type: ignore[arg-type]  # scalars are text
        place=one.items["place"],
        seat=one.items["seat"],
        remarks=one.items["remarks"],
    )


def _person(new: NewPerson) -> PersonInput:
    given = {**new.items, **new.columns}
    given.pop("medical_worker", None)  # no list has it
    return PersonInput(**given)  # type: ignore[arg-type]  # as it was read from such an input


def _row(row: ListedRow, seen: Seen, ways: dict[str, Route | Asked]) -> AssistPeopleRow:
    one = row.person
    way = ways.get(one.whereabouts_code or "") if one is not None else None
    asked = way if isinstance(way, Asked) else None
    return AssistPeopleRow(
        line=row.line,
        accepted=one is not None,
        mistakes=[
            AssistRowMistake(column=m.column, message=m.message, message_zh=m.message_zh)
            for m in row.mistakes
        ],
        same_as=row.same_as,
        duplicate=seen.duplicate(one.person.indexes) if one is not None else None,
        county=None if way is None else county_of(way),  # type: ignore[arg-type]  # scalars are text
        question=asked.message if asked is not None else None,
        question_zh=asked.message_zh if asked is not None else None,
    )
