"""`alarmRaised`: alarms as they are raised (G6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Any

from resolvers.alarms.listing import alarm_of, within
from resolvers.alarms.recording import new_alarms
from resolvers.central import Central
from resolvers.context import Context
from resolvers.filters import code_prefix
from schema.alarms import Alarm

__all__ = ["alarms_raised", "poll_alarms"]


async def alarms_raised(
    context: Context, codes: Sequence[str] | None
) -> AsyncGenerator[Alarm, None]:
    """The alarms from now on that the viewer may see when they are raised."""
    prefixes = [""] if codes is None else [code_prefix(code) for code in codes]
    async with context.feeds.alarms.listen() as events:
        async for row in events:
            if within(context.signed_in(), row.code, prefixes):
                yield alarm_of(row, context.central.sealer)


async def poll_alarms(central: Central, after: int | None) -> tuple[int, Sequence[Any]]:
    """The alarms behind an id (`resolvers.feeds.Poll`). Raises StoreError."""
    return await central.do(partial(new_alarms, after=after))
