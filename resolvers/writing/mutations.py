"""Mutations as fields of a root: what every one of them does is the same but for its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry

from resolvers.arguments import What
from resolvers.context import Context
from resolvers.writing.writing import answered

__all__ = ["mutation"]


def mutation(
    work: Callable[[Context, Any, str], Awaitable[Any]],
    given: Any,
    result: Any,
    description: str,
    *,
    what: Any = What,
) -> Any:
    """A field that does `work` with an input of the type `given`, and answers with `result`: the
    payload, or the problem it was refused with. `what` says what the input is.
    """

    async def resolve(self: Any, info: strawberry.Info, input: Any) -> Any:
        return await answered(info, work, input)

    # What strawberry reads: types, not their names, since they are known here only.
    resolve.__annotations__ = {
        "info": strawberry.Info,
        "input": Annotated[given, what],
        "return": result,
    }
    return strawberry.mutation(resolver=resolve, description=description)
