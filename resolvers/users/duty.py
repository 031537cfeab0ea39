"""Duty persons and their rosters as their unit sets them (A10, PLAN 5.3), and what it watches (E3).

By the administrator who answers for the unit; who is on duty keeps the own number current. The
first responsible person of a unit (A9) is on record by name and has no account: it acts through
the administrator.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from regions.errors import InvalidInput
from regions.instants import seconds_of
from resolvers.context import Context
from resolvers.diseases import require_diseases
from resolvers.rights import RIGHTS
from resolvers.users import Viewer
from resolvers.users.accounts import find_account, standing_of
from resolvers.users.authority import require_answering
from resolvers.users.levels import INSTITUTIONS
from resolvers.users.offices import change_offices
from resolvers.users.rosters import (
    Shift,
    duty_rows,
    end_duty,
    put_duty,
    put_shifts,
    put_watches,
)
from resolvers.users.shared import UnitRow, find_unit, refusals
from resolvers.users.staff import phone
from resolvers.users.states import Standing
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import NO_DISEASE, is_given, is_mask
from schema.users.duty import (
    EndDutyPersonInput,
    SetDiseaseWatchesInput,
    SetDutyPersonInput,
    SetDutyRosterInput,
)
from schema.users.offices import UnitOfficesPayload

__all__ = [
    "MOST_SHIFTS",
    "end_duty_person",
    "set_disease_watches",
    "set_duty_person",
    "set_duty_roster",
]

MOST_SHIFTS = 1_000
_ON_DUTY = RIGHTS["viewSignal"].roles  # whoever is told must be able to answer
_LONGEST_SHIFT = 7 * 86_400
_LONGEST_ROSTER = 366 * 86_400
_MOST_DISEASES = 200


async def set_duty_person(
    context: Context, given: SetDutyPersonInput, path: str
) -> UnitOfficesPayload:
    """Puts a duty person of a CDC unit on record, with the number that is answered (PLAN 5.3).

    Raises Refusal.
    """
    viewer, central = context.signed_in(), context.central
    writing = CentralWriting(context, "setDutyPerson", given, account=viewer.account)
    mistakes = Mistakes()
    items: dict[str, str | None] = {}
    items["mobile"] = phone("mobile", given.mobile, mistakes, ["mobile"])
    if given.email is not None and not is_mask(given.email):  # the mask of a form says nothing
        said = given.email.strip()
        items["email"] = phone("email", said, mistakes, ["email"]) if said else None
    mistakes.stop()
    unit = await _cdc(context, given.unit)

    def work(connection: Connection) -> None:
        rows = {row.account: row for row in duty_rows(connection, unit.id)}
        own = rows.get(viewer.account) if viewer.account == given.account else None
        keeps = own is not None and given.standing in (None, bool(own.standing))
        if not keeps:
            require_answering(connection, viewer, unit.id, unit.level, unit.code)
        with refusals("account"):
            _check_on_duty(connection, given.account, unit)
        who = {"account": given.account, "code": unit.code}
        put_duty(
            connection,
            central.sealer,
            unit.id,
            who,
            items,
            viewer.account,
            writing.moment.now,
            standing=given.standing,
        )

    return await change_offices(context, writing, unit, work)


async def end_duty_person(
    context: Context, given: EndDutyPersonInput, path: str
) -> UnitOfficesPayload:
    """Takes a duty person off the record, with the shifts that have not ended. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "endDutyPerson", given, account=viewer.account)
    unit = await _cdc(context, given.unit)

    def work(connection: Connection) -> None:
        _require(connection, viewer, unit)
        with refusals("account"):
            at = writing.moment.now
            if not end_duty(connection, unit.id, given.account, viewer.account, at):
                raise InvalidInput(
                    f"{unit.name} has no duty person of this name",
                    hint="see dutyPersons of unitOffices",
                    messageZh="本单位没有该值班人员",
                )

    return await change_offices(context, writing, unit, work)


