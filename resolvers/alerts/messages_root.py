"""The root field of signals' messages."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.alerts.told import messages_of
from resolvers.context import context_of
from schema.alerts_messages import SignalMessage

__all__ = ["SignalMessageQueries"]


@strawberry.type
class SignalMessageQueries:
    """Questions about the messages of signals."""

    @strawberry.field(
        description=(
            "The messages of a signal: who was told, when, by which channel, and what came of it. "
            "Null where there is no such signal that the viewer may see."
        )
    )
    async def signal_messages(
        self,
        info: strawberry.Info,
        signal: Annotated[strawberry.ID, strawberry.argument(description="Id of the signal.")],
    ) -> list[SignalMessage] | None:
        """The messages of a signal."""
        return await messages_of(context_of(info), signal, str(info.path.key))
