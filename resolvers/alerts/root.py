"""The root fields of signals and of the rules they come from."""

from __future__ import annotations

from typing import Annotated

import strawberry

from regions.instants import now
from resolvers.alerts.showing import list_rules
from resolvers.arguments import After, First
from resolvers.context import context_of
from resolvers.lists import connection
from resolvers.rights import require
from schema.alerts import (
    DetectionRule,
    SignalConnection,
    SignalEdge,
    SignalFilter,
)
from schema.scalars import RegionCode

__all__ = ["AlertQueries"]

_Filter = Annotated[
    SignalFilter | None, strawberry.argument(description="Which signals; all unless given.")
]


@strawberry.type
class AlertQueries:
    """Questions about signals."""

    @strawberry.field(
        description="Signals of the viewer's jurisdiction, merged over regions, the newest first."
    )
    async def signals(
        self,
        info: strawberry.Info,
        filter: _Filter = None,
        first: First = None,
        after: After = None,
    ) -> SignalConnection:
        """Signals."""
        require(context_of(info).signed_in(), "signals")
        types = (SignalConnection, SignalEdge)
        found: SignalConnection = await connection(
            info, "Signal", types, filter, None, first, after
        )
        return found

    @strawberry.field(
        description=(
            "The rules of detection: which method watches which disease where, from when to when."
        )
    )
    async def detection_rules(
        self,
        info: strawberry.Info,
        code: Annotated[
            RegionCode | None,
            strawberry.argument(
                description="Only those that hold there today; every rule unless given."
            ),
        ] = None,
    ) -> list[DetectionRule]:
        """The rules of detection."""
        return await list_rules(context_of(info), code, now()[:10])
