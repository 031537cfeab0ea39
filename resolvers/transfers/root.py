"""The root fields of transfers and custody."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from resolvers.arguments import After, First
from resolvers.context import context_of
from resolvers.lists import asks_for
from resolvers.transfers.changing import transfers_changed
from resolvers.transfers.custodies import custody_of
from resolvers.transfers.deciding import (
    accept_transfer,
    cancel_transfer,
    record_arrival,
    refuse_transfer,
)
from resolvers.transfers.listing import list_transfers
from resolvers.transfers.offering import offer_transfer
from resolvers.writing.writing import answered
from schema.scalars import RegionCode
from schema.transfers import Custody, Transfer, TransferConnection, TransferFilter
from schema.writing.transfers import (
    OfferTransferInput,
    RecordArrivalInput,
    RefuseTransferInput,
    TransferActionInput,
    TransferResult,
)

__all__ = ["TransferMutations", "TransferQueries", "TransferSubscriptions"]

_KEY = (
    "The same idempotency key again gives the first result and writes nothing; with another input "
    "it is a conflict."
)
_WHAT = strawberry.argument(description="The step, and the idempotency key.")

_Filter = Annotated[
    TransferFilter | None, strawberry.argument(description="Which transfers; all unless given.")
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
        first: First = None,
        after: After = None,
    ) -> TransferConnection:
        """Transfers."""
        count = asks_for(info.selected_fields, "totalCount")
        path = str(info.path.key)
        return await list_transfers(context_of(info), filter, first, after, path, count=count)

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


@strawberry.type
class TransferMutations:
    """What hands people over."""

    @strawberry.mutation(
        description=(
            "Offers 1 to 1,000 people to another unit, each for itself: one who cannot be offered "
            f"does not keep the others back. They stay with the sender until accepted. {_KEY}"
        )
    )
    async def offer_transfer(
        self, info: strawberry.Info, input: Annotated[OfferTransferInput, _WHAT]
    ) -> TransferResult:
        """Offers people to another unit."""
        result: TransferResult = await answered(info, offer_transfer, input)
        return result

    @strawberry.mutation(
        description=(
            "Accepts people who are offered to the viewer's unit, or to one of its jurisdiction: "
            f"their region answers for them once the sender has handed them over. {_KEY}"
        )
    )
    async def accept_transfer(
        self, info: strawberry.Info, input: Annotated[TransferActionInput, _WHAT]
    ) -> TransferResult:
        """Accepts people who are offered."""
        result: TransferResult = await answered(info, accept_transfer, input)
        return result

    @strawberry.mutation(
        description=f"Refuses people who are offered, with a reason: they stay. {_KEY}"
    )
    async def refuse_transfer(
        self, info: strawberry.Info, input: Annotated[RefuseTransferInput, _WHAT]
    ) -> TransferResult:
        """Refuses people who are offered."""
        result: TransferResult = await answered(info, refuse_transfer, input)
        return result

    @strawberry.mutation(
        description=(
            "Takes an offer back. Where it was accepted meanwhile, whatever reaches the sender "
            f"first counts. {_KEY}"
        )
    )
    async def cancel_transfer(
        self, info: strawberry.Info, input: Annotated[TransferActionInput, _WHAT]
    ) -> TransferResult:
        """Takes an offer back."""
        result: TransferResult = await answered(info, cancel_transfer, input)
        return result

    @strawberry.mutation(
        description=f"Records when those who were handed over arrived; the sender is told. {_KEY}"
    )
    async def record_arrival(
        self, info: strawberry.Info, input: Annotated[RecordArrivalInput, _WHAT]
    ) -> TransferResult:
        """Records when the people of a transfer arrived."""
        result: TransferResult = await answered(info, record_arrival, input)
        return result


@strawberry.type
class TransferSubscriptions:
    """Transfers as they change."""

    @strawberry.subscription(
        description=(
            "Transfers as they change, from now on, of those that `transfers` lists: each side by "
            "its own region's record. Rights are decided again at every event."
        )
    )
    async def transfer_changed(
        self,
        info: strawberry.Info,
        codes: Annotated[
            list[RegionCode] | None,
            strawberry.argument(
                description="Only the sides of units of these codes and all below."
            ),
        ] = None,
    ) -> AsyncGenerator[Transfer, None]:
        """Transfers as they change."""
        events = transfers_changed(context_of(info), codes, str(info.path.key))
        async with aclosing(events) as found:
            async for transfer in found:
                yield transfer
