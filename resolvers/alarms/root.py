"""The root fields of alarms."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from resolvers.alarms.acknowledging import acknowledge_alarm
from resolvers.alarms.listing import list_alarms
from resolvers.alarms.raising import alarms_raised
from resolvers.arguments import After, First
from resolvers.context import context_of
from resolvers.writing.writing import answered
from schema.alarms import Alarm, AlarmConnection, AlarmFilter
from schema.scalars import RegionCode
from schema.writing.alarms import AcknowledgeAlarmInput, AcknowledgeAlarmResult

__all__ = ["AlarmMutations", "AlarmQueries", "AlarmSubscriptions"]

_Filter = Annotated[
    AlarmFilter | None, strawberry.argument(description="Which alarms; all unless given.")
]


@strawberry.type
class AlarmQueries:
    """Questions about alarms."""

    @strawberry.field(
        description=(
            "Alarms about accounts of the viewer's code and all below, and about nobody's, the "
            "newest first: for auditors and security administrators."
        )
    )
    async def alarms(
        self,
        info: strawberry.Info,
        filter: _Filter = None,
        first: First = None,
        after: After = None,
    ) -> AlarmConnection:
        """Alarms."""
        return await list_alarms(context_of(info), filter, first, after)


@strawberry.type
class AlarmMutations:
    """What becomes of alarms."""

    @strawberry.mutation(
        description=(
            "Says what came of looking into an alarm, once. Nobody does so with an alarm about the "
            "own account. The same idempotency key again gives the first result and writes "
            "nothing; with another input it is a conflict."
        )
    )
    async def acknowledge_alarm(
        self,
        info: strawberry.Info,
        input: Annotated[
            AcknowledgeAlarmInput,
            strawberry.argument(description="What to write, and the idempotency key."),
        ],
    ) -> AcknowledgeAlarmResult:
        """Says what came of looking into an alarm."""
        result: AcknowledgeAlarmResult = await answered(info, acknowledge_alarm, input)
        return result


@strawberry.type
class AlarmSubscriptions:
    """Alarms as they are raised."""

    @strawberry.subscription(
        description=(
            "Alarms as they are raised, from now on, of those that `alarms` lists: for auditors "
            "and security administrators. Rights are decided again at every event."
        )
    )
    async def alarm_raised(
        self,
        info: strawberry.Info,
        codes: Annotated[
            list[RegionCode] | None,
            strawberry.argument(
                description="Only those about accounts of these codes and all below."
            ),
        ] = None,
    ) -> AsyncGenerator[Alarm, None]:
        """Alarms as they are raised."""
        async with aclosing(alarms_raised(context_of(info), codes)) as found:
            async for alarm in found:
                yield alarm
