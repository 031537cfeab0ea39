"""The root fields of erasures."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.arguments import KEY, What
from resolvers.context import context_of
from resolvers.erasures.ordering import confirm_erasure, list_erasures, request_erasure
from resolvers.writing.writing import answered
from schema.erasures import (
    ConfirmErasureInput,
    ConfirmErasureResult,
    Erasure,
    RequestErasureInput,
    RequestErasureResult,
)

__all__ = ["ErasureMutations", "ErasureQueries"]


@strawberry.type
class ErasureQueries:
    """Questions about erasures."""

    @strawberry.field(
        description=(
            "Orders to erase a person, the newest first: for security administrators and auditors "
            "whose jurisdiction has every region in it."
        )
    )
    async def erasures(
        self,
        info: strawberry.Info,
        unconfirmed: Annotated[
            bool, strawberry.argument(description="Only those that nobody has confirmed.")
        ] = False,
        first: Annotated[
            int | None,
            strawberry.argument(description="How many, at most 1,000; the gateway has a default."),
        ] = None,
    ) -> list[Erasure]:
        """Orders to erase a person."""
        return await list_erasures(context_of(info), unconfirmed, first)


@strawberry.type
class ErasureMutations:
    """What erases a person."""

    @strawberry.mutation(
        description=(
            "Asks that a person be erased in every region: the records named, and all of the same "
            "ID number; and whoever was typed into the letters named. Nothing is erased before "
            "another security administrator confirms it. Needs "
            f"a second factor shown within ten minutes. {KEY}"
        )
    )
    async def request_erasure(
        self, info: strawberry.Info, input: Annotated[RequestErasureInput, What]
    ) -> RequestErasureResult:
        """Asks that a person be erased."""
        result: RequestErasureResult = await answered(info, request_erasure, input)
        return result

    @strawberry.mutation(
        description=(
            "Erases a person for good, as another security administrator asked, by destroying the "
            "person's key in every region; counts, relations and the access log stay. With a new "
            f"key it goes on where regions were away. {KEY}"
        )
    )
    async def confirm_erasure(
        self, info: strawberry.Info, input: Annotated[ConfirmErasureInput, What]
    ) -> ConfirmErasureResult:
        """Erases a person for good."""
        result: ConfirmErasureResult = await answered(info, confirm_erasure, input)
        return result
