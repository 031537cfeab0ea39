"""What the stores of applications, emergencies and requests for data share: ids, who acts, who may
read, pages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select, true

from regions.errors import Forbidden
from regions.text import under
from resolvers.context import Context
from resolvers.privacy.steps import Signer
from resolvers.questions.plans import page_size
from resolvers.users import Role, Viewer, prefix_of
from resolvers.users.accounts import Account, find_account, is_usable
from resolvers.writing.refusing import Refusal
from schema.nodes import PageInfo
from schema.users.staff import StaffContact
from schema.writing.problems import StepProblem

__all__ = [
    "CONTROLLERS",
    "Slice",
    "contact_of",
    "fresh_id",
    "global_id",
    "number_of",
    "read_slice",
    "required_account",
    "signer_of",
    "step_refused",
    "under_jurisdiction",
    "within_jurisdiction",
]

_BITS = 52  # of an id: JavaScript reads no more

T = TypeVar("T")

CONTROLLERS = frozenset({Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})
"""Who reads of every right within the jurisdiction, without the words and contact details."""


def fresh_id() -> int:
    """A number nobody has and nobody guesses."""
    return secrets.randbits(_BITS) + 1


def global_id(kind: str, number: int) -> str:
    """The id a client gets: `privacyApplication:123`."""
    return f"{kind}:{number}"


def number_of(kind: str, given: str) -> int | None:
    """The number of an id of this kind, None where it is none."""
    head, _, tail = given.partition(":")
    if head != kind or not (tail.isascii() and tail.isdecimal()) or len(tail) > 16:
        return None
    return int(tail)


def required_account(connection: Connection, viewer: Viewer) -> Account:
    """The account of the viewer as it stands in this transaction. Raises Forbidden."""
    found = find_account(connection, viewer.account)
    if found is None:
        raise Forbidden("your account is no longer there")
    return found


def signer_of(connection: Connection, viewer: Viewer, at: str) -> Signer:
    """Who acts, as the account stands in this transaction. Raises Forbidden."""
    account = required_account(connection, viewer)
    return Signer(
        account=account.account,
        person=account.person_index,
        unit=account.unit_id,
        department=account.department,
        head=account.head,
        administrator=account.role is Role.BUSINESS_ADMINISTRATOR
        and is_usable(connection, account.account, at),
    )


def step_refused(reason: str, text: tuple[str, str]) -> Refusal:
    """A step that cannot be taken, as a problem: its reason and what is said, English, Chinese."""
    return Refusal(
        StepProblem(code="STEP_REFUSED", message=text[0], message_zh=text[1], reason=reason)
    )


def within_jurisdiction(viewer: Viewer, code: str) -> bool:
    """Whether a code lies within the viewer's jurisdiction.

    A direct reporter opens what its unit reported, wherever that lives: any code will do.
    """
    return viewer.role is Role.DIRECT_REPORTER or prefix_of(code).startswith(viewer.prefix)


def contact_of(items: dict[str, Any] | None) -> StaffContact:
    """Contact details from an opened envelope, or masks where it was not opened."""

    def one(name: str) -> Any:
        return "*" if items is None else str(items.get(name) or "")

    return StaffContact(
        office_phone=one("office_phone"),
        mobile=one("mobile"),
        email=one("email"),
        qq=one("qq") or None,
        id_number=one("id_number"),
    )


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of rows of the gateway's own store. `cursors` are of the rows."""

    rows: Sequence[Row[Any]]
    cursors: Sequence[str]
    info: PageInfo
    total: int


def read_slice(
    context: Context,
    table: Table,
    kind: str,
    first: int | None,
    after: str | None,
    source: Any = None,
) -> Callable[[Connection, ColumnElement[bool]], Slice]:
    """What reads a page of a table with `created_at` and `id`, the newest first.

    The access log names what was read by `kind`. `source` is the table joined with others, where
    conditions need them. Raises InvalidCursor, InvalidInput, TooLarge.
    """
    answering = context.answering
    size = page_size(answering, first)
    bound_to = f"{table.name}|created_at".encode()
    place = answering.cursors.open(after, bound_to, 2) if after is not None else None

    def read(connection: Connection, where: ColumnElement[bool]) -> Slice:
        of = table if source is None else source
        total = connection.scalar(select(func.count()).select_from(of).where(where)) or 0
        later: ColumnElement[bool] = true()
        if place is not None:
            later = or_(
                table.c.created_at < place[0],
                and_(table.c.created_at == place[0], table.c.id < place[1]),
            )
        rows = connection.execute(
            select(table)
            .select_from(of)
            .where(where, later)
            .order_by(table.c.created_at.desc(), table.c.id.desc())
            .limit(size + 1)
        ).all()
        page = rows[:size]
        context.question.trail.saw(kind, [row.id for row in page])
        cursors = [answering.cursors.seal([row.created_at, row.id], bound_to) for row in page]
        info = PageInfo(
            has_next_page=len(rows) > size,
            has_previous_page=place is not None,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )
        return Slice(page, cursors, info, total)

    return read


def under_jurisdiction(column: ColumnElement[str], viewer: Viewer) -> ColumnElement[bool]:
    """The condition that a code lies within the viewer's jurisdiction."""
    return under(column, viewer.prefix) if viewer.prefix else true()
