"""A file of each day, a line for each message: `signals-2026-11-28.jsonl`.

A message stands in it once, whatever happens: under a lock the file is looked through for its key
before a line is added, half a line of a writer that died is cut off first, and the line is on disk
before anybody says so.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from gateway.messaging.channels import Handing, Outcome, Parcel, Verdict
from gateway.messaging.webhook import body_of
from regions.zones import Zone

__all__ = ["Folder"]


class Folder:
    """The folder of the files, made with the first; days are those of a zone."""

    drops_repeats = True

    def __init__(self, path: Path, zone: Zone) -> None:
        self._path, self._zone = path, zone

    async def send(self, parcel: Parcel, handing: Handing) -> Outcome:
        """Writes its line."""
        await handing()
        try:
            await asyncio.to_thread(self._write, parcel)
        except OSError:
            return Outcome(Verdict.NOT_NOW, "NOT_WRITTEN")
        return Outcome(Verdict.ACCEPTED, "WRITTEN")

    async def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, parcel: Parcel) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        # Of the day it was due: a repeat looks into the same file.
        path = self._path / f"signals-{self._zone.day(parcel.due_at)}.jsonl"
        new = not path.exists()
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            name, end = f'"id":"{parcel.key}"'.encode(), 0
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if name in line:
                    return
                end += len(line)
            file.truncate(end)
            file.seek(end)
            file.write(body_of(parcel) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
