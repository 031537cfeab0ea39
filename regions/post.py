"""The post between regions: what waits to be delivered, and what was received (handoffs).

A message is written in the sender's own transaction, delivered at least once, and takes effect
once: the receiver's row in `post_inbox` is written in the transaction of what it does there, and a
second delivery is answered with the reply that is kept. Bodies hold ids, codes and states, never a
private value.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Sequence, Table

from regions.metadata import ID, internal, public, regional

__all__ = ["EMPTIED", "post_inbox", "post_order", "post_outbox"]

EMPTIED = "{}"
"""The body of a message that holds nothing any more: its name, hash and reply are all that is kept,
since it was answered long ago, or was lost here and is known from its receiver alone.
"""

post_order = Sequence("post_order", metadata=regional)
"""Order of the messages of a store on PostgreSQL; SQLite has one writer and counts for itself."""

post_outbox = Table(
    "post_outbox",
    regional,
    internal("id", primary_key=True),  # `<topic>:<subject>:<n>`
    internal("seq", ID, unique=True),  # order within the store; numbers may be missing
    public("topic"),
    public("subject"),
    public("to_region"),  # six digits
    internal("body"),  # JSON
    internal("hash"),  # of the body, SHA-256 in hexadecimal
    internal("trace"),  # of the request that made it
    public("created_at"),
    public("attempts", Integer(), default=0, server_default="0"),
    public("last_error", nullable=True),  # a code and where it was raised, no text
    internal("answered_at", nullable=True),
    internal("reply", nullable=True),  # JSON
)
Index("ix_post_outbox_subject", post_outbox.c.subject, post_outbox.c.topic)

_waiting = post_outbox.c.answered_at.is_(None)
Index(
    "ix_post_outbox_waiting",
    post_outbox.c.to_region,
    post_outbox.c.seq,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
_answered = post_outbox.c.answered_at.is_not(None)
Index(
    "ix_post_outbox_answered",
    post_outbox.c.to_region,
    post_outbox.c.seq,
    sqlite_where=_answered,
    postgresql_where=_answered,
)

post_inbox = Table(
    "post_inbox",
    regional,
    internal("from_region", primary_key=True),
    internal("id", primary_key=True),
    internal("topic"),
    internal("subject"),
    internal("hash"),
    internal("reply", nullable=True),  # JSON; null only within the transaction of its delivery
    internal("received_at"),
)
Index("ix_post_inbox_subject", post_inbox.c.subject)
