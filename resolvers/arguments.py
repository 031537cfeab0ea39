"""What the root fields of every area say alike: pages, and what an idempotency key is."""

from __future__ import annotations

from typing import Annotated

import strawberry

__all__ = ["KEY", "After", "First", "What"]

First = Annotated[
    int | None,
    strawberry.argument(description="Size of the page, at most 1,000; the gateway has a default."),
]
"""Size of a page."""

After = Annotated[
    str | None,
    strawberry.argument(description="The page behind this cursor: `endCursor` of the last."),
]
"""Where a page begins."""

What = strawberry.argument(description="What to write, and the idempotency key.")
"""The input of a mutation."""

KEY = (
    "The same idempotency key again gives the first result and writes nothing; with another input "
    "it is a conflict."
)
"""The last sentence of a mutation's description."""
