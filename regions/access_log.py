"""The access log's tables, in a file of its own: it grows, and nothing else may wait for it (G1).

Entry `number` is leaf `number - 1` of a Merkle tree. Its hashes are kept as full tiles of 256; what
is behind the last full tile is hashed again from the entries. A checkpoint is the tree's size and
root, signed; a cosignature says that a witness saw it grow out of the one before.
"""

from __future__ import annotations

from sqlalchemy import Integer, LargeBinary, MetaData, Table

from regions.metadata import internal

__all__ = ["checkpoints", "cosignatures", "entries", "facts", "log_tables", "tiles"]

log_tables = MetaData()

entries = Table(
    "entries",
    log_tables,
    internal("number", Integer(), primary_key=True, autoincrement=True),
    internal("at"),
    internal("account"),
    internal("operation"),
    internal("result"),
    internal("entry"),  # canonical JSON of the whole entry
)

tiles = Table(
    "tiles",
    log_tables,
    internal("level", Integer(), primary_key=True),  # 0: hashes of leaves
    internal("tile", Integer(), primary_key=True),  # from 0
    internal("hashes", LargeBinary()),  # 256 of 32 bytes
)

checkpoints = Table(
    "checkpoints",
    log_tables,
    internal("size", Integer(), primary_key=True),
    internal("at"),
    internal("root", LargeBinary()),
    internal("note"),  # the signed text
)

cosignatures = Table(
    "cosignatures",
    log_tables,
    internal("size", Integer(), primary_key=True),
    internal("witness", primary_key=True),
    internal("note"),  # the witness's line
    internal("at"),
)

facts = Table(
    "facts",
    log_tables,
    internal("name", primary_key=True),  # origin, pruned_to: see gateway/access_log.py
    internal("value"),
)
