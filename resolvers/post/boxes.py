"""Outbox and inbox: the statements by which messages are found, claimed, answered.

Each takes many messages at once: a transaction of 256 messages has hardly more statements than one
of a single message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, text, update

from regions.post import post_inbox, post_outbox
from regions.statements import Prepared, number
from regions.text import among_texts
from resolvers.post.messages import Message, hash_of

__all__ = [
    "Claimed",
    "answer",
    "claim",
    "due",
    "fail",
    "packed",
    "reply",
    "unanswered",
    "waiting_of",
    "waiting_regions",
]

_LOOKED = 8  # pages of the outbox looked through for one batch, as long as that is not empty
_SKIPPED = 200  # subjects left out by the statement itself; further ones are left out behind it

_waiting = post_outbox.c.answered_at.is_(None)
_columns = (
    *(post_outbox.c.id, post_outbox.c.seq, post_outbox.c.topic, post_outbox.c.subject),
    *(post_outbox.c.body, post_outbox.c.trace, post_outbox.c.created_at),
)
_of_region = (
    select(*_columns)
    .where(_waiting, post_outbox.c.to_region == bindparam("region"))
    .order_by(post_outbox.c.seq)
)
_of_page = _of_region.where(post_outbox.c.seq > number("behind")).limit(number("row_limit"))
_subjects = among_texts(post_outbox.c.subject, bindparam("subjects"))
_due_of = Prepared(_of_region.where(_subjects))
_due = Prepared(_of_page)
_due_but = Prepared(_of_page.where(~_subjects))
_answered = Prepared(
    update(post_outbox)
    .where(post_outbox.c.id == bindparam("message"))
    .values(answered_at=bindparam("at"), reply=bindparam("said"), last_error=None)
)
_replied = Prepared(
    update(post_inbox)
    .where(post_inbox.c.from_region == bindparam("sender"), post_inbox.c.id == bindparam("message"))
    .values(reply=bindparam("said"))
)
_of_subjects = Prepared(
    select(post_outbox.c.subject, post_outbox.c.to_region)
    .where(_waiting, among_texts(post_outbox.c.subject, bindparam("subjects")))
    .distinct()
)
_unanswered = Prepared(
    select(post_outbox.c.id)
    .where(_waiting, among_texts(post_outbox.c.id, bindparam("ids")))
    .order_by(post_outbox.c.seq)
    .with_for_update()
)
_received = Prepared(
    select(post_inbox.c.id, post_inbox.c.hash, post_inbox.c.reply).where(
        post_inbox.c.from_region == bindparam("sender"),
        among_texts(post_inbox.c.id, bindparam("ids")),
    )
)


def _claiming(dialect: str) -> Any:
    """Inserts rows of id, topic, subject and hash, in their order; those of the ids that are new.

    One text for any number of rows: a statement with a place for each value of each row would be
    prepared anew for each number of them.
    """
    if dialect == "sqlite":
        parts = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(4))
        rows = "json_each(:rows) WHERE true ORDER BY key"
    else:
        parts = ", ".join(f"value ->> {number}" for number in range(4))
        given = "jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS given(value, place)"
        rows = f"{given} ORDER BY place"
    return text(
        "INSERT INTO post_inbox (from_region, id, topic, subject, hash, received_at) "
        f"SELECT CAST(:sender AS varchar), {parts}, CAST(:at AS varchar) FROM {rows} "
        "ON CONFLICT DO NOTHING RETURNING id"
    )


_claimed = Prepared(_claiming)


def packed(value: Mapping[str, Any]) -> str:
    """A body or reply as the JSON that is kept and hashed."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def waiting_regions(connection: Connection) -> list[str]:
    """The regions for which something waits in this outbox."""
    return list(connection.scalars(select(post_outbox.c.to_region).where(_waiting).distinct()))


def waiting_of(connection: Connection, subjects: Collection[str]) -> list[tuple[str, str]]:
    """Subject and region of what waits in this outbox of some subjects."""
    if not subjects:
        return []
    rows = _of_subjects.run(connection, subjects=_array(subjects)).all()
    return [(row.subject, row.to_region) for row in rows]


def _array(texts: Iterable[str]) -> str:
    return orjson.dumps(list(texts)).decode()


