"""Filing of business administrators: the rules of L503 3.2 on the gateway's own store (A4–A6).

At most two of a unit are on file and at most one of them is active; a change is a deregistration
with the level above, and then the new filing. Functions on a connection; the caller's transaction,
which begins as a writer, is theirs, so that of two who decide at once the second finds it decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.errors import InvalidInput
from regions.instants import now
from regions.offices import administrator_filings as filings
from regions.users import RENEWAL_DAYS, VALID_DAYS, accounts
from resolvers.sessions import revoke_sessions
from resolvers.users import Role
from resolvers.users.accounts import (
    Account,
    change_state,
    days_from,
    find_account,
    next_id,
    note_event,
)
from resolvers.users.names import check_free
from resolvers.users.on_file import Filing, active_of, find_filing, open_filings
from resolvers.users.persons import check_person
from resolvers.users.states import (
    FILING,
    ON_FILE,
    AccountEvent,
    FilingEvent,
    FilingState,
    WrongState,
)

__all__ = [
    "MOST_ON_FILE",
    "Form",
    "accept",
    "activate",
    "deregister",
    "file",
    "put_on_file",
    "refuse",
    "stand_down",
    "stand_down_if_active",
    "withdraw",
]

MOST_ON_FILE = 2
_OPEN = tuple(state.name for state in ON_FILE)


@dataclass(frozen=True, slots=True)
class Form:
    """Annex 1 as filed; `seal` makes the envelope of its items for the filing's number."""

    unit_id: str
    unit_name: str
    unit_level: str
    code: str
    department: str
    account: str
    name: str
    signed_on: str
    head_name: str
    head_signed_on: str
    committed: bool = False  # to security and privacy; else the form is on paper only
    password_hash: str | None = None
    person_index: str | None = None
    second_reason: str | None = None
    seal: Callable[[str, int], bytes] | None = None  # table and number → envelope


def file(connection: Connection, form: Form, by: str) -> int:
    """Files an administrator with the level above; returns the filing's number.

    Raises InvalidInput: two are on file already, a second one has no reason, the login name is
    taken, or the person has an account of this role here.
    """
    there = open_filings(connection, form.unit_id)
    if len(there) >= MOST_ON_FILE:
        raise InvalidInput(
            f"{MOST_ON_FILE} administrators of {form.unit_name} are on file already",
            hint="one is deregistered with the level above first",
            messageZh="本单位已备案 2 名业务管理员，须先向上级注销",
        )
    if there and not form.second_reason:
        raise InvalidInput(
            "a unit has one administrator; a second one needs a reason",
            hint="say in secondReason what work makes a second one necessary",
            messageZh="原则上各级仅设 1 名业务管理员，第 2 名须说明工作需要",
        )
    _check_free(connection, form)
    number = next_id(connection, filings)
    taken = connection.scalars(select(filings.c.slot).where(filings.c.unit_id == form.unit_id))
    slots = set(taken)
    connection.execute(
        insert(filings).values(
            id=number,
            state=FilingState.FILED.name,
            slot=next(slot for slot in range(1, MOST_ON_FILE + 1) if slot not in slots),
            unit_id=form.unit_id,
            unit_name=form.unit_name,
            unit_level=form.unit_level,
            code=form.code,
            department=form.department,
            account=form.account,
            name=form.name,
            password_hash=form.password_hash,
            person_index=form.person_index,
            sealed=form.seal(filings.name, number) if form.seal else None,
            security_commitment=int(form.committed),
            privacy_commitment=int(form.committed),
            second_reason=form.second_reason,
            signed_on=form.signed_on,
            head_name=form.head_name,
            head_signed_on=form.head_signed_on,
            filed_by=by,
            filed_at=now(),
        )
    )
    return number


def accept(
    connection: Connection,
    number: int,
    by: str,
    reseal: Callable[[int, bytes, int], bytes] | None = None,
) -> Filing:
    """Accepts a filing: makes the account, active where the unit has no active administrator.

    `reseal` makes of a filing's number and envelope that of an account's number. Raises NotFound,
    InvalidInput.
    """
    found = find_filing(connection, number)
    _move(connection, found, FilingEvent.ACCEPT, by)
    _make_account(connection, number, reseal)
    if active_of(connection, found.unit_id) is None:
        _set(connection, number, state=FILING.next(FilingState.ON_FILE, FilingEvent.ACTIVATE).name)
    return find_filing(connection, number)


def refuse(connection: Connection, number: int, by: str, reason: str) -> Filing:
    """Refuses a filing, with a reason. Raises NotFound, InvalidInput."""
    found = find_filing(connection, number)
    return _move(connection, found, FilingEvent.REFUSE, by, reason)


def withdraw(connection: Connection, number: int, by: str, reason: str) -> Filing:
    """Withdraws a filing that is not decided. Raises NotFound, InvalidInput."""
    found = find_filing(connection, number)
    return _move(connection, found, FilingEvent.WITHDRAW, by, reason)


def activate(connection: Connection, number: int, by: str, reason: str = "") -> Filing:
    """Makes this the active administrator; the one who was is on file from then on.

    Raises NotFound, InvalidInput.
    """
    found = find_filing(connection, number)
    _next(found, FilingEvent.ACTIVATE)
    for other in open_filings(connection, found.unit_id):
        if other.state is FilingState.ACTIVE:
            stand_down(connection, other.id, by, reason)
    after = _move(connection, found, FilingEvent.ACTIVATE, by, reason)
    note_event(connection, after.account, FilingEvent.ACTIVATE.name, reason, by)
    return after


