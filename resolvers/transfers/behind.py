"""What tells that a store was put back: its peers know more of it than it does itself.

A message stands in the sender's outbox for good, and in the receiver's inbox for good, emptied as
it may be by now (`resolvers.post.pruning`). So whoever lost what it did is seen by its peers: their
inboxes hold messages it never sent, or their outboxes hold answers it never gave. All of them are
compared, by their names and hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import orjson
from sqlalchemy import BindParameter, Connection, literal, select

from regions.post import post_inbox, post_outbox
from regions.text import among_texts
from resolvers.writing.stores import Store

__all__ = [
    "answered",
    "correspondents",
    "is_behind",
    "other_than",
    "received",
    "texts",
    "unreceived",
]

_AT_ONCE = 2_000
_TOPICS = "transfer."


async def is_behind(store: Store, other: Store) -> bool:
    """Whether another store knows more of what one sent or received than that one does itself.

    All their messages are compared: which is the latest only a clock could say, and clocks jump.
    Raises WriteFailed where one of them does not answer.
    """
    region = store.settings.code
    after = ""
    while sent := await other.read(partial(received, sender=region, after=after)):
        after = sent[-1][0]
        if await store.read(partial(other_than, sent=sent)):
            return True
    seq = -1
    while rows := await other.read(partial(answered, to_region=region, after=seq)):
        seq, keys = rows[-1][0], [key for _, key in rows]
        if await store.read(partial(unreceived, sender=other.settings.code, keys=keys)):
            return True
    return False


def correspondents(connection: Connection) -> set[str]:
    """The regions a store has a message or an answer of: it knows nothing of what others did."""
    inbox, outbox = post_inbox.c, post_outbox.c
    senders = select(inbox.from_region).distinct()
    receivers = select(outbox.to_region).where(outbox.answered_at.is_not(None)).distinct()
    return set(connection.execute(senders.union(receivers)).scalars())


def received(connection: Connection, sender: str, after: str) -> list[tuple[str, str]]:
    """Ids and hashes of messages from a region, in the order of their ids."""
    c = post_inbox.c
    rows = connection.execute(
        select(c.id, c.hash)
        .where(c.from_region == sender, c.id > after, c.topic.startswith(_TOPICS, autoescape=True))
        .order_by(c.id)
        .limit(_AT_ONCE)
    )
    return [(row.id, row.hash) for row in rows]


def other_than(connection: Connection, sent: Sequence[tuple[str, str]]) -> set[str]:
    """Those of some messages (id, hash) that this store has not sent, as far as it knows, or that
    it has put again with another content since it was restored: what came first has taken effect.
    """
    c = post_outbox.c
    rows = connection.execute(
        select(c.id, c.hash).where(among_texts(c.id, texts(key for key, _ in sent)))
    )
    known = {(row.id, row.hash) for row in rows}
    return {key for key, hashed in sent if (key, hashed) not in known}


def answered(connection: Connection, to_region: str, after: int) -> list[tuple[int, str]]:
    """Numbers and ids of answered messages to a region, in their order behind a number."""
    c = post_outbox.c
    rows = connection.execute(
        select(c.seq, c.id)
        .where(c.to_region == to_region, c.answered_at.is_not(None), c.seq > after)
        .order_by(c.seq)
        .limit(_AT_ONCE)
    )
    return [(row.seq, row.id) for row in rows]


def unreceived(connection: Connection, sender: str, keys: Sequence[str]) -> set[str]:
    """Those of some messages from a region that this store has not received."""
    known = connection.execute(
        select(post_inbox.c.id).where(
            post_inbox.c.from_region == sender, among_texts(post_inbox.c.id, texts(keys))
        )
    ).scalars()
    return set(keys) - set(known)


def texts(keys: Iterable[str]) -> BindParameter[str]:
    """Texts as the JSON array that `among_texts` takes."""
    return literal(orjson.dumps(list(keys)).decode())
