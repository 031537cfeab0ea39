"""One attempt to hand over what is under a lease, to its end: of signals, letters, emergencies."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import stamina

from gateway.messaging.channels import Channel, Outcome, Parcel, Verdict
from regions.errors import EpigateError
from resolvers.alerts.deliveries import Settled
from resolvers.writing.failures import WriteFailed

__all__ = ["LeaseLost", "attempt"]

_log = logging.getLogger(__name__)

_FAILURES = (WriteFailed, EpigateError)


class LeaseLost(Exception):
    """Another gateway has the delivery by now."""


async def attempt(
    name: str,
    channel: Channel,
    parcel: Callable[[], Awaitable[Parcel]],
    *,
    mark: Callable[[], Awaitable[bool]],
    write: Callable[[Settled], Awaitable[object]],
    lease: float,
) -> None:
    """Hands a parcel over by a channel, and writes what came of it. `name` is for the log, `lease`
    in seconds.

    `parcel` makes it, and may raise LeaseLost; `mark` notes the point of no return, and says
    whether the lease holds: only for a channel whose receivers do not drop repeats.
    """

    async def handing() -> None:
        if not channel.drops_repeats and not await mark():
            raise LeaseLost

    try:
        outcome = await channel.send(await parcel(), handing)
    except LeaseLost:
        return
    except _FAILURES:  # nothing was handed over
        outcome = Outcome(Verdict.NOT_NOW, "STORE_AWAY")
    settled = _settled(outcome, drops_repeats=channel.drops_repeats)
    _log.info("%s: %s", name, settled.outcome)
    # What is known is not given up while the lease lasts: a repeat would be asked for.
    async for one in stamina.retry_context(
        on=_FAILURES, attempts=None, timeout=lease, wait_initial=0.2, wait_max=5.0
    ):
        with one:
            await write(settled)


def _settled(outcome: Outcome, *, drops_repeats: bool) -> Settled:
    """What becomes of a delivery by what came of an attempt."""
    state = {
        Verdict.ACCEPTED: "ACCEPTED",
        Verdict.REFUSED: "FAILED",
        Verdict.NOT_NOW: "DUE",
        Verdict.DOUBT: "DUE" if drops_repeats else "DOUBTFUL",
    }[outcome.verdict]
    return Settled(state, outcome.word, outcome.reference, outcome.wait)
