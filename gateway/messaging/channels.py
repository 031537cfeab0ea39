"""What a channel is: it hands a message over, and says honestly what became of it.

Nobody can hand something over exactly once. A receiver that knows a repeat by its key is sent the
message until it says that it has it; any other is sent it once, and where the answer was lost, that
is what is said: DOUBT. So a channel says before it reaches the point from which on it cannot know
(`handing`), and tells afterwards which of four things came of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

__all__ = ["Channel", "Handing", "Outcome", "Parcel", "Verdict", "word"]

Handing = Callable[[], Awaitable[None]]
"""Called before the point of no return; raises where somebody else has the message by now."""

_LONGEST_WORD = 100


class Verdict(Enum):
    """What came of an attempt."""

    ACCEPTED = "the receiver has it"
    NOT_NOW = "the receiver does not have it; it may be tried again"
    REFUSED = "the receiver does not have it and will not take it"
    DOUBT = "nobody knows whether the receiver has it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt, with a code word for the officer (`HTTP_503`).

    `reference` is the receiver's own name for it; `wait` seconds it asked to be left alone.
    """

    verdict: Verdict
    word: str
    reference: str | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """A message to hand over. `key` is the same at every attempt. Private: `mobile` and `email`,
    which therefore stand in no representation, log or file.
    """

    key: str
    text: str
    occasion: str  # FIRST AGAIN LEVEL-1 …
    number: str  # of the signal
    code: str  # of the county
    disease: str
    due_at: str
    unit_id: str = ""  # of whom is told; of a channel that is no person's, ""
    mobile: str = ""
    email: str = ""
    kind: str = "signal.message"  # or `emergency.message`, which has no disease

    def __repr__(self) -> str:
        return f"Parcel({self.key})"


class Channel(Protocol):
    """A way to whoever is to be told.

    `drops_repeats`: the receiver knows a repeat by its key and drops it.
    """

    drops_repeats: bool

    async def send(self, parcel: Parcel, handing: Handing) -> Outcome:
        """Hands it over. Raises nothing but what `handing` raises."""

    async def close(self) -> None:
        """Ends what it keeps open."""


def word(value: object, parcel: Parcel) -> str | None:
    """A receiver's name for a message if it is a word, else None: nothing else is kept of it, and
    never the number or address it was sent to.
    """
    text = str(value).strip() if isinstance(value, str | int) else ""
    short = 0 < len(text) <= _LONGEST_WORD and text.isascii()
    if not short or any(one and one[-8:] in text for one in (parcel.mobile, parcel.email)):
        return None
    return text if all(one.isalnum() or one in "-_.:@<>" for one in text) else None
