"""The access log as its auditors read it, and what proves it (访问日志, G1–G4)."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

import strawberry

from schema.nodes import PageInfo, RegionAnswer
from schema.privacy import PrivateItem
from schema.ranges import DateTimeRange
from schema.scalars import DateTime, RegionCode

__all__ = [
    "AccessDecision",
    "AccessEntry",
    "AccessEntryConnection",
    "AccessEntryEdge",
    "AccessLogFilter",
    "AccessReason",
    "AccessRecords",
    "AccessedRegion",
    "Checkpoint",
    "ConsistencyProof",
    "Cosignature",
    "InclusionProof",
    "LogAnswer",
    "LogState",
]


@strawberry.enum(description="What became of private items in an operation.")
class AccessDecision(Enum):
    """What became of private items in an operation."""

    CLEAR = strawberry.enum_value("CLEAR", description="Some were shown in clear (明文).")
    MASKED = strawberry.enum_value("MASKED", description="They were all masked (脱敏).")
    REFUSED = strawberry.enum_value("REFUSED", description="The operation was refused (拒绝).")


@strawberry.input(description="Which entries; an entry must match all that is given.")
class AccessLogFilter:
    """Which entries."""

    account: str | None = strawberry.field(default=None, description="Of this account.")
    unit: strawberry.ID | None = strawberry.field(default=None, description="Of this unit.")
    role: list[str] | None = strawberry.field(
        default=None, description="Of accounts of these roles, `UNIT_USER`."
    )
    person: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "That concern this person (`person:…`): any record of the person, in any region."
        ),
    )
    region: list[RegionCode] | None = strawberry.field(
        default=None, description="For which regions of these codes and below were asked."
    )
    item: list[PrivateItem] | None = strawberry.field(
        default=None,
        description="In which one of these items was asked for: shown in clear, unless `decision`.",
    )
    decision: AccessDecision | None = strawberry.field(
        default=None, description="What became of private items, or of those of `item`."
    )
    operation: str | None = strawberry.field(
        default=None,
        description="That asked for this root field, `contacts`; or of this module, `sign-in`.",
    )
    result: list[str] | None = strawberry.field(
        default=None, description="With one of these results, `OK`, `FORBIDDEN`."
    )
    at: DateTimeRange | None = strawberry.field(default=None, description="Made in this time.")
    trace: str | None = strawberry.field(default=None, description="Of this trace.")
    request: str | None = strawberry.field(default=None, description="Of this request.")


@strawberry.type(description="Records of one kind that an operation read or wrote.")
class AccessRecords:
    """Records of one kind."""

    kind: str = strawberry.field(description="Their kind, `contact`.")
    count: int = strawberry.field(description="How many there were.")
    ids: list[strawberry.ID] = strawberry.field(
        description=(
            "Their ids, those of other regions than the auditor's left out; the log itself holds "
            "commitments only."
        )
    )


@strawberry.type(description="Why private items were shown in clear (G2).")
class AccessReason:
    """Why private items were shown in clear."""

    right: str = strawberry.field(
        description="`own` for the viewer's own reports, or the right: `grant:` and its id."
    )
    grant: strawberry.ID | None = strawberry.field(description="The grant, where it is one.")
    records: list[AccessRecords] = strawberry.field(description="Of which records.")


@strawberry.type(description="A region that an operation asked.")
class AccessedRegion:
    """A region that an operation asked."""

    code: RegionCode = strawberry.field(description="The region.")
    state: str = strawberry.field(description="What became of it, `ANSWERED`.")


@strawberry.type(description="One operation in the access log (访问日志条目, G1).")
class AccessEntry:
    """One operation in the access log."""

    origin: str = strawberry.field(description="Name of the log it is in: each gateway has one.")
    index: int = strawberry.field(description="Place in the tree, from 0: for `accessLogProof`.")
    number: int = strawberry.field(description="Number, from 1.")
    at: DateTime = strawberry.field(description="When.")
    account: str | None = strawberry.field(description="Who; null without a session.")
    role: str | None = strawberry.field(description="In which role, `UNIT_USER`.")
    unit_id: strawberry.ID | None = strawberry.field(description="Of which unit.")
    code: RegionCode | None = strawberry.field(description="The code of that unit.")
    region: RegionCode | None = strawberry.field(description="The region it lies in.")
    address: str = strawberry.field(description="From which network address.")
    session: str | None = strawberry.field(description="In which session: a part of its hash.")
    request: str | None = strawberry.field(description="The request's id.")
    trace: str | None = strawberry.field(
        description="The trace, the same on every side of what a request caused (G5)."
    )
    module: str = strawberry.field(description="By which part of the gateway, `graphql`.")
    operation: str = strawberry.field(description="What was asked, `query contacts`.")
    purpose: str | None = strawberry.field(description="What for, as the client stated.")
    result: str = strawberry.field(description="`OK`, `PARTIAL`, or the code of the failure.")
    count: int = strawberry.field(description="How many records were read.")
    records: list[AccessRecords] = strawberry.field(description="Which.")
    wrote: list[AccessRecords] = strawberry.field(description="Which records were written.")
    clear: list[str] = strawberry.field(
        description="Private fields shown in clear somewhere, `Contact.name`."
    )
    clear_items: list[PrivateItem] = strawberry.field(description="The private items of these.")
    masked: list[str] = strawberry.field(description="Private fields that were masked.")
    reasons: list[AccessReason] = strawberry.field(description="By what right in clear.")
    regions: list[AccessedRegion] = strawberry.field(description="The regions asked.")
    problems: list[str] = strawberry.field(description="What a mutation refused.")
    leaf: str = strawberry.field(
        description="The entry's hash as a leaf of the tree, base64: `accessLogProof` proves it."
    )


@strawberry.type(description="An entry in a list.")
class AccessEntryEdge:
    """An entry in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: AccessEntry = strawberry.field(description="The entry.")


