"""The root fields of what is on its way between regions."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.context import context_of
from resolvers.post.in_flight import list_in_flight
from resolvers.post.resending import resend_transfer
from resolvers.writing.writing import answered
from schema.post import ResendTransferInput, ResendTransferResult, TransfersInFlight

__all__ = ["PostMutations", "PostQueries"]


@strawberry.type
class PostQueries:
    """Questions about what is on its way."""

    @strawberry.field(
        description=(
            "The repair list: transfers in sight of which something has waited for too long, the "
            "oldest first, each with the reason and what may safely be done (在途转运). Nothing is "
            "given up: whatever waits is delivered when that is possible."
        )
    )
    async def transfers_in_flight(
        self,
        info: strawberry.Info,
        older_than_minutes: Annotated[
            int | None,
            strawberry.argument(
                description="From when on it is too long, 0 to 10,080; the gateway has a default."
            ),
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description="How many at most, 1 to 1,000; the gateway has a default."
            ),
        ] = None,
    ) -> TransfersInFlight:
        """The repair list."""
        return await list_in_flight(context_of(info), older_than_minutes, first, str(info.path.key))


@strawberry.type
class PostMutations:
    """What can be done about what is on its way."""

    @strawberry.mutation(
        description=(
            "Has what waits of a transfer delivered now, whatever failed before. It can do no "
            "harm: each message takes effect once. The same idempotency key with another transfer "
            "is a conflict."
        )
    )
    async def resend_transfer(
        self,
        info: strawberry.Info,
        input: Annotated[
            ResendTransferInput,
            strawberry.argument(description="The transfer, and the idempotency key."),
        ],
    ) -> ResendTransferResult:
        """Has what waits of a transfer delivered now."""
        result: ResendTransferResult = await answered(info, resend_transfer, input)
        return result
