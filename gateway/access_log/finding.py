"""Reading the log for its auditors: entries by what they say, and proofs, from the log's file.

Entries are looked through from the newest on, some thousand at a time and for a second or so at
most: a page may be short, and says where to go on. The statement leaves out what does not match;
where entries are kept under (time, account, operation, result) is only believed as far as the entry
itself says the same.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.access_log.live import Known, LiveLog, live_log
from gateway.access_log.tree import checkpoint_in
from regions.errors import InvalidInput
from resolvers.access_log.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash
from resolvers.access_log.wanted import Found, Proved, Signed, Wanted

__all__ = ["FileReader", "condition", "connect_read_only", "count_in", "find_in"]

_WINDOW = 5_000  # numbers looked through at once
_SECONDS = 1.0
_COUNT_SECONDS = 2.0
T = TypeVar("T")


class FileReader:
    """Proves from a log's file. `vkey` is its public key."""

    def __init__(self, path: Path, vkey: str) -> None:
        self._path, self._vkey = path, vkey
        self._known = Known()

    async def checkpoint(self) -> Signed:
        """The newest checkpoint. Raises AccessLogError."""
        return await self._read(lambda log: self._signed(log, log.size))

    async def prove(self, index: int, size: int | None) -> Proved:
        """That an entry is in the tree of a size. Raises InvalidInput, AccessLogError."""

        def work(log: LiveLog) -> Proved:
            whole = log.size if size is None else size
            if not 0 <= index < whole <= log.size:
                raise InvalidInput(
                    "there is no such entry in a tree of this size",
                    hint=f"0 <= index < size <= {log.size}",
                )
            proof = inclusion_proof(index, whole, log.hash_at)
            root = Frontier.at(whole, log.hash_at).root()
            leaf = leaf_hash(log.entry(index))
            return Proved(proof, (root,), leaf, whole, self._signed_or_none(log, whole))

        return await self._read(work)

    async def prove_growth(self, old: int, new: int) -> Proved:
        """That a tree grew out of another. Raises InvalidInput, AccessLogError."""

        def work(log: LiveLog) -> Proved:
            if not 0 <= old <= new <= log.size:
                raise InvalidInput("a log does not grow so", hint=f"0 <= from <= to <= {log.size}")
            roots = (Frontier.at(old, log.hash_at).root(), Frontier.at(new, log.hash_at).root())
            return Proved(consistency_proof(old, new, log.hash_at), roots, b"", new, None)

        return await self._read(work)

    async def _read(self, work: Callable[[LiveLog], T]) -> T:
        def run() -> T:
            with live_log(self._path, self._known) as log:
                return work(log)

        return await asyncio.to_thread(run)

    def _signed_or_none(self, log: LiveLog, size: int) -> Signed | None:
        return None if checkpoint_in(log.connection, size) is None else self._signed(log, size)

    def _signed(self, log: LiveLog, size: int) -> Signed:
        kept = checkpoint_in(log.connection, size)
        assert kept is not None
        rows = log.connection.execute(
            "SELECT witness, at, note FROM cosignatures WHERE size = ? ORDER BY witness", (size,)
        ).fetchall()
        origin = kept.note.partition("\n")[0]
        return Signed(origin, kept.size, kept.root, kept.at, kept.note, self._vkey, rows)


def find_in(
    store: sqlite3.Connection,
    wanted: Wanted,
    before: int | None,
    size: int,
    *,
    seconds: float = _SECONDS,
) -> Found:
    """Looks through a log from the newest entry on, or from before a number."""
    where, values = condition(wanted)
    statement = (
        "SELECT number, entry FROM entries WHERE number < ? AND number >= ? "
        f"AND {where} ORDER BY number DESC LIMIT ?"
    )
    (first, last) = store.execute("SELECT min(number), max(number) FROM entries").fetchone()
    if last is None:
        return Found([], 0, False)
    if before is None or before > last:
        before = last + 1
    found: list[tuple[int, str]] = []
    end = time.monotonic() + seconds
    while before > first:
        start = max(first, before - _WINDOW)
        left = size + 1 - len(found)
        found += store.execute(statement, (before, start, *values, left)).fetchall()
        if len(found) > size:
            return Found(found[:size], found[size - 1][0] if size else before, True)
        before = start
        if time.monotonic() > end and before > first:
            return Found(found, before, True)
    return Found(found, before, False)


