"""Mutations and the list of administrators' filings (A4–A6, L503 3.2 and annex 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from regions.errors import Forbidden, NotFound
from regions.offices import administrator_filings as filings
from regions.users import accounts
from resolvers.context import Context
from resolvers.users import BUSINESS_ROLES, Role, Viewer
from resolvers.users.accounts import is_barred, is_usable
from resolvers.users.authority import require_above, require_answering
from resolvers.users.filed import filing_type
from resolvers.users.filings import (
    Form,
    accept,
    activate,
    deregister,
    file,
    refuse,
    withdraw,
)
from resolvers.users.on_file import Filing, active_of, find_filing
from resolvers.users.shared import (
    UnitRow,
    check_login,
    find_unit,
    needed,
    number_of,
    refusals,
)
from resolvers.users.staff import LONGEST_NAME, read_contact
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import FIRST_DAY, Moment, text
from schema.users.filing import (
    ActivateAdministratorInput,
    DecideAdministratorFilingInput,
    DeregisterAdministratorInput,
    FileAdministratorInput,
    FilingPayload,
    WithdrawAdministratorFilingInput,
)

__all__ = [
    "activate_administrator",
    "decide_administrator_filing",
    "deregister_administrator",
    "file_administrator",
    "withdraw_administrator_filing",
]


async def file_administrator(
    context: Context, given: FileAdministratorInput, path: str
) -> FilingPayload:
    """Files an administrator with the level above. Raises Refusal.

    Filed by whoever becomes it, from the ordinary account in the same unit; by the unit's active
    administrator; or by the level above from the form on paper.
    """
    viewer, central = context.signed_in(), context.central
    # The password is no part of what is kept with the key: a keyed hash of it would be a fast one.
    writing = CentralWriting(
        context, "fileAdministrator", replace(given, password=""), account=viewer.account
    )
    mistakes = Mistakes()
    items = read_contact(given.contact, mistakes, ["contact"])
    form = _form(context, given, mistakes, writing.moment)
    mistakes.stop()
    unit = await find_unit(context, given.unit, "unit")
    form = replace(
        form,
        unit_id=unit.id,
        unit_name=unit.name,
        unit_level=unit.level,
        code=unit.code,
        person_index=context.central.indexer.id_number(items["id_number"]),
        seal=lambda table, number: central.sealer.seal(table, number, items),
    )
    await central.do(lambda store: _require_may_file(store, viewer, unit, form.person_index))
    form = replace(form, password_hash=await central.passwords.hash(given.password))

    def work(connection: Connection) -> dict[str, Any]:
        _require_may_file(connection, viewer, unit, form.person_index)
        with refusals("unit"):
            number = file(connection, form, viewer.account)
        writing.wrote("filing", number)
        writing.wrote("account", form.account)
        return {"filing": number}

    return await _answer(context, writing, work)


async def decide_administrator_filing(
    context: Context, given: DecideAdministratorFilingInput, path: str
) -> FilingPayload:
    """The level above accepts or refuses a filing. Raises Refusal."""
    mistakes = Mistakes()
    reason = text(given.reason, mistakes, ["reason"], 500)
    if not given.accept and reason is None:
        mistakes.add(["reason"], "a refusal needs its reason", "退回须说明原因")
    mistakes.stop()
    sealer = context.central.sealer

    def reseal(number: int, envelope: bytes, account: int) -> bytes:
        return sealer.seal("accounts", account, sealer.open(filings.name, number, envelope))

    def step(connection: Connection, number: int, by: str) -> Filing:
        if given.accept:
            return accept(connection, number, by, reseal)
        return refuse(connection, number, by, reason or "")

    return await _step(context, "decideAdministratorFiling", given, _another_above, step)


async def withdraw_administrator_filing(
    context: Context, given: WithdrawAdministratorFilingInput, path: str
) -> FilingPayload:
    """Whoever filed it takes it back. Raises Refusal."""
    reason = _reason(given.reason)
    return await _step(
        context,
        "withdrawAdministratorFiling",
        given,
        _filer,
        lambda store, number, by: withdraw(store, number, by, reason),
    )


async def activate_administrator(
    context: Context, given: ActivateAdministratorInput, path: str
) -> FilingPayload:
    """Switches which of the two on file is active. Raises Refusal."""
    mistakes = Mistakes()
    reason = text(given.reason, mistakes, ["reason"], 500) or ""
    mistakes.stop()
    return await _step(
        context,
        "activateAdministrator",
        given,
        _own_or_another_above,
        lambda store, number, by: activate(store, number, by, reason),
    )


async def deregister_administrator(
    context: Context, given: DeregisterAdministratorInput, path: str
) -> FilingPayload:
    """The level above deregisters an administrator. Raises Refusal."""
    reason = _reason(given.reason)
    return await _step(
        context,
        "deregisterAdministrator",
        given,
        _above,
        lambda store, number, by: deregister(store, number, by, reason),
    )


def _form(
    context: Context, given: FileAdministratorInput, mistakes: Mistakes, moment: Moment
) -> Form:
    """What of annex 1 needs no store; its unit is not filled in."""
    check_login(context, given.account, given.password, mistakes)
    for name, committed in (
        ("securityCommitment", given.security_commitment),
        ("privacyCommitment", given.privacy_commitment),
    ):
        if not committed:
            mistakes.add(
                [name], "an administrator commits to this, or is none", "须作出该项承诺方可备案"
            )
    name = needed(given.name, mistakes, ["name"], LONGEST_NAME)
    head = needed(given.head_name, mistakes, ["headName"], LONGEST_NAME)
    if name and name == head:
        mistakes.add(
            ["headName"],
            "the head of the department who signs is somebody else",
            "部门领导签字人不能是本人",
        )
    for day, at in ((given.signed_on, "signedOn"), (given.head_signed_on, "headSignedOn")):
        if not FIRST_DAY <= day <= moment.today:
            mistakes.add([at], "signed on a day that has not come", "签字日期不能晚于今天")
    if given.head_signed_on < given.signed_on:
        mistakes.add(
            ["headSignedOn"],
            "the head signs after the administrator",
            "部门领导签字日期不能早于本人签字日期",
        )
    return Form(
        unit_id="",
        unit_name="",
        unit_level="",
        code="",
        department=needed(given.department, mistakes, ["department"], LONGEST_NAME),
        account=given.account,
        name=name,
        signed_on=given.signed_on,
        head_name=head,
        head_signed_on=given.head_signed_on,
        committed=True,
        second_reason=text(given.second_reason, mistakes, ["secondReason"], 500),
    )


def _require_may_file(
    connection: Connection, viewer: Viewer, unit: UnitRow, person_index: str | None
) -> None:
    """Raises Refusal unless the viewer may file for the unit."""
    with refusals("unit"):
        if is_barred(connection, unit.id, Role.BUSINESS_ADMINISTRATOR):
            raise Forbidden(
                f"{unit.name} may not have administrators of its own",
                messageZh="该机构已被取消业务管理员权限",
            )
        if viewer.role in BUSINESS_ROLES and viewer.unit_id == unit.id:
            own = connection.scalar(
                select(accounts.c.person_index).where(accounts.c.account == viewer.account)
            )
            if own is not None and own == person_index:
                return
            raise Forbidden(
                "from an ordinary account only its holder is filed",
                hint="the ID number of the form is that of your account",
                messageZh="普通账号只能为本人提交备案，身份证号须与本人账号一致",
            )
        if active_of(connection, unit.id) == viewer.account:
            return
        require_above(connection, viewer, unit.id, unit.level, unit.code)


Check = Callable[[Connection, Viewer, Any], None]


def _above(connection: Connection, viewer: Viewer, row: Any) -> None:
    require_above(connection, viewer, row.unit_id, row.unit_level, row.code)


def _another_above(connection: Connection, viewer: Viewer, row: Any) -> None:
    """Nobody accepts or activates a filing of themselves; deregistering one gives power up."""
    require_above(
        connection, viewer, row.unit_id, row.unit_level, row.code, person=row.person_index
    )


def _own_or_another_above(connection: Connection, viewer: Viewer, row: Any) -> None:
    own = active_of(connection, row.unit_id) == viewer.account
    if not (own and is_usable(connection, viewer.account)):
        _another_above(connection, viewer, row)


def _filer(connection: Connection, viewer: Viewer, row: Any) -> None:
    if row.filed_by != viewer.account:
        require_answering(connection, viewer, row.unit_id, row.unit_level, row.code)


async def _step(
    context: Context,
    operation: str,
    given: Any,
    check: Check,
    step: Callable[[Connection, int, str], Filing],
) -> FilingPayload:
    """One event of a filing: who may, what becomes of it. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, operation, given, account=viewer.account)
    number = number_of(given.filing, "filing", "filing")

    def work(connection: Connection) -> dict[str, Any]:
        with refusals("filing"):
            query = select(filings).where(filings.c.id == number)
            if viewer.role in BUSINESS_ROLES:
                query = query.where(filings.c.filed_by == viewer.account)
            row = connection.execute(query).first()
            if row is None or not row.code.startswith(viewer.prefix):
                raise NotFound("there is no such filing")
            check(connection, viewer, row)
            step(connection, find_filing(connection, number).id, viewer.account)
        writing.wrote("filing", number)
        writing.wrote("account", row.account)
        return {"filing": number}

    return await _answer(context, writing, work)


async def _answer(
    context: Context, writing: CentralWriting, work: Callable[[Connection], dict[str, Any]]
) -> FilingPayload:
    kept, repeated = await writing.once(work)
    number = kept["filing"]
    row = await context.central.do(
        lambda store: store.execute(select(filings).where(filings.c.id == number)).one()
    )
    return FilingPayload(filing=filing_type(context, row), repeated=repeated)


def _reason(given: str) -> str:
    mistakes = Mistakes()
    reason = needed(given, mistakes, ["reason"])
    mistakes.stop()
    return reason
