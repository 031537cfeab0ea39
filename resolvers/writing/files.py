"""Files that go with a record: what is sent is read, and known by its content (leak channel 29)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, Table, select

from regions.errors import AttachmentRefused
from resolvers.writing.envelopes import opened
from resolvers.writing.refusing import Mistakes
from resolvers.writing.sniffing import MOST_BYTES, safe_name, sniff
from resolvers.writing.stores import Store

__all__ = ["MOST", "GivenFile", "content_of", "read_file"]

MOST = 20
"""Files that one record may be given."""

_LONGEST = MOST_BYTES * 4 // 3 + 4  # in base64
_LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file as it was sent: its name made safe, what is in it in base64."""

    name: str
    content: str
    media_type: str
    size: int
    sha256: str


async def read_file(name: str, content: str, mistakes: Mistakes) -> GivenFile | None:
    """The file of an input with `fileName` and `content`; None with a mistake."""
    found, media_type = await asyncio.to_thread(_read, content, mistakes)
    if not 1 <= len(name) <= _LONGEST_NAME:
        mistakes.add(["fileName"], "give the name of the file", "请填写文件名")
        return None
    if not media_type:
        return None
    safe = safe_name(name, media_type)
    return GivenFile(safe, content, media_type, len(found), sha256(found).hexdigest())


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


def content_of(connection: Connection, store: Store, table: Table, number: int) -> str | None:
    """What is in a file, base64, of a table of contents; None where there is none, or its person
    was erased.
    """
    row = connection.execute(select(table).where(table.c.id == number)).first()
    if row is None:
        return None
    (within,) = opened(connection, store, table, [dict(row._mapping)])
    content: str | None = within["content"]
    return content
