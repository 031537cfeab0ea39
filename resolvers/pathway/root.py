"""The root fields of pathways."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from resolvers.arguments import After, First
from resolvers.context import context_of
from resolvers.lists import asks_for
from resolvers.pathway.advancing import advance_pathway
from resolvers.pathway.becoming import became_overdue
from resolvers.pathway.figures import public_figures
from resolvers.pathway.follow_up import follow_up_sheet
from resolvers.pathway.overdue import list_overdue
from resolvers.pathway.reading import read_pathway
from resolvers.writing.writing import answered
from schema.figures import PublicFigures
from schema.follow_up import FollowUpSheet
from schema.pathway import OverdueConnection, OverdueFilter, OverdueItem, Pathway
from schema.scalars import Date, RegionCode
from schema.writing.pathway import AdvancePathwayInput, AdvancePathwayResult

__all__ = ["PathwayMutations", "PathwayQueries", "PathwaySubscriptions"]


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
            "What is overdue on the pathways and signals of all regions, whose it is and how late, "
            "the longest due first; what comes with `dueUntil`, what is going to run out with "
            "`predicted`, what ever ran out with `lapses`."
        )
    )
    async def overdue(
        self,
        info: strawberry.Info,
        filter: Annotated[
            OverdueFilter | None,
            strawberry.argument(description="What is due; all overdue unless given."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> OverdueConnection:
        """What is overdue."""
        count = asks_for(info.selected_fields, "totalCount")
        path = str(info.path.key)
        return await list_overdue(context_of(info), filter, first, after, path, count=count)

    @strawberry.field(
        description=(
            "Whom a unit has to see on a day and what is due of each by its end, what is overdue "
            "with it. Private items are masked as everywhere. "
            "`GET /follow-up-sheets/<date>.csv` is the own unit's as a file."
        )
    )
    async def follow_up_sheet(
        self,
        info: strawberry.Info,
        date: Annotated[Date, strawberry.argument(description="The day, in China.")],
        unit: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The unit responsible; the viewer's own unless given."),
        ] = None,
    ) -> FollowUpSheet:
        """Whom a unit has to see on a day."""
        return await follow_up_sheet(context_of(info), date, unit, str(info.path.key))

    @strawberry.field(
        description=(
            "The figures of a day that a city may publish (N113): reports, outcomes and carriers "
            "under observation, local and imported. For accounts of a city and above; of a county "
            "there are none."
        )
    )
    async def public_figures(
        self,
        info: strawberry.Info,
        date: Annotated[Date, strawberry.argument(description="The day, in China.")],
        code: Annotated[
            RegionCode, strawberry.argument(description="A city, a province or the country.")
        ],
    ) -> PublicFigures:
        """The figures of a day that a city may publish."""
        return await public_figures(context_of(info), date, code, str(info.path.key))


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


@strawberry.type
class PathwaySubscriptions:
    """Pathways as things happen."""

    @strawberry.subscription(
        description=(
            "What runs out undone on the pathways and signals of all regions, from now on, told "
            "within half a minute: what `overdue` lists with `lapses`. Rights are decided again at "
            "every event."
        )
    )
    async def became_overdue(
        self,
        info: strawberry.Info,
        codes: Annotated[
            list[RegionCode] | None,
            strawberry.argument(
                description="Only those for which these counties are responsible, or any below."
            ),
        ] = None,
    ) -> AsyncGenerator[OverdueItem, None]:
        """What ran out undone."""
        async with aclosing(became_overdue(context_of(info), codes)) as found:
            async for item in found:
                yield item