async def set_duty_roster(
    context: Context, given: SetDutyRosterInput, path: str
) -> UnitOfficesPayload:
    """Plans who is on duty when, for some time, in place of what was planned. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "setDutyRoster", given, account=viewer.account)
    mistakes = Mistakes()
    span = _span(given, writing.moment.now, mistakes)
    shifts = _shifts(given, mistakes)
    mistakes.stop()
    unit = await _cdc(context, given.unit)

    def work(connection: Connection) -> None:
        _require(connection, viewer, unit)
        known = {row.account for row in duty_rows(connection, unit.id)}
        for index, one in enumerate(shifts):
            if one.account not in known:
                mistakes.add(
                    ["shifts", str(index), "account"],
                    f"{unit.name} has no duty person of this name: setDutyPerson puts one on "
                    "record, with the number",
                    "本单位没有该值班人员，请先用 setDutyPerson 登记及其手机号",
                )
        mistakes.stop()
        put_shifts(connection, unit.id, span, shifts, viewer.account, writing.moment.now)

    return await change_offices(context, writing, unit, work)


async def set_disease_watches(
    context: Context, given: SetDiseaseWatchesInput, path: str
) -> UnitOfficesPayload:
    """Sets of which diseases' single-case signals a unit is told, too (E3). Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "setDiseaseWatches", given, account=viewer.account)
    mistakes = Mistakes()
    diseases = sorted({str(one) for one in given.diseases})
    if len(diseases) > _MOST_DISEASES:
        text, text_zh = f"give at most {_MOST_DISEASES}", f"最多 {_MOST_DISEASES} 个病种"
        mistakes.add(["diseases"], text, text_zh)
    mistakes.stop()
    try:
        await require_diseases(context.question, diseases, "diseases")
    except InvalidInput:
        mistakes.add(["diseases"], *NO_DISEASE)
    mistakes.stop()
    unit = await _cdc(context, given.unit)

    def work(connection: Connection) -> None:
        _require(connection, viewer, unit)
        at = writing.moment.now
        put_watches(connection, unit.id, unit.code, diseases, viewer.account, at)

    return await change_offices(context, writing, unit, work)


async def _cdc(context: Context, unit_id: Any) -> UnitRow:
    """The unit, which must be a CDC. Raises Refusal."""
    unit = await find_unit(context, unit_id, "unit")
    if unit.level in INSTITUTIONS:
        mistakes = Mistakes()
        mistakes.add(
            ["unit"], "only a CDC has a duty person for alerts", "仅疾控机构设预警值班人员"
        )
        mistakes.stop()
    return unit


def _require(connection: Connection, viewer: Viewer, unit: UnitRow) -> None:
    require_answering(connection, viewer, unit.id, unit.level, unit.code)


def _span(given: SetDutyRosterInput, now: str, mistakes: Mistakes) -> tuple[str, str]:
    begins, ends = str(given.begins), str(given.ends)
    if not begins < ends:
        mistakes.add(["ends"], "it ends before it begins", "结束时间早于开始时间")
    elif seconds_of(ends) - seconds_of(begins) > _LONGEST_ROSTER:
        mistakes.add(["ends"], "a roster is of 366 days at most", "值班表最长 366 天")
    elif ends <= now:
        mistakes.add(["ends"], "what is past is not planned", "不能编排已过去的值班")
    return begins, ends


def _shifts(given: SetDutyRosterInput, mistakes: Mistakes) -> list[Shift]:
    if len(given.shifts) > MOST_SHIFTS:
        text, text_zh = f"give at most {MOST_SHIFTS:,} shifts", f"最多 {MOST_SHIFTS} 个班次"
        mistakes.add(["shifts"], text, text_zh)
        return []
    found = []
    for index, one in enumerate(given.shifts):
        begins, ends, path = str(one.begins), str(one.ends), ["shifts", str(index)]
        if not is_given(one.account):
            mistakes.add([*path, "account"], "account is missing", "此项必填")
        if not begins < ends:
            mistakes.add([*path, "ends"], "it ends before it begins", "结束时间早于开始时间")
        elif seconds_of(ends) - seconds_of(begins) > _LONGEST_SHIFT:
            mistakes.add([*path, "ends"], "a shift is of seven days at most", "班次最长 7 天")
        elif begins < str(given.begins) or ends > str(given.ends):
            mistakes.add(path, "it lies outside the roster's time", "班次超出值班表的时间范围")
        found.append(Shift(one.account, begins, ends))
    return found


def _check_on_duty(connection: Connection, name: str, unit: UnitRow) -> None:
    account = find_account(connection, name)
    right = account is not None and account.unit_id == unit.id and account.role in _ON_DUTY
    if account is None or not right:
        raise InvalidInput(
            f"{unit.name} has no account of this name that may answer signals",
            hint="the duty person is an officer of the unit, no direct reporter and no machine",
            messageZh="值班人员须为本单位业务账号",
        )
    if standing_of(connection, account) is not Standing.ACTIVE:
        raise InvalidInput(
            "the account may not sign in", hint="renew or enable it first", messageZh="该账号不可用"
        )
