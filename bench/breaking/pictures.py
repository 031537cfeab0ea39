"""What the stores say at one instant, read by plain SQL from their files: for the checker.

Nothing here is epigate's: a mistake in its tables or statements must not be made here as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Custody", "Eyes", "Picture", "Side"]


@dataclass(frozen=True, slots=True)
class Custody:
    """What a store says of one person."""

    state: str
    epoch: int
    peer: str | None
    transfer: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One region's store."""

    people: Mapping[int, str | None]  # person → kept_in
    custody: Mapping[int, Custody]
    parts: Mapping[tuple[str, str, int], Mapping[str, Any]]  # (transfer, side, person) → part
    transfers: Mapping[tuple[str, str], Mapping[str, Any]]  # (transfer, side) → row
    events: tuple[tuple[int, int, str, int], ...]  # person, epoch, event, number, as written
    outbox: Mapping[str, Mapping[str, Any]]  # id → row
    inbox: Mapping[tuple[str, str], Mapping[str, Any]]  # (from, id) → row
    records: Mapping[str, Mapping[int, int]]  # table → record → person
    fenced: bool = False  # put back from a backup and not yet mended: it answers for nobody


@dataclass(frozen=True, slots=True)
class Picture:
    """All stores at one instant (a cut), or as soon as nothing moved any more (at rest)."""

    sides: Mapping[str, Side]  # region (six digits) → its store
    at: float = 0.0
    name: str = ""


_FENCED = "SELECT count(*) FROM store_fences WHERE mended_at IS NULL"
_RECORDS = ("contacts", "cases", "visits", "samples")


class Eyes:
    """Looks at the regions' files, again and again. After a file was exchanged: `close` first."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._open: dict[str, sqlite3.Connection] = {}

    def look(self, *, at: float = 0.0, name: str = "", full: bool = True) -> Picture:
        """What the stores say. Without `full` only who has custody is read, for a cut."""
        return Picture({one: _side(self._store(one), full) for one in self._files}, at, name)

    def _store(self, region: str) -> sqlite3.Connection:
        if region not in self._open:
            uri = f"file:{self._files[region]}?mode=ro"
            store = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
            store.row_factory = sqlite3.Row
            self._open[region] = store
        return self._open[region]

    def ask(self, region: str, question: str, *values: Any) -> list[Any]:
        """The rows of a question to one region's file."""
        return self._store(region).execute(question, values).fetchall()

    def close(self) -> None:
        """Closes the files."""
        for store in self._open.values():
            store.close()
        self._open.clear()


def _side(store: sqlite3.Connection, full: bool) -> Side:
    store.execute("BEGIN")  # one snapshot for all of it
    try:
        people = {row[0]: row[1] for row in store.execute("SELECT id, kept_in FROM people")}
        custody = {
            row["person_id"]: Custody(row["state"], row["epoch"], row["peer"], row["transfer_id"])
            for row in store.execute("SELECT * FROM custody")
        }
        fenced = bool(store.execute(_FENCED).fetchone()[0])
        if not full:
            return Side(people, custody, {}, {}, (), {}, {}, {}, fenced)
        parts = {
            (row["transfer_id"], row["side"], row["person_id"]): dict(row)
            for row in store.execute("SELECT * FROM transfer_people")
        }
        transfers = {
            (row["id"], row["side"]): dict(row) for row in store.execute("SELECT * FROM transfers")
        }
        events = tuple(
            (row["person_id"], row["epoch"], row["event"], row["id"])
            for row in store.execute(
                "SELECT * FROM transfer_events WHERE person_id IS NOT NULL AND epoch IS NOT NULL"
                " ORDER BY id"
            )
        )
        outbox = {row["id"]: dict(row) for row in store.execute("SELECT * FROM post_outbox")}
        inbox = {
            (row["from_region"], row["id"]): dict(row)
            for row in store.execute("SELECT * FROM post_inbox")
        }
        records = {
            table: {row[0]: row[1] for row in store.execute(f"SELECT id, person_id FROM {table}")}
            for table in _RECORDS
        }
        return Side(people, custody, parts, transfers, events, outbox, inbox, records, fenced)
    finally:
        store.execute("COMMIT")
