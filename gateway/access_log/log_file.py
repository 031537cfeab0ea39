"""The log's file as one process writes it: entries, the tree over them and its signature at once.

One tree a gateway, written by whichever worker has the file's turn: it first takes up what others
appended, then writes its entries, the tiles they fill and a signed checkpoint in one transaction.
So entries, tree and signature never part, whenever the process dies.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from gateway.access_log.contradictions import contradicted, contradictions_in
from gateway.access_log.tree import (
    StoredCheckpoint,
    StoredTree,
    checkpoint_in,
    entry_bytes,
    fact_in,
    tampered,
)
from gateway.group_commit import GroupCommit
from regions.access_log import (
    COMMIT_COLUMNS,
    COMMITS,
    CONTRADICTED,
    STATEMENTS,
    UNREADABLE,
    log_tables,
)
from regions.errors import AccessLogError, NoteInvalid
from regions.instants import now, seconds_of
from resolvers.access_log.merkle import EMPTY_ROOT, Frontier
from resolvers.access_log.notes import Checkpoint, NoteSigner, open_checkpoint, sign_checkpoint
from resolvers.access_log.tiles import Edge

__all__ = ["KEEP_SECONDS", "LogFile", "Owed", "Row"]

Row = tuple[str, str, str, str, str]
"""at, account, operation, result, entry."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An entry made of a row of an outbox, by `name`: unless one behind the entry `after` was made
    of that row, or is of its `request` and was made of none.
    """

    row: Row
    request: str
    name: str
    after: int


KEEP_SECONDS = 60  # one checkpoint is kept for so long a time; the newest always is
_ROWS = 256  # of one INSERT
_FEW = 4_096  # entries by others that are hashed one by one, rather than taken from tiles
_AT_ONCE = 64  # of them read by the one statement, the others one by one: some have 150 KB
_SHARED = 16  # commits, after another process was met, before which the file is looked at
_CLOCK_SECONDS = 5.0  # an entry so much older than the last one says that the clock went back
_PAD = (None,) * len(COMMIT_COLUMNS)
_STOPPED = f"name >= '{CONTRADICTED}:' AND name < '{CONTRADICTED};'"
_TRY = (
    "INSERT OR REPLACE INTO facts (name, value) "
    f"SELECT 'tried', '' WHERE NOT EXISTS (SELECT 1 FROM facts WHERE {_STOPPED})"
)
# One statement and one row: each step of SQLite gives up the interpreter lock.
_STATE = f"""
SELECT size, at, root, note,
  (SELECT at FROM checkpoints AS before WHERE before.size < newest.size ORDER BY size DESC LIMIT 1),
  (SELECT max(number) FROM entries),
  (SELECT max(at) FROM entries
   WHERE number > max(:since, (SELECT max(number) FROM entries) - 100)),
  (SELECT group_concat(entry, char(10)) FROM
    (SELECT entry FROM entries WHERE number > :since AND number <= :until ORDER BY number)),
  (SELECT count(*) FROM facts WHERE {_STOPPED})
