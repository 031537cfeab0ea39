"""Fields that areas find for many records at once: which area does so for which field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resolvers.alerts.analyses import analyses_of
from resolvers.alerts.behind import cards_of
from resolvers.assist.reading import (
    copies_of,
    issuer_contacts_of,
    managed_contacts_of,
    notices_of,
    raised_cases_of,
    requests_of,
)
from resolvers.assist.reading import (
    events_of as letter_events_of,
)
from resolvers.pathway.reading import pathways_of
from resolvers.transfers.custodies import custodies_of
from resolvers.transfers.reading import events_of, people_of, transfers_of

if TYPE_CHECKING:
    from resolvers.context import Context

__all__ = ["GATHERED", "Gather", "gather"]

Gather = Callable[["Context", Sequence[Any]], Awaitable[Sequence[Any]]]
"""What an area finds for records of a type, one for each in order."""

GATHERED: Mapping[tuple[str, str], Gather] = {
    ("Person", "custody"): custodies_of,
    ("Contact", "pathway"): pathways_of,
    ("Case", "pathway"): pathways_of,
    ("Contact", "transfers"): transfers_of,
    ("Case", "transfers"): transfers_of,
    ("Contact", "assist_requests"): requests_of,
    ("AssistRequest", "events"): letter_events_of,
    ("AssistRequest", "notices"): notices_of,
    ("AssistRequest", "copied_to"): copies_of,
    ("AssistPerson", "contact"): managed_contacts_of,
    ("AssistPerson", "issuer_contact"): issuer_contacts_of,
    ("AssistPerson", "raised_case"): raised_cases_of,
    ("Signal", "cases_behind"): cards_of,
    ("Signal", "analysis"): analyses_of,
    ("Transfer", "people"): people_of,
    ("Transfer", "events"): events_of,
}
"""(type, field by its python name) → what finds it."""


async def gather(context: Context, kind: str, name: str, records: Sequence[Any]) -> Sequence[Any]:
    """The field of some records of a type."""
    return await GATHERED[(kind, name)](context, records)
