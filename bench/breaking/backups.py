"""A region of a fleet that is put back from an older backup, in either way an operator has."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.breaking.fleet import Fleet
from bench.breaking.gateways import command

__all__ = ["Backup"]

_Holds = Callable[[int, int], bool]

_FENCES = "SELECT count(*), count(*) - count(mended_at) FROM store_fences"


class Backup:
    """The backup of one region."""

    def __init__(self, fleet: Fleet, region: str, folder: Path) -> None:
        self.region = region
        self._fleet, self._folder = fleet, folder
        self._file, self._kept = fleet.files[region], folder / "backup.db"

    def take(self) -> None:
        """Copies the store as it is at this instant."""
        with (
            self._fleet.stopped(),
            closing(sqlite3.connect(self._file, timeout=30)) as store,
        ):
            store.execute("VACUUM INTO ?", (str(self._kept),))

    def lost(self) -> int:
        """How many messages, sent or received, putting it back loses."""
        return len(_messages(self._file) - _messages(self._kept))

    def put_back(self, *, in_place: bool) -> None:
        """In place, when nobody has the file open; else as a file of its own, while gateways serve
        (they stand still meanwhile, since a log without its file would be taken for the new one's).
        """
        with self._fleet.stopped():
            for behind in ("-wal", "-shm"):
                self._file.with_name(self._file.name + behind).unlink(missing_ok=True)
            if in_place:
                shutil.copyfile(self._kept, self._file)
            else:
                other = self._kept.with_suffix(".new")
                shutil.copyfile(self._kept, other)
                os.replace(other, self._file)

    def check(self) -> list[str]:
        """The kinds of findings that `custody check` has, as an operator runs it."""
        config = self._fleet.gateways[0].folder / "config.toml"
        code, said = command(config, self._folder / "said", "custody", "check", "--json")
        if code not in (0, 1):
            raise RuntimeError(f"custody check: {said[-2000:]}")
        return sorted({one["kind"] for one in json.loads(said)["findings"]})

    async def fenced(self, seconds: float) -> bool:
        """Whether it is found and fenced within so many seconds."""
        return await self._becomes(seconds, lambda found, _: found > 0)

    async def mended(self, seconds: float) -> bool:
        """Whether no fence stands any more within so many seconds."""
        return await self._becomes(seconds, lambda _, standing: standing == 0)

    async def _becomes(self, seconds: float, holds: _Holds) -> bool:
        until = time.monotonic() + seconds
        while True:
            with closing(sqlite3.connect(self._file, timeout=30)) as store:
                found, standing = store.execute(_FENCES).fetchone()
            if holds(found, standing):
                return True
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.05)


def _messages(file: Path) -> set[tuple[str, str]]:
    """The messages that a store sent or received."""
    with closing(sqlite3.connect(file)) as store:
        rows = store.execute(
            "SELECT '', id FROM post_outbox UNION ALL SELECT from_region, id FROM post_inbox"
        )
        return {(row[0], row[1]) for row in rows}
