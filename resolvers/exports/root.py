"""The question and the mutations of exports."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from resolvers.arguments import KEY, After, First, What
from resolvers.context import Context, context_of
from resolvers.exports.listing import list_exports
from resolvers.exports.requesting import decide_export, request_export
from resolvers.writing.writing import answered
from schema.exports import (
    DecideExportInput,
    DecideExportResult,
    ExportConnection,
    ExportFilter,
    RequestExportInput,
    RequestExportResult,
)

__all__ = ["ExportMutations", "ExportQueries"]

_Exports = Annotated[
    ExportFilter | None, strawberry.argument(description="Which exports; all unless given.")
]


@strawberry.type
class ExportQueries:
    """Questions about exports."""

    @strawberry.field(
        description=(
            "The viewer's exports, newest first; for the unit's business administrator those of "
            "the unit."
        )
    )
    async def exports(
        self,
        info: strawberry.Info,
        filter: _Exports = None,
        first: First = None,
        after: After = None,
    ) -> ExportConnection:
        """The viewer's exports."""
        return await list_exports(context_of(info), filter, first, after)


@strawberry.type
class ExportMutations:
    """What makes exports and decides about them."""

    @strawberry.mutation(
        description=(
            "Asks for a list as a file. A large one waits for approval; else its link serves at "
            f"once. {KEY}"
        )
    )
    async def request_export(
        self, info: strawberry.Info, input: Annotated[RequestExportInput, What]
    ) -> RequestExportResult:
        """Asks for a list as a file."""
        schema = info.schema._schema

        async def work(context: Context, given: RequestExportInput, path: str) -> Any:
            return await request_export(context, given, path, schema)

        result: RequestExportResult = await answered(info, work, input)
        return result

    @strawberry.mutation(
        description=(
            "Approves or refuses an export of the unit that waits: for a different person than "
            f"who asked for it. {KEY}"
        )
    )
    async def decide_export(
        self, info: strawberry.Info, input: Annotated[DecideExportInput, What]
    ) -> DecideExportResult:
        """Approves or refuses an export."""
        result: DecideExportResult = await answered(info, decide_export, input)
        return result
