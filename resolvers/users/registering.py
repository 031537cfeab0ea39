"""`register` and `approveRegistration`: real-name registration (A1, A8, A12).

Whoever registers learns the same whether the wanted login name is free or taken, so that strangers
cannot find out which accounts there are: the account gets its name when an administrator of the
unit approves, with a number behind it where the wanted one is taken, and the holder of the receipt
is told which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from regions.errors import InvalidInput, NotFound
from regions.instants import now
from regions.users import RENEWAL_DAYS, VALID_DAYS, accounts, registrations
from resolvers.central import Central
from resolvers.context import Context
from resolvers.networks import network_of
from resolvers.users import Role, Viewer
from resolvers.users.accounts import days_from, is_barred, next_id, note_event
from resolvers.users.authority import require_answering
from resolvers.users.limits import require_room
from resolvers.users.listing import read_user
from resolvers.users.names import check_free, is_free
from resolvers.users.persons import check_person
from resolvers.users.registrations import (
    of_unit,
    pending_since,
    receipt_of,
    registration_type,
)
from resolvers.users.shared import (
    check_login,
    find_unit,
    needed,
    number_of,
    refusals,
)
from resolvers.users.staff import LONGEST_NAME, read_contact, read_items
from resolvers.users.states import REGISTRATION, RegistrationEvent, WrongState, registration_at
from resolvers.users.states import RegistrationState as State
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import text
from schema.users.registering import (
    ApproveRegistrationInput,
    ApproveRegistrationPayload,
    RegisterInput,
    RegisterPayload,
    RegistrationState,
)
from schema.users.staff import Purpose

__all__ = [
    "PURPOSES",
    "approve_registration",
    "register",
    "term",
]

PURPOSES: Mapping[Role, frozenset[Purpose]] = {
    Role.DIRECT_REPORTER: frozenset({Purpose.REPORT}),
    Role.UNIT_USER: frozenset({Purpose.MONITOR, Purpose.DATA_QUALITY}),
    Role.DUTY_PERSON: frozenset({Purpose.MONITOR}),
    Role.REVIEWER: frozenset({Purpose.REVIEW, Purpose.DATA_QUALITY}),
}
"""The roles that can be registered, and what an account of each may be for (A8)."""

_MOST_TRIED = 1_000  # numbers behind a wanted login name


async def register(context: Context, given: RegisterInput, path: str) -> RegisterPayload:
    """Takes a registration of somebody without a session. Raises Refusal, TooManyRequests."""
    # The password is no part of what is kept with the key: a keyed hash of it would be a fast one.
    writing = CentralWriting(context, "register", replace(given, password=""), account="")
    central, at = context.central, writing.moment.now
    mistakes = Mistakes()
    name = needed(given.name, mistakes, ["name"], LONGEST_NAME)
    department = text(given.department, mistakes, ["department"], LONGEST_NAME)
    items = read_contact(given.contact, mistakes, ["contact"])
    check_login(context, given.account, given.password, mistakes)
    role = Role[given.role.name]
    if role not in PURPOSES:
        mistakes.add(
            ["role"],
            "administrators are filed with the level above, machines are set up by the system "
            "administrator",
            "管理员须向上级备案，系统账号由系统管理员设置",
        )
    elif given.purpose not in PURPOSES[role]:
        allowed = ", ".join(sorted(one.name for one in PURPOSES[role]))
        mistakes.add(
            ["purpose"],
            f"an account of the role {role.value} is not for this, but for {allowed}; whoever only "
            "looks data up gets them by a data-service request",
            f"该角色不用于此目的（可选 {allowed}）；仅查询数据的人员请走数据服务申请",
        )
    if given.head and department is None:
        mistakes.add(["department"], "the head of which department", "请填写所任部门")
    mistakes.stop()
    unit = await find_unit(context, given.unit, "unit")
    network, since = network_of(context.address), pending_since(central, at)
    address_hash = context.stores.fingerprints.of_key("registration address", network)

    def look(connection: Connection) -> None:  # before a password is hashed for nothing
        if not writing.is_repeated(connection):
            require_room(connection, unit.id, address_hash, at, since)

    await central.do(look)
    password_hash = await central.passwords.hash(given.password)
    person_index = context.central.indexer.id_number(items["id_number"])

    def work(connection: Connection) -> dict[str, Any]:
        require_room(connection, unit.id, address_hash, at, since)
        number = next_id(connection, registrations)
        connection.execute(
            insert(registrations).values(
                id=number,
                state=State.PENDING.name,
                wanted=given.account,
                name=name,
                role=role.name,
                purpose=given.purpose.name,
                unit_id=unit.id,
                unit_name=unit.name,
                unit_level=unit.level,
                code=unit.code,
                department=department,
                head=int(given.head),
                password_hash=password_hash,
                person_index=person_index,
                sealed=central.sealer.seal("registrations", number, items),
                address_hash=address_hash,
                created_at=at,
            )
        )
        writing.wrote("registration", number)
        return {"registration": number}

    kept, repeated = await writing.once(work)
    return RegisterPayload(
        receipt=receipt_of(context, kept["registration"]),
        state=RegistrationState.PENDING,
        repeated=repeated,
    )


async def approve_registration(
    context: Context, given: ApproveRegistrationInput, path: str
) -> ApproveRegistrationPayload:
    """Approves or refuses a registration of the viewer's unit. Raises Refusal."""
    viewer, central = context.signed_in(), context.central
    writing = CentralWriting(context, "approveRegistration", given, account=viewer.account)
    number = number_of(given.registration, "registration", "registration")
    mistakes = Mistakes()
    reason = text(given.reason, mistakes, ["reason"], 500)
    if not given.approve and reason is None:
        mistakes.add(["reason"], "a refusal needs its reason", "退回须说明原因")
    until = term(given.valid_until, writing.moment.now, mistakes)
    since = pending_since(central, writing.moment.now)
    mistakes.stop()

    def work(connection: Connection) -> dict[str, Any]:
        row = connection.execute(select(registrations).where(registrations.c.id == number)).first()
        with refusals("registration"):
            if row is None or not row.code.startswith(viewer.prefix):
                raise NotFound("there is no such registration")
            require_answering(connection, viewer, *of_unit(row))
            event = RegistrationEvent.APPROVE if given.approve else RegistrationEvent.REFUSE
            try:
                after = REGISTRATION.next(
                    registration_at(State[row.state], row.created_at, since), event
                )
            except WrongState as error:
                raise InvalidInput(error.refusal, messageZh=error.refusal_zh) from None
        account = None
        if given.approve:
            account = _make_account(connection, central, row, given.account, until, viewer)
        connection.execute(
            update(registrations)
            .where(registrations.c.id == number)
            .values(
                state=after.name,
                account=account,
                password_hash=None,
                decided_by=viewer.account,
                decided_at=writing.moment.now,
                reason=None if given.approve else reason,
            )
        )
        writing.wrote("registration", number)
        if account is not None:
            writing.wrote("account", account)
        return {"account": account}

    kept, repeated = await writing.once(work)
    row = await central.do(
        lambda store: store.execute(select(registrations).where(registrations.c.id == number)).one()
    )
    user = await read_user(context, kept["account"]) if kept["account"] else None
    return ApproveRegistrationPayload(
        registration=registration_type(row, viewer, central, since), user=user, repeated=repeated
    )


