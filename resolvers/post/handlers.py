"""Who handles the messages between regions: one line for each topic."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.assist.clocks import AssistLimits
from resolvers.assist.delivering import LetterHandler
from resolvers.assist.delivering_events import EndHandler, EventHandler
from resolvers.assist.delivering_files import AttachmentHandler
from resolvers.assist.regaining import RegainHandler
from resolvers.observed import DiseaseHandler
from resolvers.post.messages import Handler
from resolvers.transfers.delivering import TRANSFER_HANDLERS

__all__ = ["HANDLERS", "configured"]

HANDLERS: Sequence[Handler] = (
    LetterHandler(),
    EventHandler(),
    EndHandler(),
    AttachmentHandler(),
    RegainHandler(),
    DiseaseHandler(),
    *TRANSFER_HANDLERS,
)
"""The handlers, one for each topic."""


def configured(handlers: Sequence[Handler], limits: AssistLimits) -> Sequence[Handler]:
    """Handlers, those of letters by the hours that are configured."""
    letters = (LetterHandler, EventHandler)
    return [type(one)(limits) if isinstance(one, letters) else one for one in handlers]