def due(
    connection: Connection,
    lane: tuple[str, str],
    limit: int,
    first: Collection[str],
    skipped: Collection[str],
) -> tuple[list[Message], bool]:
    """Up to `limit` messages from a region to another, the oldest first, those of the subjects
    `first` before all others; and whether there may be more.

    Of each subject only the oldest: the next one waits for its reply.
    """
    own, to = lane
    found: dict[str, Message] = {}
    wanted = [one for one in first if one not in skipped]
    if wanted:
        for row in _due_of.run(connection, region=to, subjects=_array(wanted)):
            if row.subject not in found and len(found) < limit:
                found[row.subject] = _message(row, own, to)
    left_out = [one for one, _ in zip(skipped, range(_SKIPPED), strict=False)]
    page, after = 0, 0
    while len(found) < limit and (page < _LOOKED or not found):
        given = {"region": to, "behind": after, "row_limit": 2 * limit}
        if left_out:
            rows = _due_but.run(connection, **given, subjects=_array(left_out)).all()
        else:
            rows = _due.run(connection, **given).all()
        for row in rows:
            if len(found) == limit:
                return list(found.values()), True
            if row.subject not in found and row.subject not in skipped:
                found[row.subject] = _message(row, own, to)
        if len(rows) < 2 * limit:
            return list(found.values()), False
        page, after = page + 1, rows[-1].seq
    return list(found.values()), True


def _message(row: Any, own: str, to: str) -> Message:
    return Message(
        id=row.id,
        seq=row.seq,
        topic=row.topic,
        subject=row.subject,
        from_region=own,
        to_region=to,
        body=orjson.loads(row.body),
        trace=row.trace,
        created_at=row.created_at,
    )


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of claiming messages: those that came for the first time, the replies of those
    that had come before, and those that had come with another content.
    """

    new: frozenset[str]
    kept: Mapping[str, dict[str, Any]]
    other: frozenset[str]


def claim(connection: Connection, messages: Sequence[Message], at: str) -> Claimed:
    """Claims messages of one region in the receiver's inbox: the first statement of the transaction
    in which they take effect. Whoever claims the same ones at the same time waits for its end.
    """
    hashes = {one.id: hash_of(packed(one.body).encode()) for one in messages}
    # In the order of their numbers, so that two who claim the same do not wait for each other.
    in_order = sorted(messages, key=lambda one: one.seq)
    rows = [(one.id, one.topic, one.subject, hashes[one.id]) for one in in_order]
    given = orjson.dumps(rows).decode()
    sender = messages[0].from_region
    new = frozenset(_claimed.run(connection, sender=sender, at=at, rows=given).scalars())
    known = [one.id for one in messages if one.id not in new]
    kept: dict[str, dict[str, Any]] = {}
    other: set[str] = set()
    if known:
        for row in _received.run(connection, sender=sender, ids=_array(known)):
            if row.hash != hashes[row.id]:
                other.add(row.id)
            else:
                kept[row.id] = orjson.loads(row.reply)
    return Claimed(new, kept, frozenset(other))


def reply(connection: Connection, sender: str, replies: Mapping[str, dict[str, Any]]) -> None:
    """Keeps replies with the claimed messages of a region."""
    if replies:
        _replied.run_all(
            connection,
            [
                {"sender": sender, "message": one, "said": packed(said)}
                for one, said in replies.items()
            ],
        )


def unanswered(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of the messages that have no reply yet; nobody else answers them meanwhile."""
    return frozenset(_unanswered.run(connection, ids=_array(ids)).scalars())


def answer(connection: Connection, replies: Mapping[str, dict[str, Any]], at: str) -> None:
    """Marks messages answered."""
    if replies:
        _answered.run_all(
            connection,
            [{"message": one, "at": at, "said": packed(said)} for one, said in replies.items()],
        )


def fail(connection: Connection, ids: Iterable[str], why: str) -> None:
    """Notes why messages were not delivered this time."""
    connection.execute(
        update(post_outbox)
        .where(post_outbox.c.id.in_(list(ids)), _waiting)
        .values(attempts=post_outbox.c.attempts + 1, last_error=why)
    )
