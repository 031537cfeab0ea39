"""`accessLog` and the proofs: the auditor's own level and those below, each reading logged (G4)."""

from __future__ import annotations

import base64
from typing import Any

from regions.errors import InvalidInput, LogUnavailable, StoreError, TooLarge
from resolvers.access_log.merging import Placed, merged
from resolvers.access_log.persons import person_number, records_of
from resolvers.access_log.showing import shown_entry
from resolvers.access_log.wanted import LogReader, LogStatus, Signed, Wanted
from resolvers.catalog import private_fields
from resolvers.context import Context, region_answers
from resolvers.federation import Report
from resolvers.filters import code_prefix, plain
from resolvers.questions.plans import page_size
from resolvers.questions.question import error_of
from resolvers.rights import require
from resolvers.users import Role, Viewer
from schema.access_log import (
    AccessEntryConnection,
    AccessEntryEdge,
    AccessLogFilter,
    Checkpoint,
    ConsistencyProof,
    Cosignature,
    InclusionProof,
    LogAnswer,
    LogState,
)
from schema.nodes import PageInfo

__all__ = ["list_entries", "prove_entry", "prove_growth", "signed_now", "wanted_of"]

_BOUND_TO = b"AccessEntry|places"
_MOST_VALUES = 100  # of each list of a filter
_MOST_RECORDS = 500  # of one person
_PLAIN = ("account", "operation", "trace", "request", "decision")


async def list_entries(
    context: Context,
    wanted: AccessLogFilter | None,
    first: int | None,
    after: str | None,
    path: str,
) -> AccessEntryConnection:
    """A page of entries. Raises Forbidden, InvalidInput, InvalidCursor, TooLarge, StoreError."""
    viewer, reader = _auditor(context, "accessLog")
    answering = context.answering
    size = page_size(answering, first)
    places: dict[str, int] | None = None
    if after is not None:
        places = answering.cursors.open(after, _BOUND_TO, 1)[0]
    given = plain(wanted) if wanted else {}
    report = Report(len(context.question.federation.regions))
    commitments = await _commitments(context, given.pop("person", None), path, report)
    chosen = wanted_of(given, viewer, commitments)
    everywhere = await reader.find(chosen, places, size)
    found = merged(everywhere.found, size)

    def sealed(places: dict[str, int]) -> str:
        return answering.cursors.seal([places], _BOUND_TO)

    edges = [
        AccessEntryEdge(
            cursor=sealed(one.places),
            node=shown_entry(
                one.number, one.text, answering.commitments, viewer.prefix, origin=one.origin
            ),
        )
        for one in found.entries
    ]
    context.question.trail.saw("entry", [_id(one, reader.origin) for one in found.entries])
    for log in everywhere.logs:
        if log.state != LogState.READ.name:
            error = error_of(_unavailable(log), path)
            context.question.errors.append(error)
    return AccessEntryConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=found.more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=sealed(found.places) if edges or found.more else None,
        ),
        regions=region_answers(context.question, report),
        logs=[_log_answer(one) for one in everywhere.logs],
        regions_silent=everywhere.silent,  # type: ignore[arg-type]  # scalars are text
        counting=lambda: reader.count(chosen),
    )


async def signed_now(context: Context, origin: str | None) -> Checkpoint:
    """The newest checkpoint of a log. Raises Forbidden, InvalidInput, AccessLogError."""
    _, reader = _auditor(context, "accessLogCheckpoint")
    return _checkpoint(await reader.checkpoint(origin or ""))


async def prove_entry(
    context: Context, index: int, size: int | None, origin: str | None
) -> InclusionProof:
    """That an entry is in a log. Raises Forbidden, InvalidInput, AccessLogError."""
    _, reader = _auditor(context, "accessLogProof")
    found = await reader.prove(index, size, origin or "")
    return InclusionProof(
        index=index,
        size=found.size,
        leaf=_text(found.leaf),
        hashes=[_text(one) for one in found.hashes],
        root=_text(found.roots[0]),
        checkpoint=_checkpoint(found.checkpoint) if found.checkpoint else None,
    )


