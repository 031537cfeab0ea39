"""Who handles the messages between regions: one line for each topic."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.post.messages import Handler

__all__ = ["HANDLERS"]

HANDLERS: Sequence[Handler] = ()
"""The handlers, one for each topic."""
