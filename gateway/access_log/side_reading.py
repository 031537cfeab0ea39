"""A region's own side of the logs, read back from its store and held against them (G5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from regions.access_log import log_sides, witness
from regions.engines import READS, make_engine
from regions.errors import EpigateError, NoteInvalid, RegionUnavailable
from regions.settings import RegionSettings
from resolvers.access_log.merkle import Frontier, inclusion_proof, leaf_hash, verify_inclusion
from resolvers.access_log.notes import VerifierKey, open_checkpoint
from resolvers.access_log.sides import regions_of, unpack_side
from resolvers.access_log.tiles import HEIGHT, WIDTH, hashes_in
from resolvers.access_log.verifying import Source

__all__ = ["KeptSide", "Side", "check_side", "read_sides"]


@dataclass(frozen=True, slots=True)
class KeptSide:
    """What a region's store has of one log: rows of its side, and of its witness."""

    region: str
    origin: str
    parts: Sequence[Row[Any]]
    witness: Row[Any] | None


@dataclass(slots=True)
class Side:
    """A side's entries with their numbers, what is wrong with it, and what could not be checked."""

    origin: str
    entries: list[tuple[int, bytes]] = field(default_factory=list)
    seen: int = 0  # entries of the log that the region witnessed
    proven: bool = False  # whether every entry was held against the log
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


async def read_sides(region: RegionSettings) -> list[KeptSide]:
    """What a region's store has of each log, by origin. Raises RegionUnavailable."""

    def read(connection: Connection) -> list[KeptSide]:
        parts = connection.execute(
            select(log_sides).order_by(log_sides.c.origin, log_sides.c.first)
        ).all()
        seen = {row.origin: row for row in connection.execute(select(witness))}
        return [
            KeptSide(region.code, one, [row for row in parts if row.origin == one], seen.get(one))
            for one in sorted({*seen, *(row.origin for row in parts)})
        ]

    away = RegionUnavailable(f"the store {region.code} does not answer", store=region.code)
    if region.path is not None and not region.path.exists():
        raise away
    engine = make_engine(region, pool_size=1)
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(**{READS: True})
            return await connection.run_sync(read)
    except (OSError, SQLAlchemyError):
        raise away from None
    finally:
        await engine.dispose()


def check_side(kept: KeptSide, key: VerifierKey | None, source: Source | None) -> Side:
    """The entries of a side, checked as far as can be: its parts; the checkpoint that the region
    witnessed, by the log's public `key`; and, where the log or a bundle of it is at hand, that each
    entry is in the tree of that checkpoint, and that none which concerns the region is missing.
    """
    side = Side(kept.origin)
    _unpack(kept, side)
    row = kept.witness
    if row is None:
        side.remarks.append("the region has witnessed nothing of this log")
        return side
    side.seen = row.size
    if key is None:
        side.remarks.append("no public key of this log is known: its signature is not checked")
    else:
        try:
            signed = open_checkpoint(row.note, [key]).checkpoint
            if (signed.size, signed.root.hex()) != (row.size, row.root):
                side.problems.append("what the region witnessed is not what was signed")
        except NoteInvalid as error:
            side.problems.append(f"what the region witnessed: {error.message}")
    if source is None:
        side.remarks.append("not held against the log, which cannot be read here")
        return side
    try:
        _prove(kept, side, source)
    except (EpigateError, ValueError) as error:
        side.remarks.append(f"not held against the log: {error}")
    return side


def _unpack(kept: KeptSide, side: Side) -> None:
    behind = 0
    for part in kept.parts:
        name = f"the part of entries {part.first} to {part.last}"
        try:
            entries = list(unpack_side(bytes(part.entries)))
        except ValueError:
            side.problems.append(f"{name} is damaged")
            continue
        numbers = [number for number, _ in entries]
        rising = numbers == sorted(set(numbers))
        if part.first <= behind or not rising or not _within(numbers, part.first, part.last):
            side.problems.append(f"{name} has others, or some twice")
        behind = part.last
        side.problems += [
            f"entry {number} does not concern the region"
            for number, raw in entries
            if kept.region not in regions_of(raw)
        ]
        side.entries += entries


def _within(numbers: Sequence[int], first: int, last: int) -> bool:
    return not numbers or (numbers[0] >= first and numbers[-1] <= last)


def _prove(kept: KeptSide, side: Side, source: Source) -> None:
    """Raises ValueError, EpigateError where the source lacks what that takes."""
    assert kept.witness is not None
    seen, root = kept.witness.size, bytes.fromhex(kept.witness.root)
    size = int(source.note.splitlines()[1])
    if size < seen:
        raise ValueError(f"the region has seen {seen:,} entries, this has {size:,}")

    def tile_at(level: int, index: int) -> bytes:
        tile = source.tile(level, index, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))
        if tile is None:
            raise ValueError(f"tile {level}/{index} is not there")
        return tile

    hash_at = hashes_in(tile_at)
    if Frontier.at(seen, hash_at).root() != root:
        side.problems.append("the log did not grow out of what the region has seen")
        return
    held = set()
    for number, raw in side.entries:
        held.add(number)
        if number > seen:
            continue  # of a part behind what was witnessed: the next round's
        proof = inclusion_proof(number - 1, seen, hash_at)
        if not verify_inclusion(leaf_hash(raw), number - 1, seen, proof, root):
            side.problems.append(f"entry {number} is not what the log has")
    for first in range(source.first, seen, WIDTH):
        entries = source.bundle(first // WIDTH, min(WIDTH, size - first)) or []
        side.problems += [
            f"entry {number} concerns the region and is missing"
            for number, raw in enumerate(entries[: seen - first], first + 1)
            if number not in held and kept.region in regions_of(raw)
        ]
    side.proven = True
