"""Messages of signals: what is to be told, and each delivery of it (requirements E2, E3, E6, E10).

A message is written in the transaction of its signal and says when it is due. When it is, it is
addressed: a delivery for each person on duty and channel, and one for each channel that is no
person's. Numbers and addresses do not stand here: a delivery names the row of `duty_persons` that
has them, sealed, in the gateway's own store.

A delivery is sent by whoever holds its lease. `handing` says that the point of no return was
reached: from there on nobody knows whether it was sent until the outcome is written.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, UniqueConstraint, literal_column

from regions.metadata import ID, internal, primary_key, public, regional

__all__ = ["OPEN", "WAITING", "signal_deliveries", "signal_messages"]

signal_messages = Table(
    "signal_messages",
    regional,
    primary_key(),
    public("signal_id", ID),
    public("occasion"),  # FIRST AGAIN LEVEL-1 LEVEL-2 …
    public("due_at"),
    public("state"),  # WAITING ADDRESSED DROPPED NOBODY
    public("text", nullable=True),  # since it was addressed
    public("addressed_at", nullable=True),
    internal("look_at"),  # when it is looked at next: due_at, later while nobody is on duty
    public("created_at"),
    UniqueConstraint("signal_id", "occasion", name="uq_signal_messages_occasion"),
)
WAITING = signal_messages.c.state == literal_column("'WAITING'")
"""Messages that are not addressed, said as the index says it: a bound value would not find it."""

Index(
    "ix_signal_messages_waiting",
    signal_messages.c.look_at,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)

signal_deliveries = Table(
    "signal_deliveries",
    regional,
    primary_key(),
    public("message_id", ID),
    public("signal_id", ID, index=True),
    public("channel"),  # SMS EMAIL WEBHOOK FILE
    public("unit_id"),  # "" of a channel that is no person's
    public("account"),  # of the duty person, or ""
    internal("record", ID, nullable=True),  # of `duty_persons`: the number of that time
    public("key", unique=True),  # by which a receiver knows it again, the same at every attempt
    public("state"),  # DUE SENDING ACCEPTED DOUBTFUL FAILED
    public("attempts", Integer(), default=0, server_default="0"),
    public("due_at"),
    internal("look_at"),  # when it may be tried next; while SENDING when its lease ends
    internal("leased_by", nullable=True),
    internal("handing", Integer(), default=0, server_default="0"),
    public("outcome", nullable=True),  # a code word of the last attempt
    public("reference", nullable=True),  # by which the receiver names it, where that is a word
    public("settled_at", nullable=True),  # when it was accepted, doubtful or failed
    UniqueConstraint(
        "message_id", "channel", "unit_id", "account", name="uq_signal_deliveries_once"
    ),
)
OPEN = signal_deliveries.c.state.in_([literal_column("'DUE'"), literal_column("'SENDING'")])
"""Deliveries that are not settled, said as the index says it."""

Index(
    "ix_signal_deliveries_open",
    signal_deliveries.c.look_at,
    sqlite_where=OPEN,
    postgresql_where=OPEN,
)
