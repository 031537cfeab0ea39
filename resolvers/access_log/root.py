"""The root fields of the access log, for auditors (G4)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.access_log.listing import list_entries, prove_entry, prove_growth, signed_now
from resolvers.arguments import After, First
from resolvers.context import context_of
from schema.access_log import (
    AccessEntryConnection,
    AccessLogFilter,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
)

__all__ = ["AccessLogQueries"]


Origin = Annotated[
    str | None,
    strawberry.argument(
        description="Of the log of this name, an entry's `origin`; the gateway's own unless given."
    ),
]


@strawberry.type
class AccessLogQueries:
    """Questions about who saw what."""

    @strawberry.field(
        description=(
            "The access log, newest first, for auditors: entries of accounts of the own code and "
            "all below, of questions to regions there, and of nobody's account. The logs of other "
            "gateways that this one can read are in the same list; those it cannot are named in "
            "`logs` and by LOG_UNAVAILABLE. Reading it is logged, too."
        )
    )
    async def access_log(
        self,
        info: strawberry.Info,
        filter: Annotated[
            AccessLogFilter | None,
            strawberry.argument(description="Which entries; all unless given."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> AccessEntryConnection:
        """The access log."""
        return await list_entries(context_of(info), filter, first, after, str(info.path.key))

    @strawberry.field(description="The newest signed state of the access log, for auditors.")
    async def access_log_checkpoint(
        self, info: strawberry.Info, origin: Origin = None
    ) -> Checkpoint:
        """The newest signed state of the access log."""
        return await signed_now(context_of(info), origin)

    @strawberry.field(description="That an entry is in the access log, for auditors.")
    async def access_log_proof(
        self,
        info: strawberry.Info,
        index: Annotated[
            int, strawberry.argument(description="The entry's index: its number less 1.")
        ],
        size: Annotated[
            int | None,
            strawberry.argument(
                description="In the tree of so many entries; the newest unless given."
            ),
        ] = None,
        origin: Origin = None,
    ) -> InclusionProof:
        """That an entry is in the access log."""
        return await prove_entry(context_of(info), index, size, origin)

    @strawberry.field(description="That the access log only grew, for auditors.")
    async def access_log_consistency(
        self,
        info: strawberry.Info,
        start: Annotated[int, strawberry.argument(name="from", description="The smaller size.")],
        end: Annotated[int, strawberry.argument(name="to", description="The larger size.")],
        origin: Origin = None,
    ) -> ConsistencyProof:
        """That the access log only grew."""
        return await prove_growth(context_of(info), start, end, origin)
