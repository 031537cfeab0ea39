"""Which entries an auditor wants and may read, as a value; and what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["Everywhere", "Found", "LogReader", "LogStatus", "Proved", "Signed", "Wanted"]


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


class LogStatus(NamedTuple):
    """What became of one log: `state` as `schema.access_log.LogState`."""

    origin: str
    state: str
    first: int | None = None  # numbers of the first and last entry that were there to be read
    last: int | None = None
    newest: str | None = None  # when the last was made
    known: int | None = None  # how many entries a region has seen it have


class Everywhere(NamedTuple):
    """Entries of all logs that can be read, by their origins; what became of each log that is
    known; and the regions that did not say which logs they know.
    """

    found: dict[str, Found]
    logs: list[LogStatus]
    silent: list[str]


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
    """Reads the gateway's log and the others it can reach; each call sees one moment of each.

    `origin` names one of them; empty, the gateway's own.
    """

    @property
    def origin(self) -> str:
        """The name of the gateway's own log."""

    async def find(self, wanted: Wanted, before: Mapping[str, int] | None, size: int) -> Everywhere:
        """The newest entries of each log before a number of its own; where `before` is given, no
        log is read that is not in it. Raises AccessLogError where its own log cannot be read.
        """

    async def count(self, wanted: Wanted) -> int | None:
        """How many entries match; None where counting takes too long. Raises AccessLogError."""

    async def checkpoint(self, origin: str) -> Signed:
        """The newest checkpoint. Raises InvalidInput, AccessLogError."""

    async def prove(self, index: int, size: int | None, origin: str) -> Proved:
        """That an entry is in the tree of a size. Raises InvalidInput, AccessLogError."""

    async def prove_growth(self, old: int, new: int, origin: str) -> Proved:
        """That a tree grew out of another. Raises InvalidInput, AccessLogError."""
