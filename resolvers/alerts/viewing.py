"""`viewSignal`, `startVerification`: an officer looks at a signal, and begins to verify it (E8)."""

from __future__ import annotations

from resolvers.alerts.acting import Acting, Held
from resolvers.alerts.states import Event, Party
from resolvers.context import Context
from schema.writing.alerts import SignalActionInput, SignalPayload

__all__ = ["start_verification", "view_signal"]


async def view_signal(context: Context, given: SignalActionInput, path: str) -> SignalPayload:
    """Notes that an officer looks at a signal; of the county the first look is a state.

    Raises Refusal.
    """

    def work(held: Held) -> None:
        held.event(Event.VIEW if held.who.party is Party.COUNTY else Event.OVERSEE)

    return await Acting(context, "viewSignal", given, path).do(work)


async def start_verification(
    context: Context, given: SignalActionInput, path: str
) -> SignalPayload:
    """Begins to verify a signal. Raises Refusal."""

    def work(held: Held) -> None:
        held.event(Event.VERIFY)

    return await Acting(context, "startVerification", given, path).do(work)
