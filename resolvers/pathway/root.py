"""The root fields of pathways."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.context import context_of
from resolvers.pathway.advancing import advance_pathway
from resolvers.pathway.overdue import list_overdue
from resolvers.pathway.reading import read_pathway
from resolvers.writing.writing import answered
from schema.pathway import OverdueConnection, OverdueFilter, Pathway
from schema.writing.pathway import AdvancePathwayInput, AdvancePathwayResult

__all__ = ["PathwayMutations", "PathwayQueries"]


@strawberry.type
class PathwayQueries:
    """Questions about pathways."""

    @strawberry.field(
        description=(
            "The pathway of a case or contact; null where there is none that the viewer may open. "
            "Under another `pack` it shows how the same events and their clocks would stand."
        )
    )
    async def pathway(
        self,
        info: strawberry.Info,
        record: Annotated[
            strawberry.ID, strawberry.argument(description="Id of a case or a contact.")
        ],
        pack: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Rules to try; its own unless given."),
        ] = None,
    ) -> Pathway | None:
        """The pathway of a case or contact."""
        return await read_pathway(context_of(info), record, pack, str(info.path.key))

    @strawberry.field(
        description=(
            "What is overdue on the pathways of all regions, whose it is and how late, the longest "
            "due first; what comes with `dueUntil`, what ever ran out with `lapses`."
        )
    )
    async def overdue(
        self,
        info: strawberry.Info,
        filter: Annotated[
            OverdueFilter | None,
            strawberry.argument(description="What is due; all overdue unless given."),
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description="Size of the page, at most 1,000; the gateway has a default."
            ),
        ] = None,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="The page behind this cursor: `endCursor` of the last."
            ),
        ] = None,
    ) -> OverdueConnection:
        """What is overdue."""
        return await list_overdue(context_of(info), filter, first, after, str(info.path.key))


@strawberry.type
class PathwayMutations:
    """What moves pathways on."""

    @strawberry.mutation(
        description=(
            "Begins the pathway of a case or contact, or records an event of it, after which it "
            "stands elsewhere or is refused by name. The same idempotency key again gives the "
            "first result and writes nothing; with another input it is a conflict."
        )
    )
    async def advance_pathway(
        self,
        info: strawberry.Info,
        input: Annotated[
            AdvancePathwayInput,
            strawberry.argument(description="What to write, and the idempotency key."),
        ],
    ) -> AdvancePathwayResult:
        """Begins a pathway or records an event of it."""
        result: AdvancePathwayResult = await answered(info, advance_pathway, input)
        return result
