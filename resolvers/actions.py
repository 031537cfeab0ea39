"""What a machine client's token may be good for: actions, and the root fields of each.

A token of a client is narrower than its account: it names one code and some actions. A root field
that stands in no row is for nobody with such a token: a new field is closed until it is put here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from regions.errors import Forbidden
from resolvers.users import Viewer

__all__ = ["ACTIONS", "allows", "require_action"]

ACTIONS: Mapping[str, frozenset[str]] = {
    "READ": frozenset(
        {
            "me",
            "node",
            "nodes",
            "regions",
            "cases",
            "contacts",
            "people",
            "chain",
            "counts",
            "diseases",
            "units",
            "pathway",
            "overdue",
            "followUpSheet",
            "signals",
            "detectionRules",
            "detect",
            "signalRaised",
            "signalReport",
        }
    ),
    "CHECK": frozenset({"me", "checkDuplicate"}),
    "REGISTER": frozenset({"me", "registerCase", "registerContacts"}),
    "CARE": frozenset({"me", "recordVisit", "recordSample", "advancePathway"}),
    "CORRECT": frozenset({"me", "correct"}),
    "TRANSFER": frozenset(
        {
            "me",
            "transfers",
            "custody",
            "offerTransfer",
            "acceptTransfer",
            "refuseTransfer",
            "cancelTransfer",
            "recordArrival",
            "transferChanged",
            "transfersInFlight",
            "resendTransfer",
        }
    ),
    "ASSIST": frozenset(
        {
            "me",
            "assistRequests",
            "assistIndicators",
            "createAssistRequest",
            "importAssistPeople",
            "submitAssistRequest",
            "withdrawAssistRequest",
            "amendAssistRequest",
            "attachToAssistRequest",
            "acknowledgeAssistRequest",
            "readAssistRequest",
            "refuseAssistRequest",
            "forwardAssistRequest",
            "assignAssistRequest",
            "reportAssistPerson",
            "feedBackAssistRequest",
            "closeAssistRequest",
            "askMoreOfAssistRequest",
            "decideAssistExclusion",
        }
    ),
}
"""Action → root fields."""


def allows(viewer: Viewer, field: str) -> bool:
    """Whether the viewer's token is good for a root field; a person's is good for all."""
    if viewer.actions is None or field.startswith("__"):
        return True
    return any(field in ACTIONS.get(action, ()) for action in viewer.actions)


def require_action(viewer: Viewer, fields: Iterable[str]) -> None:
    """Raises Forbidden where the viewer's token is not good for one of the root fields."""
    for field in fields:
        if not allows(viewer, field):
            needed = [name for name, of in ACTIONS.items() if field in of]
            raise Forbidden(
                f"this token is not good for {field}",
                hint=f"ask for one with the action {needed[0]}"
                if needed
                else "no machine client may ask for it",
            )
