"""Keeping the log: a copy of it while it is written, and removing what is old enough (G3)."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.access_log.log_file import LogFile
from gateway.access_log.system import system_row
from gateway.access_log.tree import StoredTree, checkpoint_in, fact_in, tampered
from regions.errors import AccessLogContradicted, AccessLogError
from regions.instants import instant, seconds_of
from resolvers.access_log.notes import Checkpoint, open_checkpoint
from resolvers.access_log.tiles import WIDTH

__all__ = ["Pruning", "backup", "check_times", "prune", "pruning"]

_PAGES = 1_000  # of a backup at once
_MOST = 40  # tiles of entries removed in one transaction
_BRIEF = 0.02  # seconds that one may hold the file: requests wait for it
_PAUSE = 0.01  # seconds between two: whoever writes goes first
_BUSY_SECONDS = 30.0
_AHEAD_SECONDS = 300.0  # by which clocks of machines may differ
_GAP_DAYS = 7
# Entries behind which the latest instant so far is a long time before the next.
_GAP = """
SELECT number - 1, before, at FROM (
  SELECT number, at, max(at) OVER
    (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM entries WHERE number >= :last)
WHERE julianday(at) - julianday(before) > :days LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Pruning:
    """Entries that can be removed: numbers from `first` to `last`, none where that is less."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many."""
        return max(0, self.last - self.first + 1)


def pruning(path: Path, before: str) -> Pruning:
    """What can be removed of a log: whole tiles, all of whose entries are older than an instant."""
    with closing(_opened(path)) as connection:
        done = int(fact_in(connection, "pruned_to") or 0)
        (young,) = connection.execute(
            "SELECT min(number) FROM entries WHERE at >= ?", (before,)
        ).fetchone()
        newest = checkpoint_in(connection)
        size = newest.size if newest else 0
        last = (size if young is None else young - 1) // WIDTH * WIDTH
    return Pruning(done + 1, max(done, last))


def check_times(path: Path, found: Pruning, moment: float, *, gaps: bool = False) -> None:
    """Raises AccessLogError where the log's own times do not bear out how old entries are.

    `moment` is now, seconds since 1970. A clock that was put ahead makes everything look old: so
    the newest entry may not be after now, and from what would be removed on the log's times go on
    without a gap of a week, up to now (a running gateway's heartbeats come every minute), unless
    `gaps` says that the gateway did not run then.
    """
    if not found.count:
        return
    with closing(_opened(path)) as connection:
        (newest,) = connection.execute("SELECT max(at) FROM entries").fetchone()
        if newest > instant(moment + _AHEAD_SECONDS):
            raise AccessLogError(
                f"the log's newest entry is of {newest}, which is after now, {instant(moment)}: "
                "which of the two is right cannot be known, so nothing is removed",
                hint="set the machine's clock right; where it was ahead and wrote such entries, "
                "wait until that time has passed",
            )
        gap = connection.execute(_GAP, {"last": found.last, "days": _GAP_DAYS}).fetchone()
    if gap is None and moment - seconds_of(newest) > _GAP_DAYS * 86_400:
        gap = "the last one", newest, instant(moment)
    if gap is not None and not gaps:
        raise AccessLogError(
            f"the log's times go on by more than {_GAP_DAYS} days behind entry {gap[0]}, from "
            f"{gap[1]} to {gap[2]}: the gateway did not run, or its clock was put ahead",
            hint="with a clock that was ahead, entries look older than they are; where the gateway "
            "did not run then, add --despite-gaps",
        )


def prune(log: LogFile, found: Pruning, before: str, *, gaps: bool = False) -> None:
    """Removes entries; their hashes stay, so the tree still verifies. `gaps` as `check_times`.

    First the log tells it. Raises AccessLogError, OSError, sqlite3.Error.
    """
    if not found.count:
        return
    log.verify()
    what: dict[str, Any] = {"first": found.first, "last": found.last, "before": before}
    if gaps:
        what["despiteGaps"] = True
    log.write([system_row("prune", **what)])
    with closing(_opened(log.path)) as connection:
        first, tiles = found.first, 1
        while first <= found.last:
            last = min(first + tiles * WIDTH - 1, found.last)
            begun = time.monotonic()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('pruned_to', ?)", (str(last),))
            connection.execute("DELETE FROM entries WHERE number BETWEEN ? AND ?", (first, last))
            connection.execute("COMMIT")
            brief = time.monotonic() - begun < _BRIEF
            first, tiles = last + 1, min(_MOST, 2 * tiles) if brief else max(1, tiles // 2)
            time.sleep(_PAUSE)


def backup(log: LogFile, to: Path) -> Checkpoint:
    """Copies the log while others write it; the checkpoint that the copy ends with.

    The checkpoint stands beside the copy, as `<to>.checkpoint`. Raises AccessLogError where there
    is such a file, or the copy does not verify; OSError, sqlite3.Error.
    """
    beside = to.with_name(f"{to.name}.checkpoint")
    for file in (to, beside):
        if file.exists():
            raise AccessLogError(f"{file} is there already", hint="name another file")
    with suppress(AccessLogContradicted):  # nothing can be told any more; the copy is evidence
        log.write([system_row("backup")])
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(_opened(log.path)) as one, closing(sqlite3.connect(to)) as other:
        one.execute("BEGIN")  # one moment: else each commit meanwhile would begin it anew
        one.execute("SELECT count(*) FROM facts").fetchone()
        one.backup(other, pages=_PAGES)
    with closing(_opened(to)) as connection:
        found = checkpoint_in(connection)
        if found is None:
            raise tampered("the copy has no checkpoint")
        signed = open_checkpoint(found.note, [log.signer.verifier]).checkpoint
        root = StoredTree(connection, found.size).edge().root()
        if (signed.size, signed.root) != (found.size, root):
            raise tampered("the copy's entries are not those of its checkpoint")
        lines = connection.execute("SELECT note FROM cosignatures WHERE size = ?", (found.size,))
        note = found.note + "".join(line for (line,) in lines)
    beside.write_text(note, "utf-8")
    return signed


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
