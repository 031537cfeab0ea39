"""The access log's tables, in a file of its own: it grows, and nothing else may wait for it (G1);
and what every store keeps of it besides.

Entry `number` is leaf `number - 1` of a Merkle tree. Its hashes are kept as full tiles of 256; what
is behind the last full tile is hashed again from the entries. A checkpoint is the tree's size and
root, signed; a cosignature says that a witness saw it grow out of the one before.
"""

from __future__ import annotations

from sqlalchemy import Integer, LargeBinary, MetaData, Table

from regions.metadata import ID, central, internal, regional

__all__ = [
    "COMMITS",
    "COMMIT_COLUMNS",
    "CONTRADICTED",
    "STATEMENTS",
    "UNREADABLE",
    "central_log_outbox",
    "checkpoints",
    "cosignatures",
    "entries",
    "facts",
    "log_origins",
    "log_outbox",
    "log_sides",
    "log_tables",
    "tiles",
    "witness",
]

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
    internal("name", primary_key=True),  # origin, pruned_to, and CONTRADICTED or UNREADABLE
    internal("value"),
)

witness = Table(
    "witness",
    regional,
    internal("origin", primary_key=True),  # of a gateway's log
    internal("size", ID),
    internal("root"),  # hexadecimal
    internal("note"),
    internal("cosignature"),
    internal("at"),
)
"""The last checkpoint of each log that the region cosigned."""

log_sides = Table(
    "log_sides",
    regional,
    internal("origin", primary_key=True),
    internal(
        "first", ID, primary_key=True, autoincrement=False
    ),  # numbers of entries looked through
    internal("last", ID),
    internal("entries", LargeBinary()),  # see resolvers/access_log/sides.py
    internal("at"),
)
"""The region's own copy of the entries that concern it (G5)."""


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "log_outbox",
        metadata,
        internal("id", primary_key=True),
        internal("origin"),
        internal("at"),
        internal("account"),
        internal("operation"),
        internal("request"),
        internal("trace"),
        internal("wrote"),  # JSON: commitments of what was written, by kind
        internal("position", ID, nullable=True),  # entries of the log before its own, at least
    )


log_outbox = _outbox(regional)
"""What was written in a transaction and has to be in the log: a row until it is known to be."""

central_log_outbox = _outbox(central)
"""The same of the gateway's own store."""

log_origins = Table(
    "log_origins",
    central,
    internal("origin", primary_key=True),
    internal("at"),  # when the gateway had it first
)
"""The logs this gateway has had: what is still to be told to one that was replaced is its own."""

COMMITS = "commits"
"""The view by which entries are written: columns as in `COMMIT_COLUMNS`."""

COMMIT_COLUMNS = (
    "number",  # null: no row at all, so that few statements serve batches of every size
    "at",
    "account",
    "operation",
    "result",
    "entry",
    "hashes",  # of the tile of level 0 that the entry fills, else null
    "root",  # of the checkpoint that ends a commit, else null
    "note",
    "signed_at",
    "replaced",  # size of the checkpoint that it takes the place of, else null
)

CONTRADICTED = "contradicted"
"""`contradicted:<region>` among the facts: a witness contradicts the log, nothing is appended."""

UNREADABLE = "unreadable"
"""`unreadable:<region>`: what the region is said to have seen was not signed."""

_TEXTS = "at, account, operation, result, entry"

STATEMENTS = (
    # One statement for entries, tile and checkpoint together: it is one transaction by itself,
    # and one release of the interpreter lock, for which a thread may have to wait 5 ms.
    f"""CREATE VIEW IF NOT EXISTS {COMMITS} AS
    SELECT number, {_TEXTS}, NULL AS hashes, NULL AS root, NULL AS note, NULL AS signed_at,
    NULL AS replaced FROM entries""",
    f"""CREATE TRIGGER IF NOT EXISTS {COMMITS}_insert INSTEAD OF INSERT ON {COMMITS}
    WHEN NEW.number IS NOT NULL BEGIN
      INSERT INTO entries (number, {_TEXTS}) VALUES
        (NEW.number, NEW.at, NEW.account, NEW.operation, NEW.result, NEW.entry);
      INSERT INTO tiles SELECT 0, NEW.number / 256 - 1, NEW.hashes WHERE NEW.hashes IS NOT NULL;
      DELETE FROM checkpoints WHERE size = NEW.replaced;
      INSERT INTO checkpoints SELECT NEW.number, NEW.signed_at, NEW.root, NEW.note
        WHERE NEW.note IS NOT NULL;
    END""",
    # For every process that writes: in the transaction itself, and once a commit.
    f"""CREATE TRIGGER IF NOT EXISTS {COMMITS}_stopped INSTEAD OF INSERT ON {COMMITS}
    WHEN NEW.note IS NOT NULL AND EXISTS (
      SELECT 1 FROM facts WHERE name >= '{CONTRADICTED}:' AND name < '{CONTRADICTED};') BEGIN
      SELECT RAISE(ABORT, 'a witness contradicts the access log');
    END""",
    # Not a protection from whoever may write the file, but from mistakes of ours.
    """CREATE TRIGGER IF NOT EXISTS entries_unchanged BEFORE UPDATE ON entries BEGIN
      SELECT RAISE(ABORT, 'an entry of the access log is never changed');
    END""",
    """CREATE TRIGGER IF NOT EXISTS entries_kept BEFORE DELETE ON entries
    WHEN OLD.number > coalesce(
      (SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'pruned_to'), 0) BEGIN
      SELECT RAISE(ABORT, 'an entry of the access log is only removed by pruning');
    END""",
)
"""What the log's file has besides its tables."""
