"""Reading from all regions at once, whatever kind of store each has."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import cast

from regions.file_reading import FileReaders
from regions.postgres_reading import PostgresReaders
from regions.reads import Answer, Failure, Read
from regions.settings import RegionSettings
from regions.store_files import StoreFile

__all__ = ["Answer", "Failure", "Read", "Readers"]


class Readers:
    """All regions' read connections of one worker process. Use from one event loop only.

    `bulkhead` is how many statements may run at once in one region's SQLite file.
    """

    def __init__(self, regions: Sequence[RegionSettings], *, bulkhead: int = 2) -> None:
        self._files = {
            i: StoreFile(region) for i, region in enumerate(regions) if region.path is not None
        }
        self._versions: tuple[int, ...] | None = None
        self._looked = False
        self._only_files = len(self._files) == len(regions)
        self._file_readers = FileReaders(self._files, bulkhead=bulkhead)
        self._postgres = PostgresReaders(
            {i: region for i, region in enumerate(regions) if region.path is None}
        )

    def versions(self) -> tuple[int, ...] | None:
        """A number for each region that changes when its store does; None where one has none.

        SQLite tells by `PRAGMA data_version` whether any other connection has committed.
        """
        if not self._only_files:
            return None
        if self._looked:
            return self._versions
        try:
            self._versions = tuple([file.version() for file in self._files.values()])
        except (Failure, sqlite3.Error):
            self._versions = None
        # What the loop has at hand in this turn had arrived before this look, and shares it.
        self._looked = True
        asyncio.get_running_loop().call_soon(self._look_again)
        return self._versions

    def _look_again(self) -> None:
        self._looked = False

    async def ask(
        self,
        reads: Sequence[Read],
        seconds: float | Sequence[float],
        answers: list[Answer | None] | None = None,
    ) -> list[Answer]:
        """Answers in the order of the reads, each after `seconds`, or its own, at the latest.

        `answers`, if given, is a list of their number, filled as they come.
        """
        answers = [None] * len(reads) if answers is None else answers
        if self._only_files:
            return await self._file_readers.ask(reads, seconds, answers)
        local = [i for i, read in enumerate(reads) if read.region in self._files]

        def patience(i: int) -> float:
            return seconds if isinstance(seconds, (int, float)) else seconds[i]

        async def ask_files() -> None:
            those, times = [reads[i] for i in local], [patience(i) for i in local]
            await self._file_readers.ask(those, times, answers, local)

        async def ask_postgres(i: int) -> None:
            answers[i] = await self._postgres.ask(reads[i], patience(i))

        remote = set(range(len(reads))).difference(local)
        await asyncio.gather(ask_files(), *(ask_postgres(i) for i in remote))
        return cast("list[Answer]", answers)

    async def close(self) -> None:
        """Ends the threads and closes every connection."""
        await self._file_readers.close()
        await self._postgres.close()
