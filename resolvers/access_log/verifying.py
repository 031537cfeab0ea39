"""Verifying: whether entries, tiles and signatures of a log are what was signed, and if not, where.

Everything is computed anew from what the log (or a bundle of it) holds, with nothing but public
keys: the hash of each entry against its tile, each tile against the one above it, the top against
the signed root, the signed root against an older one. Pure: a `Source` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from regions.errors import NoteInvalid
from resolvers.access_log.findings import Report, numbers
from resolvers.access_log.merkle import leaf_hash
from resolvers.access_log.notes import (
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    verify_cosignature,
)
from resolvers.access_log.source_tiles import Source, SourceTiles
from resolvers.access_log.tiles import HASH, HEIGHT, WIDTH, folded

__all__ = ["Source", "Verifier", "verify"]


def verify(
    source: Source,
    keys: Sequence[VerifierKey],
    *,
    since: str | None = None,
    witnesses: Sequence[VerifierKey] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """What a source holds, against the signatures of `keys`.

    `since` is the note of an older checkpoint out of which it must have grown; each of `witnesses`
    must have cosigned. `progress` hears of entries done and of all.
    """
    return Verifier(source, keys, progress).report(since, witnesses)


class Verifier:
    """One verification."""

    def __init__(
        self,
        source: Source,
        keys: Sequence[VerifierKey],
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._source, self._keys, self._progress = source, keys, progress
        self._report = Report()
        self._size = 0
        self._tiles = SourceTiles(source, 0, self._report)
        self._changed: set[int] = set()  # tiles of level 0 that were told of

    def report(self, since: str | None, witnesses: Sequence[VerifierKey]) -> Report:
        """Verifies everything."""
        report = self._report
        signed = self._opened("the checkpoint", self._source.note)
        if signed is None:
            return report
        report.checkpoint, self._size = signed, signed.size
        self._tiles = SourceTiles(self._source, signed.size, report)
        first, last = self._source.first, min(signed.size, self._source.last or signed.size)
        if first or last < signed.size:
            report.part = first, last
        self._check_witnesses(witnesses)
        self._check_entries()
        self._check_tiles()
        self._check_root("the checkpoint", signed)
        self._check_kept(signed)
        if since is not None:
            self._check_since(since, signed)
        return report

    def _opened(self, what: str, note: str) -> Checkpoint | None:
        try:
            opened = open_checkpoint(note, self._keys)
        except NoteInvalid as error:
            self._report.add("NOTE_INVALID", f"{what}: {error.message}")
            return None
        self._report.key = self._report.key or opened.signers[0].name
        if opened.checkpoint.origin != opened.signers[0].name:
            self._report.add(
                "NOTE_INVALID",
                f"{what} is of {opened.checkpoint.origin}, signed as {opened.signers[0].name}",
            )
            return None
        return opened.checkpoint

    def _check_witnesses(self, witnesses: Sequence[VerifierKey]) -> None:
        """The newest checkpoint that each of them cosigned: the log grows faster than they come."""
        notes = [self._source.note, *reversed(self._source.notes)] if witnesses else []
        for witness in witnesses:
            for note in notes:
                if f"\N{EM DASH} {witness.name} " not in note:
                    continue
                try:
                    at = verify_cosignature(note, witness)
                except NoteInvalid as error:
                    self._report.add("WITNESS", error.message)
                    break
                size = int(note.split("\n", 2)[1])
                instant = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                self._report.witnesses.append((witness.name, instant, size))
                break
            else:
                self._report.add(
                    "WITNESS", f"{witness.name} has cosigned no checkpoint that is kept"
                )

    def _check_entries(self) -> None:
        size = self._size
        last = size if self._source.last is None else min(size, self._source.last)
        for tile in range(self._source.first // WIDTH, -(-last // WIDTH)):
            first = tile * WIDTH
            width = min(WIDTH, size - first)
            self._check_bundle(tile, first, width)
            if self._progress is not None:
                self._progress(min(first + width, last) - self._source.first, last)

    def _check_bundle(self, tile: int, first: int, width: int) -> None:
        report = self._report
        hashes = self._tiles.tile(0, tile)
        entries = self._source.bundle(tile, width)
        if entries is None:
            what = numbers(first, first + width)
            report.add("ENTRY_MISSING", f"{what} are missing", index=first, tile=(0, tile))
            return
        report.entries += min(len(entries), width)
        if len(entries) != width:
            at = first + min(len(entries), width)
            what = (
                f"{numbers(at, first + width)} missing"
                if len(entries) < width
                else f"there are {len(entries)} entries where {width} were signed"
            )
            report.add("ENTRY_MISSING", what, index=at, tile=(0, tile))
        if hashes is None:
            return
        found = [leaf_hash(entry) for entry in entries[:width]]
        if b"".join(found) == hashes:
            return
        told = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
        wrong = [n for n, one in enumerate(found) if n >= len(told) or one != told[n]]
        above = self._tiles.above(0, tile) if width == WIDTH else None
        if above is not None and len(found) == WIDTH and folded(b"".join(found)) == above:
            self._changed.add(tile)
            report.add(
                "TILE_CHANGED",
                f"tile 0/{tile} was changed; its {numbers(first, first + width)} are as signed",
                index=first + wrong[0],
                tile=(0, tile),
            )
            return
        moved = {one: n for n, one in enumerate(told)}
        for n in wrong:
            index = first + n
            text = f"entry {index + 1} (index {index}) is not the one that was signed"
            if found[n] in moved:
                other = first + moved[found[n]]
                text = f"entry {index + 1} (index {index}) was entry {other + 1} when it was signed"
            report.add("ENTRY_CHANGED", text, index=index, tile=(0, tile))

    def _check_tiles(self) -> None:
        """Each full tile against its place in the one above it."""
        size, level = self._size, 0
        last = self._size if self._source.last is None else min(size, self._source.last)
        while count := size >> HEIGHT * (level + 1):
            tiles: Iterable[int] = range(count)
            if level == 0:
                tiles = range(self._source.hashed // WIDTH, min(count, -(-last // WIDTH)))
            for tile in tiles:
                row, above = self._tiles.tile(level, tile), self._tiles.above(level, tile)
                if row is None or above is None or (level == 0 and tile in self._changed):
                    continue
                if folded(row) != above:
                    first = tile << HEIGHT * (level + 1)
                    what = numbers(first, min(size, first + (WIDTH << HEIGHT * level)))
                    self._report.add(
                        "TILE_CHANGED",
                        f"tile {level}/{tile} over {what} does not lead to the tile above it: "
                        "one of the two was changed",
                        index=first,
                        tile=(level, tile),
                    )
            level += 1

    def _check_root(self, what: str, signed: Checkpoint) -> bool:
        root = self._tiles.root_at(signed.size)
        if root is None or root == signed.root:
            return root is not None
        self._report.add(
            "ROOT",
            f"{what} signs another root over its {signed.size:,} entries than their hashes have"
            + self._since_when(signed),
        )
        return False

    def _since_when(self, signed: Checkpoint) -> str:
        """Which of the kept checkpoints still holds: what was changed lies behind it."""
        good, bad = 0, signed.size
        for note in self._source.notes:
            try:
                kept = open_checkpoint(note, self._keys).checkpoint
            except NoteInvalid:
                continue
            if kept.size >= bad:
                continue
            if self._tiles.root_at(kept.size) == kept.root:
                good = max(good, kept.size)
            else:
                bad = kept.size
        if not self._source.notes:
            return ""
        return f"; of the checkpoints kept, the first {good:,} entries agree, {bad:,} do not"

    def _check_kept(self, newest: Checkpoint) -> None:
        """Older checkpoints that are kept with the log: each is a beginning of it."""
        for note in self._source.notes:
            kept = self._opened("a checkpoint that is kept", note)
            if kept is None:
                continue
            if kept.origin != newest.origin or kept.size > newest.size:
                self._report.add(
                    "ROLLBACK",
                    f"a checkpoint that is kept signs {kept.size:,} entries of {kept.origin}; the "
                    f"newest signs {newest.size:,} of {newest.origin}",
                    index=newest.size,
                )
            elif (root := self._tiles.root_at(kept.size)) is not None:
                if root != kept.root:
                    self._report.add(
                        "ROOT",
                        f"the first {kept.size:,} entries are not those that checkpoint signed",
                    )
                    return  # so are all behind it
                self._report.kept += 1

    def _check_since(self, note: str, newest: Checkpoint) -> None:
        old = self._opened("the older checkpoint", note)
        if old is None:
            return
        self._report.since = old
        if old.origin != newest.origin:
            self._report.add(
                "OTHER_LOG", f"the older checkpoint is of {old.origin}, this of {newest.origin}"
            )
        elif old.size > newest.size:
            self._report.add(
                "ROLLBACK",
                f"the log was rolled back: the older checkpoint has {old.size:,} entries, this one "
                f"{newest.size:,}; {numbers(newest.size, old.size)} are gone",
                index=newest.size,
            )
        elif (root := self._tiles.root_at(old.size)) is None:
            self._report.add(
                "TILE_MISSING",
                f"whether the older checkpoint of {old.size:,} entries is a beginning of it cannot "
                "be told: this part of the log has not the tiles for it",
            )
        elif root != old.root:
            self._report.add(
                "FORK",
                f"the log was forked: its first {old.size:,} entries are not those of the older "
                "checkpoint, though both are signed",
            )
