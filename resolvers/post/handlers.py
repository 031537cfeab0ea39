"""Who handles the messages between regions: one line for each topic."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.assist.delivering import EventHandler, LetterHandler
from resolvers.post.messages import Handler
from resolvers.transfers.delivering import TRANSFER_HANDLERS

__all__ = ["HANDLERS"]

HANDLERS: Sequence[Handler] = (LetterHandler(), EventHandler(), *TRANSFER_HANDLERS)
"""The handlers, one for each topic."""