async def _count(root: strawberry.Parent[Any]) -> int | None:
    found: int | None = await root.counting()
    return found


@strawberry.enum(description="What became of a log.")
class LogState(Enum):
    """What became of a log."""

    READ = strawberry.enum_value("READ", description="It was read to its end (已读取).")
    BEHIND = strawberry.enum_value(
        "BEHIND",
        description="What was read is a copy that ends before what a region has seen (副本不全).",
    )
    OTHER_KEY = strawberry.enum_value(
        "OTHER_KEY",
        description=(
            "It was read, but names records by another key than this gateway's: filters by "
            "`person` find nothing in it, and ids are left out (密钥不同)."
        ),
    )
    UNREADABLE = strawberry.enum_value(
        "UNREADABLE",
        description=(
            "It is known, of a region or of this gateway, but cannot be read here; or could not "
            "when the list began (无法读取)."
        ),
    )


@strawberry.type(description="A log that is known, and what became of it.")
class LogAnswer:
    """A log that is known."""

    origin: str = strawberry.field(description="Its name.")
    state: LogState = strawberry.field(description="What became of it.")
    first: int | None = strawberry.field(
        description="Number of the first entry there is: those before were pruned, or not exported."
    )
    last: int | None = strawberry.field(description="Number of the last entry there is.")
    newest: DateTime | None = strawberry.field(description="When the last was made.")


@strawberry.type(description="Entries, the newest first.")
class AccessEntryConnection:
    """Entries, the newest first."""

    edges: list[AccessEntryEdge] = strawberry.field(
        description=(
            "The page; it may be short, even empty, with more behind it, where few of many "
            "entries match."
        )
    )
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(
        description=(
            "Every region as NOT_ASKED, since the gateway keeps the log; with `person`, what "
            "became of the regions that were asked for the person's records."
        )
    )
    logs: list[LogAnswer] = strawberry.field(
        description=(
            "Every log that this gateway or a region knows of, this gateway's own first: of one "
            "that is not READ, entries may be missing."
        )
    )
    regions_silent: list[RegionCode] = strawberry.field(
        description=(
            "Regions that did not say which logs they know: another may be missing from `logs`."
        )
    )
    counting: strawberry.Private[Callable[[], Awaitable[int | None]]]

    total_count: int | None = strawberry.field(
        resolver=_count,
        description=(
            "How many entries of the logs that are read match, at the moment they are counted; "
            "null where counting takes longer than some seconds: narrow the filter."
        ),
    )


@strawberry.type(description="A witness's word that the log grew out of what it saw before.")
class Cosignature:
    """A witness's cosignature."""

    witness: str = strawberry.field(description="Name of the witness.")
    at: DateTime = strawberry.field(description="When it was taken in.")
    line: str = strawberry.field(description="The line of the signed note (C2SP).")


@strawberry.type(description="A signed state of the log (C2SP tlog-checkpoint).")
class Checkpoint:
    """A signed state of the log."""

    origin: str = strawberry.field(description="The log's name.")
    size: int = strawberry.field(description="How many entries it has.")
    root: str = strawberry.field(description="The root over them, base64.")
    at: DateTime = strawberry.field(description="When it was signed.")
    note: str = strawberry.field(description="The signed note, to be kept and checked.")
    key: str = strawberry.field(
        description="The public key the log says it is signed with; compare it with your own copy."
    )
    cosignatures: list[Cosignature] = strawberry.field(description="Of witnesses.")


@strawberry.type(description="That an entry is in the log (RFC 6962 2.1.1).")
class InclusionProof:
    """That an entry is in the log."""

    index: int = strawberry.field(description="The entry's index, from 0.")
    size: int = strawberry.field(description="Of the tree of so many entries.")
    leaf: str = strawberry.field(description="The entry's hash, base64.")
    hashes: list[str] = strawberry.field(description="The hashes that lead to the root, base64.")
    root: str = strawberry.field(description="The root, base64.")
    checkpoint: Checkpoint | None = strawberry.field(
        description="The signed state with this root, where one of this size is kept."
    )


@strawberry.type(description="That the log only grew (RFC 6962 2.1.2).")
class ConsistencyProof:
    """That the log only grew."""

    start: int = strawberry.field(name="from", description="The smaller size.")
    end: int = strawberry.field(name="to", description="The larger size.")
    hashes: list[str] = strawberry.field(description="The hashes of the proof, base64.")
    from_root: str = strawberry.field(description="The root over the first entries, base64.")
    to_root: str = strawberry.field(description="The root over all of them, base64.")
