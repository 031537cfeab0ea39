"""What duty persons are told of letters by messages, and each delivery of it (C, clocks).

A notice is put in the transaction of what it tells of: its row has no channel, and says which units
are to be told. When it is due it is addressed: a row for each person on duty and channel, and one
for each channel that is no person's. Numbers and addresses do not stand here (`duty_persons`).
Deliveries are sent under a lease as those of signals are (`regions.signal_messages`).
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, UniqueConstraint, literal_column

from regions.metadata import ID, internal, primary_key, public, regional

__all__ = ["OPEN", "assist_notices"]

assist_notices = Table(
    "assist_notices",
    regional,
    primary_key(),
    public("request_id", ID, index=True),  # this store's copy of the letter
    public("occasion"),  # ARRIVED CITY PROVINCE REFUSED CASE
    public("about", Integer()),  # the letter's version; of CASE the person's position
    public("units"),  # JSON array: of each of them, or the nearest above, whoever is on duty
    public("channel"),  # SMS EMAIL WEBHOOK FILE; "" of the notice itself
    public("unit_id"),  # of whom is told; "" of the notice and of what is no person's
    public("account"),  # of the duty person, or ""
    internal("record", ID, nullable=True),  # of `duty_persons`
    public("key", unique=True),  # by which a receiver knows it again, the same at every attempt
    public("state"),  # WAITING ADDRESSED NOBODY; DUE SENDING ACCEPTED DOUBTFUL FAILED; DROPPED
    public("attempts", Integer(), default=0, server_default="0"),
    public("due_at"),
    internal("look_at"),  # when it is looked at next; while SENDING when its lease ends
    internal("leased_by", nullable=True),
    internal("handing", Integer(), default=0, server_default="0"),
    public("outcome", nullable=True),  # a code word of the last attempt
    public("settled_at", nullable=True),
    UniqueConstraint(
        "request_id",
        "occasion",
        "about",
        "channel",
        "unit_id",
        "account",
        name="uq_assist_notices_once",
    ),
)
OPEN = assist_notices.c.state.in_(
    [literal_column(f"'{one}'") for one in ("WAITING", "DUE", "SENDING")]
)
"""What is still to be done, said as the index says it: a bound value would not find it."""

Index("ix_assist_notices_open", assist_notices.c.look_at, sqlite_where=OPEN, postgresql_where=OPEN)
