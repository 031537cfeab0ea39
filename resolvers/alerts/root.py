"""The root fields of signals and of the rules they come from."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from regions.instants import now
from resolvers.alerts.raising import signals_raised
from resolvers.alerts.replaying import detect_series
from resolvers.alerts.showing import list_rules
from resolvers.arguments import After, First
from resolvers.context import context_of
from resolvers.lists import connection
from resolvers.rights import require
from schema.alerts import (
    DetectedSeries,
    DetectInput,
    DetectionRule,
    Signal,
    SignalConnection,
    SignalEdge,
    SignalFilter,
)
from schema.scalars import RegionCode

__all__ = ["AlertQueries", "AlertSubscriptions"]

_Filter = Annotated[
    SignalFilter | None, strawberry.argument(description="Which signals; all unless given.")
]


@strawberry.type
class AlertQueries:
    """Questions about signals."""

    @strawberry.field(
        description=(
            "Signals of the viewer's jurisdiction, and clusters that have a county in it, merged "
            "over regions, the newest first."
        )
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
            "What a method says of series, day by day, by the counts of now: a replay, or a "
            "what-if. It stores nothing."
        )
    )
    async def detect(
        self,
        info: strawberry.Info,
        input: Annotated[DetectInput, strawberry.argument(description="What to detect.")],
    ) -> list[DetectedSeries]:
        """What a method says of series."""
        context = context_of(info)
        require(context.signed_in(), "detect")
        return await detect_series(context, input, str(info.path.key))

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


@strawberry.type
class AlertSubscriptions:
    """Signals as they are raised."""

    @strawberry.subscription(
        description=(
            "Signals as they are raised, from now on, of those that `signals` lists and that stand "
            "for themselves. Rights are decided again at every event."
        )
    )
    async def signal_raised(
        self,
        info: strawberry.Info,
        codes: Annotated[
            list[RegionCode] | None,
            strawberry.argument(description="Only those of these codes and all below."),
        ] = None,
    ) -> AsyncGenerator[Signal, None]:
        """Signals as they are raised."""
        async with aclosing(signals_raised(context_of(info), codes)) as found:
            async for one in found:
                yield one
