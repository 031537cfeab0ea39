"""Which entries an auditor wants and may read, as a value; and what reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["Found", "LogReader", "Proved", "Signed", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that is given must match. `scope` is the prefix of the auditor's code (G4)."""

    scope: str = ""
    account: str | None = None
    unit: str | None = None
    roles: tuple[str, ...] | None = None
    commitments: tuple[str, ...] | None = None  # one of these records
    regions: tuple[str, ...] | None = None  # prefixes
    fields: tuple[str, ...] | None = None  # private fields, `Contact.name`
    decision: str | None = None
    operation: str | None = None
    results: tuple[str, ...] | None = None
    since: str | None = None
    until: str | None = None  # not included
    trace: str | None = None
    request: str | None = None


class Found(NamedTuple):
    """Entries, newest first: number and canonical JSON; and where looking stopped."""

    entries: list[tuple[int, str]]
    at: int  # number of the last entry looked at
    more: bool


class Signed(NamedTuple):
    """A checkpoint as it is kept."""

    origin: str
    size: int
    root: bytes
    at: str
    note: str
    key: str
    cosignatures: list[tuple[str, str, str]]  # witness, instant, line


class Proved(NamedTuple):
    """Hashes of a proof and the roots it leads to."""

    hashes: list[bytes]
    roots: tuple[bytes, ...]
    leaf: bytes
    size: int
    checkpoint: Signed | None


class LogReader(Protocol):
    """Reads the log; each call sees one moment of it."""

    async def find(self, wanted: Wanted, before: int | None, size: int) -> Found:
        """The newest entries before a number. Raises AccessLogError."""

    async def count(self, wanted: Wanted) -> int | None:
        """How many entries match; None where counting takes too long. Raises AccessLogError."""

    async def checkpoint(self) -> Signed:
        """The newest checkpoint. Raises AccessLogError."""

    async def prove(self, index: int, size: int | None) -> Proved:
        """That an entry is in the tree of a size. Raises InvalidInput, AccessLogError."""

    async def prove_growth(self, old: int, new: int) -> Proved:
        """That a tree grew out of another. Raises InvalidInput, AccessLogError."""
