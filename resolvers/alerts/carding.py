"""`fileAbnormalInformationCard`: a signal is excluded, or becomes a suspected event (E9)."""

from __future__ import annotations

from typing import Any

from regions.alerts_forms import signal_cards
from resolvers.alerts.acting import Acting, Held
from resolvers.alerts.card import read_card
from resolvers.alerts.events import event_of, issue, join, open_event, person_of
from resolvers.alerts.filing import enter, reporting_unit, version_before
from resolvers.alerts.states import Event
from resolvers.context import Context
from resolvers.writing.refusing import Mistakes
from schema.writing.alerts import AbnormalInformationCardInput, SignalPayload

__all__ = ["file_abnormal_information_card"]


async def file_abnormal_information_card(
    context: Context, given: AbnormalInformationCardInput, path: str
) -> SignalPayload:
    """Files a version of the card of a signal. Raises Refusal."""
    acting = Acting(context, "fileAbnormalInformationCard", given, path)

    def work(held: Held) -> None:
        row, mistakes = held.row, Mistakes()
        version, before = version_before(held, signal_cards, "signal_id", row["id"])
        name = acting.writing.viewer.name
        filled = read_card(
            given, kind=row["kind"], before=before, viewer_name=name, mistakes=mistakes
        )
        if given.suspected:
            number = _suspect(held, given.event, version + 1)
        else:
            number = None
            held.event(Event.EXCLUDE, card=version + 1)
        mistakes.stop()
        enter(
            held,
            signal_cards,
            "abnormalinformationcard",
            filled,
            person_of(held.connection, [row]),
            **_automatic(row),
            signal_id=row["id"],
            version=version + 1,
            event_number=number,
            filled_at=held.who.at,
        )

    return await acting.do(work)


def _suspect(held: Held, asked: str | None, card: int) -> str:
    """The number of the event that the signal is part of from now on."""
    event = event_of(held.connection, held.row)
    known = event
    if asked is not None and (event is None or event["number"] != asked):
        event = open_event(held, asked)
    elif event is None:
        event = issue(held)
    number: str = event["number"]
    held.event(Event.SUSPECT, card=card, event=number)
    if event is not known:
        join(held, held.row, event)
    return number


def _automatic(row: dict[str, Any]) -> dict[str, Any]:
    """What the gateway fills in."""
    return reporting_unit(row["code"]) | {
        "signal_number": row["number"],
        "sent_at": row["sent_at"],
        "disease": row["disease"],
        "cases": row["cases"],
        "deaths": row["deaths"],
    }
