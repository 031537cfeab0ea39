"""Records by id, and what the regions are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regions.errors import InvalidInput
from regions.ids import region_of
from regions.reading import Read
from resolvers.catalog import Record, record_of_kind
from resolvers.context import Context
from resolvers.federation import state_of
from resolvers.questions.moved import STAYING, places_of
from resolvers.questions.ordinary import region_type
from resolvers.rights import holds
from schema.nodes import Region

__all__ = ["by_global_ids", "parse_id", "regions_now"]

_NODES = frozenset(
    {
        *("Person", "Case", "Contact", "Visit", "Sample", "Signal"),
        *("AssistRequest", "AssistPerson", "AssistAttachment", "SignalAttachment"),
    }
)
_BY_RIGHT = {"Signal": "signals", "SignalAttachment": "signals"}
"""Records that not all who open records may open: the root field whose right they need."""

_MOST = 1000


def parse_id(text: str) -> tuple[Record | None, int]:
    """Type and number of a global id; (None, 0) where it is none of ours."""
    kind, _, tail = text.partition(":")
    if not (tail.isascii() and tail.isdecimal()) or len(tail) > 19:
        return None, 0
    record = record_of_kind(kind)
    number = int(tail)
    if record is None or record.name not in _NODES or number >= 1 << 63:
        return None, 0
    return record, number


async def by_global_ids(context: Context, ids: Sequence[str], path: str) -> list[Any]:
    """The records in the order asked; None where there is none that the viewer may open."""
    viewer = context.opens_records().viewer
    if len(ids) > _MOST:
        raise InvalidInput(f"at most {_MOST} ids at once", argument="ids")
    parsed = [parse_id(text) for text in ids]
    wanted: dict[str, dict[int, None]] = {}
    for record, number in parsed:
        if record is not None and holds(viewer, _BY_RIGHT.get(record.name, "nodes")):
            wanted.setdefault(record.name, {})[number] = None
    found: dict[tuple[str, int], Any] = {}
    index_of = context.answering.federation.index_of
    for name, numbers in wanted.items():
        if name in STAYING:
            there = await context.records.of_ids(name, numbers, path)
            found |= {(name, number): one for number, one in there.items()}
            continue
        keys = places_of(context.question, numbers)
        for number in numbers:  # a share may open it there
            if (region := index_of.get(region_of(number))) is not None:
                keys.setdefault(region, {})[number] = None
        for (_, number), one in (await context.records.shared(name, keys, path)).items():
            found[(name, number)] = one
    return [
        found.get((record.name, number)) if record is not None else None
        for record, number in parsed
    ]


async def regions_now(context: Context) -> list[Region]:
    """Every region and whether it answers at this moment."""
    context.signed_in()
    federation = context.answering.federation
    reads = [Read(region, "SELECT 1", ()) for region in federation.everyone]
    answers = await federation.ask(reads)
    return [
        region_type(
            context.answering.reference,
            settings.code,
            "ANSWERED" if answer.failure is None else state_of(answer.failure),
        )
        for settings, answer in zip(federation.regions, answers, strict=True)
    ]
