"""The question by which a file is read: the list itself, page by page.

So masking, jurisdiction, order and the pages' cursors are those of the list, in the same SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resolvers.exports.columns import Column, selection
from resolvers.exports.kinds import Kind

__all__ = ["PAGE", "document", "variables"]

PAGE = 1_000
"""Records read at once."""


def document(kind: Kind, columns: Sequence[Column]) -> str:
    """The text of the operation."""
    return (
        f"query($filter: {kind.record}Filter, $order: [{kind.record}Order!], "
        "$first: Int, $after: String) { "
        f"{kind.root}(filter: $filter, orderBy: $order, first: $first, after: $after) "
        f"{{ edges {{ node {selection(columns)} }} pageInfo {{ hasNextPage endCursor }} "
        "regions { code state } } }"
    )


def variables(
    wanted: Mapping[str, Any] | None,
    order: Sequence[Mapping[str, Any]] | None,
    first: int,
    after: str | None,
) -> dict[str, Any]:
    """Its variables for the page behind a cursor."""
    return {"filter": wanted, "order": order, "first": first, "after": after}
