"""The root fields of transfers and custody."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.context import context_of
from resolvers.transfers.custodies import custody_of
from resolvers.transfers.listing import list_transfers
from schema.transfers import Custody, TransferConnection, TransferFilter

__all__ = ["TransferQueries"]

_Filter = Annotated[
    TransferFilter | None, strawberry.argument(description="Which transfers; all unless given.")
]
_First = Annotated[
    int | None,
    strawberry.argument(description="Size of the page, at most 1,000; the gateway has a default."),
]
_After = Annotated[
    str | None,
    strawberry.argument(description="The page behind this cursor: `endCursor` of the last."),
]


@strawberry.type
class TransferQueries:
    """Questions about transfers."""

    @strawberry.field(
        description=(
            "Transfers of the jurisdiction, and those that the viewer's unit offers or decides on, "
            "the newest first: with `filter: {side: RECEIVED, state: OFFERED}` the unit's queue."
        )
    )
    async def transfers(
        self,
        info: strawberry.Info,
        filter: _Filter = None,
        first: _First = None,
        after: _After = None,
    ) -> TransferConnection:
        """Transfers."""
        return await list_transfers(context_of(info), filter, first, after, str(info.path.key))

    @strawberry.field(
        description="Who answers for a person now, and the whole trail, over every region."
    )
    async def custody(
        self,
        info: strawberry.Info,
        person_id: Annotated[strawberry.ID, strawberry.argument(description="The person.")],
    ) -> Custody:
        """Who answers for a person now."""
        return await custody_of(context_of(info), person_id, str(info.path.key))