def term(given: str | None, at: str, mistakes: Mistakes) -> str:
    """The end of an account's term: three years ahead, unless an earlier one is given."""
    longest = days_from(at, VALID_DAYS)
    if given is None:
        return longest
    if not at < given <= longest:
        mistakes.add(
            ["validUntil"],
            f"a term ends in the future and within {VALID_DAYS} days",
            f"有效期须晚于当前时间，且不超过 {VALID_DAYS} 天",
        )
    return given


def _make_account(
    connection: Connection,
    central: Central,
    row: Any,
    given: str | None,
    until: str,
    viewer: Viewer,
) -> str:
    """Makes the account of a registration and returns its login name. Raises Refusal."""
    with refusals("registration"):
        role = Role[row.role]
        if is_barred(connection, row.unit_id, role):
            raise InvalidInput(
                f"{row.unit_name} may not have accounts of the role {role.value}",
                messageZh="该机构已被取消此角色权限",
            )
        check_person(connection, row.person_index, role, row.unit_id)
    with refusals("account"):
        account = given or _free_name(connection, row.wanted)
        check_free(connection, account)
    at, own = now(), next_id(connection, accounts)
    items = read_items(central.sealer.open("registrations", row.id, row.sealed))
    connection.execute(
        insert(accounts).values(
            account=account,
            id=own,
            name=row.name,
            role=row.role,
            unit_id=row.unit_id,
            unit_name=row.unit_name,
            unit_level=row.unit_level,
            code=row.code,
            department=row.department,
            head=row.head,
            purpose=row.purpose,
            password_hash=row.password_hash,
            valid_until=until,
            renewed_at=at,
            renew_by=days_from(at, RENEWAL_DAYS),
            person_index=row.person_index,
            sealed=central.sealer.seal("accounts", own, items),
            created_at=at,
        )
    )
    note_event(connection, account, "APPROVE", "", viewer.account)
    return account


def _free_name(connection: Connection, wanted: str) -> str:
    """The wanted login name, with a number behind it where it is taken."""
    if is_free(connection, wanted):
        return wanted
    for number in range(2, _MOST_TRIED):
        tried = f"{wanted[:58]}-{number}"
        if is_free(connection, tried):
            return tried
    raise InvalidInput("the wanted login name is taken", hint="give another one as `account`")