def stand_down(connection: Connection, number: int, by: str, reason: str = "") -> Filing:
    """The active administrator stays on file and may not sign in. Raises NotFound, InvalidInput."""
    found = find_filing(connection, number)
    after = _move(connection, found, FilingEvent.STAND_DOWN, by, reason)
    revoke_sessions(connection, found.account)
    note_event(connection, found.account, FilingEvent.STAND_DOWN.name, reason, by)
    return after


def stand_down_if_active(connection: Connection, account: str, reason: str, by: str) -> None:
    """An administrator whose account is disabled is no longer the active one."""
    number = connection.scalar(
        select(filings.c.id).where(
            filings.c.account == account, filings.c.state == FilingState.ACTIVE.name
        )
    )
    if number is not None:
        stand_down(connection, number, by, reason)


def deregister(connection: Connection, number: int, by: str, reason: str) -> Filing:
    """Ends a filing with the level above; its account is disabled at once.

    Raises NotFound, InvalidInput.
    """
    found = find_filing(connection, number)
    after = _move(connection, found, FilingEvent.DEREGISTER, by, reason)
    account = find_account(connection, found.account)
    if account is not None and not account.disabled:
        change_state(connection, found.account, AccountEvent.DISABLE, reason, by)
    return after


def put_on_file(connection: Connection, account: Account, by: str) -> Filing:
    """Puts an account that was made without a filing on file: accepted, and active where the unit
    has no active administrator. Raises InvalidInput where two are on file.
    """
    today = now()[:10]
    form = Form(
        unit_id=account.unit_id,
        unit_name=account.unit_name,
        unit_level=account.unit_level,
        code=account.code,
        department=account.department or "",
        account=account.account,
        name=account.name,
        signed_on=today,
        head_name="",
        head_signed_on=today,
        person_index=account.person_index,
        second_reason=by,
    )
    number = file(connection, form, by)
    found = _move(connection, find_filing(connection, number), FilingEvent.ACCEPT, by)
    if active_of(connection, account.unit_id) is None:
        _set(connection, number, state=FILING.next(found.state, FilingEvent.ACTIVATE).name)
    return find_filing(connection, number)


def _check_free(connection: Connection, form: Form) -> None:
    """Raises InvalidInput where the login name is taken or the person has such an account."""
    check_free(connection, form.account)
    check_person(connection, form.person_index, Role.BUSINESS_ADMINISTRATOR, form.unit_id)
    if form.person_index is None:
        return
    filed = connection.scalar(
        select(filings.c.id).where(
            filings.c.person_index == form.person_index,
            filings.c.unit_id == form.unit_id,
            filings.c.state.in_(_OPEN),
        )
    )
    if filed is not None:
        raise InvalidInput(
            "the same person is on file here already",
            hint="the second administrator is another person",
            messageZh="该人员已在本单位备案",
        )


def _make_account(
    connection: Connection, number: int, reseal: Callable[[int, bytes, int], bytes] | None
) -> None:
    row = connection.execute(select(filings).where(filings.c.id == number)).one()
    if find_account(connection, row.account) is not None:
        raise InvalidInput(
            f"there is an account {row.account} already",
            hint="refuse the filing; it is filed anew under another login name",
            messageZh="该登录账号已存在：请退回备案，另选登录账号重新提交",
        )
    check_person(connection, row.person_index, Role.BUSINESS_ADMINISTRATOR, row.unit_id)
    at, own = now(), next_id(connection, accounts)
    connection.execute(
        insert(accounts).values(
            account=row.account,
            id=own,
            name=row.name,
            role=Role.BUSINESS_ADMINISTRATOR.name,
            unit_id=row.unit_id,
            unit_name=row.unit_name,
            unit_level=row.unit_level,
            code=row.code,
            department=row.department,
            password_hash=row.password_hash,
            password_given=1,
            valid_until=days_from(at, VALID_DAYS),
            renewed_at=at,
            renew_by=days_from(at, RENEWAL_DAYS),
            person_index=row.person_index,
            sealed=reseal(number, row.sealed, own) if reseal and row.sealed else None,
            created_at=at,
        )
    )
    _set(connection, number, password_hash=None)


def _next(found: Filing, event: FilingEvent) -> FilingState:
    try:
        return FILING.next(found.state, event)
    except WrongState as error:
        raise InvalidInput(error.refusal, messageZh=error.refusal_zh) from None


def _move(
    connection: Connection, found: Filing, event: FilingEvent, by: str, reason: str | None = None
) -> Filing:
    """Applies an event. Raises InvalidInput where it is not for the filing's state."""
    after = _next(found, event)
    values: dict[str, Any] = {"state": after.name}
    if found.state is FilingState.FILED:
        values |= {"decided_by": by, "decided_at": now(), "reason": reason or None}
    if after not in ON_FILE:
        values |= {"slot": None, "password_hash": None, "reason": reason or None}
        values |= {"closed_by": by, "closed_at": now()}
    _set(connection, found.id, **values)
    return find_filing(connection, found.id)


def _set(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(filings).where(filings.c.id == number).values(**values))