def count_in(
    store: sqlite3.Connection, wanted: Wanted, *, seconds: float = _COUNT_SECONDS
) -> int | None:
    """How many entries of a log match; None where they cannot be counted within the time."""
    where, values = condition(wanted)
    statement = f"SELECT count(*) FROM entries WHERE number >= ? AND number < ? AND {where}"
    (start, last) = store.execute("SELECT min(number), max(number) FROM entries").fetchone()
    if last is None:
        return 0
    total, end = 0, time.monotonic() + seconds
    while start <= last:
        behind = min(start + _WINDOW, last + 1)
        total += store.execute(statement, (start, behind, *values)).fetchone()[0]
        start = behind
        if time.monotonic() > end and start <= last:
            return None
    return total


def condition(wanted: Wanted) -> tuple[str, list[str]]:
    """The condition as SQL, and its values."""
    parts: list[str] = []
    values: list[str] = []

    def equal(expression: str, *given: str) -> None:
        parts.append(f"{expression} IN ({', '.join('?' * len(given))})" if given else "0")
        values.extend(given)

    if wanted.since is not None:
        parts.append("at >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        parts.append("at < ?")
        values.append(wanted.until)
    for expression, text in (
        ("account", wanted.account),
        ("json_extract(entry, '$.unit')", wanted.unit),
        ("json_extract(entry, '$.trace')", wanted.trace),
        ("json_extract(entry, '$.request')", wanted.request),
    ):
        if text is not None:
            equal(expression, text)
    if wanted.roles is not None:
        equal("json_extract(entry, '$.role')", *wanted.roles)
    if wanted.results is not None:
        equal("result", *wanted.results)
    if wanted.operation is not None:
        parts.append(
            "(instr(' ' || operation || ' ', ?) > 0 OR json_extract(entry, '$.module') = ?)"
        )
        values += [f" {wanted.operation} ", wanted.operation]
    if wanted.commitments is not None:
        parts.append(
            f"({' OR '.join(['instr(entry, ?) > 0'] * len(wanted.commitments))})"
            if wanted.commitments
            else "0"
        )
        values.extend(wanted.commitments)
    if wanted.regions is not None:
        parts.append(_regions(values, wanted.regions))
    _decided(wanted, parts, values)
    if wanted.scope:
        own = "substr(coalesce(json_extract(entry, '$.code'), ''), 1, ?) = ?"
        values += [str(len(wanted.scope)), wanted.scope]
        parts.append(f"(account = '' OR {own} OR {_regions(values, (wanted.scope,))})")
    if not parts:
        return "1", []
    return f"CASE WHEN json_valid(entry) THEN ({' AND '.join(parts)}) ELSE 0 END", values


def _decided(wanted: Wanted, parts: list[str], values: list[str]) -> None:
    """What became of private items, or of certain ones."""
    if wanted.decision == "REFUSED":
        parts.append("result NOT IN ('OK', 'PARTIAL')")
    clear = _fields("clear", wanted.fields)
    masked = _fields("masked", wanted.fields)
    given = list(wanted.fields or ())
    if wanted.decision == "MASKED":
        parts += [masked, f"NOT {clear}"]
        values += [*given, *given]
    elif wanted.decision == "CLEAR" or (wanted.fields is not None and wanted.decision is None):
        parts.append(clear)
        values += given


def _fields(name: str, fields: tuple[str, ...] | None) -> str:
    among = "1" if fields is None else f"value IN ({', '.join('?' * len(fields))})"
    return f"EXISTS (SELECT 1 FROM json_each(entry, '$.what.{name}') WHERE {among})"


def _regions(values: list[str], prefixes: tuple[str, ...]) -> str:
    each = " OR ".join(["substr(key, 1, length(?)) = ?"] * len(prefixes)) or "0"
    values.extend(one for prefix in prefixes for one in (prefix, prefix))
    return f"EXISTS (SELECT 1 FROM json_each(entry, '$.what.regions') WHERE {each})"


def connect_read_only(path: Path) -> sqlite3.Connection:
    """The file of a log, to be read. Raises sqlite3.Error where there is none."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
    )
    connection.execute("PRAGMA query_only=ON")
    return connection
