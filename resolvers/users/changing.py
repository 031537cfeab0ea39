"""`renewUser`, `disableUser`, `enableUser`: yearly renewal, and what ends an account (A5, A12)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, update

from regions.errors import InvalidInput, NotFound
from regions.users import accounts
from resolvers.central import Central
from resolvers.context import Context
from resolvers.users import ADMINISTRATOR_ROLES, Viewer
from resolvers.users.accounts import Account, change_state, find_account, renew
from resolvers.users.authority import (
    require_may_disable,
    require_may_enable,
    require_may_renew,
)
from resolvers.users.filings import stand_down_if_active
from resolvers.users.listing import read_user
from resolvers.users.persons import put_person
from resolvers.users.registering import term
from resolvers.users.shared import needed, refusals
from resolvers.users.staff import id_number
from resolvers.users.states import AccountEvent, AccountState
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, not_found
from schema.users.accounts import DisableUserInput, EnableUserInput, RenewUserInput, UserPayload

__all__ = ["changed", "disable_user", "enable_user", "renew_user"]

Check = Callable[[Connection, Viewer, Account], None]
Change = Callable[[Connection, Account], None]


async def renew_user(context: Context, given: RenewUserInput, path: str) -> UserPayload:
    """Renews an account for a year. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "renewUser", given, account=viewer.account)
    at, mistakes = writing.moment.now, Mistakes()
    until = None if given.valid_until is None else term(given.valid_until, at, mistakes)
    number = None
    if given.id_number is not None:
        number = id_number(given.id_number, mistakes, ["idNumber"])
    mistakes.stop()

    def change(connection: Connection, account: Account) -> None:
        _know_holder(connection, context.central, account, number, viewer.account)
        if until is None and (account.valid_until or "") <= at:
            raise InvalidInput(
                "the account's term is over: give it a new one",
                hint="as validUntil",
                messageZh="账号有效期已过，请同时填写新的有效期",
            )
        renew(connection, account.account, viewer.account, at)
        if until is not None:
            connection.execute(
                update(accounts)
                .where(accounts.c.account == account.account)
                .values(valid_until=until)
            )

    return await changed(context, writing, given.account, require_may_renew, change)


async def disable_user(context: Context, given: DisableUserInput, path: str) -> UserPayload:
    """Disables an account at once; an administrator who was active no longer is. Raises Refusal."""
    viewer, reason = context.signed_in(), _reason(given.reason)
    writing = CentralWriting(context, "disableUser", given, account=viewer.account)

    def change(connection: Connection, account: Account) -> None:
        change_state(connection, account.account, AccountEvent.DISABLE, reason, viewer.account)
        stand_down_if_active(connection, account.account, reason, viewer.account)

    return await changed(context, writing, given.account, require_may_disable, change)


async def enable_user(context: Context, given: EnableUserInput, path: str) -> UserPayload:
    """Lets a disabled or suspended account sign in again. Raises Refusal."""
    viewer, reason = context.signed_in(), _reason(given.reason)
    writing = CentralWriting(context, "enableUser", given, account=viewer.account)

    def change(connection: Connection, account: Account) -> None:
        suspended = account.state is AccountState.SUSPENDED
        event = AccountEvent.REINSTATE if suspended else AccountEvent.ENABLE
        change_state(connection, account.account, event, reason, viewer.account)

    return await changed(context, writing, given.account, require_may_enable, change)


def _know_holder(
    connection: Connection, central: Central, account: Account, number: str | None, by: str
) -> None:
    """Puts on record who holds the account, where nobody knows; whoever renews it has the person
    before them. Raises Refusal, InvalidInput.
    """
    mistakes = Mistakes()
    if number is None:
        if account.person_index is None and account.role in ADMINISTRATOR_ROLES:
            mistakes.add(
                ["idNumber"],
                "nobody knows who holds this administrator's account: give the ID number",
                "该管理员账号未登记持有人，请填写其身份证号",
            )
        mistakes.stop()
        return
    index = central.indexer.id_number(number)
    if account.person_index is None:
        envelope = partial(_sealed, central, number)
        put_person(connection, account, index or "", envelope, by)
    elif account.person_index != index:
        mistakes.add(
            ["idNumber"],
            "this is not the ID number on file for the account",
            "与账号备案的身份证号不一致",
        )
        mistakes.stop()


def _sealed(central: Central, number: str, account: int) -> bytes:
    return central.sealer.seal("accounts", account, {"id_number": number})


async def changed(
    context: Context, writing: CentralWriting, name: str, check: Check, change: Change
) -> UserPayload:
    """An account that the viewer may change, after the change, with its key. Raises Refusal."""
    viewer = context.signed_in()

    def work(connection: Connection) -> dict[str, Any]:
        with refusals("account"):
            account = find_account(connection, name)
            if account is None or not account.code.startswith(viewer.prefix):
                raise NotFound("there is no such account")
            check(connection, viewer, account)
            change(connection, account)
        writing.wrote("account", name)
        return {"account": name}

    kept, repeated = await writing.once(work)
    user = await read_user(context, kept["account"])
    if user is None:
        raise not_found("account")
    return UserPayload(user=user, repeated=repeated)


def _reason(given: str) -> str:
    mistakes = Mistakes()
    reason = needed(given, mistakes, ["reason"])
    mistakes.stop()
    return reason
