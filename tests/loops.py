"""What is left on an event loop when a test ends the process in the middle of something."""

from __future__ import annotations

import asyncio

__all__ = ["end_the_rest"]


async def end_the_rest() -> None:
    """Ends every other task of the loop, and waits for it: the connection it has would be nobody's
    and be found unclosed in some later test.
    """
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
