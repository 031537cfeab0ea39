"""What stands against the log: marks in its own file, which every process that writes it reads.

The log itself does, where its file is not what was signed (`gateway.access_log.self_check`).

A region's witness that holds a signed checkpoint out of which the log did not grow is proof that
the log was cut short, exchanged or forked. The mark it leaves ends every further commit, whichever
process makes it (a trigger of the file: `regions.access_log.STATEMENTS`), until somebody has looked
into it. What a region is said to have seen, and neither log nor witness signed, proves nothing:
whoever may write the region's store could stop every other region by it. It is marked, too, raises
an alarm and keeps that region's witness from cosigning, but the gateway serves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.access_log.tree import checkpoint_in
from regions.access_log import CONTRADICTED, UNREADABLE
from regions.errors import AccessLogContradicted
from regions.instants import now

__all__ = ["ITSELF", "Contradiction", "contradicted", "contradictions_in", "keep_contradiction"]

_BUSY_SECONDS = 10.0
_HINT = (
    "nothing is answered until somebody has looked into it: keep the file as it is, tell the "
    "auditor; docs/access-log.md, When a witness contradicts the log"
)


ITSELF = "itself"
"""In the place of a region: the log's own file is not what was signed."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A region's witness against the log, or the log against itself.

    `note` is the checkpoint it holds with its cosignature, where that is signed (`proven`); `size`
    is how many entries the log had when it was found.
    """

    region: str
    at: str
    origin: str
    size: int
    said: str
    proven: bool
    note: str = ""

    @property
    def text(self) -> str:
        """The contradiction as a line."""
        if self.region == ITSELF:
            return f"since {self.at} the log contradicts itself: {self.said}"
        kind = "contradicts the log" if self.proven else "cannot be read"
        return f"since {self.at} the witness of the region {self.region} {kind}: {self.said}"


def contradictions_in(connection: sqlite3.Connection) -> list[Contradiction]:
    """What stands against the log of a file, that which is proven first."""
    found: list[Contradiction] = []
    for start in (CONTRADICTED, UNREADABLE):
        rows = connection.execute(
            "SELECT name, value FROM facts WHERE name >= ? AND name < ? ORDER BY name",
            (f"{start}:", f"{start};"),
        )
        for name, value in rows:
            region = str(name).partition(":")[2]
            found.append(_parsed(region, value, proven=start == CONTRADICTED))
    return found


def keep_contradiction(
    path: Path, region: str, said: str, *, proven: bool, note: str = ""
) -> Contradiction:
    """Marks the log of a file, durably; the mark there is, where the region has one of the kind.

    Raises sqlite3.Error.
    """
    kind = CONTRADICTED if proven else UNREADABLE
    with closing(_opened(path)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        newest = checkpoint_in(connection)
        origin, size = ("", 0) if newest is None else (newest.note.partition("\n")[0], newest.size)
        found = {"at": now(), "origin": origin, "size": size, "said": said, "note": note}
        connection.execute(
            "INSERT OR IGNORE INTO facts (name, value) VALUES (?, ?)",
            (f"{kind}:{region}", orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()),
        )
        kept = contradictions_in(connection)
    return next(one for one in kept if (one.region, one.proven) == (region, proven))


def contradicted(found: Sequence[Contradiction]) -> AccessLogContradicted:
    """That nothing more may be written."""
    proven = [one for one in found if one.proven]
    if proven and proven[0].region == ITSELF:
        return AccessLogContradicted(
            f"the access log contradicts itself: {proven[0].said}", hint=_HINT
        )
    regions = ", ".join(one.region for one in proven)
    said = proven[0].said if proven else "the mark is gone"
    return AccessLogContradicted(
        f"a witness contradicts the access log ({regions}): {said}", hint=_HINT
    )


def _parsed(region: str, value: object, *, proven: bool) -> Contradiction:
    """A mark; one that was damaged stands all the same."""
    try:
        found = orjson.loads(str(value))
        at, origin = str(found["at"]), str(found["origin"])
        size, said, note = int(found["size"]), str(found["said"]), str(found["note"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Contradiction(region, "", "", 0, "the mark is damaged", proven)
    return Contradiction(region, at, origin, size, said, proven, note)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