async def prove_growth(
    context: Context, start: int, end: int, origin: str | None
) -> ConsistencyProof:
    """That a log only grew. Raises Forbidden, InvalidInput, AccessLogError."""
    _, reader = _auditor(context, "accessLogConsistency")
    found = await reader.prove_growth(start, end, origin or "")
    return ConsistencyProof(
        start=start,
        end=end,
        hashes=[_text(one) for one in found.hashes],
        from_root=_text(found.roots[0]),
        to_root=_text(found.roots[1]),
    )


def wanted_of(given: dict[str, Any], viewer: Viewer, commitments: tuple[str, ...] | None) -> Wanted:
    """A filter (as of `plain`) as a value, within the auditor's scope. Raises InvalidInput."""
    for name, value in given.items():
        if isinstance(value, list) and len(value) > _MOST_VALUES:
            raise TooLarge(f"{name} has more than {_MOST_VALUES} values", argument="filter")
    for role in given.get("role") or ():
        if role not in Role.__members__:
            raise InvalidInput(
                "there is no such role", hint=f"one of {', '.join(Role.__members__)}"
            )
    items, codes = given.get("item"), given.get("region")
    fields = None
    if items is not None:
        fields = tuple(
            f"{owner}.{name}" for (owner, name), item in private_fields().items() if item in items
        )
    at = given.get("at") or {}
    return Wanted(
        scope=viewer.prefix,
        unit=given.get("unit"),
        roles=_tuple(given.get("role")),
        commitments=commitments,
        regions=None if codes is None else tuple(code_prefix(code) for code in codes),
        fields=fields,
        results=_tuple(given.get("result")),
        since=at.get("from"),
        until=at.get("to"),
        **{name: given.get(name) for name in _PLAIN},
    )


async def _commitments(
    context: Context, person: str | None, path: str, report: Report
) -> tuple[str, ...] | None:
    if person is None:
        return None
    made = context.answering.commitments
    found = await records_of(context.question, person_number(person), path, report)
    if sum(map(len, found.values())) > _MOST_RECORDS:
        raise TooLarge("this person has too many records to look for at once")
    if made is None:
        return ()
    return tuple(made.one(kind, number) for kind, ids in found.items() for number in ids)


def _auditor(context: Context, field: str) -> tuple[Viewer, LogReader]:
    viewer = context.signed_in()
    require(viewer, field)
    reader = context.answering.log_reader
    if reader is None:
        raise StoreError("this gateway has no access log")
    return viewer, reader


def _id(one: Placed, own: str) -> int | str:
    """What the log calls an entry that was shown: its number, of another log with its origin."""
    return one.number if one.origin == own else f"{one.origin}#{one.number}"


def _unavailable(log: LogStatus) -> LogUnavailable:
    why = {
        "BEHIND": "was not read to its end",
        "OTHER_KEY": "names records by another key: nobody is found in it",
    }.get(log.state, "was not read")
    error = LogUnavailable(
        f"The access log {log.origin} {why}: entries may be missing.",
        hint="`others` of [access_log] says where other logs are: docs/access-log.md",
    )
    error.details["origin"] = log.origin
    error.details["state"] = log.state
    return error


def _log_answer(log: LogStatus) -> LogAnswer:
    return LogAnswer(
        origin=log.origin,
        state=LogState[log.state],
        first=log.first,
        last=log.last,
        newest=log.newest,  # type: ignore[arg-type]  # scalars are text
    )


def _checkpoint(found: Signed) -> Checkpoint:
    return Checkpoint(
        origin=found.origin,
        size=found.size,
        root=_text(found.root),
        at=found.at,  # type: ignore[arg-type]  # scalars are text
        note=found.note,
        key=found.key,
        cosignatures=[
            Cosignature(witness=witness, at=at, line=line)  # type: ignore[arg-type]  # scalars are text
            for witness, at, line in found.cosignatures
        ],
    )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
