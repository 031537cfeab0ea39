"""`createAssistRequest`: a letter is written, from a case on record or a stub of one (C1, C2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert

from regions.assist import assist_requests
from regions.ids import region_of
from resolvers.assist.acting import MOST_PEOPLE
from resolvers.assist.drafting import (
    Drafted,
    add_people,
    case_columns,
    case_items,
    names_of,
    read_person,
    shared_names,
    take_case,
    take_contacts,
)
from resolvers.assist.numbers import new_number
from resolvers.assist.receiving import way_to
from resolvers.assist.routing import Route
from resolvers.assist.rows import SENT, Copy, Ids, Who, sealed_letter, write_copies
from resolvers.assist.states import State
from resolvers.context import Context
from resolvers.writing.refusing import Mistakes, forbidden
from resolvers.writing.stores import Store
from resolvers.writing.units import have_unit
from resolvers.writing.values import item
from resolvers.writing.writing import Writing, Wrote
from schema.writing.assist import AssistRequestPayload, CreateAssistRequestInput

__all__ = ["create_assist_request", "draft_letter", "store_of"]


async def create_assist_request(
    context: Context, given: CreateAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Writes a draft. Raises Refusal."""
    writing = Writing(context, "createAssistRequest", given, path)
    mistakes = Mistakes()
    if not 1 <= len(given.people) <= MOST_PEOPLE:
        text, text_zh = f"give 1 to {MOST_PEOPLE:,} people", f"每函 1 至 {MOST_PEOPLE} 人"
        mistakes.add(["people"], text, text_zh)
        mistakes.stop()
    drafted = [
        read_person(one, writing, mistakes, ["people", str(i)])
        for i, one in enumerate(given.people)
    ]
    columns = case_columns(given.case, writing, mistakes)
    items = case_items(given.case, writing, mistakes)
    remarks = item(given.remarks, mistakes, ["remarks"], 2000)
    if remarks is not None:
        items["remarks"] = remarks
    if not given.asked:
        mistakes.add(["asked"], "say what is asked", "请填写协查事项")
    way = _way(context, writing, given, drafted, mistakes)
    if "disease" not in columns and "case_id" not in columns:
        text, text_zh = "give the disease, or the case", "请填写病种或病例"
        mistakes.add(["case", "disease"], text, text_zh)
    mistakes.stop()
    assert way is not None
    store = store_of(writing, columns, drafted)
    await writing.look()
    columns |= {
        "asked": names_of(given.asked),
        "shared_items": shared_names(given.shared_items),
    }

    def work(connection: Connection, _: int, wrote: Wrote) -> dict[str, Any]:
        who = Who(*writing.reporter, writing.moment.now, writing.trace)
        copy = draft_letter(connection, writing, store, way, columns, items, drafted, who)
        wrote["assistrequest"] = [copy.id]
        return {"request": copy.id}

    kept, repeated = await writing.once(store, 0, work)
    request = await writing.read_one("AssistRequest", kept["request"])
    return AssistRequestPayload(assist_request=request, pending=False, repeated=repeated)


def draft_letter(
    connection: Connection,
    writing: Writing,
    store: Store,
    way: Route,
    columns: dict[str, Any],
    items: dict[str, Any],
    drafted: list[Drafted],
    who: Who,
) -> Copy:
    """Writes a draft with its people in the store of the issuing unit. Raises Refusal."""
    viewer = writing.viewer
    take_case(connection, writing, store, columns)
    take_contacts(connection, writing, store, drafted)
    have_unit(connection, viewer)
    number = new_number(connection, viewer.code, who.at)
    request_id = Ids(connection, store).take()
    row: dict[str, Any] = dict.fromkeys(column.name for column in assist_requests.columns)
    row |= columns | {
        "id": request_id,
        "number": number,
        "side": SENT,
        "version": 1,
        "read_version": 0,
        "state": State.DRAFT.name,
        "revision": 0,
        "from_unit": viewer.unit_id,
        "from_code": viewer.code,
        "from_region": store.settings.code,
        "to_unit": way.unit,
        "to_code": way.code,
        "to_region": way.region,
        "root_number": number,
        "hops": "[]",
        "people_count": len(drafted),
        "code": viewer.code,
        "reporter": viewer.account,
        "reporter_unit": viewer.unit_id,
        "created_at": who.at,
        "updated_at": who.at,
    }
    row["sealed"] = sealed_letter(connection, store, row, items)
    connection.execute(insert(assist_requests).values(row))
    copy = Copy.of_id(connection, store, request_id)
    add_people(copy, drafted, 1, who)
    write_copies(connection, copy, way.copies, who.at)
    copy.note("CREATE", "DECIDED", who, detail={"people": len(drafted)})
    return copy


def store_of(writing: Writing, columns: dict[str, Any], drafted: list[Drafted]) -> Store:
    """The store that keeps the issuer's copy: that of the unit's county; of a unit whose
    jurisdiction has several, the one where the case or the first contact is on record, else the
    first. Raises Refusal where there is none.
    """
    stores, federation = writing.stores, writing.question.federation
    own = stores.of_code(writing.viewer.code)
    if own is not None:
        return own
    numbers = [columns.get("case_id"), *(one.contact for one in drafted)]
    within = [federation.regions[at].code for at in federation.concerned([writing.viewer.prefix])]
    for number in numbers:
        if number is not None and region_of(number) in within:
            found = stores.of_region(region_of(number))
            assert found is not None
            return found
    found = stores.of_region(within[0]) if within else None
    if found is None:
        raise forbidden(
            f"no configured region keeps the letters of your unit, {writing.viewer.code}",
            f"没有配置负责本单位（{writing.viewer.code}）的地区，不能发函",
        )
    return found


def _way(
    context: Context,
    writing: Writing,
    given: CreateAssistRequestInput,
    drafted: Sequence[Drafted],
    mistakes: Mistakes,
) -> Route | None:
    """Where the letter goes: to the code given, or to where all its people are said to be."""
    code = given.to_code
    if code is None:
        codes = {one.columns["whereabouts_code"] for one in drafted} - {None}
        if len(codes) != 1:
            mistakes.add(
                ["toCode"],
                "give toCode, or one whereaboutsCode that all people share: a letter goes to one "
                "county",
                "请填写 toCode，或为所有人员填写同一所在地代码：协查函只发往一个县（区）",
            )
            return None
        (code,) = codes
    sender, through = writing.viewer.code, given.through_province
    way = way_to(context, code, sender, through, mistakes, ["toCode"])
    if way is not None and way.unit == writing.viewer.unit_id:
        mistakes.add(["toCode"], "this is your own unit's county", "接收单位为本单位，无需协查")
        return None
    return way
