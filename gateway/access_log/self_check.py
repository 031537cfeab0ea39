"""A look at the log's own file while it is served: a few tiles a round, in turn, round and round.

Every entry of a tile is hashed anew, and each tile held against the one above it, the top against
the newest signed root. So are some of the older checkpoints that are kept: each signs the root over
the first of the entries, which is computed of the tiles. The file contradicts itself where that
fails: somebody, or a disk, changed what was signed. The mark it leaves ends every further commit,
as a witness that contradicts the log does (`gateway.access_log.contradictions`). `epigate audit
verify` looks at everything at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

from gateway.access_log.contradictions import (
    ITSELF,
    Contradiction,
    contradicted,
    contradictions_in,
    keep_contradiction,
)
from gateway.access_log.live import Known, LiveLog, live_log
from gateway.access_log.log_file import LogFile
from gateway.access_log.system import operator, system_row
from gateway.access_log.tree import tampered
from regions.errors import AccessLogContradicted, AccessLogTampered, InvalidInput
from resolvers.access_log.findings import Report, each_problem
from resolvers.access_log.merkle import leaf_hash
from resolvers.access_log.notes import Checkpoint, VerifierKey
from resolvers.access_log.tiles import WIDTH
from resolvers.access_log.verifying import verify

__all__ = ["SelfCheck", "settle_itself"]

_FEWEST, _MOST = 1, 16  # tiles of a round: at most some thousands of entries
_LITTLE, _MUCH = (
    2 << 20,
    16 << 20,
)  # bytes of entries, from which on a round is made longer, shorter
_CHECKPOINTS = 16  # older ones, of a round
_BUSY_SECONDS = 10.0
_LOTS = SystemRandom()  # where a look begins is nobody's to foresee
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SelfCheck:
    """Looks at a log's file; `vkey` checks its signatures.

    It begins anywhere, so that a gateway that is often started anew gets everywhere all the same.
    """

    def __init__(self, path: Path, vkey: VerifierKey) -> None:
        self._path, self._vkey = path, vkey
        self._tiles = 4
        self._next: int | None = None  # the tile of entries that is looked at next
        self._behind: int | None = None  # the older checkpoint that was looked at last

    async def round(self) -> int:
        """Looks at some tiles; how many entries they hold.

        Raises AccessLogContradicted once the mark of what was found is there, AccessLogError where
        the file cannot be read.
        """
        return await asyncio.to_thread(self._round)

    def _round(self) -> int:
        try:
            with live_log(self._path) as live:
                part = self._part(live)
                report = _verified(part, self._vkey)
        except AccessLogContradicted:
            raise
        except AccessLogTampered as error:  # so damaged that there is nothing to verify
            raise contradicted([self._mark(error.message)]) from None
        if not report.holds:
            raise contradicted([self._mark("; ".join(list(each_problem(report))[:3]))])
        if part.read < _LITTLE:
            self._tiles = min(_MOST, 2 * self._tiles)
        elif part.read > _MUCH:
            self._tiles = max(_FEWEST, self._tiles // 2)
        return report.entries

    def _part(self, live: LiveLog) -> _Part:
        oldest, tiles = live.first // WIDTH, -(-live.size // WIDTH)
        begin = self._next
        if begin is None:
            begin = _LOTS.randrange(oldest, max(tiles, oldest + 1))
        elif not oldest <= begin < tiles:
            begin = oldest
        self._next = begin + self._tiles
        last = min(live.size, self._next * WIDTH)
        return _Part(live, begin * WIDTH, last, self._older(live))

    def _older(self, live: LiveLog) -> list[str]:
        """The next of the older checkpoints. Raises AccessLogTampered."""
        if self._behind is None:
            self._behind = _LOTS.randrange(live.size + 1) - 1
        found = live.older(self._behind, _CHECKPOINTS)
        self._behind = found[-1].size if len(found) == _CHECKPOINTS else -1
        for one in found:
            if not one.note.startswith(Checkpoint(live.origin, one.size, one.root).text()):
                raise tampered(f"the checkpoint of {one.size:,} entries is kept as another one")
        return [one.note for one in found]

    def _mark(self, said: str) -> Contradiction:
        return keep_contradiction(self._path, ITSELF, said, proven=True)


def _verified(part: _Part, vkey: VerifierKey) -> Report:
    """What a part holds. Raises AccessLogTampered where the file cannot be read as what it was."""
    try:
        return verify(part, [vkey])
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # none where a value is of another kind
        if code is not None and code & 0xFF not in _DAMAGED:
            raise  # it is busy, or the disk away: nothing is known
        raise tampered(f"it cannot be read: {error}") from None


class _Part:
    """Some entries of a log with the tiles over them, as a source to be verified."""

    def __init__(self, live: LiveLog, first: int, last: int, notes: Sequence[str]) -> None:
        self._live = live
        self.note, self.first, self.hashed, self.last = live.note, first, first, last
        self.notes = notes  # of older checkpoints
        self.read = 0

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """A tile's hashes."""
        return self._live.tile(level, index, width)

    def bundle(self, index: int, width: int) -> list[bytes] | None:
        """The entries of a tile."""
        found = self._live.bundle(index, width)
        self.read += sum(map(len, found or ()))
        return found


def settle_itself(log: LogFile) -> list[Contradiction]:
    """Takes away that a log contradicts itself, once all of it verifies again; what stood.

    Tiles of entries are made anew where that is all there is to it: the signed root bears the
    entries out. Raises InvalidInput where nothing stands, AccessLogContradicted where the log still
    contradicts itself, AccessLogError.
    """
    with closing(_opened(log.path)) as connection:
        stood = [one for one in contradictions_in(connection) if one.region == ITSELF]
        if not stood:
            raise InvalidInput(
                "the log is not said to contradict itself", hint="`epigate audit verify` names all"
            )
        mended = _mend(connection, log)
        if mended is None:
            raise contradicted(stood)
    said = [{"at": one.at, "said": one.said} for one in stood]
    what: dict[str, Any] = {
        "by": operator(),
        "region": ITSELF,
        "stood": said,
        "tiles": mended,
    }
    log.settle(ITSELF, system_row("settle", **what))
    return stood


def _mend(connection: sqlite3.Connection, log: LogFile) -> list[int] | None:
    """Makes tiles anew that are not over their entries; their numbers, None where it was not that.

    Nothing is changed unless the whole log verifies then.
    """
    keys = [log.signer.verifier]
    connection.execute("BEGIN IMMEDIATE")
    live = LiveLog(connection, log.path, Known())
    wrong = {one.tile[1] for one in verify(live, keys).problems if one.tile and not one.tile[0]}
    made = []
    for tile in sorted(wrong):
        entries = live.bundle(tile, WIDTH) or []
        if len(entries) == WIDTH:
            row = (tile, b"".join(map(leaf_hash, entries)))
            connection.execute("DELETE FROM tiles WHERE level = 0 AND tile = ?", row[:1])
            connection.execute("INSERT INTO tiles VALUES (0, ?, ?)", row)
            made.append(tile)
    holds = verify(LiveLog(connection, log.path, Known()), keys).holds
    connection.execute("COMMIT" if holds else "ROLLBACK")
    return made if holds else None


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # of what is damaged
    return connection
