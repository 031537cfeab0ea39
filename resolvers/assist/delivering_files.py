"""The handler of the files that go with letters: each is sealed anew where it arrives.

A file leaves the issuer's store only while the letter lets its receiver see files (leak channels 29
and 39).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from resolvers.assist.attachments import (
    ATTACHMENT,
    enter_attachment,
    put_attachment,
    read_attachments,
    shares_files,
)
from resolvers.assist.handling import AboutLetter, known
from resolvers.assist.rows import RECEIVED, SENT, Copy, Who
from resolvers.assist.states import OPEN
from resolvers.post.messages import Message
from resolvers.writing.stores import Store

__all__ = ["AttachmentHandler"]


class AttachmentHandler(AboutLetter):
    """Delivers files to the other side, and those of a letter that goes on along the chain."""

    topic = ATTACHMENT
    most = 4
    """Of one batch: each has up to 3 MB in memory."""

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """The file and what was noted of it; nothing where the letter lets no file be seen."""
        body = message.body
        side = SENT if body["to"] == RECEIVED else RECEIVED
        copy = Copy.find(connection, store, body["number"], side, lock=False)
        assert copy is not None
        if side == SENT and not shares_files(copy):
            return None
        files = read_attachments(copy, keys=[body["key"]])
        return {"files": files, "events": copy.events([body["key"]])} if files else None

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Writes the file, if the letter is still open here; tells the letter it came from."""
        body = message.body
        if parcel is None:
            return {"refused": None}
        copy = known(Copy.find(connection, store, body["number"], body["to"]), message)
        if body["to"] == RECEIVED and copy.state not in OPEN:
            return {"refused": "ENDED"}
        self._take(copy, parcel, at)
        if body["to"] == SENT and copy.row["parent_number"] is not None:
            number = copy.row["parent_number"]
            parent = Copy.find(connection, store, number, RECEIVED)
            if parent is not None:
                self._take(parent, parcel, at)
                put_attachment(parent, body["key"], Who(None, None, at, message.trace))
        return {"refused": None}

    @staticmethod
    def _take(copy: Copy, parcel: Any, at: str) -> None:
        copy.take_events(parcel["events"], at)
        # Of the issuer's copy whoever wrote the letter sees what comes; the receiver's unit sees
        # what it holds, and no longer.
        reporter = copy.row["reporter"] if copy.row["side"] == SENT else None
        for one in parcel["files"]:
            enter_attachment(copy, one, at, reporter=reporter)

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Notes at the sender's that a file came too late."""
        if reply["refused"] is None:
            return
        copy = Copy.find(connection, store, message.body["number"], SENT)
        assert copy is not None
        who = Who(None, None, at, message.trace)
        detail = {"asked": message.body["key"]}
        copy.note("ATTACH", "REFUSED", who, reason=reply["refused"], detail=detail)