FROM checkpoints AS newest ORDER BY size DESC LIMIT 1
"""
_TOLD = (
    "SELECT 1 FROM entries WHERE number > ? AND (instr(entry, ?) > 0 "
    'OR (instr(entry, ?) > 0 AND instr(entry, \'"row":"\') = 0)) LIMIT 1'
)
_NEWER = "SELECT number, entry FROM entries WHERE number > ? ORDER BY number"
_BETWEEN = "SELECT entry FROM entries WHERE number > ? AND number <= ? ORDER BY number"


class LogFile:
    """The log of a file; makes it where there is none. For one thread at a time.

    `seed` is the private key that signs checkpoints. `origin` names the log for ever; without one
    it is `name` and a random number, made with the file. An existing log of version 0.1, which has
    no tree, gets one. Raises OSError, sqlite3.Error, AccessLogError.
    """

    def __init__(
        self, path: Path, seed: bytes, *, origin: str = "", name: str, busy_seconds: float
    ) -> None:
        self.path = path
        self._seed = seed
        self._commit = GroupCommit(path, busy_seconds=busy_seconds)
        self._edge: Edge | None = None  # None: what the file holds is not known
        self._known = 0, EMPTY_ROOT  # size and root this process saw last
        self._last = 0  # size of the newest checkpoint
        self._position = 0
        self._kept = 0.0  # when the one before was signed, seconds since 1970
        self._newest = ""  # the latest instant of an entry
        self._shared = 0
        self._statements: dict[int, str] = {}
        self.signer = self._commit.create(
            lambda connection: self._prepare(connection, origin, name)
        )

    @property
    def vkey(self) -> str:
        """The public key that checks the log's checkpoints."""
        return str(self.signer.verifier)

    @property
    def position(self) -> int:
        """A number of entries that the log has at least: what is appended from now on is behind."""
        return self._position

    def write(self, rows: Sequence[Row | Owed]) -> None:
        """Makes entries durable, all or none, in this order; what is owed and told already, not.

        Raises OSError, sqlite3.Error, UnicodeError, AccessLogTampered where the file does not
        hold what was signed, and AccessLogContradicted where a witness stands against it.
        """
        if not rows:
            return
        try:
            self._commit.run(lambda connection: self._write(connection, rows))
        except BaseException:
            self._edge = None
            raise

    def try_out(self) -> None:
        """Writes something of no meaning, durably: raises what `write` would."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(_TRY).rowcount:
                raise contradicted(contradictions_in(connection))
            (size,) = connection.execute("SELECT max(size) FROM checkpoints").fetchone()
            self._position = max(self._position, size or 0)

        self._commit.run(work)

    def verify(self) -> int:
        """How many entries the log has, if its end is what was signed.

        Raises AccessLogTampered, OSError, sqlite3.Error.
        """

        def look(connection: sqlite3.Connection) -> int:
            self._edge = None
            self._take_up(connection)
            return self._last

        return self._commit.run(look)

    def settle(self, region: str, row: Row, *, forget: str = "") -> None:
        """Takes away what stands against the log by a region's witness; the entry says so.

        `forget` is the name of a witness whose cosignatures are taken away, too. All or nothing.
        Raises as `write`, where others stand against it AccessLogContradicted.
        """

        def work(connection: sqlite3.Connection) -> None:
            self._edge = None
            connection.execute("BEGIN IMMEDIATE")
            names = (f"{CONTRADICTED}:{region}", f"{UNREADABLE}:{region}")
            connection.execute("DELETE FROM facts WHERE name IN (?, ?)", names)
            connection.execute("DELETE FROM cosignatures WHERE witness = ?", (forget,))
            self._take_up(connection)
            self._append(connection, [row])
            if connection.in_transaction:
                connection.execute("COMMIT")

        try:
            self._commit.run(work)
        except BaseException:
            self._edge = None
            raise

    def close(self) -> None:
        """Gives up the connection; another write would open a new one."""
        self._edge = None
        self._commit.close()

    def _prepare(self, connection: sqlite3.Connection, origin: str, name: str) -> NoteSigner:
        connection.execute("BEGIN IMMEDIATE")
        for table in log_tables.sorted_tables:
            compiled = CreateTable(table, if_not_exists=True).compile(dialect=sqlite.dialect())
            connection.execute(str(compiled))
        for statement in STATEMENTS:
            connection.execute(statement)
        known = fact_in(connection, "origin")
        if known is None:
            known = origin or f"{name}-{os.urandom(4).hex()}"
            connection.execute("INSERT INTO facts VALUES ('origin', ?)", (known,))
        elif origin and origin != known:
            raise AccessLogError(
                f"the access log's origin is {known}, not {origin}",
                hint="a log keeps its name: set `origin` of [access_log] to it, or leave it out",
            )
        signer = NoteSigner(known, self._seed)
        if checkpoint_in(connection) is None:
            self._plant(connection, signer)
        connection.execute("COMMIT")
        return signer

    def _plant(self, connection: sqlite3.Connection, signer: NoteSigner) -> None:
        """Makes the tree over whatever entries there are, and its first checkpoint."""
        if connection.execute("SELECT 1 FROM tiles LIMIT 1").fetchone() is not None:
            raise tampered("there are tiles, but no checkpoint")
        edge = Edge()
        for number, entry in connection.execute(_NEWER, (0,)):
            if number != edge.size + 1:
                raise tampered(f"entry {edge.size + 1} is missing")
            connection.executemany(
                "INSERT INTO tiles VALUES (?, ?, ?)", edge.append(entry.encode())
            )
        root = edge.root()
        note = sign_checkpoint(Checkpoint(signer.verifier.name, edge.size, root), signer)
        row = (edge.size, now(), root, note)
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?)", row)

    def _write(self, connection: sqlite3.Connection, rows: Sequence[Row | Owed]) -> None:
        if self._edge is None or self._shared:
            self._take_up(connection)
        while True:
            wanted = [
                one.row if isinstance(one, Owed) else one
                for one in rows
                if not (isinstance(one, Owed) and _is_told(connection, one))
            ]
            if not wanted:
                return
            try:
                self._append(connection, wanted)
            except sqlite3.IntegrityError:  # the numbers are taken: another process was here
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if not self._take_up(connection):
                    raise tampered(f"there is more behind its {self._last} entries") from None
            else:
                return

    def _append(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        assert self._edge is not None
        edge, newest = self._edge.copy(), self._newest
        written: list[tuple[Any, ...]] = []
        higher: list[tuple[int, int, bytes]] = []  # one in 65,536 entries
        for at, account, operation, result, entry in rows:
            if at < newest:
                entry = _with_clock(at, entry, newest)
            else:
                newest = at
            hashes = None
            for tile in edge.append(entry.encode()):
                if tile[0]:
                    higher.append(tile)
                else:
                    hashes = tile[2]
            row = (edge.size, at, account, operation, result, entry, hashes)
            written.append((*row, None, None, None, None))
        root, seconds = edge.root(), time.time()
        note = sign_checkpoint(Checkpoint(self.signer.verifier.name, edge.size, root), self.signer)
        keep = not 0 <= seconds - self._kept < KEEP_SECONDS
        replaced = None if keep else self._last
        written[-1] = (*written[-1][:7], root, note, now(), replaced)
        several = len(written) > _ROWS or bool(higher)
        if several and not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        for start in range(0, len(written), _ROWS):
            chunk = written[start : start + _ROWS]
            size = 1 << (len(chunk) - 1).bit_length()
            chunk += [_PAD] * (size - len(chunk))
            connection.execute(self._statement(size), [value for row in chunk for value in row])
        if several:
            connection.executemany("INSERT INTO tiles VALUES (?, ?, ?)", higher)
            connection.execute("COMMIT")
        self._edge, self._last, self._newest = edge, edge.size, newest
        self._known = edge.size, root
        self._position = max(self._position, edge.size)
        self._shared = max(0, self._shared - 1)
        if keep:
            self._kept = seconds

    def _take_up(self, connection: sqlite3.Connection) -> bool:
        """Learns what the file holds; whether that is more than was known.

        Raises AccessLogTampered where that is not what was signed.
        """
        edge = self._edge
        since = edge.size if edge is not None else 0
        until = since + _AT_ONCE if edge is not None else 0
        row = connection.execute(_STATE, {"since": since, "until": until}).fetchone()
        if row is None:
            raise tampered("its checkpoints are missing")
        found, (before, last, newest, entries, stopped) = StoredCheckpoint(*row[:4]), row[4:]
        if stopped:
            raise contradicted(contradictions_in(connection))
        if not found.sound:
            raise tampered("its newest checkpoint is damaged")
        if edge is not None and found.size == edge.size and found.root == edge.root():
            return False
        if edge is None or not edge.size < found.size <= edge.size + _FEW:
            if edge is not None and found.size <= edge.size:
                raise tampered(f"it had {edge.size} entries, now it has {found.size}, or others")
            tree = StoredTree(connection, found.size)
            edge = tree.edge().copy()
            self._check_growth(tree)
        else:
            edge = edge.copy()
            # No entry has a line feed in it; one that was put there has another hash.
            for raw in entries.encode().split(b"\n") if entries is not None else ():
                edge.append(raw)
            for (entry,) in connection.execute(_BETWEEN, (until, found.size)):
                edge.append(entry_bytes(entry))
        self._check(edge, found)
        if last != found.size and (last or found.size):
            raise tampered(f"it has {found.size} entries by its checkpoint, the last is {last}")
        if self._edge is not None:
            self._shared = _SHARED
        self._edge, self._last, self._known = edge, found.size, (found.size, found.root)
        self._kept = seconds_of(before) if before else 0.0
        self._newest = max(self._newest, newest or "")
        return True

    def _check_growth(self, tree: StoredTree) -> None:
        size, root = self._known
        if tree.size < size:
            raise tampered(f"it had {size} entries, now it has {tree.size}")
        if Frontier.at(size, tree.hash_at).root() != root:
            raise tampered(f"its first {size} entries are not those it had")

    def _check(self, edge: Edge, found: StoredCheckpoint) -> None:
        try:
            signed = open_checkpoint(found.note, [self.signer.verifier]).checkpoint
        except NoteInvalid as error:
            raise tampered(f"checkpoint {found.size}: {error.message}") from None
        origin = self.signer.verifier.name
        if signed != Checkpoint(origin, edge.size, edge.root()) or signed.root != found.root:
            raise tampered(
                f"its {edge.size} entries are not those that checkpoint {signed.size} signs"
            )

    def _statement(self, rows: int) -> str:
        statement = self._statements.get(rows)
        if statement is None:
            row = f"({', '.join('?' * len(COMMIT_COLUMNS))})"
            statement = (
                f"INSERT INTO {COMMITS} ({', '.join(COMMIT_COLUMNS)}) VALUES "
                f"{', '.join([row] * rows)}"
            )
            self._statements[rows] = statement
        return statement


def _is_told(connection: sqlite3.Connection, owed: Owed) -> bool:
    """Whether the log tells of it by now: the keys of an entry are canonical JSON."""
    row = connection.execute(
        _TOLD, (owed.after, f'"row":"{owed.name}"', f'"request":"{owed.request}"')
    ).fetchone()
    return row is not None


def _with_clock(at: str, entry: str, newest: str) -> str:
    """The entry with the latest instant the log had seen, where the clock went back behind it."""
    try:
        if seconds_of(newest) - seconds_of(at) <= _CLOCK_SECONDS:
            return entry
        found = orjson.loads(entry)
        if not isinstance(found, dict):
            return entry
    except ValueError:
        return entry
    return orjson.dumps({**found, "clock": newest}, option=orjson.OPT_SORT_KEYS).decode()
