"""Work on messages in one transaction; where one makes it fail, by halves until it is found."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from regions.errors import EpigateError
from resolvers.post.messages import Message
from resolvers.post.rounds import Batch
from resolvers.writing.failures import WriteFailed

__all__ = ["by_halves"]

_log = logging.getLogger(__name__)


async def by_halves(
    batch: Batch,
    messages: Sequence[Message],
    work: Callable[[Batch, Sequence[Message]], Awaitable[None]],
) -> None:
    """Does the work for all messages in one transaction; where that fails, by halves. The one that
    makes it fail is noted in the batch with the reason.

    Raises WriteFailed where the store does not answer.
    """
    if not messages:
        return
    try:
        await work(batch, messages)
    except WriteFailed:
        raise
    except Exception as error:  # of one of the messages: the others go on without it
        if len(messages) == 1:
            batch.failed[messages[0].id] = _reason(error)
            _log.error("the message %s failed: %s", messages[0].id, _reason(error))
            return
        middle = len(messages) // 2
        await by_halves(batch, messages[:middle], work)
        await by_halves(batch, messages[middle:], work)


def _reason(error: Exception) -> str:
    """What is noted of an error: its code or class, and where it was raised. Never its text, which
    may hold anything.
    """
    name = error.code if isinstance(error, EpigateError) else type(error).__name__
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return name
    return f"{name} at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"
