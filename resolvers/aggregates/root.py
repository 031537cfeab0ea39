"""The question of aggregates."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.aggregates.answering import aggregate
from resolvers.context import context_of
from schema.aggregates import AggregateInput, Aggregates

__all__ = ["AggregateQueries"]


@strawberry.type
class AggregateQueries:
    """Questions about nobody."""

    @strawberry.field(
        description=(
            "Counts of cases or contacts that tell of nobody: rounded to fives, and none where "
            "there may be fewer than five (F13)."
        )
    )
    async def aggregates(
        self,
        info: strawberry.Info,
        input: Annotated[AggregateInput, strawberry.argument(description="What to count.")],
    ) -> Aggregates:
        """Counts that tell of nobody."""
        return await aggregate(context_of(info), input, str(info.path.key))
