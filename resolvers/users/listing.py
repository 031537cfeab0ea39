"""`users`: the accounts of the viewer's code and all below, for those who administer them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, true

from regions.offices import administrator_filings, unit_roles
from regions.privacy import emergencies
from regions.sealing import Sealer
from regions.text import under, under_any
from regions.users import accounts
from resolvers.context import Context, no_region_asked
from resolvers.filters import code_prefix, in_texts, plain
from resolvers.questions.plans import page_size
from resolvers.rights import require
from resolvers.users import Role, Viewer
from resolvers.users.shared import contact, page_info
from resolvers.users.states import ON_FILE, AccountState, FilingState, standing
from resolvers.writing.values import Moment
from schema.enums import UnitLevel
from schema.users.accounts import User, UserConnection, UserEdge, UserFilter, UserStanding
from schema.users.staff import Purpose, UserRole

__all__ = ["list_users", "read_user", "sees_contact", "user_of"]

_BOUND_TO = b"User|account"
_FILING = (
    select(administrator_filings.c.state)
    .where(
        administrator_filings.c.account == accounts.c.account,
        administrator_filings.c.state.in_([state.name for state in ON_FILE]),
    )
    .limit(1)
    .scalar_subquery()
)
_BARRED = (
    select(unit_roles.c.role)
    .where(
        unit_roles.c.unit_id == accounts.c.unit_id,
        unit_roles.c.role == accounts.c.role,
        unit_roles.c.enabled == 0,
    )
    .scalar_subquery()
)
_REVIEW_DUE = (
    select(func.min(emergencies.c.review_due_at))
    .where(
        emergencies.c.account == accounts.c.account,
        emergencies.c.reviewed_at.is_(None),
        emergencies.c.suspended_at.is_(None),
    )
    .scalar_subquery()
)
_ROWS = select(
    accounts,
    _FILING.label("filing"),
    _BARRED.label("barred"),
    _REVIEW_DUE.label("review_due"),
)


async def list_users(
    context: Context, wanted: UserFilter | None, first: int | None, after: str | None
) -> UserConnection:
    """A page of accounts. Raises Forbidden, InvalidCursor, TooLarge."""
    viewer = context.signed_in()
    require(viewer, "users")
    answering, central = context.answering, context.central
    size = page_size(answering, first)
    chosen = plain(wanted) if wanted else {}
    standings = frozenset(chosen.pop("standing", ()) or ()) if "standing" in chosen else None
    at = Moment.this().now
    matches = and_(_visible(viewer), _condition(chosen))
    place = answering.cursors.open(after, _BOUND_TO, 1)[0] if after is not None else ""

    def read(connection: Connection) -> list[Row[Any]]:
        found: list[Row[Any]] = []
        last = place
        while len(found) <= size:  # those of other standings are skipped
            rows = connection.execute(
                _ROWS.where(matches, accounts.c.account > last)
                .order_by(accounts.c.account)
                .limit(size + 1)
            ).all()
            found += [row for row in rows if _stands(row, at, standings)]
            if len(rows) <= size:
                break
            last = rows[-1].account
        return found[: size + 1]

    async def count() -> int:
        def counted(connection: Connection) -> int:
            if standings is None:
                query = select(func.count()).select_from(accounts).where(matches)
                return int(connection.execute(query).scalar_one())
            rows = connection.execute(_ROWS.where(matches))
            return sum(_stands(row, at, standings) for row in rows)

        return await central.do(counted)

    rows = await central.do(read)
    page = rows[:size]
    context.question.trail.saw("account", [row.account for row in page])
    edges = [
        UserEdge(
            cursor=answering.cursors.seal([row.account], _BOUND_TO),
            node=user_of(row, viewer, central.sealer, at),
        )
        for row in page
    ]
    info = page_info(edges, more=len(rows) > size, before=after is not None)
    regions = no_region_asked(context.question)
    return UserConnection(edges=edges, page_info=info, regions=regions, counting=count)


async def read_user(context: Context, account: str) -> User | None:
    """One account, as the viewer may see it."""
    viewer = context.signed_in()

    def read(connection: Connection) -> Row[Any] | None:
        return connection.execute(_ROWS.where(accounts.c.account == account)).first()

    row = await context.central.do(read)
    if row is None:
        return None
    context.question.trail.saw("account", [account])
    return user_of(row, viewer, context.central.sealer, Moment.this().now)


def sees_contact(viewer: Viewer, account: str | None, unit_id: str) -> bool:
    """Whether the viewer is the holder, or the administrator of the same unit."""
    if viewer.account == account:
        return True
    return viewer.role is Role.BUSINESS_ADMINISTRATOR and viewer.unit_id == unit_id


def user_of(row: Any, viewer: Viewer, sealer: Sealer, at: str) -> User:
    """A row as its type. Raises EnvelopeError."""
    shown = sees_contact(viewer, row.account, row.unit_id)
    return User(
        account=row.account,
        name=row.name,
        role=UserRole[row.role],
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=UnitLevel[row.unit_level],
        code=row.code,
        department=row.department,
        head=bool(row.head),
        purpose=Purpose[row.purpose] if row.purpose else None,
        standing=UserStanding[_standing(row, at)],
        suspended_until=row.suspended_until,
        created_at=row.created_at,
        valid_until=row.valid_until,
        renewed_at=row.renewed_at,
        renew_by=row.renew_by,
        contact=contact(sealer, "accounts", row.id, row.sealed, shown=shown),
    )


def _standing(row: Any, at: str) -> str:
    return standing(
        AccountState[row.state],
        at=at,
        suspended_until=row.suspended_until,
        valid_until=row.valid_until,
        renew_by=row.renew_by,
        filing=FilingState[row.filing] if row.filing else None,
        administrator=row.role == Role.BUSINESS_ADMINISTRATOR.name,
        barred=row.barred is not None,
        unreviewed=row.review_due is not None and row.review_due <= at,
    ).name


def _stands(row: Any, at: str, standings: frozenset[str] | None) -> bool:
    return standings is None or _standing(row, at) in standings


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    """A business administrator of an institution sees that alone; of a CDC, its code and below."""
    if viewer.role is Role.BUSINESS_ADMINISTRATOR and not viewer.unit_id.startswith("cdc-"):
        return accounts.c.unit_id == viewer.unit_id
    return under(accounts.c.code, viewer.prefix) if viewer.prefix else true()


def _condition(wanted: Mapping[str, Any]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = true()
    for name, column in (
        ("account", accounts.c.account),
        ("unit", accounts.c.unit_id),
        ("role", accounts.c.role),
    ):
        if name in wanted:
            found &= in_texts(column, wanted[name])
    if "code" in wanted:
        found &= under_any(accounts.c.code, [code_prefix(code) for code in wanted["code"]])
    if "renewBefore" in wanted:
        found &= accounts.c.renew_by < wanted["renewBefore"]
    return found
