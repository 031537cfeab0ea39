"""What the handlers of letters have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from regions.errors import LetterUnknown
from resolvers.assist.rows import SENT, Copy, Who
from resolvers.assist.states import State
from resolvers.post.messages import Message
from resolvers.writing.stores import Store

__all__ = ["AboutLetter", "known", "take_refusal"]


class AboutLetter:
    """A handler of messages that name the sender's copy of the letter as `request`."""

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The sender's copy of the letter."""
        return {"assistrequest": [message.body["request"]]}

    def ids(self, message: Message, parcel: Any) -> int:
        """None: they are taken in the transaction."""
        return 0


def known(copy: Copy | None, message: Message) -> Copy:
    """The copy a message is for. Raises LetterUnknown where there is none: the letter went this way
    before, so the store was put back since, and gets it again.
    """
    if copy is None:
        raise LetterUnknown(
            f"region {message.to_region} has no letter {message.body['number']}",
            hint="the message waits until the letter has come again",
            store=message.to_region,
        )
    return copy


def take_refusal(
    connection: Connection, store: Store, message: Message, reply: Mapping[str, Any], at: str
) -> None:
    """Takes a refusal home: nothing is pending any more, and who was added is not looked for."""
    if reply.get("refused") is None:
        return
    body = message.body
    copy = Copy.find(connection, store, body["number"], SENT)
    assert copy is not None
    copy.row["pending"] = None
    for person in copy.load(body.get("added") or ()):
        person["state"] = State.WITHDRAWN.name
    who = Who(None, None, at, message.trace)
    detail = {"asked": body["keys"][-1]}
    copy.note(body["event"], "REFUSED", who, reason=reply["refused"], detail=detail)
    copy.save(at)
