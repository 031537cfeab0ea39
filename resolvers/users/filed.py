"""Administrators' filings as they are read: the list, one as its type (A4-A6)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select, true

from regions.areas import reference_areas
from regions.offices import administrator_filings as filings
from regions.text import under
from resolvers.context import Context
from resolvers.filters import in_texts, plain
from resolvers.questions.plans import page_size
from resolvers.rights import require
from resolvers.users import BUSINESS_ROLES, Viewer
from resolvers.users.levels import unit_above
from resolvers.users.listing import sees_contact
from resolvers.users.shared import contact, page_info
from schema.enums import UnitLevel
from schema.users.filing import (
    AdministratorFiling,
    AdministratorFilingConnection,
    AdministratorFilingEdge,
    AdministratorFilingFilter,
    FilingState,
)

__all__ = ["filing_type", "list_filings"]

_BOUND_TO = b"AdministratorFiling|id"


async def list_filings(
    context: Context,
    wanted: AdministratorFilingFilter | None,
    first: int | None,
    after: str | None,
) -> AdministratorFilingConnection:
    """Filings of the viewer's code and all below, the newest first. Raises Forbidden."""
    viewer = context.signed_in()
    require(viewer, "administratorFilings")
    answering, central = context.answering, context.central
    size = page_size(answering, first)
    matches = _visible(viewer)
    chosen = plain(wanted) if wanted else {}
    for name, column in (("unit", filings.c.unit_id), ("state", filings.c.state)):
        if name in chosen:
            matches &= in_texts(column, chosen[name])
    if after is not None:
        matches &= filings.c.id < answering.cursors.open(after, _BOUND_TO, 1)[0]
    query = select(filings).where(matches).order_by(filings.c.id.desc()).limit(size + 1)
    rows = await central.do(lambda store: store.execute(query).all())
    page = rows[:size]
    context.question.trail.saw("filing", [row.id for row in page])
    edges = [
        AdministratorFilingEdge(
            cursor=answering.cursors.seal([row.id], _BOUND_TO), node=filing_type(context, row)
        )
        for row in page
    ]
    return AdministratorFilingConnection(
        edges=edges, page_info=page_info(edges, more=len(rows) > size, before=after is not None)
    )


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    """Own filings, those of the viewer's unit, and for administrators those of its code."""
    own = or_(filings.c.filed_by == viewer.account, filings.c.account == viewer.account)
    if viewer.role in BUSINESS_ROLES:
        return own
    if not viewer.unit_id.startswith("cdc-"):
        return or_(own, filings.c.unit_id == viewer.unit_id)
    return under(filings.c.code, viewer.prefix) if viewer.prefix else true()


def filing_type(context: Context, row: Any) -> AdministratorFiling:
    """The row as its type, contact details as the viewer may see them."""
    viewer, sealer = context.signed_in(), context.central.sealer
    # The form is what the level above decides on: it sees what stands there (annex 1).
    above = unit_above(row.unit_id, row.unit_level, row.code)
    shown = (
        sees_contact(viewer, row.account, row.unit_id)
        or row.filed_by == viewer.account
        or (above is not None and sees_contact(viewer, None, above))
    )
    province = row.code[:2] + "0000"
    return AdministratorFiling(
        id=f"filing:{row.id}",  # type: ignore[arg-type]  # scalars are text
        state=FilingState[row.state],
        province="全国" if row.code == "000000" else reference_areas().name(province),
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_level=UnitLevel[row.unit_level],
        code=row.code,
        department=row.department,
        name=row.name,
        account=row.account,
        contact=contact(sealer, filings.name, row.id, row.sealed, shown=shown),
        security_commitment=bool(row.security_commitment),
        privacy_commitment=bool(row.privacy_commitment),
        signed_on=row.signed_on,
        head_name=row.head_name,
        head_signed_on=row.head_signed_on,
        second_reason=row.second_reason,
        filed_by=row.filed_by,
        filed_at=row.filed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
    )
