"""A log that can be read here: its own file, or a bundle that was taken of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.access_log.bundles import Bundle, open_bundle
from gateway.access_log.finding import connect_read_only
from gateway.access_log.tree import fact_in
from regions.errors import AccessLogError
from resolvers.access_log.commitments import Commitments, commitments_in
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.tiles import WIDTH
from resolvers.access_log.verifying import verify

__all__ = ["Opened", "ReadableLog", "same_key"]

_KINDS = ("person", "case", "contact")
_SAMPLE = (
    "SELECT entry FROM entries WHERE "
    + " OR ".join(f'instr(entry, \'"{kind}":"\') > 0' for kind in _KINDS)
    + " ORDER BY number DESC LIMIT 1"
)


class Opened(NamedTuple):
    """A log's name and a connection to a table of its entries, as its own file has it."""

    origin: str
    store: sqlite3.Connection


class ReadableLog:
    """The log at a path. For several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.origin = ""  # as it was the last time it could be read
        self._lock = threading.Lock()
        self._loaded: tuple[str, sqlite3.Connection] | None = None  # a bundle's checkpoint

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The log as it is now. Raises AccessLogError; for a bundle, where it does not verify."""
        with self._lock:
            try:
                # Its name says it: to open and close SQLite's file by another hand, in a process
                # that has it open, takes its locks away (POSIX), and with them the log.
                if self.path.is_dir() or self.path.suffix == ".tar":
                    yield self._bundle()
                else:
                    with closing(connect_read_only(self.path)) as store:
                        yield self._named(fact_in(store, "origin"), store)
            except sqlite3.Error as error:
                raise AccessLogError(f"{self.path} cannot be read: {error}") from None

    def _named(self, origin: str | None, store: sqlite3.Connection) -> Opened:
        if origin is None:
            raise AccessLogError(f"{self.path} is no access log")
        self.origin = origin
        return Opened(origin, store)

    def _bundle(self) -> Opened:
        with open_bundle(self.path) as bundle:
            if self._loaded is None or self._loaded[0] != bundle.note:
                self._loaded = bundle.note, _load(bundle)
            return self._named(bundle.note.partition("\n")[0], self._loaded[1])


def same_key(store: sqlite3.Connection, commitments: Commitments) -> bool | None:
    """Whether a log's commitments are under a key; None where it names no record."""
    row = store.execute(_SAMPLE).fetchone()
    if row is None:
        return None
    what: Any = orjson.loads(row[0]).get("what") or {}
    for name in ("records", "wrote"):
        kinds = what.get(name)
        for kind in _KINDS if isinstance(kinds, dict) else ():
            for one in commitments_in(kinds.get(kind) or ()):
                return isinstance(one, int) or commitments.opened(kind, one) is not None
    return None


def _load(bundle: Bundle) -> sqlite3.Connection:
    """The entries of a bundle in a table, in a file without a name that ends with the connection.

    Raises AccessLogError where the bundle does not verify by the key in it.
    """
    report = verify(bundle, [VerifierKey.parse(bundle.vkey)])
    if not report.holds or report.checkpoint is None:
        raise AccessLogError(f"{bundle.name} does not verify")
    store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    store.execute(
        "CREATE TABLE entries (number INTEGER PRIMARY KEY, at, account, operation, result, entry)"
    )
    size = report.checkpoint.size
    last = size if bundle.last is None else min(size, bundle.last)
    store.execute("BEGIN")
    for first in range(bundle.first, last, WIDTH):
        entries = bundle.bundle(first // WIDTH, min(WIDTH, size - first)) or []
        store.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)",
            [_row(number, raw.decode()) for number, raw in enumerate(entries, first + 1)],
        )
    store.execute("COMMIT")
    return store


def _row(number: int, text: str) -> tuple[object, ...]:
    said = orjson.loads(text)
    columns = (str(said.get(name) or "") for name in ("at", "account", "operation", "result"))
    return (number, *columns, text)
