"""Who handles the messages between regions: one line for each topic."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.assist.clocks import AssistLimits
from resolvers.assist.delivering import EventHandler, LetterHandler
from resolvers.post.messages import Handler
from resolvers.transfers.delivering import TRANSFER_HANDLERS

__all__ = ["HANDLERS", "handlers"]

HANDLERS: Sequence[Handler] = (LetterHandler(), EventHandler(), *TRANSFER_HANDLERS)
"""The handlers, one for each topic."""


def handlers(limits: AssistLimits) -> Sequence[Handler]:
    """The handlers, those of letters by the hours that are configured."""
    own = (LetterHandler(limits), EventHandler(limits))
    topics = {one.topic for one in own}
    return (*(one for one in HANDLERS if one.topic not in topics), *own)
