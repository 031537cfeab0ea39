"""`attachToAssistRequest`: a file goes with a letter, or with its answer (C1)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from hashlib import sha256

from regions.errors import AttachmentRefused
from resolvers.assist.acting import Acting, party_of
from resolvers.assist.attachments import (
    MOST,
    Attached,
    count_attachments,
    enter_attachment,
    put_attachment,
    shares_files,
)
from resolvers.assist.rows import Copy, Who
from resolvers.assist.sniffing import MOST_BYTES, safe_name, sniff
from resolvers.assist.states import ENDED, OPEN, Party, State
from resolvers.assist.table import StateRefused
from resolvers.context import Context
from resolvers.writing.refusing import Mistakes
from schema.writing.assist import AssistRequestPayload, AttachToAssistRequestInput

__all__ = ["attach_to_assist_request"]

_LONGEST = MOST_BYTES * 4 // 3 + 4  # in base64


async def attach_to_assist_request(
    context: Context, given: AttachToAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Attaches a file to a letter, on the side of the viewer's unit. Raises Refusal."""
    acting = Acting(context, "attachToAssistRequest", given, path)
    mistakes = acting.mistakes
    content, media_type = await asyncio.to_thread(_read, given.content, mistakes)
    if not 1 <= len(given.file_name) <= 1000:
        mistakes.add(["fileName"], "give the name of the file", "请填写文件名")
    mistakes.stop()

    def work(copy: Copy, who: Who) -> None:
        _check(copy)
        person = None
        if given.person is not None:
            people = copy.load([given.person])
            if not people:
                raise StateRefused("NO_PERSON")
            (person,) = people
            if person["state"] == State.FORWARDED.name:
                raise StateRefused("FORWARDED")
        told = {"mediaType": media_type, "size": len(content)}
        copy.note("ATTACH", "NOTED", who, person=person, detail=told)
        key = copy.keys[-1]
        one = Attached(
            key=key,
            position=given.person,
            unit_id=who.unit_id,
            media_type=media_type,
            size=len(content),
            sha256=sha256(content).hexdigest(),
            file_name=safe_name(given.file_name, media_type),
            content=given.content,
        )
        mine = party_of(copy) is Party.ISSUER
        # What the receiving unit attaches it sees while it holds the letter, like the rest.
        enter_attachment(copy, one, who.at, reporter=who.account if mine else None)
        if copy.state in OPEN:
            put_attachment(copy, key, who)

    return await acting.do(work)


def _read(text: str, mistakes: Mistakes) -> tuple[bytes, str]:
    """The file and what it is by its content. What is wrong is added to the mistakes."""
    try:
        if len(text) > _LONGEST:
            raise binascii.Error
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        most = MOST_BYTES >> 20
        mistakes.add(
            ["content"],
            f"the file is given in base64 and has at most {most} MB",
            f"文件须以 base64 编码，且不超过 {most} MB",
        )
        return b"", ""
    try:
        return content, sniff(content)
    except AttachmentRefused as error:
        mistakes.add(["content"], error.message, error.message_zh)
        return b"", ""


def _check(copy: Copy) -> None:
    """Raises StateRefused where the letter takes no file now."""
    if copy.state in ENDED:
        raise StateRefused("ENDED")
    if party_of(copy) is Party.RECEIVER:
        if copy.state is State.SENT:
            raise StateRefused("NOT_ACKNOWLEDGED")
        if copy.state is State.REFUSED:
            raise StateRefused("REFUSED")
    elif not shares_files(copy):
        raise StateRefused("FILES_NOT_SHARED")
    if count_attachments(copy) >= MOST:
        raise StateRefused("FILES")
