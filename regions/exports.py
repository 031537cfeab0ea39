"""Exports that were asked for, and every time one was fetched (F2; leak channel 28).

Kept in the gateway's own store. No row holds a value of a record: columns by name, filters on what
is public, hashes of what left.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, PrimaryKeyConstraint, Table

from regions.metadata import central, internal, public

__all__ = ["export_downloads", "exports"]

exports = Table(
    "exports",
    central,
    public("id", primary_key=True),  # 128 random bits; alone it opens nothing
    public("account"),  # who asked; nobody else can fetch the file
    public("unit_id"),
    public("kind"),  # CASES CONTACTS
    public("format"),  # CSV XLSX
    public("bom", Integer()),  # CSV: whether a byte order mark comes first
    public("columns"),  # JSON array of paths of fields
    internal("filter"),  # JSON, as the list takes it
    internal("orders"),  # JSON, as the list takes it
    public("purpose"),
    public("recipient", nullable=True),  # somebody outside, of a data-service request (F9)
    public("data_request", nullable=True),  # its id
    public("rows", Integer()),  # counted when it was asked for
    public("missing"),  # JSON array: regions that did not answer then
    public("most", Integer(), nullable=True),  # rows the file may have; null is without a limit
    public("state"),  # WAITING READY REFUSED DELIVERED; that its time is over is worked out
    public("requested_at"),
    public("expires_at"),
    public("decided_by", nullable=True),  # account
    public("decided_at", nullable=True),
    public("reason", nullable=True),  # of the decision
)
Index("ix_exports_account", exports.c.account, exports.c.requested_at)
Index("ix_exports_unit", exports.c.unit_id, exports.c.requested_at)

export_downloads = Table(
    "export_downloads",
    central,
    public("export"),
    public("number", Integer()),  # from 1
    public("started_at"),
    public("ended_at", nullable=True),  # null while it runs, or where the gateway died meanwhile
    public("ending", nullable=True),  # COMPLETE, or the code of what ended it
    public("rows", Integer(), nullable=True),
    public("missing", nullable=True),  # JSON array: regions whose records are not all in the file
    public("content_sha256", nullable=True),  # as the file itself says
    public("file_sha256", nullable=True, index=True),  # of every byte
    PrimaryKeyConstraint("export", "number"),
)
