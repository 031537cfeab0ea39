"""Attachments of a letter in a side's store: written, read, sealed anew, sent on (C1).

A file name and what is in the file are the private item REMARKS. They are sealed under the key of
the person whom alone the file is about, where that one is on record in the store, else under the
store's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import func, insert, select, update

from regions.assist import assist_attachments, assist_contents, assist_people
from regions.person_sealing import PeopleSealers
from resolvers.assist.rows import RECEIVED, Copy, Ids, Who
from resolvers.post.messages import put
from resolvers.writing.envelopes import opened, sealed_items
from resolvers.writing.files import content_of

__all__ = [
    "ATTACHMENT",
    "Attached",
    "carry_attachments",
    "count_attachments",
    "enter_attachment",
    "put_attachment",
    "put_attachments",
    "read_attachments",
    "reseal_attachments",
    "shares_files",
]

ATTACHMENT = "assist.attachment"
"""The topic of a file that goes with a letter, to the side that `to` names."""

_ITEM = "REMARKS"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a letter, in clear: for one's own memory, and for the way between two
    stores. `key` is that of the event which noted it, `content` is base64.
    """

    key: str
    position: int | None
    unit_id: str | None
    media_type: str
    size: int
    sha256: str
    file_name: str
    content: str


def shares_files(copy: Copy) -> bool:
    """Whether the letter lets its receiver see files."""
    return _ITEM in orjson.loads(copy.row["shared_items"])


def count_attachments(copy: Copy) -> int:
    """How many files a copy has."""
    c = assist_attachments.c
    counted = select(func.count()).where(c.request_id == copy.id)
    return int(copy.connection.execute(counted).scalar_one())


def enter_attachment(copy: Copy, one: Attached, at: str, *, reporter: str | None) -> None:
    """Writes a file of a copy, unless the copy has it. `reporter` is the account that sees it as
    its own.
    """
    connection, store = copy.connection, copy.store
    c = assist_attachments.c
    known = select(c.id).where(c.request_id == copy.id, c.key == one.key)
    if connection.execute(known).first() is not None:
        return
    number = Ids(connection, store).take()
    people = assist_people.c
    person = connection.execute(
        select(people.person_id).where(
            people.request_id == copy.id, people.position == one.position
        )
    ).scalar_one_or_none()
    sealers = PeopleSealers(connection, store.sealer)
    row = {
        "id": number,
        "request_id": copy.id,
        "number": copy.number,
        "key": one.key,
        "position": one.position,
        "unit_id": one.unit_id,
        "media_type": one.media_type,
        "size": one.size,
        "sha256": one.sha256,
        "code": copy.row["code"],
        "person_id": person,
        "reporter": reporter,
        "reporter_unit": copy.row["reporter_unit"],
        "created_at": at,
    }
    named = {"file_name": one.file_name}
    row["sealed"] = sealed_items(sealers, store, assist_attachments, row, named)
    connection.execute(insert(assist_attachments).values(row))
    held = {"id": number, "person_id": person}
    within = {"content": one.content}
    sealed = sealed_items(sealers, store, assist_contents, held, within)
    connection.execute(insert(assist_contents).values(held | {"sealed": sealed}))


def read_attachments(
    copy: Copy, *, keys: Collection[str] | None = None, positions: Collection[int] | None = None
) -> list[Attached]:
    """Files of a copy in clear, in order: those of some keys; those of the letter as a whole and of
    the people at some positions. A file of an erased person is none.
    """
    c = assist_attachments.c
    asked = select(assist_attachments).where(c.request_id == copy.id)
    if keys is not None:
        asked = asked.where(c.key.in_(sorted(keys)))
    if positions is not None:
        asked = asked.where(c.position.is_(None) | c.position.in_(sorted(positions)))
    rows = [dict(one._mapping) for one in copy.connection.execute(asked.order_by(c.id))]
    names = opened(copy.connection, copy.store, assist_attachments, rows)
    found = []
    for row, named in zip(rows, names, strict=True):
        content = content_of(copy.connection, copy.store, assist_contents, row["id"])
        if content is not None:
            found.append(
                Attached(
                    row["key"],
                    row["position"],
                    row["unit_id"],
                    row["media_type"],
                    row["size"],
                    row["sha256"],
                    named["file_name"],
                    content,
                )
            )
    return found


def reseal_attachments(copy: Copy, people: Sequence[Mapping[str, Any]]) -> None:
    """Seals the files about people under each one's key, once that one is on record."""
    persons = {one["position"]: one["person_id"] for one in people if one["person_id"] is not None}
    if not persons:
        return
    connection, store, c = copy.connection, copy.store, assist_attachments.c
    of_people = select(c.id, c.position, c.person_id).where(
        c.request_id == copy.id, c.position.in_(sorted(persons))
    )
    sealers = PeopleSealers(connection, store.sealer, persons.values())
    for number, position, known in connection.execute(of_people).all():
        person = persons[position]
        if known == person:
            continue
        for table in (assist_attachments, assist_contents):
            asked = select(table).where(table.c.id == number)
            row = dict(connection.execute(asked).one()._mapping)
            (items,) = opened(connection, store, table, [row])
            sealed = sealed_items(sealers, store, table, row | {"person_id": person}, items)
            changed = update(table).where(table.c.id == number)
            connection.execute(changed.values(person_id=person, sealed=sealed))


def carry_attachments(copy: Copy, onward: Copy, positions: Collection[int], who: Who) -> None:
    """Gives the letter that carries people on the files of the letter, but for those of others."""
    for one in read_attachments(copy, positions=positions):
        enter_attachment(onward, one, who.at, reporter=None)
    put_attachments(onward, who)


def put_attachments(copy: Copy, who: Who) -> None:
    """Sends all files of the issuer's copy to the receiver: what is there already does nothing."""
    c = assist_attachments.c
    asked = select(c.key).where(c.request_id == copy.id).order_by(c.id)
    for key in copy.connection.execute(asked).scalars():
        put_attachment(copy, key, who)


def put_attachment(copy: Copy, key: str, who: Who) -> None:
    """Sends a file of a copy to the other side, beside what the letter let that side see so far."""
    received = copy.row["side"] == RECEIVED
    body = {
        "number": copy.number,
        "to": "SENT" if received else "RECEIVED",
        "key": key,
        "request": copy.id,  # the sender's copy, for the access log
    }
    put(
        copy.connection,
        copy.store,
        topic=ATTACHMENT,
        subject=copy.number,
        to_region=copy.row["from_region" if received else "to_region"],
        body=body,
        trace=who.trace,
        at=who.at,
        # Again with each version of the letter: it may go to another receiver, or show more.
        step=f"{key}:{copy.row['to_unit']}:{copy.row['version']}",
    )
