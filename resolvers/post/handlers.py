"""Who handles the messages between regions: one line for each topic."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.assist.delivering import EventHandler, LetterHandler
from resolvers.post.messages import Handler

__all__ = ["HANDLERS"]

HANDLERS: Sequence[Handler] = (LetterHandler(), EventHandler())
"""The handlers, one for each topic."""
